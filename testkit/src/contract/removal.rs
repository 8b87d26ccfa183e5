use anyhow::{Result, ensure};
use chrono::{DateTime, Utc};
use muster_domain::OperationId;
use muster_domain::mails::MailBatch;
use muster_domain::operations::{DueReason, KeyOwner, RowStatus, StoredRow, StoredRows};

use super::Arena;
use super::arena::{at, operation_id};

/// Other data of the storage may be outdated as well.
const PLENTY: u32 = 100_000;
const ID: OperationId = operation_id(1);

async fn outdated(
    arena: &Arena<'_>,
    uploads: DateTime<Utc>,
    results: DateTime<Utc>,
) -> Result<Vec<(OperationId, DueReason)>> {
    let found = arena.world.operations().outdated(uploads, results, PLENTY).await?;
    Ok(found.into_iter().filter(|due| due.tenant == arena.tenant).map(|due| (due.operation, due.reason)).collect())
}

async fn remove_upload(arena: &Arena<'_>, at_most: u32) -> Result<u32> {
    let mut uow = arena.begin().await?;
    let removed = uow.operations().remove_upload(ID, at_most, at(99)).await?;
    uow.commit().await?;
    Ok(removed)
}

async fn remove_results(arena: &Arena<'_>, at_most: u32) -> Result<u32> {
    let mut uow = arena.begin().await?;
    let removed = uow.operations().remove_results(ID, at_most).await?;
    uow.commit().await?;
    Ok(removed)
}

async fn has_upload(arena: &Arena<'_>, number: u32) -> Result<bool> {
    let block = arena.world.operations().block_from(arena.tenant, ID, number, 1).await?;
    Ok(block.is_some_and(|block| block.number == number && block.data.is_some()))
}

async fn report(arena: &Arena<'_>, rows: u32) -> Result<()> {
    let failed = |row| StoredRow::new(row, 2, RowStatus::Failed);
    let rows: Vec<_> = (1..=rows).map(failed).collect();
    let mut uow = arena.begin().await?;
    uow.operations().insert_rows(ID, &rows).await?;
    Ok(uow.commit().await?)
}

pub(super) async fn uploads_of_what_has_ended_are_outdated_the_eldest_first(arena: &Arena<'_>) -> Result<()> {
    for (n, ended) in [(1, Some(5)), (2, Some(3)), (3, Some(30)), (4, None)] {
        arena.queue(operation_id(n), &[2], at(0)).await?;
        if let Some(minute) = ended {
            arena.end(operation_id(n), at(minute)).await?;
        }
    }
    let [one, two] = [1, 2].map(operation_id);
    ensure!(outdated(arena, at(10), at(0)).await? == [(two, DueReason::OldUpload), (one, DueReason::OldUpload)]);
    let both = [(two, DueReason::OldUpload), (one, DueReason::OldUpload), (two, DueReason::OldResults)];
    ensure!(outdated(arena, at(10), at(4)).await? == both);
    // An operation goes whether its upload has gone or not.
    ensure!(outdated(arena, at(0), at(4)).await? == [(two, DueReason::OldResults)]);
    Ok(())
}

pub(super) async fn an_upload_is_removed_in_steps_and_only_after_the_end(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[2, 2, 2], at(0)).await?;
    ensure!(remove_upload(arena, 9).await? == 0 && has_upload(arena, 0).await?, "it has not ended");
    arena.end(ID, at(1)).await?;
    let before = arena.operation(ID).await?;
    ensure!(remove_upload(arena, 2).await? == 2);
    ensure!(!has_upload(arena, 1).await? && has_upload(arena, 2).await?);
    ensure!(outdated(arena, at(9), at(0)).await? == [(ID, DueReason::OldUpload)], "one block is left");
    ensure!(remove_upload(arena, 2).await? == 1 && remove_upload(arena, 2).await? == 0);
    ensure!(!has_upload(arena, 2).await? && outdated(arena, at(9), at(0)).await?.is_empty());
    ensure!(arena.operation(ID).await? == before, "the operation shows no difference");
    let block = arena.world.operations().block_from(arena.tenant, ID, 2, 1).await?;
    ensure!(block.is_some_and(|block| (block.first_row, block.rows, block.data.is_none()) == (5, 2, true)));
    Ok(())
}

pub(super) async fn results_are_removed_in_steps_and_the_operation_with_the_last(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[10], at(0)).await?;
    report(arena, 5).await?;
    ensure!(remove_results(arena, 9).await? == 0, "it has not ended");
    arena.end(ID, at(1)).await?;
    ensure!(remove_results(arena, 3).await? == 3);
    let left = arena.world.operations().rows(arena.tenant, ID, StoredRows::All, 0, 99).await?;
    ensure!(left.iter().map(|row| row.row).collect::<Vec<_>>() == [4, 5]);
    ensure!(arena.operation(ID).await?.state.is_final());
    ensure!(remove_results(arena, 3).await? == 2);
    let reader = arena.world.operations();
    ensure!(
        reader.find(arena.tenant, ID).await?.is_none() && reader.block_from(arena.tenant, ID, 0, 1).await?.is_none()
    );
    ensure!(remove_results(arena, 3).await? == 0 && remove_upload(arena, 3).await? == 0, "again, and nothing happens");
    Ok(())
}

pub(super) async fn what_is_still_needed_is_not_outdated(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[10], at(0)).await?;
    let mut batch = MailBatch { first_row: 1, last_row: 10, done_through: 0, deferred: Vec::new() };
    let mut uow = arena.begin().await?;
    uow.mails().insert(ID, 0, &batch, 10, at(0)).await?;
    ensure!(uow.operations().claim_key("key", KeyOwner::Operation(ID), None, at(20)).await?.is_none());
    uow.commit().await?;
    arena.end(ID, at(1)).await?;
    ensure!(outdated(arena, at(0), at(9)).await?.is_empty(), "mails and a key");
    batch.done_through = 10;
    let mut uow = arena.begin().await?;
    uow.mails().record(ID, 0, &batch, 10, 0, at(2)).await?;
    uow.commit().await?;
    ensure!(outdated(arena, at(0), at(9)).await?.is_empty(), "a key");
    let mut uow = arena.begin().await?;
    uow.operations().purge_keys(at(30)).await?;
    uow.commit().await?;
    ensure!(outdated(arena, at(0), at(9)).await? == [(ID, DueReason::OldResults)]);
    Ok(())
}

pub(super) async fn results_of_another_tenant_stay(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[2], at(0)).await?;
    report(arena, 1).await?;
    arena.end(ID, at(1)).await?;
    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.operations().remove_upload(ID, 9, at(2)).await? == 0);
    ensure!(uow.operations().remove_results(ID, 9).await? == 0);
    uow.commit().await?;
    ensure!(has_upload(arena, 0).await? && arena.operation(ID).await?.state.is_final());
    Ok(())
}
