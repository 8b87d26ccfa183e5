use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use futures::FutureExt;
use futures::future::BoxFuture;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::service::Service;
use hyper::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_io_timeout::TimeoutStream;

use super::{Peer, Stopping, Tls};

/// How long a client may take nothing of its answer.
const STALLED: Duration = Duration::from_mins(1);
/// How long a silent HTTP/2 connection is believed in.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Most bytes of a head over HTTP/2: more than we refuse with a problem, as it is with HTTP/1.1.
const MAX_HEAD: u32 = 128 * 1024;

/// A connection that was taken.
pub(super) struct Connection {
    pub(super) router: Router,
    pub(super) peer: Peer,
    pub(super) stopping: Stopping,
    pub(super) head: Duration,
    pub(super) idle: Duration,
    pub(super) watcher: Watcher,
}

impl Connection {
    pub(super) async fn serve(self, stream: TcpStream, tls: Option<Tls>) {
        let until = Instant::now() + self.head;
        // Small answers go out at once instead of waiting for more.
        let _ = stream.set_nodelay(true);
        // hyper's own timeout starts with the first byte only.
        if !matches!(timeout_at(until, stream.readable()).await, Ok(Ok(()))) {
            return;
        }
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(STALLED));
        match tls {
            None => self.speak(Box::pin(stream), until).await,
            Some(tls) => match timeout_at(until, tls.accept(Box::pin(stream))).await {
                Ok(Ok(stream)) => self.speak(stream, until).await,
                Ok(Err(error)) => tracing::debug!(error = %error, "a client did not agree on TLS"),
                Err(_) => {}
            },
        }
    }

    async fn speak(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, until: Instant) {
        let has_asked = Arc::new(AtomicBool::default());
        let inner = TowerToHyperService::new(self.router);
        let service = Requests { inner, peer: self.peer, stopping: self.stopping, has_asked: Arc::clone(&has_asked) };
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(self.idle);
        builder.http2().timer(TokioTimer::new()).max_header_list_size(MAX_HEAD);
        builder.http2().keep_alive_interval(KEEP_ALIVE).keep_alive_timeout(KEEP_ALIVE);
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let mut served = pin!(self.watcher.watch(connection));
        let served = tokio::select! {
            served = &mut served => served,
            () = sleep_until(until) => {
                if !has_asked.load(Ordering::Relaxed) {
                    return;
                }
                served.await
            }
        };
        if let Err(error) = served {
            // The client's doing, as a rule: it went away or spoke no HTTP.
            tracing::debug!(error = %error, "a connection ended early");
        }
    }
}

/// Tells each request of a connection where it came from, and how far the server is in ending.
struct Requests {
    inner: TowerToHyperService<Router>,
    peer: Peer,
    stopping: Stopping,
    has_asked: Arc<AtomicBool>,
}

type Inner = TowerToHyperService<Router>;

impl Service<Request<Incoming>> for Requests {
    type Response = <Inner as Service<Request<Incoming>>>::Response;
    type Error = <Inner as Service<Request<Incoming>>>::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.has_asked.store(true, Ordering::Relaxed);
        let keeps = request.version() < Version::HTTP_2;
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(self.stopping.clone());
        let (answer, asked) = (self.inner.call(request), self.stopping.asked.clone());
        async move {
            let mut answer = answer.await?;
            // The next request goes to another process. Over HTTP/2 the client is told when this one ends.
            if keeps && asked.is_cancelled() {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(answer)
        }
        .boxed()
    }
}
