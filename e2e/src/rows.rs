//! Bodies of uploads.

use anyhow::Result;
use muster_testkit::data::{UserRow, user, write_csv};
use serde_json::{Value, json};

/// CSV of `count` users, with a header row.
pub fn csv(prefix: &str, count: usize) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    write_csv(&mut body, prefix, count)?;
    Ok(body)
}

/// NDJSON of the users `from..to`.
pub fn ndjson(prefix: &str, from: usize, to: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for n in from..to {
        body.extend_from_slice(json_user(prefix, n).to_string().as_bytes());
        body.push(b'\n');
    }
    body
}

/// A JSON body of `count` users.
pub fn json_body(prefix: &str, count: usize) -> Value {
    json!({ "users": (0..count).map(|n| json_user(prefix, n)).collect::<Vec<_>>() })
}

/// A user as JSON.
pub fn json_user(prefix: &str, n: usize) -> Value {
    let UserRow { email, username, full_name } = user(prefix, n);
    json!({ "email": email, "username": username, "full_name": full_name })
}
