//! Crashes while mail is sent: a mail may go out twice, but recognisably, and never not at all.

use std::collections::HashMap;

use anyhow::Result;
use muster_application::ErrorKind;
use muster_application::ports::{Delivery, Mail};
use muster_domain::OperationId;
use muster_testkit::memory::Fault;

use crate::world::{CONTINUE, World, people};

async fn world() -> Result<(World, OperationId)> {
    let world = World::new();
    let id = world.import(&[people("u", 250), people("v", 5)], CONTINUE).await?.id;
    world.mailer.script("u3@example.com", [Delivery::Deferred]);
    world.mailer.always("u120@example.com", Delivery::Refused);
    Ok((world, id))
}

/// Calls until all is done, as the engine does.
async fn send_all(world: &World, id: OperationId) -> Result<()> {
    for _ in 0..9 {
        match world.send(id).await {
            Ok(()) => return Ok(()),
            Err(error) => assert_eq!(error.kind, ErrorKind::Unavailable),
        }
    }
    anyhow::bail!("it never ends")
}

/// Everybody but the one who was refused has a mail; gives how many were repeats of the same mail.
fn check(world: &World) -> usize {
    let mut by_key: HashMap<String, Vec<Mail>> = HashMap::new();
    for mail in world.mailer.taken() {
        by_key.entry(mail.message_key.clone()).or_default().push(mail);
    }
    assert_eq!(by_key.len(), 254);
    for mails in by_key.values() {
        assert!(mails.iter().all(|mail| *mail == mails[0]), "one key, two mails");
    }
    by_key.values().map(|mails| mails.len() - 1).sum()
}

async fn cut(fault: fn(u32) -> Fault, repeats_at_most: usize) -> Result<()> {
    for step in 1.. {
        let (world, id) = world().await?;
        world.store.fail_next(fault(step));
        send_all(&world, id).await?;
        let healed = world.store.heal();
        let repeats = check(&world);
        assert!(repeats <= repeats_at_most, "{repeats} mails were repeated after {:?}", fault(step));
        let progress = world.app.operation(&world.ctx, id).await?.progress;
        assert_eq!((progress.mails_total, progress.mails_sent, progress.mails_refused), (255, 254, 1));
        assert!(world.stored().mails.values().all(|stored| stored.batch.is_finished()));
        if healed {
            assert!(step > 4);
            assert_eq!(repeats, 0);
            return Ok(());
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_crash_at_any_call_repeats_one_group_at_most() -> Result<()> {
    cut(Fault::Call, 100).await
}

#[tokio::test]
async fn a_group_that_could_not_be_recorded_is_repeated_alone() -> Result<()> {
    let (world, id) = world().await?;
    world.store.fail_next(Fault::Commit(2));
    world.send(id).await.unwrap_err();
    assert_eq!(world.mailer.attempts().len(), 200);
    send_all(&world, id).await?;
    // The second group has one that is refused each time.
    assert_eq!(check(&world), 99);
    cut(Fault::Commit, 100).await
}

#[tokio::test]
async fn a_record_whose_answer_was_lost_repeats_nothing() -> Result<()> {
    cut(Fault::Answer, 0).await
}

#[tokio::test]
async fn two_workers_at_once_count_each_mail_once() -> Result<()> {
    let (world, id) = world().await?;
    let (a, b) = tokio::join!(world.send(id), world.send(id));
    assert!(a.is_err() || b.is_err(), "one was put off");
    send_all(&world, id).await?;
    check(&world);
    let progress = world.app.operation(&world.ctx, id).await?.progress;
    assert_eq!((progress.mails_sent, progress.mails_refused), (254, 1));
    Ok(())
}

#[tokio::test]
async fn giving_up_that_is_cut_is_made_good_by_the_next() -> Result<()> {
    for step in 1.. {
        let (world, id) = world().await?;
        let command = World::mails_of(id);
        world.store.fail_next(Fault::Call(step));
        let result = world.app.give_up_mails(&world.ctx, command).await;
        let healed = world.store.heal();
        if !healed {
            result.unwrap_err();
            world.app.give_up_mails(&world.ctx, command).await?;
        }
        let progress = world.app.operation(&world.ctx, id).await?.progress;
        assert_eq!((progress.mails_sent, progress.mails_refused), (0, 255), "step {step}");
        if healed {
            break;
        }
    }
    Ok(())
}
