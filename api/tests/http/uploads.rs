//! Bodies of uploads.

/// A JSON body with users `from..to`.
pub fn users(range: std::ops::Range<u32>) -> String {
    let users: Vec<_> =
        range.map(|n| serde_json::json!({"email": format!("u{n}@x.com"), "username": format!("user{n}")})).collect();
    serde_json::json!({"users": users}).to_string()
}

/// A CSV body with as many users.
pub fn csv(range: std::ops::Range<u32>) -> String {
    use std::fmt::Write;
    let mut text = "email,username\n".to_owned();
    for n in range {
        writeln!(text, "u{n}@x.com,user{n}").unwrap();
    }
    text
}
