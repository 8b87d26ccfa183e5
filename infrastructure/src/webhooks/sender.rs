use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::{Request, Response, body::Incoming, header};
use hyper_util::rt::TokioIo;
use muster_application::ports::{WebhookAnswer, WebhookRequest, WebhookSender};
use muster_domain::Networks;
use muster_domain::webhooks::DeliveryError;
use opentelemetry::KeyValue;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, RootCertStore};
use url::Url;

use super::connect::{Stream, connect, tls};
use super::resolve::{Resolve, addresses};
use crate::spans;

/// How long DNS, TCP and TLS may take together.
const CONNECT: Duration = Duration::from_secs(5);
/// How long all of an attempt may take.
const WHOLE: Duration = Duration::from_secs(15);
/// How much of an answer's body is read, and thrown away.
const MOST_READ: usize = 16 * 1024;
/// How much is held of an answer at a time: more than its head needs.
const MOST_BUFFERED: usize = 64 * 1024;
const AGENT: &str = concat!("Muster-Webhooks/", env!("CARGO_PKG_VERSION"));

/// Sends over a connection of its own each time: endpoints are many, and asked seldom. Proxies of the environment are not
/// used: behind one nobody knows which address is reached.
#[derive(Clone)]
pub struct HttpWebhookSender {
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
    allowed: Networks,
}

impl HttpWebhookSender {
    /// Sends to the public internet and to the `allowed` networks, to whoever has a certificate of these authorities.
    ///
    /// # Errors
    /// When TLS cannot be set up, which is a defect of ours.
    pub fn new(resolver: Arc<dyn Resolve>, roots: RootCertStore, allowed: Networks) -> Result<Self, rustls::Error> {
        Ok(Self { resolver, tls: tls(roots)?, allowed })
    }

    /// The head of the answer, and the rest of it.
    async fn attempt(&self, request: &WebhookRequest) -> Result<(WebhookAnswer, Exchange), DeliveryError> {
        let url = request.url.parts();
        let connected = timeout(CONNECT, self.connect(url)).await.map_err(|_| DeliveryError::TimedOut)??;
        let exchange = exchange(connected, message(request, url)?).await?;
        let status = exchange.response.status().as_u16();
        let asked = exchange.response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        Ok((WebhookAnswer { answer: Ok(status), retry_after: asked.map(str::to_owned) }, exchange))
    }

    async fn connect(&self, url: &Url) -> Result<Box<dyn Stream>, DeliveryError> {
        let host = url.host().ok_or(DeliveryError::NoConnection)?;
        let port = url.port_or_known_default().ok_or(DeliveryError::NoConnection)?;
        let addresses = addresses(self.resolver.as_ref(), &host, port, &self.allowed).await?;
        let tls = (url.scheme() == "https").then_some(&self.tls);
        connect(&addresses, tls, &host).await
    }
}

#[async_trait]
impl WebhookSender for HttpWebhookSender {
    fn networks(&self) -> &Networks {
        &self.allowed
    }

    async fn send(&self, request: &WebhookRequest) -> WebhookAnswer {
        // Not where it goes to: endpoints have secrets in their paths.
        let system = KeyValue::new("network.protocol.name", "http");
        spans::call("POST", system, self.send_now(request), |done| done.answer.err().map(DeliveryError::name)).await
    }
}

impl HttpWebhookSender {
    async fn send_now(&self, request: &WebhookRequest) -> WebhookAnswer {
        let deadline = Instant::now() + WHOLE;
        match timeout_at(deadline, self.attempt(request)).await.unwrap_or(Err(DeliveryError::TimedOut)) {
            Ok((answer, exchange)) => {
                // Whoever is cut off in the middle of what they say may take that for a failure. What it is is no business of
                // ours, and if it goes on for too long, that changes nothing.
                let rest = Limited::new(exchange.response.into_body(), MOST_READ).collect();
                let _ = timeout_at(deadline, rest).await;
                answer
            }
            Err(error) => WebhookAnswer { answer: Err(error), retry_after: None },
        }
    }
}

/// The request as it goes out. Only path and query are in its first line, as a server of its own is asked.
fn message(request: &WebhookRequest, url: &Url) -> Result<Request<Full<Bytes>>, DeliveryError> {
    let host = url.host_str().unwrap_or_default();
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    Request::post(target)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, AGENT)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .header("webhook-id", request.message.to_string())
        .header("webhook-timestamp", request.timestamp)
        .header("webhook-signature", &request.signature)
        .body(Full::from(request.body.clone()))
        .map_err(|_| DeliveryError::BrokenAnswer)
}

/// An answer that is still coming in.
struct Exchange {
    response: Response<Incoming>,
    /// Moves the bytes; it ends, and the connection with it, when this is dropped.
    _connection: JoinSet<()>,
}

async fn exchange(stream: Box<dyn Stream>, request: Request<Full<Bytes>>) -> Result<Exchange, DeliveryError> {
    let broken = |_: hyper::Error| DeliveryError::BrokenAnswer;
    let client = http1::Builder::new().max_buf_size(MOST_BUFFERED).handshake(TokioIo::new(stream));
    let (mut sender, moving) = client.await.map_err(broken)?;
    let mut connection = JoinSet::new();
    connection.spawn(async move {
        // What goes wrong with it, whoever waits for the answer hears.
        let _ = moving.await;
    });
    let response = sender.send_request(request).await.map_err(broken)?;
    Ok(Exchange { response, _connection: connection })
}
