use anyhow::{Result, ensure};
use futures::future::try_join_all;
use muster_domain::WelcomeBatchId;
use muster_domain::mails::DueWelcomes;
use muster_domain::users::User;
use uuid::Uuid;

use super::Arena;
use super::arena::{at, made, user_id};

/// Other data of the storage may be due as well.
const PLENTY: u32 = 100_000;

pub(super) const fn batch(n: u128) -> WelcomeBatchId {
    WelcomeBatchId::new(Uuid::from_u128(0x0199_2222_0000_7000_8000_0000_0000_0000 | n))
}

async fn make(arena: &Arena<'_>, users: u128) -> Result<()> {
    for n in 1..=users {
        arena.make(&made(n, &format!("user{n}"), i64::try_from(n)?)?).await?;
    }
    Ok(())
}

async fn gather(arena: &Arena<'_>, n: u128, limit: u32) -> Result<u32> {
    let mut uow = arena.begin().await?;
    let gathered = uow.welcomes().gather(batch(n), limit, at(10)).await?;
    uow.commit().await?;
    Ok(gathered)
}

async fn open(arena: &Arena<'_>, n: u128) -> Result<Vec<User>> {
    let mut uow = arena.begin().await?;
    Ok(uow.welcomes().open(batch(n), None, 9).await?)
}

pub(super) async fn a_mail_is_gathered_once(arena: &Arena<'_>) -> Result<()> {
    make(arena, 5).await?;
    ensure!(gather(arena, 1, 3).await? == 3);
    ensure!(gather(arena, 2, 3).await? == 2);
    ensure!(gather(arena, 3, 3).await? == 0);
    let ids: Vec<_> = open(arena, 1).await?.iter().map(|user| user.id).collect();
    ensure!(ids == [1, 2, 3].map(user_id), "the oldest come first");
    ensure!(open(arena, 2).await?.len() == 2);
    let mut uow = arena.begin().await?;
    let page = uow.welcomes().open(batch(1), Some(user_id(1)), 1).await?;
    ensure!(page.iter().map(|user| user.id).collect::<Vec<_>>() == [user_id(2)]);
    drop(uow);
    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.welcomes().open(batch(1), None, 9).await?.is_empty());
    ensure!(uow.welcomes().gather(batch(9), 9, at(10)).await? == 0);
    Ok(())
}

pub(super) async fn who_was_sent_leaves_the_batch_and_who_was_refused_stays(arena: &Arena<'_>) -> Result<()> {
    make(arena, 3).await?;
    gather(arena, 1, 9).await?;
    let mut uow = arena.begin().await?;
    uow.welcomes().sent(batch(1), &[user_id(1)]).await?;
    uow.welcomes().refused(batch(1), &[user_id(2)], "mail_refused", at(11)).await?;
    uow.commit().await?;
    let left: Vec<_> = open(arena, 1).await?.iter().map(|user| user.id).collect();
    ensure!(left == [user_id(3)]);
    Ok(())
}

pub(super) async fn the_deleted_get_no_mail(arena: &Arena<'_>) -> Result<()> {
    make(arena, 2).await?;
    gather(arena, 1, 9).await?;
    arena.delete(user_id(1)).await?;
    ensure!(open(arena, 1).await?.len() == 1);
    let mut uow = arena.begin().await?;
    uow.welcomes().sent(batch(1), &[user_id(2)]).await?;
    uow.welcomes().close(batch(1)).await?;
    uow.commit().await?;
    ensure!(!is_due(arena, Some(batch(1))).await?, "a batch that is closed is due no more");
    Ok(())
}

pub(super) async fn a_batch_that_is_closed_keeps_the_living(arena: &Arena<'_>) -> Result<()> {
    make(arena, 2).await?;
    gather(arena, 1, 9).await?;
    arena.delete(user_id(1)).await?;
    let mut uow = arena.begin().await?;
    uow.welcomes().close(batch(1)).await?;
    uow.commit().await?;
    let left: Vec<_> = open(arena, 1).await?.iter().map(|user| user.id).collect();
    ensure!(left == [user_id(2)]);
    Ok(())
}

