use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use uuid::Uuid;

use super::super::outcome::{PAUSED, WATCHED_CODES, exit_code, problems};
use super::super::remote::Remote;
use super::super::watch::Watch;
use crate::table::table;

const EXIT_CODES: &str = "\
Exit codes:
  0  the operation is shown; with --watch, it has succeeded
  1  anything else: refused, not found, cancelled
  2  wrong arguments";

#[derive(Args)]
#[command(after_help = format!("{EXIT_CODES}\n{WATCHED_CODES}"))]
pub(super) struct Show {
    /// Which operation
    id: Uuid,
    /// How many of the rows that failed are shown with it
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=100))]
    rows: u32,
    /// Follow it until it ends or is paused
    #[arg(long)]
    watch: bool,
    /// Print what the API answers
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Show {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let connection = self.remote.connection()?;
        let (watch, id) = (connection.watch(), self.id.to_string());
        let operation = if self.watch { watch.until_ended(&id, false)? } else { watch.operation(&id)? };
        if self.json {
            println!("{operation}");
        } else {
            println!("{}", facts(&operation));
            self.print_rows(&watch, &id, &operation)?;
        }
        Ok(if self.watch { ended(&operation) } else { ExitCode::SUCCESS })
    }

    fn print_rows(&self, watch: &Watch<'_>, id: &str, operation: &Value) -> anyhow::Result<()> {
        let failed = count(operation, "failed");
        if failed == 0 || self.rows == 0 {
            return Ok(());
        }
        let rows = watch.rows(id, self.rows)?;
        let shown = u64::try_from(rows.len())?;
        let line = |row: &Value| row.get("line").map(ToString::to_string).unwrap_or_default();
        let cells = rows.iter().map(|row| vec![line(row), text(row, "/status").to_owned(), problems(row)]);
        println!("\n{}", table(&["line", "status", "problems"], cells.collect()));
        if failed > shown {
            println!("… all of them: {}/rows", watch.url(id));
        }
        Ok(())
    }
}

/// How an operation that was followed ended.
pub(super) fn ended(operation: &Value) -> ExitCode {
    match text(operation, "/state") {
        // Whoever follows an operation that is taken back sees it come to its end.
        "undone" => ExitCode::SUCCESS,
        state => exit_code(state),
    }
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn count(operation: &Value, name: &str) -> u64 {
    operation.pointer(&format!("/progress/{name}")).and_then(Value::as_u64).unwrap_or(0)
}

/// What there is to say of an operation, a line each; what there is not is left out.
fn facts(operation: &Value) -> String {
    let text = |pointer| text(operation, pointer);
    let count = |name| count(operation, name);
    let mut facts = vec![("id", text("/id").to_owned()), ("kind", text("/kind").to_owned())];
    let state = text("/state");
    facts.push((
        "state",
        match operation.pointer("/pause/message").and_then(Value::as_str) {
            Some(why) if state == PAUSED => format!("{state}: {why}"),
            _ => state.to_owned(),
        },
    ));
    if !text("/error/code").is_empty() {
        facts.push(("error", format!("{} {}", text("/error/code"), text("/error/message"))));
    }
    if !text("/parent_id").is_empty() {
        facts.push(("about", format!("{} of {}", text("/relation"), text("/parent_id"))));
    }
    let of = [("created", "created"), ("changed", "changed"), ("exported", "exported"), ("skipped", "skipped")];
    let mut counts: Vec<_> = of
        .into_iter()
        .filter(|(name, _)| count(name) > 0)
        .map(|(name, says)| format!("{} {says}", count(name)))
        .collect();
    counts.push(format!("{} failed", count("failed")));
    let done = format!("{} of {} done: {}", count("rows_done"), count("rows_total"), counts.join(", "));
    facts.push(("rows", done));
    let speed = operation.pointer("/progress/rows_per_second").and_then(Value::as_f64);
    if let Some(speed) = speed.filter(|speed| *speed > 0.0) {
        facts.push(("speed", format!("{speed:.0} rows a second")));
    }
    if let Some(plan) = operation.get("plan").filter(|plan| plan.is_object()) {
        let would = |name| plan.get(name).and_then(Value::as_u64).unwrap_or(0);
        let (create, change, skip, fail) = (would("to_create"), would("to_change"), would("to_skip"), would("to_fail"));
        facts.push(("plan", format!("{create} to create, {change} to change, {skip} to skip, {fail} to fail")));
    }
    if count("mails_total") > 0 {
        let (sent, refused) = (count("mails_sent"), count("mails_refused"));
        facts.push(("mails", format!("{sent} of {} sent, {refused} refused", count("mails_total"))));
    }
    if !text("/file/href").is_empty() {
        facts.push(("file", format!("{}, until {}", text("/file/href"), text("/file/expires_at"))));
    }
    for (name, pointer) in
        [("created", "/created_at"), ("queued", "/queued_at"), ("started", "/started_at"), ("finished", "/finished_at")]
    {
        if !text(pointer).is_empty() {
            facts.push((name, text(pointer).to_owned()));
        }
    }
    for warning in operation.get("warnings").and_then(Value::as_array).into_iter().flatten() {
        facts.push(("note", warning.as_str().unwrap_or_default().to_owned()));
    }
    facts.iter().map(|(name, says)| format!("{name:10}{says}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_there_is_to_say_is_said_and_nothing_else() {
        let operation = json!({
            "id": "0190", "kind": "users.import", "state": "paused", "error": null, "parent_id": null, "plan": null, "file": null,
            "pause": {"message": "somebody paused it"}, "warnings": ["column \"x\" was ignored"],
            "progress": {"rows_done": 3, "rows_total": 5, "created": 2, "failed": 1, "mails_total": 2, "mails_sent": 1},
            "created_at": "2026-01-31T12:00:00Z", "queued_at": null,
        });
        assert_eq!(
            facts(&operation),
            "id        0190\nkind      users.import\nstate     paused: somebody paused it\n\
             rows      3 of 5 done: 2 created, 1 failed\nmails     1 of 2 sent, 0 refused\n\
             created   2026-01-31T12:00:00Z\nnote      column \"x\" was ignored"
        );
    }
}
