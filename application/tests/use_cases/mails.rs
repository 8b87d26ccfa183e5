use std::collections::HashSet;

use anyhow::Result;
use muster_application::operations::RowFilter;
use muster_application::ports::Delivery;
use muster_application::{ErrorCode, ErrorKind};
use muster_domain::operations::{Progress, RowStatus};
use muster_testkit::memory::CancelAfter;

use crate::world::{CONTINUE, World, people, problems};

async fn progress(world: &World, id: muster_domain::OperationId) -> Result<Progress> {
    Ok(world.app.operation(&world.ctx, id).await?.progress)
}

#[tokio::test]
async fn each_new_user_gets_one_mail_whatever_the_size_of_a_group() -> Result<()> {
    for size in [1, 99, 100, 101, 200, 250] {
        let world = World::new();
        let mut rows = people("u", size);
        // Rows that became nobody get none, wherever they are.
        rows.insert(0, ("nope".to_owned(), "nope-1".to_owned()));
        rows.insert(rows.len() / 2, ("nope".to_owned(), "nope-2".to_owned()));
        rows.push(("nope".to_owned(), "nope-3".to_owned()));
        let operation = world.import(&[rows, people("v", 2)], CONTINUE).await?;
        world.send(operation.id).await?;
        let mut to: Vec<_> = world.mailer.taken().into_iter().map(|mail| mail.to).collect();
        to.sort_unstable();
        assert_eq!(to, world.emails(), "{size}");
        let progress = progress(&world, operation.id).await?;
        let total = u64::try_from(size + 2)?;
        assert_eq!((progress.mails_total, progress.mails_sent, progress.mails_refused), (total, total, 0));
    }
    Ok(())
}

#[tokio::test]
async fn imports_of_the_same_millisecond_mail_their_own_users_only() -> Result<()> {
    let world = World::new();
    let mut ids = Vec::new();
    for (prefix, count) in [("a", 250), ("b", 130), ("c", 100), ("d", 90), ("e", 300)] {
        ids.push((world.import(&[people(prefix, count)], CONTINUE).await?.id, count));
    }
    for (id, count) in ids {
        let before = world.mailer.taken().len();
        world.send(id).await?;
        assert_eq!(world.mailer.taken().len() - before, count);
        assert_eq!(progress(&world, id).await?.mails_sent, u64::try_from(count)?);
    }
    let to: HashSet<_> = world.mailer.taken().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, world.emails().into_iter().collect());
    Ok(())
}

#[tokio::test]
async fn a_mail_says_to_whom_and_has_a_key_of_its_own() -> Result<()> {
    let world = World::new();
    let operation = world.import(&[people("u", 2)], CONTINUE).await?;
    world.send(operation.id).await?;
    let mails = world.mailer.taken();
    let keys: HashSet<_> = mails.iter().map(|mail| mail.message_key.as_str()).collect();
    assert_eq!(keys, HashSet::from([&*format!("welcome.1.{}", operation.id), &*format!("welcome.2.{}", operation.id)]));
    for mail in &mails {
        let name = mail.to.strip_suffix("@example.com").unwrap().replace('u', "u-");
        assert!(mail.text.contains(&name), "{}", mail.text);
    }
    Ok(())
}

#[tokio::test]
async fn what_was_sent_is_not_sent_again() -> Result<()> {
    let world = World::new();
    let operation = world.import(&[people("u", 150)], CONTINUE).await?;
    world.send(operation.id).await?;
    let stored = world.stored();
    world.send(operation.id).await?;
    assert_eq!(world.mailer.attempts().len(), 150);
    assert_eq!(world.stored(), stored);
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_recorded_on_the_row_and_stops_nobody() -> Result<()> {
    let world = World::new();
    let operation = world.import(&[people("u", 120)], CONTINUE).await?;
    for refused in ["u3@example.com", "u110@example.com"] {
        world.mailer.always(refused, Delivery::Refused);
    }
    world.send(operation.id).await?;
    let progress = progress(&world, operation.id).await?;
    assert_eq!((progress.mails_sent, progress.mails_refused), (118, 2));
    let rows = world.app.operation_rows(&world.ctx, operation.id, RowFilter::Reported, 0, 9).await?.items;
    assert_eq!(
        rows.iter().map(|row| (row.row, row.status)).collect::<Vec<_>>(),
        [(3, RowStatus::MailRefused), (110, RowStatus::MailRefused)]
    );
    assert_eq!(problems(&rows[0]), [("email".to_owned(), "mail_refused".to_owned())]);
    assert_eq!(world.mailer.attempts().len(), 120, "a refusal is not tried again");
    Ok(())
}

#[tokio::test]
async fn what_was_put_off_is_tried_once_in_each_later_call() -> Result<()> {
    let world = World::new();
    let operation = world.import(&[people("u", 120)], CONTINUE).await?;
    world.mailer.script("u3@example.com", [Delivery::Deferred, Delivery::Deferred]);
    world.mailer.script("u7@example.com", [Delivery::Deferred, Delivery::Refused]);
    for (attempts, sent, refused) in [(120, 118, 0), (122, 118, 1)] {
        let error = world.send(operation.id).await.unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Unavailable, ErrorCode::MailDeferred));
        assert_eq!(world.mailer.attempts().len(), attempts);
        let progress = progress(&world, operation.id).await?;
        assert_eq!((progress.mails_sent, progress.mails_refused), (sent, refused));
    }
    world.send(operation.id).await?;
    assert_eq!(world.mailer.attempts().len(), 123);
    assert_eq!(progress(&world, operation.id).await?.mails_sent, 119);
    Ok(())
}

