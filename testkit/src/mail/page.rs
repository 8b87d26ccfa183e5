//! A page that lists the last mails and shows one.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::Shared;

/// Serves it for ever.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let response = respond(&request, &shared);
                async { Ok::<_, Infallible>(response) }
            });
            // A browser that goes away is its own affair.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn respond(request: &Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    let path = request.uri().path().trim_start_matches('/');
    if path.is_empty() {
        return answer(200, "text/html; charset=utf-8", list(shared).into_bytes());
    }
    let wanted = path.parse::<u64>().ok();
    match shared.store.shown().into_iter().find(|mail| Some(mail.number) == wanted) {
        Some(mail) => answer(200, "text/plain; charset=utf-8", mail.raw),
        None => answer(404, "text/plain; charset=utf-8", b"No such mail among the last 200.\n".to_vec()),
    }
}

fn answer(status: u16, content_type: &str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    if let Ok(value) = content_type.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

fn list(shared: &Shared) -> String {
    let rows: String = shared
        .store
        .shown()
        .iter()
        .map(|mail| {
            let (number, to, subject) = (mail.number, escape(&mail.recipient), escape(&mail.subject));
            format!("<tr><td><a href=\"/{number}\">{number}</a></td><td>{to}</td><td>{subject}</td></tr>")
        })
        .collect::<Vec<_>>()
        .join("\n");
    format!(
        "<!doctype html><title>Mail</title><style>body{{font:15px system-ui;margin:2em}}td{{padding:.2em 1em}}</style>\
         <h1>Mail</h1><p>{} accepted since the start; the last ones first.</p>\
         <table><tr><th>#</th><th>To</th><th>Subject</th></tr>{rows}</table>",
        shared.store.counters().accepted
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
