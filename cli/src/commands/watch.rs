use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use ureq::Agent;

use super::outcome::ended;

/// How often the API is asked.
const EVERY: Duration = Duration::from_millis(200);
/// How many times in a row the API may fail to answer: about a minute.
const PATIENCE: u32 = 300;

/// Watches an operation over HTTP.
pub(super) struct Watch<'a> {
    pub(super) agent: &'a Agent,
    pub(super) api_url: &'a str,
    pub(super) token: &'a str,
}

impl Watch<'_> {
    /// Shows a progress bar until the operation has ended, and its mails too if they are waited for.
    /// An API that is restarted meanwhile is waited for.
    pub(super) fn until_ended(&self, id: &str, mails: bool) -> anyhow::Result<Value> {
        let bar = ProgressBar::no_length();
        bar.set_style(ProgressStyle::with_template("{prefix:10} {bar:40} {pos}/{len} {per_sec}")?);
        let mut failures = 0;
        loop {
            match self.get(&format!("/api/v1/operations/{id}"))? {
                Answer::Body(operation) => {
                    failures = 0;
                    let count = |name: &str| {
                        operation.pointer(&format!("/progress/{name}")).and_then(Value::as_u64).unwrap_or(0)
                    };
                    let state = operation.get("state").and_then(Value::as_str).unwrap_or_default();
                    let ended = ended(state);
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
                Answer::Later(error) if failures == PATIENCE => return Err(error),
                Answer::Later(_) => failures += 1,
            }
            sleep(EVERY);
        }
    }

    /// An operation as it is now.
    pub(super) fn operation(&self, id: &str) -> anyhow::Result<Value> {
        self.get(&format!("/api/v1/operations/{id}"))?.now()
    }

    /// The address of an operation.
    pub(super) fn url(&self, id: &str) -> String {
        format!("{}/api/v1/operations/{id}", self.api_url)
    }

    /// The first rows that did not simply succeed.
    pub(super) fn rows(&self, id: &str, limit: u32) -> anyhow::Result<Vec<Value>> {
        let page = self.get(&format!("/api/v1/operations/{id}/rows?limit={limit}"))?.now()?;
        Ok(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// Fails only with what asking again would not change, such as a token that has expired.
    fn get(&self, path: &str) -> anyhow::Result<Answer> {
        let request = self.agent.get(format!("{}{path}", self.api_url));
        let answer = request.header("authorization", format!("Bearer {}", self.token)).call();
        let mut response = match answer {
            Ok(response) => response,
            Err(error) => return Ok(Answer::Later(anyhow::Error::new(error).context("the API does not answer"))),
        };
        let status = response.status();
        let body = response.body_mut().read_json::<Value>();
        match body.context("the API did not answer with JSON") {
            Ok(body) if status.is_success() => Ok(Answer::Body(body)),
            Ok(body) => {
                let refused = anyhow::anyhow!("the API refused ({status}): {}", explain(&body));
                if status.is_client_error() && !matches!(status.as_u16(), 408 | 429) {
                    return Err(refused);
                }
                Ok(Answer::Later(refused))
            }
            Err(error) => Ok(Answer::Later(error)),
        }
    }
}

/// What came of asking.
enum Answer {
    Body(Value),
    /// Nothing for the moment.
    Later(anyhow::Error),
}

impl Answer {
    fn now(self) -> anyhow::Result<Value> {
        match self {
            Self::Body(body) => Ok(body),
            Self::Later(error) => Err(error),
        }
    }
}

/// What a problem document says.
pub(super) fn explain(problem: &Value) -> String {
    let text = |name| problem.get(name).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}", text("code"), text("detail")).trim().to_owned()
}
