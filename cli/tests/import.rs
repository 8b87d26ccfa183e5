//! `muster import` against an API that answers as told.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const PATH: &str = "/api/v1/operations/0190";

/// Answers the upload with one answer and everything else with the operation.
struct Api {
    url: String,
    /// Heads of the requests it got, but for those of streams.
    heads: Arc<Mutex<Vec<String>>>,
    /// Heads of the requests for streams.
    streams: Arc<Mutex<Vec<String>>>,
}

/// What the API is like.
#[derive(Clone)]
struct Answers {
    upload: (u16, Value),
    state: &'static str,
    /// Refuses every other question after the upload.
    busy: bool,
    /// What it streams, and then breaks off; none if it has no streams.
    stream: Option<String>,
}

impl Api {
    fn start(upload: (u16, Value), state: &'static str) -> Self {
        Self::start_with(Answers { upload, state, busy: false, stream: None })
    }

    fn start_with(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (heads, streams) = <(Arc<Mutex<Vec<String>>>, Arc<Mutex<Vec<String>>>)>::default();
        let seen = (Arc::clone(&heads), Arc::clone(&streams));
        // Ends with the test process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, seen) = (answers.clone(), seen.clone());
                thread::spawn(move || serve(stream, &answers, &seen.0, &seen.1));
            }
        });
        Self { url, heads, streams }
    }

    fn import(&self, name: &str, arguments: &[&str]) -> Output {
        let dir = tempfile::tempdir().unwrap();
        let (file, token): (PathBuf, PathBuf) = (dir.path().join(name), dir.path().join("token"));
        std::fs::write(&file, "email,username\nada@example.com,ada\n").unwrap();
        std::fs::write(&token, "secret\n").unwrap();
        Command::new(env!("CARGO_BIN_EXE_muster"))
            .arg("import")
            .arg(file)
            .args(arguments)
            .env("API_URL", format!("{}/", self.url))
            .env("TENANT_TOKEN", "")
            .env("TENANT_TOKEN_FILE", token)
            .env("RUST_BACKTRACE", "1")
            .output()
            .unwrap()
    }

    fn upload_head(&self) -> String {
        self.heads.lock().unwrap()[0].clone()
    }
}

/// One answer a connection; reads the body first, so that nobody is cut off.
fn serve(mut stream: TcpStream, answers: &Answers, seen: &Mutex<Vec<String>>, streams: &Mutex<Vec<String>>) {
    let Answers { upload, state, busy, .. } = answers;
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut line) = (String::new(), String::new());
    while reader.read_line(&mut line).unwrap() > 0 && line != "\r\n" {
        head.push_str(&line.to_lowercase());
        line.clear();
    }
    if head.contains("transfer-encoding: chunked") {
        line.clear();
        while reader.read_line(&mut line).unwrap() > 0 && !line.ends_with("0\r\n") {}
        reader.read_line(&mut line).unwrap();
    } else if let Some(length) = head.split("content-length: ").nth(1) {
        let length: u64 = length.lines().next().unwrap().parse().unwrap();
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).unwrap();
    }
    if head.lines().next().unwrap_or_default().contains("/events") {
        streams.lock().unwrap().push(head);
        let (status, kind) = if answers.stream.is_some() { (200, "text/event-stream") } else { (404, "text/plain") };
        let body = answers.stream.as_deref().unwrap_or_default();
        // Longer than what comes: it breaks off.
        let length = body.len() + 10;
        write!(stream, "HTTP/1.1 {status} Whatever\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")
            .unwrap();
        return;
    }
    let (status, body) = if head.starts_with("post") {
        upload.clone()
    } else if *busy && seen.lock().unwrap().len() % 2 == 1 {
        (429, json!({"status": 429, "code": "RATE_LIMITED"}))
    } else if head.contains("/rows") {
        (200, json!({"items": []}))
    } else {
        (200, operation(state))
    };
    seen.lock().unwrap().push(head);
    let body = body.to_string();
    let head = "Whatever\r\nconnection: close\r\nretry-after: 1\r\n";
    write!(stream, "HTTP/1.1 {status} {head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
}

