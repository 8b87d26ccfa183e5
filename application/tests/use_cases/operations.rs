use anyhow::Result;
use chrono::TimeDelta;
use muster_application::ports::Clock as _;
use muster_domain::operations::OperationState;
use muster_testkit::memory::NoHeartbeat;

use crate::world::{ABORT, CONTINUE, Row, SILENT, World, people, tenant};

fn bad() -> Row {
    ("nope".to_owned(), "nope".to_owned())
}

#[tokio::test]
async fn operations_are_listed_the_latest_first_and_paged_to_the_end() -> Result<()> {
    let world = World::new();
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.insert(0, world.queue(&[people(&format!("u{n}-"), 1)], SILENT).await?);
        world.clock.advance(TimeDelta::seconds(i64::from(n % 2)));
    }
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = world.app.operations(&world.ctx, None, after, 2).await?;
        pages.push(page.items.iter().map(|operation| operation.id).collect::<Vec<_>>());
        after = page.next_after;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, ids.chunks(2).map(<[_]>::to_vec).collect::<Vec<_>>());
    let whole = world.app.operations(&world.ctx, None, None, 5).await?;
    assert_eq!((whole.items.len(), whole.next_after), (5, None));
    assert!(world.app.operations(&tenant(8), None, None, 5).await?.items.is_empty());
    Ok(())
}

#[tokio::test]
async fn operations_are_listed_by_state_with_their_progress() -> Result<()> {
    let world = World::new();
    let done = world.import(&[people("a", 3)], CONTINUE).await?.id;
    world.queue(&[people("b", 1)], CONTINUE).await?;
    let page = world.app.operations(&world.ctx, Some(OperationState::Succeeded), None, 10).await?;
    let [only] = page.items.as_slice() else { panic!("{} operations", page.items.len()) };
    assert_eq!((only.id, only.progress.created, only.progress.mails_queued()), (done, 3, 3));
    Ok(())
}

#[tokio::test]
async fn the_good_rows_of_an_aborted_upload_were_skipped() -> Result<()> {
    let world = World::new();
    let mut rows = people("u", 5);
    rows.push(bad());
    let progress = world.import(&[rows.clone()], ABORT).await?.progress;
    assert_eq!((progress.rows_done, progress.created, progress.failed, progress.skipped()), (6, 0, 1, 5));
    let progress = world.import(&[rows], CONTINUE).await?.progress;
    assert_eq!((progress.rows_done, progress.created, progress.failed, progress.skipped()), (6, 5, 1, 0));
    Ok(())
}

#[tokio::test]
async fn rows_and_mails_end_apart() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("a", 2), people("b", 2)], CONTINUE).await?;
    world.clock.advance(TimeDelta::seconds(10));
    let operation = world.run(id).await?;
    let rows_end = world.clock.now();
    assert_eq!(operation.state, OperationState::Succeeded);
    assert_eq!((operation.finished_at, operation.mails_finished_at()), (Some(rows_end), None));
    assert_eq!(operation.progress.mails_queued(), 4);

    world.clock.advance(TimeDelta::hours(24));
    world.send(id).await?;
    let operation = world.app.operation(&world.ctx, id).await?;
    assert_eq!((operation.finished_at, operation.mails_finished_at()), (Some(rows_end), Some(world.clock.now())));
    assert_eq!((operation.progress.mails_queued(), operation.progress.mails_sent), (0, 4));

    let silent = world.import(&[people("c", 2)], SILENT).await?;
    assert_eq!(silent.mails_finished_at(), None);
    Ok(())
}

#[tokio::test]
async fn an_operation_of_one_block_has_a_start_before_its_end() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("a", 2)], SILENT).await?;
    world.clock.advance(TimeDelta::seconds(10));
    let began = world.clock.now();
    world.range(id, &NoHeartbeat).await?;
    assert_eq!(world.app.operation(&world.ctx, id).await?.started_at, Some(began));
    Ok(())
}
