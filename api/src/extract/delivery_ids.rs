use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use uuid::Uuid;

use crate::problem::Problem;

/// The ids in the path of a delivery.
pub(crate) struct DeliveryIds {
    pub(crate) endpoint: Uuid,
    pub(crate) delivery: Uuid,
}

impl<S: Send + Sync> FromRequestParts<S> for DeliveryIds {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let texts = Path::<(String, String)>::from_request_parts(parts, state).await;
        let (endpoint, delivery) = texts.map(|Path(texts)| texts).unwrap_or_default();
        let read = |text: &str, name| {
            let detail = "the ids in the path must be UUIDs";
            Uuid::try_parse(text).map_err(|_| Problem::invalid(format!("/path/{name}"), "invalid_uuid", detail))
        };
        Ok(Self { endpoint: read(&endpoint, "id")?, delivery: read(&delivery, "delivery")? })
    }
}
