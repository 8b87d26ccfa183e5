//! The same over a socket.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use muster_api::RateLimits;
use muster_api::server::Serving;
use muster_bootstrap::config::TrustedProxies;
use muster_testkit::memory::MemoryLimiter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::{Engine, World, csv, users};

pub(super) struct Server {
    pub(super) address: std::net::SocketAddr,
    pub(super) stop: oneshot::Sender<()>,
    pub(super) task: JoinHandle<std::io::Result<()>>,
}

async fn start(world: &World) -> Server {
    start_with(world, Serving { grace: Duration::from_secs(20), ..Serving::default() }).await
}

pub(super) async fn start_with(world: &World, serving: Serving) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async {
        let _ = stopped.await;
    };
    let task = tokio::spawn(muster_api::server::serve(listener, world.router(), serving, shutdown));
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

/// Sends a request; gives status and body of the answer.
async fn answer_to(server: &Server, request: &str) -> (u16, String) {
    let answer = exchange(server, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    if !body.is_empty() {
        assert!(head.to_lowercase().contains("content-type: application/problem+json"), "{answer}");
        assert!(head.to_lowercase().contains("x-trace-id: "), "{answer}");
    }
    (status, body.to_owned())
}

#[tokio::test]
async fn every_refusal_has_the_one_envelope() {
    let world = World::new();
    let server = start(&world).await;
    let token = world.token();
    let common = format!("HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-tenant-token: {token}\r\n");
    let json = |body: &str| format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let (long, fields) = ("x".repeat(40_000), format!("x-long: {}\r\n", "x".repeat(8_000)).repeat(9));
    for (what, request, status, code) in [
        ("an unknown route", format!("GET /nothing {common}\r\n"), 404, "ENTITY_NOT_FOUND"),
        ("a wrong method", format!("PUT /api/v1/users {common}\r\n"), 405, "METHOD_NOT_ALLOWED"),
        ("a method of its own", format!("BREW /api/v1/users {common}\r\n"), 405, "METHOD_NOT_ALLOWED"),
        ("bad JSON", format!("POST /api/v1/users {common}{}", json("{")), 422, "VALIDATION_ERROR"),
        ("no body", format!("POST /api/v1/users {common}{}", json("")), 422, "VALIDATION_ERROR"),
        (
            "another type",
            format!("POST /api/v1/users {common}content-length: 1\r\n\r\nx"),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        ("a long body", format!("POST /api/v1/users {common}{}", json(&" ".repeat(70_000))), 413, "PAYLOAD_TOO_LARGE"),
        ("a long URI", format!("GET /api/v1/users?x={long} {common}\r\n"), 414, "VALIDATION_ERROR"),
        ("a long path", format!("GET /{long} {common}\r\n"), 414, "VALIDATION_ERROR"),
        ("a long head", format!("GET /api/v1/users {common}{fields}\r\n"), 431, "VALIDATION_ERROR"),
        ("a path that is no UTF-8", format!("GET /api/v1/users/%ff {common}\r\n"), 422, "VALIDATION_ERROR"),
        ("a query that is no UTF-8", format!("GET /api/v1/users?cursor=%ff {common}\r\n"), 422, "VALIDATION_ERROR"),
    ] {
        let (found, body) = answer_to(&server, &request).await;
        assert_eq!(found, status, "{what}: {body}");
        let problem: serde_json::Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{what}: {body:?}"));
        assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &status.into()), "{what}");
    }
}

/// What is no HTTP, or has more than 100 header lines, is refused by the HTTP library before there is a request: a bare
/// status. Should it ever learn to say more, this test tells.
#[tokio::test]
async fn what_is_no_request_gets_a_bare_status() {
    let server = start(&World::new()).await;
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(101));
    let longest = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(66_000));
    for (request, status) in [("rubbish\r\n\r\n", 400), (many.as_str(), 431), (longest.as_str(), 414)] {
        assert_eq!(answer_to(&server, request).await, (status, String::new()));
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

#[tokio::test]
async fn a_long_head_is_a_problem_over_http_2_as_well() {
    let server = start(&World::new()).await;
    let stream = hyper_util::rt::TokioIo::new(TcpStream::connect(server.address).await.unwrap());
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut client, connection) = hyper::client::conn::http2::handshake(executor, stream).await.unwrap();
    tokio::spawn(connection);
    let (long, url) = ("x".repeat(40_000), format!("http://{}/", server.address));
    let uri = Request::get(format!("{url}?{long}")).body(Body::empty()).unwrap();
    let head = Request::get(url).header("x-long", &long).header("x-longer", &long).body(Body::empty()).unwrap();
    for (request, status) in [(uri, 414), (head, 431)] {
        let answer = client.send_request(request).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
}
