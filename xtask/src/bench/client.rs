//! A client of the API for the benchmark: one connection, kept.

use std::{
    fs::File,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

pub(super) struct Client {
    agent: ureq::Agent,
    api: String,
    authorization: String,
}

/// A finished import as the client saw it.
pub(super) struct Import {
    pub(super) operation: String,
    /// From the first byte sent to the answer.
    pub(super) upload: Duration,
    /// From the first byte sent to `succeeded`.
    pub(super) total: Duration,
}

impl Client {
    pub(super) fn new(api: &str, token: &str) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        Self { agent, api: api.to_owned(), authorization: format!("Bearer {token}") }
    }

    /// Uploads a CSV file of users and follows the operation until it ends.
    pub(super) fn import(&self, file: &Path, send_welcome: bool) -> Result<Import> {
        self.upload(&format!("users/batch?on_error=continue&send_welcome={send_welcome}"), "text/csv", file)
    }

    /// As `import`, for an NDJSON file of tasks.
    pub(super) fn import_tasks(&self, file: &Path) -> Result<Import> {
        self.upload("tasks/batch?on_error=continue", "application/x-ndjson", file)
    }

    fn upload(&self, path: &str, format: &str, file: &Path) -> Result<Import> {
        let begin = Instant::now();
        let mut response = self
            .agent
            .post(format!("{}/api/v1/{path}", self.api))
            .header("Authorization", &self.authorization)
            .header("Content-Type", format)
            .header("Prefer", "respond-async")
            .send(File::open(file)?)?;
        let upload = begin.elapsed();
        let status = response.status();
        let body: Value = response.body_mut().read_json()?;
        ensure!(status.as_u16() == 202, "the import was answered with {status}: {body}");
        let operation = body.get("id").and_then(Value::as_str).context("the answer has no id")?.to_owned();
        loop {
            let body = self.operation(&operation)?;
            match body.get("state").and_then(Value::as_str).unwrap_or_default() {
                "succeeded" => return Ok(Import { operation, upload, total: begin.elapsed() }),
                "receiving" | "queued" | "running" => thread::sleep(Duration::from_millis(10)),
                _ => bail!("the import did not succeed: {body}"),
            }
        }
    }

    /// Time of one request that makes a user, and the id of the user.
    pub(super) fn create(&self, prefix: &str, n: usize) -> Result<(Duration, String)> {
        let begin = Instant::now();
        let mut response = self
            .agent
            .post(format!("{}/api/v1/users", self.api))
            .header("Authorization", &self.authorization)
            .send_json(user(prefix, n))?;
        let body: Value = response.body_mut().read_json()?;
        ensure!(response.status().as_u16() == 201, "a user was answered with {}: {body}", response.status());
        let id = body.get("id").and_then(Value::as_str).context("the answer has no id")?;
        Ok((begin.elapsed(), id.to_owned()))
    }

    /// Time of one GET, which must be answered with 200.
    pub(super) fn get(&self, path: &str) -> Result<Duration> {
        let begin = Instant::now();
        let url = format!("{}/api/v1/{path}", self.api);
        let mut response = self.agent.get(&url).header("Authorization", &self.authorization).call()?;
        let body = response.body_mut().read_to_string()?;
        ensure!(response.status().as_u16() == 200, "{path} was answered with {}: {body}", response.status());
        Ok(begin.elapsed())
    }

    fn operation(&self, id: &str) -> Result<Value> {
        let url = format!("{}/api/v1/operations/{id}", self.api);
        Ok(self.agent.get(&url).header("Authorization", &self.authorization).call()?.body_mut().read_json()?)
    }

    /// Time of one request that creates `count` users without mails and waits for them up to ten seconds.
    pub(super) fn timed_batch(&self, prefix: &str, count: usize) -> Result<Duration> {
        let users: Vec<Value> = (0..count).map(|n| user(prefix, n)).collect();
        let body = json!({"users": users, "send_welcome": false});
        let (took, status, answer) = self.post_batch(&body)?;
        ensure!(matches!(status, 201 | 202), "a batch of {count} was answered with {status}: {answer}");
        Ok(took)
    }

    fn post_batch(&self, body: &Value) -> Result<(Duration, u16, String)> {
        let begin = Instant::now();
        let mut response = self
            .agent
            .post(format!("{}/api/v1/users/batch", self.api))
            .header("Authorization", &self.authorization)
            .header("Prefer", "wait=10")
            .send_json(body)?;
        let answer = response.body_mut().read_to_string()?;
        Ok((begin.elapsed(), response.status().as_u16(), answer))
    }

    /// Time of one request that creates `count` users and waits for them, and the operation behind it. Without
    /// `send_welcome` the API's default holds.
    pub(super) fn small_batch(
        &self,
        prefix: &str,
        count: usize,
        send_welcome: Option<bool>,
    ) -> Result<(Duration, String)> {
        let users: Vec<Value> = (0..count).map(|n| user(prefix, n)).collect();
        let mut body = json!({"users": users});
        if let (Some(send), Some(members)) = (send_welcome, body.as_object_mut()) {
            members.insert("send_welcome".to_owned(), send.into());
        }
        let (took, status, answer) = self.post_batch(&body)?;
        ensure!(status == 201, "a batch of {count} was answered with {status}: {answer}");
        let answer: Value = serde_json::from_str(&answer)?;
        let operation = answer.get("operation_id").and_then(Value::as_str).context("the answer has no operation_id")?;
        Ok((took, operation.to_owned()))
    }
}

fn user(prefix: &str, n: usize) -> Value {
    let user = muster_testkit::data::user(prefix, n);
    json!({"email": user.email, "username": user.username, "full_name": user.full_name})
}
