use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// Behind the id of an event: it was the last one.
const END: &str = ".end";

/// What a client that comes back has seen of a stream of events. What cannot be read counts as nothing, and then the client
/// sees something twice.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastEventId {
    /// The id of what it saw last.
    pub(crate) seen: Option<u64>,
    /// Whether that was the end.
    pub(crate) is_end: bool,
}

impl LastEventId {
    /// As `id:` of an event gives it.
    pub(crate) fn of(id: u64, is_end: bool) -> String {
        format!("{id:016x}{}", if is_end { END } else { "" })
    }

    fn parse(text: &str) -> Option<Self> {
        let (id, is_end) = text.strip_suffix(END).map_or((text, false), |id| (id, true));
        let seen = u64::from_str_radix(id, 16).ok()?;
        Some(Self { seen: Some(seen), is_end })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let value = parts.headers.get("last-event-id").and_then(|value| value.to_str().ok());
        Ok(value.and_then(Self::parse).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_back_and_anything_else_is_nothing() {
        for (seen, is_end) in [(0, false), (7, true), (u64::MAX, false)] {
            let read = LastEventId::parse(&LastEventId::of(seen, is_end));
            assert_eq!(read, Some(LastEventId { seen: Some(seen), is_end }));
        }
        for text in ["", "x", ".end", "12345678901234567", "0190-7"] {
            assert_eq!(LastEventId::parse(text), None, "{text}");
        }
    }
}
