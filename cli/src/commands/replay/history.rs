use std::path::Path;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use temporalio_client::WorkflowHistory;
use temporalio_common::protos::temporal::api::history::v1::History;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use super::proto_json;

/// A history, and the workflow that made it.
pub(super) struct Recorded {
    pub(super) workflow: String,
    pub(super) history: WorkflowHistory,
}

impl Recorded {
    /// Reads a file in either of two forms: the JSON of Protocol Buffers, which the UI and the program `temporal` write, or
    /// that of the SDK, in which `cargo xtask histories` records.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).context("it cannot be read")?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let json: Value = serde_json::from_slice(bytes).context("it is no JSON")?;
        // Older tools write the events alone.
        let json = if json.is_array() { json!({ "events": json }) } else { json };
        let Some(first) = json.pointer("/events/0") else { bail!("it has no events, so it is no history") };
        let is_of_sdk = first.get("event_id").is_some();
        let history: History = if is_of_sdk { serde_json::from_value(json) } else { proto_json::read(json) }
            .context("it is no history that the SDK knows")?;
        let Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) =
            history.events.first().and_then(|event| event.attributes.as_ref())
        else {
            bail!("it does not begin with the start of a workflow: a history has to be whole");
        };
        let workflow = started.workflow_type.as_ref().map(|kind| kind.name.clone()).unwrap_or_default();
        Ok(Self { workflow, history: history.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Recorded::parse(text.as_bytes()).err().map(|error| format!("{error:#}")).unwrap_or_default()
    }

    #[test]
    fn what_is_no_history_is_refused_with_the_reason() {
        for (text, says) in [
            ("{", "no JSON"),
            ("{}", "no events"),
            ("{\"events\": []}", "no events"),
            (
                "{\"events\": [{\"eventId\": \"1\", \"eventType\": \"EVENT_TYPE_OF_TOMORROW\"}]}",
                "EVENT_TYPE_OF_TOMORROW",
            ),
            ("{\"events\": [{\"eventId\": \"2\", \"eventType\": \"EVENT_TYPE_TIMER_FIRED\"}]}", "does not begin"),
        ] {
            assert!(refusal(text).contains(says), "{text}: {}", refusal(text));
        }
    }
}
