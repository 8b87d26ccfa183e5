use anyhow::{Context as _, Result, ensure};
use muster_domain::OperationId;
use muster_domain::operations::{BlockOutcome, Progress, RowStatus, SettledBlock, StoredRow, StoredRows};
use serde_json::Value;

use super::Arena;
use super::arena::{at, operation_id};

const ID: OperationId = operation_id(1);

async fn settle(arena: &Arena<'_>, block: u32, created: u32, failed: u32) -> Result<()> {
    settle_at(arena, block, created, failed, 1).await
}

async fn settle_at(arena: &Arena<'_>, block: u32, created: u32, failed: u32, minute: i64) -> Result<()> {
    let mut uow = arena.begin().await?;
    uow.operations().settle_block(ID, block, BlockOutcome::made(created, failed), at(minute)).await?;
    Ok(uow.commit().await?)
}

fn row(row: u32, code: &str) -> StoredRow {
    let problems = format!(r#"[{{"field": "email", "code": "{code}", "detail": "Ü \"x\""}}]"#);
    StoredRow { problems, ..StoredRow::new(row, u64::from(row) + 5_000_000_000, RowStatus::Failed) }
}

/// Storage may write JSON in its own way.
fn same(a: &StoredRow, b: &StoredRow) -> Result<bool> {
    let problems = |row: &StoredRow| serde_json::from_str::<Value>(&row.problems).context("no JSON");
    Ok((a.row, a.line, a.status) == (b.row, b.line, b.status) && problems(a)? == problems(b)?)
}

pub(super) async fn a_block_that_does_not_exist_is_none(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[2], at(0)).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().lock_block(ID, 1).await?.is_none());
    ensure!(uow.operations().lock_block(operation_id(404), 0).await?.is_none());
    Ok(())
}

pub(super) async fn a_settled_block_has_its_outcome(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[5, 2], at(0)).await?;
    settle(arena, 0, 3, 2).await?;
    let mut uow = arena.begin().await?;
    let done = uow.operations().lock_block(ID, 0).await?.context("the block is not there")?;
    ensure!(done.outcome == Some(BlockOutcome::made(3, 2)));
    let open = uow.operations().lock_block(ID, 1).await?.context("the block is not there")?;
    ensure!(open.outcome.is_none());
    Ok(())
}

pub(super) async fn open_blocks_are_those_of_the_range_without_an_outcome(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[1, 1, 1, 1, 1], at(0)).await?;
    arena.queue(operation_id(2), &[1, 1, 1], at(0)).await?;
    settle(arena, 2, 1, 0).await?;
    // An outcome of nothing is an outcome.
    settle(arena, 4, 0, 0).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().open_blocks(ID, 0, 99).await? == [0, 1, 3]);
    ensure!(uow.operations().open_blocks(ID, 1, 3).await? == [1, 3]);
    ensure!(uow.operations().open_blocks(ID, 2, 2).await?.is_empty());
    Ok(())
}

pub(super) async fn progress_is_summed_over_the_ledger(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[5, 4, 3], at(0)).await?;
    arena.queue(operation_id(2), &[7], at(0)).await?;
    settle_at(arena, 2, 1, 2, 6).await?;
    // All or nothing: two bad rows, and two others that were not done for their sake.
    settle_at(arena, 1, 0, 2, 4).await?;
    let progress = Progress {
        rows_total: 12,
        rows_done: 7,
        created: 1,
        failed: 4,
        blocks_total: 3,
        blocks_done: 2,
        settled_at: Some(at(6)),
        ..Progress::default()
    };
    ensure!(arena.operation(ID).await?.progress == progress);
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().find(ID).await?.context("not found")?.progress == progress);
    ensure!(uow.operations().lock(ID).await?.context("not found")?.progress == progress);
    Ok(())
}

pub(super) async fn a_locked_block_is_done_once(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[2], at(0)).await?;
    let work = |created| async move {
        let mut uow = arena.begin().await?;
        let block = uow.operations().lock_block(ID, 0).await?.context("the block is not there")?;
        if let Some(outcome) = block.outcome {
            return anyhow::Ok((outcome.created, false));
        }
        uow.operations().settle_block(ID, 0, BlockOutcome::made(created, 0), at(1)).await?;
        uow.commit().await?;
        Ok((created, true))
    };
    let seen = futures::future::try_join_all((1..=6).map(work)).await?;
    ensure!(seen.iter().filter(|(_, did)| *did).count() == 1, "the block was done more than once");
    ensure!(seen.windows(2).all(|pair| pair.first().map(|s| s.0) == pair.last().map(|s| s.0)));
    Ok(())
}

