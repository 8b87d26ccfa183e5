//! Whether the service is alive, and whether it is ready for requests.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use muster_bootstrap::health::{Health, HealthReport};
use serde::Serialize;
use utoipa::ToSchema;

use crate::server::Stopping;
use crate::state::Shared;

/// Says how the parts are.
#[async_trait]
pub trait HealthSource: Send + Sync {
    /// Asks every part; answers within a few seconds whatever they do.
    async fn report(&self) -> HealthReport;
}

#[async_trait]
impl HealthSource for Health {
    async fn report(&self) -> HealthReport {
        Box::pin(Self::report(self)).await
    }
}

/// How the service and its parts are.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthView {
    /// `ok`, `degraded` or `unavailable`; `draining` while the process ends.
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
    /// The release.
    #[schema(value_type = String, example = "0.1.0")]
    version: &'static str,
    /// `development` or `production`.
    #[schema(example = "production")]
    environment: String,
    /// `up`, `down: why`, or `not configured`.
    #[schema(example = "up")]
    database: String,
    /// As `database`.
    #[schema(example = "up")]
    redis: String,
    /// As `database`.
    #[schema(example = "up")]
    temporal: String,
}

/// That the process runs.
#[derive(Serialize, ToSchema)]
#[schema(as = Liveness)]
pub(crate) struct LiveView {
    /// Always `ok`.
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
    /// The release.
    #[schema(value_type = String, example = "0.1.0")]
    version: &'static str,
    /// `development` or `production`.
    #[schema(example = "production")]
    environment: String,
}

impl HealthView {
    fn new(report: &HealthReport, environment: String) -> Self {
        let part = |name: &str| {
            let part = report.parts.iter().find(|part| part.name == name);
            match part.map(|part| (part.up, &part.detail)) {
                None => "not configured".to_owned(),
                Some((true, _)) => "up".to_owned(),
                Some((false, None)) => "down".to_owned(),
                Some((false, Some(why))) => format!("down: {why}"),
            }
        };
        Self {
            status: report.status,
            version: env!("CARGO_PKG_VERSION"),
            environment,
            database: part("database"),
            redis: part("redis"),
            temporal: part("temporal"),
        }
    }
}

/// How the service and its parts are
#[utoipa::path(get, path = "/health", operation_id = "get_health", tag = "Service", responses((status = 200, description = "How the parts are", body = HealthView)))]
pub(crate) async fn health(State(state): State<Shared>) -> Json<HealthView> {
    let report = state.health.report().await;
    Json(HealthView::new(&report, state.environment.clone()))
}

/// How the service and its parts are
#[utoipa::path(
    get, path = "/api/v1/health", operation_id = "get_health_v1", tag = "Service",
    responses((status = 200, description = "How the parts are", body = HealthView))
)]
pub(crate) async fn health_v1(state: State<Shared>) -> Json<HealthView> {
    health(state).await
}

/// That the process runs, whatever its parts do
#[utoipa::path(get, path = "/health/live", operation_id = "get_health_live", tag = "Service", responses((status = 200, description = "It runs", body = LiveView)))]
pub(crate) async fn live(State(state): State<Shared>) -> Json<LiveView> {
    Json(LiveView { status: "ok", version: env!("CARGO_PKG_VERSION"), environment: state.environment.clone() })
}

/// Whether requests should be sent here
#[utoipa::path(
    get, path = "/health/ready", operation_id = "get_health_ready", tag = "Service",
    responses(
        (status = 200, description = "How the parts are", body = HealthView),
        (status = 503, description = "A part that is needed is down, or the process ends", body = HealthView, headers(("Retry-After" = String))),
    )
)]
pub(crate) async fn ready(State(state): State<Shared>, stopping: Option<Extension<Stopping>>) -> Response {
    let report = Arc::clone(&state.health).report().await;
    let is_stopping = stopping.is_some_and(|Extension(stopping)| stopping.asked.is_cancelled());
    let mut view = HealthView::new(&report, state.environment.clone());
    if is_stopping {
        view.status = "draining";
    }
    let view = Json(view);
    if report.ready && !is_stopping {
        return view.into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], view).into_response()
}
