use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use muster_domain::TenantId;
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use super::{TOKEN_TYPE, TokenError, Verified};

/// How far ahead the clock of an issuer may be. A token from later than that was not issued by a clock.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(1);
/// Longest subject, in characters.
const MAX_SUBJECT_CHARS: usize = 255;

/// What a genuine token says. Whether it holds depends on the time, so that is asked at every use.
#[derive(Debug, Clone)]
pub(super) struct Claims {
    who: Verified,
    expires_at: DateTime<Utc>,
    issued_at: DateTime<Utc>,
    not_before: Option<DateTime<Utc>>,
}

impl Claims {
    pub(super) fn read(claims: &Map<String, Value>) -> Result<Self, TokenError> {
        let required = |name| time(claims, name)?.ok_or(TokenError::InvalidClaims);
        let text = |name| claims.get(name).and_then(Value::as_str).ok_or(TokenError::InvalidClaims);
        if text("type")? != TOKEN_TYPE {
            return Err(TokenError::InvalidClaims);
        }
        let tenant = Uuid::try_parse(text("tenant_id")?).map_err(|_| TokenError::InvalidClaims)?;
        // Programs send the nil UUID when they mean to send none.
        if tenant.is_nil() {
            return Err(TokenError::InvalidClaims);
        }
        Ok(Self {
            who: Verified { tenant: TenantId::new(tenant), subject: subject(claims)? },
            expires_at: required("exp")?,
            issued_at: required("iat")?,
            not_before: time(claims, "nbf")?,
        })
    }

    /// Whom the token speaks for at this time.
    pub(super) fn at(&self, now: DateTime<Utc>) -> Result<Verified, TokenError> {
        if now >= self.expires_at {
            return Err(TokenError::Expired);
        }
        if self.not_before.is_some_and(|start| start > now) || self.issued_at > now + CLOCKS_DIFFER {
            return Err(TokenError::InvalidClaims);
        }
        Ok(self.who.clone())
    }
}

/// Whether a text may be the subject of a token: it is written into records, so nothing in it may forge a line.
pub(super) fn is_subject(text: &str) -> bool {
    text.chars().count() <= MAX_SUBJECT_CHARS && !text.chars().any(char::is_control)
}

/// Empty is the same as absent: it names nobody.
fn subject(claims: &Map<String, Value>) -> Result<Option<Arc<str>>, TokenError> {
    match claims.get("sub") {
        None => Ok(None),
        Some(Value::String(text)) if is_subject(text) => Ok((!text.is_empty()).then(|| text.as_str().into())),
        Some(_) => Err(TokenError::InvalidClaims),
    }
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
    let seconds = number.as_f64()?;
    let distance = TimeDelta::from_std(Duration::try_from_secs_f64(seconds.abs()).ok()?).ok()?;
    let epoch = DateTime::UNIX_EPOCH;
    if seconds < 0.0 { epoch.checked_sub_signed(distance) } else { epoch.checked_add_signed(distance) }
}