pub(super) async fn rows_are_read_in_order_after_a_row_up_to_a_limit(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[9], at(0)).await?;
    let mut uow = arena.begin().await?;
    let refused = StoredRow { status: RowStatus::MailRefused, ..row(2, "mail_refused") };
    uow.operations().insert_rows(ID, &[row(7, "missing"), refused.clone(), row(5, "too_long")]).await?;
    uow.operations().insert_rows(ID, &[row(3, "duplicate")]).await?;
    uow.commit().await?;

    let reader = arena.world.operations();
    let all = reader.rows(arena.tenant, ID, StoredRows::All, 0, 10).await?;
    let expected = [refused, row(3, "duplicate"), row(5, "too_long"), row(7, "missing")];
    ensure!(all.len() == expected.len(), "{} rows", all.len());
    for (got, wanted) in all.iter().zip(&expected) {
        ensure!(same(got, wanted)?, "{got:?} is not {wanted:?}");
    }
    let page: Vec<_> = reader.rows(arena.tenant, ID, StoredRows::All, 2, 2).await?.iter().map(|row| row.row).collect();
    ensure!(page == [3, 5]);
    ensure!(reader.rows(arena.tenant, ID, StoredRows::All, 7, 10).await?.is_empty());
    Ok(())
}

pub(super) async fn rows_are_read_by_status(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[9], at(0)).await?;
    let mut uow = arena.begin().await?;
    let refused = |n| StoredRow { status: RowStatus::MailRefused, ..row(n, "mail_refused") };
    uow.operations().insert_rows(ID, &[row(1, "missing"), refused(2), row(3, "missing"), refused(4)]).await?;
    uow.commit().await?;
    for (status, after, limit, expected) in [
        (RowStatus::Failed, 0, 10, vec![1, 3]),
        (RowStatus::MailRefused, 0, 10, vec![2, 4]),
        (RowStatus::MailRefused, 2, 10, vec![4]),
        (RowStatus::Failed, 0, 1, vec![1]),
        (RowStatus::Created, 0, 10, vec![]),
    ] {
        let rows = arena.world.operations().rows(arena.tenant, ID, StoredRows::Only(status), after, limit).await?;
        ensure!(rows.iter().map(|row| row.row).collect::<Vec<_>>() == expected, "{status:?}");
    }
    Ok(())
}

pub(super) async fn the_ledger_has_the_blocks_that_are_done_in_order(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[5, 4, 3, 2], at(0)).await?;
    arena.queue(operation_id(2), &[7], at(0)).await?;
    settle(arena, 3, 0, 2).await?;
    settle(arena, 0, 5, 0).await?;
    settle(arena, 2, 1, 2).await?;
    let line = |first_row, rows, created, failed| {
        let outcome = BlockOutcome::made(created, failed);
        SettledBlock { first_row, rows, outcome }
    };
    let all = [line(1, 5, 5, 0), line(10, 3, 1, 2), line(13, 2, 0, 2)];
    // A block counts as long as one of its rows is after the given one.
    for (after, skipped) in [(0, 0), (4, 0), (5, 1), (11, 1), (12, 2), (13, 2), (14, 3), (u32::MAX, 3)] {
        let found = arena.world.operations().ledger(arena.tenant, ID, after).await?;
        ensure!(Some(found.as_slice()) == all.get(skipped..), "after {after}: {found:?}");
    }
    Ok(())
}

pub(super) async fn a_row_that_is_there_is_kept(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[9], at(0)).await?;
    for rows in [vec![row(3, "first")], vec![row(3, "second"), row(4, "other")]] {
        let mut uow = arena.begin().await?;
        uow.operations().insert_rows(ID, &rows).await?;
        uow.commit().await?;
    }
    let rows = arena.world.operations().rows(arena.tenant, ID, StoredRows::All, 0, 10).await?;
    let [first, other] = rows.as_slice() else { anyhow::bail!("{} rows instead of 2", rows.len()) };
    ensure!(same(first, &row(3, "first"))? && same(other, &row(4, "other"))?);
    Ok(())
}

pub(super) async fn blocks_are_read_as_uploaded_from_a_number_or_a_row_on(arena: &Arena<'_>) -> Result<()> {
    arena.queue(operation_id(1), &[3, 2, 4], at(0)).await?;
    let outcome = BlockOutcome::made(1, 1);
    let mut uow = arena.begin().await?;
    uow.operations().settle_block(operation_id(1), 1, outcome, at(1)).await?;
    uow.commit().await?;
    let stored = super::arena::blocks(&[3, 2, 4]);
    let reader = arena.world.operations();
    for (from, row, expected) in [
        (0, 1, Some(0)),
        (0, 3, Some(0)),
        (0, 4, Some(1)),
        (1, 1, Some(1)),
        (2, 4, Some(2)),
        (0, 9, Some(2)),
        (0, 10, None),
        (3, 1, None),
    ] {
        let found = reader.block_from(arena.tenant, operation_id(1), from, row).await?;
        ensure!(found.as_ref().map(|block| block.number) == expected, "from {from}, row {row}: {found:?}");
        let Some(block) = found else { continue };
        ensure!(block.outcome == (block.number == 1).then_some(outcome));
        let payload = stored.iter().find(|payload| payload.number == block.number).context("an unknown block")?;
        let given = (block.first_row, block.rows, block.data.as_ref());
        ensure!(given == (payload.first_row, payload.rows, Some(&payload.data)));
    }
    ensure!(reader.block_from(arena.other, operation_id(1), 0, 1).await?.is_none());
    Ok(())
}
