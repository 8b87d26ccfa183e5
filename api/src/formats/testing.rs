//! Helpers of the tests of all readers.

use std::borrow::Cow;
use std::fmt::Write;

use muster_application::imports::{ImportRow, RowProblem};

use super::{FormatError, RowReader, Trailer};

/// What came out of a reader; each row as `line email|username|full_name !field:code`, `-` for none.
#[derive(Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) rows: Vec<String>,
    pub(super) problems: Vec<RowProblem>,
    pub(super) end: Result<Trailer, FormatError>,
}

impl Outcome {
    pub(super) fn error(&self) -> (&str, Option<u64>) {
        let error = self.end.as_ref().expect_err("the upload is unreadable");
        (error.code, error.line)
    }

    pub(super) fn details(&self) -> Vec<&str> {
        self.problems.iter().map(|it| it.detail.as_ref()).collect()
    }
}

pub(super) fn read<'b, R: RowReader + Default>(pieces: impl IntoIterator<Item = &'b [u8]>) -> Outcome {
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    let mut reader = R::default();
    let mut row = |row: ImportRow<'_>| {
        rows.push(show(&row));
        problems.extend(row.problems);
    };
    let pushed = pieces.into_iter().try_for_each(|piece| reader.push(piece, &mut row));
    let end = pushed.and_then(|()| reader.finish(&mut row));
    Outcome { rows, problems, end }
}

fn show(row: &ImportRow<'_>) -> String {
    let text = |value: &Option<Cow<'_, str>>| value.as_deref().unwrap_or("-").to_owned();
    let mut shown = format!("{} {}|{}|{}", row.line, text(&row.email), text(&row.username), text(&row.full_name));
    for problem in &row.problems {
        let field = problem.field.as_deref().unwrap_or("row");
        write!(shown, " !{field}:{}", problem.code).expect("a string takes it");
    }
    shown
}

/// Reads the input whole, byte by byte, and cut in two at every place; all must give the same.
pub(super) fn read_every_way<R: RowReader + Default>(input: &[u8]) -> Outcome {
    let whole = read::<R>([input]);
    let shown = input.escape_ascii();
    assert_eq!(read::<R>(input.chunks(1)), whole, "byte by byte: {shown}");
    for at in 0..=input.len() {
        let (start, end) = input.split_at(at);
        assert_eq!(read::<R>([start, end]), whole, "cut at {at}: {shown}");
    }
    whole
}

/// As [`read_every_way`], for inputs that are too long for that.
pub(super) fn read_in_pieces<R: RowReader + Default>(input: &[u8]) -> Outcome {
    let whole = read::<R>([input]);
    for size in [1, 7, 4096, 65_536] {
        assert!(read::<R>(input.chunks(size)) == whole, "pieces of {size} bytes");
    }
    whole
}

/// Inputs made of the given pieces at random, the same in every run.
pub(super) fn random_inputs(pieces: &[&[u8]], start: &[u8], count: usize) -> Vec<Vec<u8>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    (0..count)
        .map(|_| {
            let mut input = start.to_vec();
            for _ in 0..random(24) {
                input.extend_from_slice(pieces[random(pieces.len())]);
            }
            input
        })
        .collect()
}
