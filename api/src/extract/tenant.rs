use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use muster_application::Context;
use muster_bootstrap::tokens::TokenError;

use crate::observe::RequestInfo;
use crate::problem::Problem;
use crate::state::ApiState;

const HEADER: &str = "x-tenant-token";
const SCHEME: &str = "bearer";

/// On whose behalf the request is made: a route with this extractor answers nobody without a token.
pub(crate) struct Tenant(pub(crate) Context);

impl FromRequestParts<ApiState> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let verified = state.tokens.verify(token(&parts.headers)?, state.clock.now()).await?;
        if let Some(info) = parts.extensions.get::<RequestInfo>() {
            info.set_tenant(verified.tenant);
        }
        Ok(Self(Context::acting(verified.tenant, verified.subject)))
    }
}

/// `X-Tenant-Token`, else `Authorization: Bearer`. Two tokens are as good as none: who would be meant?
fn token(headers: &HeaderMap) -> Result<&str, TokenError> {
    let once = |name: &str| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(|text| Some(text.trim())).map_err(|_| TokenError::Malformed),
            _ => Err(TokenError::Malformed),
        }
    };
    if let Some(token) = once(HEADER)? {
        return Ok(token);
    }
    let credentials = once(AUTHORIZATION.as_str())?.ok_or(TokenError::Missing)?;
    match credentials.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => Ok(token.trim()),
        _ => Err(TokenError::Missing),
    }
}
