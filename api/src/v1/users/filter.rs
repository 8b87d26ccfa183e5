//! Conditions on users, as clients write them.

use chrono::{DateTime, NaiveDateTime, Utc};
use muster_domain::users::UserFilter;

use crate::extract::Params;
use crate::problem::Problem;

/// Longest text that is looked for, in characters: no field is longer.
const MAX_CHARS: usize = 255;

/// The conditions in a query.
pub(super) fn filter(params: &Params) -> Result<UserFilter, Problem> {
    let right = "text of at most 255 characters without control characters";
    let text = |name| Ok::<_, Problem>(params.read(name, right, part)?.filter(|text| !text.is_empty()));
    let moment = |name| params.read(name, "an instant such as 2026-01-31T12:00:00Z", instant);
    Ok(UserFilter {
        deleted: false,
        email: text("email")?,
        username: text("username")?,
        full_name: text("full_name")?,
        email_exact: text("email_exact")?,
        username_exact: text("username_exact")?,
        is_active: params.read("is_active", "true or false", yes_or_no)?,
        created_after: moment("created_after")?,
        created_before: moment("created_before")?,
        updated_after: moment("updated_after")?,
    })
}

/// Text that is looked for.
pub(crate) fn part(text: &str) -> Option<String> {
    (!text.chars().any(char::is_control) && text.chars().count() <= MAX_CHARS).then(|| text.to_owned())
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// ISO 8601; without an offset it is UTC, as the reference service took it.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    // A `+` that was not escaped arrives as a space.
    let text = text.replacen(' ', if text.contains('T') { "+" } else { "T" }, 1);
    let offset = DateTime::parse_from_rfc3339(&text).map(|at| at.to_utc());
    offset.ok().or_else(|| Some(text.parse::<NaiveDateTime>().ok()?.and_utc())).filter(|at| is_storable(*at))
}

/// Postgres keeps years up to 294276; nobody means one beyond four digits.
fn is_storable(at: DateTime<Utc>) -> bool {
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
