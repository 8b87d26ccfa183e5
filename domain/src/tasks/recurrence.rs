use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rrule::{Frequency, NWeekday, RRule, RRuleError, RRuleSet, Unvalidated};

use crate::{FieldError, TaskId};

/// What a rule may say; RFC 5545 has more.
const PARTS: [&str; 7] = ["FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTHDAY"];
/// Longest rule, in bytes.
const MAX_BYTES: usize = 200;
const RIGHT: &str = "must be a rule of RFC 5545 of these parts: FREQ=DAILY, FREQ=WEEKLY with BYDAY such as MO,WE, or \
                     FREQ=MONTHLY with BYMONTHDAY such as 1,15 or -1; INTERVAL; COUNT or UNTIL in UTC; WKST";

/// How a task comes again: a rule of RFC 5545, daily, weekly by day or monthly by date, as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecurrenceRule(String);

/// The series that a task is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Recurrence {
    /// When tasks of the series are due.
    pub rule: RecurrenceRule,
    /// The task that began it.
    pub series: TaskId,
    /// Which of its tasks this is, from 1.
    pub number: u32,
    /// Where it begins, and `COUNT` with it.
    pub start: DateTime<Utc>,
    /// When this one is due by the rule, wherever its date was moved.
    pub at: DateTime<Utc>,
    /// Whose days and hours the rule is about: 9 o'clock stays 9 o'clock when clocks change.
    pub zone: Tz,
}

impl RecurrenceRule {
    /// Parses a rule, with or without `RRULE:` before it.
    ///
    /// # Errors
    /// When it is none, or says what is not supported.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let rule = text.trim().to_ascii_uppercase();
        let rule = rule.strip_prefix("RRULE:").unwrap_or(&rule).to_owned();
        let names = rule.split(';').map(|part| part.split_once('=').map_or(part, |(name, _)| name));
        let is_known = rule.len() <= MAX_BYTES && names.into_iter().all(|name| PARTS.contains(&name));
        let parsed = rule.parse::<RRule<Unvalidated>>().ok().filter(|parsed| is_known && is_supported(parsed));
        let is_whole =
            parsed.is_some_and(|parsed| parsed.validate(DateTime::UNIX_EPOCH.with_timezone(&rrule::Tz::UTC)).is_ok());
        if is_whole { Ok(Self(rule)) } else { Err(FieldError::new("recurrence", "invalid_recurrence", RIGHT)) }
    }

    /// Takes a rule that was parsed before it was stored.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The rule, without `RRULE:`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecurrenceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_supported(rule: &RRule<Unvalidated>) -> bool {
    let days = rule.get_by_weekday();
    let dates = rule.get_by_month_day();
    let is_plain = days.iter().all(|day| matches!(day, NWeekday::Every(_)));
    let fits = match rule.get_freq() {
        Frequency::Daily => days.is_empty() && dates.is_empty(),
        Frequency::Weekly => dates.is_empty(),
        Frequency::Monthly => days.is_empty(),
        _ => false,
    };
    fits && is_plain && rule.get_interval() > 0 && !(rule.get_count().is_some() && rule.get_until().is_some())
}

impl Recurrence {
    /// A series that begins with this task.
    pub const fn begins(rule: RecurrenceRule, series: TaskId, due_at: DateTime<Utc>, zone: Tz) -> Self {
        Self { rule, series, number: 1, start: due_at, at: due_at, zone }
    }

    /// The next one, of which the date is after this one's and after `now`: what was missed while nobody saw to it is
    /// not made up for. None when the series has ended.
    pub fn next(&self, now: DateTime<Utc>) -> Option<Self> {
        let after = self.at.max(now);
        let at = self.dates().ok()?.into_iter().map(|date| date.to_utc()).find(|date| *date > after)?;
        Some(Self { number: self.number.saturating_add(1), at, ..self.clone() })
    }

