//! What people read and deploy names the variables that the programs read, with their meanings and defaults.
//! `UPDATE_CONFIG=1 cargo test -p muster-bootstrap --test documents` writes what is made from code.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use muster_bootstrap::Config;
use muster_bootstrap::config::settings::{self, Default, Example, GROUPS, Group, ReadBy, Setting};

const REFERENCE: &str = "docs/operate/configuration.md";
const FILE: &str = "docs/operate/muster.env";
const DATABASE: (&str, &str) = ("DATABASE_URL", "postgres://a@b/c");

/// The variables that `Config` asks for.
fn asked() -> BTreeSet<String> {
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&asked);
    let _ = Config::from_variables(move |name| {
        seen.lock().unwrap().insert(name.to_owned());
        None
    });
    let names = asked.lock().unwrap();
    names.iter().filter(|name| !name.ends_with("_FILE")).cloned().collect()
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

fn examine(vars: &[(&str, &str)]) -> (Config, Vec<String>) {
    let vars: HashMap<String, String> =
        vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::examine(move |name| vars.get(name).cloned())
}

/// Compares a document with what the code says, or writes it.
fn compare(name: &str, right: &str) {
    if std::env::var_os("UPDATE_CONFIG").is_some() {
        std::fs::write(path(name), right).unwrap();
    }
    let text = std::fs::read_to_string(path(name)).unwrap_or_default();
    assert!(text == right, "{name} is not what the code says: run the tests of muster-bootstrap with UPDATE_CONFIG=1");
}

#[test]
fn the_table_has_what_the_reader_reads_and_nothing_else() {
    let names = |wanted: &dyn Fn(ReadBy) -> bool| -> BTreeSet<String> {
        let settings = settings::all().filter(|setting| wanted(setting.read_by));
        settings.flat_map(|setting| [Some(setting.name), setting.other_name]).flatten().map(str::to_owned).collect()
    };
    assert_eq!(names(&|read_by| read_by == ReadBy::Config), asked());
    let all = settings::all().count();
    assert_eq!(settings::all().map(|setting| setting.name).collect::<BTreeSet<_>>().len(), all, "one has two entries");
}

#[test]
fn the_reference_is_what_the_code_says() {
    let mut text = read(REFERENCE);
    for group in GROUPS {
        let begin = format!("<!-- generated: {} -->\n", group.name);
        let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{REFERENCE} has no {begin}"));
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        text = format!("{before}{begin}{}<!-- end -->{after}", table(&group));
    }
    compare(REFERENCE, &text);
}

/// A group as a table in Markdown.
fn table(group: &Group) -> String {
    let has_arguments = group.settings.iter().any(|setting| setting.argument.is_some());
    let mut head = vec!["variable", "meaning", "default", "example"];
    if has_arguments {
        head.insert(1, "argument");
    }
    let rule = vec!["---"; head.len()];
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | ").replace("|  |", "| |"));
    let text = |cells: Vec<&str>| line(cells.into_iter().map(str::to_owned).collect());
    let mut table = text(head) + &text(rule);
    for setting in group.settings {
        let mut cells = vec![code(setting.name), setting.meaning.to_owned(), default(setting), example(setting)];
        if has_arguments {
            cells.insert(1, setting.argument.map(code).unwrap_or_default());
        }
        table.push_str(&line(cells));
    }
    table
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn default(setting: &Setting) -> String {
    let default = match setting.default {
        Default::Required => "required".to_owned(),
        Default::Value(value) => code(value),
        Default::Without(words) => words.to_owned(),
    };
    setting.in_image.map_or(default.clone(), |value| format!("{default} (the image: {})", code(value)))
}

fn example(setting: &Setting) -> String {
    match setting.example {
        Example::Value(value) => code(value),
        Example::Words(words) => words.to_owned(),
    }
}

#[test]
fn the_file_of_defaults_is_what_the_code_says() {
    compare(FILE, &settings::template());
}

#[test]
fn the_defaults_are_those_of_the_code() {
    let (defaults, wrong) = examine(&[DATABASE]);
    assert_eq!(wrong, Vec::<String>::new());
    let mut tried = 0;
    for setting in settings::all().filter(|setting| setting.read_by == ReadBy::Config) {
        let Default::Value(value) = setting.default else { continue };
        let (config, wrong) = examine(&[DATABASE, (setting.name, value)]);
        assert_eq!(wrong, Vec::<String>::new(), "{}", setting.name);
        assert_eq!(format!("{config:?}"), format!("{defaults:?}"), "{}={value} is not the default", setting.name);
        tried += 1;
    }
    assert!(tried > 30, "{tried}");
}

#[test]
fn the_examples_are_accepted() {
    for setting in settings::all() {
        let Example::Value(value) = setting.example else { continue };
        let (_, wrong) = examine(&[DATABASE, (setting.name, value)]);
        let refused = wrong.iter().find(|problem| problem.starts_with(&format!("{} must", setting.name)));
        assert_eq!(refused, None, "{}={value}", setting.name);
    }
}

#[test]
fn the_file_of_defaults_sets_the_defaults_once_its_marks_are_gone() {
    let file = settings::template();
    let settings: Vec<(&str, &str)> = file
        .lines()
        .filter_map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#'])))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name, value.trim_matches('"')))
        .collect();
    assert_eq!(settings.len(), settings::all().count());
    let with_database: Vec<_> =
        settings.into_iter().filter(|(name, _)| *name != DATABASE.0).chain([DATABASE]).collect();
    let (config, wrong) = examine(&with_database);
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(format!("{config:?}"), format!("{:?}", examine(&[DATABASE]).0));
}

#[test]
fn the_compose_file_sets_only_variables_that_are_read() {
    let text = read("docker-compose.yml");
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().split_once(": ").map(|(name, _)| name))
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        // Of the images of others.
        .filter(|name| !["POSTGRES_", "MUSTER_", "MP_", "GF_"].iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let is_file = name.strip_suffix("_FILE").is_some_and(|name| settings::find(name).is_some());
        assert!(settings::find(name).is_some() || is_file, "nobody reads {name}");
    }
}
