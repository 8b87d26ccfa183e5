use std::borrow::Cow;

use muster_application::csv::write_record;
use muster_application::imports::ImportRow;

use super::super::testing::{Outcome, random_inputs, read_every_way, read_in_pieces};
use super::super::{CsvReader, Fields, MAX_ROW_BYTES, RowReader};

fn csv(input: impl AsRef<[u8]>) -> Outcome {
    read_every_way::<CsvReader>(input.as_ref())
}

#[track_caller]
fn check(input: impl AsRef<[u8]>, rows: &[&str]) {
    let outcome = csv(input);
    assert_eq!(outcome.rows, rows);
    assert!(outcome.end.is_ok(), "{:?}", outcome.end);
}

const HEADER: &str = "email,username,full_name\n";

#[test]
fn rows_come_with_the_line_on_which_they_start() {
    check("email,username,full_name\na@x.org,a,Ann\nb@x.org,b,\n", &["2 a@x.org|a|Ann", "3 b@x.org|b|-"]);
    check("email,username\na@x.org,a", &["2 a@x.org|a|-"]);
    check(HEADER, &[]);
    check("email,username", &[]);
}

#[test]
fn every_line_end_counts_once() {
    for end in ["\n", "\r\n", "\r"] {
        let text = "email,username\n\n\na,b\n\"c\n\nd\",e\n\nf,g\n\n".replace('\n', end);
        let quoted = format!("5 c{end}{end}d|e|-");
        check(&text, &["4 a|b|-", &quoted, "9 f|g|-"]);
    }
    check("email,username\n\r\r\n\r\na,b\n\rc,d\r\n", &["5 a|b|-", "7 c|d|-"]);
}

#[test]
fn blank_lines_before_the_header_are_skipped() {
    check("\r\n\nemail,username\na,b\n", &["4 a|b|-"]);
    assert_eq!(csv("\n\nx\n").error(), ("csv_header", Some(3)));
}

#[test]
fn quoted_cells_may_hold_commas_quotes_and_line_ends() {
    check("email,username\n\"a,\"\"b\"\"\",\"c\nd\"\n", &["2 a,\"b\"|c\nd|-"]);
    check("email,username\na\"b,\"\"\n", &["2 a\"b|-|-"]);
    check("\"email\",\"username\"\n\"\"\"\",\"\n\"", &["2 \"|\n|-"]);
}

#[test]
fn columns_come_in_any_order_and_case() {
    check(" Full_Name , USERNAME,\tEmail\nAnn,a,a@x.org\n", &["2 a@x.org|a|Ann"]);
}

#[test]
fn a_byte_order_mark_is_taken_off_once() {
    check("\u{feff}email,username\na,b\n", &["2 a|b|-"]);
    check("\u{feff}\"email\",username\na,b\n", &["2 a|b|-"]);
    check("\u{feff}\nemail,username\n\u{feff}a,b\n", &["3 \u{feff}a|b|-"]);
    assert_eq!(csv("\u{feff}\u{feff}email,username\n").error(), ("csv_header", Some(1)));
    for input in [&b"\xef\xbb"[..], b"\xef\xbbemail,username\n"] {
        assert_eq!(csv(input).error(), ("csv_header", Some(1)));
    }
    assert_eq!(csv("\u{feff}").error(), ("empty", None));
}

#[test]
fn unknown_columns_are_reported_and_ignored() {
    let outcome = csv(b"age,email, Age ,username,,age,a\0b\n\xff,a,2,b,3,4,5\n");
    assert_eq!(outcome.rows, ["2 a|b|-"]);
    let trailer = outcome.end.expect("readable");
    assert_eq!(trailer.unknown_fields, ["age", "Age", "", "a\u{fffd}b"]);
    assert_eq!(trailer.envelope, None);
}

#[test]
fn at_most_fifty_unknown_names_of_a_hundred_characters_are_kept() {
    let unknown: Vec<_> = (10..70).map(|column| format!("{column}{}", "é".repeat(120))).collect();
    let header = format!("email,username,{}", unknown.join(","));
    let end = read_in_pieces::<CsvReader>(header.as_bytes()).end;
    let names = end.expect("readable").unknown_fields;
    assert_eq!(names.len(), 50);
    assert_eq!(names[49], format!("59{}", "é".repeat(98)));
}

#[test]
fn a_header_without_the_required_columns_is_an_error() {
    for (header, missing) in [
        ("full_name,x", "columns email and username"),
        ("username,e-mail", "column email"),
        ("email;username,email", "column username"),
        ("a@x.org,a,Ann", "columns email and username"),
    ] {
        let outcome = csv(format!("{header}\na,b\n"));
        assert_eq!(outcome.error(), ("csv_header", Some(1)));
        let detail = outcome.end.expect_err("unreadable").to_string();
        assert!(detail.contains(missing), "{detail}");
        assert!(!detail.contains("a@x.org"), "{detail}");
    }
}

#[test]
fn a_broken_header_is_an_error() {
    let long = format!("email,username,{}\n", "x".repeat(MAX_ROW_BYTES));
    let wide = format!("email,username{}\n", ",x".repeat(1100));
    for header in [
        &b"email,username,email\n"[..],
        b"email,USERNAME,username",
        b"email,full_name,username, FULL_NAME\n",
        b"email,username,\xff\n",
        b"email,\"username\n",
    ] {
        assert_eq!(csv(header).error(), ("csv_header", Some(1)));
    }
    for header in [long, wide] {
        let outcome = read_in_pieces::<CsvReader>(header.as_bytes());
        assert_eq!(outcome.error(), ("csv_header", Some(1)));
    }
}