    /// The dates of the series, without end.
    fn dates(&self) -> Result<RRuleSet, RRuleError> {
        let start = self.start.with_timezone(&rrule::Tz::Tz(self.zone));
        // The library's own limit ends the search for a date that never comes.
        Ok(self.rule.as_str().parse::<RRule<Unvalidated>>()?.build(start)?.limit())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::instant;

    fn series(rule: &str, start: &str, zone: Tz) -> Recurrence {
        let rule = RecurrenceRule::parse(rule).unwrap();
        Recurrence::begins(rule, TaskId::new(Uuid::nil()), instant(start).unwrap(), zone)
    }

    fn dates(mut series: Recurrence, count: usize) -> Vec<String> {
        let mut found = Vec::new();
        while let Some(next) = series.next(DateTime::UNIX_EPOCH).filter(|_| found.len() < count) {
            found.push(next.at.format("%Y-%m-%d %H:%M").to_string());
            series = next;
        }
        found
    }

    #[test]
    fn a_clock_stays_where_it_is_when_it_is_changed() {
        let daily = series("RRULE:freq=daily", "2026-03-28T08:00:00Z", Tz::Europe__Berlin);
        assert_eq!(dates(daily, 2), ["2026-03-29 07:00", "2026-03-30 07:00"]);
    }

    #[test]
    fn weeks_have_days_and_months_have_dates() {
        let weekly = series("FREQ=WEEKLY;BYDAY=MO,WE", "2026-01-05T09:00:00Z", Tz::UTC);
        assert_eq!(dates(weekly, 3), ["2026-01-07 09:00", "2026-01-12 09:00", "2026-01-14 09:00"]);
        let monthly = series("FREQ=MONTHLY;BYMONTHDAY=31", "2026-01-31T09:00:00Z", Tz::UTC);
        assert_eq!(dates(monthly, 2), ["2026-03-31 09:00", "2026-05-31 09:00"]);
        let last = series("FREQ=MONTHLY;BYMONTHDAY=-1;INTERVAL=2", "2026-01-31T09:00:00Z", Tz::UTC);
        assert_eq!(dates(last, 2), ["2026-03-31 09:00", "2026-05-31 09:00"]);
    }

    #[test]
    fn a_series_ends_by_its_count_or_its_date() {
        assert_eq!(dates(series("FREQ=DAILY;COUNT=3", "2026-01-01T09:00:00Z", Tz::UTC), 9).len(), 2);
        let until = series("FREQ=DAILY;UNTIL=20260104T090000Z", "2026-01-01T09:00:00Z", Tz::UTC);
        assert_eq!(dates(until, 9).last().unwrap(), "2026-01-04 09:00");
    }

    #[test]
    fn what_was_missed_is_not_made_up_for() {
        let daily = series("FREQ=DAILY", "2026-01-01T09:00:00Z", Tz::UTC);
        let next = daily.next(instant("2026-02-01T12:00:00Z").unwrap()).unwrap();
        assert_eq!((next.at, next.number), (instant("2026-02-02T09:00:00Z").unwrap(), 2));
    }

    #[test]
    fn only_the_subset_is_taken() {
        for text in [
            "",
            "daily",
            "FREQ=HOURLY",
            "FREQ=YEARLY",
            "FREQ=DAILY;BYHOUR=1",
            "FREQ=DAILY;BYDAY=MO",
            "FREQ=WEEKLY;BYDAY=1MO",
            "FREQ=MONTHLY;BYDAY=1MO",
            "FREQ=MONTHLY;BYMONTHDAY=32",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z",
            "FREQ=DAILY;FREQ=DAILY",
            "FREQ=DAILY\nDTSTART:20260101T000000Z",
        ] {
            assert!(RecurrenceRule::parse(text).is_err(), "{text}");
        }
        assert_eq!(RecurrenceRule::parse(" rrule:FREQ=DAILY ").unwrap().as_str(), "FREQ=DAILY");
    }
}
