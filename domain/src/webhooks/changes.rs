use super::{WebhookEvent, WebhookUrl};
use crate::{FieldError, Networks};

/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 255;

/// What is asked of a new endpoint, once it is known to be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEndpoint {
    /// Where deliveries go.
    pub url: WebhookUrl,
    /// For people.
    pub description: Option<String>,
    /// What it is told of.
    pub events: Vec<WebhookEvent>,
}

/// A member that may be absent, null or text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TextGiven<'a> {
    /// Not there.
    #[default]
    Absent,
    /// Null.
    Null,
    /// A text.
    Text(&'a str),
}

/// What somebody wants to change, as it was read.
#[derive(Debug, Clone, Default)]
pub struct EndpointPatch<'a> {
    /// The new URL.
    pub url: TextGiven<'a>,
    /// The new description; null clears it.
    pub description: TextGiven<'a>,
    /// The new events.
    pub events: Option<Vec<&'a str>>,
    /// Whether it is told anything.
    pub enabled: Option<bool>,
}

/// A description, or none.
pub type Description = Option<String>;

/// What is to change, once it is known to be right. None leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointChanges {
    /// The new URL.
    pub url: Option<WebhookUrl>,
    /// The new description.
    pub description: Option<Description>,
    /// The new events.
    pub events: Option<Vec<WebhookEvent>>,
    /// Whether it is told anything.
    pub enabled: Option<bool>,
}

impl NewEndpoint {
    /// Reads what is asked of a new endpoint.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(patch: EndpointPatch<'_>, allowed: &Networks) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        if patch.url == TextGiven::Absent {
            errors.push(FieldError::new("url", "missing", "is required"));
        }
        if patch.events.is_none() {
            errors.push(FieldError::new("events", "missing", "is required"));
        }
        match EndpointChanges::parse(patch, allowed) {
            Ok(EndpointChanges { url: Some(url), description, events: Some(events), .. }) if errors.is_empty() => {
                Ok(Self { url, description: description.flatten(), events })
            }
            Ok(_) => Err(errors),
            Err(others) => {
                errors.extend(others);
                Err(errors)
            }
        }
    }
}

impl EndpointChanges {
    /// Reads what is to change.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(patch: EndpointPatch<'_>, allowed: &Networks) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let url = match patch.url {
            TextGiven::Absent => None,
            TextGiven::Null => keep(Err(FieldError::new("url", "missing", "must not be null")), &mut errors),
            TextGiven::Text(text) => keep(WebhookUrl::parse(text, allowed), &mut errors),
        };
        let description = match patch.description {
            TextGiven::Absent => None,
            TextGiven::Null => Some(None),
            TextGiven::Text(text) => keep(read_description(text), &mut errors),
        };
        let events = patch.events.and_then(|names| keep(read_events(&names), &mut errors));
        if errors.is_empty() { Ok(Self { url, description, events, enabled: patch.enabled }) } else { Err(errors) }
    }
}

fn keep<T>(read: Result<T, FieldError>, errors: &mut Vec<FieldError>) -> Option<T> {
    read.map_err(|error| errors.push(error)).ok()
}

fn read_description(text: &str) -> Result<Description, FieldError> {
    if text.chars().count() > MAX_DESCRIPTION {
        let detail = format!("must have at most {MAX_DESCRIPTION} characters");
        return Err(FieldError::new("description", "too_long", detail));
    }
    if text.chars().any(char::is_control) {
        return Err(FieldError::new(
            "description",
            "invalid_characters",
            "must be one line without control characters",
        ));
    }
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

/// Reads names of events; each counts once.
///
/// # Errors
/// When there is none, or one that is not known.
pub fn read_events(names: &[&str]) -> Result<Vec<WebhookEvent>, FieldError> {
    let events: Option<Vec<_>> = names.iter().map(|name| WebhookEvent::from_name(name)).collect();
    let mut events = events.filter(|events| !events.is_empty()).ok_or_else(|| {
        let known = WebhookEvent::ALL.map(WebhookEvent::name).join(", ");
        FieldError::new("events", "invalid_events", format!("must be some of {known}"))
    })?;
    events.sort_unstable();
    events.dedup();
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(patch: EndpointPatch<'_>) -> Vec<(&'static str, &'static str)> {
        let errors = NewEndpoint::parse(patch, &Networks::default()).unwrap_err();
        errors.iter().map(|error| (error.field, error.code)).collect()
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        assert_eq!(codes(EndpointPatch::default()), [("url", "missing"), ("events", "missing")]);
        let long = "x".repeat(256);
        let patch = EndpointPatch {
            url: TextGiven::Text("http://example.com"),
            description: TextGiven::Text(&long),
            events: Some(vec!["user.created", "user.painted"]),
            enabled: None,
        };
        assert_eq!(codes(patch), [("url", "not_https"), ("description", "too_long"), ("events", "invalid_events")]);
        let patch = EndpointPatch { events: Some(Vec::new()), url: TextGiven::Null, ..EndpointPatch::default() };
        assert_eq!(codes(patch), [("url", "missing"), ("events", "invalid_events")]);
        let patch = EndpointPatch { description: TextGiven::Text("a\nb"), ..EndpointPatch::default() };
        assert!(codes(patch).contains(&("description", "invalid_characters")));
    }

    #[test]
    fn an_event_counts_once() {
        let events = read_events(&["user.deleted", "operation.finished", "user.deleted"]).unwrap();
        assert_eq!(events, [WebhookEvent::OperationFinished, WebhookEvent::UserDeleted]);
    }
}
