use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use muster_application::ports::Delivery;
use muster_application::tasks::UpdateTask;
use muster_application::{ErrorCode, ErrorKind};
use muster_domain::tasks::{TaskFields, TaskMove, TaskSettings};
use muster_domain::users::Given;
use muster_domain::{ReminderBatchId, TaskId, UserId};
use muster_testkit::memory::{CancelAfter, Fault, NoHeartbeat};

use crate::world::{ANY, World, tenant};

/// A batch of `count` mails, to `w1@example.com` and so on.
async fn batch(world: &World, count: usize) -> Result<(ReminderBatchId, Vec<TaskId>)> {
    let tasks = world.line_up_tasks(&world.ctx, count).await?;
    world.clock.advance(TimeDelta::hours(1));
    Ok((take(world).await?, tasks))
}

async fn take(world: &World) -> Result<ReminderBatchId> {
    world.app.send_due_reminders(&NoHeartbeat).await?;
    world.gateway.reminder_starts().last().copied().context("nothing was started")
}

fn refused(world: &World) -> Vec<&'static str> {
    world.stored().reminders.values().filter_map(|stored| stored.refused).collect()
}

async fn change(world: &World, id: TaskId, fields: TaskFields<'_>) -> Result<()> {
    world.app.update_task(&world.ctx, UpdateTask { id, fields, problems: Vec::new(), expected: ANY }).await?;
    Ok(())
}

#[tokio::test]
async fn everybody_gets_one_mail_whatever_the_size_of_a_group() -> Result<()> {
    for size in [1, 99, 100, 101, 200, 250] {
        let world = World::new();
        let (batch, _) = batch(&world, size).await?;
        world.send_reminder_batch(batch).await?;
        let mut to: Vec<_> = world.mailer.taken().into_iter().map(|mail| mail.to).collect();
        to.sort_unstable();
        assert_eq!(to, world.emails(), "{size}");
        assert!(world.stored().reminders.is_empty());
        world.send_reminder_batch(batch).await?;
        assert_eq!(world.mailer.attempts().len(), size, "what was sent is not sent again");
    }
    Ok(())
}

#[tokio::test]
async fn a_mail_says_what_is_due_when_by_the_clock_of_the_tenant_and_has_its_key_each_time() -> Result<()> {
    let world = World::new();
    let zone = "Europe/Berlin".parse()?;
    world.app.store_task_settings(&world.ctx, TaskSettings { zone, ..TaskSettings::default() }).await?;
    world.clock.set(muster_domain::instant("2026-12-01T08:00:00Z").context("no instant")?);
    let (ada, bob) = (world.make("ada").await?.id.to_string(), world.make("bob").await?.id.to_string());
    let fields = TaskFields {
        title: Given::Text("Call <Eve>"),
        assignee: Given::Text(&ada),
        creator: Given::Text(&bob),
        due_at: Given::Text("2026-12-24T17:30:00Z"),
        ..TaskFields::default()
    };
    world.reminding_task(&world.ctx, fields).await?;
    world.clock.set(muster_domain::instant("2026-12-24T18:30:00Z").context("no instant")?);
    let batch = take(&world).await?;
    world.mailer.script("ada@example.com", [Delivery::Deferred, Delivery::Unreachable, Delivery::Deferred]);
    for _ in 0..3 {
        world.send_reminder_batch(batch).await.unwrap_err();
    }
    world.send_reminder_batch(batch).await?;
    let mails: Vec<_> = world.mailer.attempts().into_iter().map(|(mail, _)| mail).collect();
    let to_ada: Vec<_> = mails.iter().filter(|mail| mail.to == "ada@example.com").collect();
    assert_eq!((mails.len(), to_ada.len()), (5, 4));
    assert!(to_ada.iter().all(|mail| *mail == to_ada[0]), "a repeat is not the same mail");
    assert!(to_ada[0].message_key.starts_with("reminder."));
    assert_eq!(to_ada[0].subject, "Due: Call <Eve>");
    assert_eq!(
        to_ada[0].text,
        "Hello ada,\n\na task that is assigned to you is due:\n\n    Call <Eve>\n    \
         Due: Thursday, 24 December 2026, 18:30 (Europe/Berlin)"
    );
    assert!(to_ada[0].html.contains("Call &#60;Eve&#62;"), "{}", to_ada[0].html);
    let to_bob = mails.iter().find(|mail| mail.to == "bob@example.com").context("no mail to the creator")?;
    assert_ne!(to_bob.message_key, to_ada[0].message_key);
    assert_eq!(to_bob.subject, "Overdue: Call <Eve>");
    assert!(to_bob.text.contains("a task that you asked for was due and is not done"), "{}", to_bob.text);
    Ok(())
}

