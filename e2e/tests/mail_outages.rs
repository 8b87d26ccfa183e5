//! A mail server that refuses, delays or cuts connections harms no import, and every repeat can be recognised.

use std::{collections::HashSet, time::Duration};

use anyhow::{Result, ensure};
use muster_e2e::{
    World,
    client::{at, number},
    rows,
    world::{exactly, test},
};
use muster_testkit::{
    data::user,
    mail::{Behaviour, Cut, Refusal},
    stack::Stack,
    tools::wait_until,
};

const USERS: usize = 300;
const PATIENCE: Duration = Duration::from_mins(1);

/// Imports with a mail server that misbehaves until `enough`; gives the operation when all its mails are dealt with.
fn import(
    stack: &Stack,
    world: &World,
    prefix: &str,
    behaviour: Behaviour,
    enough: impl Fn() -> bool,
) -> Result<serde_json::Value> {
    stack.mail.clear();
    stack.mail.behave(behaviour);
    let id = world.client.import_csv("", &rows::csv(prefix, USERS)?)?;
    // Users do not wait for the mail server.
    let operation = world.client.ended(&id, PATIENCE)?;
    ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
    wait_until("the mail server to misbehave", PATIENCE, || Ok(enough().then_some(())))?;
    stack.mail.behave(Behaviour::accept());
    let operation = world.client.mailed(&id, PATIENCE)?;
    ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
    Ok(operation)
}

fn sent(operation: &serde_json::Value) -> u64 {
    number(operation, "/progress/mails_sent")
}

/// Mails accepted, and different ones among them.
fn mails(stack: &Stack) -> (usize, usize) {
    let messages = stack.mail.messages();
    let distinct: HashSet<_> = messages.iter().map(|mail| &mail.message_id).collect();
    (messages.len(), distinct.len())
}

#[test]
fn a_recipient_who_is_refused_for_good_is_recorded_and_all_others_get_their_mail() {
    test("mail-refused", |stack| {
        let world = World::start(stack)?;
        let unlucky: Vec<String> = [0, 42, 299].map(|n| user("refused", n).email).into();
        let behaviour = Behaviour { refuse_recipients: unlucky.clone(), ..Behaviour::default() };
        stack.mail.behave(behaviour);
        let id = world.client.import_csv("", &rows::csv("refused", USERS)?)?;
        let operation = world.client.mailed(&id, PATIENCE)?;
        ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
        ensure!(sent(&operation) == 297 && number(&operation, "/progress/mails_refused") == 3, "{operation:#}");
        ensure!(number(&operation, "/progress/failed") == 0, "the users are there: {operation:#}");
        ensure!(mails(stack) == (297, 297));
        let rows = world.client.rows(&id, 100)?;
        let mut found = Vec::new();
        for row in &rows {
            ensure!(at(row, "/status") == "mail_refused", "{row:#}");
            ensure!(at(row, "/problems/0/code") == "mail_refused", "{row:#}");
            let id = at(row, "/user_id").as_str().unwrap_or_default();
            let user = world.client.get(&format!("/api/v1/users/{id}"))?.must_be(200)?;
            found.push(user.text("/email").to_owned());
        }
        ensure!(found == unlucky, "recorded as refused: {found:?}");
        exactly(stack, u64::try_from(USERS)?)
    });
}

#[test]
fn mails_that_are_put_off_are_sent_later_and_once() {
    test("mail-later", |stack| {
        let world = World::start(stack)?;
        let counters = || stack.mail.counters();
        let all = import(stack, &world, "all", Behaviour::temporary(Refusal::Always), || counters().temporary > 0)?;
        ensure!(sent(&all) == 300 && mails(stack) == (300, 300), "{all:#}");
        let some = Behaviour::temporary(Refusal::EveryNthRcpt(3));
        let some = import(stack, &world, "some", some, || counters().temporary > 50)?;
        ensure!(sent(&some) == 300 && mails(stack) == (300, 300), "{some:#}");
        let body = Behaviour::temporary(Refusal::EveryNthData(5));
        let body = import(stack, &world, "body", body, || counters().temporary > 20)?;
        ensure!(sent(&body) == 300 && mails(stack) == (300, 300), "{body:#}");
        exactly(stack, 900)
    });
}

#[test]
fn a_mail_that_may_have_been_taken_is_repeated_under_the_same_message_id() {
    test("mail-cut", |stack| {
        let world = World::start(stack)?;
        let cuts = || stack.mail.counters().cut;
        let down = import(stack, &world, "down", Behaviour::cutting(Cut::OnConnect), || cuts() > 0)?;
        ensure!(sent(&down) == 300 && mails(stack) == (300, 300), "{down:#}");

        let before = Behaviour { cut_every: 10, ..Behaviour::cutting(Cut::BeforeAccept) };
        let before = import(stack, &world, "before", before, || cuts() > 5)?;
        ensure!(sent(&before) == 300 && mails(stack) == (300, 300), "{before:#}");

        let after = Behaviour { cut_every: 10, ..Behaviour::cutting(Cut::AfterAccept) };
        let after = import(stack, &world, "after", after, || cuts() > 5)?;
        let (accepted, distinct) = mails(stack);
        let cut = usize::try_from(cuts())?;
        ensure!(sent(&after) == 300 && distinct == 300, "{distinct} users got mail: {after:#}");
        ensure!((301..=300 + cut).contains(&accepted), "{accepted} mails after {cut} cuts");
        exactly(stack, 900)
    });
}
