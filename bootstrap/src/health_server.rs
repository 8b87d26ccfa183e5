//! The small HTTP server by which a process without an API says how it is.

use std::convert::Infallible;
use std::net::SocketAddr;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;

use crate::health::Health;

/// Serves `/health/live` and `/health/ready` until the process ends.
///
/// # Errors
/// When the address cannot be taken.
pub async fn serve(address: SocketAddr, health: Health) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| anyhow::anyhow!("cannot listen on {address} (WORKER_HOST, WORKER_PORT): {error}"))?;
    let address = listener.local_addr()?;
    tracing::info!("health on http://{address}/health/ready");
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let health = health.clone();
            let service = service_fn(move |request| answer(request, health.clone()));
            tokio::spawn(async move {
                let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(())
}

async fn answer(request: Request<Incoming>, health: Health) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match request.uri().path() {
        "/health/live" => (StatusCode::OK, serde_json::json!({ "status": "ok" })),
        "/health" | "/health/ready" => {
            let report = Box::pin(health.report()).await;
            let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            let mut body = serde_json::json!({ "status": report.status, "version": env!("CARGO_PKG_VERSION") });
            if let Some(object) = body.as_object_mut() {
                for part in report.parts {
                    let text = part.detail.map_or_else(|| "up".to_owned(), |why| format!("down: {why}"));
                    object.insert(part.name.to_owned(), text.into());
                }
            }
            (status, body)
        }
        _ => {
            (StatusCode::NOT_FOUND, serde_json::json!({ "status": "not found", "see": "/health/live, /health/ready" }))
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(response)
}
