//! A dry run writes nothing and says what would become of each row; applied, it comes to just that or to nothing.

use anyhow::{Context as _, Result};
use muster_application::operations::{OnCancel, OperationRow, RowFilter};
use muster_application::{AppError, ErrorCode, ErrorKind};
use muster_domain::OperationId;
use muster_domain::operations::{
    OnConflict, OnError, Operation, OperationKind, OperationOptions, OperationState, PauseReason, PlanDigest, Relation,
    RowStatus,
};
use muster_testkit::memory::{Fault, NoHeartbeat};

use crate::world::{CONTINUE, Row, World, people};

const PLAN: OperationOptions = OperationOptions { dry_run: true, ..CONTINUE };

/// A row of somebody new, one of somebody who is there and one that is wrong; of each block.
fn mixed(blocks: usize) -> Vec<Vec<Row>> {
    let block = |n: usize| {
        let mut rows = people(&format!("n{n}-"), 2);
        rows.push((format!("old{n}@example.com"), format!("renamed{n}")));
        rows.push(("nope".to_owned(), format!("wrong{n}")));
        rows
    };
    (1..=blocks).map(block).collect()
}

async fn old_ones(world: &World, count: usize) -> Result<()> {
    for n in 1..=count {
        world.make(&format!("old{n}")).await?;
    }
    Ok(())
}

async fn plan(world: &World, blocks: usize, options: OperationOptions) -> Result<(Operation, PlanDigest)> {
    let operation = world.import(&mixed(blocks), options).await?;
    let digest = operation.plan.context("no digest")?;
    Ok((operation, digest))
}

async fn apply(world: &World, plan: OperationId, digest: PlanDigest) -> Result<Operation, AppError> {
    let applied = world.app.apply_operation(&world.ctx, plan, digest).await?;
    assert!(!applied.replayed);
    assert_eq!(applied.operation.parent.map(|parent| parent.relation), Some(Relation::Apply));
    world.run(applied.operation.id).await
}

async fn rows(world: &World, id: OperationId) -> Result<Vec<OperationRow>> {
    Ok(world.app.operation_rows(&world.ctx, id, RowFilter::All, 0, 1_000).await?.items)
}

fn counts(operation: &Operation) -> (u64, u64, u64, u64) {
    let progress = &operation.progress;
    (progress.created, progress.changed, progress.skipped(), progress.failed)
}

#[tokio::test]
async fn a_plan_writes_nothing_and_its_application_comes_to_the_same() -> Result<()> {
    for (blocks, policy) in
        [(1, OnConflict::Update), (1, OnConflict::Skip), (3, OnConflict::Update), (3, OnConflict::Fail)]
    {
        let world = World::new();
        old_ones(&world, blocks).await?;
        let before = world.stored();
        let options = OperationOptions { on_conflict: policy, send_welcome: true, ..PLAN };
        let (planned, digest) = plan(&world, blocks, options).await?;
        let after = world.stored();
        assert_eq!((&after.users, &after.events, &after.mails), (&before.users, &before.events, &before.mails));
        assert!(after.welcomes == before.welcomes && after.block_events == before.block_events);
        assert!(after.rows_of(planned.id).iter().all(|row| row.before.is_none() && row.version.is_none()));
        let planned_rows = rows(&world, planned.id).await?;
        assert!(planned_rows.iter().all(|row| row.status != RowStatus::Created || row.user.is_none()));

        let done = apply(&world, planned.id, digest).await?;
        assert_eq!((done.kind, counts(&done)), (OperationKind::UsersImport, counts(&planned)), "{policy:?}");
        assert_eq!(done.progress.created, 2 * u64::try_from(blocks)?);
        assert_eq!(done.progress.mails_total, done.progress.created);
        let told = |row: &OperationRow| (row.row, row.status, row.problems.clone());
        assert_eq!(
            rows(&world, done.id).await?.iter().map(told).collect::<Vec<_>>(),
            planned_rows.iter().map(told).collect::<Vec<_>>()
        );
        // Asked again, nothing is done again.
        let again = world.app.apply_operation(&world.ctx, planned.id, digest).await?;
        assert_eq!((again.replayed, again.operation.id), (true, done.id));
    }
    Ok(())
}

