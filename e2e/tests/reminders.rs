//! Whoever is to be reminded of a task is, once, whatever is down or dies meanwhile.
//!
//! Users and tasks are put into the database as the repository writes them.

use std::{collections::HashSet, time::Duration};

use anyhow::{Result, ensure};
use muster_e2e::{
    Chance, World,
    world::{count, test, test_durable, wait_for_sql},
};
use muster_testkit::{
    mail::{Behaviour, Refusal},
    stack::Stack,
    tools::{random_uuid, wait_until},
};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(2);
/// What nobody but the person reads.
const TITLE: &str = "Call the dentist";
/// Mails between two records of progress (`application/src/mails/group.rs`), in each of the batches that are sent at once.
const REPEATS: u64 = 100;
/// Nothing is due, and nothing on its way.
const LEFT: &str = "select (select count(*) from tasks where next_reminder_at is not null) \
                    + (select count(*) from reminder_mails where refused_at is null)";

/// Makes `people` users of a tenant, `{name}1@example.com` and so on, and a task of each, with these values for the columns
/// `due_at`, `remind_at`, `reminded_through` and `next_reminder_at`.
fn ask(stack: &Stack, tenant: &str, name: &str, people: u32, dates: [&str; 4]) -> Result<()> {
    let [due_at, remind_at, through, next] = dates;
    stack.psql(&format!(
        "with made as (
             insert into users (tenant_id, id, email, username, created_at, updated_at)
             select '{tenant}', gen_random_uuid(), '{name}' || n || '@example.com', '{name}' || n, now(), now()
             from generate_series(1, {people}) n
             returning id, username
         )
         insert into tasks (
             tenant_id, id, title, status, priority, assignee_id, creator_id, due_at, remind_at, version, created_at,
             updated_at, reminded_through, next_reminder_at
         )
         select '{tenant}', gen_random_uuid(), '{TITLE} ' || username, 'todo', 1, id, id, {due_at}, {remind_at}, 1, now(),
                now(), {through}, {next}
         from made"
    ))
    .map(drop)
}

/// A date on which tasks remind, besides none on which they are due.
fn in_seconds(seconds: &str) -> [String; 4] {
    let at = format!("now() + {seconds} * interval '1 second'");
    ["null::timestamptz".to_owned(), format!("array[{at}]"), "now()".to_owned(), at]
}

fn remind(stack: &Stack, tenant: &str, name: &str, people: u32, seconds: &str) -> Result<()> {
    ask(stack, tenant, name, people, in_seconds(seconds).each_ref().map(String::as_str))
}

fn accepted(stack: &Stack) -> u64 {
    stack.mail.counters().accepted
}

/// Tenants besides that of the world.
const OTHERS: u32 = 20;

/// Different mails, and people who have one.
fn told(stack: &Stack) -> (usize, usize) {
    let messages = stack.mail.messages();
    let ids: HashSet<_> = messages.iter().map(|mail| &mail.message_id).collect();
    let people: HashSet<_> = messages.iter().map(|mail| &mail.recipient).collect();
    (ids.len(), people.len())
}

#[test]
fn who_is_to_be_reminded_is_and_nobody_else_reads_of_what() {
    test("reminders-arrive", |stack| {
        let world = World::start(stack)?;
        remind(stack, &world.tenant, "ada", 3, "3")?;
        // Those of other tenants, which are due at one moment.
        let due = format!("'{}'::timestamptz", stack.psql("select now() + interval '5 seconds'")?);
        for n in 0..OTHERS {
            ask(stack, &random_uuid()?, &format!("bob{n}of"), 1, [&due, "'{}'", "now()", &due])?;
        }
        // One that sleeps.
        remind(stack, &world.tenant, "eve", 1, "86400")?;
        wait_until("the mails", PATIENCE, || Ok((accepted(stack) >= u64::from(OTHERS) + 3).then_some(())))?;
        wait_for_sql(stack, LEFT, "1", PATIENCE)?;
        let all = usize::try_from(OTHERS)? + 3;
        ensure!(accepted(stack) == u64::try_from(all)? && told(stack) == (all, all), "{:?}", stack.mail.messages());
        ensure!(stack.mail.messages().iter().all(|mail| mail.message_id.contains("reminder.")));
        ensure!(count(stack, "select count(*) from tasks where version > 1")? == 0);

        let list = ["workflow", "list", "--query", "WorkflowType='SendReminders'", "--output", "json"];
        let workflows: Vec<Value> = serde_json::from_str(&stack.temporal.cli(&list)?)?;
        ensure!((1..=5).contains(&workflows.len()), "tenants share: {}", workflows.len());
        for workflow in &workflows {
            let id = workflow.pointer("/execution/workflowId").and_then(Value::as_str).unwrap_or_default();
            let history = stack.temporal.history_json(id)?;
            ensure!(!history.contains("dentist") && !history.contains("example.com"), "{id} tells of somebody");
        }
        let log = world.worker.as_ref().map(|worker| worker.log_tail(10_000)).unwrap_or_default();
        ensure!(!log.is_empty() && !log.contains("dentist") && !log.contains("@example.com"), "{log}");
        Ok(())
    });
}

