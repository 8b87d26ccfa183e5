//! Crashes between a user who was made and their mail: a mail may go out twice, but recognisably, and never not at all.

use std::collections::{BTreeSet, HashMap};

use anyhow::Result;
use muster_application::ErrorKind;
use muster_application::ports::{Delivery, Mail};
use muster_testkit::memory::Fault;

use crate::world::{SETTINGS, World};

const USERS: usize = 250;

async fn world() -> Result<World> {
    let world = World::new();
    world.line_up(USERS).await?;
    world.mailer.script("w3@example.com", [Delivery::Deferred]);
    world.mailer.always("w120@example.com", Delivery::Refused);
    Ok(world)
}

/// Whether every mail was sent or refused.
fn is_done(world: &World) -> bool {
    world.stored().welcomes.values().all(|stored| stored.refused.is_some())
}

/// Relays and sends until all is done, as the sweeper and the engine do.
async fn drive(world: &World) -> Result<()> {
    for _ in 0..9 {
        let mut results = vec![world.app.relay_welcomes().await.map(drop)];
        let batches: BTreeSet<_> = world.gateway.welcome_starts().iter().map(|start| start.batch).collect();
        assert!(batches.len() <= 1, "one line, two batches");
        for batch in batches {
            results.push(world.send_batch(batch).await);
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
    assert_eq!(by_key.len(), USERS - 1);
    for mails in by_key.values() {
        assert!(mails.windows(2).all(|pair| pair.first() == pair.last()), "one key, two mails");
    }
    let left: Vec<_> = world.stored().welcomes.into_values().map(|stored| stored.refused).collect();
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
    cut(Fault::Call, 20, 100).await
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
async fn a_group_that_could_not_be_recorded_is_repeated_alone() -> Result<()> {
    let world = world().await?;
    // One commit gathers, one records the first group.
    world.store.fail_next(Fault::Commit(3));
    drive(&world).await?;
    assert!(!world.store.heal());
    // The second group has one that is refused each time.
    assert_eq!(check(&world), 99);
    Ok(())
}

#[tokio::test]
async fn two_workers_at_once_lose_nobody() -> Result<()> {
    let world = world().await?;
    world.app.relay_welcomes().await?;
    let batch = world.gateway.welcome_starts()[0].batch;
    let (one, two) = tokio::join!(world.send_batch(batch), world.send_batch(batch));
    assert!(one.is_err() || two.is_err(), "one was put off");
    drive(&world).await?;
    check(&world);
    Ok(())
}

#[tokio::test]
async fn giving_up_that_is_cut_is_made_good_by_the_next() -> Result<()> {
    for step in 1.. {
        let world = world().await?;
        world.app.relay_welcomes().await?;
        world.gateway.close_welcomes(world.gateway.welcome_starts()[0].batch);
        world.clock.advance(SETTINGS.stalled_after * 2);
        world.store.fail_next(Fault::Call(step));
        let result = world.app.relay_welcomes().await;
        let healed = world.store.heal();
        if !healed {
            assert_eq!(result.unwrap_err().kind, ErrorKind::Unavailable, "step {step}");
            world.clock.advance(SETTINGS.stalled_after * 2);
            world.app.relay_welcomes().await?;
        }
        let stored = world.stored().welcomes;
        assert_eq!(stored.len(), USERS, "step {step}");
        assert!(stored.values().all(|mail| mail.refused == Some("mail_given_up")), "step {step}");
        if healed {
            assert!(step > 8, "only {step} steps were cut");
            break;
        }
    }
    Ok(())
}
