use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use ureq::Agent;

use super::import::explain;

/// How often the API is asked.
const EVERY: Duration = Duration::from_millis(200);
/// How many times in a row the API may fail to answer: about a minute.
const PATIENCE: u32 = 300;

/// Watches an operation over HTTP.
pub(crate) struct Watch<'a> {
    pub(crate) agent: &'a Agent,
    pub(crate) api_url: &'a str,
    pub(crate) token: &'a str,
}

impl Watch<'_> {
    /// Shows a progress bar until the operation has ended, and its mails too if they are waited for.
    /// An API that is restarted meanwhile is waited for.
    pub(crate) fn until_ended(&self, id: &str, mails: bool) -> anyhow::Result<Value> {
        let bar = ProgressBar::no_length();
        bar.set_style(ProgressStyle::with_template("{prefix:10} {bar:40} {pos}/{len} {per_sec}")?);
        let mut failures = 0;
        loop {
            match self.get(&format!("/api/v1/operations/{id}")) {
                Ok(operation) => {
                    failures = 0;
                    let count = |name: &str| {
                        operation.pointer(&format!("/progress/{name}")).and_then(Value::as_u64).unwrap_or(0)
                    };
                    let state = operation.get("state").and_then(Value::as_str).unwrap_or_default();
                    let ended = matches!(state, "succeeded" | "partially_succeeded" | "failed" | "cancelled");
                    let mailed = count("mails_sent") + count("mails_refused");
                    if ended && (!mails || mailed == count("mails_total")) {
                        bar.finish_and_clear();
                        return Ok(operation);
                    }
                    let (prefix, done, total) = if ended {
                        ("mailing", mailed, count("mails_total"))
                    } else {
                        ("importing", count("rows_done"), count("rows_total"))
                    };
                    bar.set_prefix(prefix);
                    bar.set_length(total);
                    bar.set_position(done);
                }
                Err(error) if failures == PATIENCE => return Err(error),
                Err(_) => failures += 1,
            }
            sleep(EVERY);
        }
    }

    /// The first rows that did not simply succeed.
    pub(crate) fn rows(&self, id: &str, limit: u32) -> anyhow::Result<Vec<Value>> {
        let page = self.get(&format!("/api/v1/operations/{id}/rows?limit={limit}"))?;
        Ok(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.agent.get(format!("{}{path}", self.api_url));
        let mut response = request
            .header("authorization", format!("Bearer {}", self.token))
            .call()
            .context("the API does not answer")?;
        let body: Value = response.body_mut().read_json().context("the API did not answer with JSON")?;
        if !response.status().is_success() {
            bail!("the API refused ({}): {}", response.status(), explain(&body));
        }
        Ok(body)
    }
}
