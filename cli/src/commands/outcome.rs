use std::process::ExitCode;

use serde_json::Value;

/// The state of an operation that does nothing until somebody acts.
pub(super) const PAUSED: &str = "paused";

/// What [`exit_code`] says, for the help of commands that follow an operation.
pub(super) const WATCHED_CODES: &str = "\
With --watch:
  3  some rows were done and some were not
  4  the operation failed
  5  it is paused: nothing happens until it is resumed or cancelled";

/// How an operation ended, as the exit code says it: what a script can tell apart.
pub(super) fn exit_code(state: &str) -> ExitCode {
    match state {
        "succeeded" => ExitCode::SUCCESS,
        "partially_succeeded" => ExitCode::from(3),
        "failed" => ExitCode::from(4),
        PAUSED => ExitCode::from(5),
        _ => ExitCode::FAILURE,
    }
}

/// What to do with an operation that is paused.
pub(super) fn how_to_go_on(url: &str) {
    eprintln!("  to go on     curl -X POST -H \"Authorization: Bearer $TENANT_TOKEN\" {url}/resume");
    eprintln!("  to end it    curl -X POST -H \"Authorization: Bearer $TENANT_TOKEN\" {url}/cancel");
}

/// Whether the rows of an operation are done with.
pub(super) fn ended(state: &str) -> bool {
    matches!(state, "succeeded" | "partially_succeeded" | "failed" | "cancelled" | "undone")
}

/// Why a row was not simply done.
pub(super) fn problems(row: &Value) -> String {
    let problems = row.get("problems").and_then(Value::as_array).into_iter().flatten();
    let texts: Vec<_> = problems
        .map(|problem| {
            let text = |name| problem.get(name).and_then(Value::as_str).unwrap_or_default();
            format!("{} {}", text("field"), text("detail")).trim().to_owned()
        })
        .collect();
    texts.join("; ")
}

/// The operation that an answer is about: the answer is the operation, or its result (201), or a problem that names it;
/// failing those, the address it gives.
pub(super) fn operation_id(body: &Value, location: Option<&str>) -> Option<String> {
    let named = ["operation_id", "id"].iter().find_map(|name| body.get(name).and_then(Value::as_str));
    let located = || location?.rsplit_once("/operations/").map(|(_, id)| id);
    named.or_else(located).filter(|id| !id.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_answer_names_its_operation() {
        let location = Some("/api/v1/operations/c");
        assert_eq!(operation_id(&json!({"id": "a", "state": "queued"}), location).as_deref(), Some("a"));
        assert_eq!(operation_id(&json!({"created": [], "operation_id": "b"}), location).as_deref(), Some("b"));
        assert_eq!(operation_id(&json!({"status": 409, "operation_id": "b"}), None).as_deref(), Some("b"));
        assert_eq!(operation_id(&json!({}), location).as_deref(), Some("c"));
        assert_eq!(operation_id(&json!({"status": 401}), None), None);
        assert_eq!(operation_id(&json!([]), Some("/elsewhere")), None);
    }

    #[test]
    fn the_exit_code_says_how_it_ended() {
        for (state, code) in [
            ("succeeded", 0),
            ("partially_succeeded", 3),
            ("failed", 4),
            ("paused", 5),
            ("cancelled", 1),
            ("running", 1),
        ] {
            assert_eq!(exit_code(state), ExitCode::from(code), "{state}");
        }
    }
}