fn operation(state: &str) -> Value {
    json!({
        "id": "0190", "state": state, "warnings": [], "pause": {"reason": "error_budget"},
        "progress": {"rows_total": 1, "rows_done": 1, "created": 1, "failed": 0, "mails_total": 0},
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_exit_code_says_how_the_import_ended() {
    for (state, code) in [("succeeded", 0), ("partially_succeeded", 3), ("failed", 4), ("paused", 5), ("cancelled", 1)]
    {
        let api = Api::start((202, operation("queued")), state);
        let output = api.import("users.csv", &["--watch"]);
        assert_eq!(output.status.code(), Some(code), "{state}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains(state));
    }
}

#[test]
fn an_api_that_is_asked_too_often_is_asked_again_when_it_says() {
    let answers =
        Answers { upload: (202, operation("queued")), state: "partially_succeeded", busy: true, stream: None };
    let api = Api::start_with(answers);
    let began = Instant::now();
    let output = api.import("users.csv", &["--watch"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    // The upload, and the operation twice, with a second in between.
    assert_eq!(api.heads.lock().unwrap().len(), 3);
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[test]
fn without_a_terminal_it_returns_after_the_upload_and_says_where_to_look() {
    let api = Api::start((202, operation("queued")), "failed");
    let output = api.import("users.csv", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), format!("0190 queued\n{}{PATH}\n", api.url));
}

#[test]
fn a_repeated_import_is_recognised_by_its_result_or_its_problem() {
    for (answer, state, code) in [
        ((201, json!({"created": [], "total": 1, "operation_id": "0190"})), "succeeded", 0),
        ((409, json!({"status": 409, "code": "CONFLICT", "operation_id": "0190"})), "failed", 4),
    ] {
        let api = Api::start(answer, state);
        for arguments in [&["--idempotency-key", "k", "--json"][..], &["--idempotency-key", "k"]] {
            let output = api.import("users.json", arguments);
            assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
            assert!(text(&output.stdout).contains(state));
        }
    }
}

#[test]
fn what_is_asked_for_reaches_the_api() {
    let api = Api::start((202, operation("queued")), "succeeded");
    let output = api.import(
        "export.txt",
        &["--format", "csv", "--no-mail", "--on-error", "abort", "--on-conflict", "update", "--match", "username"],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let head = api.upload_head();
    for option in ["send_welcome=false", "on_error=abort", "on_conflict=update", "match=username"] {
        assert!(head.contains(option), "{head}");
    }
    assert!(head.contains("content-type: text/csv") && head.contains("authorization: bearer secret\r\n"), "{head}");
}

#[test]
fn a_refusal_is_one_line_and_never_a_backtrace() {
    let api = Api::start((401, json!({"status": 401, "code": "UNAUTHORIZED", "detail": "no token"})), "failed");
    let output = api.import("users.csv", &["--watch"]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.starts_with("error: the API refused the upload (401") && error.lines().count() == 1, "{error}");
    assert!(error.contains("UNAUTHORIZED no token"), "{error}");
}

fn progress(id: &str, state: &str) -> String {
    format!("id: {id}\nevent: progress\ndata: {}\n\n", operation(state))
}

#[test]
fn what_the_stream_tells_is_not_asked_for() {
    let stream = format!("retry: 1\n\n{}:\n\n{}", progress("1", "running"), progress("2", "partially_succeeded"));
    let answers = Answers { upload: (202, operation("queued")), state: "running", busy: false, stream: Some(stream) };
    let api = Api::start_with(answers);
    let output = api.import("users.csv", &["--watch"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert_eq!(api.heads.lock().unwrap().len(), 1, "nothing but the upload");
    let streams = api.streams.lock().unwrap();
    assert!(streams.len() == 1 && streams[0].contains("authorization: bearer secret"), "{streams:?}");
}

#[test]
fn a_stream_that_breaks_is_made_good_by_asking_and_begun_anew_where_it_was() {
    // It breaks off before the end each time; the end is found by asking.
    let answers = Answers {
        upload: (202, operation("queued")),
        state: "running",
        busy: false,
        stream: Some(progress("7", "running")),
    };
    let api = Api::start_with(answers);
    let mut child = Command::new(env!("CARGO_BIN_EXE_muster"))
        .args(["import", "--watch", "--format", "csv", "--tenant-token", "secret", "--api-url", &api.url, "/dev/null"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while api.streams.lock().unwrap().len() < 3 && begin.elapsed() < Duration::from_secs(30) {
        thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let streams = api.streams.lock().unwrap();
    assert!(!streams[0].contains("last-event-id") && streams[1].contains("last-event-id: 7"), "{streams:?}");
    assert!(api.heads.lock().unwrap().len() >= 3, "the upload, and a question after each break");
}

#[test]
fn a_paused_import_says_why_and_how_to_go_on() {
    for stream in [None, Some(progress("1", "paused"))] {
        let answers = Answers { upload: (202, operation("queued")), state: "paused", busy: false, stream };
        let api = Api::start_with(answers);
        let output = api.import("users.csv", &["--json"]);
        assert_eq!(output.status.code(), Some(5));
        let error = text(&output.stderr);
        assert!(error.contains("paused: more rows failed than --max-errors allows; 1 of 1 rows are done"), "{error}");
        assert!(error.contains(&format!("{}{PATH}/resume", api.url)) && error.contains("/cancel"), "{error}");
        serde_json::from_str::<Value>(&text(&output.stdout)).unwrap();
    }
}
