//! Connections that wait, idle, or go on while the server ends.

use std::time::{Duration, Instant};

use muster_api::server::Serving;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::{Server, start_with};
use crate::support::World;

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(20);
const LIVE: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";
const READY: &[u8] = b"GET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n";

async fn start(serving: Serving) -> Server {
    start_with(&World::new(), serving).await
}

/// Sends a request and reads its answer; the connection stays.
async fn ask(stream: &mut TcpStream, request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "{}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8(answer).unwrap().to_lowercase()
}

/// How long it took until the server closed the connection.
async fn closed(stream: &mut TcpStream) -> Duration {
    let begin = Instant::now();
    let mut rest = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut rest)).await.expect("it stays open");
    begin.elapsed()
}

#[tokio::test]
async fn who_says_nothing_or_never_comes_to_an_end_is_cut_off() {
    let server = start(Serving { head: SHORT, ..Serving::default() }).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    slow.write_all(b"GET /health/live HTTP/1.1\r\nx: ").await.unwrap();
    let mut preface = TcpStream::connect(server.address).await.unwrap();
    preface.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    for stream in [&mut silent, &mut slow, &mut preface] {
        assert!(closed(stream).await < LONG / 2);
    }
    // One that has asked once may take its time.
    let mut asked = TcpStream::connect(server.address).await.unwrap();
    ask(&mut asked, LIVE).await;
    tokio::time::sleep(SHORT * 3).await;
    ask(&mut asked, LIVE).await;
}

#[tokio::test]
async fn a_connection_is_kept_for_so_long_and_no_longer() {
    let server = start(Serving { idle: Duration::from_secs(1), ..Serving::default() }).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    ask(&mut stream, LIVE).await;
    let idle = closed(&mut stream).await;
    assert!((Duration::from_millis(900)..LONG / 2).contains(&idle), "{idle:?}");
}

#[tokio::test]
async fn more_connections_than_there_may_be_wait_for_a_place() {
    let server = start(Serving { max_connections: 2, ..Serving::default() }).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        ask(&mut stream, LIVE).await;
        held.push(stream);
    }
    let mut third = TcpStream::connect(server.address).await.unwrap();
    third.write_all(LIVE).await.unwrap();
    let mut byte = [0];
    assert!(timeout(SHORT, third.read_exact(&mut byte)).await.is_err(), "there is no place");
    held.pop();
    timeout(LONG, third.read_exact(&mut byte)).await.expect("a place is free").unwrap();
}

#[tokio::test]
async fn a_server_that_ends_says_so_first_and_goes_on_for_a_while() {
    let server = start(Serving { drain: Duration::from_secs(2), grace: LONG, ..Serving::default() }).await;
    let mut kept = TcpStream::connect(server.address).await.unwrap();
    let ready = ask(&mut kept, READY).await;
    assert!(ready.starts_with("http/1.1 200") && !ready.contains("connection: close"), "{ready}");
    let begin = Instant::now();
    server.stop.send(()).unwrap();
    // Until it has heard.
    let draining = loop {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let answer = ask(&mut stream, READY).await;
        if !answer.starts_with("http/1.1 200") {
            break answer;
        }
        assert!(begin.elapsed() < LONG);
    };
    assert!(draining.starts_with("http/1.1 503") && draining.contains("draining"), "{draining}");
    assert!(draining.contains("connection: close") && draining.contains("retry-after"), "{draining}");
    // Who has a connection is served once more on it, and then goes elsewhere.
    let last = ask(&mut kept, LIVE).await;
    assert!(last.starts_with("http/1.1 200") && last.contains("connection: close"), "{last}");
    closed(&mut kept).await;
    timeout(LONG, server.task).await.unwrap().unwrap().unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(2));
    assert!(TcpStream::connect(server.address).await.is_err());
}
