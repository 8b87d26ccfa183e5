use axum::http::HeaderMap;
use uuid::Uuid;

/// Names a request in answers and logs: 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TraceId(String);

impl TraceId {
    /// The id of the caller's trace (W3C Trace Context) when there is one, else a fresh one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all("traceparent").iter();
        let given = match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok().and_then(parse),
            _ => None,
        };
        Self(given.map_or_else(|| fresh().simple().to_string(), str::to_owned))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

fn parse(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.trim().split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let nonzero = |text: &str| text.bytes().any(|byte| byte != b'0');
    let valid = hex(version, 2)
        && version != "ff"
        && hex(trace, 32)
        && nonzero(trace)
        && hex(parent, 16)
        && nonzero(parent)
        && hex(flags, 2)
        // Only later versions may say more.
        && (version != "00" || parts.next().is_none());
    valid.then_some(trace)
}

#[expect(clippy::disallowed_methods, reason = "a trace id decides nothing, so no test needs to set it")]
fn fresh() -> Uuid {
    Uuid::now_v7()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn takes_over_a_valid_trace_only() {
        let good = format!("00-{TRACE}-b7ad6b7169203331-01");
        assert_eq!(parse(&good), Some(TRACE));
        assert_eq!(parse(&format!("cc-{TRACE}-b7ad6b7169203331-01-more")), Some(TRACE));
        for bad in [
            String::new(),
            "00".to_owned(),
            good.to_uppercase(),
            format!("{good}-more"),
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{TRACE}x-b7ad6b7169203331-01"),
            format!("00-{TRACE}-b7ad6b7169203331"),
        ] {
            assert_eq!(parse(&bad), None, "{bad}");
        }
    }
}
