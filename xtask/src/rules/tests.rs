//! Alerts, runbooks, dashboards and the table of metrics say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use yaml_rust2::{Yaml, YamlLoader};

use super::*;

const RUNBOOKS: &str = "docs/operate/runbooks";
const METRICS: &str = "docs/operate/metrics.md";

fn home() -> PathBuf {
    workspace_dir().unwrap()
}

fn yaml(file: &Path) -> Yaml {
    YamlLoader::load_from_str(&fs::read_to_string(file).unwrap()).unwrap().remove(0)
}

fn text(value: &Yaml) -> &str {
    value.as_str().unwrap_or_default()
}

fn rules() -> Vec<Yaml> {
    let files = files(&home().join(PROMETHEUS).join("rules"), "yml").unwrap();
    let all = files.iter().flat_map(|file| yaml(file)["groups"].as_vec().unwrap().clone());
    all.flat_map(|group| group["rules"].as_vec().unwrap().clone()).collect()
}

fn alerts() -> BTreeMap<String, Yaml> {
    let named = rules().into_iter().filter_map(|rule| Some((rule["alert"].as_str()?.to_owned(), rule)));
    named.collect()
}

/// Words of the language that are no metrics wherever they stand.
const WORDS: [&str; 8] = ["and", "or", "unless", "bool", "offset", "Inf", "NaN", "atan2"];
/// After these a list of labels follows.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Metrics that an expression names, which `promtool` has found to be one: words that are neither labels nor functions nor
/// of the language.
fn metrics(expression: &str) -> BTreeSet<String> {
    let (mut found, mut rest) = (BTreeSet::new(), expression);
    while let Some(start) = rest.find(|c: char| !c.is_whitespace()) {
        rest = &rest[start..];
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
        if end == 0 {
            rest = match &rest[..1] {
                // Conditions on labels, with texts in them, and ranges.
                "{" => beyond(rest, '}'),
                "[" => beyond(rest, ']'),
                "\"" => beyond(&rest[1..], '"'),
                _ => &rest[1..],
            };
            continue;
        }
        let (name, after) = rest.split_at(end);
        rest = after.trim_start();
        if BEFORE_LABELS.contains(&name) {
            rest = if rest.starts_with('(') { beyond(rest, ')') } else { rest };
        } else if !rest.starts_with('(') && !name.starts_with(|c: char| c.is_ascii_digit()) && !WORDS.contains(&name) {
            // `sum by (…) (…)` is a function too.
            let aggregates = BEFORE_LABELS.iter().any(|word| rest.starts_with(&format!("{word} ")));
            if !(aggregates && ["sum", "max", "min", "count", "avg", "topk"].contains(&name)) {
                found.insert(name.to_owned());
            }
        }
    }
    assert!(!found.is_empty(), "{expression} names no metric");
    found
}

/// What follows the first of these that is not within a text.
fn beyond(text: &str, end: char) -> &str {
    let mut quoted = false;
    let found = text.char_indices().find(|(at, c)| {
        if *c == '"' && end != '"' && !text[..*at].ends_with('\\') {
            quoted = !quoted;
        }
        *c == end && !quoted
    });
    found.map_or("", |(at, c)| &text[at + c.len_utf8()..])
}

/// Every series of the table, which a test of the real programs holds to what they expose (`e2e/tests/metrics.rs`).
fn exposed() -> BTreeSet<String> {
    let page = fs::read_to_string(home().join(METRICS)).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|row| {
        let (name, rest) = row.split_once('`')?;
        Some((name.to_owned(), rest.split('|').nth(1)?.trim().to_owned()))
    });
    let series = rows.flat_map(|(name, kind)| match kind.as_str() {
        "histogram" => ["_bucket", "_count", "_sum"].map(|end| format!("{name}{end}")).to_vec(),
        "counter" | "gauge" => vec![name],
        other => panic!("{name}: {other}"),
    });
    series.collect()
}

