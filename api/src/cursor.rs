//! Cursors: opaque to clients, so that they may change.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::problem::Problem;

/// Where the next page of rows begins: after this row.
pub(crate) fn encode(row: u32) -> String {
    URL_SAFE_NO_PAD.encode(row.to_be_bytes())
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode(cursor: &str) -> Result<u32, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
    bytes.map(u32::from_be_bytes).ok_or_else(|| {
        Problem::invalid("/query/cursor", "invalid_cursor", "cursor must be the next_cursor of an earlier answer")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote_and_nothing_else() {
        for row in [0, 1, 10_000, u32::MAX] {
            assert_eq!(decode(&encode(row)).unwrap(), row);
        }
        for cursor in ["", "5", "AAAAAAAA", "AAAAA", "!!!!!!", "AAAAAA=="] {
            assert!(decode(cursor).is_err(), "{cursor}");
        }
    }
}