#[tokio::test]
async fn those_put_off_again_and_again_do_not_starve_the_others() -> Result<()> {
    let world = World::new();
    let operation = world.import(&[people("u", 250)], CONTINUE).await?;
    for n in 1..=250 {
        let address = format!("u{n}@example.com");
        if n <= 120 {
            world.mailer.always(&address, Delivery::Deferred);
        } else {
            world.mailer.script(&address, [Delivery::Deferred]);
        }
    }
    world.send(operation.id).await.unwrap_err();
    assert_eq!(world.mailer.attempts().len(), 250);
    world.send(operation.id).await.unwrap_err();
    assert_eq!(world.mailer.attempts().len(), 500, "each got one more try");
    assert_eq!(progress(&world, operation.id).await?.mails_sent, 130);
    Ok(())
}

#[tokio::test]
async fn a_server_that_does_not_answer_stops_the_call_and_loses_nobody() -> Result<()> {
    let world = World::new();
    let operation = world.import(&[people("u", 250), people("v", 5)], CONTINUE).await?;
    world.mailer.set_unreachable(true);
    for _ in 0..5 {
        let before = world.mailer.attempts().len();
        let error = world.send(operation.id).await.unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Unavailable, ErrorCode::MailUnreachable));
        assert!(world.mailer.attempts().len() - before <= 100, "it went on after a group without an answer");
    }
    assert_eq!(progress(&world, operation.id).await?.mails_sent, 0);
    world.mailer.set_unreachable(false);
    world.send(operation.id).await?;
    let mut to: Vec<_> = world.mailer.taken().into_iter().map(|mail| mail.to).collect();
    to.sort_unstable();
    assert_eq!(to, world.emails());
    assert_eq!(progress(&world, operation.id).await?.mails_sent, 255);
    Ok(())
}

#[tokio::test]
async fn a_worker_that_is_stopping_stops_between_groups() -> Result<()> {
    let world = World::new();
    let operation = world.import(&[people("u", 250)], CONTINUE).await?;
    let command = World::mails_of(operation.id);
    let error = world.app.send_mails(&world.ctx, command, &CancelAfter::new(2)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Cancelled);
    assert_eq!(world.mailer.attempts().len(), 200);
    world.send(operation.id).await?;
    assert_eq!(world.mailer.attempts().len(), 250);
    Ok(())
}

#[tokio::test]
async fn giving_up_accounts_for_every_mail() -> Result<()> {
    let world = World::new();
    let operation = world.import(&[people("u", 150), people("v", 3)], CONTINUE).await?;
    world.mailer.always("u2@example.com", Delivery::Refused);
    world.mailer.always("u5@example.com", Delivery::Deferred);
    let command = World::mails_of(operation.id);
    world.app.send_mails(&world.ctx, command, &CancelAfter::new(1)).await.unwrap_err();
    world.app.give_up_mails(&world.ctx, command).await?;
    let progress = progress(&world, operation.id).await?;
    assert_eq!((progress.mails_total, progress.mails_sent, progress.mails_refused), (153, 98, 55));
    let rows = world.app.operation_rows(&world.ctx, operation.id, RowFilter::Reported, 0, 99).await?.items;
    assert_eq!(rows.len(), 55);
    assert_eq!(problems(&rows[0]), [("email".to_owned(), "mail_refused".to_owned())]);
    assert_eq!(problems(&rows[1]), [("email".to_owned(), "mail_given_up".to_owned())]);
    let stored = world.stored();
    world.app.give_up_mails(&world.ctx, command).await?;
    world.send(operation.id).await?;
    assert_eq!(world.stored(), stored, "nothing is left to do");
    Ok(())
}
