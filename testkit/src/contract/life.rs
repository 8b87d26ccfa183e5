use anyhow::{Context as _, Result, ensure};
use muster_domain::operations::{OperationFailure, OperationState};

use super::Arena;
use super::arena::{at, operation_id};

pub(super) async fn queued_becomes_running(arena: &Arena<'_>) -> Result<()> {
    arena.queue(operation_id(1), &[2], at(0)).await?;
    arena.start(operation_id(1), at(5)).await?;
    let operation = arena.operation(operation_id(1)).await?;
    ensure!(operation.state == OperationState::Running && operation.started_at == Some(at(5)));
    Ok(())
}

pub(super) async fn start_changes_no_other_state(arena: &Arena<'_>) -> Result<()> {
    let [receiving, running, ended] = [1, 2, 3].map(operation_id);
    arena.receive(receiving, at(0)).await?;
    arena.queue(running, &[2], at(0)).await?;
    arena.start(running, at(1)).await?;
    arena.queue(ended, &[2], at(0)).await?;
    arena.end(ended, at(1)).await?;
    for id in [receiving, running, ended, operation_id(404)] {
        arena.start(id, at(5)).await?;
    }
    ensure!(arena.operation(receiving).await?.state == OperationState::Receiving);
    let running = arena.operation(running).await?;
    ensure!(running.state == OperationState::Running && running.started_at == Some(at(1)));
    let ended = arena.operation(ended).await?;
    ensure!(ended.state == OperationState::Succeeded && ended.started_at == Some(at(1)));
    Ok(())
}

pub(super) async fn the_end_is_stored(arena: &Arena<'_>) -> Result<()> {
    let [good, bad] = [1, 2].map(operation_id);
    let failure = OperationFailure { code: "ENDED".to_owned(), detail: "an operator's \"whim\"".to_owned() };
    arena.queue(good, &[2], at(0)).await?;
    arena.queue(bad, &[2], at(0)).await?;
    arena.start(good, at(1)).await?;
    arena.end(good, at(7)).await?;
    let mut uow = arena.begin().await?;
    let mut operation = uow.operations().lock(bad).await?.context("not found for a lock")?;
    operation.fail(failure.clone(), at(8))?;
    uow.operations().end(&operation).await?;
    uow.commit().await?;

    let good = arena.operation(good).await?;
    ensure!(good.state == OperationState::Succeeded && good.failure.is_none());
    ensure!((good.queued_at, good.started_at, good.finished_at) == (Some(at(0)), Some(at(1)), Some(at(7))));
    let bad = arena.operation(bad).await?;
    ensure!(bad.state == OperationState::Failed && bad.failure == Some(failure) && bad.finished_at == Some(at(8)));
    Ok(())
}

pub(super) async fn a_locked_operation_ends_once(arena: &Arena<'_>) -> Result<()> {
    let id = operation_id(1);
    arena.queue(id, &[2], at(0)).await?;
    let end = |minute| async move {
        let mut uow = arena.begin().await?;
        let mut operation = uow.operations().lock(id).await?.context("not found for a lock")?;
        let first = !operation.state.is_final();
        if first {
            operation.finish(at(minute))?;
            uow.operations().end(&operation).await?;
        }
        uow.commit().await?;
        anyhow::Ok(first.then_some(at(minute)))
    };
    let ends = futures::future::try_join_all((1..=6).map(end)).await?;
    let ends: Vec<_> = ends.into_iter().flatten().collect();
    ensure!(ends.len() == 1, "it ended {} times", ends.len());
    ensure!(arena.operation(id).await?.finished_at == ends.first().copied());
    Ok(())
}
