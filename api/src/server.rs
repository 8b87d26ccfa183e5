//! Serves HTTP/1.1 and HTTP/2 (without TLS) on one port, with the timeouts that keep slow clients harmless.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::observe::HttpMetrics;

/// How long a client may take for the head of a request, its first byte included.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a silent HTTP/2 connection is believed in.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Most bytes of a head over HTTP/2: more than we refuse with a problem, as it is with HTTP/1.1.
const MAX_HEAD: u32 = 128 * 1024;
/// Pause after a failed accept: out of file descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The other end of the connection, among the extensions of each request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// That the server is to end, among the extensions of each request: answers without an end are ended then, so that their
/// clients go to another process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stopping(pub(crate) CancellationToken);

/// Tells each request of a connection where it came from, and when the server is to end.
struct FromPeer {
    inner: TowerToHyperService<Router>,
    peer: Peer,
    stopping: Stopping,
}

impl Service<Request<Incoming>> for FromPeer {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(self.stopping.clone());
        self.inner.call(request)
    }
}

/// Serves until `shutdown` completes, then ends what is streamed and gives the requests that run `grace` to end.
///
/// # Errors
/// When the address of the listener cannot be read.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    metrics: &HttpMetrics,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
) -> io::Result<()> {
    tracing::info!("listening on http://{}", listener.local_addr()?);
    let connections = GracefulShutdown::new();
    let stopping = Stopping::default();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let inner = TowerToHyperService::new(router.clone());
                    let service = FromPeer { inner, peer: Peer(peer.ip()), stopping: stopping.clone() };
                    let (open, watcher) = (metrics.connected(), connections.watcher());
                    tokio::spawn(async move {
                        connection(stream, service, watcher).await;
                        drop(open);
                    });
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a connection was not accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    stopping.0.cancel();
    if timeout(grace, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
    Ok(())
}

async fn connection(stream: TcpStream, service: FromPeer, watcher: hyper_util::server::graceful::Watcher) {
    // Small answers go out at once instead of waiting for more.
    let _ = stream.set_nodelay(true);
    // hyper's own timeout starts with the first byte only.
    if !matches!(timeout(HEAD_TIMEOUT, stream.readable()).await, Ok(Ok(()))) {
        return;
    }
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(MAX_HEAD);
    builder.http2().keep_alive_interval(KEEP_ALIVE).keep_alive_timeout(KEEP_ALIVE);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        // The client's doing, as a rule: it went away or spoke no HTTP.
        tracing::debug!(error = %error, "a connection ended early");
    }
}
