use chrono::{DateTime, Utc};
use muster_application::users::{read_filter, shown};
use muster_domain::operations::{OperationKind, UploadFormat};
use muster_domain::schedules::{Cadence, NewSchedule};
use serde_json::{Map, Value};

use crate::problem::{ErrorDetail, Problem};
use crate::v1::operations::begin::wrong_filter;

const MEMBERS: [&str; 6] = ["name", "kind", "filter", "format", "cron", "time_zone"];

/// The schedule that a body asks for at `now`.
pub(super) fn parse(members: &Map<String, Value>, now: DateTime<Utc>) -> Result<NewSchedule, Problem> {
    let mut errors = Vec::new();
    if let Some(other) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let detail = format!("member {} is not known; there are {}", shown(other), MEMBERS.join(", "));
        errors.push(ErrorDetail::new("", "unknown_member", detail));
    }
    let name = keep(name(members), &mut errors);
    let kind = keep(kind(members), &mut errors);
    let cadence = cadence(members, &mut errors);
    let filter = kind.and_then(|kind| keep(filter(members, kind, now), &mut errors));
    let format = kind.and_then(|kind| keep(format(members, kind), &mut errors));
    match (name, kind, filter, format, cadence) {
        (Some(name), Some(kind), Some(filter), Some(format), Some(cadence)) if errors.is_empty() => {
            Ok(NewSchedule { name, kind, filter, format, cadence })
        }
        _ => Err(Problem::wrong(errors)),
    }
}

fn keep<T>(read: Result<T, ErrorDetail>, errors: &mut Vec<ErrorDetail>) -> Option<T> {
    read.map_err(|error| errors.push(error)).ok()
}

fn wrong(member: &str, detail: impl Into<std::borrow::Cow<'static, str>>) -> ErrorDetail {
    ErrorDetail::new(format!("/{member}"), "invalid_option", detail)
}

fn name(members: &Map<String, Value>) -> Result<Option<String>, ErrorDetail> {
    match members.get("name") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            NewSchedule::parse_name(text).map_err(|error| ErrorDetail::new("/name", error.code, error.detail))
        }
        Some(_) => Err(ErrorDetail::new("/name", "wrong_type", "must be a string")),
    }
}

fn kind(members: &Map<String, Value>) -> Result<OperationKind, ErrorDetail> {
    let kind = members.get("kind").and_then(Value::as_str).and_then(OperationKind::from_name);
    kind.filter(|kind| NewSchedule::KINDS.contains(kind)).ok_or_else(|| {
        wrong("kind", format!("kind must be one of {}", NewSchedule::KINDS.map(OperationKind::name).join(", ")))
    })
}

/// The conditions as they were given, once it is known that they can be read.
fn filter(members: &Map<String, Value>, kind: OperationKind, now: DateTime<Utc>) -> Result<String, ErrorDetail> {
    let everybody = Map::new();
    let given = match members.get("filter") {
        None if kind == OperationKind::UsersExport => &everybody,
        Some(Value::Object(given)) if kind == OperationKind::UsersExport || !given.is_empty() => given,
        _ if kind == OperationKind::UsersExport => {
            return Err(wrong("filter", "filter must be an object with conditions; leave it away for all users"));
        }
        _ => return Err(wrong("filter", "filter must be an object with at least one condition")),
    };
    read_filter(given, kind, Some(now)).map_err(wrong_filter)?;
    serde_json::to_string(given).map_err(|_| wrong("filter", "filter cannot be kept"))
}

fn format(members: &Map<String, Value>, kind: OperationKind) -> Result<Option<UploadFormat>, ErrorDetail> {
    match (members.get("format").map(Value::as_str), kind) {
        (None | Some(Some("ndjson")), OperationKind::UsersExport) => Ok(Some(UploadFormat::Ndjson)),
        (Some(Some("csv")), OperationKind::UsersExport) => Ok(Some(UploadFormat::Csv)),
        (Some(_), OperationKind::UsersExport) => Err(wrong("format", "format must be ndjson or csv")),
        (None, _) => Ok(None),
        (Some(_), _) => Err(wrong("format", "only users.export has a format")),
    }
}

fn cadence(members: &Map<String, Value>, errors: &mut Vec<ErrorDetail>) -> Option<Cadence> {
    let Some(cron) = members.get("cron") else {
        errors.push(ErrorDetail::new("/cron", "missing", "cron says when it runs, such as 30 3 * * mon-fri"));
        return None;
    };
    // What is no text is no expression, and no zone.
    let time_zone = members.get("time_zone").map_or("UTC", |zone| zone.as_str().unwrap_or_default());
    let read = Cadence::parse(cron.as_str().unwrap_or_default(), time_zone);
    let wrong = |all: Vec<muster_domain::FieldError>| {
        let detail = |error: muster_domain::FieldError| {
            ErrorDetail::new(format!("/{}", error.field), error.code, format!("{} {}", error.field, error.detail))
        };
        errors.extend(all.into_iter().map(detail));
    };
    read.map_err(wrong).ok()
}
