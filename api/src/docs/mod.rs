//! The `OpenAPI` document and the page that renders it, both from this binary.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use serde_json::json;

use crate::problem::Problem;
use crate::state::{ApiState, Shared};

/// The page has scripts and styles in files only, and images of its own as `data:`.
pub(crate) const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

const PAGE: &str = "index.html";
const SCRIPT: &str = "text/javascript";
const STYLE: &str = "text/css";

/// The files that are the same for everybody: name, media type, content. `build.rs` puts those of Swagger UI there.
const FILES: [(&str, &str, &[u8]); 5] = [
    (PAGE, "text/html; charset=utf-8", include_bytes!("index.html")),
    ("favicon-32x32.png", "image/png", include_bytes!(concat!(env!("OUT_DIR"), "/favicon-32x32.png"))),
    ("index.css", STYLE, include_bytes!(concat!(env!("OUT_DIR"), "/index.css"))),
    ("swagger-ui.css", STYLE, include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui.css"))),
    ("swagger-ui-bundle.js", SCRIPT, include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui-bundle.js"))),
];

/// The routes that configuration has not switched off.
pub(crate) fn routes(state: &ApiState, document: String) -> Router<Shared> {
    let mut router = Router::new();
    let Some(openapi_url) = &state.openapi_url else { return router };
    let document = Bytes::from(document);
    router = router.route(openapi_url, get(async move || ([(CONTENT_TYPE, "application/json")], document)));
    if let Some(docs_url) = state.docs_url.as_deref().map(|url| url.trim_end_matches('/')).filter(|url| !url.is_empty())
    {
        let start = Bytes::from(start(openapi_url));
        let slash = format!("{docs_url}/");
        let to_slash = slash.clone();
        router = router
            .route(docs_url, get(async move || Redirect::permanent(&to_slash)))
            .route(&slash, get(async || file(PAGE)))
            .route(&format!("{slash}swagger-initializer.js"), get(async move || answer(SCRIPT, start)))
            .route(&format!("{slash}{{*file}}"), get(async |Path(path): Path<String>| file(&path)));
    }
    router
}

/// The script that shows the document in the page, and asks no other host whether it is valid.
fn start(openapi_url: &str) -> String {
    let options = json!({
        "url": openapi_url,
        "dom_id": "#swagger-ui",
        "deepLinking": true,
        "tryItOutEnabled": true,
        "validatorUrl": "none",
    });
    format!("window.onload = () => {{\n  window.ui = SwaggerUIBundle({options:#});\n}};\n")
}

fn file(name: &str) -> Response {
    let found = FILES.into_iter().find(|(file, ..)| *file == name);
    found.map_or_else(
        || Problem::of_status(StatusCode::NOT_FOUND).into_response(),
        |(_, kind, content)| answer(kind, Bytes::from_static(content)),
    )
}

fn answer(kind: &'static str, content: Bytes) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static(kind)), (CONTENT_SECURITY_POLICY, PAGE_POLICY)], content).into_response()
}
