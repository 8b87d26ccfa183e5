//! From a user who was made to a workflow that sends their mail.

use std::collections::HashSet;

use anyhow::Result;
use chrono::TimeDelta;
use muster_application::mails::Relayed;
use muster_application::users::CreateUser;
use muster_application::{AppError, ErrorKind};
use muster_domain::WelcomeBatchId;
use muster_testkit::memory::{Fault, NoHeartbeat};

use crate::world::{ANY, CONTINUE, SETTINGS, World, people, person, tenant};

fn batches(world: &World) -> Vec<WelcomeBatchId> {
    world.gateway.welcome_starts().iter().map(|start| start.batch).collect()
}

async fn stall(world: &World) -> Result<Relayed, AppError> {
    world.clock.advance(SETTINGS.stalled_after * 2);
    world.app.relay_welcomes().await
}

#[tokio::test]
async fn a_mail_waits_for_who_was_made_and_wants_one() -> Result<()> {
    let world = World::new();
    let ada = world.welcome("ada").await?.id;
    world.make("bob").await?;
    world.import(&[people("u", 2)], CONTINUE).await?;
    for name in ["ada", "bob", "u-1", "x"] {
        world.welcome(name).await.unwrap_err();
    }
    assert_eq!(world.stored().welcomes.into_keys().collect::<Vec<_>>(), [ada]);
    Ok(())
}

#[tokio::test]
async fn no_mail_waits_for_who_was_rolled_back() -> Result<()> {
    for fault in [Fault::Call(1), Fault::Call(2), Fault::Call(3), Fault::Commit(1)] {
        let world = World::new();
        world.store.fail_next(fault);
        world.welcome("ada").await.unwrap_err();
        assert!(world.stored().welcomes.is_empty(), "{fault:?}");
        assert_eq!(world.app.relay_welcomes().await?, Relayed::default());
    }
    Ok(())
}

#[tokio::test]
async fn what_waits_is_handed_over_once() -> Result<()> {
    let world = World::new();
    assert_eq!(world.app.relay_welcomes().await?, Relayed::default());
    for name in ["ada", "bob", "eve"] {
        world.welcome(name).await?;
    }
    assert_eq!(world.app.relay_welcomes().await?, Relayed { gathered: 3, started: 1, given_up: 0 });
    assert_eq!(world.app.relay_welcomes().await?, Relayed::default());
    let starts = world.gateway.welcome_starts();
    assert_eq!(starts.len(), 1);
    assert_eq!(starts[0].tenant, world.ctx.tenant);
    assert!(world.stored().welcomes.values().all(|stored| stored.batch == Some(starts[0].batch)));
    Ok(())
}

#[tokio::test]
async fn a_batch_has_a_thousand_mails_at_most() -> Result<()> {
    let world = World::new();
    let (first, rest) = world.line_up(2_001).await?;
    for (gathered, started) in [(1_000, 1), (1_000, 1), (1, 1), (0, 0)] {
        assert_eq!(world.app.relay_welcomes().await?, Relayed { gathered, started, given_up: 0 });
    }
    let batches: HashSet<_> = batches(&world).into_iter().collect();
    let stored = world.stored().welcomes;
    let mut sizes: Vec<_> =
        batches.iter().map(|batch| stored.values().filter(|mail| mail.batch == Some(*batch)).count()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 1_000, 1_000]);
    assert_ne!(stored[&first].batch, stored[&rest].batch);
    Ok(())
}

#[tokio::test]
async fn each_tenant_has_a_batch_of_its_own() -> Result<()> {
    let world = World::new();
    for n in [7, 8, 9] {
        let command = CreateUser { row: &person("ada@example.com", "ada"), welcome: true, key: None };
        world.app.create_user(&tenant(n), command).await?;
    }
    assert_eq!(world.app.relay_welcomes().await?, Relayed { gathered: 3, started: 3, given_up: 0 });
    for start in world.gateway.welcome_starts() {
        let ctx = tenant(start.tenant.get().as_u128());
        world.app.send_welcomes(&ctx, start.batch, &NoHeartbeat).await?;
        assert!(world.store.tenant(start.tenant).welcomes.is_empty());
    }
    assert_eq!(world.mailer.taken().len(), 3);
    Ok(())
}

