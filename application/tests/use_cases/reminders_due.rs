//! From tasks that are due to workflows that send their mails.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use muster_application::ports::Heartbeat;
use muster_application::reminders::DueReminders;
use muster_application::{AppError, Context, ErrorKind};
use muster_domain::tasks::{QuietHours, ReminderKind, TaskFields, TaskMove, TaskSettings};
use muster_domain::users::Given;
use muster_domain::{ReminderBatchId, TaskId};
use muster_testkit::memory::{CancelAfter, Fault, MemoryClock, NoHeartbeat};

use crate::world::{ANY, SETTINGS, World, tenant};

const NOTHING: DueReminders = DueReminders { taken: 0, started: 0, given_up: 0, resting: 0 };

fn done(taken: usize, started: u32) -> DueReminders {
    DueReminders { taken, started, ..NOTHING }
}

fn batches(world: &World) -> Vec<ReminderBatchId> {
    world.gateway.reminder_starts()
}

async fn look(world: &World) -> Result<DueReminders, AppError> {
    world.app.send_due_reminders(&NoHeartbeat).await
}

async fn stall(world: &World) -> Result<DueReminders, AppError> {
    world.clock.advance(SETTINGS.stalled_after * 2);
    look(world).await
}

fn at(text: &str) -> Result<DateTime<Utc>> {
    muster_domain::instant(text).context("no instant")
}

/// Who waits for whom, and what is stored of it: kinds and the dates they are about, by the minute.
fn queued(world: &World) -> Vec<(ReminderKind, String)> {
    let mails = world.stored().reminders.into_values();
    mails.map(|stored| (stored.mail.reminder.kind, stored.mail.reminder.at.format("%m-%d %H:%M").to_string())).collect()
}

/// A task of Ada that Bob wants, with these dates; the last is the one on which it is due.
async fn ask(world: &World, dates: &[&str]) -> Result<TaskId> {
    let user = async |name: &str| -> Result<String> {
        let email = format!("{name}@example.com");
        let known = world.stored().emails.get(&email).copied();
        Ok(if let Some(id) = known { id } else { world.make(name).await?.id }.to_string())
    };
    let (ada, bob) = (user("ada").await?, user("bob").await?);
    let (due, before) = dates.split_last().context("no date")?;
    let fields = TaskFields {
        title: Given::Text("Call Eve"),
        assignee: Given::Text(&ada),
        creator: Given::Text(&bob),
        due_at: Given::Text(due),
        remind_at: Some(before.to_vec()),
        ..TaskFields::default()
    };
    world.reminding_task(&world.ctx, fields).await
}

#[tokio::test]
async fn what_is_due_is_handed_over_once() -> Result<()> {
    let world = World::new();
    assert_eq!(look(&world).await?, NOTHING);
    world.line_up_tasks(&world.ctx, 3).await?;
    assert_eq!(look(&world).await?, NOTHING, "they sleep for an hour");
    world.clock.advance(TimeDelta::hours(1));
    let before = world.stored().tasks;
    assert_eq!(look(&world).await?, done(3, 1));
    assert_eq!(look(&world).await?, NOTHING);
    let stored = world.stored();
    assert!(batches(&world).len() == 1 && stored.reminders.values().all(|mail| mail.batch == batches(&world)[0]));
    // Nothing that clients see has changed.
    assert!(stored.tasks.values().all(|now| before[&now.task.id].task == now.task));
    Ok(())
}

#[tokio::test]
async fn tenants_take_turns_a_thousand_tasks_each() -> Result<()> {
    let world = World::new();
    world.line_up_tasks(&world.ctx, 2_001).await?;
    world.line_up_tasks(&tenant(8), 1).await?;
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(look(&world).await?, done(2_002, 3));
    let tenants = world.store.tenants();
    let size = |n, batch| {
        let mails = tenants[&tenant(n).tenant].reminders.values();
        mails.filter(|mail| mail.batch == batch).count()
    };
    let sizes: Vec<_> = batches(&world).into_iter().map(|batch| [7, 8].map(|n| size(n, batch))).collect();
    assert_eq!(sizes, [[1_000, 1], [1_000, 0], [1, 0]], "a full batch takes nobody else");
    Ok(())
}

#[tokio::test]
async fn a_hundred_tenants_share_a_batch_and_all_are_served() -> Result<()> {
    let world = World::new();
    for n in 1..=250 {
        world.line_up_tasks(&tenant(n), 1).await?;
    }
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(look(&world).await?, done(250, 3));
    Ok(())
}

#[tokio::test]
async fn a_month_of_downtime_comes_to_one_mail_for_each_person() -> Result<()> {
    let world = World::new();
    world.clock.set(at("2026-10-01T08:00:00Z")?);
    ask(&world, &["2026-10-02T08:00:00Z", "2026-10-03T08:00:00Z", "2026-10-04T08:00:00Z"]).await?;
    world.clock.set(at("2026-11-05T08:00:00Z")?);
    assert_eq!(look(&world).await?, done(2, 1));
    let expected = [(ReminderKind::Due, "10-04 08:00".to_owned()), (ReminderKind::Overdue, "10-04 09:00".to_owned())];
    assert_eq!(queued(&world), expected);
    assert_eq!(stall(&world).await?, done(0, 1), "only the start is repeated");
    Ok(())
}

