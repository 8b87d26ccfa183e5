use chrono::SecondsFormat;
use muster_domain::webhooks::Happening;
use serde_json::{Map, Value, json};

/// What is sent of something that happened: the same members as `muster_tell` of the database writes.
pub fn body_of(happening: &Happening) -> String {
    let data: Map<_, _> =
        happening.data().into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect();
    let at = happening.at.to_rfc3339_opts(SecondsFormat::Micros, true);
    json!({ "type": happening.event.name(), "timestamp": at, "data": data }).to_string()
}
