use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use ureq::{Agent, SendBody};

use super::outcome::operation_id;
use super::watch::explain;

/// What is sent, and how the API shall take it.
#[derive(Args)]
pub(crate) struct Upload {
    /// A .csv, .ndjson, .jsonl or .json file, possibly with .gz or .zst behind
    pub(crate) file: PathBuf,
    /// The rows are tasks, not users
    #[arg(long, conflicts_with_all = ["on_conflict", "match_by", "no_mail", "wait_mails"])]
    tasks: bool,
    /// What is in the file, whatever its name ends in
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// What to do when a row is wrong; the API's default depends on the format
    #[arg(long, value_enum)]
    on_error: Option<OnError>,
    /// Pause the import when more rows than this have failed: a number, or a share of all rows such as 0.5%
    #[arg(long)]
    max_errors: Option<String>,
    /// What to do with rows whose user is there already; without it they fail
    #[arg(long, value_enum)]
    on_conflict: Option<OnConflict>,
    /// By what a row finds its user
    #[arg(long = "match", value_enum, requires = "on_conflict")]
    match_by: Option<MatchBy>,
    /// Send no welcome mails
    #[arg(long, conflicts_with = "wait_mails")]
    no_mail: bool,
    /// Repeating the command with the same key imports once
    #[arg(long)]
    idempotency_key: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Csv,
    #[value(alias = "jsonl")]
    Ndjson,
    Json,
}

impl Format {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum OnError {
    Continue,
    Abort,
}

#[derive(Clone, Copy, ValueEnum)]
enum OnConflict {
    /// They fail
    Fail,
    /// Their users stay as they are
    Skip,
    /// Their users get the fields that the rows give
    Update,
    /// Their users become what the rows say; what these do not give is cleared
    Replace,
}

#[derive(Clone, Copy, ValueEnum)]
enum MatchBy {
    Email,
    Username,
    Id,
}

/// The value as it is written on the command line, and in the API.
fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// What the API has made of an upload.
pub(super) struct Accepted {
    /// Which operation.
    pub(super) id: String,
    /// The operation itself, where that was the answer.
    pub(super) operation: Option<Value>,
}

impl Upload {
    /// Sends the file with a progress bar.
    pub(super) fn send(&self, agent: &Agent, api_url: &str, token: &str) -> anyhow::Result<Accepted> {
        let (format, encoding) = kind(&self.file, self.format)?;
        let file = File::open(&self.file).with_context(|| format!("cannot open {}", self.file.display()))?;
        let bar = ProgressBar::new(file.metadata()?.len());
        bar.set_style(ProgressStyle::with_template("sending    {bar:40} {bytes}/{total_bytes} {bytes_per_sec}")?);
        let mut request = agent
            .post(format!("{api_url}/api/v1/{}/batch", if self.tasks { "tasks" } else { "users" }))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", format.media_type())
            .header("prefer", "respond-async");
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        if let Some(key) = &self.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some(on_error) = &self.on_error {
            request = request.query("on_error", name(on_error));
        }
        if let Some(on_conflict) = &self.on_conflict {
            request = request.query("on_conflict", name(on_conflict));
        }
        if let Some(match_by) = &self.match_by {
            request = request.query("match", name(match_by));
        }
        if let Some(max_errors) = &self.max_errors {
            request = request.query("max_errors", max_errors);
        }
        if self.no_mail {
            request = request.query("send_welcome", "false");
        }
        let mut reader = bar.wrap_read(file);
        let mut response = request
            .send(SendBody::from_reader(&mut reader))
            .with_context(|| format!("the upload to {api_url} broke off"))?;
        bar.finish_and_clear();
        let status = response.status();
        let location = response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body: Value = response
            .body_mut()
            .read_json()
            .with_context(|| format!("the API did not answer with JSON ({status}): is API_URL right?"))?;
        match operation_id(&body, location.as_deref()) {
            Some(id) => Ok(Accepted { id, operation: body.get("state").is_some().then_some(body) }),
            None if status.is_success() => bail!("the API did not answer with an operation ({status})"),
            None => bail!("the API refused the upload ({status}): {}", explain(&body)),
        }
    }
}

/// The format and the compression of a file, by its name unless the format is given.
fn kind(file: &Path, given: Option<Format>) -> anyhow::Result<(Format, Option<&'static str>)> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let (name, encoding) = match (name.strip_suffix(".gz"), name.strip_suffix(".zst")) {
        (Some(rest), _) => (rest, Some("gzip")),
        (_, Some(rest)) => (rest, Some("zstd")),
        _ => (name.as_str(), None),
    };
    let by_name = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("csv") => Some(Format::Csv),
        Some("ndjson" | "jsonl") => Some(Format::Ndjson),
        Some("json") => Some(Format::Json),
        _ => None,
    };
    let format = given.or(by_name).with_context(|| {
        format!(
            "{} does not end in .csv, .ndjson, .jsonl or .json (and .gz or .zst): give its --format",
            file.display()
        )
    })?;
    Ok((format, encoding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_format_and_compression_unless_the_format_is_given() {
        let kind = |name: &str, given| kind(Path::new(name), given);
        assert_eq!(kind("a/users.csv", None).unwrap(), (Format::Csv, None));
        assert_eq!(kind("USERS.JSONL.GZ", None).unwrap(), (Format::Ndjson, Some("gzip")));
        assert_eq!(kind("users.json.zst", None).unwrap(), (Format::Json, Some("zstd")));
        assert_eq!(kind("users.csv", Some(Format::Ndjson)).unwrap(), (Format::Ndjson, None));
        assert_eq!(kind("export.txt.gz", Some(Format::Csv)).unwrap(), (Format::Csv, Some("gzip")));
        assert_eq!(kind("users", Some(Format::Json)).unwrap(), (Format::Json, None));
        assert!(kind("export.txt", None).unwrap_err().to_string().contains("--format"));
    }
}