#[test]
fn a_file_without_a_header_is_empty() {
    for input in ["", "\n", "\r\n\r\n"] {
        assert_eq!(csv(input).error(), ("empty", None));
    }
}

#[test]
fn a_wrong_column_count_is_a_problem_of_the_row() {
    let outcome = csv(format!("{HEADER}a,b\na,b,c\na,b,c,d\n\"\"\n"));
    assert_eq!(
        outcome.rows,
        ["2 -|-|- !row:column_count", "3 a|b|c", "4 -|-|- !row:column_count", "5 -|-|- !row:column_count"]
    );
    assert_eq!(
        outcome.details(),
        ["expected 3 columns, found 2", "expected 3 columns, found 4", "expected 3 columns, found 1"]
    );
    for found in [1023, 1024, 1025, 1056, 1057, 5000] {
        let row = format!("{HEADER}{}\na,b,c\n", ",".repeat(found - 1));
        let outcome = read_in_pieces::<CsvReader>(row.as_bytes());
        assert_eq!(outcome.rows, ["2 -|-|- !row:column_count", "3 a|b|c"]);
        assert_eq!(outcome.details(), [format!("expected 3 columns, found {found}")]);
    }
}

#[test]
fn broken_utf8_is_a_problem_of_the_field() {
    check(
        b"email,username,full_name,x\na\xff,b,\xc3,\xff\nc,d,e,f\n",
        &["2 -|b|- !email:invalid_utf8 !full_name:invalid_utf8", "3 c|d|e"],
    );
    // Both cells are broken although their bytes together are not.
    check(b"email,username\n\xc3,\xa9\n", &["2 -|-|- !email:invalid_utf8 !username:invalid_utf8"]);
}

#[test]
fn spaces_and_nul_bytes_are_data() {
    check("email,username\n a@x.org ,\tb\0c\n , \n", &["2  a@x.org |\tb\0c|-", "3  | |-"]);
}

#[test]
fn a_record_that_is_too_long_is_skipped() {
    let fits = "x".repeat(MAX_ROW_BYTES - 4);
    let quoted = "y\n".repeat(MAX_ROW_BYTES);
    for end in ["\n", "\r\n"] {
        let input = format!("{HEADER}{fits},b,c{end}{fits}x,b,c{end}d,e,f{end}\"{quoted}\",g,h{end}i,j,k");
        let fit = format!("2 {fits}|b|c");
        assert_eq!(
            read_in_pieces::<CsvReader>(input.as_bytes()).rows,
            [
                &fit,
                "3 -|-|- !row:row_too_long",
                "4 d|e|f",
                "5 -|-|- !row:row_too_long",
                &format!("{} i|j|k", 6 + MAX_ROW_BYTES)
            ]
        );
    }
    let last = format!("{HEADER}{}", ",".repeat(MAX_ROW_BYTES + 1));
    assert_eq!(read_in_pieces::<CsvReader>(last.as_bytes()).rows, ["2 -|-|- !row:row_too_long"]);
}

#[test]
fn a_quote_that_is_never_closed_is_a_problem_of_the_last_row() {
    check(format!("{HEADER}a,b,c\nd,\"e,f\ng,h,i\n"), &["2 a|b|c", "3 -|-|- !row:unterminated_quote"]);
    check(format!("{HEADER}a,b,\"c\"\"\n"), &["2 -|-|- !row:unterminated_quote"]);
    check(format!("{HEADER}\""), &["2 -|-|- !row:unterminated_quote"]);
    check(format!("{HEADER}a,b,\"c\""), &["2 a|b|c"]);
    check(format!("{HEADER}a,b,c\"\n"), &["2 a|b|c\""]);
    let long = format!("{HEADER}\"{}", "a,b,c\n".repeat(20_000));
    assert_eq!(
        read_in_pieces::<CsvReader>(long.as_bytes()).rows,
        ["2 -|-|- !row:row_too_long !row:unterminated_quote"]
    );
}

#[test]
fn random_files_read_the_same_however_they_are_cut() {
    let pieces: &[&[u8]] = &[
        b"a",
        b"b",
        b",",
        b",",
        b"\"",
        b"\"",
        b"\r",
        b"\n",
        b"\r\n",
        b" ",
        b"\0",
        b"\xc3\xa9",
        b"\xff",
        b"\xef\xbb\xbf",
        b"a,b\n",
        b"\"a\",b\n",
    ];
    for start in ["", "email,username\n"] {
        for input in random_inputs(pieces, start.as_bytes(), 300) {
            csv(input);
        }
    }
}

#[test]
fn what_is_written_is_read_back() {
    let rows = [
        ["a@x.com", "ann", "Ann"],
        ["", "b,c", "say \"hi\", \"\""],
        ["=cmd()", "-bob", "'+x"],
        ["two\nlines", "cr\rlf\r\n", " blanks "],
        ["\"", ",", "'"],
    ];
    let mut file = Vec::new();
    write_record(&mut file, ["email", "username", "full_name"]);
    for row in rows {
        write_record(&mut file, row);
    }
    let mut read = Vec::new();
    let mut reader = CsvReader::new(Fields::IMPORT);
    let mut take = |row: ImportRow<'_>| {
        let text = |cell: Option<Cow<'_, str>>| cell.map(String::from).unwrap_or_default();
        read.push([text(row.email), text(row.username), text(row.full_name)]);
    };
    reader.push(&file, &mut take).unwrap();
    reader.finish(&mut take).unwrap();
    assert_eq!(read, rows);
}
