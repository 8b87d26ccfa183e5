use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use ureq::Agent;
use ureq::http::HeaderMap;

use super::events::{Events, Streamed};
use super::outcome::{PAUSED, ended};

/// How often the API is asked at first, when an end may be near.
const SOON: Duration = Duration::from_millis(200);
/// How many times it is asked so often.
const AT_FIRST: u32 = 15;
/// How often it is asked later: a limit of one request a second leaves as much again for others.
const EVERY: Duration = Duration::from_secs(2);
/// For how long the API may fail to answer.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long to wait, at most, when the API says when to ask again.
const MOST_WAIT: u64 = 60;

/// Watches an operation over HTTP.
pub(super) struct Watch<'a> {
    pub(super) agent: &'a Agent,
    pub(super) api_url: &'a str,
    pub(super) token: &'a str,
}

impl Watch<'_> {
    /// Shows a progress bar until the operation has ended or is paused, and until its mails are done, too, if they are
    /// waited for. Changes are heard of as they happen; where there is no stream of them, or while it is broken, the API
    /// is asked now and then. An API that is restarted meanwhile is waited for.
    pub(super) fn until_ended(&self, id: &str, mails: bool) -> anyhow::Result<Value> {
        let mut shown = Shown::new(mails)?;
        let (mut asked, mut failing_since) = (0_u32, None);
        let mut events = Some(Events::default());
        loop {
            if let Some(stream) = events.as_mut().filter(|_| !shown.ended) {
                let url = format!("{}/events", self.url(id));
                match stream.read(self.agent, &url, self.token, |operation| shown.show(operation)) {
                    Streamed::Refused => events = None,
                    Streamed::Enough | Streamed::Broke => {}
                }
            }
            if let Some(operation) = shown.finished.take() {
                return Ok(operation);
            }
            match self.get(&format!("/api/v1/operations/{id}"), &[])? {
                Answer::Body(operation) => {
                    failing_since = None;
                    if shown.show(operation)
                        && let Some(operation) = shown.finished.take()
                    {
                        return Ok(operation);
                    }
                }
                Answer::Later(error) => {
                    if failing_since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                        return Err(error);
                    }
                }
            }
            asked = asked.saturating_add(1);
            sleep(if asked <= AT_FIRST { SOON } else { EVERY });
        }
    }

    /// An operation as it is now.
    pub(super) fn operation(&self, id: &str) -> anyhow::Result<Value> {
        self.ask(&format!("/api/v1/operations/{id}"), &[])
    }

    /// The address of an operation.
    pub(super) fn url(&self, id: &str) -> String {
        format!("{}/api/v1/operations/{id}", self.api_url)
    }

    /// What the API answers to a question, now.
    pub(super) fn ask(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        self.get(path, query)?.now()
    }

    /// Asks for something to be done. If that was too often, it asks again when the API says so.
    pub(super) fn post(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Posted> {
        let mut response = loop {
            let request = self.agent.post(format!("{}{path}", self.api_url)).query_pairs(query.iter().copied());
            let request = request.header("authorization", format!("Bearer {}", self.token));
            let response = request.header("prefer", "respond-async").send_empty().context("the API does not answer")?;
            if response.status().as_u16() != 429 {
                break response;
            }
            // What a tenant may have at once does not pass by itself.
            let Some(pause) = says_when(response.headers()) else { break response };
            sleep(pause);
        };
        let status = response.status();
        let undo = response.headers().get("link").and_then(|value| value.to_str().ok()).and_then(linked_undo);
        let body = response.body_mut().read_json::<Value>().context("the API did not answer with JSON")?;
        anyhow::ensure!(status.is_success(), "the API refused ({status}): {}", explain(&body));
        Ok(Posted { body, undo })
    }

    /// The first rows that did not simply succeed.
    pub(super) fn rows(&self, id: &str, limit: u32) -> anyhow::Result<Vec<Value>> {
        let limit = limit.to_string();
        let page = self.ask(&format!("/api/v1/operations/{id}/rows"), &[("limit", &limit)])?;
        Ok(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// Fails only with what asking again would not change, such as a token that has expired. If that was too often, it
    /// asks again when the API says so.
    fn get(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let mut response = loop {
            let request = self.agent.get(format!("{}{path}", self.api_url)).query_pairs(query.iter().copied());
            match request.header("authorization", format!("Bearer {}", self.token)).call() {
                Ok(response) if response.status().as_u16() == 429 => sleep(retry_after(response.headers())),
                Ok(response) => break response,
                Err(error) => return Ok(Answer::Later(anyhow::Error::new(error).context("the API does not answer"))),
            }
        };
        let status = response.status();
        let body = response.body_mut().read_json::<Value>();
        match body.context("the API did not answer with JSON") {
            Ok(body) if status.is_success() => Ok(Answer::Body(body)),
            Ok(body) => {
                let refused = anyhow::anyhow!("the API refused ({status}): {}", explain(&body));
                if status.is_client_error() && status.as_u16() != 408 {
                    return Err(refused);
                }
                Ok(Answer::Later(refused))
            }
            Err(error) => Ok(Answer::Later(error)),
        }
    }
}

/// The progress bar, and what it shows.
struct Shown {
    bar: ProgressBar,
    mails: bool,
    /// The rows are done with.
    ended: bool,
    /// What was waited for.
    finished: Option<Value>,
}

impl Shown {
    fn new(mails: bool) -> anyhow::Result<Self> {
        let bar = ProgressBar::no_length();
        bar.set_style(ProgressStyle::with_template("{prefix:10} {bar:40} {pos}/{len} {per_sec}")?);
        Ok(Self { bar, mails, ended: false, finished: None })
    }

    /// Shows an operation; gives whether no stream is needed any more.
    fn show(&mut self, operation: Value) -> bool {
        let count = |name: &str| operation.pointer(&format!("/progress/{name}")).and_then(Value::as_u64).unwrap_or(0);
        let state = operation.get("state").and_then(Value::as_str).unwrap_or_default();
        self.ended = ended(state);
        let mailed = count("mails_sent") + count("mails_refused");
        if state == PAUSED || (self.ended && (!self.mails || mailed == count("mails_total"))) {
            self.bar.finish_and_clear();
            self.finished = Some(operation);
            return true;
        }
        let (prefix, done, total) = if self.ended {
            ("mailing", mailed, count("mails_total"))
        } else {
            let kind = operation.get("kind").and_then(Value::as_str);
            let doing = if kind == Some("users.export") { "exporting" } else { "importing" };
            (doing, count("rows_done"), count("rows_total"))
        };
        self.bar.set_prefix(prefix);
        // Of an export nobody knows how many there are before its end.
        if total > 0 {
            self.bar.set_length(total);
        }
        self.bar.set_position(done);
        self.ended
    }
}

/// What the API has done.
pub(super) struct Posted {
    /// What it answers.
    pub(super) body: Value,
    /// The operation that takes back what was done, where one was begun.
    pub(super) undo: Option<String>,
}

/// The operation behind a `Link` with `rel="undo"`.
fn linked_undo(link: &str) -> Option<String> {
    let (path, rest) = link.strip_prefix('<')?.split_once('>')?;
    let (_, id) = path.rsplit_once("/operations/")?;
    rest.contains("rel=\"undo\"").then(|| id.to_owned())
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

/// When to ask again, as the API says.
pub(super) fn retry_after(headers: &HeaderMap) -> Duration {
    says_when(headers).unwrap_or(Duration::from_secs(1))
}

fn says_when(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds.clamp(1, MOST_WAIT)))
}

/// What a problem document says.
pub(super) fn explain(problem: &Value) -> String {
    let text = |name| problem.get(name).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}", text("code"), text("detail")).trim().to_owned()
}
