use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use muster_domain::OperationId;
use muster_domain::mails::MailBatch;
use muster_domain::operations::{DueOperation, DueReason, KeyOwner};
use uuid::Uuid;

use super::Arena;
use super::arena::{at, new_operation, operation_id};

/// Other data of the storage may be due as well.
const PLENTY: u32 = 100_000;

/// What is due of this tenant, with one time for all three questions.
async fn due(arena: &Arena<'_>, before: DateTime<Utc>) -> Result<Vec<(OperationId, DueReason)>> {
    let due = arena.world.operations().due(before, before, before, PLENTY).await?;
    Ok(due.into_iter().filter(|due| due.tenant == arena.tenant).map(|due| (due.operation, due.reason)).collect())
}

pub(super) async fn what_stands_still_is_due(arena: &Arena<'_>) -> Result<()> {
    let [old, running, young] = [1, 2, 3].map(operation_id);
    arena.queue(old, &[2], at(0)).await?;
    arena.queue(running, &[2], at(0)).await?;
    arena.start(running, at(1)).await?;
    arena.queue(young, &[2], at(30)).await?;
    ensure!(due(arena, at(20)).await? == [(old, DueReason::Start), (running, DueReason::Start)]);
    ensure!(due(arena, at(-10)).await?.is_empty());
    Ok(())
}

pub(super) async fn what_was_looked_after_is_not_due(arena: &Arena<'_>) -> Result<()> {
    arena.queue(operation_id(1), &[2], at(0)).await?;
    let mut uow = arena.begin().await?;
    uow.operations().touch(operation_id(1), at(30)).await?;
    uow.commit().await?;
    ensure!(due(arena, at(20)).await?.is_empty());
    ensure!(due(arena, at(40)).await? == [(operation_id(1), DueReason::Start)]);
    Ok(())
}

pub(super) async fn uploads_that_stopped_coming_are_due(arena: &Arena<'_>) -> Result<()> {
    arena.receive(operation_id(1), at(0)).await?;
    arena.receive(operation_id(2), at(30)).await?;
    ensure!(due(arena, at(20)).await? == [(operation_id(1), DueReason::Abandoned)]);
    // Each question has its own time.
    let found = arena.world.operations().due(at(20), at(-10), at(20), PLENTY).await?;
    ensure!(!found.iter().any(|due| due.tenant == arena.tenant));
    Ok(())
}

pub(super) async fn an_append_keeps_an_upload_alive(arena: &Arena<'_>) -> Result<()> {
    arena.receive(operation_id(1), at(0)).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().append_blocks(operation_id(1), &super::arena::blocks(&[2]), at(30)).await?);
    uow.commit().await?;
    ensure!(due(arena, at(20)).await?.is_empty());
    Ok(())
}

pub(super) async fn what_has_ended_is_not_due(arena: &Arena<'_>) -> Result<()> {
    arena.queue(operation_id(1), &[2], at(0)).await?;
    arena.end(operation_id(1), at(1)).await?;
    ensure!(due(arena, at(1_000)).await?.is_empty());
    Ok(())
}

pub(super) async fn unfinished_mails_of_an_ended_operation_are_due(arena: &Arena<'_>) -> Result<()> {
    // Untried; put off; done.
    for (n, done_through, deferred) in [(1, 3, vec![]), (2, 10, vec![4]), (3, 10, vec![])] {
        arena.queue(operation_id(n), &[10, 10], at(0)).await?;
        let mut uow = arena.begin().await?;
        for (block, first_row, last_row, shift) in [(0, 1, 10, 0), (1, 11, 20, 10)] {
            let deferred = deferred.iter().map(|row| row + shift).collect();
            let batch = MailBatch { first_row, last_row, done_through: done_through + shift, deferred };
            uow.mails().insert(operation_id(n), block, &batch, 10, at(0)).await?;
        }
        uow.commit().await?;
        arena.end(operation_id(n), at(1)).await?;
    }
    let mut found = due(arena, at(1_000)).await?;
    found.sort_unstable_by_key(|(id, _)| *id);
    // Each operation once, however many batches it has.
    ensure!(found == [(operation_id(1), DueReason::Mails), (operation_id(2), DueReason::Mails)]);
    ensure!(due(arena, at(-10)).await?.is_empty());
    Ok(())
}

