use std::collections::HashSet;

use anyhow::{Context as _, Result};
use muster_application::ports::Delivery;
use muster_application::{ErrorCode, ErrorKind};
use muster_domain::WelcomeBatchId;
use muster_domain::users::{Given, UserPatch};
use muster_testkit::memory::CancelAfter;

use crate::world::{ANY, World};

/// A batch of `count` mails, to `w1@example.com` and so on.
async fn batch(world: &World, count: usize) -> Result<WelcomeBatchId> {
    world.line_up(count).await?;
    relay(world).await
}

async fn relay(world: &World) -> Result<WelcomeBatchId> {
    world.app.relay_welcomes().await?;
    Ok(world.gateway.welcome_starts().last().context("nothing was started")?.batch)
}

/// Addresses and codes of the mails that were refused.
fn refused(world: &World) -> Vec<(String, &'static str)> {
    let stored = world.stored();
    let refused = stored.welcomes.iter().filter_map(|(id, mail)| Some((stored.users.get(id)?, mail.refused?)));
    refused.map(|(user, code)| (user.email.as_str().to_owned(), code)).collect()
}

#[tokio::test]
async fn everybody_gets_one_mail_whatever_the_size_of_a_group() -> Result<()> {
    for size in [1, 99, 100, 101, 200, 250] {
        let world = World::new();
        let batch = batch(&world, size).await?;
        world.send_batch(batch).await?;
        let mut to: Vec<_> = world.mailer.taken().into_iter().map(|mail| mail.to).collect();
        to.sort_unstable();
        assert_eq!(to, world.emails(), "{size}");
        assert!(world.stored().welcomes.is_empty());
        world.send_batch(batch).await?;
        assert_eq!(world.mailer.attempts().len(), size, "what was sent is not sent again");
    }
    Ok(())
}

#[tokio::test]
async fn a_mail_says_to_whom_and_has_the_key_of_its_user_each_time() -> Result<()> {
    let world = World::new();
    let (ada, bob) = (world.welcome("ada").await?, world.welcome("bob").await?);
    let batch = relay(&world).await?;
    world.mailer.script("ada@example.com", [Delivery::Deferred, Delivery::Unreachable, Delivery::Deferred]);
    for _ in 0..3 {
        world.send_batch(batch).await.unwrap_err();
    }
    world.send_batch(batch).await?;
    let mails: Vec<_> = world.mailer.attempts().into_iter().map(|(mail, _)| mail).collect();
    let to_ada: Vec<_> = mails.iter().filter(|mail| mail.to == "ada@example.com").collect();
    assert_eq!((mails.len(), to_ada.len()), (5, 4));
    assert!(to_ada.iter().all(|mail| *mail == to_ada[0]), "a repeat is not the same mail");
    assert_eq!(to_ada[0].message_key, format!("welcome.{}", ada.id));
    assert!(to_ada[0].text.contains("ada"));
    assert!(mails.iter().any(|mail| mail.message_key == format!("welcome.{}", bob.id)));
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_kept_and_stops_nobody() -> Result<()> {
    let world = World::new();
    let batch = batch(&world, 120).await?;
    for address in ["w3@example.com", "w110@example.com"] {
        world.mailer.always(address, Delivery::Refused);
    }
    world.send_batch(batch).await?;
    assert_eq!(world.mailer.taken().len(), 118);
    let expected = ["w3@example.com", "w110@example.com"].map(|address| (address.to_owned(), "mail_refused"));
    assert_eq!(refused(&world), expected);
    world.send_batch(batch).await?;
    assert_eq!(world.mailer.attempts().len(), 120, "a refusal is not tried again");
    assert_eq!(refused(&world), expected);
    Ok(())
}

#[tokio::test]
async fn what_was_put_off_is_tried_once_in_each_later_call() -> Result<()> {
    let world = World::new();
    let batch = batch(&world, 120).await?;
    world.mailer.script("w3@example.com", [Delivery::Deferred, Delivery::Deferred]);
    world.mailer.script("w7@example.com", [Delivery::Deferred, Delivery::Refused]);
    for (attempts, taken) in [(120, 118), (122, 118)] {
        let error = world.send_batch(batch).await.unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Unavailable, ErrorCode::MailDeferred));
        assert_eq!((world.mailer.attempts().len(), world.mailer.taken().len()), (attempts, taken));
    }
    world.send_batch(batch).await?;
    assert_eq!((world.mailer.attempts().len(), world.mailer.taken().len()), (123, 119));
    assert_eq!(refused(&world), [("w7@example.com".to_owned(), "mail_refused")]);
    Ok(())
}