#[tokio::test]
async fn who_is_not_to_be_told_any_more_when_their_turn_comes_gets_no_mail() -> Result<()> {
    let world = World::new();
    let (batch, ids) = batch(&world, 7).await?;
    let user = |n: usize| -> Result<UserId> {
        Ok(*world.stored().emails.get(&format!("w{n}@example.com")).context("no such user")?)
    };
    world.app.move_task(&world.ctx, ids[0], TaskMove::Cancel, ANY).await?;
    world.app.move_task(&world.ctx, ids[1], TaskMove::Start, ANY).await?;
    world.app.move_task(&world.ctx, ids[1], TaskMove::Complete, ANY).await?;
    world.app.delete_task(&world.ctx, ids[2], ANY).await?;
    world.app.force_delete_task(&world.ctx, ids[3]).await?;
    world.app.delete_user(&world.ctx, user(5)?, ANY).await?;
    let other = user(7)?.to_string();
    change(&world, ids[5], TaskFields { assignee: Given::Text(&other), ..TaskFields::default() }).await?;
    world.send_reminder_batch(batch).await?;
    let to: Vec<_> = world.mailer.attempts().into_iter().map(|(mail, _)| mail.to).collect();
    assert_eq!(to, ["w7@example.com"], "for their own task, not for the one that they were given");
    assert!(world.stored().reminders.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_date_that_was_moved_is_told_of_when_it_comes() -> Result<()> {
    let world = World::new();
    let (batch, ids) = batch(&world, 1).await?;
    let later = (muster_application::ports::Clock::now(&world.clock) + TimeDelta::hours(2)).to_rfc3339();
    change(&world, ids[0], TaskFields { remind_at: Some(vec![&later]), ..TaskFields::default() }).await?;
    world.send_reminder_batch(batch).await?;
    assert!(world.mailer.attempts().is_empty() && world.stored().reminders.is_empty());
    world.clock.advance(TimeDelta::hours(2));
    let batch = take(&world).await?;
    world.send_reminder_batch(batch).await?;
    assert_eq!(world.mailer.taken().len(), 1);
    Ok(())
}

#[tokio::test]
async fn what_is_refused_is_kept_and_what_is_put_off_is_tried_once_in_each_later_call() -> Result<()> {
    let world = World::new();
    let (batch, _) = batch(&world, 120).await?;
    world.mailer.script("w3@example.com", [Delivery::Deferred, Delivery::Deferred]);
    world.mailer.script("w7@example.com", [Delivery::Deferred, Delivery::Refused]);
    for (attempts, taken) in [(120, 118), (122, 118)] {
        let error = world.send_reminder_batch(batch).await.unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Unavailable, ErrorCode::MailDeferred));
        assert_eq!((world.mailer.attempts().len(), world.mailer.taken().len()), (attempts, taken));
    }
    world.send_reminder_batch(batch).await?;
    world.send_reminder_batch(batch).await?;
    assert_eq!((world.mailer.attempts().len(), world.mailer.taken().len()), (123, 119));
    assert_eq!(refused(&world), ["mail_refused"]);
    Ok(())
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_asked_for_one_group_only() -> Result<()> {
    let world = World::new();
    let (batch, _) = batch(&world, 250).await?;
    world.mailer.set_unreachable(true);
    let error = world.send_reminder_batch(batch).await.unwrap_err();
    assert_eq!((error.code, world.mailer.attempts().len()), (ErrorCode::MailUnreachable, 100));
    world.mailer.set_unreachable(false);
    world.send_reminder_batch(batch).await?;
    assert_eq!(world.mailer.taken().len(), 250);
    Ok(())
}

#[tokio::test]
async fn what_is_not_delivered_in_time_is_kept_as_given_up() -> Result<()> {
    let world = World::new();
    let (batch, ids) = batch(&world, 150).await?;
    for n in 1..=150 {
        world.mailer.always(&format!("w{n}@example.com"), Delivery::Deferred);
    }
    world.send_reminder_batch(batch).await.unwrap_err();
    world.app.move_task(&world.ctx, ids[0], TaskMove::Cancel, ANY).await?;
    for _ in 0..2 {
        world.app.give_up_reminders(batch).await?;
        assert_eq!(refused(&world), ["mail_given_up"; 149]);
        assert_eq!(world.stored().reminders.len(), 149, "nobody wants the one that was cancelled");
    }
    world.send_reminder_batch(batch).await?;
    assert_eq!(world.mailer.attempts().len(), 150, "what was given up is not tried again");
    Ok(())
}

#[tokio::test]
async fn a_worker_that_stops_does_so_between_two_groups() -> Result<()> {
    let world = World::new();
    let (batch, _) = batch(&world, 250).await?;
    let error = world.app.send_reminders(batch, &CancelAfter::new(2)).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Unavailable, ErrorCode::Cancelled));
    assert_eq!((world.mailer.taken().len(), world.stored().reminders.len()), (200, 50));
    world.send_reminder_batch(batch).await?;
    assert_eq!(world.mailer.attempts().len(), 250);
    Ok(())
}

