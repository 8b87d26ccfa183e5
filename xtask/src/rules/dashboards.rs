use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// What Grafana puts in place of its variables; any will do to see whether the rest can be read.
const VARIABLES: [(&str, &str); 4] =
    [("$__rate_interval", "5m"), ("$__interval", "1m"), ("$__range", "1h"), ("$job", ".*")];

/// What a dashboard asks Prometheus, as Prometheus is asked.
pub(super) fn expressions(file: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(file)?;
    let dashboard: Value = serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
    let mut found = Vec::new();
    collect(&dashboard, &mut found);
    ensure!(!found.is_empty(), "{} asks nothing", file.display());
    for expression in &mut found {
        for (variable, value) in VARIABLES {
            *expression = expression.replace(variable, value);
        }
        ensure!(!expression.contains('$'), "{}: unknown variable in {expression}", file.display());
    }
    Ok(found)
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| collect(one, found)),
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(text) if name == "expr" => found.push(text.to_owned()),
                    _ => collect(member, found),
                }
            }
        }
        _ => {}
    }
}