#[test]
fn workers_that_are_killed_lose_no_reminder_and_double_none() {
    test("reminders-kills", |stack| {
        const PEOPLE: u32 = 3_000;
        let mut chance = Chance::new()?;
        let mut world = World::start(stack)?;
        stack.mail.behave(Behaviour::slow(Duration::from_millis(2)));
        // Spread over some seconds, so that several looks find some.
        remind(stack, &world.tenant, "kill", PEOPLE, "(3 + substr(username, 5)::int % 8)")?;
        let mut kills = 0;
        // The first one as soon as anything was taken out of a task.
        wait_until("something to be taken", PATIENCE, || {
            Ok((count(stack, "select count(*) from reminder_mails")? > 0).then_some(()))
        })?;
        for moment in std::iter::once(0).chain(chance.ascending(4, 1, u64::from(PEOPLE) - 600)) {
            wait_until("the next mails", PATIENCE, || Ok((accepted(stack) >= moment).then_some(())))?;
            if let Some(mut worker) = world.worker.take() {
                worker.kill_hard()?;
                kills += 1;
            }
            world.worker = Some(stack.spawn_worker()?);
        }
        wait_for_sql(stack, LEFT, "0", PATIENCE)?;
        let people = usize::try_from(PEOPLE)?;
        ensure!(told(stack) == (people, people), "{:?} instead of {people} mails and people", told(stack));
        let repeats = accepted(stack) - u64::from(PEOPLE);
        println!("{repeats} mails were repeated after {kills} kills");
        // Four batches are sent at once by a worker.
        ensure!(repeats <= kills * 4 * REPEATS, "{repeats} repeats");
        Ok(())
    });
}

#[test]
fn what_was_missed_while_temporal_was_down_comes_once_for_each_person() {
    test_durable("reminders-outage", |stack| {
        let world = World::start(stack)?;
        stack.temporal.stop()?;
        // Three dates of each task go by.
        let second = |n: u32| format!("now() + interval '{n} seconds'");
        let (due, remind_at) = (second(3), format!("array[{}, {}]", second(1), second(2)));
        ask(stack, &world.tenant, "late", 200, [&due, &remind_at, "now()", &second(1)])?;
        wait_for_sql(stack, "select max(due_at) < now() from tasks", "t", PATIENCE)?;
        ensure!(accepted(stack) == 0 && count(stack, "select count(*) from reminder_mails")? == 0);
        stack.temporal.start_again()?;
        wait_until("the mails", PATIENCE, || Ok((accepted(stack) >= 200).then_some(())))?;
        wait_for_sql(stack, LEFT, "0", PATIENCE)?;
        ensure!(accepted(stack) == 200 && told(stack) == (200, 200), "{} mails", accepted(stack));
        Ok(())
    });
}

#[test]
fn nobody_is_told_of_a_task_that_was_cancelled_in_time() {
    test("reminders-cancelled", |stack| {
        let world = World::start(stack)?;
        let cancel = |name: &str| {
            stack.psql(&format!(
                "update tasks set status = 'cancelled', version = version + 1, updated_at = now(), next_reminder_at = null
                 where title = '{TITLE} {name}1'"
            ))
        };
        stack.mail.behave(Behaviour::temporary(Refusal::Always));
        for name in ["before", "between", "told"] {
            remind(stack, &world.tenant, name, 1, "4")?;
        }
        cancel("before")?;
        wait_until("mails that are put off", PATIENCE, || Ok((stack.mail.counters().temporary >= 2).then_some(())))?;
        // Taken, but not sent.
        ensure!(count(stack, "select count(*) from reminder_mails")? == 2);
        cancel("between")?;
        stack.mail.behave(Behaviour::accept());
        wait_for_sql(stack, LEFT, "0", PATIENCE)?;
        let to: Vec<_> = stack.mail.messages().into_iter().map(|mail| mail.recipient).collect();
        ensure!(to == ["told1@example.com"], "{to:?}");
        Ok(())
    });
}
