use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use muster_application::ports::{WebhookAnswer, WebhookRequest, WebhookSender};
use muster_domain::webhooks::WebhookUrl;
use muster_domain::{Networks, WebhookMessageId};
use muster_infrastructure::webhooks::{HttpWebhookSender, Resolve, trusted_roots};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use uuid::Uuid;

pub const BODY: &str = r#"{"type":"user.created"}"#;

/// DNS as a test says.
#[derive(Default)]
pub struct Names {
    names: HashMap<&'static str, Vec<IpAddr>>,
    pub asked: AtomicU32,
}

impl Names {
    pub fn of(name: &'static str, addresses: &[&str]) -> Arc<Self> {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { names: HashMap::from([(name, addresses)]), asked: AtomicU32::default() })
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.names.get(host).cloned().ok_or_else(|| io::Error::other("no such name"))
    }
}

pub fn networks(text: &str) -> Networks {
    if text.is_empty() { Networks::default() } else { Networks::parse(text).unwrap() }
}

pub fn sender(names: Arc<Names>, allowed: &str) -> HttpWebhookSender {
    HttpWebhookSender::new(names, trusted_roots(), networks(allowed)).unwrap()
}

pub async fn send(sender: &HttpWebhookSender, url: &str) -> WebhookAnswer {
    let request = WebhookRequest {
        url: WebhookUrl::from_stored(url).unwrap(),
        message: WebhookMessageId::new(Uuid::from_u128(5)),
        timestamp: 1_790_000_000,
        signature: "v1,abc v1,def".to_owned(),
        body: BODY.to_owned(),
    };
    sender.send(&request).await
}

/// A server on loopback that gives every request the same answer, and remembers what it was asked.
pub struct Receiver {
    pub port: u16,
    pub requests: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    pub async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, answer) = (Arc::new(Mutex::new(Vec::new())), answer.into());
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), Arc::clone(&seen)));
            }
        });
        Self { port, requests }
    }

    pub fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

pub async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: Vec<u8>, seen: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    while !request.ends_with(BODY.as_bytes()) {
        let mut piece = [0; 1024];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&piece[..read]),
        }
    }
    seen.lock().unwrap().push(String::from_utf8(request).unwrap());
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
}
