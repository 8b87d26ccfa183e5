//! What people read and deploy names the variables that the programs read.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use muster_bootstrap::Config;

/// Read by the command line, not by `api` and `worker`.
const OTHERS: [&str; 3] = ["ADMIN_DATABASE_URL", "API_URL", "TENANT_TOKEN"];

fn variables() -> BTreeSet<String> {
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&asked);
    let _ = Config::from_variables(move |name| {
        seen.lock().unwrap().insert(name.to_owned());
        None
    });
    let names = asked.lock().unwrap();
    names.iter().filter(|name| !name.ends_with("_FILE")).cloned().collect()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap()
}

#[test]
fn every_variable_is_documented() {
    let text = read("docs/operate/configuration.md");
    for name in variables() {
        assert!(text.contains(&format!("`{name}`")), "{name} is not in docs/operate/configuration.md");
    }
}

#[test]
fn the_compose_file_sets_only_variables_that_are_read() {
    let known = variables();
    let text = read("docker-compose.yml");
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().split_once(": ").map(|(name, _)| name))
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        // Of the images of others.
        .filter(|name| !["POSTGRES_", "MUSTER_", "MP_"].iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(known.contains(name) || OTHERS.contains(&name), "nobody reads {name}");
    }
}