#[tokio::test]
async fn each_date_comes_once_at_its_time() -> Result<()> {
    let world = World::new();
    world.clock.set(at("2026-10-01T08:00:00Z")?);
    ask(&world, &["2026-10-01T08:01:00Z", "2026-10-01T08:02:00Z"]).await?;
    let mut taken = Vec::new();
    for _ in 0..200 {
        world.clock.advance(TimeDelta::seconds(30));
        if look(&world).await?.taken > 0 {
            taken.push(world.clock_text());
        }
        for batch in batches(&world) {
            world.send_reminder_batch(batch).await?;
        }
    }
    assert_eq!(taken, ["08:01:00", "08:02:00", "09:02:00"]);
    let subjects: Vec<_> = world.mailer.taken().into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects, ["Reminder: Call Eve", "Due: Call Eve", "Overdue: Call Eve"]);
    Ok(())
}

#[tokio::test]
async fn nobody_is_told_of_what_was_over_in_time() -> Result<()> {
    let world = World::new();
    world.clock.set(at("2026-10-01T08:00:00Z")?);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(ask(&world, &["2026-10-02T08:00:00Z"]).await?);
    }
    let by = async |id: TaskId, moves: &[TaskMove]| -> Result<()> {
        for by in moves {
            world.app.move_task(&world.ctx, id, *by, ANY).await?;
        }
        Ok(())
    };
    by(ids[0], &[TaskMove::Cancel]).await?;
    by(ids[1], &[TaskMove::Start, TaskMove::Complete]).await?;
    world.app.delete_task(&world.ctx, ids[2], ANY).await?;
    world.app.force_delete_task(&world.ctx, ids[3]).await?;
    world.clock.set(at("2026-10-03T08:00:00Z")?);
    assert_eq!(look(&world).await?, done(2, 1));
    assert!(world.stored().reminders.values().all(|stored| stored.mail.task == ids[4]));
    // What comes back is not made up for.
    by(ids[0], &[TaskMove::Reopen]).await?;
    world.app.restore_task(&world.ctx, ids[2]).await?;
    assert_eq!(look(&world).await?, NOTHING);
    Ok(())
}

#[tokio::test]
async fn quiet_hours_put_off_to_their_end_when_clocks_change_too() -> Result<()> {
    for (asked, due, before, end) in [
        // Clocks leap from 2 to 3 o'clock on the 29th of March, and back from 3 to 2 on the 25th of October.
        ("2026-03-01T00:00:00Z", "2026-03-28T21:30:00Z", "2026-03-29T04:59:59Z", "2026-03-29T05:00:00Z"),
        ("2026-10-01T00:00:00Z", "2026-10-24T20:30:00Z", "2026-10-25T05:59:59Z", "2026-10-25T06:00:00Z"),
    ] {
        let world = World::new();
        world.clock.set(at(asked)?);
        let quiet = Some(QuietHours::parse("22:00", "07:00")?);
        let settings = TaskSettings { zone: "Europe/Berlin".parse()?, quiet, ..TaskSettings::default() };
        world.app.store_task_settings(&world.ctx, settings).await?;
        ask(&world, &[due]).await?;
        // Somebody else does not rest.
        world.clock.set(at(due)?);
        assert_eq!(look(&world).await?, DueReminders { resting: 1, ..NOTHING });
        assert_eq!(look(&world).await?, NOTHING, "nobody looks again before the end");
        world.clock.set(at(before)?);
        assert_eq!(look(&world).await?, NOTHING);
        world.clock.set(at(end)?);
        assert_eq!(look(&world).await?, done(2, 1), "due and overdue meanwhile");
    }
    Ok(())
}

#[tokio::test]
async fn who_wants_no_quiet_hours_any_more_does_not_wait_for_their_end() -> Result<()> {
    let world = World::new();
    world.clock.set(at("2026-10-01T00:00:00Z")?);
    let quiet = Some(QuietHours::parse("22:00", "07:00")?);
    world.app.store_task_settings(&world.ctx, TaskSettings { quiet, ..TaskSettings::default() }).await?;
    ask(&world, &["2026-10-01T23:00:00Z"]).await?;
    world.clock.set(at("2026-10-01T23:00:00Z")?);
    assert_eq!(look(&world).await?.resting, 1);
    world.app.store_task_settings(&world.ctx, TaskSettings::default()).await?;
    assert_eq!(look(&world).await?, done(1, 1));
    Ok(())
}

