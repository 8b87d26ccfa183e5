//! Conditions on users, as clients write them in JSON.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use muster_domain::operations::OperationKind;
use muster_domain::schedules::age;
use muster_domain::users::UserFilter;
use muster_domain::{instant, is_storable};
use serde_json::{Map, Value};

/// Longest text that is looked for, in characters: no field is longer.
const MAX_CHARS: usize = 255;

/// A filter that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongFilter {
    /// The condition that is wrong, if it is one that is known.
    pub condition: Option<&'static str>,
    /// One sentence, without values.
    pub detail: Cow<'static, str>,
}

/// Which users an operation of this kind is about, of those who meet `conditions`. With `run_at`, times may also be written
/// as an age, such as `P90D`: that long before.
///
/// # Errors
/// The first condition that is not known or not right.
pub fn read_filter(
    conditions: &Map<String, Value>,
    kind: OperationKind,
    run_at: Option<DateTime<Utc>>,
) -> Result<UserFilter, WrongFilter> {
    let mut found = UserFilter { deleted: kind.is_of_deleted(), ..UserFilter::living() };
    for (name, value) in conditions {
        let text = || value.as_str().filter(|text| !text.is_empty()).and_then(part);
        let moment = || moment(value.as_str()?, run_at);
        let (known, understood) = match name.as_str() {
            "email" => ("email", text().map(|text| found.email = Some(text))),
            "username" => ("username", text().map(|text| found.username = Some(text))),
            "full_name" => ("full_name", text().map(|text| found.full_name = Some(text))),
            "is_active" => ("is_active", value.as_bool().map(|is_active| found.is_active = Some(is_active))),
            "created_after" => ("created_after", moment().map(|at| found.created_after = Some(at))),
            "created_before" => ("created_before", moment().map(|at| found.created_before = Some(at))),
            "updated_after" => ("updated_after", moment().map(|at| found.updated_after = Some(at))),
            "updated_before" => ("updated_before", moment().map(|at| found.updated_before = Some(at))),
            "deleted_before" if !may_be_of_deleted(kind) => {
                let detail = format!("deleted_before is about the deleted: {} is about the living", kind.name());
                return Err(WrongFilter { condition: Some("deleted_before"), detail: detail.into() });
            }
            "deleted_before" => (
                "deleted_before",
                moment().map(|at| {
                    found.deleted = true;
                    found.deleted_before = Some(at);
                }),
            ),
            _ => {
                // Its name may be anything.
                let detail = format!("condition {} is not known", shown(name));
                return Err(WrongFilter { condition: None, detail: detail.into() });
            }
        };
        understood.ok_or_else(|| {
            let age = if run_at.is_some() { ", or how long before the run, such as P90D" } else { "" };
            let right = "text of at most 255 characters, true or false, or an instant such as 2026-01-31T12:00:00Z";
            WrongFilter { condition: Some(known), detail: format!("{known} must be {right}{age}").into() }
        })?;
    }
    Ok(found)
}

/// The name of a member as it can be repeated.
pub fn shown(name: &str) -> String {
    format!("{:?}", name.chars().take(50).collect::<String>())
}

/// Text that is looked for.
pub fn part(text: &str) -> Option<String> {
    (!text.chars().any(char::is_control) && text.chars().count() <= MAX_CHARS).then(|| text.to_owned())
}

/// Kinds that have something to do with users who are deleted.
const fn may_be_of_deleted(kind: OperationKind) -> bool {
    matches!(kind, OperationKind::UsersRestore | OperationKind::UsersErase | OperationKind::UsersExport)
}

fn moment(text: &str, run_at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let before: Option<(DateTime<Utc>, TimeDelta)> = run_at.zip(age(text));
    before.map_or_else(|| instant(text), |(run_at, age)| run_at.checked_sub_signed(age).filter(|at| is_storable(*at)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(filter: &Value, kind: OperationKind, run_at: Option<DateTime<Utc>>) -> Result<UserFilter, WrongFilter> {
        read_filter(filter.as_object().unwrap(), kind, run_at)
    }

    #[test]
    fn an_age_counts_back_from_the_run() {
        let run_at = instant("2026-04-01T00:00:00Z").unwrap();
        let filter = json!({"is_active": false, "updated_before": "P90D", "created_after": "2025-01-01T00:00:00Z"});
        let read_at = |at| read(&filter, OperationKind::UsersDelete, at);
        let found = read_at(Some(run_at)).unwrap();
        assert_eq!((found.updated_before, found.deleted), (instant("2026-01-01T00:00:00Z"), false));
        assert_eq!(found.created_after, instant("2025-01-01T00:00:00Z"));
        // What begins at once has no use for an age.
        assert_eq!(read_at(None).unwrap_err().condition, Some("updated_before"));
    }

    #[test]
    fn when_they_were_deleted_is_asked_of_the_deleted() {
        let filter = json!({"deleted_before": "2026-01-01T00:00:00Z"});
        let found = read(&filter, OperationKind::UsersErase, None).unwrap();
        assert_eq!((found.deleted, found.deleted_before), (true, instant("2026-01-01T00:00:00Z")));
        let wrong = read(&filter, OperationKind::UsersDelete, None).unwrap_err();
        assert_eq!(wrong.condition, Some("deleted_before"));
        assert_eq!(read(&json!({"shoe_size": 40}), OperationKind::UsersErase, None).unwrap_err().condition, None);
    }
}
