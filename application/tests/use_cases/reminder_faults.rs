//! Crashes between a task that is due and its mail: a mail may go out twice, but recognisably, and never not at all.

use std::collections::{BTreeSet, HashMap};

use anyhow::Result;
use chrono::TimeDelta;
use muster_application::ErrorKind;
use muster_application::ports::{Clock as _, Delivery, Mail};
use muster_testkit::memory::{Fault, NoHeartbeat};

use crate::world::{SETTINGS, World};

const TASKS: usize = 250;

async fn world() -> Result<World> {
    let world = World::new();
    world.line_up_tasks(&world.ctx, TASKS).await?;
    world.clock.advance(TimeDelta::hours(1));
    world.mailer.script("w3@example.com", [Delivery::Deferred]);
    world.mailer.always("w120@example.com", Delivery::Refused);
    Ok(world)
}

/// Whether every date was taken, and every mail sent or refused.
fn is_done(world: &World) -> bool {
    let (stored, now) = (world.stored(), world.clock.now());
    stored.tasks.values().all(|task| task.next_reminder_at().is_none_or(|at| at > now))
        && stored.reminders.values().all(|stored| stored.refused.is_some())
}

/// Looks and sends until all is done, as the schedule and the engine do.
async fn drive(world: &World) -> Result<()> {
    for _ in 0..9 {
        let mut results = vec![world.app.send_due_reminders(&NoHeartbeat).await.map(drop)];
        let batches: BTreeSet<_> = world.gateway.reminder_starts().into_iter().collect();
        assert!(batches.len() <= 1, "one set, two batches");
        for batch in batches {
            results.push(world.send_reminder_batch(batch).await);
        }
        let failed = results.into_iter().filter_map(Result::err);
        assert!(failed.into_iter().all(|error| error.kind == ErrorKind::Unavailable));
        if is_done(world) {
            return Ok(());
        }
        world.clock.advance(SETTINGS.stalled_after * 2);
    }
    anyhow::bail!("it never ends")
}

/// Everybody but the one who was refused has a mail; gives how many were repeats of the same mail.
fn check(world: &World) -> usize {
    let mut by_key: HashMap<String, Vec<Mail>> = HashMap::new();
    for mail in world.mailer.taken() {
        by_key.entry(mail.message_key.clone()).or_default().push(mail);
    }
    let people: BTreeSet<_> = by_key.values().flatten().map(|mail| &mail.to).collect();
    assert_eq!((by_key.len(), people.len()), (TASKS - 1, TASKS - 1), "a date led to two mails, or to none");
    for mails in by_key.values() {
        assert!(mails.windows(2).all(|pair| pair.first() == pair.last()), "one key, two mails");
    }
    let left: Vec<_> = world.stored().reminders.into_values().map(|stored| stored.refused).collect();
    assert_eq!(left, [Some("mail_refused")]);
    by_key.values().map(|mails| mails.len() - 1).sum()
}

async fn cut(fault: fn(u32) -> Fault, at_least: u32, repeats_at_most: usize) -> Result<()> {
    for step in 1.. {
        let world = world().await?;
        world.store.fail_next(fault(step));
        drive(&world).await?;
        let healed = world.store.heal();
        let repeats = check(&world);
        assert!(repeats <= repeats_at_most, "{repeats} mails were repeated after {:?}", fault(step));
        if healed {
            assert!(step > at_least, "only {step} steps were cut");
            assert_eq!(repeats, 0);
            return Ok(());
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_crash_at_any_call_repeats_one_group_at_most() -> Result<()> {
    cut(Fault::Call, 30, 100).await
}

#[tokio::test]
async fn a_commit_that_fails_repeats_one_group_at_most() -> Result<()> {
    cut(Fault::Commit, 5, 100).await
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_repeats_nothing() -> Result<()> {
    cut(Fault::Answer, 5, 0).await
}

#[tokio::test]
async fn two_workers_at_once_lose_nobody() -> Result<()> {
    let world = world().await?;
    world.app.send_due_reminders(&NoHeartbeat).await?;
    let batch = world.gateway.reminder_starts()[0];
    let (one, two) = tokio::join!(world.send_reminder_batch(batch), world.send_reminder_batch(batch));
    assert!(one.is_err() || two.is_err(), "one was put off");
    drive(&world).await?;
    check(&world);
    Ok(())
}

#[tokio::test]
async fn giving_up_that_is_cut_is_made_good_by_the_next() -> Result<()> {
    for step in 1.. {
        let world = world().await?;
        world.app.send_due_reminders(&NoHeartbeat).await?;
        world.gateway.close_reminders(world.gateway.reminder_starts()[0]);
        world.clock.advance(SETTINGS.stalled_after * 2);
        world.store.fail_next(Fault::Call(step));
        let result = world.app.send_due_reminders(&NoHeartbeat).await;
        let healed = world.store.heal();
        if !healed {
            assert_eq!(result.unwrap_err().kind, ErrorKind::Unavailable, "step {step}");
            world.clock.advance(SETTINGS.stalled_after * 2);
            world.app.send_due_reminders(&NoHeartbeat).await?;
        }
        let stored = world.stored().reminders;
        assert_eq!(stored.len(), TASKS, "step {step}");
        assert!(stored.values().all(|mail| mail.refused == Some("mail_given_up")), "step {step}");
        if healed {
            assert!(step > 8, "only {step} steps were cut");
            break;
        }
    }
    Ok(())
}
