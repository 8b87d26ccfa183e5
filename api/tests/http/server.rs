//! The same over a socket.

use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use muster_api::RateLimits;
use muster_bootstrap::config::TrustedProxies;
use muster_testkit::memory::MemoryLimiter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::{Engine, World, csv, users};

struct Server {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

async fn start(world: &World) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async {
        let _ = stopped.await;
    };
    let task = tokio::spawn(muster_api::server::serve(listener, world.router(), shutdown, Duration::from_secs(20)));
    Server { address, stop, task }
}

async fn exchange(server: &Server, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_refused_upload_reads_its_answer_though_it_still_sends() {
    let world = World::new();
    let server = start(&world).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head =
        "POST /api/v1/users/batch HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\ncontent-length: 20000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b'x'; 20_000_000]).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 401");
}

#[tokio::test]
async fn a_client_that_waits_for_the_go_ahead_is_refused_without_its_body() {
    let world = World::new();
    let server = start(&world).await;
    let head = "POST /api/v1/users/batch HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\nexpect: 100-continue\r\n\
                content-length: 20000000\r\n\r\n";
    let answer = tokio::time::timeout(Duration::from_secs(3), exchange(&server, head.as_bytes())).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[tokio::test]
async fn requests_that_run_end_before_the_server_does() {
    let world = World::new();
    world.set_engine(Engine::Sleeps);
    let server = start(&world).await;
    let (body, token) = (users(0..1), world.token());
    let request = format!(
        "POST /api/v1/users/batch HTTP/1.1\r\nhost: x\r\nx-tenant-token: {token}\r\nprefer: wait=2\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    while world.store.tenant(world.tenant).operations.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.stop.send(()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 202"), "{}", String::from_utf8_lossy(&answer));
    server.task.await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn streams_end_when_the_server_is_to_end() {
    let world = World::new();
    world.set_engine(Engine::Sleeps);
    let operation = world.batch("text/csv", &[("prefer", "respond-async")], csv(0..3)).await.json();
    let server = start(&world).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "GET {}/events HTTP/1.1\r\nhost: x\r\nx-tenant-token: {}\r\n\r\n",
        operation["links"]["self"].as_str().unwrap(),
        world.token()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains("event: progress") {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
    }
    server.stop.send(()).unwrap();
    // Long before the time of grace is over.
    tokio::time::timeout(Duration::from_secs(10), server.task).await.unwrap().unwrap().unwrap();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.ends_with("\r\n0\r\n\r\n") && !answer.contains("event: end"), "{answer}");
}

/// A service behind a proxy on this machine that lets each address in once.
fn once_for_each_address() -> World {
    let mut world = World::new();
    let limiter = std::sync::Arc::new(MemoryLimiter::new(world.clock.clone()));
    world.state.rate_limits = Some(RateLimits::new(limiter, 1.try_into().unwrap(), 1.try_into().unwrap()));
    world.state.trusted_proxies = TrustedProxies::parse("127.0.0.0/8").unwrap();
    world
}

#[tokio::test]
async fn requests_over_http_1_know_where_they_come_from() {
    let world = once_for_each_address();
    let server = start(&world).await;
    for (address, status) in [("192.0.2.1", "401"), ("192.0.2.2", "401"), ("192.0.2.1", "429")] {
        let request =
            format!("GET /api/v1/users HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {address}\r\nconnection: close\r\n\r\n");
        let answer = exchange(&server, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}

#[tokio::test]
async fn requests_over_http_2_know_where_they_come_from() {
    let world = once_for_each_address();
    let server = start(&world).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    for (address, status) in [("192.0.2.1", 401), ("192.0.2.2", 401), ("192.0.2.1", 429)] {
        let request = axum::http::Request::get(format!("http://{}/api/v1/users", server.address));
        let request = request.header("x-forwarded-for", address).body(String::new()).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), status, "{address}");
    }
    connection.abort();
}
