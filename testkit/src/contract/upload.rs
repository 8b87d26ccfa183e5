use anyhow::{Context as _, Result, ensure};
use muster_domain::operations::{
    KeyOwner, OnError, OperationKind, OperationOptions, OperationState, Progress, StoredRows, UploadFormat,
};

use super::Arena;
use super::arena::{OPTIONS, at, blocks, operation_id};

pub(super) async fn a_new_operation_is_receiving(arena: &Arena<'_>) -> Result<()> {
    let id = operation_id(1);
    arena.receive(id, at(0)).await?;
    let mut uow = arena.begin().await?;
    let found = uow.operations().find(id).await?.context("not found in a unit of work")?;
    let locked = uow.operations().lock(id).await?.context("not found for a lock")?;
    drop(uow);
    for operation in [found, locked, arena.operation(id).await?] {
        ensure!((operation.id, operation.tenant) == (id, arena.tenant));
        ensure!(operation.state == OperationState::Receiving);
        ensure!((operation.kind, operation.format) == (OperationKind::UsersImport, UploadFormat::Csv));
        // The timestamp in its users' ids: not the time of the insert.
        ensure!(operation.created_at == at(-1));
        ensure!((operation.queued_at, operation.started_at, operation.finished_at) == (None, None, None));
        ensure!(operation.progress == Progress::default() && operation.failure.is_none());
    }
    Ok(())
}

pub(super) async fn blocks_are_given_back_as_they_were_stored(arena: &Arena<'_>) -> Result<()> {
    let (id, blocks) = (operation_id(1), blocks(&[3, 2]));
    arena.receive(id, at(0)).await?;
    for block in &blocks {
        let mut uow = arena.begin().await?;
        ensure!(uow.operations().append_blocks(id, std::slice::from_ref(block), at(0)).await?);
        uow.commit().await?;
    }
    let mut uow = arena.begin().await?;
    for block in blocks {
        let stored = uow.operations().lock_block(id, block.number).await?.context("the block is not there")?;
        ensure!(stored.payload == block && stored.outcome.is_none());
    }
    Ok(())
}

pub(super) async fn blocks_are_appended_only_while_receiving(arena: &Arena<'_>) -> Result<()> {
    arena.queue(operation_id(1), &[2], at(0)).await?;
    let more = blocks(&[2, 2]);
    for id in [operation_id(1), operation_id(404)] {
        let mut uow = arena.begin().await?;
        ensure!(!uow.operations().append_blocks(id, more.get(1..).unwrap_or_default(), at(1)).await?);
    }
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().lock_block(operation_id(1), 1).await?.is_none());
    Ok(())
}

pub(super) async fn an_upload_is_queued_once(arena: &Arena<'_>) -> Result<()> {
    let id = operation_id(1);
    arena.receive(id, at(0)).await?;
    let first = OperationOptions { send_welcome: false, ..OperationOptions::of(OnError::Abort) };
    let columns = ["shoe \"size\"".to_owned(), "größe,{}".to_owned()];
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().append_blocks(id, &blocks(&[3, 2]), at(1)).await?);
    ensure!(uow.operations().queue(id, first, &columns, 5, 2, at(1)).await?);
    uow.commit().await?;

    let mut uow = arena.begin().await?;
    ensure!(!uow.operations().queue(id, OPTIONS, &[], 9, 9, at(2)).await?, "queued twice");
    ensure!(!uow.operations().queue(operation_id(404), OPTIONS, &[], 9, 9, at(2)).await?);
    uow.commit().await?;

    let operation = arena.operation(id).await?;
    ensure!(operation.state == OperationState::Queued && operation.queued_at == Some(at(1)));
    ensure!(operation.options == first && operation.unknown_columns == columns);
    ensure!(operation.progress == Progress { rows_total: 5, blocks_total: 2, ..Progress::default() });
    Ok(())
}

pub(super) async fn only_what_is_receiving_is_discarded(arena: &Arena<'_>) -> Result<()> {
    let [receiving, queued, unknown] = [1, 2, 404].map(operation_id);
    arena.receive(receiving, at(0)).await?;
    arena.queue(queued, &[2], at(0)).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().discard(receiving).await?);
    ensure!(!uow.operations().discard(receiving).await?, "discarded twice");
    ensure!(!uow.operations().discard(queued).await?);
    ensure!(!uow.operations().discard(unknown).await?);
    uow.commit().await?;
    ensure!(arena.world.operations().find(arena.tenant, receiving).await?.is_none());
    ensure!(arena.operation(queued).await?.state == OperationState::Queued);
    Ok(())
}

pub(super) async fn a_discard_takes_the_blocks_and_the_key_along(arena: &Arena<'_>) -> Result<()> {
    let id = operation_id(1);
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().claim_key("key", KeyOwner::Operation(id), None, at(9)).await?.is_none());
    uow.operations().insert(&super::arena::new_operation(id), at(0)).await?;
    ensure!(uow.operations().append_blocks(id, &blocks(&[2]), at(0)).await?);
    uow.commit().await?;

    let mut uow = arena.begin().await?;
    ensure!(uow.operations().discard(id).await?);
    uow.commit().await?;

    let mut uow = arena.begin().await?;
    ensure!(uow.operations().find_key("key").await?.is_none());
    ensure!(uow.operations().lock_block(id, 0).await?.is_none());
    ensure!(uow.operations().open_blocks(id, 0, 9).await?.is_empty());
    Ok(())
}

pub(super) async fn an_unknown_operation_is_none(arena: &Arena<'_>) -> Result<()> {
    let id = operation_id(404);
    ensure!(arena.world.operations().find(arena.tenant, id).await?.is_none());
    ensure!(arena.world.operations().rows(arena.tenant, id, StoredRows::All, 0, 10).await?.is_empty());
    ensure!(arena.world.operations().ledger(arena.tenant, id, 0).await?.is_empty());
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().find(id).await?.is_none());
    ensure!(uow.operations().lock(id).await?.is_none());
    Ok(())
}