pub(super) async fn mails_are_due_however_their_operation_ended(arena: &Arena<'_>) -> Result<()> {
    for n in [1, 2] {
        arena.queue(operation_id(n), &[10], at(0)).await?;
        let batch = MailBatch { first_row: 1, last_row: 10, done_through: 3, deferred: Vec::new() };
        let mut uow = arena.begin().await?;
        uow.mails().insert(operation_id(n), 0, &batch, 10, at(0)).await?;
        uow.commit().await?;
    }
    let mut uow = arena.begin().await?;
    let mut cancelled = uow.operations().lock(operation_id(1)).await?.context("not found")?;
    cancelled.cancel(at(1))?;
    uow.operations().end(&cancelled).await?;
    uow.commit().await?;
    arena.end(operation_id(2), at(1)).await?;
    let mut uow = arena.begin().await?;
    let mut undone = uow.operations().lock(operation_id(2)).await?.context("not found")?;
    undone.undone()?;
    uow.operations().store(&undone, at(1)).await?;
    uow.commit().await?;
    let mut found = due(arena, at(1_000)).await?;
    found.sort_unstable_by_key(|(id, _)| *id);
    ensure!(found == [(operation_id(1), DueReason::Mails), (operation_id(2), DueReason::Mails)]);
    Ok(())
}

pub(super) async fn mails_that_were_recorded_just_now_are_not_due(arena: &Arena<'_>) -> Result<()> {
    arena.queue(operation_id(1), &[10], at(0)).await?;
    let mut batch = MailBatch { first_row: 1, last_row: 10, done_through: 0, deferred: Vec::new() };
    let mut uow = arena.begin().await?;
    uow.mails().insert(operation_id(1), 0, &batch, 10, at(0)).await?;
    uow.commit().await?;
    arena.end(operation_id(1), at(1)).await?;
    batch.done_through = 5;
    let mut uow = arena.begin().await?;
    uow.mails().record(operation_id(1), 0, &batch, 5, 0, at(30)).await?;
    uow.commit().await?;
    ensure!(due(arena, at(20)).await?.is_empty());
    ensure!(due(arena, at(40)).await? == [(operation_id(1), DueReason::Mails)]);
    Ok(())
}

pub(super) async fn mails_of_a_running_operation_are_not_due(arena: &Arena<'_>) -> Result<()> {
    arena.queue(operation_id(1), &[10], at(0)).await?;
    let mut uow = arena.begin().await?;
    let batch = MailBatch { first_row: 1, last_row: 10, done_through: 0, deferred: Vec::new() };
    uow.mails().insert(operation_id(1), 0, &batch, 10, at(0)).await?;
    uow.commit().await?;
    ensure!(due(arena, at(1_000)).await? == [(operation_id(1), DueReason::Start)]);
    Ok(())
}

pub(super) async fn expired_keys_are_due_once_for_each_tenant(arena: &Arena<'_>) -> Result<()> {
    let mut uow = arena.begin().await?;
    for n in [1, 2] {
        uow.operations().claim_key(&format!("key {n}"), KeyOwner::Operation(operation_id(n)), None, at(10)).await?;
        uow.operations().insert(&new_operation(operation_id(n)), at(50)).await?;
    }
    uow.commit().await?;
    ensure!(due(arena, at(5)).await?.is_empty());
    ensure!(due(arena, at(20)).await? == [(OperationId::new(Uuid::nil()), DueReason::ExpiredKeys)]);
    Ok(())
}

pub(super) async fn at_most_the_limit_is_due_the_longest_forgotten_first(arena: &Arena<'_>) -> Result<()> {
    // A time that no other data is of.
    let then = at(0) - TimeDelta::days(14_000);
    for (n, minute) in [(1, 2), (2, 1), (3, 3)] {
        arena.queue(operation_id(n), &[2], then + TimeDelta::minutes(minute)).await?;
    }
    let before = then + TimeDelta::minutes(30);
    let ask = |limit| async move {
        let due = arena.world.operations().due(before, before, before, limit).await?;
        let starts = due.into_iter().filter(|due| due.reason == DueReason::Start);
        anyhow::Ok(starts.filter(|due| due.tenant == arena.tenant).collect::<Vec<DueOperation>>())
    };
    let first = ask(2).await?;
    ensure!(first.iter().map(|due| due.operation).collect::<Vec<_>>() == [2, 1].map(operation_id));
    let mut uow = arena.begin().await?;
    let looked_at = first.first().context("nothing is due")?.operation;
    uow.operations().touch(looked_at, then + TimeDelta::minutes(9)).await?;
    uow.commit().await?;
    ensure!(ask(1).await?.first().context("nothing is due")?.operation == operation_id(1), "others come first");
    // Leave nothing behind that a later run on the same storage would find.
    for n in [1, 2, 3] {
        arena.end(operation_id(n), at(0)).await?;
    }
    Ok(())
}
