use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};

/// ISO 8601; without an offset it is UTC, as the reference service took it. Storage keeps microseconds.
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    // A `+` that was not escaped arrives as a space.
    let text = if text.contains(' ') {
        Cow::Owned(text.replacen(' ', if text.contains('T') { "+" } else { "T" }, 1))
    } else {
        Cow::Borrowed(text)
    };
    let offset = DateTime::parse_from_rfc3339(&text).map(|at| at.to_utc());
    let at = offset.ok().or_else(|| Some(text.parse::<NaiveDateTime>().ok()?.and_utc()))?;
    Some(at.trunc_subsecs(6)).filter(|at| is_storable(*at))
}

/// Postgres keeps years up to 294276; nobody means one beyond four digits.
pub fn is_storable(at: DateTime<Utc>) -> bool {
    let years = DateTime::from_timestamp(-62_135_596_800, 0)..DateTime::from_timestamp(253_402_300_800, 0);
    years.contains(&Some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_as_clients_write_them() {
        let expected = DateTime::from_timestamp(1_767_225_600, 0);
        for text in [
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.000000Z",
            "2026-01-01T00:00:00.000000999Z",
            "2026-01-01T02:00:00+02:00",
            "2026-01-01T02:00:00 02:00",
            "2026-01-01T00:00:00",
            "2026-01-01 00:00:00",
        ] {
            assert_eq!(instant(text), expected, "{text}");
        }
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "+262000-01-01T00:00:00Z", "-9999-01-01T00:00:00Z"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
