use muster_application::imports::RowProblem;
use muster_domain::webhooks::{EndpointPatch, TextGiven};
use serde_json::{Map, Value};

/// What is asked of an endpoint, and what cannot be read of it.
pub(super) fn patch(members: &Map<String, Value>) -> (EndpointPatch<'_>, Vec<RowProblem>) {
    let mut problems = Vec::new();
    let mut wrong = |field: &'static str, detail: &'static str| {
        problems.push(RowProblem { field: Some(field.into()), code: "wrong_type".into(), detail: detail.into() });
    };
    let mut text = |field: &'static str| match members.get(field) {
        None => TextGiven::Absent,
        Some(Value::Null) => TextGiven::Null,
        Some(Value::String(text)) => TextGiven::Text(text),
        Some(_) => {
            wrong(field, "must be a string");
            TextGiven::Absent
        }
    };
    let (url, description) = (text("url"), text("description"));
    let events = members.get("events").and_then(|given| {
        let read = given.as_array().and_then(|all| all.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        if read.is_none() {
            wrong("events", "must be a list of names");
        }
        read
    });
    let enabled = members.get("enabled").and_then(|given| {
        if !given.is_boolean() {
            wrong("enabled", "must be true or false; leave it out to keep it");
        }
        given.as_bool()
    });
    (EndpointPatch { url, description, events, enabled }, problems)
}