pub(super) async fn of_many_who_gather_each_mail_goes_to_one(arena: &Arena<'_>) -> Result<()> {
    make(arena, 9).await?;
    let gathered = try_join_all((1..=4).map(|n| gather(arena, n, 3))).await?;
    for (n, gathered) in (1..).zip(gathered) {
        ensure!(gathered <= 3, "{gathered} in a batch of 3");
        ensure!(open(arena, n).await?.len() == usize::try_from(gathered)?);
    }
    // What was passed over because somebody else was about to take it is left for the next.
    while gather(arena, 5, 1).await? > 0 {}
    let mut found = Vec::new();
    for n in 1..=5 {
        found.extend(open(arena, n).await?.iter().map(|user| user.id));
    }
    found.sort_unstable();
    ensure!(found == (1..=9).map(user_id).collect::<Vec<_>>());
    Ok(())
}

pub(super) async fn who_was_sent_after_all_is_refused_no_more(arena: &Arena<'_>) -> Result<()> {
    make(arena, 2).await?;
    gather(arena, 1, 9).await?;
    let mut uow = arena.begin().await?;
    // Two who send the same mails at once may be told different things.
    uow.welcomes().refused(batch(1), &[user_id(1)], "mail_refused", at(11)).await?;
    uow.welcomes().sent(batch(1), &[user_id(1)]).await?;
    uow.welcomes().sent(batch(1), &[user_id(2)]).await?;
    uow.welcomes().refused(batch(1), &[user_id(2)], "mail_refused", at(11)).await?;
    // Another batch has nothing to say about them.
    uow.welcomes().sent(batch(2), &[user_id(1), user_id(2)]).await?;
    uow.commit().await?;
    ensure!(open(arena, 1).await?.is_empty());
    ensure!(!is_due(arena, Some(batch(1))).await? && !is_due(arena, None).await?);
    Ok(())
}

async fn is_due(arena: &Arena<'_>, batch: Option<WelcomeBatchId>) -> Result<bool> {
    let due = arena.world.welcomes().due_welcomes(at(15), PLENTY).await?;
    Ok(due.contains(&DueWelcomes { tenant: arena.tenant, batch }))
}

pub(super) async fn what_waits_or_stands_still_is_due(arena: &Arena<'_>) -> Result<()> {
    ensure!(!is_due(arena, None).await?);
    make(arena, 2).await?;
    ensure!(is_due(arena, None).await?);
    gather(arena, 1, 9).await?;
    ensure!(!is_due(arena, None).await?);
    ensure!(is_due(arena, Some(batch(1))).await?);
    let mut uow = arena.begin().await?;
    uow.welcomes().touch(batch(1), at(20)).await?;
    uow.commit().await?;
    ensure!(!is_due(arena, Some(batch(1))).await?, "it was looked after just now");
    Ok(())
}

pub(super) async fn what_was_refused_is_due_no_more(arena: &Arena<'_>) -> Result<()> {
    make(arena, 2).await?;
    gather(arena, 1, 9).await?;
    let mut uow = arena.begin().await?;
    uow.welcomes().refused(batch(1), &[user_id(1)], "mail_refused", at(11)).await?;
    uow.commit().await?;
    ensure!(is_due(arena, Some(batch(1))).await?, "the other one is still to be sent");
    let mut uow = arena.begin().await?;
    uow.welcomes().refused(batch(1), &[user_id(1), user_id(2)], "mail_given_up", at(12)).await?;
    uow.welcomes().close(batch(1)).await?;
    uow.commit().await?;
    ensure!(!is_due(arena, Some(batch(1))).await? && !is_due(arena, None).await?);
    ensure!(gather(arena, 2, 9).await? == 0);
    Ok(())
}
