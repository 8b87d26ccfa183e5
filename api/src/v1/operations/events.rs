use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{StreamExt, stream};
use muster_application::operations::{Rendered, Sighting, Watcher};
use muster_domain::OperationId;
use muster_domain::operations::Operation;
use tokio::time::{Instant, sleep, sleep_until};

use super::view::OperationView;
use crate::extract::{Id, LastEventId, Tenant};
use crate::problem::Problem;
use crate::refusals::OfWatch;
use crate::server::Stopping;
use crate::state::Shared;

/// How long nothing may be sent: client and proxies see that the stream is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a stream lasts: then its client comes back, with a token that is still good, perhaps to another process.
const LIFE: Duration = Duration::from_mins(15);
/// How many milliseconds a client waits before it comes back.
const RETRY: Bytes = Bytes::from_static(b"retry: 2000\n\n");
const PULSE: Bytes = Bytes::from_static(b":\n\n");
/// Proxies that collect answers before they hand them on are asked not to (nginx).
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// An event as it may be.
const EVENT: &str = "id: 5d1f0e6c2b7a9385.end\nevent: end\ndata: {\"state\":\"succeeded\"}\n\n";

/// Follow an operation as server-sent events
///
/// `event: progress` with the operation whenever it has changed, at most once a second but for its moves; `event: end` when
/// it has ended, and then the stream ends. A stream that ends without it is to be asked for again, with `Last-Event-ID`.
#[utoipa::path(
    get, path = "/api/v1/operations/{id}/events", operation_id = "watch_operation", tag = "Operations",
    params(
        ("id" = uuid::Uuid, Path, description = "Which operation"),
        ("Last-Event-ID" = Option<String>, Header, description = "`id` of the last event that was seen, which is not sent again", example = "5d1f0e6c2b7a9384"),
    ),
    responses(
        (status = 200, description = "Events as they happen", body = String, content_type = "text/event-stream", example = json!(EVENT)),
        (status = 204, description = "`Last-Event-ID` is that of `event: end`: nothing will follow"),
        OfWatch,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn events(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    last: LastEventId,
    stopping: Option<Extension<Stopping>>,
) -> Result<Response, Problem> {
    let mut watcher = state.app.watch_operation(&ctx, OperationId::new(id)).await?;
    if last.is_end && watcher.sighting().is_some_and(|sighting| sighting.operation.state.is_final()) {
        // A browser asks again when a stream has ended, unless it is told so.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let stopping = stopping.map(|Extension(stopping)| stopping).unwrap_or_default();
    let until = Instant::now() + LIFE;
    let events = Events { watcher, seen: last.seen, until, stopping, ended: false };
    let events = stream::unfold(events, |mut events| async { events.next().await.map(|event| (event, events)) });
    let body = stream::once(async { RETRY }).chain(events).map(Ok::<_, Infallible>);
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-cache"), UNBUFFERED];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// What one client is told.
struct Events {
    watcher: Watcher,
    /// The id of what it was told last.
    seen: Option<u64>,
    until: Instant,
    stopping: Stopping,
    ended: bool,
}

impl Events {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.ended {
                return None;
            }
            let sighting = self.watcher.sighting()?;
            let Rendered { id, event } = sighting.rendered(progress);
            if self.seen.replace(*id) != Some(*id) {
                return Some(event.clone());
            }
            if sighting.operation.state.is_final() {
                self.ended = true;
                return Some(end(&sighting, *id));
            }
            tokio::select! {
                () = self.watcher.changed() => {}
                () = sleep(HEARTBEAT) => return Some(PULSE),
                () = sleep_until(self.until) => return None,
                () = self.stopping.ending.cancelled() => return None,
            }
        }
    }
}

/// The id is a digest of what is told, so that every process gives the same.
fn progress(operation: &Operation) -> Rendered {
    // Strings and numbers always serialise.
    let json = serde_json::to_string(&OperationView::from(operation.clone())).unwrap_or_default();
    let [b0, b1, b2, b3, b4, b5, b6, b7, ..] = *blake3::hash(json.as_bytes()).as_bytes();
    let id = u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7]);
    let event = format!("id: {}\nevent: progress\ndata: {json}\n\n", LastEventId::of(id, false));
    Rendered { id, event: event.into() }
}

/// Without data browsers would not hear of it.
fn end(sighting: &Arc<Sighting>, id: u64) -> Bytes {
    let (id, state) = (LastEventId::of(id, true), sighting.operation.state.name());
    format!("id: {id}\nevent: end\ndata: {{\"state\":\"{state}\"}}\n\n").into()
}
