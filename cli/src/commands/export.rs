use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use indicatif::HumanBytes;
use serde_json::{Map, Value};

use super::download::{Download, Wanted};
use super::outcome::{PAUSED, exit_code, how_to_go_on, operation_id};
use super::remote::{Connection, Remote};
use super::watch::explain;

const EXIT_CODES: &str = "\
Exit codes:
  0  the file is whole, and its digest is right
  1  anything else: refused, broken off, cancelled
  2  wrong arguments
  4  the export failed
  5  the export is paused: nothing happens until it is resumed or cancelled";

/// `muster export`
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Export {
    #[command(flatten)]
    filter: Filter,
    /// How the file is written; by its name otherwise, and NDJSON if that does not say
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Where it goes; `-` for standard output. A file that is there is replaced, once this one is whole
    #[arg(long, short)]
    output: Option<PathBuf>,
    /// Repeating the command with the same key exports once, and goes on with what was downloaded
    #[arg(long)]
    idempotency_key: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Whom to export: all conditions must hold; without any, everybody.
#[derive(Args)]
struct Filter {
    /// Only users with this in their e-mail address
    #[arg(long)]
    email: Option<String>,
    /// Only users with this in their user name
    #[arg(long)]
    username: Option<String>,
    /// Only users with this in their name
    #[arg(long)]
    full_name: Option<String>,
    /// Only users who may act, or who may not
    #[arg(long)]
    is_active: Option<bool>,
    /// Only users made at this moment or later, such as 2026-01-31T12:00:00Z
    #[arg(long)]
    created_after: Option<String>,
    /// Only users made at this moment or earlier
    #[arg(long)]
    created_before: Option<String>,
    /// Only users last written at this moment or later
    #[arg(long)]
    updated_after: Option<String>,
    /// Only users last written at this moment or earlier
    #[arg(long)]
    updated_before: Option<String>,
    /// Only users deleted at this moment or earlier, instead of the living
    #[arg(long)]
    deleted_before: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    #[value(alias = "jsonl")]
    Ndjson,
}

impl Filter {
    fn conditions(&self) -> Map<String, Value> {
        let texts = [
            ("email", &self.email),
            ("username", &self.username),
            ("full_name", &self.full_name),
            ("created_after", &self.created_after),
            ("created_before", &self.created_before),
            ("updated_after", &self.updated_after),
            ("updated_before", &self.updated_before),
            ("deleted_before", &self.deleted_before),
        ];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?.into())));
        texts.chain(self.is_active.map(|is_active| ("is_active".to_owned(), is_active.into()))).collect()
    }
}

impl Export {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let connection = self.remote.connection()?;
        let watch = connection.watch();
        let id = self.begin(&connection)?;
        let operation = watch.until_ended(&id, false)?;
        let state = operation.get("state").and_then(Value::as_str).unwrap_or_default();
        if state == PAUSED {
            eprintln!("paused: it begins anew when it is resumed");
            how_to_go_on(&watch.url(&id));
            return Ok(exit_code(state));
        }
        if state != "succeeded" {
            let why = operation.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
            eprintln!("the export is {state}, so there is no file. {why}");
            return Ok(exit_code(state));
        }
        let wanted = Wanted::of(&operation, &connection.api_url)?;
        if self.output.as_deref() == Some(Path::new("-")) {
            Download::to_stdout().run(&connection, &wanted)?;
            return Ok(ExitCode::SUCCESS);
        }
        let name = |format: Format| format!("users-{id}.{}", format.name());
        let path = self.output.clone().unwrap_or_else(|| name(self.format()).into());
        Download::to_file(&path, &id)?.run(&connection, &wanted)?;
        eprintln!("{}: {} users, {}", path.display(), wanted.rows, HumanBytes(wanted.bytes));
        Ok(ExitCode::SUCCESS)
    }

    /// What was asked for, else by the name of the file.
    fn format(&self) -> Format {
        let by_name = self.output.as_deref().and_then(Path::extension).and_then(|extension| extension.to_str());
        let by_name = if by_name.is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
            Format::Csv
        } else {
            Format::Ndjson
        };
        self.format.unwrap_or(by_name)
    }

    fn begin(&self, connection: &Connection) -> anyhow::Result<String> {
        let Connection { agent, api_url, token } = connection;
        let mut request = agent
            .post(format!("{api_url}/api/v1/operations"))
            .header("authorization", format!("Bearer {token}"))
            .header("prefer", "respond-async");
        if let Some(key) = &self.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let body = serde_json::json!({
            "kind": "users.export",
            "filter": self.filter.conditions(),
            "format": self.format().name(),
        });
        let mut response = request.send_json(body).with_context(|| format!("the API at {api_url} does not answer"))?;
        let status = response.status();
        let answer: Value = response
            .body_mut()
            .read_json()
            .with_context(|| format!("the API did not answer with JSON ({status}): is API_URL right?"))?;
        if !status.is_success() {
            bail!("the API refused the export ({status}): {}", explain(&answer));
        }
        operation_id(&answer, None).with_context(|| format!("the API did not answer with an operation ({status})"))
    }
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        export: Export,
    }

    fn export(arguments: &[&str]) -> Export {
        Arguments::parse_from(["export"].iter().chain(arguments)).export
    }

    #[test]
    fn the_format_is_that_of_the_name_unless_it_is_given() {
        for (arguments, format) in [
            (&[][..], Format::Ndjson),
            (&["--output", "a/users.CSV"], Format::Csv),
            (&["--output", "users.txt"], Format::Ndjson),
            (&["--output", "-", "--format", "csv"], Format::Csv),
            (&["--output", "users.csv", "--format", "ndjson"], Format::Ndjson),
        ] {
            assert_eq!(export(arguments).format(), format, "{arguments:?}");
        }
    }

    #[test]
    fn conditions_are_those_that_were_given() {
        assert!(export(&[]).filter.conditions().is_empty());
        let given = export(&["--email", "@x.com", "--is-active", "false"]).filter.conditions();
        assert_eq!(Value::from(given), serde_json::json!({"email": "@x.com", "is_active": false}));
    }
}