#[tokio::test]
async fn an_all_or_nothing_plan_with_a_bad_row_is_one_of_nothing() -> Result<()> {
    let world = World::new();
    let options = OperationOptions { on_error: OnError::Abort, ..PLAN };
    let (planned, digest) = plan(&world, 1, options).await?;
    assert_eq!((planned.state, counts(&planned)), (OperationState::Failed, (0, 0, 3, 1)));
    let done = apply(&world, planned.id, digest).await?;
    assert_eq!((done.state, counts(&done)), (OperationState::Failed, (0, 0, 3, 1)));
    assert!(world.stored().users.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_would_come_to_something_else_is_not_done() -> Result<()> {
    for blocks in [1, 3] {
        let world = World::new();
        let (planned, digest) = plan(&world, blocks, PLAN).await?;
        // Somebody takes a user name of the last block.
        let taken = world.make(&format!("n{blocks}--1")).await?;
        let done = apply(&world, planned.id, digest).await?;
        assert_eq!(done.state, OperationState::Failed);
        assert!(done.failure.as_ref().is_some_and(muster_domain::operations::OperationFailure::is_of_plan), "{done:?}");
        assert_eq!(counts(&done), (0, 0, 0, 0));
        assert_eq!(world.stored().users.len(), 1);
        // The name is free again, and what was planned can be done.
        world.app.force_delete_user(&world.ctx, taken.id).await?;
        let done = apply(&world, planned.id, digest).await?;
        assert_eq!((done.state, counts(&done)), (OperationState::PartiallySucceeded, counts(&planned)));
    }
    Ok(())
}

#[tokio::test]
async fn a_block_that_differs_after_all_were_looked_at_waits_for_somebody() -> Result<()> {
    let world = World::new();
    let (planned, digest) = plan(&world, 3, PLAN).await?;
    let id = world.app.apply_operation(&world.ctx, planned.id, digest).await?.operation.id;
    let done = world.app.prepare_operation(&world.ctx, id, &NoHeartbeat).await?;
    assert!(!done.ended && !done.paused);
    world.make("n2--1").await?;
    let done = world.range(id, &NoHeartbeat).await?;
    assert!(done.paused && !done.ended);
    let paused = world.app.operation(&world.ctx, id).await?;
    assert_eq!(paused.pause.map(|pause| pause.reason), Some(PauseReason::OutcomeDiffers));
    // The block before it is done, of the block that differs nothing is.
    assert_eq!((paused.progress.blocks_done, paused.progress.created), (1, 3));

    world.app.resume_operation(&world.ctx, id, None).await?;
    let done = world.run(id).await?;
    assert_eq!((done.state, counts(&done)), (OperationState::PartiallySucceeded, (8, 0, 0, 4)));
    Ok(())
}

#[tokio::test]
async fn the_pause_before_it_comes_about_once_wherever_it_is_cut() -> Result<()> {
    for n in 1..40 {
        for fault in [Fault::Call(n), Fault::Commit(n), Fault::Answer(n)] {
            let world = World::new();
            let (planned, digest) = plan(&world, 3, PLAN).await?;
            let id = world.app.apply_operation(&world.ctx, planned.id, digest).await?.operation.id;
            world.app.prepare_operation(&world.ctx, id, &NoHeartbeat).await?;
            world.make("n2--1").await?;
            world.store.fail_next(fault);
            while !matches!(world.range(id, &NoHeartbeat).await, Ok(done) if done.paused) {}
            world.store.heal();
            let paused = world.app.operation(&world.ctx, id).await?;
            assert_eq!(paused.pause.map(|pause| pause.reason), Some(PauseReason::OutcomeDiffers), "{fault:?}");
            assert_eq!((paused.progress.blocks_done, paused.progress.created), (1, 3), "{fault:?}");
            world.store.fail_next(fault);
            if world.app.resume_operation(&world.ctx, id, None).await.is_err() {
                world.app.resume_operation(&world.ctx, id, None).await?;
            }
            while world.run(id).await.is_err() {}
            world.store.heal();
            let done = world.app.operation(&world.ctx, id).await?;
            assert_eq!(counts(&done), (8, 0, 0, 4), "{fault:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn only_a_plan_that_is_whole_is_applied_and_only_by_its_digest() -> Result<()> {
    let world = World::new();
    let conflict =
        |error: AppError| error.kind == ErrorKind::Conflict && error.code == ErrorCode::BusinessRuleViolation;
    let import = world.import(&[people("u", 2)], CONTINUE).await?;
    assert!(conflict(world.app.apply_operation(&world.ctx, import.id, [0; 32]).await.unwrap_err()));
    let queued = world.queue(&mixed(2), PLAN).await?;
    assert!(conflict(world.app.apply_operation(&world.ctx, queued, [0; 32]).await.unwrap_err()));
    world.app.cancel_operation(&world.ctx, queued, OnCancel::Keep).await?;
    assert!(conflict(world.app.apply_operation(&world.ctx, queued, [0; 32]).await.unwrap_err()));
    let (planned, digest) = plan(&world, 1, PLAN).await?;
    let error = world.app.apply_operation(&world.ctx, planned.id, [0; 32]).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::PreconditionFailed, ErrorCode::OutcomeDiffers));
    assert!(conflict(world.app.undo_operation(&world.ctx, planned.id).await.unwrap_err()));
    assert_eq!(apply(&world, planned.id, digest).await?.progress.created, 3);
    Ok(())
}

#[tokio::test]
async fn a_plan_is_applied_once_wherever_it_is_cut() -> Result<()> {
    for n in 1..60 {
        for fault in [Fault::Call(n), Fault::Commit(n), Fault::Answer(n)] {
            let world = World::new();
            old_ones(&world, 2).await?;
            let options = OperationOptions { on_conflict: OnConflict::Update, ..PLAN };
            let id = world.queue(&mixed(2), options).await?;
            world.store.fail_next(fault);
            let planned = loop {
                if let Ok(planned) = world.run(id).await {
                    break planned;
                }
            };
            let digest = planned.plan.context("no digest")?;
            let applied = loop {
                if let Ok(applied) = world.app.apply_operation(&world.ctx, id, digest).await {
                    break applied.operation;
                }
            };
            let done = loop {
                if let Ok(done) = world.run(applied.id).await {
                    break done;
                }
            };
            world.store.heal();
            assert_eq!((counts(&planned), counts(&done)), ((4, 2, 0, 2), (4, 2, 0, 2)), "{fault:?}");
            assert_eq!(world.stored().users.len(), 6, "{fault:?}");
            let children = world.stored().operations.values().filter(|operation| operation.parent.is_some()).count();
            assert_eq!(children, 1, "{fault:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn who_cancels_may_have_what_was_done_undone() -> Result<()> {
    let world = World::new();
    let id = world.queue(&mixed(3), CONTINUE).await?;
    let range = muster_application::operations::RunRange { operation: id, first_block: 0, last_block: 1 };
    world.app.run_range(&world.ctx, range, &NoHeartbeat).await?;
    assert_eq!(world.stored().users.len(), 6);
    let cancelled = world.app.cancel_operation(&world.ctx, id, OnCancel::Undo).await?;
    let undo = cancelled.undo.context("no undo")?;
    let again = world.app.cancel_operation(&world.ctx, id, OnCancel::Undo).await?;
    assert_eq!(again.undo, Some(undo));
    assert_eq!(world.run(undo).await?.state, OperationState::Succeeded);
    assert!(world.stored().users.is_empty());
    assert_eq!(world.app.operation(&world.ctx, id).await?.state, OperationState::Undone);

    // Of one that had done nothing there is nothing to undo.
    let id = world.queue(&mixed(2), CONTINUE).await?;
    let cancelled = world.app.cancel_operation(&world.ctx, id, OnCancel::Undo).await?;
    assert_eq!((cancelled.undo, cancelled.operation.state), (None, OperationState::Cancelled));
    Ok(())
}

#[tokio::test]
async fn the_undo_begins_although_the_one_who_cancelled_dies() -> Result<()> {
    for n in 1..12 {
        for fault in [Fault::Call(n), Fault::Commit(n), Fault::Answer(n)] {
            let world = World::new();
            let id = world.queue(&mixed(3), CONTINUE).await?;
            let range = muster_application::operations::RunRange { operation: id, first_block: 0, last_block: 0 };
            world.app.run_range(&world.ctx, range, &NoHeartbeat).await?;
            world.store.fail_next(fault);
            let asked = world.app.cancel_operation(&world.ctx, id, OnCancel::Undo).await;
            world.store.heal();
            if world.app.operation(&world.ctx, id).await?.state != OperationState::Cancelled {
                assert!(asked.is_err(), "{fault:?}");
                continue;
            }
            // All that is left is the workflow, which finds the operation cancelled.
            world.run(id).await?;
            let stored = world.stored();
            let undo: Vec<_> = stored.operations.iter().filter(|(_, stored)| stored.parent.is_some()).collect();
            assert_eq!(undo.len(), 1, "{fault:?}");
            world.run(*undo.first().context("no undo")?.0).await?;
            assert!(world.stored().users.is_empty(), "{fault:?}");
        }
    }
    Ok(())
}
