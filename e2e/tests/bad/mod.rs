//! Files with rows that are bad in each way.

use std::collections::BTreeSet;

/// Every so many rows one is bad; each way to be bad comes at least once in 1 000 rows.
const STRIDE: usize = 40;
pub(crate) const TAKEN_EMAIL: &str = "taken@example.com";
pub(crate) const TAKEN_NAME: &str = "taken";
/// Row of a CSV file whose name has quotes and a comma in it.
pub(crate) const QUOTED: usize = 7;
/// Row of a CSV file whose name stands on two lines.
pub(crate) const TWO_LINES: usize = 8;

/// Field (none: the whole row) and code.
type Problem = (Option<&'static str>, &'static str);

/// A row that must not become a user.
pub(crate) struct Bad {
    /// From 1.
    pub(crate) row: usize,
    /// Line on which it starts, from 1.
    pub(crate) line: usize,
    /// What is wrong with it.
    pub(crate) problems: Vec<Problem>,
}

/// An upload and what should come of it.
pub(crate) struct File {
    pub(crate) media: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) bad: Vec<Bad>,
    /// The addresses of those who become users.
    pub(crate) good: BTreeSet<String>,
    line: usize,
    row: usize,
}

impl File {
    fn new(media: &'static str, start: &[u8]) -> Self {
        let line = 1 + newlines(start);
        Self { media, body: start.to_vec(), bad: Vec::new(), good: BTreeSet::new(), line, row: 0 }
    }

    /// Adds a row; `end` is its line end.
    fn push(&mut self, bytes: &[u8], end: &[u8], problems: Vec<Problem>) {
        self.row += 1;
        if problems.is_empty() {
            self.good.insert(email(self.row));
        } else {
            self.bad.push(Bad { row: self.row, line: self.line, problems });
        }
        self.body.extend_from_slice(bytes);
        self.body.extend_from_slice(end);
        self.line += newlines(bytes) + newlines(end);
    }
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}

fn email(n: usize) -> String {
    format!("user-{n}@example.com")
}

/// With a byte order mark, CRLF, an unknown column, and columns in another order.
pub(crate) fn csv(rows: usize) -> File {
    let mut file = File::new("text/csv", b"\xEF\xBB\xBFUsername,shoe_size,full_name,email\r\n");
    let ways = csv_ways(STRIDE);
    assert!(rows / STRIDE > ways.len(), "{} ways to be bad do not fit", ways.len());
    for n in 1..rows {
        let (email, name) = (email(n), format!("csv-{n}"));
        if n % STRIDE == 0 {
            let way = csv_ways(n).into_iter().nth(n / STRIDE % ways.len());
            if let Some((bytes, problems)) = way {
                file.push(&bytes, b"\r\n", problems);
            }
        } else if n == QUOTED {
            let row = format!("{name},38,\"Ada \"\"the first\"\", Lovelace\",\"{email}\"");
            file.push(row.as_bytes(), b"\r\n", Vec::new());
        } else if n % 10 == TWO_LINES {
            file.push(format!("{name},38,\"Ada\r\nLovelace\",{email}").as_bytes(), b"\r\n", Vec::new());
        } else {
            file.push(format!("{name},38,,{}", email.to_uppercase()).as_bytes(), b"\r\n", Vec::new());
        }
    }
    file.push(b"last,38,\"a quote that is not closed,last@example.com", b"", vec![(None, "unterminated_quote")]);
    file
}

/// Row `n`, bad in each way. The row before it is good.
fn csv_ways(n: usize) -> Vec<(Vec<u8>, Vec<Problem>)> {
    let (own, name, before) = (email(n), format!("csv-{n}"), n - 1);
    let row = |name: &str, full_name: &str, email: &str| format!("{name},38,{full_name},{email}").into_bytes();
    let broken =
        |text: String| text.replace('?', "\u{1}").into_bytes().into_iter().map(|b| if b == 1 { 0xFF } else { b });
    vec![
        (row(&name, "", ""), vec![(Some("email"), "missing")]),
        (row("", "", &own), vec![(Some("username"), "missing")]),
        (row(&name, "", "nobody"), vec![(Some("email"), "invalid_email")]),
        (row(&name, "", "Nobody at Home <@example.com>"), vec![(Some("email"), "invalid_email")]),
        (row(&name, "", &email(before).to_uppercase()), vec![(Some("email"), "duplicate_in_file")]),
        (row(&format!("CSV-{before}"), "", &own), vec![(Some("username"), "duplicate_in_file")]),
        (row(&name, "", &TAKEN_EMAIL.to_uppercase()), vec![(Some("email"), "duplicate")]),
        (row(&TAKEN_NAME.to_uppercase(), "", &own), vec![(Some("username"), "duplicate")]),
        (row(&name, "", &long_email()), vec![(Some("email"), "too_long")]),
        (row(&"n".repeat(101), "", &own), vec![(Some("username"), "too_long")]),
        (row(&name, &"ä".repeat(256), &own), vec![(Some("full_name"), "too_long")]),
        (row("ab", "", &own), vec![(Some("username"), "too_short")]),
        (row("bob the builder", "", &own), vec![(Some("username"), "invalid_username")]),
        (row(&name, "A\0da", &own), vec![(Some("full_name"), "control_character")]),
        (row(&name, "", &format!("a\0{own}")), vec![(Some("email"), "control_character")]),
        (broken(format!("{name},38,A?da,{own}")).collect(), vec![(Some("full_name"), "invalid_utf8")]),
        (broken(format!("{name},38,,a?{own}")).collect(), vec![(Some("email"), "invalid_utf8")]),
        (format!("{name},38,{own}").into_bytes(), vec![(None, "column_count")]),
        (format!("{name},38,,{own},surplus").into_bytes(), vec![(None, "column_count")]),
        (row(&name, &"x".repeat(70_000), &own), vec![(None, "row_too_long")]),
        (row("ab", "", "nobody"), vec![(Some("email"), "invalid_email"), (Some("username"), "too_short")]),
        (
            broken(format!("ab,38,A?da,{own}")).collect(),
            vec![(Some("full_name"), "invalid_utf8"), (Some("username"), "too_short")],
        ),
    ]
}