#[tokio::test]
async fn an_engine_that_is_down_delays_the_start_of_one_batch_and_leaves_the_rest_in_tasks() -> Result<()> {
    let world = World::new();
    world.line_up_tasks(&world.ctx, 1_500).await?;
    world.clock.advance(TimeDelta::hours(1));
    world.gateway.set_down(true);
    assert_eq!(look(&world).await.unwrap_err().kind, ErrorKind::Unavailable);
    let stored = world.stored();
    assert_eq!(stored.reminders.len(), 1_000);
    let batch = stored.reminders.values().next().context("nothing was taken")?.batch;
    world.gateway.set_down(false);
    assert_eq!(look(&world).await?, done(500, 1), "the batch was begun a moment ago");
    assert_eq!(stall(&world).await?, done(0, 2));
    assert!(batches(&world).contains(&batch));
    for start in batches(&world) {
        world.send_reminder_batch(start).await?;
    }
    assert_eq!(world.mailer.taken().len(), 1_500);
    assert_eq!(stall(&world).await?, NOTHING);
    Ok(())
}

#[tokio::test]
async fn one_tenant_that_cannot_be_helped_does_not_keep_help_from_others() -> Result<()> {
    let world = World::new();
    for n in [7, 8] {
        world.line_up_tasks(&tenant(n), 1).await?;
    }
    world.clock.advance(TimeDelta::hours(1));
    // Two calls look for what is due, the third begins with the first tenant.
    world.store.fail_next(Fault::Call(3));
    assert_eq!(look(&world).await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(batches(&world).len(), 1);
    assert_eq!(look(&world).await?, done(1, 1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_looks_at_once_take_each_date_once() -> Result<()> {
    let world = World::new();
    world.line_up_tasks(&world.ctx, 2_500).await?;
    world.clock.advance(TimeDelta::hours(1));
    let look = || {
        let app = world.app.clone();
        tokio::spawn(async move { app.send_due_reminders(&NoHeartbeat).await })
    };
    let (one, two) = (look(), look());
    let (one, two) = (one.await??, two.await??);
    assert_eq!((one.taken + two.taken, one.started + two.started), (2_500, 3));
    assert_eq!(world.stored().reminders.len(), 2_500);
    Ok(())
}

#[tokio::test]
async fn a_batch_that_stands_still_is_asked_for_again_and_one_that_is_sent_is_not() -> Result<()> {
    let world = World::new();
    world.line_up_tasks(&world.ctx, 2).await?;
    world.clock.advance(TimeDelta::hours(1));
    look(&world).await?;
    for _ in 0..2 {
        assert_eq!(stall(&world).await?, done(0, 1));
        assert_eq!(look(&world).await?, NOTHING);
    }
    let asked = batches(&world);
    assert!(asked.len() == 3 && asked.iter().all(|batch| *batch == asked[0]), "the same workflow each time");
    world.mailer.set_unreachable(true);
    for _ in 0..5 {
        world.clock.advance(SETTINGS.stalled_after - TimeDelta::seconds(1));
        world.send_reminder_batch(asked[0]).await.unwrap_err();
        assert_eq!(look(&world).await?, NOTHING);
    }
    Ok(())
}

#[tokio::test]
async fn mails_whose_workflow_has_ended_are_given_up() -> Result<()> {
    let world = World::new();
    let ids = world.line_up_tasks(&world.ctx, 2).await?;
    world.clock.advance(TimeDelta::hours(1));
    look(&world).await?;
    world.gateway.close_reminders(batches(&world)[0]);
    world.app.move_task(&world.ctx, ids[1], TaskMove::Cancel, ANY).await?;
    assert_eq!(stall(&world).await?, DueReminders { given_up: 1, ..NOTHING });
    let left: Vec<_> =
        world.stored().reminders.into_values().map(|stored| (stored.mail.task, stored.refused)).collect();
    assert_eq!(left, [(ids[0], Some("mail_given_up"))]);
    assert_eq!(stall(&world).await?, NOTHING, "that is the end of it");
    assert!(world.mailer.attempts().is_empty());
    Ok(())
}

/// Each question takes a while.
struct Slow(MemoryClock, AtomicU32);

impl Heartbeat for Slow {
    fn is_cancelled(&self) -> bool {
        self.0.advance(TimeDelta::seconds(25));
        self.1.fetch_add(1, Ordering::Relaxed);
        false
    }
}

#[tokio::test]
async fn a_look_that_is_stopped_or_takes_too_long_is_gone_on_with_by_the_next() -> Result<()> {
    let tenants: Vec<Context> = (1..=14).map(tenant).collect();
    let world = World::new();
    for ctx in &tenants {
        world.line_up_tasks(ctx, 1).await?;
    }
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(world.app.send_due_reminders(&CancelAfter::new(1)).await?, done(4, 1));
    let slow = Slow(world.clock.clone(), AtomicU32::default());
    assert_eq!(world.app.send_due_reminders(&slow).await?, done(8, 1));
    assert_eq!(slow.1.load(Ordering::Relaxed), 3);
    assert_eq!(look(&world).await?, done(2, 2), "the first batch has stood still since");
    Ok(())
}
