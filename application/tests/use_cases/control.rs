//! Operations are paused, go on, and are ended early; the ledger is right whatever happens in between.

use anyhow::Result;
use muster_application::operations::{FinishOperation, OnCancel, RangeDone, RunRange};
use muster_application::ports::Clock as _;
use muster_application::{AppError, ErrorCode, ErrorKind};
use muster_domain::OperationId;
use muster_domain::operations::{ErrorBudget, OperationOptions, OperationState, PauseReason};
use muster_testkit::memory::{Fault, NoHeartbeat};

use crate::world::{CONTINUE, Row, SETTINGS, World, people, tenant};

/// Three blocks of which each has a good row and a bad one.
fn mixed() -> Vec<Vec<Row>> {
    let block = |n: usize| vec![people(&format!("b{n}"), 1).remove(0), ("nope".to_owned(), "nope".to_owned())];
    (1..=3).map(block).collect()
}

fn budget(max_errors: ErrorBudget) -> OperationOptions {
    OperationOptions { max_errors: Some(max_errors), ..CONTINUE }
}

async fn range(world: &World, id: OperationId, first_block: u32, last_block: u32) -> Result<RangeDone, AppError> {
    let range = RunRange { operation: id, first_block, last_block };
    world.app.run_range(&world.ctx, range, &NoHeartbeat).await
}

async fn finish(world: &World, id: OperationId) -> Result<RangeDone, AppError> {
    world.app.finish_operation(&world.ctx, FinishOperation { operation: id, failure: None }).await
}

async fn state(world: &World, id: OperationId) -> Result<OperationState> {
    Ok(world.app.operation(&world.ctx, id).await?.state)
}

fn is_refused(error: &AppError, from: &str) -> bool {
    error.kind == ErrorKind::Conflict && error.code == ErrorCode::BusinessRuleViolation && error.message.contains(from)
}

#[tokio::test]
async fn a_paused_operation_does_nothing_until_it_is_resumed() -> Result<()> {
    let world = World::new();
    let id = world.queue(&mixed(), CONTINUE).await?;
    let paused = world.app.pause_operation(&world.ctx, id).await?;
    assert_eq!(
        (paused.state, paused.pause.map(|pause| pause.reason)),
        (OperationState::Paused, Some(PauseReason::Asked))
    );
    let done = range(&world, id, 0, 2).await?;
    assert!(done.paused && !done.ended);
    assert_eq!(world.app.operation(&world.ctx, id).await?.progress.blocks_done, 0);
    assert!(world.stored().users.is_empty());
    // Again, and nothing changes.
    assert_eq!(world.app.pause_operation(&world.ctx, id).await?.pause, paused.pause);

    let resumed = world.app.resume_operation(&world.ctx, id, None).await?;
    assert_eq!((resumed.state, resumed.pause), (OperationState::Queued, None));
    assert_eq!(world.gateway.wakes().len(), 1);
    world.run(id).await?;
    assert_eq!(state(&world, id).await?, OperationState::PartiallySucceeded);
    assert_eq!(world.stored().users.len(), 3);
    Ok(())
}

#[tokio::test]
async fn a_pause_between_blocks_keeps_what_is_done() -> Result<()> {
    let world = World::new();
    let id = world.queue(&mixed(), CONTINUE).await?;
    let started = world.clock.now();
    assert!(!range(&world, id, 0, 0).await?.paused);
    world.app.pause_operation(&world.ctx, id).await?;
    assert!(range(&world, id, 1, 2).await?.paused);
    // The workflow may be at its end already.
    assert!(finish(&world, id).await?.paused);
    let operation = world.app.operation(&world.ctx, id).await?;
    assert_eq!((operation.progress.blocks_done, operation.progress.created), (1, 1));
    world.app.resume_operation(&world.ctx, id, None).await?;
    world.clock.advance(chrono::TimeDelta::minutes(3));
    world.run(id).await?;
    let operation = world.app.operation(&world.ctx, id).await?;
    assert_eq!((operation.state, operation.progress.created), (OperationState::PartiallySucceeded, 3));
    assert_eq!(operation.started_at, Some(started), "it began before it was paused");
    Ok(())
}

