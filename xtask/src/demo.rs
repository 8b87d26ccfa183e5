//! `demo`: the main job, shown.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use clap::Args;
use muster_testkit::{
    data,
    env::{self, Variables},
    process::binary,
    provision::dev_dir,
};
use serde_json::Value;

use crate::{down, signals, up};

#[derive(Args)]
pub(crate) struct Options {
    /// Ends after the show instead of staying up until Ctrl-C.
    #[arg(long)]
    exit: bool,
    /// How many users to import.
    #[arg(long, default_value_t = 10_000)]
    rows: usize,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let already = up::running()?;
    let ours = already.is_none();
    let variables = match already {
        Some(variables) => variables,
        None => up::start()?,
    };
    let clean_up = || if ours { down::end().map(drop) } else { Ok(()) };
    let shown = signals::cleaning_up(clean_up, || show(&variables, options.rows));
    if let Err(error) = shown {
        if ours {
            down::end()?;
        }
        return Err(error);
    }
    if !ours {
        println!("\nThe stack was up before and stays up; `cargo xtask down` ends it.");
        return Ok(());
    }
    if options.exit {
        return down::end().map(drop);
    }
    println!("\nIt stays up. Ctrl-C ends it.");
    up::stay_and_end()
}

fn show(variables: &Variables, rows: usize) -> Result<()> {
    let dir = dev_dir()?.join("demo");
    fs::create_dir_all(&dir)?;
    // New users on every run: what an earlier run made stays.
    let run = format!("{:x}", SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()));
    let value = |name| env::get(variables, name).unwrap_or_default();
    let api = value("API_URL");

    let good = dir.join("users.csv");
    data::csv_file(&good, &run, rows)?;
    println!("\n1. {rows} users from .dev/demo/users.csv, each gets a welcome mail\n");
    counts(&import(variables, &good)?);

    let bad = dir.join("bad-rows.csv");
    fs::write(&bad, bad_rows(&run))?;
    println!("\n2. A file with bad rows, .dev/demo/bad-rows.csv: the good ones are created, the others reported\n");
    let operation = import(variables, &bad)?;
    counts(&operation);
    let id = operation.get("id").and_then(Value::as_str).context("the operation has no id")?;
    let report: Value = ureq::get(format!("{api}/api/v1/operations/{id}/rows"))
        .header("Authorization", format!("Bearer {}", value("TENANT_TOKEN")))
        .call()?
        .body_mut()
        .read_json()?;
    print_rows(&report);

    println!("\nAPI          {api}");
    println!("Docs         {api}/docs");
    println!("Temporal UI  {}", value("TEMPORAL_UI_URL"));
    println!("Mail         {}   (files in .dev/mail)", value("MAIL_URL"));
    println!("\nTry it:\n");
    println!("  set -a; . .dev/stack.env; set +a");
    println!("  curl -sS \"$API_URL/api/v1/operations/{id}\" -H \"Authorization: Bearer $TENANT_TOKEN\"");
    println!("  curl -sS \"$API_URL/api/v1/users/batch\" -H \"Authorization: Bearer $TENANT_TOKEN\" \\");
    println!("    -H 'Content-Type: text/csv' --data-binary @.dev/demo/users.csv");
    Ok(())
}

/// Imports a file with the `muster` program, whose progress bar shows on stderr; gives the finished operation.
fn import(variables: &Variables, file: &Path) -> Result<Value> {
    let bin = std::env::var_os("MUSTER_BIN_DIR").map_or_else(|| crate::target_dir("release"), |dir| Ok(dir.into()))?;
    let output = Command::new(binary(&bin, "muster")?)
        .arg("import")
        .arg(file)
        .args(["--on-error", "continue", "--wait-mails", "--json"])
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stderr(Stdio::inherit())
        .output()?;
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("`muster import` ended with {}: see above and .dev/log/", output.status))
}

fn counts(operation: &Value) {
    let number =
        |name: &str| operation.pointer(&format!("/progress/{name}")).and_then(Value::as_u64).unwrap_or_default();
    let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or("?");
    println!("   state       {}", text("state"));
    println!("   created     {}", number("created"));
    println!("   failed      {}", number("failed"));
    println!("   mails sent  {}", number("mails_sent"));
}

fn print_rows(report: &Value) {
    println!();
    for item in report.get("items").and_then(Value::as_array).into_iter().flatten() {
        let number =
            |name: &str| item.get(name).and_then(Value::as_u64).map_or_else(|| "?".to_owned(), |n| n.to_string());
        for problem in item.get("problems").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default();
            println!("   line {:>3}  {:<10} {:<18} {}", number("line"), text("field"), text("code"), text("detail"));
        }
    }
}

/// Six rows, two of them good.
fn bad_rows(run: &str) -> String {
    let mut text = "email,username,full_name\n".to_owned();
    for row in [
        format!("good.{run}@example.com,good-{run},Good Row"),
        format!("not-an-address,bad-mail-{run},No At Sign"),
        format!("GOOD.{run}@example.com,twice-{run},Same Mail In Other Case"),
        format!("blank.{run}@example.com,has blanks,Blanks In The Name"),
        format!(",missing-{run},Without A Mail"),
        format!("fine.{run}@example.com,fine-{run},\"Fine, With A Comma\""),
    ] {
        text.push_str(&row);
        text.push('\n');
    }
    text
}
