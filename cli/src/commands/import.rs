use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::outcome::{PAUSED, ended, exit_code, how_to_go_on, problems};
use super::remote::{Connection, Remote};
use super::upload::Upload;
use super::watch::Watch;

const EXIT_CODES: &str = "\
Exit codes:
  0  all rows became users or tasks; or, without --watch, the upload is stored
  1  anything else: refused, broken off, cancelled
  2  wrong arguments
  3  some rows did and some did not
  4  the import failed
  5  the import is paused: nothing happens until it is resumed or cancelled";

/// `muster import`
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Import {
    #[command(flatten)]
    upload: Upload,
    /// Follow the import until it ends or is paused; otherwise print the operation and return after the upload. On unless stderr is
    /// no terminal; on with --json and --wait-mails
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    watch: Option<bool>,
    /// Wait until the welcome mails are sent, too
    #[arg(long)]
    wait_mails: bool,
    /// Print the operation as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Import {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let connection = self.remote.connection()?;
        let watching = self.watches(stderr().is_terminal())?;

        let Connection { agent, api_url, token } = &connection;
        let accepted = self.upload.send(agent, api_url, token)?;
        let (id, watch) = (accepted.id, connection.watch());
        let operation = match accepted.operation {
            _ if watching => watch.until_ended(&id, self.wait_mails)?,
            Some(operation) => operation,
            None => watch.operation(&id)?,
        };
        let state = operation.get("state").and_then(Value::as_str).unwrap_or_default();
        if self.json {
            println!("{operation}");
        } else if watching {
            self.report(&watch, &id, &operation)?;
        } else {
            println!("{id} {state}");
            println!("{}", watch.url(&id));
        }
        if watching && state == PAUSED {
            explain_pause(&watch.url(&id), &operation);
        }
        // What is stored will be done: a success, unless it is known to be none.
        Ok(if watching || ended(state) { exit_code(state) } else { ExitCode::SUCCESS })
    }

    fn watches(&self, terminal: bool) -> anyhow::Result<bool> {
        anyhow::ensure!(
            !self.wait_mails || self.watch != Some(false),
            "--wait-mails and --watch=false contradict each other: leave one away"
        );
        Ok(self.watch.unwrap_or(terminal || self.json || self.wait_mails))
    }

    fn report(&self, watch: &Watch<'_>, id: &str, operation: &Value) -> anyhow::Result<()> {
        let state = operation.get("state").and_then(Value::as_str).unwrap_or("unknown");
        let count = |name: &str| operation.pointer(&format!("/progress/{name}")).and_then(Value::as_u64).unwrap_or(0);
        println!("{}: {state}", self.upload.file.display());
        println!("  created    {}", count("created"));
        println!("  failed     {}", count("failed"));
        if count("mails_total") > 0 {
            println!("  mails sent {} of {}", count("mails_sent"), count("mails_total"));
        }
        for warning in operation.get("warnings").and_then(Value::as_array).into_iter().flatten() {
            println!("  note: {}", warning.as_str().unwrap_or_default());
        }
        if let Some(message) = operation.pointer("/error/message").and_then(Value::as_str) {
            println!("  error: {message}");
        }
        if count("failed") > 0 {
            for row in watch.rows(id, 10)? {
                println!("  line {}: {}", row.get("line").unwrap_or(&Value::Null), problems(&row));
            }
            if count("failed") > 10 {
                println!("  … all of them: {}/rows", watch.url(id));
            }
        }
        Ok(())
    }
}

/// Why nothing happens, and how to go on. On stderr, so that `--json` stays JSON.
fn explain_pause(url: &str, operation: &Value) {
    let count = |name: &str| operation.pointer(&format!("/progress/{name}")).and_then(Value::as_u64).unwrap_or(0);
    let done = format!("{} of {} rows are done", count("rows_done"), count("rows_total"));
    match operation.pointer("/pause/reason").and_then(Value::as_str) {
        Some("error_budget") => eprintln!("paused: more rows failed than --max-errors allows; {done}"),
        Some("asked") => eprintln!("paused: somebody asked for it; {done}"),
        _ => eprintln!("paused; {done}"),
    }
    eprintln!("  what failed  {url}/rows");
    how_to_go_on(url);
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        import: Import,
    }

    fn watches(arguments: &[&str], terminal: bool) -> anyhow::Result<bool> {
        let line = ["import", "users.csv"].iter().chain(arguments);
        Arguments::try_parse_from(line)?.import.watches(terminal)
    }

    #[test]
    fn it_watches_on_a_terminal_or_when_the_end_is_asked_for() {
        assert!(watches(&[], true).unwrap());
        assert!(!watches(&[], false).unwrap());
        assert!(watches(&["--json"], false).unwrap());
        assert!(watches(&["--wait-mails"], false).unwrap());
        assert!(watches(&["--watch"], false).unwrap());
        assert!(watches(&["--watch=true"], false).unwrap());
        assert!(!watches(&["--watch=false"], true).unwrap());
        assert!(!watches(&["--watch=false", "--json"], true).unwrap());
        assert!(watches(&["--watch=false", "--wait-mails"], true).is_err());
        assert!(watches(&["--no-mail", "--wait-mails"], true).is_err());
    }
}
