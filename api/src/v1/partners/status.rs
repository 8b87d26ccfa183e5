use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{Signed, SignedHeaders, refused};
use crate::problem::Problem;
use crate::refusals::OfPartner;
use crate::state::Shared;

/// A request without a body may still come with some bytes, which are signed as well.
const MAX_BYTES: u64 = 1024;

/// Who asked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartnerStatus {
    /// The client id.
    #[schema(example = "mpc_3f1d6c1e9b2a4c5d8e7f60718293a4b5")]
    partner_id: String,
    /// The signature was right.
    #[schema(example = true)]
    authenticated: bool,
    /// From where the client may ask: addresses and networks, or `*` for anywhere.
    #[schema(example = json!(["192.0.2.0/24"]))]
    allowed_ips: Vec<String>,
    /// For people.
    #[schema(example = "Partner API is operational")]
    message: &'static str,
}

/// Whether requests are signed as they should be
#[utoipa::path(
    get, path = "/api/v1/partners/status", operation_id = "partner_status", tag = "Partners",
    params(SignedHeaders),
    responses((status = 200, description = "They are", body = PartnerStatus), OfPartner),
)]
pub(crate) async fn status(
    State(state): State<Shared>,
    Signed { partner, .. }: Signed<MAX_BYTES>,
) -> Result<Json<PartnerStatus>, Problem> {
    state.app.accept_partner_request(&partner).await.map_err(refused)?;
    let allowed = &partner.client.allowed;
    Ok(Json(PartnerStatus {
        partner_id: partner.client.public_id.to_string(),
        authenticated: true,
        allowed_ips: if allowed.is_empty() { vec!["*".to_owned()] } else { allowed.names() },
        message: "Partner API is operational",
    }))
}
