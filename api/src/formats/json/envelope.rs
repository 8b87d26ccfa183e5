use std::borrow::Cow;

use serde_json::{Map, Value};

use super::super::FormatError;

/// Bytes that the body may take beside the elements of `users`.
const MAX_BYTES: usize = 64 * 1024;

/// The body without the elements of `users`.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    bytes: Vec<u8>,
    /// Where the last name of a member starts, with its quote.
    name: usize,
}

impl Envelope {
    pub(super) fn push(&mut self, byte: u8) -> Result<(), FormatError> {
        if self.bytes.len() == MAX_BYTES {
            let detail = "the body may have at most 64 KiB beside its rows";
            return Err(FormatError::new("envelope_too_long", None, detail));
        }
        self.bytes.push(byte);
        Ok(())
    }

    /// The next byte starts the name of a member.
    pub(super) fn start_name(&mut self) {
        self.name = self.bytes.len();
    }

    /// Whether the name that has just ended is `name`, however it is escaped.
    pub(super) fn name_is(&self, name: &str) -> bool {
        let written = self.bytes.get(self.name..).unwrap_or_default();
        serde_json::from_slice::<Cow<'_, str>>(written).is_ok_and(|written| written == name)
    }

    /// The members beside `list`, if all of it is JSON.
    pub(super) fn parse(&self, list: &str) -> Option<Map<String, Value>> {
        let mut members: Map<String, Value> = serde_json::from_slice(&self.bytes).ok()?;
        members.remove(list);
        Some(members)
    }
}