/// With empty lines, and members in another order.
pub(crate) fn ndjson(rows: usize) -> File {
    let mut file = File::new("application/x-ndjson", b"\n");
    let ways = ndjson_ways(STRIDE);
    assert!(rows / STRIDE > ways.len(), "{} ways to be bad do not fit", ways.len());
    for n in 1..rows {
        let end: &[u8] = if n % 10 == 3 { b"\r\n \n" } else { b"\n" };
        if n % STRIDE == 0 {
            let way = ndjson_ways(n).into_iter().nth(n / STRIDE % ways.len());
            if let Some((bytes, problems)) = way {
                file.push(&bytes, end, problems);
            }
        } else {
            let row = format!(r#"{{"username": "nd-{n}", "shoe_size": [38], "email": "{}"}}"#, email(n));
            file.push(row.as_bytes(), end, Vec::new());
        }
    }
    file.push(br#"{"email": "cut@exam"#, b"", vec![(None, "invalid_json")]);
    file
}

fn ndjson_ways(n: usize) -> Vec<(Vec<u8>, Vec<Problem>)> {
    let (own, name, before) = (email(n), format!("nd-{n}"), n - 1);
    let row = |name: &str, full_name: &str, email: &str| {
        format!(r#"{{"email": "{email}", "username": "{name}", "full_name": "{full_name}"}}"#).into_bytes()
    };
    let mut broken = row(&name, "A?da", &own);
    broken.iter_mut().filter(|byte| **byte == b'?').for_each(|byte| *byte = 0xFF);
    vec![
        (format!(r#"{{"username": "{name}"}}"#).into_bytes(), vec![(Some("email"), "missing")]),
        (format!(r#"{{"email": null, "username": "{name}"}}"#).into_bytes(), vec![(Some("email"), "missing")]),
        (format!(r#"{{"email": "{own}"}}"#).into_bytes(), vec![(Some("username"), "missing")]),
        (format!(r#"{{"email": 7, "username": "{name}"}}"#).into_bytes(), vec![(Some("email"), "wrong_type")]),
        (row(&name, "", "nobody"), vec![(Some("email"), "invalid_email")]),
        (row(&name, "", &email(before).to_uppercase()), vec![(Some("email"), "duplicate_in_file")]),
        (row(&format!("ND-{before}"), "", &own), vec![(Some("username"), "duplicate_in_file")]),
        (row(&name, "", &TAKEN_EMAIL.to_uppercase()), vec![(Some("email"), "duplicate")]),
        (row(TAKEN_NAME, "", &own), vec![(Some("username"), "duplicate")]),
        (row(&name, "", &long_email()), vec![(Some("email"), "too_long")]),
        (row(&name, &"ä".repeat(256), &own), vec![(Some("full_name"), "too_long")]),
        (row("ab", "", &own), vec![(Some("username"), "too_short")]),
        (row(&name, "A\\u0000da", &own), vec![(Some("full_name"), "control_character")]),
        (row(&name, "A\0da", &own), vec![(None, "invalid_json")]),
        (broken, vec![(None, "invalid_utf8")]),
        (format!(r#"["{own}", "{name}"]"#).into_bytes(), vec![(None, "invalid_json")]),
        (format!(r#"{{"email": "{own}", "username": "{name}""#).into_bytes(), vec![(None, "invalid_json")]),
        (row(&name, &"x".repeat(70_000), &own), vec![(None, "row_too_long")]),
        (row("ab", "", "nobody"), vec![(Some("email"), "invalid_email"), (Some("username"), "too_short")]),
    ]
}

/// Syntactically right, and more than 255 characters.
fn long_email() -> String {
    format!("{}@{}com", "l".repeat(64), format!("{}.", "d".repeat(48)).repeat(4))
}
