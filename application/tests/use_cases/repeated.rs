//! Of rows that an upload has twice the first one wins, in whatever order its blocks are done.

use anyhow::Result;
use muster_application::operations::{FinishOperation, OperationRow, RowFilter, RunRange};
use muster_domain::OperationId;
use muster_domain::operations::{OnConflict, OperationOptions, OperationState};
use muster_testkit::memory::{CancelAfter, Fault, NoHeartbeat};

use crate::world::{CONTINUE, Row, World, pairs, problems};

fn row(email: &str, username: &str) -> Row {
    (format!("{email}@example.com"), username.to_owned())
}

/// Rows 4 to 6 and 8 repeat something of an earlier row; row 2 is wrong and takes nothing; row 7 repeats a loser only.
fn blocks() -> Vec<Vec<Row>> {
    vec![
        vec![row("a", "anna"), ("nope".to_owned(), "berta".to_owned())],
        vec![row("c", "carla"), row("A", "dora")],
        vec![row("e", "ANNA"), row("C", "Anna")],
        vec![row("b", "dora"), row("d", "carla"), row("f", "berta")],
    ]
}

async fn failed(world: &World, id: OperationId) -> Result<Vec<OperationRow>> {
    Ok(world.app.operation_rows(&world.ctx, id, RowFilter::Reported, 0, 100).await?.items)
}

async fn backwards(world: &World, id: OperationId) -> Result<()> {
    for block in (0..4).rev() {
        let range = RunRange { operation: id, first_block: block, last_block: block };
        world.app.run_range(&world.ctx, range, &NoHeartbeat).await?;
    }
    world.app.finish_operation(&world.ctx, FinishOperation { operation: id, failure: None }).await?;
    Ok(())
}

#[tokio::test]
async fn the_first_row_wins_although_its_block_is_done_last() -> Result<()> {
    for policy in [OnConflict::Fail, OnConflict::Update] {
        let world = World::new();
        let options = OperationOptions { on_conflict: policy, ..CONTINUE };
        let id = world.queue(&blocks(), options).await?;
        let done = world.app.prepare_operation(&world.ctx, id, &NoHeartbeat).await?;
        assert_eq!((done.ended, done.state), (false, OperationState::Running));
        backwards(&world, id).await?;
        let found = failed(&world, id).await?;
        let numbers: Vec<_> = found.iter().map(|row| row.row).collect();
        assert_eq!(numbers, [2, 4, 5, 6, 8]);
        let (email, username) = (("email", "duplicate_in_file"), ("username", "duplicate_in_file"));
        let expected = [vec![email], vec![username], vec![email, username], vec![username]];
        for (row, expected) in found.iter().skip(1).zip(expected) {
            assert_eq!(problems(row), pairs(&expected), "row {}", row.row);
            assert_eq!(row.line, Some(u64::from(row.row) + 1));
        }
        assert!(found.get(1).is_some_and(|row| row.problems.iter().any(|problem| problem.detail.contains("row 1 "))));
        let operation = world.app.operation(&world.ctx, id).await?;
        assert_eq!((operation.state, operation.progress.created), (OperationState::PartiallySucceeded, 4));
        assert_eq!((operation.progress.failed, operation.progress.rows_done), (5, 9));
    }
    Ok(())
}

#[tokio::test]
async fn it_is_seen_to_once_wherever_it_is_cut() -> Result<()> {
    for n in 1..25 {
        for fault in [Fault::Call(n), Fault::Commit(n), Fault::Answer(n)] {
            let world = World::new();
            let id = world.queue(&blocks(), CONTINUE).await?;
            world.store.fail_next(fault);
            while world.app.prepare_operation(&world.ctx, id, &NoHeartbeat).await.is_err() {}
            world.store.heal();
            assert_eq!(world.stored().rows.len(), 4, "{fault:?}");
            backwards(&world, id).await?;
            assert_eq!(world.app.operation(&world.ctx, id).await?.progress.created, 4, "{fault:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn one_whose_blocks_have_begun_is_left_as_it_is() -> Result<()> {
    let world = World::new();
    let id = world.queue(&blocks(), CONTINUE).await?;
    let range = RunRange { operation: id, first_block: 3, last_block: 3 };
    world.app.run_range(&world.ctx, range, &NoHeartbeat).await?;
    world.app.prepare_operation(&world.ctx, id, &NoHeartbeat).await?;
    assert!(world.stored().rows.is_empty());
    backwards(&world, id).await?;
    let operation = world.app.operation(&world.ctx, id).await?;
    assert_eq!((operation.progress.created, operation.progress.rows_done), (4, 9));
    Ok(())
}

#[tokio::test]
async fn a_worker_that_stops_leaves_it_to_another_one() -> Result<()> {
    let world = World::new();
    let id = world.queue(&blocks(), CONTINUE).await?;
    let stopped = world.app.prepare_operation(&world.ctx, id, &CancelAfter::new(2)).await;
    assert!(stopped.is_err() && world.stored().rows.is_empty());
    world.run(id).await?;
    assert_eq!(world.stored().rows.len(), 5);
    Ok(())
}
