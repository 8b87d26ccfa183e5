use anyhow::{Context as _, Result, ensure};
use chrono::TimeDelta;
use muster_domain::OperationId;
use muster_domain::mails::MailBatch;
use muster_domain::operations::{BlockOutcome, NewOperation, Operation, OperationPosition, OperationState};

use super::Arena;
use super::arena::{at, new_operation, operation_id};

fn ids(operations: &[Operation]) -> Vec<OperationId> {
    operations.iter().map(|operation| operation.id).collect()
}

/// Commits receiving operations that began at these minutes and microseconds.
async fn begun_at(arena: &Arena<'_>, began: &[(u128, i64, i64)]) -> Result<()> {
    let mut uow = arena.begin().await?;
    for (n, minute, micros) in began {
        let created_at = at(*minute) + TimeDelta::microseconds(*micros);
        let operation = NewOperation { created_at, ..new_operation(operation_id(*n)) };
        uow.operations().insert(&operation, at(99)).await?;
    }
    Ok(uow.commit().await?)
}

pub(super) async fn the_latest_operation_comes_first(arena: &Arena<'_>) -> Result<()> {
    // By the time of the upload, to the microsecond; the id decides among those of the same moment.
    begun_at(arena, &[(9, 1, 0), (1, 3, 1), (2, 3, 0), (5, 2, 0), (6, 2, 0)]).await?;
    let found = arena.world.operations().list(arena.tenant, None, None, 10).await?;
    ensure!(ids(&found) == [1, 2, 6, 5, 9].map(operation_id), "{:?}", ids(&found));
    Ok(())
}

pub(super) async fn pages_follow_each_other_without_gap_or_repeat(arena: &Arena<'_>) -> Result<()> {
    begun_at(arena, &[(1, 1, 0), (2, 1, 0), (3, 1, 0), (4, 1, 1), (5, 0, 0), (6, 1, 2), (7, 1, 0)]).await?;
    let all = [6, 4, 7, 3, 2, 1, 5].map(operation_id);
    for limit in 1..=8 {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = arena.world.operations().list(arena.tenant, None, after, limit).await?;
            ensure!(page.len() <= usize::try_from(limit)?);
            let Some(last) = page.last() else { break };
            after = Some(OperationPosition { created_at: last.created_at, id: last.id });
            seen.extend(ids(&page));
        }
        ensure!(seen == all, "by {limit}: {seen:?}");
    }
    Ok(())
}

pub(super) async fn a_list_can_be_of_one_state(arena: &Arena<'_>) -> Result<()> {
    let [receiving, queued, running, ended] = [1, 2, 3, 4].map(operation_id);
    arena.receive(receiving, at(0)).await?;
    for id in [queued, running, ended] {
        arena.queue(id, &[2], at(0)).await?;
    }
    arena.start(running, at(1)).await?;
    arena.end(ended, at(1)).await?;
    let list = |state, after| arena.world.operations().list(arena.tenant, state, after, 10);
    for (state, expected) in [
        (OperationState::Receiving, vec![receiving]),
        (OperationState::Queued, vec![queued]),
        (OperationState::Running, vec![running]),
        (OperationState::Succeeded, vec![ended]),
        (OperationState::Failed, vec![]),
    ] {
        ensure!(ids(&list(Some(state), None).await?) == expected, "{state:?}");
    }
    ensure!(list(None, None).await?.len() == 4);
    let queued = arena.operation(queued).await?;
    let position = OperationPosition { created_at: queued.created_at, id: queued.id };
    ensure!(list(Some(OperationState::Queued), Some(position)).await?.is_empty(), "it is behind itself");
    Ok(())
}

pub(super) async fn a_list_has_the_progress_of_each(arena: &Arena<'_>) -> Result<()> {
    for n in [1, 2] {
        arena.queue(operation_id(n), &[5, 4], at(0)).await?;
    }
    let mut uow = arena.begin().await?;
    uow.operations().settle_block(operation_id(1), 1, BlockOutcome::made(3, 1), at(3)).await?;
    let batch = MailBatch { first_row: 6, last_row: 9, done_through: 5, deferred: Vec::new() };
    uow.mails().insert(operation_id(1), 1, &batch, 3, at(0)).await?;
    uow.commit().await?;
    let found = arena.world.operations().list(arena.tenant, None, None, 10).await?;
    ensure!(found.len() == 2);
    for listed in &found {
        let single = arena.operation(listed.id).await?;
        ensure!(listed.progress == single.progress && listed.state == single.state);
        ensure!((listed.tenant, listed.created_at) == (single.tenant, single.created_at));
    }
    let first = found.iter().find(|operation| operation.id == operation_id(1)).context("it is not listed")?;
    ensure!((first.progress.created, first.progress.mails_total) == (3, 3));
    Ok(())
}

pub(super) async fn many_operations_are_read_at_once(arena: &Arena<'_>) -> Result<()> {
    let ids = [1, 2, 3].map(operation_id);
    for id in ids {
        arena.queue(id, &[2], at(0)).await?;
    }
    let reader = arena.world.operations();
    let unknown = operation_id(404);
    let mut found = reader.find_many(arena.tenant, &[ids[2], unknown, ids[0]]).await?;
    found.sort_unstable_by_key(|operation| operation.id);
    ensure!(found == [arena.operation(ids[0]).await?, arena.operation(ids[2]).await?]);
    ensure!(reader.find_many(arena.tenant, &[]).await?.is_empty());
    ensure!(reader.find_many(arena.other, &ids).await?.is_empty());
    Ok(())
}
