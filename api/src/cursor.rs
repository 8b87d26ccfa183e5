//! Cursors: base64url of JSON with exactly `sort_value` and `value`, as clients of the reference know them. What the
//! two are is up to each list.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::extract::Params;
use crate::problem::Problem;

/// Longest cursor, in characters, and in bytes of what it encodes.
const MAX_CHARS: usize = 1024;
const MAX_BYTES: usize = 768;

/// Others may have padded what we did not.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Where the next page of a list begins: behind this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor<S> {
    /// What the list is sorted by.
    pub(crate) sort_value: S,
    /// What decides among equals, or whose list it is.
    pub(crate) value: Uuid,
}

impl<S: Serialize + DeserializeOwned> Cursor<S> {
    pub(crate) fn encode(&self) -> Option<String> {
        let json = serde_json::to_vec(self).ok()?;
        Some(general_purpose::URL_SAFE_NO_PAD.encode(json))
    }

    fn decode(text: &str) -> Option<Self> {
        let json = Some(text).filter(|text| text.len() <= MAX_CHARS).and_then(|text| LENIENT.decode(text).ok())?;
        serde_json::from_slice(&json).ok().filter(|_| json.len() <= MAX_BYTES)
    }

    /// The parameter `cursor`, which `fits` the list.
    pub(crate) fn of(params: &Params, fits: impl FnOnce(&Self) -> bool) -> Result<Option<Self>, Problem> {
        let Some(text) = params.get("cursor")? else { return Ok(None) };
        Self::decode(text).filter(fits).map(Some).ok_or_else(|| {
            Problem::invalid("/query/cursor", "invalid_cursor", "cursor must be the next_cursor of an earlier answer")
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn encoded(json: &str) -> String {
        general_purpose::URL_SAFE_NO_PAD.encode(json)
    }

    #[test]
    fn reads_what_it_wrote() {
        let sort_value = DateTime::<Utc>::from_timestamp_micros(1_790_000_000_123_456).unwrap();
        let cursor = Cursor { sort_value, value: Uuid::from_u128(7) };
        assert_eq!(Cursor::decode(&cursor.encode().unwrap()), Some(cursor));
        let cursor = Cursor { sort_value: u32::MAX, value: Uuid::nil() };
        assert_eq!(Cursor::decode(&cursor.encode().unwrap()), Some(cursor));
    }

    #[test]
    fn reads_nothing_else() {
        let good = r#"{"sort_value":5,"value":"00000000-0000-0000-0000-000000000000"}"#;
        assert!(Cursor::<u32>::decode(&encoded(good)).is_some());
        assert!(Cursor::<u32>::decode(&general_purpose::URL_SAFE.encode(good)).is_some(), "padded");
        let spaces = |count: usize| encoded(&format!("{good}{}", " ".repeat(count - good.len())));
        assert_eq!(spaces(768).len(), 1024);
        assert!(Cursor::<u32>::decode(&spaces(768)).is_some());
        for text in [
            String::new(),
            "5".to_owned(),
            "!!!!".to_owned(),
            encoded("{}"),
            encoded("5"),
            encoded(r#"{"sort_value":5}"#),
            encoded(&good.replace('5', "-5")),
            encoded(&good.replace('5', "\"x\"")),
            encoded(&good.replace("00000000-", "")),
            encoded(&good.replace('{', r#"{"other":1,"#)),
            encoded(&good.replace('{', r#"{"sort_value":1,"#)),
            encoded(&format!("{good}{good}")),
            spaces(769),
            spaces(100_000),
        ] {
            assert!(Cursor::<u32>::decode(&text).is_none(), "{text}");
        }
    }
}
