use chrono::TimeDelta;

/// Longest age: nobody means more, and an instant minus it stays one that can be stored.
const LONGEST: TimeDelta = TimeDelta::days(36_500);

/// Reads how long ago something is: an ISO 8601 duration of weeks alone (`P2W`), or of days and hours (`P90D`, `PT12H`,
/// `P1DT6H`). Months and years are not of one length, and nothing here is a matter of minutes.
pub fn age(text: &str) -> Option<TimeDelta> {
    let rest = text.strip_prefix('P')?;
    let age = if let Some(weeks) = rest.strip_suffix('W') {
        TimeDelta::try_weeks(number(weeks)?)?
    } else {
        let (days, hours) = match rest.split_once('T') {
            Some((days, hours)) => (days, Some(hours.strip_suffix('H')?)),
            None => (rest, None),
        };
        let days = match (days, hours) {
            ("", Some(_)) => 0,
            _ => number(days.strip_suffix('D')?)?,
        };
        TimeDelta::try_days(days)?.checked_add(&TimeDelta::try_hours(hours.map_or(Some(0), number)?)?)?
    };
    (age <= LONGEST).then_some(age)
}

/// Digits only: no sign, no fraction.
fn number(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_days_and_hours_are_read() {
        for (text, hours) in
            [("P90D", 90 * 24), ("P2W", 14 * 24), ("PT12H", 12), ("P1DT6H", 30), ("P0D", 0), ("P36500D", 36_500 * 24)]
        {
            assert_eq!(age(text), Some(TimeDelta::hours(hours)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "P",
            "PT",
            "90D",
            "P90",
            "P-1D",
            "P+1D",
            "P1.5D",
            "p90d",
            "P1M",
            "P1Y",
            "PT5M",
            "P1DT",
            "P1W2D",
            "P36501D",
            "P99999999999999999999D",
            "PT999999999999H",
            " P1D",
            "P1D ",
        ] {
            assert_eq!(age(text), None, "{text:?}");
        }
    }
}
