//! The `OpenAPI` document and the page that renders it, both from this binary.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use utoipa_swagger_ui::Config;

use crate::problem::Problem;
use crate::state::ApiState;

/// The page has scripts and styles in files only, and images of its own as `data:`.
pub(crate) const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// The routes that configuration has not switched off.
pub(crate) fn routes(state: &ApiState, document: String) -> Router<ApiState> {
    let mut router = Router::new();
    let Some(openapi_url) = &state.openapi_url else { return router };
    let document = Bytes::from(document);
    router = router.route(openapi_url, get(async move || ([(CONTENT_TYPE, "application/json")], document)));
    if let Some(docs_url) = state.docs_url.as_deref().map(|url| url.trim_end_matches('/')).filter(|url| !url.is_empty())
    {
        let config = Config::from(openapi_url.clone()).try_it_out_enabled(true).validator_url("none");
        let config = Arc::new(config);
        let index = Arc::clone(&config);
        let slash = format!("{docs_url}/");
        let to_slash = slash.clone();
        router = router
            .route(docs_url, get(async move || Redirect::permanent(&to_slash)))
            .route(&slash, get(async move || file("index.html", index)))
            .route(&format!("{slash}{{*file}}"), get(async move |Path(path): Path<String>| file(&path, config)));
    }
    router
}

fn file(path: &str, config: Arc<Config<'static>>) -> Response {
    match utoipa_swagger_ui::serve(path, config) {
        Ok(Some(file)) => {
            let kind = HeaderValue::try_from(file.content_type).ok();
            let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
            let body = Bytes::from(file.bytes.into_owned());
            ([(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, PAGE_POLICY)], body).into_response()
        }
        Ok(None) => Problem::of_status(StatusCode::NOT_FOUND).into_response(),
        Err(_) => Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response(),
    }
}
