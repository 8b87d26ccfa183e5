use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use muster_domain::OperationId;
use muster_domain::operations::{
    BlockOutcome, BlockPayload, FilePart, NewOperation, OperationFile, OperationKind, PauseReason, UploadFormat,
};

use super::Arena;
use super::arena::{OPTIONS, at, new_operation, operation_id};

/// Other data of the storage may be outdated as well.
const PLENTY: u32 = 100_000;
const ID: OperationId = operation_id(1);

async fn queue(arena: &Arena<'_>, id: OperationId) -> Result<()> {
    let block = BlockPayload { number: 0, first_row: 1, rows: 0, data: Bytes::from_static(b"whom") };
    let kind = OperationKind::UsersExport;
    let mut uow = arena.begin().await?;
    uow.operations().insert(&NewOperation { kind, ..new_operation(id) }, at(0)).await?;
    ensure!(uow.operations().append_blocks(id, &[block], at(0)).await?);
    ensure!(uow.operations().queue(id, OPTIONS, &[], 0, 1, at(0)).await?);
    Ok(uow.commit().await?)
}

async fn attempt(arena: &Arena<'_>, id: OperationId) -> Result<u32> {
    let mut uow = arena.begin().await?;
    uow.operations().lock_block(id, 0).await?.context("the block is not there")?;
    let attempt = uow.files().begin_attempt(id, 0).await?;
    uow.commit().await?;
    Ok(attempt)
}

fn part(offset: u64, data: &'static [u8]) -> FilePart {
    FilePart { offset, length: 4, data: Bytes::from_static(data) }
}

/// Parts of four bytes each, of the latest attempt.
async fn append(arena: &Arena<'_>, id: OperationId, parts: u32) -> Result<()> {
    let mut uow = arena.begin().await?;
    for n in 0..parts {
        uow.files().append_part(id, 0, &part(u64::from(n) * 4, b"\0\xFF\\"), (n + 1) * 10).await?;
    }
    Ok(uow.commit().await?)
}

fn file(attempt: u32) -> OperationFile {
    let format = UploadFormat::Csv;
    OperationFile { attempt, format, bytes: 12, rows: 30, blake3: [7; 32], created_at: at(2), expires_at: at(9) }
}

/// Ends an export with a file of three parts.
async fn finish(arena: &Arena<'_>, id: OperationId) -> Result<()> {
    let attempt = attempt(arena, id).await?;
    append(arena, id, 3).await?;
    let mut uow = arena.begin().await?;
    uow.files().store_file(id, &file(attempt)).await?;
    let outcome = BlockOutcome { exported: 30, ..BlockOutcome::default() };
    uow.operations().settle_block(id, 0, outcome, at(2)).await?;
    uow.commit().await?;
    arena.end(id, at(2)).await
}

async fn part_at(arena: &Arena<'_>, attempt: u32, offset: u64) -> Result<Option<u64>> {
    let mut uow = arena.begin().await?;
    Ok(uow.files().part_at(ID, attempt, offset).await?.map(|part| part.offset))
}

async fn remove(arena: &Arena<'_>, through: u32, at_most: u32) -> Result<u32> {
    let mut uow = arena.begin().await?;
    let removed = uow.files().remove_parts(ID, through, at_most).await?;
    uow.commit().await?;
    Ok(removed)
}

async fn outdated(arena: &Arena<'_>, minute: i64) -> Result<Vec<OperationId>> {
    let found = arena.world.operations().outdated_files(at(minute), PLENTY).await?;
    Ok(found.into_iter().filter(|due| due.tenant == arena.tenant).map(|due| due.operation).collect())
}

pub(super) async fn attempts_are_numbered_and_counted_anew(arena: &Arena<'_>) -> Result<()> {
    queue(arena, ID).await?;
    ensure!(attempt(arena, ID).await? == 1);
    append(arena, ID, 2).await?;
    let progress = arena.operation(ID).await?.progress;
    ensure!((progress.exported, progress.rows_done, progress.rows_total, progress.blocks_done) == (20, 20, 0, 0));
    ensure!(attempt(arena, ID).await? == 2);
    ensure!(arena.operation(ID).await?.progress.exported == 0);
    let mut uow = arena.begin().await?;
    let block = uow.operations().lock_block(ID, 0).await?.context("the block is not there")?;
    ensure!((block.attempt, block.payload.data) == (2, Bytes::from_static(b"whom")));
    Ok(())
}

