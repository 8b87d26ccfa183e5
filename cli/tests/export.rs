//! `muster export` against an API whose answers break off.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

const PATH: &str = "/api/v1/operations/0190";

/// What the API is like.
#[derive(Clone)]
struct Answers {
    /// How the export ends.
    state: &'static str,
    file: Vec<u8>,
    /// So many bytes come of an answer before it breaks off.
    piece: usize,
    /// What the operation says of the file; else its BLAKE3.
    digest: Option<&'static str>,
    /// What is answered instead of the file.
    refusal: Option<u16>,
}

impl Answers {
    fn new(state: &'static str, piece: usize) -> Self {
        let file = (0..1000).flat_map(|n| format!("{{\"id\":{n}}}\n").into_bytes()).collect();
        Self { state, file, piece, digest: None, refusal: None }
    }

    fn operation(&self) -> Value {
        let digest = blake3::hash(&self.file).to_hex().to_string();
        let digest = self.digest.map_or(digest, str::to_owned);
        let file = json!({"href": format!("{PATH}/file"), "bytes": self.file.len(), "rows": 1000, "blake3": digest});
        let file = if self.state == "succeeded" { file } else { Value::Null };
        json!({"id": "0190", "kind": "users.export", "state": self.state, "file": file, "progress": {"rows_done": 1}})
    }
}

struct Api {
    url: String,
    /// Heads and bodies of the requests it got.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Api {
    fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let heads = Arc::clone(&seen);
        // Ends with the test process.
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, &answers, &heads)));
        Self { url, seen }
    }

    fn export(&self, dir: &Path, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_muster"))
            .arg("export")
            .args(arguments)
            .current_dir(dir)
            .env("API_URL", &self.url)
            .env("TENANT_TOKEN", "secret")
            .output()
            .unwrap()
    }

    /// The ranges that were asked for.
    fn ranges(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let files = seen.iter().filter(|head| head.contains("/file "));
        files.map(|head| head.split("range: bytes=").nth(1).unwrap_or("-").lines().next().unwrap().to_owned()).collect()
    }
}

/// One answer a connection.
fn serve(mut stream: TcpStream, answers: &Answers, seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut line) = (String::new(), String::new());
    while reader.read_line(&mut line).unwrap() > 0 && line != "\r\n" {
        head.push_str(&line.to_lowercase());
        line.clear();
    }
    if let Some(length) = head.split("content-length: ").nth(1) {
        let length: u64 = length.lines().next().unwrap().parse().unwrap();
        reader.take(length).read_to_string(&mut head).unwrap();
    }
    seen.lock().unwrap().push(head.clone());
    let (status, length, body) = if head.contains("/file ") {
        let from: usize =
            head.split("range: bytes=").nth(1).map_or(0, |from| from.split('-').next().unwrap().parse().unwrap());
        let rest = &answers.file[from..];
        let status = answers.refusal.unwrap_or(if from == 0 { 200 } else { 206 });
        (status, rest.len(), rest[..rest.len().min(answers.piece)].to_vec())
    } else {
        let status = if head.contains("/events ") {
            404
        } else if head.starts_with("post") {
            202
        } else {
            200
        };
        let body = answers.operation().to_string().into_bytes();
        (status, body.len(), body)
    };
    write!(stream, "HTTP/1.1 {status} Whatever\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n").unwrap();
    stream.write_all(&body).unwrap();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn names(dir: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(dir.path()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_was() {
    let answers = Answers::new("succeeded", 5_000);
    let api = Api::start(answers.clone());
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["--output", "users.ndjson", "--email", "@x.com", "--idempotency-key", "k"];
    let output = api.export(dir.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(std::fs::read(dir.path().join("users.ndjson")).unwrap(), answers.file);
    assert_eq!(
        (names(&dir), api.ranges()),
        (vec!["users.ndjson".to_owned()], vec!["-".to_owned(), "5000-".to_owned(), "10000-".to_owned()])
    );
    assert!(text(&output.stderr).contains("users.ndjson: 1000 users"), "{}", text(&output.stderr));
    let begun = api.seen.lock().unwrap()[0].clone();
    assert!(begun.contains("idempotency-key: k"), "{begun}");
    let body: Value = serde_json::from_str(&begun[begun.find('{').unwrap()..]).unwrap();
    assert_eq!(body, json!({"kind": "users.export", "filter": {"email": "@x.com"}, "format": "ndjson"}));
}

#[test]
fn what_an_earlier_run_has_left_is_gone_on_with() {
    let answers = Answers::new("succeeded", usize::MAX);
    let api = Api::start(answers.clone());
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(".users.csv.0190.part"), &answers.file[..7_000]).unwrap();
    let output = api.export(dir.path(), &["-o", "users.csv"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(std::fs::read(dir.path().join("users.csv")).unwrap(), answers.file);
    assert_eq!(api.ranges(), ["7000-"]);
}

#[test]
fn a_file_can_go_to_standard_output() {
    let answers = Answers::new("succeeded", 8_000);
    let dir = tempfile::tempdir().unwrap();
    let output = Api::start(answers.clone()).export(dir.path(), &["--output", "-"]);
    assert_eq!((output.status.code(), output.stdout == answers.file), (Some(0), true), "{}", text(&output.stderr));
    assert!(names(&dir).is_empty());
}

#[test]
fn what_is_not_the_file_is_thrown_away() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("users.ndjson"), "of last week").unwrap();
    let answers = Answers { digest: Some("00"), ..Answers::new("succeeded", usize::MAX) };
    let output = Api::start(answers).export(dir.path(), &["--output", "users.ndjson"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("BLAKE3"), "{}", text(&output.stderr));
    assert_eq!(names(&dir), ["users.ndjson"]);
    assert_eq!(std::fs::read_to_string(dir.path().join("users.ndjson")).unwrap(), "of last week");
}

#[test]
fn the_exit_code_says_why_there_is_no_file() {
    let dir = tempfile::tempdir().unwrap();
    for (state, code, said) in [("failed", 4, "no file"), ("paused", 5, "/resume"), ("cancelled", 1, "no file")] {
        let output = Api::start(Answers::new(state, 0)).export(dir.path(), &[]);
        assert_eq!(output.status.code(), Some(code), "{state}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{state}: {}", text(&output.stderr));
    }
    let expired = Answers { refusal: Some(410), ..Answers::new("succeeded", 0) };
    let output = Api::start(expired).export(dir.path(), &["-o", "gone.csv"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("410"), "{}", text(&output.stderr));
    assert!(!dir.path().join("gone.csv").exists());
}
