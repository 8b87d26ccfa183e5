use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use muster_domain::TenantId;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use super::{TOKEN_TYPE, TokenError};

/// The members of a JSON object, or the fact that one is given twice: two readers of such a token may disagree about
/// which one counts.
pub(super) enum Members {
    Unique(Map<String, Value>),
    Repeated,
}

impl Members {
    /// Reads a part of a token.
    pub(super) fn decode(part: &str) -> Result<Self, TokenError> {
        let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
        serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
        let mut members = Map::new();
        let mut repeated = false;
        while let Some((name, value)) = access.next_entry::<String, Value>()? {
            repeated |= members.insert(name, value).is_some();
        }
        Ok(if repeated { Members::Repeated } else { Members::Unique(members) })
    }
}

/// Judges the claims of a genuine token.
pub(super) fn check_claims(claims: &Map<String, Value>, now: DateTime<Utc>) -> Result<TenantId, TokenError> {
    let required = |name| time(claims, name).and_then(|time| time.ok_or(TokenError::InvalidClaims));
    if now >= required("exp")? {
        return Err(TokenError::Expired);
    }
    required("iat")?;
    if time(claims, "nbf")?.is_some_and(|nbf| nbf > now) {
        return Err(TokenError::InvalidClaims);
    }
    let text = |name| claims.get(name).and_then(Value::as_str).ok_or(TokenError::InvalidClaims);
    if text("type")? != TOKEN_TYPE {
        return Err(TokenError::InvalidClaims);
    }
    let tenant = Uuid::try_parse(text("tenant_id")?).map_err(|_| TokenError::InvalidClaims)?;
    Ok(TenantId::new(tenant))
}

/// A claim that must be a number of seconds when it is there.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<DateTime<Utc>>, TokenError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => instant(number).map(Some).ok_or(TokenError::InvalidClaims),
        Some(_) => Err(TokenError::InvalidClaims),
    }
}

/// RFC 7519 allows fractions of a second. None for what no calendar has.
fn instant(number: &Number) -> Option<DateTime<Utc>> {
    if let Some(seconds) = number.as_i64() {
        return DateTime::from_timestamp(seconds, 0);
    }
    let since = Duration::try_from_secs_f64(number.as_f64()?).ok()?;
    DateTime::from_timestamp(i64::try_from(since.as_secs()).ok()?, since.subsec_nanos())
}
