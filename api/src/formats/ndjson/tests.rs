use super::super::testing::{Outcome, random_inputs, read_every_way, read_in_pieces};
use super::super::{MAX_ROW_BYTES, NdjsonReader, Trailer};

fn ndjson(input: impl AsRef<[u8]>) -> Outcome {
    let outcome = read_every_way::<NdjsonReader>(input.as_ref());
    assert_eq!(outcome.end, Ok(Trailer::default()));
    outcome
}

#[track_caller]
fn check(input: impl AsRef<[u8]>, rows: &[&str]) {
    assert_eq!(ndjson(input).rows, rows);
}

#[test]
fn each_line_is_a_row() {
    for end in ["\n", "\r\n"] {
        let text = concat!(
            r#"{"email":"a@x.org","username":"a","full_name":"Ann"}"#,
            "\n\n \t\n",
            r#" { "username" : "b" , "email" : null } "#,
            "\n{}"
        );
        check(text.replace('\n', end), &["1 a@x.org|a|Ann", "4 -|b|-", "5 -|-|-"]);
    }
    check("", &[]);
    check("\n\r\n", &[]);
}

#[test]
fn a_byte_order_mark_is_taken_off_once() {
    check("\u{feff}{\"email\":\"a\"}\n", &["1 a|-|-"]);
    check("\u{feff}\n{}", &["2 -|-|-"]);
    check("\u{feff}", &[]);
    check("\u{feff}\u{feff}{}", &["1 -|-|- !row:invalid_json"]);
    check(b"\xef\xbb", &["1 -|-|- !row:invalid_utf8"]);
    check("{}\n\u{feff}{}", &["1 -|-|-", "2 -|-|- !row:invalid_json"]);
}

#[test]
fn strings_come_as_given() {
    check(r#"{"email":" \"\u00e9\ud83d\ude00\n","username":"","full_name":"\u0000"}"#, &["1  \"é😀\n||\0"]);
    check(r#"{"\u0065mail":"é"}"#, &["1 é|-|-"]);
}

#[test]
fn unknown_members_are_ignored() {
    check(r#"{"id":7,"email":"a","x":{"email":["b"]},"Email":"c","y":1.5,"z":null}"#, &["1 a|-|-"]);
}

#[test]
fn a_value_of_the_wrong_type_is_a_problem_of_the_field() {
    for value in ["1", "-1", "1.5", "true", "[]", "[1,[2]]", "{}", r#"{"a":{"b":"c"}}"#] {
        let outcome = ndjson(format!(r#"{{"email":{value},"username":"a"}}"#));
        assert_eq!(outcome.rows, ["1 -|a|- !email:wrong_type"]);
        assert_eq!(outcome.details(), ["email must be a string"]);
    }
    check(r#"{"username":1,"full_name":2}"#, &["1 -|-|- !username:wrong_type !full_name:wrong_type"]);
}

#[test]
fn a_field_that_is_given_twice_is_a_problem() {
    let outcome = ndjson(r#"{"email":"a","username":"b","email":"c"}"#);
    assert_eq!(outcome.rows, ["1 -|b|- !email:duplicate_field"]);
    assert_eq!(outcome.details(), ["email is given more than once"]);
    check(r#"{"email":null,"email":1}"#, &["1 -|-|- !email:duplicate_field"]);
    check(
        r#"{"email":1,"email":2,"email":"a","username":"b","email":"c"}"#,
        &["1 -|b|- !email:wrong_type !email:duplicate_field"],
    );
}

#[test]
fn a_line_that_is_not_json_is_a_problem_without_its_content() {
    for line in [
        "secret",
        "{secret}",
        r#"{"email":"secret""#,
        r#"{"email":"secret}"#,
        r#"{"email":"secret"} {}"#,
        r#"{"email":"secret",}"#,
        r#"{"email":"secret\ud800"}"#,
        r#"{"email":"secret\x"}"#,
        "{\"email\":\"secret\0\"}",
        "\0",
    ] {
        let outcome = ndjson(format!("{line}\n{{}}\n"));
        assert_eq!(outcome.rows, ["1 -|-|- !row:invalid_json", "2 -|-|-"]);
        let details = outcome.details();
        assert!(details[0].starts_with("the line is not valid JSON (byte "));
        assert!(!details[0].contains("secret"));
    }
}

#[test]
fn a_line_that_is_not_an_object_is_a_problem() {
    for line in ["1", "-1", "1.5", "true", "null", r#""a""#, r#""\n""#, "[]", "[{}]"] {
        let outcome = ndjson(line);
        assert_eq!(outcome.rows, ["1 -|-|- !row:invalid_json"]);
        assert_eq!(outcome.details(), ["each line must be a JSON object"]);
    }
}

#[test]
fn broken_utf8_is_a_problem_of_the_row() {
    check(
        b"{\"email\":\"\xff\"}\n{\"x\":\"\xc3\"}\n{\"email\":\"\xc3\xa9\"}\n",
        &["1 -|-|- !row:invalid_utf8", "2 -|-|- !row:invalid_utf8", "3 é|-|-"],
    );
}

#[test]
fn a_line_that_is_too_long_is_skipped() {
    let fits = "x".repeat(MAX_ROW_BYTES - r#"{"email":""}"#.len());
    let deep = "[".repeat(3 * MAX_ROW_BYTES);
    for end in ["\n", "\r\n"] {
        let input =
            format!(r#"{{"email":"{fits}"}}{end}{{"email":"{fits}x"}}{end}{{}}{end}{deep}{end}{{"email":"{fits}xy"}}"#);
        assert_eq!(
            read_in_pieces::<NdjsonReader>(input.as_bytes()).rows,
            [
                &format!("1 {fits}|-|-"),
                "2 -|-|- !row:row_too_long",
                "3 -|-|-",
                "4 -|-|- !row:row_too_long",
                "5 -|-|- !row:row_too_long"
            ]
        );
    }
}

#[test]
fn deep_nesting_is_harmless() {
    let deep = "[".repeat(MAX_ROW_BYTES);
    for line in [deep.clone(), format!(r#"{{"email":{}"#, &deep[..60_000]), format!(r#"{{"x":{}"#, &deep[..60_000])] {
        assert_eq!(read_in_pieces::<NdjsonReader>(line.as_bytes()).rows, ["1 -|-|- !row:invalid_json"]);
    }
}

#[test]
fn random_files_read_the_same_however_they_are_cut() {
    let pieces: &[&[u8]] = &[
        b"{",
        b"}",
        b"\"",
        b"\"email\"",
        b":",
        b",",
        b"\"a\"",
        b"\\",
        b"\\u00e9",
        b"\xc3\xa9",
        b"\xff",
        b"\r",
        b"\n",
        b"\r\n",
        b" ",
        b"\0",
        b"\xef\xbb\xbf",
        b"{\"email\":\"a\"}\n",
    ];
    for input in random_inputs(pieces, b"", 2_000) {
        ndjson(input);
    }
}
