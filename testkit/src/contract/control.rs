use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use muster_domain::operations::{BlockOutcome, ErrorBudget, OperationState, PauseReason};
use tokio::time::timeout;

use super::Arena;
use super::arena::{at, operation_id};

const ID: muster_domain::OperationId = operation_id(1);
/// Longer than any lock that is free takes.
const SOON: Duration = Duration::from_secs(20);

async fn pause(arena: &Arena<'_>, minute: i64) -> Result<()> {
    let mut uow = arena.begin().await?;
    let mut operation = uow.operations().lock(ID).await?.context("not found for a lock")?;
    operation.pause(PauseReason::ErrorBudget, at(minute))?;
    uow.operations().store(&operation, at(minute)).await?;
    Ok(uow.commit().await?)
}

pub(super) async fn a_pause_and_a_budget_are_read_back(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[2], at(0)).await?;
    pause(arena, 3).await?;
    let mut paused = arena.operation(ID).await?;
    ensure!(paused.state == OperationState::Paused && paused.pause.map(|pause| pause.since) == Some(at(3)));
    ensure!(paused.pause.map(|pause| pause.reason) == Some(PauseReason::ErrorBudget));
    paused.progress.failed = 7;
    paused.resume(Some(ErrorBudget::Share(1_234)))?;
    let mut uow = arena.begin().await?;
    uow.operations().store(&paused, at(4)).await?;
    uow.commit().await?;
    let resumed = arena.operation(ID).await?;
    ensure!(resumed.state == OperationState::Queued && resumed.pause.is_none() && resumed.errors_accepted == 7);
    ensure!(resumed.options.max_errors == Some(ErrorBudget::Share(1_234)));
    Ok(())
}

pub(super) async fn who_resumes_is_not_begun_anew(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[2], at(0)).await?;
    arena.start(ID, at(1)).await?;
    pause(arena, 2).await?;
    arena.start(ID, at(3)).await?;
    let mut operation = arena.operation(ID).await?;
    ensure!(operation.state == OperationState::Paused, "a paused operation was started");
    operation.resume(None)?;
    let mut uow = arena.begin().await?;
    uow.operations().store(&operation, at(4)).await?;
    uow.commit().await?;
    arena.start(ID, at(5)).await?;
    let operation = arena.operation(ID).await?;
    ensure!(operation.state == OperationState::Running && operation.started_at == Some(at(1)));
    Ok(())
}

pub(super) async fn an_end_takes_the_pause_away(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[2], at(0)).await?;
    pause(arena, 1).await?;
    let mut uow = arena.begin().await?;
    let mut operation = uow.operations().lock(ID).await?.context("not found for a lock")?;
    operation.cancel(at(2))?;
    uow.operations().end(&operation).await?;
    uow.commit().await?;
    let operation = arena.operation(ID).await?;
    ensure!(operation.state == OperationState::Cancelled && operation.pause.is_none());
    Ok(())
}

pub(super) async fn who_moves_an_operation_waits_for_no_block_and_who_drains_it_for_all(
    arena: &Arena<'_>,
) -> Result<()> {
    arena.queue(ID, &[2, 2], at(0)).await?;
    let mut uow = arena.begin().await?;
    let block = uow.operations().lock_block(ID, 0).await?.context("no block")?;
    ensure!(block.operation == OperationState::Queued);
    // A storage that does one unit of work at a time lets them wait for the block.
    let draining = async {
        pause(arena, 1).await?;
        let mut uow = arena.begin().await?;
        uow.operations().drain(ID).await?;
        let done = uow.operations().find(ID).await?.context("it is gone")?.progress.blocks_done;
        uow.commit().await?;
        anyhow::Ok(done)
    };
    let settling = async {
        uow.operations().settle_block(ID, 0, BlockOutcome::default(), at(2)).await?;
        uow.commit().await?;
        anyhow::Ok(())
    };
    let (done, ()) = timeout(SOON, async { futures::try_join!(draining, settling) }).await.context("a deadlock")??;
    ensure!(done == 1, "the block was not waited for");
    let mut uow = arena.begin().await?;
    let block = uow.operations().lock_block(ID, 1).await?.context("no block")?;
    ensure!(block.operation == OperationState::Paused && block.outcome.is_none());
    Ok(())
}
