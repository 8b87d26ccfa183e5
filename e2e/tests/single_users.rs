//! Users who are made one by one get their mail soon, exactly when they are there, whatever is down meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use muster_e2e::{
    World,
    world::{count, test, test_durable, wait_for_sql},
};
use muster_testkit::{
    mail::{Behaviour, Refusal},
    stack::Stack,
    tools::wait_until,
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(1);
/// What is promised while nothing else happens.
const SOON: Duration = Duration::from_secs(2);
const WAITING: &str = "select count(*) from welcome_mails where refused_at is null";

fn accepted(stack: &Stack) -> u64 {
    stack.mail.counters().accepted
}

fn wait_for_mails(stack: &Stack, mails: u64) -> Result<()> {
    wait_until(&format!("{mails} mails"), PATIENCE, || Ok((accepted(stack) >= mails).then_some(())))?;
    wait_for_sql(stack, WAITING, "0", PATIENCE)?;
    ensure!(accepted(stack) == mails, "{} mails instead of {mails}", accepted(stack));
    Ok(())
}

#[test]
fn a_user_has_their_mail_within_two_seconds() {
    test("welcome-soon", |stack| {
        let world = World::start(stack)?;
        let mut slowest = Duration::ZERO;
        for n in 1..=5 {
            let begin = Instant::now();
            world.client.create(&format!("soon-{n}"))?;
            wait_until("the mail", PATIENCE, || Ok((accepted(stack) >= n).then_some(())))?;
            slowest = slowest.max(begin.elapsed());
        }
        println!("the slowest mail took {slowest:.2?}");
        ensure!(slowest < SOON, "a mail took {slowest:.2?}");
        let bodies = stack.mail.messages();
        ensure!(bodies.iter().all(|mail| mail.message_id.contains("welcome.")), "{bodies:?}");
        wait_for_mails(stack, 5)
    });
}

#[test]
fn many_users_share_few_workflows() {
    test("welcome-many", |stack| {
        let world = World::start(stack)?;
        let client = &world.client;
        std::thread::scope(|scope| {
            let make =
                |lane: u32| move || (0..100).try_for_each(|n| client.create(&format!("many-{lane}-{n}")).map(drop));
            let lanes: Vec<_> = (0..4).map(|lane| scope.spawn(make(lane))).collect();
            lanes.into_iter().try_for_each(|lane| lane.join().unwrap_or_else(|_| Err(anyhow::anyhow!("panicked"))))
        })?;
        wait_for_mails(stack, 400)?;
        let list = ["workflow", "list", "--query", "WorkflowType='SendWelcomeBatch'", "--output", "json"];
        let workflows: Vec<Value> = serde_json::from_str(&stack.temporal.cli(&list)?)?;
        println!("{} workflows for 400 users", workflows.len());
        ensure!(!workflows.is_empty() && workflows.len() < 100, "{} workflows", workflows.len());
        Ok(())
    });
}

#[test]
fn nobody_waits_for_temporal_and_no_mail_is_lost_when_it_is_down() {
    test_durable("welcome-outage", |stack| {
        let mut world = World::start(stack)?;
        stack.temporal.stop()?;
        for n in 0..20 {
            let begin = Instant::now();
            world.client.create(&format!("outage-{n}"))?;
            ensure!(begin.elapsed() < SOON, "a request took {:.2?}", begin.elapsed());
        }
        // A refused request leaves no mail.
        let body = json!({"email": "outage-0@example.com", "username": "other"});
        world.client.ask("POST", "/api/v1/users", &[], &body)?.must_be_problem(409, "CONFLICT")?;
        // In the middle of it the worker dies as well.
        if let Some(mut worker) = world.worker.take() {
            worker.kill_hard()?;
        }
        ensure!(count(stack, WAITING)? == 20);
        stack.temporal.start_again()?;
        world.worker = Some(stack.spawn_worker()?);
        wait_for_mails(stack, 20)
    });
}

#[test]
fn a_mail_that_is_put_off_is_sent_later_and_one_that_is_refused_is_recorded() {
    test("welcome-later", |stack| {
        let world = World::start(stack)?;
        stack.mail.behave(Behaviour {
            refuse_recipients: vec!["never@example.com".to_owned()],
            ..Behaviour::temporary(Refusal::Always)
        });
        for name in ["later-1", "never", "later-2", "gone"] {
            world.client.create(name)?;
        }
        wait_until("a refusal", PATIENCE, || Ok((stack.mail.counters().temporary > 0).then_some(())))?;
        // Who is deleted meanwhile gets none.
        let gone = world.client.get("/api/v1/users/search?email_exact=gone@example.com")?.must_be(200)?;
        let path = format!("/api/v1/users/{}", gone.text("/items/0/id"));
        world.client.ask("DELETE", &path, &[], &Value::Null)?.must_be(204)?;
        stack
            .mail
            .behave(Behaviour { refuse_recipients: vec!["never@example.com".to_owned()], ..Behaviour::default() });
        wait_for_mails(stack, 2)?;
        wait_for_sql(stack, "select refused_code from welcome_mails", "mail_refused", PATIENCE)
    });
}
