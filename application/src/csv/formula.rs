//! Cells that a spreadsheet would take for a formula. Files that we write put an apostrophe before them, which a spreadsheet
//! shows as text; files that we read have it taken off, so that a file comes back as it was.

use std::borrow::Cow;

const MARK: char = '\'';

/// Whether a spreadsheet would calculate this, or a reader would take a mark off it.
fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches(MARK).starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A cell that nobody calculates.
pub(super) fn neutral(cell: &str) -> Cow<'_, str> {
    if is_formula(cell) { format!("{MARK}{cell}").into() } else { cell.into() }
}

/// What a cell stands for: the opposite of what writing it does.
pub fn as_meant(cell: &str) -> &str {
    cell.strip_prefix(MARK).filter(|rest| is_formula(rest)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_written_as_text_and_come_back_as_they_were() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+x@example.com", "'+x@example.com"),
            ("-bob", "'-bob"),
            ("@all", "'@all"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("'=x", "''=x"),
            ("''-x", "'''-x"),
            ("", ""),
            ("'", "'"),
            ("'t Hooft", "'t Hooft"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(neutral(cell), written);
            assert_eq!(as_meant(written), cell);
        }
    }
}
