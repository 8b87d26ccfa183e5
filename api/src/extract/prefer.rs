use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::ObjectBuilder;

use crate::openapi::asked;

/// Longest wait that is granted.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// What the client would like (RFC 7240). What cannot be read is ignored, as the RFC asks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefer {
    /// Answer at once.
    pub(crate) respond_async: bool,
    /// Wait for the result for so long, at most a minute.
    pub(crate) wait: Option<Duration>,
    /// Send no body where nothing in it is new to the client.
    pub(crate) return_minimal: bool,
}

impl IntoParams for Prefer {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "`respond-async` or `wait=N` (up to 60 seconds) for a batch, `return=minimal` (no body in the answer) for a single \
                           user (RFC 7240). What cannot be read is ignored";
        asked("Prefer", description, "return=minimal", ObjectBuilder::new())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Prefer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let values = parts.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        Ok(Self::parse(values))
    }
}

impl Prefer {
    fn parse<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut prefer = Self::default();
        for preference in values.flat_map(|value| value.split(',')) {
            // `;` starts parameters of the preference; none that we know has any.
            let preference = preference.split(';').next().unwrap_or_default();
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if name.eq_ignore_ascii_case("return") {
                prefer.return_minimal = value.eq_ignore_ascii_case("minimal");
            } else if name.eq_ignore_ascii_case("respond-async") {
                prefer.respond_async = true;
            } else if name.eq_ignore_ascii_case("wait") && prefer.wait.is_none() && is_number(value) {
                // Digits that are no number we can hold are a very long wait.
                let seconds = value.parse().unwrap_or(u64::MAX);
                prefer.wait = Some(Duration::from_secs(seconds).min(MAX_WAIT));
            }
        }
        prefer
    }

    /// The `Preference-Applied` of an answer; none when nothing was asked.
    pub(crate) fn applied(self, answered_async: bool) -> Option<String> {
        let waited = self.wait.map(|wait| format!("wait={}", wait.as_secs()));
        match (self.respond_async && answered_async, waited) {
            (true, Some(waited)) => Some(format!("respond-async, {waited}")),
            (true, None) => Some("respond-async".to_owned()),
            (false, waited) => waited,
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_rfc_7240_allows_and_ignores_the_rest() {
        for (values, respond_async, wait) in [
            (&["respond-async"][..], true, None),
            (&["Respond-Async, WAIT=10"], true, Some(10)),
            (&["respond-async", "wait = \"5\""], true, Some(5)),
            (&["wait=7; foo=bar, return=representation"], false, Some(7)),
            (&["wait=61"], false, Some(60)),
            (&["wait=99999999999999999999999"], false, Some(60)),
            (&["wait=3, wait=9"], false, Some(3)),
            (&["wait=0"], false, Some(0)),
            (&["wait", "wait=", "wait=-1", "wait=1.5", "wait=x", ";;,,=,"], false, None),
            (&["return=full", "handling=lenient"], false, None),
            (&[], false, None),
        ] {
            let expected = Prefer { respond_async, wait: wait.map(Duration::from_secs), return_minimal: false };
            assert_eq!(Prefer::parse(values.iter().copied()), expected, "{values:?}");
        }
        assert!(Prefer::parse(["respond-async, return=\"minimal\""].into_iter()).return_minimal);
    }

    #[test]
    fn says_what_was_done() {
        let wait = Some(Duration::from_secs(5));
        let both = Prefer { respond_async: true, wait, return_minimal: false };
        assert_eq!(both.applied(true).as_deref(), Some("respond-async, wait=5"));
        assert_eq!(both.applied(false).as_deref(), Some("wait=5"));
        assert_eq!(Prefer { respond_async: true, ..Prefer::default() }.applied(true).as_deref(), Some("respond-async"));
        assert_eq!(Prefer::default().applied(true), None);
    }
}