#[tokio::test]
async fn an_engine_that_is_down_delays_the_start_of_the_same_batch() -> Result<()> {
    let world = World::new();
    world.welcome("ada").await?;
    world.gateway.set_down(true);
    assert_eq!(world.app.relay_welcomes().await.unwrap_err().kind, ErrorKind::Unavailable);
    let batch = world.stored().welcomes.values().find_map(|stored| stored.batch);
    assert_eq!(stall(&world).await.unwrap_err().kind, ErrorKind::Unavailable);
    world.gateway.set_down(false);
    assert_eq!(world.app.relay_welcomes().await?, Relayed::default(), "it was tried a moment ago");
    // Who comes meanwhile goes with the next one.
    world.welcome("bob").await?;
    assert_eq!(stall(&world).await?, Relayed { gathered: 1, started: 2, given_up: 0 });
    assert!(batches(&world).contains(&batch.unwrap()));
    for start in batches(&world) {
        world.send_batch(start).await?;
    }
    assert_eq!(world.mailer.taken().len(), 2);
    assert_eq!(stall(&world).await?, Relayed::default());
    Ok(())
}

#[tokio::test]
async fn one_tenant_that_cannot_be_helped_does_not_keep_help_from_others() -> Result<()> {
    let world = World::new();
    for n in [7, 8] {
        let command = CreateUser { row: &person("ada@example.com", "ada"), welcome: true, key: None };
        world.app.create_user(&tenant(n), command).await?;
    }
    // The first call looks for what is due, the second begins with the first tenant.
    world.store.fail_next(Fault::Call(2));
    assert_eq!(world.app.relay_welcomes().await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(batches(&world).len(), 1);
    assert_eq!(world.app.relay_welcomes().await?.started, 1);
    Ok(())
}

#[tokio::test]
async fn two_relays_at_once_make_one_batch() -> Result<()> {
    let world = World::new();
    for name in ["ada", "bob"] {
        world.welcome(name).await?;
    }
    let (one, two) = tokio::join!(world.app.relay_welcomes(), world.app.relay_welcomes());
    let (one, two) = (one?, two?);
    assert_eq!((one.gathered + two.gathered, one.started + two.started), (2, 1));
    assert_eq!(batches(&world).len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_batch_that_stands_still_is_asked_for_again_once_in_a_while() -> Result<()> {
    let world = World::new();
    world.welcome("ada").await?;
    world.app.relay_welcomes().await?;
    for _ in 0..2 {
        assert_eq!(stall(&world).await?, Relayed { gathered: 0, started: 1, given_up: 0 });
        assert_eq!(world.app.relay_welcomes().await?, Relayed::default());
    }
    let asked = batches(&world);
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|batch| *batch == asked[0]), "the same workflow each time");
    Ok(())
}

#[tokio::test]
async fn a_batch_that_is_being_sent_does_not_stand_still() -> Result<()> {
    let world = World::new();
    world.welcome("ada").await?;
    world.app.relay_welcomes().await?;
    let batch = batches(&world)[0];
    world.mailer.set_unreachable(true);
    for _ in 0..5 {
        world.clock.advance(SETTINGS.stalled_after - TimeDelta::seconds(1));
        world.send_batch(batch).await.unwrap_err();
        assert_eq!(world.app.relay_welcomes().await?, Relayed::default());
    }
    Ok(())
}

#[tokio::test]
async fn mails_whose_workflow_has_ended_are_given_up() -> Result<()> {
    let world = World::new();
    world.welcome("ada").await?;
    let gone = world.welcome("bob").await?.id;
    world.app.relay_welcomes().await?;
    world.gateway.close_welcomes(batches(&world)[0]);
    world.app.delete_user(&world.ctx, gone, ANY).await?;
    assert_eq!(stall(&world).await?, Relayed { gathered: 0, started: 0, given_up: 1 });
    let left: Vec<_> = world.stored().welcomes.into_values().map(|stored| stored.refused).collect();
    assert_eq!(left, [Some("mail_given_up")]);
    assert_eq!(stall(&world).await?, Relayed::default(), "that is the end of it");
    assert!(world.mailer.attempts().is_empty());
    Ok(())
}
