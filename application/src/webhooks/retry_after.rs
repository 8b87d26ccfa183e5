use chrono::{DateTime, TimeDelta, Utc};

/// How long somebody asks to be left alone (RFC 9110, section 10.2.3): seconds, or a date. None if it is neither.
pub(super) fn retry_after(text: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are a long time, too.
        return Some(TimeDelta::try_seconds(text.parse().unwrap_or(i64::MAX)).unwrap_or(TimeDelta::MAX));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc);
    Some((until - now).max(TimeDelta::zero()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_nothing_else() {
        let now = DateTime::parse_from_rfc3339("2026-09-21T14:13:20Z").unwrap().with_timezone(&Utc);
        let seconds = |text| retry_after(text, now).map(|pause| pause.num_seconds());
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds(" 120 "), Some(120));
        assert_eq!(seconds("Mon, 21 Sep 2026 14:14:20 GMT"), Some(60));
        assert_eq!(seconds("Mon, 21 Sep 2026 14:00:00 GMT"), Some(0));
        assert!(seconds("99999999999999999999999").is_some_and(|pause| pause > 86_400));
        for text in ["", "-1", "1.5", "soon", "1e3", "2026-09-21T14:14:20Z"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
