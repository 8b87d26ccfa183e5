use chrono::{DateTime, Days, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use crate::FieldError;

/// Hours in which nobody wants mail, by the tenant's clock. They may reach over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// When they begin.
    pub from: NaiveTime,
    /// When they end; mail goes out from then on.
    pub to: NaiveTime,
}

/// What becomes of the open tasks of a user who is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Orphans {
    /// Nobody is assigned to them.
    #[default]
    Unassign,
    /// Whoever created them is, where that is somebody else who is alive.
    ToCreator,
}

/// How a tenant wants its tasks treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskSettings {
    /// The clock of quiet hours and of tasks that come again.
    pub zone: Tz,
    /// When no reminders are sent.
    pub quiet: Option<QuietHours>,
    /// What becomes of the tasks of who is deleted.
    pub orphans: Orphans,
}

impl Default for TaskSettings {
    fn default() -> Self {
        Self { zone: Tz::UTC, quiet: None, orphans: Orphans::default() }
    }
}

impl Orphans {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Unassign, Self::ToCreator];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unassign => "unassign",
            Self::ToCreator => "creator",
        }
    }

    /// The policy of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|orphans| orphans.name() == name)
    }
}

impl QuietHours {
    /// Parses the two times, such as `22:00` and `07:00`.
    ///
    /// # Errors
    /// When one of them is no time, or both are the same.
    pub fn parse(from: &str, to: &str) -> Result<Self, FieldError> {
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").ok().filter(|_| text.len() == 5);
        match (time(from), time(to)) {
            (Some(from), Some(to)) if from != to => Ok(Self { from, to }),
            _ => {
                let detail = "must have two different times from and to, such as 22:00 and 07:00";
                Err(FieldError::new("quiet_hours", "invalid_quiet_hours", detail))
            }
        }
    }
}

impl TaskSettings {
    /// Parses what a client says; what is none is as by default.
    ///
    /// # Errors
    /// One error for each field that breaks a rule.
    pub fn parse(
        zone: Option<&str>,
        quiet: Option<(&str, &str)>,
        orphans: Option<&str>,
    ) -> Result<Self, Vec<FieldError>> {
        let (mut settings, mut errors) = (Self::default(), Vec::new());
        let zone = zone.map(|name| {
            let wrong = || FieldError::new("time_zone", "invalid_time_zone", "must be a name such as Europe/Berlin");
            name.parse::<Tz>().map_err(|_| wrong())
        });
        let quiet = quiet.map(|(from, to)| QuietHours::parse(from, to));
        let orphans = orphans.map(|name| {
            let right = "must be unassign or creator";
            Orphans::from_name(name).ok_or_else(|| FieldError::new("when_assignee_deleted", "invalid_option", right))
        });
        match zone.transpose() {
            Ok(zone) => settings.zone = zone.unwrap_or(settings.zone),
            Err(error) => errors.push(error),
        }
        match quiet.transpose() {
            Ok(quiet) => settings.quiet = quiet,
            Err(error) => errors.push(error),
        }
        match orphans.transpose() {
            Ok(orphans) => settings.orphans = orphans.unwrap_or(settings.orphans),
            Err(error) => errors.push(error),
        }
        if errors.is_empty() { Ok(settings) } else { Err(errors) }
    }

    /// When the quiet hours end that are at `now`; none when there are none.
    pub fn quiet_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let QuietHours { from, to } = self.quiet?;
        let local = now.with_timezone(&self.zone).naive_local();
        let (date, time) = (local.date(), local.time());
        let is_over_midnight = from > to;
        let is_quiet = if is_over_midnight { time >= from || time < to } else { (from..to).contains(&time) };
        if !is_quiet {
            return None;
        }
        let day = if is_over_midnight && time >= from { date.checked_add_days(Days::new(1))? } else { date };
        let end = day.and_time(to);
        // Where clocks leap over the end, they end with the leap; where it comes twice, at the second time.
        let mut minutes = (0..24 * 60).filter_map(|minute| end.checked_add_signed(chrono::TimeDelta::minutes(minute)));
        let end = minutes.find_map(|end| self.zone.from_local_datetime(&end).latest())?.to_utc();
        Some(end).filter(|end| *end > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant;

    fn settings(zone: Tz, from: &str, to: &str) -> TaskSettings {
        TaskSettings { zone, quiet: Some(QuietHours::parse(from, to).unwrap()), ..TaskSettings::default() }
    }

    fn until(settings: TaskSettings, now: &str) -> Option<String> {
        let end = settings.quiet_until(instant(now).unwrap());
        end.map(|end| end.format("%Y-%m-%d %H:%M").to_string())
    }

    #[test]
    fn quiet_hours_are_of_the_clock_of_the_tenant_and_reach_over_midnight() {
        let berlin = settings(Tz::Europe__Berlin, "22:00", "07:00");
        assert_eq!(until(berlin, "2026-07-01T19:59:59Z"), None);
        assert_eq!(until(berlin, "2026-07-01T20:00:00Z").unwrap(), "2026-07-02 05:00");
        assert_eq!(until(berlin, "2026-07-02T04:59:59Z").unwrap(), "2026-07-02 05:00");
        assert_eq!(until(berlin, "2026-07-02T05:00:00Z"), None);
        assert_eq!(until(settings(Tz::UTC, "12:00", "13:00"), "2026-07-01T12:30:00Z").unwrap(), "2026-07-01 13:00");
        assert_eq!(until(TaskSettings::default(), "2026-07-01T12:30:00Z"), None);
    }

    #[test]
    fn an_end_that_clocks_leap_over_is_that_of_the_leap() {
        // At 2 o'clock it is 3 o'clock.
        let berlin = settings(Tz::Europe__Berlin, "23:00", "02:30");
        assert_eq!(until(berlin, "2026-03-29T00:30:00Z").unwrap(), "2026-03-29 01:00");
        // It is 2:30 twice.
        assert_eq!(until(berlin, "2026-10-25T00:15:00Z").unwrap(), "2026-10-25 01:30");
    }

    #[test]
    fn times_are_written_in_one_way() {
        for (from, to) in [("22:00", "22:00"), ("22", "07:00"), ("24:00", "07:00"), ("22:00", "7:00"), ("", "")] {
            assert!(QuietHours::parse(from, to).is_err(), "{from} {to}");
        }
    }
}