/// A batch of two mails for each of three tenants.
async fn shared(world: &World) -> Result<ReminderBatchId> {
    for n in [7, 8, 9] {
        world.line_up_tasks(&tenant(n), 2).await?;
    }
    world.clock.advance(TimeDelta::hours(1));
    let batch = take(world).await?;
    assert_eq!(world.gateway.reminder_starts(), [batch], "one batch for all");
    Ok(batch)
}

/// How many mails of tenants 7, 8 and 9 are left in their batch, refused ones among them.
fn left(world: &World) -> Vec<usize> {
    let tenants = world.store.tenants();
    [7, 8, 9].map(|n| tenants[&tenant(n).tenant].reminders.len()).to_vec()
}

#[tokio::test]
async fn a_batch_of_several_tenants_is_sent_for_all_of_them() -> Result<()> {
    let world = World::new();
    let batch = shared(&world).await?;
    world.send_reminder_batch(batch).await?;
    assert_eq!((world.mailer.taken().len(), left(&world)), (6, vec![0, 0, 0]));
    world.send_reminder_batch(batch).await?;
    assert_eq!(world.mailer.attempts().len(), 6);
    Ok(())
}

#[tokio::test]
async fn one_tenant_that_cannot_be_helped_does_not_keep_mails_from_others() -> Result<()> {
    // The first call asks for the tenants; each of the others begins with the first of them.
    for step in 2..5 {
        let world = World::new();
        let batch = shared(&world).await?;
        world.store.fail_next(Fault::Call(step));
        assert_eq!(world.send_reminder_batch(batch).await.unwrap_err().kind, ErrorKind::Unavailable);
        assert_eq!((world.mailer.taken().len(), left(&world)), (4, vec![2, 0, 0]), "step {step}");
        world.send_reminder_batch(batch).await?;
        assert_eq!(world.mailer.attempts().len(), 6);
    }
    Ok(())
}

#[tokio::test]
async fn what_is_put_off_of_one_tenant_is_all_that_is_tried_again() -> Result<()> {
    let world = World::new();
    let batch = shared(&world).await?;
    world.mailer.script("w1@example.com", [Delivery::Deferred]);
    let error = world.send_reminder_batch(batch).await.unwrap_err();
    assert_eq!((error.code, left(&world)), (ErrorCode::MailDeferred, vec![1, 0, 0]));
    world.send_reminder_batch(batch).await?;
    assert_eq!((world.mailer.attempts().len(), world.mailer.taken().len()), (7, 6));
    Ok(())
}

#[tokio::test]
async fn a_batch_is_given_up_for_all_of_its_tenants() -> Result<()> {
    let world = World::new();
    let batch = shared(&world).await?;
    world.store.fail_next(Fault::Call(2));
    assert_eq!(world.app.give_up_reminders(batch).await.unwrap_err().kind, ErrorKind::Unavailable);
    world.app.give_up_reminders(batch).await?;
    let tenants = world.store.tenants();
    let given_up = tenants.values().flat_map(|state| state.reminders.values());
    assert_eq!(given_up.filter(|mail| mail.refused == Some("mail_given_up")).count(), 6);
    world.send_reminder_batch(batch).await?;
    assert!(world.mailer.attempts().is_empty());
    Ok(())
}
