use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use muster_application::Context;
use muster_bootstrap::tokens::{TokenError, Verified};

use super::ClientAddress;
use super::bearer::bearer;
use super::once::{Unclear, once};
use crate::limits::Kind;
use crate::observe::RequestInfo;
use crate::problem::Problem;
use crate::state::{ApiState, Shared};

const HEADER: &str = "x-tenant-token";

/// On whose behalf the request is made: a route with this extractor answers nobody without a token, and nobody who asks
/// too often.
pub(crate) struct Tenant(pub(crate) Context);

impl FromRequestParts<Shared> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Problem> {
        admit(parts, state, Kind::Default).await.map(Self)
    }
}

/// As [`Tenant`], for routes that take files or many rows: these have a budget of their own.
pub(crate) struct Uploader(pub(crate) Context);

impl FromRequestParts<Shared> for Uploader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Problem> {
        admit(parts, state, Kind::Upload).await.map(Self)
    }
}

/// Counts the request once its token is known to be good or not: the good one's tenant pays, and who has none pays as
/// an address, so that nobody can use up another's budget or try tokens without end.
async fn admit(parts: &Parts, state: &ApiState, kind: Kind) -> Result<Context, Problem> {
    let verified = verify(&parts.headers, state).await;
    let info = parts.extensions.get::<RequestInfo>();
    if let (Some(info), Ok(verified)) = (info, &verified) {
        info.set_tenant(verified.tenant);
    }
    if let Some(limits) = &state.rate_limits {
        let (kind, tenant) = match &verified {
            Ok(verified) => (kind, Some(verified.tenant)),
            Err(_) => (Kind::Anonymous, None),
        };
        let ClientAddress(address) = ClientAddress::of(parts, &state.trusted_proxies);
        let counted = limits.count(kind, tenant, address).await;
        let refused_for = counted.refused_for();
        if let Some(info) = info {
            info.set_counted(counted);
        }
        if let Some(seconds) = refused_for {
            return Err(Problem::rate_limited(seconds));
        }
    }
    let verified = verified?;
    Ok(Context::acting(verified.tenant, verified.subject))
}

async fn verify(headers: &HeaderMap, state: &ApiState) -> Result<Verified, TokenError> {
    state.tokens.verify(token(headers)?, state.clock.now()).await
}

/// `X-Tenant-Token`, else `Authorization: Bearer`. Two tokens are as good as none: who would be meant?
fn token(headers: &HeaderMap) -> Result<&str, TokenError> {
    if let Some(token) = once(headers, HEADER).map_err(|Unclear| TokenError::Malformed)? {
        return Ok(token);
    }
    bearer(headers).map_err(|Unclear| TokenError::Malformed)?.ok_or(TokenError::Missing)
}
