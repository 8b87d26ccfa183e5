//! What dates on which to remind cost an import of tasks, the whole way from the request to the end of the operation.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use muster_testkit::{
    data,
    spread::median,
    stack::Stack,
    tools::{announce, random_uuid},
};

use super::client::Client;

/// Tasks of one import.
const TASKS: usize = 100_000;
/// How often it is done each way; the median counts.
const ROUNDS: usize = 5;
/// Users to whom the tasks are assigned.
const USERS: usize = 1_000;

/// With reminders, and without.
pub(super) fn measure(stack: &Stack) -> Result<(Duration, Duration)> {
    announce(&format!("{TASKS} tasks imported over HTTP, with reminders and without, {ROUNDS} times each"));
    let (_worker, api) = (stack.spawn_worker()?, stack.spawn_api()?);
    let tenant = random_uuid()?;
    let client = Client::new(&api.url(), &stack.token(&tenant)?);
    let users = stack.home().join("users.csv");
    data::csv_file(&users, "b", USERS)?;
    client.import(&users, false)?;
    let with =
        file(stack, &tenant, "with", "due", "json_build_array(due - interval '1 day', due - interval '1 hour')")?;
    let without = file(stack, &tenant, "without", "null", "null")?;
    // Each into a table as it was before the other.
    let import = |file: &Path| -> Result<Duration> {
        stack.psql("checkpoint")?;
        let total = client.import_tasks(file)?.total;
        stack.psql(&format!("delete from tasks where tenant_id = '{tenant}'"))?;
        stack.psql("vacuum tasks")?;
        Ok(total)
    };
    let mut took = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        took.1.push(import(&without)?);
        took.0.push(import(&with)?);
    }
    Ok((median(took.0), median(took.1)))
}

/// The same tasks each time, with these dates.
fn file(stack: &Stack, tenant: &str, name: &str, due_at: &str, remind_at: &str) -> Result<PathBuf> {
    let lines = stack.psql(&format!(
        "select json_strip_nulls(json_build_object(
             'title', 'Task ' || n, 'assignee_id', users[1 + n % {USERS}], 'due_at', {due_at}, 'remind_at', {remind_at}
         ))
         from (select array(select id from users where tenant_id = '{tenant}') as users) of_tenant
         cross join (
             select n, now() + interval '2 days' + n * interval '1 second' as due
             from generate_series(1, {TASKS}) n
         ) made"
    ))?;
    let file = stack.home().join(format!("{name}.ndjson"));
    fs::write(&file, lines)?;
    Ok(file)
}
