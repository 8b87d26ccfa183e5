//! `muster config`, `check`, `replay` and `completions`, where they need no service.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Runs it with these variables and no others; gives its exit code, stdout and stderr.
fn muster(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    let output = command.args(arguments).env_clear().envs(variables.iter().copied()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn settings_are_shown_without_secrets_and_with_where_they_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, "hidden\n").unwrap();
    let variables = [
        ("DATABASE_URL", "postgres://app:hidden@db/muster"),
        ("JWT_PRIVATE_KEY_FILE", file.to_str().unwrap()),
        ("TEMPORAL_HOST", "temporal:7233"),
    ];
    let (code, out, err) = muster(&["config", "--set"], &variables);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(!out.contains("hidden"), "{out}");
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines.len(), 4, "{out}");
    assert!(lines.contains(&vec!["DATABASE_URL", "postgres://app:***@db/muster", "DATABASE_URL"]), "{out}");
    assert!(lines.contains(&vec!["JWT_PRIVATE_KEY", "***", file.to_str().unwrap()]), "{out}");
    assert!(lines.contains(&vec!["TEMPORAL_ADDRESS", "temporal:7233", "TEMPORAL_HOST"]), "{out}");

    let (_, out, _) = muster(&["config", "--json"], &variables);
    let all: Vec<Value> = serde_json::from_str(&out).unwrap();
    let port = all.iter().find(|setting| setting["name"] == "PORT").unwrap();
    assert_eq!((port["value"].as_str(), port["from"].as_str()), (Some("8000"), Some("default")));
}

#[test]
fn wrong_settings_are_all_named_and_shown_all_the_same() {
    let (code, out, err) = muster(&["config"], &[("PORT", "x"), ("CACHE_TTL", "0")]);
    assert_eq!(code, Some(1));
    assert!(out.contains("CACHE_TTL"), "{out}");
    for says in ["PORT must be", "CACHE_TTL must be", "DATABASE_URL is required"] {
        assert!(err.contains(&format!("wrong: {says}")), "{err}");
    }
}

#[test]
fn the_template_is_the_file_in_the_documents() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operate/muster.env");
    assert_eq!(muster(&["config", "--template"], &[]).1, std::fs::read_to_string(file).unwrap());
}

#[test]
fn a_wrong_configuration_is_a_finding_for_each_problem() {
    let (code, out, _) = muster(&["check", "--only", "configuration"], &[("PORT", "x"), ("CACHE_TTL", "0")]);
    assert_eq!(code, Some(1));
    let failed = out.lines().filter(|line| line.starts_with("failed   configuration")).count();
    assert_eq!((failed, out.matches("mend: ").count()), (3, 3), "{out}");
    assert!(!out.contains('\u{1b}'), "no colour where there is no terminal: {out}");
    let (code, _, err) = muster(&["check", "--only", "nonsense"], &[]);
    assert!(code == Some(2) && err.contains("configuration, database, redis"), "{err}");
}

#[test]
fn recorded_histories_replay_and_changed_ones_say_where_they_diverge() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows/histories");
    let dir = tempfile::tempdir().unwrap();
    let good = folder.join("SendWelcomeMails-1.json");
    let text = std::fs::read_to_string(&good).unwrap();
    let changed = dir.path().join("changed.json");
    std::fs::write(&changed, text.replace("\"send_mails\"", "\"send_letters\"")).unwrap();
    assert_ne!(std::fs::read_to_string(&changed).unwrap(), text);
    let (good, changed) = (good.to_str().unwrap(), changed.to_str().unwrap());

    let (code, out, err) = muster(&["replay", good, changed], &[]);
    assert_eq!(code, Some(1), "{out}{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert_eq!(lines[0], format!("ok      {good} (SendWelcomeMails)"));
    assert!(lines[1].starts_with(&format!("failed  {changed} (SendWelcomeMails): event ")), "{out}");
    assert!(lines[1].contains("send_letters"), "{out}");

    let (code, out, _) = muster(&["replay", "--json", dir.path().to_str().unwrap()], &[]);
    let line: Value = serde_json::from_str(out.trim()).unwrap();
    assert_eq!(
        (code, line["ok"].as_bool(), line["workflow"].as_str()),
        (Some(1), Some(false), Some("SendWelcomeMails"))
    );
    assert!(line["event"].as_u64().is_some(), "{line:#}");
    assert_eq!(muster(&["replay", "/nowhere.json"], &[]).0, Some(1));
}

#[test]
fn every_shell_gets_completions_of_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, out, err) = muster(&["completions", shell], &[]);
        assert_eq!(code, Some(0), "{err}");
        for word in ["operations", "check", "replay", "undo", "partially_succeeded"] {
            // Those for elvish and PowerShell have no values of arguments.
            let is_value = word == "partially_succeeded" && ["elvish", "powershell"].contains(&shell);
            assert!(is_value || out.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(muster(&["completions", "tcsh"], &[]).0, Some(2));
}

#[test]
fn who_has_read_enough_hears_of_no_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let status = child.wait().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((status.signal(), said.as_str()), (Some(13), ""), "{status}");
}
