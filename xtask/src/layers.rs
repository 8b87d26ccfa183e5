//! `layers`: the dependency rule of `ARCHITECTURE.md`, checked against `cargo metadata`.

use anyhow::{Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};
use muster_testkit::provision::workspace_dir;

/// Which of our crates each crate may use. A new edge is a decision: change it here and in the design.
const EDGES: [(&str, &[&str]); 12] = [
    ("muster-domain", &[]),
    ("muster-application", &["muster-domain"]),
    ("muster-workflows", &[]),
    ("muster-activities", &["muster-application", "muster-domain", "muster-workflows"]),
    ("muster-infrastructure", &["muster-application", "muster-domain", "muster-workflows"]),
    ("muster-bootstrap", &["muster-application", "muster-domain", "muster-infrastructure"]),
    ("muster-api", &["muster-application", "muster-domain", "muster-bootstrap"]),
    ("muster-worker", &["muster-activities", "muster-application", "muster-workflows", "muster-bootstrap"]),
    ("muster-cli", &["muster-workflows", "muster-bootstrap"]),
    ("muster-testkit", &["muster-application", "muster-domain"]),
    ("muster-xtask", &["muster-testkit"]),
    ("muster-e2e", &["muster-testkit"]),
];

/// Third-party crates that only some of ours may name; a trailing `*` stands for any ending.
const CONFINED: [(&str, &[&str]); 16] = [
    ("sqlx*", &["muster-infrastructure"]),
    ("redis", &["muster-infrastructure"]),
    ("ring", &["muster-infrastructure"]),
    ("lettre", &["muster-infrastructure"]),
    ("temporalio-client", &["muster-infrastructure", "muster-worker", "muster-cli"]),
    // The command line replays histories; bootstrap names the plugin that carries traces.
    ("temporalio-sdk", &["muster-activities", "muster-bootstrap", "muster-worker", "muster-cli"]),
    ("temporalio-sdk-*", &["muster-activities", "muster-worker", "muster-cli"]),
    ("temporalio-workflow", &["muster-workflows"]),
    ("axum*", &["muster-api"]),
    ("utoipa*", &["muster-api"]),
    ("clap", &["muster-cli", "muster-worker", "muster-xtask"]),
    ("indicatif", &["muster-cli", "muster-xtask"]),
    ("tracing-subscriber", &["muster-bootstrap"]),
    // What is not from outside and not to the outside has no span; where spans go to is settled in one place.
    ("opentelemetry", &["muster-api", "muster-activities", "muster-infrastructure", "muster-bootstrap"]),
    ("opentelemetry*", &["muster-bootstrap", "muster-e2e"]),
    ("prometheus-client", &["muster-bootstrap", "muster-api"]),
];

/// What tests of any crate may use besides.
const FOR_TESTS: [&str; 2] = ["muster-testkit", "muster-domain"];

#[derive(Clone, Debug)]
struct Edge {
    from: String,
    to: String,
    test_only: bool,
}

pub(crate) fn run() -> Result<()> {
    let metadata = MetadataCommand::new().manifest_path(workspace_dir()?.join("Cargo.toml")).no_deps().exec()?;
    let crates: Vec<String> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let edges: Vec<Edge> = metadata
        .packages
        .iter()
        .flat_map(|package| {
            package.dependencies.iter().map(|dependency| Edge {
                from: package.name.to_string(),
                to: dependency.name.clone(),
                test_only: dependency.kind == DependencyKind::Development,
            })
        })
        .collect();
    let wrong = violations(&crates, &edges);
    if wrong.is_empty() {
        println!("layers: {} edges of {} crates are as designed", edges.len(), crates.len());
        return Ok(());
    }
    for line in &wrong {
        eprintln!("layers: {line}");
    }
    bail!("{} dependencies break the dependency rule (xtask/src/layers.rs)", wrong.len())
}

fn violations(crates: &[String], edges: &[Edge]) -> Vec<String> {
    let unknown = crates
        .iter()
        .filter(|name| !EDGES.iter().any(|(known, _)| known == name))
        .map(|name| format!("{name} is not in the table: say there what it may use"));
    let wrong = edges.iter().filter_map(|edge| {
        let Edge { from, to, test_only } = edge;
        if crates.contains(to) {
            let allowed =
                EDGES.iter().find(|(name, _)| name == from).is_some_and(|(_, may)| may.contains(&to.as_str()));
            let for_tests = *test_only && FOR_TESTS.contains(&to.as_str());
            return (!allowed && !for_tests).then(|| format!("{from} must not use {to}"));
        }
        let (name, may) = CONFINED.iter().find(|(pattern, _)| matches(pattern, to))?;
        (!test_only && !may.contains(&from.as_str()))
            .then(|| format!("{from} must not name {to} ({name}: only {})", may.join(", ")))
    });
    unknown.chain(wrong).collect()
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crates() -> Vec<String> {
        EDGES.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    fn edge(from: &str, to: &str, test_only: bool) -> Edge {
        Edge { from: from.to_owned(), to: to.to_owned(), test_only }
    }

    #[test]
    fn designed_edges_pass() {
        let edges = [
            edge("muster-application", "muster-domain", false),
            edge("muster-infrastructure", "sqlx", false),
            edge("muster-infrastructure", "muster-testkit", true),
            edge("muster-domain", "uuid", false),
        ];
        assert_eq!(violations(&crates(), &edges), Vec::<String>::new());
    }

    #[test]
    fn an_edge_against_the_rule_is_named() {
        let edges = [edge("muster-domain", "muster-application", false), edge("muster-api", "muster-testkit", false)];
        assert_eq!(
            violations(&crates(), &edges),
            ["muster-domain must not use muster-application", "muster-api must not use muster-testkit"]
        );
    }

    #[test]
    fn a_confined_crate_is_refused_elsewhere_but_not_in_tests() {
        let edges = [edge("muster-api", "sqlx", false), edge("muster-bootstrap", "temporalio-sdk-core", false)];
        assert_eq!(violations(&crates(), &edges).len(), 2);
        assert_eq!(violations(&crates(), &[edge("muster-application", "redis", true)]), Vec::<String>::new());
    }

    #[test]
    fn a_crate_that_is_not_in_the_table_is_named() {
        let mut crates = crates();
        crates.push("muster-new".to_owned());
        assert_eq!(violations(&crates, &[]), ["muster-new is not in the table: say there what it may use"]);
    }
}
