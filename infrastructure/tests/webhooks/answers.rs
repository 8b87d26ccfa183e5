use muster_domain::webhooks::DeliveryError;

use crate::world::{BODY, Names, Receiver, send, sender};

async fn ask(receiver: &Receiver, path: &str) -> muster_application::ports::WebhookAnswer {
    let sender = sender(Names::of("unused", &[]), "127.0.0.0/8");
    send(&sender, &format!("http://127.0.0.1:{}{path}", receiver.port)).await
}

#[tokio::test]
async fn a_request_has_the_form_of_standard_webhooks() {
    let receiver = Receiver::start("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(ask(&receiver, "/hooks/a?key=1").await.answer, Ok(204));
    let request = receiver.requests.lock().unwrap().pop().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<_> = head.lines().map(str::to_owned).collect();
    lines[1..].sort_unstable();
    assert_eq!(
        lines,
        [
            "POST /hooks/a?key=1 HTTP/1.1".to_owned(),
            "connection: close".to_owned(),
            format!("content-length: {}", BODY.len()),
            "content-type: application/json".to_owned(),
            format!("host: 127.0.0.1:{}", receiver.port),
            format!("user-agent: Muster-Webhooks/{}", env!("CARGO_PKG_VERSION")),
            "webhook-id: 00000000-0000-0000-0000-000000000005".to_owned(),
            "webhook-signature: v1,abc v1,def".to_owned(),
            "webhook-timestamp: 1790000000".to_owned(),
        ]
    );
    assert_eq!(body, BODY);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Receiver::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://127.0.0.1:{}/", other.port);
        let answer = format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let receiver = Receiver::start(answer).await;
        assert_eq!(ask(&receiver, "/").await.answer, Ok(status));
    }
    assert_eq!(other.count(), 0);
}

#[tokio::test]
async fn what_an_answer_says_is_thrown_away_and_how_long_it_is_does_not_matter() {
    let head = "HTTP/1.1 500 Broken\r\nretry-after: 120\r\ncontent-length: 50000000\r\n\r\n";
    let receiver = Receiver::start([head.as_bytes(), &vec![b'x'; 1_000_000]].concat()).await;
    let answer = ask(&receiver, "/").await;
    assert_eq!((answer.answer, answer.retry_after.as_deref()), (Ok(500), Some("120")));
}

#[tokio::test]
async fn what_is_no_answer_is_told_apart() {
    for text in ["", "SSH-2.0-x\r\n", "HTTP/1.1 abc\r\n\r\n"] {
        let receiver = Receiver::start(text).await;
        assert_eq!(ask(&receiver, "/").await.answer, Err(DeliveryError::BrokenAnswer), "{text}");
    }
    let endless = [b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &vec![b'x'; 1_000_000]].concat();
    assert_eq!(ask(&Receiver::start(endless).await, "/").await.answer, Err(DeliveryError::BrokenAnswer));
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = Receiver { port: closed.port(), requests: std::sync::Arc::default() };
    assert_eq!(ask(&nobody, "/").await.answer, Err(DeliveryError::NoConnection));
}
