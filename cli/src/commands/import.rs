use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use ureq::{Agent, SendBody};

use super::watch::Watch;

/// `muster import`
#[derive(Args)]
pub(crate) struct Import {
    /// A .csv, .ndjson, .jsonl or .json file, possibly with .gz or .zst behind
    file: PathBuf,
    /// What to do when a row is wrong
    #[arg(long, value_enum)]
    on_error: Option<OnError>,
    /// Whether each new user gets a welcome mail
    #[arg(long, action = clap::ArgAction::Set)]
    send_welcome: Option<bool>,
    /// Repeating the command with the same key imports once
    #[arg(long)]
    idempotency_key: Option<String>,
    /// Wait until the welcome mails are sent, too
    #[arg(long)]
    wait_mails: bool,
    /// Print the operation as JSON
    #[arg(long)]
    json: bool,
    /// Where the API is
    #[arg(long, env = "API_URL", default_value = "http://localhost:8000")]
    api_url: String,
    /// The tenant's token
    #[arg(long, env = "TENANT_TOKEN", hide_env_values = true)]
    tenant_token: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum OnError {
    Continue,
    Abort,
}

impl Import {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
        let operation = self.upload(&agent)?;
        let id = operation.get("id").and_then(Value::as_str).context("the API did not answer with an operation")?;
        let watch = Watch { agent: &agent, api_url: &self.api_url, token: &self.tenant_token };
        let operation = watch.until_ended(id, self.wait_mails)?;
        if self.json {
            println!("{operation}");
        } else {
            self.report(&watch, id, &operation)?;
        }
        if operation.get("state").and_then(Value::as_str) == Some("failed") {
            std::process::exit(1);
        }
        Ok(())
    }

    fn upload(&self, agent: &Agent) -> anyhow::Result<Value> {
        let (content_type, encoding) = self.media_type()?;
        let file = File::open(&self.file).with_context(|| format!("cannot open {}", self.file.display()))?;
        let bar = ProgressBar::new(file.metadata()?.len());
        bar.set_style(ProgressStyle::with_template("sending    {bar:40} {bytes}/{total_bytes} {bytes_per_sec}")?);
        let mut request = agent
            .post(format!("{}/api/v1/users/batch", self.api_url))
            .header("authorization", format!("Bearer {}", self.tenant_token))
            .header("content-type", content_type)
            .header("prefer", "respond-async");
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        if let Some(key) = &self.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some(on_error) = self.on_error {
            request = request.query(
                "on_error",
                match on_error {
                    OnError::Continue => "continue",
                    OnError::Abort => "abort",
                },
            );
        }
        if let Some(send) = self.send_welcome {
            request = request.query("send_welcome", send.to_string());
        }
        let mut reader = bar.wrap_read(file);
        let mut response = request.send(SendBody::from_reader(&mut reader)).context("the upload broke off")?;
        bar.finish_and_clear();
        let body: Value = response.body_mut().read_json().context("the API did not answer with JSON")?;
        if !response.status().is_success() {
            bail!("the API refused the upload ({}): {}", response.status(), explain(&body));
        }
        Ok(body)
    }

    fn media_type(&self) -> anyhow::Result<(&'static str, Option<&'static str>)> {
        let name = self.file.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
        let (name, encoding) = match (name.strip_suffix(".gz"), name.strip_suffix(".zst")) {
            (Some(rest), _) => (rest, Some("gzip")),
            (_, Some(rest)) => (rest, Some("zstd")),
            _ => (name.as_str(), None),
        };
        let content_type = match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("csv") => "text/csv",
            Some("ndjson" | "jsonl") => "application/x-ndjson",
            Some("json") => "application/json",
            _ => bail!("{} must end in .csv, .ndjson, .jsonl or .json (and .gz or .zst)", self.file.display()),
        };
        Ok((content_type, encoding))
    }

    fn report(&self, watch: &Watch<'_>, id: &str, operation: &Value) -> anyhow::Result<()> {
        let state = operation.get("state").and_then(Value::as_str).unwrap_or("unknown");
        let count = |name: &str| operation.pointer(&format!("/progress/{name}")).and_then(Value::as_u64).unwrap_or(0);
        println!("{}: {state}", self.file.display());
        println!("  created    {}", count("created"));
        println!("  failed     {}", count("failed"));
        println!("  mails sent {} of {}", count("mails_sent"), count("mails_total"));
        for warning in operation.get("warnings").and_then(Value::as_array).into_iter().flatten() {
            println!("  note: {}", warning.as_str().unwrap_or_default());
        }
        if count("failed") > 0 {
            for row in watch.rows(id, 10)? {
                println!("  line {}: {}", row.get("line").unwrap_or(&Value::Null), problems(&row));
            }
            if count("failed") > 10 {
                println!("  … all of them: {}/api/v1/operations/{id}/rows", self.api_url);
            }
        }
        Ok(())
    }
}

fn problems(row: &Value) -> String {
    let problems = row.get("problems").and_then(Value::as_array).into_iter().flatten();
    let texts: Vec<_> = problems
        .map(|problem| {
            let text = |name| problem.get(name).and_then(Value::as_str).unwrap_or_default();
            format!("{} {}", text("field"), text("detail")).trim().to_owned()
        })
        .collect();
    texts.join("; ")
}

/// What a problem document says.
pub(super) fn explain(problem: &Value) -> String {
    let text = |name| problem.get(name).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}", text("code"), text("detail")).trim().to_owned()
}
