//! How a process without an API says how it is.

use std::net::SocketAddr;

use hyper::StatusCode;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::metrics::{self, Metrics};
use crate::small_server::{self, Answer, respond};

/// Serves `/health/live`, `/health/ready` and `/metrics` until the process ends. Once `stop` is cancelled it is not ready any
/// more, whatever its parts say.
///
/// # Errors
/// When the address cannot be taken.
pub async fn serve(
    address: SocketAddr,
    health: Health,
    metrics: Metrics,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let address = small_server::serve(address, "WORKER_HOST, WORKER_PORT", move |path| {
        let (health, metrics, stop) = (health.clone(), metrics.clone(), stop.clone());
        async move { answer(&path, &health, &metrics, &stop).await }
    })
    .await?;
    tracing::info!("health on http://{address}/health/ready, metrics on http://{address}{}", metrics::PATH);
    Ok(())
}

async fn answer(path: &str, health: &Health, metrics: &Metrics, stop: &CancellationToken) -> Answer {
    let (status, body) = match path {
        metrics::PATH => return metrics.answer(),
        "/health/live" => (StatusCode::OK, serde_json::json!({ "status": "ok" })),
        "/health" | "/health/ready" if stop.is_cancelled() => (
            StatusCode::SERVICE_UNAVAILABLE,
            serde_json::json!({ "status": "draining", "version": env!("CARGO_PKG_VERSION") }),
        ),
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
        _ => (
            StatusCode::NOT_FOUND,
            serde_json::json!({ "status": "not found", "see": "/health/live, /health/ready, /metrics" }),
        ),
    };
    respond(status, "application/json", body.to_string())
}
