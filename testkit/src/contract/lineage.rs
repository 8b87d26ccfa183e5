//! Operations that go on from others: plan and apply, retry.

use anyhow::{Context as _, Result, ensure};
use muster_domain::OperationId;
use muster_domain::operations::{
    BlockOutcome, NewOperation, OnError, OperationOptions, OperationState, Parent, Relation, Retried, RetriedRow,
    RowStatus, StoredRow, StoredRows, UndoAsked,
};

use super::Arena;
use super::arena::{at, blocks as payloads, new_operation, operation_id, user_id};

const ID: OperationId = operation_id(1);
const CHILD: OperationId = operation_id(2);
const PLAN: OperationOptions = OperationOptions { dry_run: true, ..OperationOptions::of(OnError::Continue) };

/// A dry run with these blocks, and `digests` for the first of them.
async fn plan(arena: &Arena<'_>, blocks: &[u32], digests: &[u8]) -> Result<()> {
    let mut uow = arena.begin().await?;
    let (count, rows) = (u32::try_from(blocks.len())?, blocks.iter().sum());
    uow.operations().insert(&new_operation(ID), at(0)).await?;
    ensure!(uow.operations().append_blocks(ID, &payloads(blocks), at(0)).await?);
    ensure!(uow.operations().queue(ID, PLAN, &[], rows, count, at(0)).await?);
    for (number, digest) in (0..).zip(digests) {
        uow.operations().store_digest(ID, number, [*digest; 32]).await?;
        uow.operations().settle_block(ID, number, BlockOutcome::made(1, 0), at(1)).await?;
    }
    Ok(uow.commit().await?)
}

async fn copy(arena: &Arena<'_>) -> Result<(u32, u32)> {
    let mut uow = arena.begin().await?;
    let parent = Some(Parent { id: ID, relation: Relation::Apply });
    uow.operations().insert(&NewOperation { parent, ..new_operation(CHILD) }, at(2)).await?;
    let copied = uow.operations().copy_plan(CHILD, ID).await?;
    uow.commit().await?;
    Ok(copied)
}

pub(super) async fn an_application_gets_the_rows_of_its_plan_and_what_they_are_to_come_to(
    arena: &Arena<'_>,
) -> Result<()> {
    plan(arena, &[3, 2], &[7, 9]).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().digests(ID).await? == [[7; 32], [9; 32]]);
    let mut planned = uow.operations().lock(ID).await?.context("no plan")?;
    ensure!(planned.options.dry_run && planned.plan.is_none());
    planned.state = OperationState::Succeeded;
    (planned.plan, planned.finished_at) = (Some([5; 32]), Some(at(1)));
    uow.operations().end(&planned).await?;
    uow.commit().await?;
    ensure!(copy(arena).await? == (5, 2));

    let mut uow = arena.begin().await?;
    ensure!(uow.operations().find(ID).await?.context("no plan")?.plan == Some([5; 32]));
    for (number, digest) in [(0, 7), (1, 9)] {
        let planned = uow.operations().lock_block(ID, number).await?.context("no block")?;
        let block = uow.operations().lock_block(CHILD, number).await?.context("no block")?;
        ensure!((block.expected, block.outcome) == (Some([digest; 32]), None));
        ensure!(block.payload == planned.payload && planned.expected.is_none() && !block.payload.data.is_empty());
    }
    ensure!(uow.operations().latest_child(ID, Relation::Apply).await? == Some(CHILD));
    ensure!(uow.operations().latest_child(ID, Relation::Undo).await?.is_none());
    uow.operations().settle_block(CHILD, 0, BlockOutcome::made(1, 0), at(3)).await?;
    uow.operations().accept_outcomes(CHILD).await?;
    ensure!(uow.operations().lock_block(CHILD, 1).await?.context("no block")?.expected.is_none());
    Ok(())
}

pub(super) async fn a_plan_that_is_not_whole_gives_nothing(arena: &Arena<'_>) -> Result<()> {
    plan(arena, &[3, 2], &[7]).await?;
    ensure!(copy(arena).await? == (0, 0));
    Ok(())
}

pub(super) async fn what_was_seen_to_and_who_wants_it_undone_is_remembered(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[1, 1], at(0)).await?;
    let mut uow = arena.begin().await?;
    uow.operations().note_prepared(ID, at(1)).await?;
    let mut operation = uow.operations().lock(ID).await?.context("no operation")?;
    ensure!(operation.is_prepared && operation.undo_asked.is_none());
    operation.cancel(at(2))?;
    operation.undo_asked = Some(UndoAsked { by: Some("ada".into()) });
    uow.operations().end(&operation).await?;
    uow.commit().await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().find(ID).await? == Some(operation));
    Ok(())
}

pub(super) async fn a_retried_row_counts_as_what_became_of_it_last(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[4], at(0)).await?;
    let mut uow = arena.begin().await?;
    let failed = [2, 3, 4].map(|row| StoredRow::new(row, 9, RowStatus::Failed));
    uow.operations().insert_rows(ID, &failed).await?;
    uow.operations().settle_block(ID, 0, BlockOutcome::made(1, 3), at(1)).await?;
    let parent = Some(Parent { id: ID, relation: Relation::Retry });
    uow.operations().insert(&NewOperation { parent, ..new_operation(CHILD) }, at(2)).await?;
    uow.operations().append_blocks(CHILD, &payloads(&[3]), at(2)).await?;
    let made = RetriedRow { by: CHILD, row: 1, status: RowStatus::Created, user: Some(user_id(1)) };
    let skipped = RetriedRow { by: CHILD, row: 2, status: RowStatus::Skipped, user: None };
    uow.operations().note_retried(ID, &[(2, made), (3, skipped), (1, made)]).await?;
    // Once it is known, it stays.
    uow.operations().note_retried(ID, &[(2, skipped)]).await?;
    let outcome = BlockOutcome { skipped: 1, ..BlockOutcome::made(1, 1) };
    uow.operations().settle_block(CHILD, 0, outcome, at(3)).await?;
    let retried = uow.operations().find(ID).await?.context("no operation")?.retried;
    ensure!(retried == Retried { retries: 1, created: 1, changed: 0, skipped: 1 }, "{retried:?}");
    uow.commit().await?;
    for (wanted, rows) in [
        (StoredRows::All, &[2, 3, 4][..]),
        (StoredRows::Problems, &[4]),
        (StoredRows::Only(RowStatus::Failed), &[4]),
        (StoredRows::Only(RowStatus::Created), &[2]),
        (StoredRows::Only(RowStatus::Skipped), &[3]),
    ] {
        let found = arena.world.operations().rows(arena.tenant, ID, wanted, 0, 9).await?;
        ensure!(found.iter().map(|row| row.row).eq(rows.iter().copied()), "{wanted:?}: {found:?}");
        ensure!(found.iter().all(|row| row.row != 2 || row.retried == Some(made)));
    }
    Ok(())
}
