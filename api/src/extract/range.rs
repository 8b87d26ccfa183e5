use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What of a file a request wants (`Range`, RFC 9110).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ranged {
    /// All of it: nothing else was asked for, what was asked for cannot be read or is several ranges, or the client has a part
    /// of another file (`If-Range`).
    Whole,
    /// These bytes; there is at least one.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Nothing,
}

impl Ranged {
    /// Of a file of so many bytes. Its tag is a strong one.
    pub(crate) fn of(headers: &HeaderMap, etag: &str, length: u64) -> Self {
        let mut ranges = headers.get_all(header::RANGE).iter();
        let (Some(range), None) = (ranges.next(), ranges.next()) else { return Self::Whole };
        // Dates are not compared: they would have to be exact to be right.
        let is_same = headers.get(header::IF_RANGE).is_none_or(|tag| tag.as_bytes() == etag.as_bytes());
        match range.to_str().ok().and_then(parse) {
            Some(wanted) if is_same => wanted.within(length).map_or(Self::Nothing, Self::Part),
            _ => Self::Whole,
        }
    }
}

/// One range, as it was asked for.
enum Wanted {
    /// From a byte on, perhaps up to another one.
    From(u64, Option<u64>),
    /// So many at the end.
    Last(u64),
}

impl Wanted {
    fn within(self, length: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::From(first, last) => first..last.map_or(length, |last| last.saturating_add(1).min(length)),
            Self::Last(count) => length.saturating_sub(count)..length,
        };
        Some(range).filter(|range| !range.is_empty())
    }
}

/// None if it is no range of bytes, or several; then it counts as not there.
fn parse(text: &str) -> Option<Wanted> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim().split_once('-').filter(|_| unit.eq_ignore_ascii_case("bytes"))?;
    match (first, last) {
        ("", last) => Some(Wanted::Last(number(last)?)),
        (first, "") => Some(Wanted::From(number(first)?, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Wanted::From(first, Some(last)))
        }
    }
}

/// More than fits is as good as the most that does.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(header::HeaderName, &str)], length: u64) -> Ranged {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        Ranged::of(&headers, "\"x\"", length)
    }

    #[test]
    fn a_range_is_cut_to_what_there_is() {
        for (range, length, expected) in [
            ("bytes=0-0", 10, Ranged::Part(0..1)),
            ("bytes=2-4", 10, Ranged::Part(2..5)),
            ("Bytes=2-", 10, Ranged::Part(2..10)),
            ("bytes=2-99", 10, Ranged::Part(2..10)),
            ("bytes=0-18446744073709551615", 10, Ranged::Part(0..10)),
            ("bytes=-3", 10, Ranged::Part(7..10)),
            ("bytes=-99999999999999999999", 10, Ranged::Part(0..10)),
            ("bytes=10-", 10, Ranged::Nothing),
            ("bytes=99999999999999999999-", 10, Ranged::Nothing),
            ("bytes=-0", 10, Ranged::Nothing),
            ("bytes=0-", 0, Ranged::Nothing),
            ("bytes=-1", 0, Ranged::Nothing),
            ("bytes=4-2", 10, Ranged::Whole),
            ("bytes=0-1,3-4", 10, Ranged::Whole),
            ("bytes=x-", 10, Ranged::Whole),
            ("bytes=-", 10, Ranged::Whole),
            ("bytes=+1-2", 10, Ranged::Whole),
            ("rows=0-1", 10, Ranged::Whole),
            ("0-1", 10, Ranged::Whole),
        ] {
            assert_eq!(of(&[(header::RANGE, range)], length), expected, "{range} of {length}");
        }
        assert_eq!(of(&[], 10), Ranged::Whole);
        assert_eq!(of(&[(header::RANGE, "bytes=0-1"), (header::RANGE, "bytes=3-4")], 10), Ranged::Whole);
    }

    #[test]
    fn who_has_a_part_of_another_file_gets_all_of_this_one() {
        let range = (header::RANGE, "bytes=5-");
        for (tag, expected) in [
            ("\"x\"", Ranged::Part(5..10)),
            ("\"y\"", Ranged::Whole),
            ("W/\"x\"", Ranged::Whole),
            ("Sat, 31 Jan 2026 12:00:00 GMT", Ranged::Whole),
        ] {
            assert_eq!(of(&[range.clone(), (header::IF_RANGE, tag)], 10), expected, "{tag}");
        }
        assert_eq!(of(&[(header::IF_RANGE, "\"x\"")], 10), Ranged::Whole);
    }
}