#[test]
fn every_alert_has_a_page_a_severity_and_a_summary_and_every_page_an_alert() {
    let alerts = alerts();
    assert!(alerts.len() > 15, "{}", alerts.len());
    for (name, rule) in &alerts {
        let annotations = &rule["annotations"];
        assert_eq!(text(&annotations["runbook_url"]), format!("{RUNBOOKS}/{name}.md"));
        assert!(["page", "ticket"].contains(&text(&rule["labels"]["severity"])), "{name}");
        assert!(!text(&annotations["summary"]).is_empty(), "{name}");
    }
    let pages: BTreeSet<_> = files(&home().join(RUNBOOKS), "md").unwrap().into_iter().collect();
    let wanted: BTreeSet<_> = alerts.keys().map(|name| home().join(RUNBOOKS).join(format!("{name}.md"))).collect();
    let index = home().join(RUNBOOKS).join("README.md");
    assert_eq!(pages.iter().filter(|page| **page != index).collect::<BTreeSet<_>>(), wanted.iter().collect());
    let listed = fs::read_to_string(index).unwrap();
    for (name, rule) in &alerts {
        assert!(listed.contains(&format!("| [{name}]({name}.md) | {} |", text(&rule["labels"]["severity"]))), "{name}");
        let page = fs::read_to_string(home().join(RUNBOOKS).join(format!("{name}.md"))).unwrap();
        assert!(page.starts_with(&format!("# {name}\n")), "{name}");
        for part in ["## What it means", "## See more", "## Mend it", "## Wake somebody"] {
            assert!(page.contains(&format!("\n{part}\n")), "{name}: {part}");
        }
    }
}

#[test]
fn every_alert_has_a_case_that_fires_and_one_that_does_not() {
    let (mut fires, mut keeps_quiet) = (BTreeSet::new(), BTreeSet::new());
    for file in files(&home().join(PROMETHEUS).join("tests"), "yml").unwrap() {
        for test in yaml(&file)["tests"].as_vec().unwrap() {
            for case in test["alert_rule_test"].as_vec().unwrap() {
                let alert = text(&case["alertname"]).to_owned();
                let expected = case["exp_alerts"].as_vec().unwrap();
                if expected.is_empty() {
                    keeps_quiet.insert(alert)
                } else {
                    fires.insert(alert)
                };
            }
        }
    }
    let all: BTreeSet<_> = alerts().into_keys().collect();
    assert_eq!(fires, all);
    assert_eq!(keeps_quiet, all);
}

#[test]
fn rules_and_dashboards_name_only_what_the_programs_expose() {
    let (exposed, rules) = (exposed(), rules());
    let recorded: BTreeSet<_> = rules.iter().filter_map(|rule| rule["record"].as_str()).collect();
    let mut asked: Vec<(String, String)> =
        rules.iter().map(|rule| ("a rule".to_owned(), text(&rule["expr"]).to_owned())).collect();
    for file in files(&home().join(DASHBOARDS), "json").unwrap() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        asked.extend(dashboards::expressions(&file).unwrap().into_iter().map(|expression| (name.clone(), expression)));
    }
    for (place, expression) in asked {
        for metric in metrics(&expression) {
            assert!(
                exposed.contains(&metric) || recorded.contains(metric.as_str()),
                "{place}: nobody exposes {metric}: {expression}"
            );
        }
    }
}

#[test]
fn dashboards_let_choose_where_they_ask() {
    let mut titles = BTreeSet::new();
    for file in files(&home().join(DASHBOARDS), "json").unwrap() {
        let dashboard: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        assert!(variables.iter().any(|variable| variable["type"] == "datasource"), "{}", file.display());
        for panel in dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row") {
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}: {}", file.display(), panel["title"]);
        }
        assert!(titles.insert(dashboard["uid"].as_str().unwrap().to_owned()), "two dashboards with one uid");
    }
    assert_eq!(titles.len(), 5, "{titles:?}");
}

#[test]
fn a_metric_is_found_wherever_an_expression_names_it() {
    for (expression, expected) in [
        ("sum by (a) (rate(b{c=\"}d(\",e=~\"f|g\"}[5m] offset 1h)) / on (h) -max(i) > 2", &["b", "i"][..]),
        (
            "histogram_quantile(0.9, (j)) or k:l:rate5m unless on () m{n=\"o\"} offset 10m > 1e3",
            &["j", "k:l:rate5m", "m"],
        ),
        ("max without (p) (q) and ignoring (r) s * group_left (t) u", &["q", "s", "u"]),
    ] {
        assert_eq!(metrics(expression).iter().map(String::as_str).collect::<Vec<_>>(), expected, "{expression}");
    }
}
