use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use crate::FieldError;

/// Longest expression.
const MAX_CHARS: usize = 120;
/// Longer than any time that a zone repeats when its clocks go back.
const REPEATED: TimeDelta = TimeDelta::hours(4);

/// When a schedule runs: a cron expression of five fields, read on the clocks of a time zone.
///
/// It is read as Temporal reads it, which starts the runs: a day must be right by month, day of the month *and* day of the
/// week, and a time that the clocks skip is no time. One that they show twice counts twice here; what Temporal makes of those
/// depends on the zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Cadence {
    cron: String,
    zone: Tz,
    pattern: Cron,
}

impl Cadence {
    /// Reads an expression such as `0 3 * * mon-fri` and the name of a time zone such as `Europe/Berlin`.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(cron: &str, time_zone: &str) -> Result<Self, Vec<FieldError>> {
        let pattern = parse_cron(cron);
        let zone = time_zone.parse::<Tz>();
        match (pattern, zone) {
            (Some(pattern), Ok(zone)) => {
                let cron = cron.split_whitespace().collect::<Vec<_>>().join(" ");
                Ok(Self { cron, zone, pattern })
            }
            (pattern, zone) => {
                let mut errors = Vec::new();
                if pattern.is_none() {
                    let right = "must be five fields (minute, hour, day of the month, month, day of the week) of numbers, \
                                 three-letter names, lists, ranges and steps, such as 30 3 * * mon-fri, that some day meets";
                    errors.push(FieldError::new("cron", "invalid_cron", right));
                }
                if zone.is_err() {
                    let right = "must be a name of the IANA database, such as Europe/Berlin";
                    errors.push(FieldError::new("time_zone", "invalid_time_zone", right));
                }
                Err(errors)
            }
        }
    }

    /// The expression.
    pub fn cron(&self) -> &str {
        &self.cron
    }

    /// The name of the time zone.
    pub fn time_zone(&self) -> &'static str {
        self.zone.name()
    }

    /// The first moment after `after`; none if there is none in any year to come.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = after.with_timezone(&self.zone).naive_local();
        // The order of local times is not that of moments around a change of the clocks: look from before it until what
        // follows can only be later.
        let mut best: Option<(DateTime<Utc>, NaiveDateTime)> = None;
        let from = (local - REPEATED).and_utc();
        for found in self.pattern.iter_after(from) {
            let found = found.naive_utc();
            if best.is_some_and(|(_, local)| found > local + REPEATED) {
                break;
            }
            let moments = match self.zone.from_local_datetime(&found) {
                MappedLocalTime::None => [None, None],
                MappedLocalTime::Single(at) => [Some(at), None],
                MappedLocalTime::Ambiguous(first, second) => [Some(first), Some(second)],
            };
            for at in moments.into_iter().flatten().map(|at| at.to_utc()).filter(|at| *at > after) {
                if best.is_none_or(|(earliest, _)| at < earliest) {
                    best = Some((at, found));
                }
            }
        }
        best.map(|(at, _)| at)
    }
}

