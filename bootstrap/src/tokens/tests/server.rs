//! A server on this machine that publishes keys, more or less well.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::tokens::{JwksSource, JwksUrl};

/// How it answers.
#[derive(Debug, Clone)]
pub(super) enum Mood {
    Publishes(String),
    Fails(u16),
    Redirects(String),
    /// Sends without end.
    Floods,
    /// Takes the request and says nothing.
    IsSilent,
    /// Says one byte now and then.
    Drips,
    HangsUp,
}

pub(super) struct KeyServer {
    scheme: &'static str,
    address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<AtomicUsize>,
}

impl KeyServer {
    /// Lives as long as the test process.
    pub(super) fn start(mood: Mood) -> Self {
        Self::start_with(mood, None)
    }

    /// The same over TLS.
    pub(super) fn start_tls(mood: Mood, tls: ServerConfig) -> Self {
        Self::start_with(mood, Some(Arc::new(tls)))
    }

    fn start_with(mood: Mood, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = Self { scheme, address, mood: Arc::new(Mutex::new(mood)), asked: Arc::default() };
        let (mood, asked) = (server.mood.clone(), server.asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                asked.fetch_add(1, Ordering::SeqCst);
                let mood = mood.lock().unwrap().clone();
                // Who hangs up on us is no failure of the test.
                let tls = tls.clone();
                std::thread::spawn(move || match tls {
                    None => answer(stream, mood).ok(),
                    Some(tls) => answer(StreamOwned::new(ServerConnection::new(tls).ok()?, stream), mood).ok(),
                });
            }
        });
        server
    }

    pub(super) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(super) fn url(&self) -> String {
        format!("{}://{}/keys", self.scheme, self.address)
    }

    pub(super) fn source(&self) -> JwksSource {
        source(&self.url())
    }
}

pub(super) fn source(url: &str) -> JwksSource {
    JwksSource::Url(JwksUrl::parse(url, true).unwrap())
}

fn answer(mut stream: impl Read + Write, mood: Mood) -> std::io::Result<()> {
    if matches!(mood, Mood::HangsUp) {
        return Ok(());
    }
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.extend(byte);
    }
    match mood {
        Mood::Publishes(body) => {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        }
        Mood::Fails(status) => write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n"),
        Mood::Redirects(to) => {
            write!(stream, "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
        }
        Mood::Floods => {
            write!(stream, "HTTP/1.1 200 OK\r\n\r\n")?;
            loop {
                stream.write_all(&[b' '; 4096])?;
            }
        }
        Mood::Drips => {
            write!(stream, "HTTP/1.1 200 OK\r\n\r\n")?;
            loop {
                stream.write_all(b" ")?;
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
        Mood::IsSilent => stream.read_exact(&mut [0]),
        Mood::HangsUp => Ok(()),
    }
}
