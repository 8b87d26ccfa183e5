use serde_json::{Value, json};

use super::super::testing::{Outcome, random_inputs, read, read_every_way, read_in_pieces};
use super::super::{JsonReader, MAX_ROW_BYTES};

fn body(input: impl AsRef<[u8]>) -> Outcome {
    read_every_way::<JsonReader>(input.as_ref())
}

/// Reads `{"users": …}` with these elements.
fn users(elements: &str) -> Outcome {
    body(format!(r#"{{"users":[{elements}]}}"#))
}

#[track_caller]
fn check(input: impl AsRef<[u8]>, rows: &[&str], envelope: &Value) {
    let outcome = body(input);
    assert_eq!(outcome.rows, rows);
    let trailer = outcome.end.expect("readable");
    assert_eq!(trailer.envelope.as_ref(), envelope.as_object());
    assert!(trailer.unknown_fields.is_empty());
}

#[test]
fn elements_are_rows_and_the_rest_is_the_envelope() {
    check(
        r#"{"users":[{"email":"a@x.org","username":"a"},{"full_name":"B","email":null}]}"#,
        &["1 a@x.org|a|-", "2 -|-|B"],
        &json!({}),
    );
    check(
        concat!(
            "\u{feff} \r\n{ \"on_error\" :\t\"a\\\"]}\" , \"x\": [1,{\"users\":[2]}],\n",
            "\"users\" : [ {\"email\" : \"]},\\\"\\\\\", \"y\":[{}]} ,\n{ } ] , \"send_welcome\":false } \n"
        ),
        &["1 ]},\"\\|-|-", "2 -|-|-"],
        &json!({"on_error": "a\"]}", "x": [1, {"users": [2]}], "send_welcome": false}),
    );
    check(r#"{"users":[]}"#, &[], &json!({}));
    check(r#"{"users": [ ] ,"a":1}"#, &[], &json!({"a": 1}));
    check(r#"{"\u0075sers":[{}],"Users":[3]}"#, &["1 -|-|-"], &json!({"Users": [3]}));
}

#[test]
fn nul_bytes_and_escapes_are_data() {
    let elements = r#"{"email":"\u0000\u00e9é\"","username":""}"#;
    assert_eq!(users(elements).rows, ["1 \0éé\"||-"]);
}

#[test]
fn a_bad_element_is_a_problem_of_the_row() {
    let outcome = users(r#"{"email":1},{"email":"a","email":"b"},[{}], null,"x" ,-1.5e3,true"#);
    assert_eq!(
        outcome.rows,
        [
            "1 -|-|- !email:wrong_type",
            "2 -|-|- !email:duplicate_field",
            "3 -|-|- !row:invalid_json",
            "4 -|-|- !row:invalid_json",
            "5 -|-|- !row:invalid_json",
            "6 -|-|- !row:invalid_json",
            "7 -|-|- !row:invalid_json",
        ]
    );
    assert_eq!(outcome.details()[2], "each user must be a JSON object");
    assert!(outcome.end.is_ok());
    let outcome = body(b"{\"users\":[{\"email\":\"\xff\"},{}]}");
    assert_eq!(outcome.rows, ["1 -|-|- !row:invalid_utf8", "2 -|-|-"]);
    assert!(outcome.end.is_ok());
}

#[test]
fn a_syntax_error_in_users_names_the_element() {
    for (elements, element) in [
        ("{},{secret},{}", 2),
        (r#"{"email":"secret"},{"email":"secret",}"#, 2),
        (r#"{"email":"secret"} {}"#, 1),
        ("{}{}", 1),
        ("{},,{}", 2),
        (",{}", 1),
        ("{},", 2),
        ("{},tru", 2),
        ("1 2", 1),
        ("1\"a\"", 1),
        ("{},{\"a\":[}]}", 2),
        ("}", 1),
        ("{\"a\":\"\n\"}", 1),
        (":", 1),
        ("\0", 1),
    ] {
        let outcome = users(elements);
        assert_eq!(outcome.error(), ("invalid_json", Some(element)), "{elements}");
        let detail = outcome.end.expect_err("unreadable").detail;
        assert!(detail.starts_with(&format!("user {element}: ")), "{detail}");
        assert!(!detail.contains("secret"), "{detail}");
    }
}

#[test]
fn a_syntax_error_outside_users_is_an_error() {
    for input in [
        "",
        "\u{feff}",
        " ",
        "null",
        "[]",
        r#"[{"users":[]}]"#,
        "{",
        r#"{"users""#,
        r#"{"users":"#,
        r#"{"users":[]"#,
        r#"{"users":[],}"#,
        r#"{,"users":[]}"#,
        r#"{"a":1 "users":[{}]}"#,
        r#"{"users":[] "a":1}"#,
        r#"{"users":[] 1}"#,
        r#"{"users":[]]}"#,
        r#"{"users":[]}}"#,
        r#"{"users":[]}x"#,
        r#"{"users":[]}{}"#,
        r#"{"users" []}"#,
        r"{users:[]}",
        r#"{"users":[],"a":}"#,
        r#"{"users":[],"a":,"b":1}"#,
        r#"{"users":[],"a":tru}"#,
        r#"{"users":[],"a":[}]}"#,
        r#"{"users":[],"a\x":1}"#,
        "\u{feff}\u{feff}{\"users\":[]}",
    ] {
        let outcome = body(input);
        assert_eq!(outcome.error(), ("invalid_json", None), "{input}");
    }
    let outcome = body(b"{\"users\":[],\"a\":\"\xff\"}");
    assert_eq!(outcome.error(), ("invalid_json", None));
}

#[test]
fn a_body_that_is_cut_off_is_an_error() {
    let whole = r#"{"a":["é\"",1],"users":[{"email":"a"},{},{"x":[]}],"b":{"c":null}}"#;
    for end in 0..whole.len() {
        let outcome = read::<JsonReader>([&whole.as_bytes()[..end]]);
        assert_eq!(outcome.error().0, "invalid_json", "cut off at {end}");
    }
    assert_eq!(users("{},{").error(), ("invalid_json", Some(2)));
    assert_eq!(body(r#"{"users":[{},{"#).error(), ("invalid_json", Some(2)));
    assert_eq!(body(r#"{"users":[{}"#).error(), ("invalid_json", Some(1)));
}

#[test]
fn users_must_be_one_array() {
    for input in [
        "{}",
        r#"{"user":[]}"#,
        r#"{"a":{"users":[]}}"#,
        r#"{"users":null}"#,
        r#"{"users":{"email":"a"}}"#,
        r#"{"users":"[]"}"#,
        r#"{"users"::[]}"#,
        r#"{"users":[],"users":[]}"#,
        r#"{"users":[],"user\u0073":1}"#,
    ] {
        assert_eq!(body(input).error(), ("missing_users", None), "{input}");
    }
}

#[test]
fn elements_may_be_nested_128_levels_deep() {
    for (levels, ends_well) in [(127, true), (128, false)] {
        let nested = format!("{{\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        let outcome = users(&nested);
        assert_eq!(outcome.end.is_ok(), ends_well);
        if !ends_well {
            assert_eq!(outcome.error(), ("invalid_json", Some(1)));
        }
    }
    let outside = format!("{{\"users\":[],\"x\":{}", "[".repeat(1_000));
    assert_eq!(body(outside).error(), ("invalid_json", None));
}

#[test]
fn an_element_that_is_too_long_is_skipped() {
    let fits = "x".repeat(MAX_ROW_BYTES - r#"{"email":""}"#.len());
    let long = "]}, ".repeat(MAX_ROW_BYTES);
    let input = format!(
        r#"{{"users":[{{"email":"{fits}"}}, {{"email":"x{fits}"}} ,{{}},{{"y":["{long}"]}},{long1}],"b":2}}"#,
        long1 = "1".repeat(MAX_ROW_BYTES + 1)
    );
    let outcome = read_in_pieces::<JsonReader>(input.as_bytes());
    assert_eq!(
        outcome.rows,
        [
            &format!("1 {fits}|-|-"),
            "2 -|-|- !row:row_too_long",
            "3 -|-|-",
            "4 -|-|- !row:row_too_long",
            "5 -|-|- !row:row_too_long"
        ]
    );
    assert!(outcome.end.is_ok());
}

#[test]
fn the_envelope_has_a_limit_that_elements_do_not_count_for() {
    let bare = r#"{"users":[],"a":""}"#.len();
    let elements = vec!["{}"; 50_000].join(" , ");
    for (length, fits) in [(65_536, true), (65_537, false)] {
        let padding = "x".repeat(length - bare);
        let input = format!(r#"{{"users":[{elements}],"a":"{padding}"}}"#);
        let outcome = read_in_pieces::<JsonReader>(input.as_bytes());
        assert_eq!(outcome.rows.len(), 50_000);
        assert_eq!(outcome.end.is_ok(), fits);
        if !fits {
            assert_eq!(outcome.error(), ("envelope_too_long", None));
        }
    }
}

/// `serde_json` judges every body that is one byte away from a good one; the reader must agree.
#[test]
fn the_reader_takes_what_is_json_and_nothing_else() {
    let good = br#" {"a" : [1,"\"" ],"users":[ {"email":"b"},{"x":{}},2 ] ,"usersx":{"c":[]}}"#;
    let alphabet = b"{}[]\",:\\ \n1ntx";
    for at in 0..=good.len() {
        let (start, end) = good.split_at(at);
        let rest = end.get(1..).unwrap_or_default();
        judge(&[start, rest].concat());
        for byte in alphabet {
            judge(&[start, &[*byte], end].concat());
            judge(&[start, &[*byte], rest].concat());
        }
    }
}

fn judge(input: &[u8]) {
    let shown = input.escape_ascii();
    let outcome = read_every_way::<JsonReader>(input);
    let expected = serde_json::from_slice::<Value>(input).ok();
    let given_twice = memchr::memmem::find_iter(input, b"\"users\"").count() > 1;
    match expected.as_ref().and_then(|it| it.get("users")) {
        Some(Value::Array(elements)) if !given_twice => {
            assert_eq!(outcome.rows.len(), elements.len(), "{shown}");
            let trailer = outcome.end.expect("readable");
            let mut envelope = expected.clone().expect("is there");
            envelope.as_object_mut().expect("object").remove("users");
            assert_eq!(trailer.envelope.map(Value::Object), Some(envelope));
        }
        _ => assert!(outcome.end.is_err(), "{shown}"),
    }
}

#[test]
fn random_bodies_read_the_same_however_they_are_cut() {
    let pieces: &[&[u8]] = &[
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"",
        b",",
        b":",
        b"\\",
        b" ",
        b"1",
        b"{\"email\":\"a\"}",
        b"{},",
        b"\"b\":2",
        b"\xc3\xa9",
        b"\xff",
        b"],\"c\":3}",
        b"\xef\xbb\xbf",
    ];
    for start in ["", "{\"users\":[", "{\"users\":[{},"] {
        for input in random_inputs(pieces, start.as_bytes(), 1_000) {
            judge_random(&input);
        }
    }
}

fn judge_random(input: &[u8]) {
    let outcome = read_every_way::<JsonReader>(input);
    if outcome.end.is_ok() && std::str::from_utf8(input).is_ok() {
        let text = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
        assert!(serde_json::from_slice::<Value>(text).is_ok());
    }
}
