//! Serves HTTP/1.1 and HTTP/2 on one port, with TLS if it is given a certificate, and with the limits that keep slow
//! clients harmless.

mod connection;
mod tls;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures::FutureExt;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use self::connection::Connection;
pub use self::tls::Tls;

/// Pause after a failed accept: out of file descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The other end of the connection, among the extensions of each request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// How far the server is in ending, among the extensions of each request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stopping {
    /// It was asked to: who asks whether it is ready hears that it is not, and connections are not kept.
    pub(crate) asked: CancellationToken,
    /// Answers without an end are ended now, so that their clients go to another process.
    pub(crate) ending: CancellationToken,
}

/// How to serve.
pub struct Serving {
    /// Most connections at a time; others wait until one of these ends.
    pub max_connections: usize,
    /// How long a client may take until its first request has a whole head, TLS included.
    pub head: Duration,
    /// How long a connection is kept for a next request, and how long the head of that may take.
    pub idle: Duration,
    /// How long connections are still taken after the server was asked to end, so that whoever spreads requests can learn
    /// of it first.
    pub drain: Duration,
    /// How long requests that run may go on after that.
    pub grace: Duration,
    /// TLS, if it is wanted.
    pub tls: Option<Tls>,
}

impl Default for Serving {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            drain: Duration::ZERO,
            grace: Duration::ZERO,
            tls: None,
        }
    }
}

/// A server that takes connections.
struct Server {
    listener: TcpListener,
    router: Router,
    serving: Serving,
    places: Arc<Semaphore>,
    connections: GracefulShutdown,
    stopping: Stopping,
}

/// Serves until `shutdown` completes, goes on for [`Serving::drain`], then ends what is streamed and gives the requests that
/// run [`Serving::grace`] to end.
///
/// # Errors
/// When the address of the listener cannot be read.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    serving: Serving,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let scheme = if serving.tls.is_some() { "https" } else { "http" };
    tracing::info!("listening on {scheme}://{}", listener.local_addr()?);
    let places = Arc::new(Semaphore::new(serving.max_connections));
    let (connections, stopping) = (GracefulShutdown::new(), Stopping::default());
    let server = Server { listener, router, serving, places, connections, stopping };
    server.accept_until(shutdown).await;
    server.stopping.asked.cancel();
    server.accept_until(sleep(server.serving.drain)).await;
    // Who has connected and was not looked at yet would be cut off without an answer.
    while let Some(true) = server.accept().now_or_never() {}
    let Server { listener, serving, connections, stopping, .. } = server;
    drop(listener);
    stopping.ending.cancel();
    if timeout(serving.grace, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
    Ok(())
}

impl Server {
    async fn accept_until(&self, end: impl Future<Output = ()>) {
        let mut end = std::pin::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return,
                _ = self.accept() => {}
            }
        }
    }

    /// Takes one connection; says whether there was one.
    async fn accept(&self) -> bool {
        // A place first: who finds none waits in the queue of the system, and costs nothing here.
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return false };
        match self.listener.accept().await {
            Ok((stream, peer)) => {
                let connection = Connection {
                    router: self.router.clone(),
                    peer: Peer(peer.ip()),
                    stopping: self.stopping.clone(),
                    head: self.serving.head,
                    idle: self.serving.idle,
                    watcher: self.connections.watcher(),
                };
                let tls = self.serving.tls.clone();
                tokio::spawn(async move {
                    connection.serve(stream, tls).await;
                    drop(place);
                });
                true
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a connection was not accepted");
                sleep(ACCEPT_PAUSE).await;
                false
            }
        }
    }
}