pub(super) async fn a_part_is_found_by_any_of_its_bytes(arena: &Arena<'_>) -> Result<()> {
    queue(arena, ID).await?;
    attempt(arena, ID).await?;
    append(arena, ID, 3).await?;
    for (offset, found) in [(0, Some(0)), (3, Some(0)), (4, Some(4)), (11, Some(8)), (12, None), (99, None)] {
        ensure!(part_at(arena, 1, offset).await? == found, "byte {offset}");
    }
    ensure!(part_at(arena, 2, 0).await?.is_none(), "of another attempt");
    let mut uow = arena.begin().await?;
    ensure!(uow.files().part_at(ID, 1, 5).await? == Some(part(4, b"\0\xFF\\")));
    Ok(())
}

pub(super) async fn a_file_is_read_with_its_operation(arena: &Arena<'_>) -> Result<()> {
    queue(arena, ID).await?;
    ensure!(arena.operation(ID).await?.file.is_none());
    finish(arena, ID).await?;
    let operation = arena.operation(ID).await?;
    ensure!(operation.file == Some(file(1)));
    let progress = operation.progress;
    ensure!((progress.exported, progress.rows_done, progress.rows_total, progress.blocks_done) == (30, 30, 30, 1));
    ensure!(progress.skipped() == 0);
    let ledger = arena.world.operations().ledger(arena.tenant, ID, 0).await?;
    ensure!(ledger.is_empty(), "it has no rows");
    Ok(())
}

pub(super) async fn parts_are_removed_in_steps_with_their_attempts(arena: &Arena<'_>) -> Result<()> {
    queue(arena, ID).await?;
    for _ in 1..=2 {
        attempt(arena, ID).await?;
        append(arena, ID, 3).await?;
    }
    ensure!(remove(arena, 1, 2).await? == 2 && remove(arena, 1, 2).await? == 1 && remove(arena, 1, 2).await? == 0);
    ensure!(part_at(arena, 1, 8).await?.is_none() && part_at(arena, 2, 0).await?.is_some());
    ensure!(arena.operation(ID).await?.progress.exported == 30, "the second one goes on");
    ensure!(remove(arena, 2, 9).await? == 3);
    ensure!(arena.operation(ID).await?.progress.exported == 0);
    let mut uow = arena.begin().await?;
    let block = uow.operations().lock_block(ID, 0).await?.context("the block is not there")?;
    ensure!(block.attempt > 2, "whoever made the second one finds that it is over");
    Ok(())
}

pub(super) async fn parts_that_nobody_will_read_are_outdated(arena: &Arena<'_>) -> Result<()> {
    let [whole, paused, failed, running] = [1, 2, 3, 4].map(operation_id);
    for id in [whole, paused, failed, running] {
        queue(arena, id).await?;
    }
    finish(arena, whole).await?;
    for id in [paused, failed, running] {
        attempt(arena, id).await?;
        append(arena, id, 1).await?;
    }
    ensure!(outdated(arena, 8).await?.is_empty());
    let mut uow = arena.begin().await?;
    let mut operation = uow.operations().lock(paused).await?.context("not found")?;
    operation.pause(PauseReason::Asked, at(3))?;
    uow.operations().store(&operation, at(3)).await?;
    let mut operation = uow.operations().lock(failed).await?.context("not found")?;
    operation.cancel(at(4))?;
    uow.operations().end(&operation).await?;
    uow.commit().await?;
    let mut found = outdated(arena, 8).await?;
    found.sort_unstable();
    ensure!(found == [paused, failed]);
    ensure!(outdated(arena, 9).await?.first() == Some(&whole), "it has expired");
    let mut uow = arena.begin().await?;
    for id in [whole, paused, failed] {
        uow.files().remove_parts(id, u32::MAX, 9).await?;
        uow.files().forget_file(id, at(9)).await?;
    }
    uow.commit().await?;
    ensure!(outdated(arena, 99).await?.is_empty());
    ensure!(arena.operation(whole).await?.file.is_some(), "that it was there is still known");
    Ok(())
}

pub(super) async fn files_go_with_their_operation(arena: &Arena<'_>) -> Result<()> {
    queue(arena, ID).await?;
    finish(arena, ID).await?;
    let mut uow = arena.begin().await?;
    uow.operations().remove_results(ID, 9).await?;
    uow.commit().await?;
    ensure!(part_at(arena, 1, 0).await?.is_none() && outdated(arena, 99).await?.is_empty());
    Ok(())
}

pub(super) async fn files_never_meet(arena: &Arena<'_>) -> Result<()> {
    queue(arena, ID).await?;
    finish(arena, ID).await?;
    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.files().part_at(ID, 1, 0).await?.is_none());
    ensure!(uow.files().remove_parts(ID, u32::MAX, 9).await? == 0);
    uow.files().forget_file(ID, at(5)).await?;
    uow.commit().await?;
    ensure!(part_at(arena, 1, 0).await?.is_some() && outdated(arena, 9).await? == [ID]);
    Ok(())
}
