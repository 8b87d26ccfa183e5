use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::Shared;

/// Where to go from here.
#[derive(Serialize, ToSchema)]
pub(crate) struct Welcome {
    /// What this is.
    #[schema(value_type = String, example = "Welcome to Muster")]
    message: &'static str,
    /// Where the documentation is.
    #[schema(example = "/docs")]
    docs: Option<String>,
    /// Where the health of the service is.
    #[schema(value_type = String, example = "/health")]
    health: &'static str,
}

/// What this is and where to go from here
#[utoipa::path(get, path = "/", operation_id = "get_root", tag = "Service", responses((status = 200, description = "Where to look", body = Welcome)))]
pub(crate) async fn root(State(state): State<Shared>) -> Json<Welcome> {
    Json(Welcome { message: "Welcome to Muster", docs: state.docs_url.clone(), health: "/health" })
}