#[tokio::test]
async fn those_put_off_again_and_again_do_not_starve_the_others() -> Result<()> {
    let world = World::new();
    let batch = batch(&world, 250).await?;
    for n in 1..=120 {
        world.mailer.always(&format!("w{n}@example.com"), Delivery::Deferred);
    }
    let error = world.send_batch(batch).await.unwrap_err();
    assert_eq!(error.message, "the mail server put off 120 mails");
    assert_eq!(world.mailer.taken().len(), 130);
    world.send_batch(batch).await.unwrap_err();
    assert_eq!(world.mailer.attempts().len(), 370, "each got one more try");
    Ok(())
}

#[tokio::test]
async fn a_server_that_does_not_answer_stops_the_call_and_loses_nobody() -> Result<()> {
    let world = World::new();
    let batch = batch(&world, 250).await?;
    world.mailer.set_unreachable(true);
    for _ in 0..5 {
        let before = world.mailer.attempts().len();
        let error = world.send_batch(batch).await.unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Unavailable, ErrorCode::MailUnreachable));
        assert_eq!(world.mailer.attempts().len() - before, 100, "it went on after a group without an answer");
    }
    world.mailer.set_unreachable(false);
    // Only one of a group: the others of it are not sent again.
    world.mailer.script("w7@example.com", [Delivery::Unreachable]);
    assert_eq!(world.send_batch(batch).await.unwrap_err().code, ErrorCode::MailUnreachable);
    assert_eq!(world.mailer.taken().len(), 99);
    world.send_batch(batch).await?;
    let to: HashSet<_> = world.mailer.taken().into_iter().map(|mail| mail.to).collect();
    assert_eq!((to.len(), world.mailer.taken().len()), (250, 250));
    Ok(())
}

#[tokio::test]
async fn a_worker_that_is_stopping_stops_between_groups() -> Result<()> {
    let world = World::new();
    let batch = batch(&world, 250).await?;
    let error = world.app.send_welcomes(&world.ctx, batch, &CancelAfter::new(2)).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Unavailable, ErrorCode::Cancelled));
    assert_eq!(world.mailer.attempts().len(), 200);
    world.send_batch(batch).await?;
    assert_eq!(world.mailer.attempts().len(), 250);
    Ok(())
}

#[tokio::test]
async fn giving_up_accounts_for_every_mail() -> Result<()> {
    let world = World::new();
    let batch = batch(&world, 150).await?;
    world.mailer.always("w2@example.com", Delivery::Refused);
    world.mailer.always("w5@example.com", Delivery::Deferred);
    world.app.send_welcomes(&world.ctx, batch, &CancelAfter::new(1)).await.unwrap_err();
    world.app.give_up_welcomes(&world.ctx, batch).await?;
    let refused = refused(&world);
    assert_eq!((world.mailer.taken().len(), refused.len()), (98, 52));
    assert_eq!(refused[0], ("w2@example.com".to_owned(), "mail_refused"), "as it was told");
    assert!(refused[1..].iter().all(|(_, code)| *code == "mail_given_up"));
    let stored = world.stored();
    world.app.give_up_welcomes(&world.ctx, batch).await?;
    world.send_batch(batch).await?;
    assert_eq!(world.stored(), stored, "nothing is left to do");
    Ok(())
}

#[tokio::test]
async fn who_is_deleted_gets_no_mail_unless_they_come_back_in_time() -> Result<()> {
    let world = World::new();
    let mut ids = Vec::new();
    for name in ["waiting", "gathered", "back"] {
        ids.push(world.welcome(name).await?.id);
    }
    world.app.delete_user(&world.ctx, ids[0], ANY).await?;
    let batch = relay(&world).await?;
    for id in [ids[1], ids[2]] {
        world.app.delete_user(&world.ctx, id, ANY).await?;
    }
    world.app.restore_user(&world.ctx, ids[2]).await?;
    world.send_batch(batch).await?;
    let to: Vec<_> = world.mailer.attempts().into_iter().map(|(mail, _)| mail.to).collect();
    assert_eq!(to, ["back@example.com"]);
    assert!(world.stored().welcomes.is_empty());
    Ok(())
}

#[tokio::test]
async fn who_has_moved_is_written_to_at_the_new_address() -> Result<()> {
    let world = World::new();
    let id = world.welcome("ada").await?.id;
    let batch = relay(&world).await?;
    world.change(id, UserPatch { email: Given::Text("new@example.com"), ..UserPatch::default() }).await?;
    world.send_batch(batch).await?;
    assert_eq!(world.mailer.taken().into_iter().map(|mail| mail.to).collect::<Vec<_>>(), ["new@example.com"]);
    Ok(())
}