fn parse_cron(text: &str) -> Option<Cron> {
    let fields: Vec<_> = text.split_ascii_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else { return None };
    // Only what means the same to Temporal; its parser and ours have extensions of their own.
    let plain = [minute, hour, day].into_iter().all(|field| is_plain(field, &[]));
    if text.len() > MAX_CHARS || !plain || !is_plain(month, &MONTHS) || !is_plain(weekday, &WEEKDAYS) {
        return None;
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).dom_and_dow(true).build();
    let pattern = parser.parse(&fields.join(" ").to_ascii_lowercase()).ok()?;
    // There is no 30th of February.
    pattern.iter_after(DateTime::UNIX_EPOCH).next()?;
    Some(pattern)
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Whether a field is a list of `*`, values and ranges, of which all but single values may have a step.
fn is_plain(field: &str, names: &[&str]) -> bool {
    let is_number = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_value = |text: &str| is_number(text) || names.iter().any(|name| text.eq_ignore_ascii_case(name));
    field.split(',').all(|part| {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let ends = range.split_once('-');
        let is_right =
            range == "*" || ends.map_or_else(|| step.is_none() && is_value(range), |(a, b)| is_value(a) && is_value(b));
        is_right && step.is_none_or(is_number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let cadence = Cadence::parse(cron, zone).unwrap();
        let mut at: DateTime<Utc> = from.parse().unwrap();
        let mut found = Vec::new();
        for _ in 0..count {
            at = cadence.next_after(at).unwrap();
            found.push(at.format("%m-%dT%H:%M").to_string());
        }
        found
    }

    #[test]
    fn expressions_are_read_as_temporal_reads_them() {
        for (cron, found) in [
            ("30 3 * * *", ["01-01T03:30", "01-02T03:30", "01-03T03:30"]),
            ("*/20 * * * *", ["01-01T00:20", "01-01T00:40", "01-01T01:00"]),
            ("0 0 * * MON-fri", ["01-01T00:00", "01-04T00:00", "01-05T00:00"]),
            ("0 0 * * 7", ["01-03T00:00", "01-10T00:00", "01-17T00:00"]),
            // Day of the month and day of the week: both.
            ("0 0 13 * 5", ["08-13T00:00", "10-13T00:00", "04-13T00:00"]),
            ("0 0 1-7/3,20 feb *", ["02-01T00:00", "02-04T00:00", "02-07T00:00"]),
        ] {
            let from = if found[0] == "01-01T00:00" { "2026-12-31T23:00:00Z" } else { "2027-01-01T00:00:00Z" };
            assert_eq!(times(cron, "UTC", from, 3), found, "{cron}");
        }
    }

    #[test]
    fn a_time_that_is_skipped_is_none_and_one_that_comes_twice_counts_twice() {
        let berlin = |cron, from, count| times(cron, "Europe/Berlin", from, count);
        // The clocks go from 02:00 to 03:00 on the 28th of March 2027, at 01:00 UTC.
        assert_eq!(berlin("30 2 * * *", "2027-03-26T12:00:00Z", 3), ["03-27T01:30", "03-29T00:30", "03-30T00:30"]);
        assert_eq!(
            berlin("*/30 1-3 * * *", "2027-03-28T00:00:00Z", 4),
            ["03-28T00:30", "03-28T01:00", "03-28T01:30", "03-28T23:00"]
        );
        // They go from 03:00 back to 02:00 on the 31st of October, at 01:00 UTC.
        assert_eq!(berlin("30 2 * * *", "2027-10-30T12:00:00Z", 3), ["10-31T00:30", "10-31T01:30", "11-01T01:30"]);
        assert_eq!(
            berlin("*/30 2 * * *", "2027-10-30T23:00:00Z", 5),
            ["10-31T00:00", "10-31T00:30", "10-31T01:00", "10-31T01:30", "11-01T01:00"]
        );
        assert_eq!(berlin("0 3 * * *", "2027-10-30T12:00:00Z", 1), ["10-31T02:00"]);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let codes = |cron: &str, zone: &str| {
            let errors = Cadence::parse(cron, zone).unwrap_err();
            errors.iter().map(|error| error.code).collect::<Vec<_>>()
        };
        assert_eq!(codes("now", "Mars/Olympus"), ["invalid_cron", "invalid_time_zone"]);
        for cron in [
            "",
            "* * * *",
            "* * * * * *",
            "@daily",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * 32 * *",
            "* * * 13 *",
            "* * * * 8",
            "0 0 L * *",
            "0 0 * * 5#2",
            "0 0 15W * *",
            "5/15 * * * *",
            "*/0 * * * *",
            "30-10 * * * *",
            "0 0 30 2 *",
            "0 0 ? * *",
            "+5 * * * *",
            "0 0 * * monday",
            "* * * * mon\u{e4}",
            "1,,2 * * * *",
        ] {
            assert_eq!(codes(cron, "UTC"), ["invalid_cron"], "{cron:?}");
        }
    }

    #[test]
    fn spaces_between_fields_do_not_matter() {
        let cadence = Cadence::parse("  0  3 * *\t* ", "Europe/Berlin").unwrap();
        assert_eq!((cadence.cron(), cadence.time_zone()), ("0 3 * * *", "Europe/Berlin"));
    }
}