#[tokio::test]
async fn a_cancelled_operation_keeps_what_is_done_and_does_no_more() -> Result<()> {
    for paused in [false, true] {
        let world = World::new();
        let id = world.queue(&mixed(), CONTINUE).await?;
        range(&world, id, 0, 0).await?;
        if paused {
            world.app.pause_operation(&world.ctx, id).await?;
        }
        let cancelled = world.app.cancel_operation(&world.ctx, id, OnCancel::Keep).await?.operation;
        assert!(cancelled.state == OperationState::Cancelled && cancelled.finished_at.is_some());
        let done = range(&world, id, 1, 2).await?;
        assert!(done.ended && !done.paused && done.has_mails, "{done:?}");
        assert_eq!(finish(&world, id).await?.state, OperationState::Cancelled);
        assert_eq!((world.stored().users.len(), world.stored().rows.len()), (1, 1));
        // Again, and nothing changes.
        assert_eq!(
            world.app.cancel_operation(&world.ctx, id, OnCancel::Keep).await?.operation.finished_at,
            cancelled.finished_at
        );
        for refused in
            [world.app.pause_operation(&world.ctx, id).await, world.app.resume_operation(&world.ctx, id, None).await]
        {
            assert!(is_refused(&refused.unwrap_err(), "cancelled"));
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_operation_that_has_ended_does_not_move() -> Result<()> {
    let world = World::new();
    let id = world.import(&[people("u", 2)], CONTINUE).await?.id;
    for refused in [
        world.app.pause_operation(&world.ctx, id).await,
        world.app.resume_operation(&world.ctx, id, None).await,
        world.app.cancel_operation(&world.ctx, id, OnCancel::Keep).await.map(|cancelled| cancelled.operation),
    ] {
        assert!(is_refused(&refused.unwrap_err(), "succeeded"));
    }
    Ok(())
}

#[tokio::test]
async fn of_another_tenant_there_is_no_operation() -> Result<()> {
    let world = World::new();
    let id = world.queue(&mixed(), CONTINUE).await?;
    let other = tenant(8);
    for refused in [
        world.app.pause_operation(&other, id).await,
        world.app.resume_operation(&other, id, None).await,
        world.app.cancel_operation(&other, id, OnCancel::Keep).await.map(|cancelled| cancelled.operation),
    ] {
        assert_eq!(refused.unwrap_err().kind, ErrorKind::NotFound);
    }
    assert_eq!(state(&world, id).await?, OperationState::Queued);
    Ok(())
}

#[tokio::test]
async fn the_error_budget_pauses_and_counts_anew_after_a_resume() -> Result<()> {
    let world = World::new();
    let id = world.queue(&mixed(), budget(ErrorBudget::Rows(0))).await?;
    for block in 0..2 {
        assert!(range(&world, id, 0, 2).await?.paused);
        let operation = world.app.operation(&world.ctx, id).await?;
        assert_eq!(operation.pause.map(|pause| pause.reason), Some(PauseReason::ErrorBudget));
        assert_eq!(operation.progress.blocks_done, block + 1, "the block that passed the budget was the last");
        world.app.resume_operation(&world.ctx, id, None).await?;
    }
    // After the last block nothing is left to be stopped.
    world.run(id).await?;
    assert_eq!(state(&world, id).await?, OperationState::PartiallySucceeded);
    Ok(())
}

#[tokio::test]
async fn a_greater_budget_lets_it_go_on_to_the_end() -> Result<()> {
    let world = World::new();
    let id = world.queue(&mixed(), budget(ErrorBudget::Share(1_000))).await?;
    assert!(range(&world, id, 0, 2).await?.paused);
    world.app.resume_operation(&world.ctx, id, Some(ErrorBudget::Share(10_000))).await?;
    assert!(!range(&world, id, 0, 2).await?.paused);
    world.run(id).await?;
    assert_eq!(state(&world, id).await?, OperationState::PartiallySucceeded);
    Ok(())
}

#[tokio::test]
async fn an_engine_that_is_down_is_told_by_the_sweeper() -> Result<()> {
    let world = World::new();
    let id = world.queue(&mixed(), CONTINUE).await?;
    world.app.pause_operation(&world.ctx, id).await?;
    world.clock.advance(SETTINGS.stalled_after * 2);
    world.app.sweep().await?;
    assert!(world.gateway.wakes().is_empty(), "a paused operation is nothing to look after");
    world.gateway.set_down(true);
    world.app.resume_operation(&world.ctx, id, None).await?;
    world.gateway.set_down(false);
    world.clock.advance(SETTINGS.stalled_after * 2);
    assert_eq!(world.app.sweep().await?.started, 1);
    assert_eq!(world.gateway.wakes().len(), 1);
    Ok(())
}

#[tokio::test]
async fn every_step_of_a_move_can_be_cut_and_repeated() -> Result<()> {
    for step in 1..=4 {
        for fault in [Fault::Call(step), Fault::Commit(1)] {
            let world = World::new();
            let id = world.queue(&mixed(), budget(ErrorBudget::Rows(0))).await?;
            world.store.fail_next(fault);
            if world.app.pause_operation(&world.ctx, id).await.is_err() {
                world.app.pause_operation(&world.ctx, id).await?;
            }
            world.store.fail_next(fault);
            if world.app.resume_operation(&world.ctx, id, None).await.is_err() {
                world.app.resume_operation(&world.ctx, id, None).await?;
            }
            world.store.fail_next(fault);
            while !matches!(range(&world, id, 0, 2).await, Ok(done) if done.paused) {}
            world.store.heal();
            let stored = world.app.operation(&world.ctx, id).await?;
            assert_eq!((stored.progress.blocks_done, stored.progress.failed), (1, 1), "{fault:?}");
            world.store.fail_next(fault);
            if world.app.cancel_operation(&world.ctx, id, OnCancel::Keep).await.is_err() {
                world.app.cancel_operation(&world.ctx, id, OnCancel::Keep).await?;
            }
            world.store.heal();
            assert_eq!(state(&world, id).await?, OperationState::Cancelled);
        }
    }
    Ok(())
}
