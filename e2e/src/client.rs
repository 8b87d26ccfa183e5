//! A client of the API, as a program of a user would be one.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use muster_testkit::tools::wait_until;
use serde_json::Value;

/// Where users are made.
pub const BATCH: &str = "/api/v1/users/batch";
/// How long a single answer may take: longer than any `Prefer: wait`.
const ANSWER: Duration = Duration::from_secs(90);

/// Sends requests with one tenant's token, or with none.
#[derive(Clone, Debug)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; null when it is no JSON.
    pub body: Value,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value at a JSON pointer; null when there is none.
    pub fn at(&self, pointer: &str) -> &Value {
        at(&self.body, pointer)
    }

    /// The text at a JSON pointer; empty when there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// Fails, showing the answer, unless the status is this one.
    pub fn must_be(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "expected {status}, got {self:#?}");
        Ok(self)
    }

    /// Fails unless it is a problem document with this status and code.
    pub fn must_be_problem(self, status: u16, code: &str) -> Result<Self> {
        let answer = self.must_be(status)?;
        ensure!(
            answer.header("content-type") == Some("application/problem+json") && answer.text("/code") == code,
            "expected a problem {code}, got {answer:#?}"
        );
        Ok(answer)
    }

    /// The id of the operation in the body.
    pub fn operation(&self) -> Result<String> {
        let id = ["/operation_id", "/id"].into_iter().map(|pointer| self.text(pointer)).find(|id| !id.is_empty());
        id.map(str::to_owned).with_context(|| format!("no operation in {self:#?}"))
    }
}

/// The value at a JSON pointer; null when there is none.
pub fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// The number at a JSON pointer; 0 when there is none.
pub fn number(value: &Value, pointer: &str) -> u64 {
    at(value, pointer).as_u64().unwrap_or_default()
}

impl Client {
    /// A client of the API at `base`.
    pub fn new(base: &str, token: Option<&str>) -> Self {
        let agent =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(ANSWER)).build().new_agent();
        Self { agent, base: base.to_owned(), token: token.map(str::to_owned) }
    }

    /// The same with another token.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// The token it sends.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Where the API is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Result<Answer> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("X-Tenant-Token", token);
        }
        read(request.call()?)
    }

    /// A GET of what is no JSON: the status, the name it is to be stored by, and the text.
    pub fn text(&self, path: &str) -> Result<(u16, String, String)> {
        let request = self.agent.get(format!("{}{path}", self.base)).header("X-Tenant-Token", self.token());
        let mut response = request.call()?;
        let name = response.headers().get("content-disposition").and_then(|name| name.to_str().ok());
        let (status, name) = (response.status().as_u16(), name.unwrap_or_default().to_owned());
        Ok((status, name, response.body_mut().with_config().limit(64 << 20).read_to_string()?))
    }

    /// Any method with a JSON body, or without one when that is null.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Result<Answer> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("X-Tenant-Token", token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_null() {
            return read(self.agent.run(request.body(())?)?);
        }
        request = request.header("Content-Type", "application/json");
        read(self.agent.run(request.body(body.to_string())?)?)
    }

    /// Makes one user, who must be new; gives their id.
    pub fn create(&self, name: &str) -> Result<String> {
        let body = serde_json::json!({"email": format!("{name}@example.com"), "username": name, "full_name": name});
        let answer = self.ask("POST", "/api/v1/users", &[], &body)?.must_be(201)?;
        Ok(answer.text("/id").to_owned())
    }

    /// A POST of users; `query` without the question mark.
    pub fn post(&self, media: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        let mut request = self.agent.post(format!("{}{BATCH}?{query}", self.base)).header("Content-Type", media);
        if let Some(token) = &self.token {
            request = request.header("X-Tenant-Token", token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send(body)?)
    }

    /// A POST of a JSON body.
    pub fn post_json(&self, headers: &[(&str, &str)], body: &Value) -> Result<Answer> {
        self.post("application/json", "", headers, body.to_string().as_bytes())
    }

    /// Uploads CSV that must be taken, to be followed; gives the operation's id.
    pub fn import_csv(&self, query: &str, body: &[u8]) -> Result<String> {
        self.post("text/csv", query, &[("Prefer", "respond-async")], body)?.must_be(202)?.operation()
    }

    /// A POST of a file that must be taken, to be followed; gives the operation's id.
    pub fn upload(&self, path: &str, media: &str, body: &[u8]) -> Result<String> {
        let request = self.agent.post(format!("{}{path}", self.base)).header("Content-Type", media);
        let request = request.header("X-Tenant-Token", self.token()).header("Prefer", "respond-async");
        read(request.send(body)?)?.must_be(202)?.operation()
    }

    /// An operation, which must be there.
    pub fn operation(&self, id: &str) -> Result<Value> {
        Ok(self.get(&format!("/api/v1/operations/{id}"))?.must_be(200)?.body)
    }

    /// Waits until an operation has ended; gives it.
    pub fn ended(&self, id: &str, patience: Duration) -> Result<Value> {
        wait_until(&format!("operation {id} to end"), patience, || {
            let operation = self.operation(id)?;
            let open = matches!(at(&operation, "/state").as_str(), Some("receiving" | "queued" | "running"));
            Ok((!open).then_some(operation))
        })
    }

    /// Waits until an operation has ended and every mail of it was sent or refused; gives it.
    pub fn mailed(&self, id: &str, patience: Duration) -> Result<Value> {
        self.ended(id, patience)?;
        wait_until(&format!("the mails of operation {id}"), patience, || {
            let operation = self.operation(id)?;
            let count = |name| number(&operation, &format!("/progress/{name}"));
            Ok((count("mails_sent") + count("mails_refused") == count("mails_total")).then_some(operation))
        })
    }

    /// Every row that did not simply succeed, read page by page.
    pub fn rows(&self, id: &str, page: u32) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let answer = self.get(&format!("/api/v1/operations/{id}/rows?limit={page}{cursor}"))?.must_be(200)?;
            rows.extend(answer.at("/items").as_array().cloned().unwrap_or_default());
            match answer.at("/next_cursor").as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(rows),
            }
        }
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer> {
    let headers = response.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let status = response.status().as_u16();
    let text = response.body_mut().with_config().limit(64 << 20).read_to_string()?;
    Ok(Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default() })
}
