//! Around every request: its trace id, its one line in the log, and what every answer carries.

mod counters;
mod end_line;
mod head;
mod headers;
mod linger;
mod trace;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use muster_domain::{OperationId, TenantId};
use opentelemetry::trace::FutureExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use tracing::{Instrument, Span};

pub use self::counters::HttpMetrics;
use self::end_line::EndLine;
use self::linger::Linger;
use self::trace::Trace;
use crate::cors;
use crate::limits::Counted;
use crate::problem::{About, Problem, Unrendered};
use crate::state::ApiState;
use crate::v1::operations::view;

/// What is known of a request beside the request itself.
#[derive(Clone, Default)]
pub(crate) struct RequestInfo(Arc<Known>);

#[derive(Default)]
struct Known {
    tenant: OnceLock<TenantId>,
    counted: OnceLock<Counted>,
}

impl RequestInfo {
    /// From here on the log says whose request it is.
    pub(crate) fn set_tenant(&self, tenant: TenantId) {
        Span::current().record("tenant.id", tracing::field::display(tenant));
        let _ = self.0.tenant.set(tenant);
    }

    /// The answer will say what is left of the caller's budget.
    pub(crate) fn set_counted(&self, counted: Counted) {
        let _ = self.0.counted.set(counted);
    }
}

/// What requests have in common.
struct Common {
    /// Whether browsers are told to come back over TLS only.
    production: bool,
    /// Whether `type` of a problem leads to a page.
    pages: bool,
    metrics: HttpMetrics,
}

/// Puts around routes what every request and every answer needs.
pub(crate) fn around<S: Clone + Send + Sync + 'static>(routes: Router<S>, state: &ApiState) -> Router<S> {
    around_for(routes, state.cors.as_ref().map(cors::layer), state)
}

/// The same with other pages than those of `CORS_ORIGINS`.
pub(crate) fn around_for<S>(routes: Router<S>, cors: Option<CorsLayer>, state: &ApiState) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let (production, pages) = (state.is_production(), state.has_pages());
    around_with(routes, cors, Common { production, pages, metrics: state.metrics.clone() })
}

/// Other origins are outside of panics and of tokens: a page may read every answer, also that it may not.
fn around_with<S>(routes: Router<S>, cors: Option<CorsLayer>, common: Common) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let routes = routes.layer(CatchPanicLayer::custom(panicked));
    let routes = if let Some(cors) = cors { routes.layer(cors) } else { routes };
    routes.layer(from_fn_with_state(Arc::new(common), observe))
}

/// The outermost layer.
async fn observe(State(common): State<Arc<Common>>, mut request: Request, next: Next) -> Response {
    let info = RequestInfo::default();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let trace = Trace::begin(request.headers(), end_line::is_probe(route.as_ref()));
    let span = tracing::info_span!("request", trace_id = trace.id(), tenant.id = tracing::field::Empty);
    let method = request.method().clone();
    let mut end = EndLine::new(span.clone(), trace, method, route, info.clone(), common.metrics.clone());
    let uri = request.uri().clone();
    request.extensions_mut().insert(info.clone());

    let response = match head::check(&request) {
        Ok(()) => {
            let answer = next.run(lingering(weighed(request, &common.metrics)));
            answer.with_context(end.trace.context()).instrument(span).await
        }
        Err(problem) => problem.into_response(),
    };
    let about = About { instance: uri.path(), trace_id: end.trace.id(), pages: common.pages };
    let mut response = rendered(response, about);
    headers::apply(response.headers_mut(), common.production);
    if let Some(counted) = info.0.counted.get() {
        counted.announce(response.headers_mut());
        if counted.refused_for().is_some() {
            common.metrics.rate_limited(counted.budget);
        }
    }
    if let Ok(value) = HeaderValue::from_str(end.trace.id()) {
        response.headers_mut().insert("x-trace-id", value);
    }
    end.status = Some(response.status());
    end.operation = operation(response.headers());
    response
}

/// Every error has the same envelope, also those that the framework makes.
fn rendered(mut response: Response, about: About<'_>) -> Response {
    if let Some(Unrendered(problem)) = response.extensions_mut().remove() {
        return problem.render(response, about);
    }
    let status = response.status();
    let json = HeaderValue::from_static("application/json");
    let is_ours = response.headers().get(header::CONTENT_TYPE) == Some(&json);
    if is_ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    Problem::of_status(status).render(response, about)
}

/// The operation that an answer sends its reader to.
fn operation(headers: &HeaderMap) -> Option<OperationId> {
    let id = headers.get(header::LOCATION)?.to_str().ok()?.strip_prefix(view::OPERATIONS)?;
    id.parse().ok().map(OperationId::new)
}

/// The request, and each piece of its body is counted when somebody reads it.
fn weighed(request: Request, metrics: &HttpMetrics) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    let bytes = metrics.body_bytes().clone();
    request.map(|body| {
        Body::new(body.map_frame(move |frame| {
            bytes.inc_by(frame.data_ref().map_or(0, |data| data.len() as u64));
            frame
        }))
    })
}

fn lingering(request: Request) -> Request {
    if request.version() >= Version::HTTP_2 {
        return request;
    }
    let expects = request.headers().contains_key(header::EXPECT);
    request.map(|body| Body::new(Linger::new(body, expects)))
}

/// What a panic in a handler becomes. The hook of the process has logged it by then.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use http_body_util::BodyExt;
    use muster_bootstrap::config::{Cors, CorsOrigins};
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    async fn boom() -> StatusCode {
        panic!("a secret")
    }

    async fn ask(path: &str, production: bool) -> (Response<()>, String) {
        let routes = Router::new().route("/boom", get(boom)).route("/teapot", get(StatusCode::IM_A_TEAPOT));
        let request = Request::get(path).header("origin", "https://app.example.com").body(Body::empty()).unwrap();
        let common = Common { production, pages: false, metrics: HttpMetrics::default() };
        let cors = cors::layer(&Cors { origins: CorsOrigins::Any, credentials: false });
        let (parts, body) = around_with(routes, Some(cors), common).oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        (Response::from_parts(parts, ()), String::from_utf8(body).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_like_any_other_and_tells_nothing() {
        let (response, body) = ask("/boom", false).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["x-frame-options"], "DENY");
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        assert!(!body.contains("secret"), "{body}");
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["code"], "INTERNAL_SERVER_ERROR");
        assert_eq!(problem["trace_id"], response.headers()["x-trace-id"].to_str().unwrap());
    }

    #[tokio::test]
    async fn errors_of_the_framework_get_the_envelope_and_only_production_asks_for_tls() {
        let (response, body) = ask("/teapot", true).await;
        assert!(body.contains("\"status\":418"), "{body}");
        assert!(response.headers().contains_key("strict-transport-security"));
        let (response, _) = ask("/teapot", false).await;
        assert!(!response.headers().contains_key("strict-transport-security"));
    }
}
