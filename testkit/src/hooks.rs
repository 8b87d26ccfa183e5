//! An endpoint for webhooks on loopback, which answers as a test says and remembers what it was told.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

/// Longest silence in the middle of a request.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an endpoint was told.
#[derive(Clone, Debug)]
pub struct HookRequest {
    /// When it came in.
    pub at: Instant,
    /// Path and query.
    pub target: String,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    /// As it was sent.
    pub body: String,
}

impl HookRequest {
    /// A header's value; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
struct Inner {
    requests: Vec<HookRequest>,
    answers: VecDeque<String>,
}

/// The endpoint. It lives as long as the process.
#[derive(Clone, Debug)]
pub struct HookServer {
    url: String,
    inner: Arc<Mutex<Inner>>,
}

impl HookServer {
    /// Starts one on a free port.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no free port on 127.0.0.1")?;
        let url = format!("http://{}/hooks?key=not-to-be-logged", listener.local_addr()?);
        let inner = Arc::<Mutex<Inner>>::default();
        let server = Self { url, inner };
        let seen = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = seen.clone();
                // A client that goes away in the middle of a request has told nothing.
                thread::spawn(move || seen.serve(stream).ok());
            }
        });
        Ok(server)
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Gives this answer once, after those that were asked for before; when all are given, 204.
    pub fn answer(&self, status: u16, headers: &[(&str, &str)]) {
        let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = headers.concat();
        let answer = format!("HTTP/1.1 {status} As asked\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n");
        self.lock().answers.push_back(answer);
    }

    /// All that was told, in order.
    pub fn requests(&self) -> Vec<HookRequest> {
        self.lock().requests.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_lowercase(), value.to_owned()));
        }
        let mut request = HookRequest { at: Instant::now(), target, headers, body: String::new() };
        let length: u64 = request.header("content-length").parse()?;
        reader.take(length).read_to_string(&mut request.body)?;
        let answer = {
            let mut inner = self.lock();
            inner.requests.push(request);
            inner.answers.pop_front()
        };
        let none = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
        stream.write_all(answer.as_deref().unwrap_or(none).as_bytes())?;
        Ok(())
    }
}
