//! What ended long ago is removed, in small steps that can be cut and repeated.

use anyhow::Result;
use chrono::TimeDelta;
use muster_application::ErrorKind;
use muster_application::operations::{OnCancel, Swept};
use muster_domain::OperationId;
use muster_testkit::memory::Fault;

use crate::world::{CONTINUE, Row, SETTINGS, SILENT, World, people};

/// Three blocks with a bad row each.
fn blocks() -> Vec<Vec<Row>> {
    let bad = || ("nope".to_owned(), "nope".to_owned());
    (1..=3).map(|n| vec![people(&format!("b{n}"), 1).remove(0), bad()]).collect()
}

fn has_upload(world: &World, id: OperationId) -> bool {
    world.stored().blocks.iter().any(|((operation, _), block)| *operation == id && !block.payload.data.is_empty())
}

#[tokio::test]
async fn an_upload_goes_after_a_week_and_the_operation_after_a_month() -> Result<()> {
    let world = World::new();
    let id = world.import(&blocks(), SILENT).await?.id;
    let before = world.app.operation(&world.ctx, id).await?;
    world.clock.advance(SETTINGS.upload_keep);
    assert_eq!(world.app.sweep().await?, Swept::default());
    assert!(has_upload(&world, id));

    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(world.app.sweep().await?, Swept { uploads: 1, ..Swept::default() });
    assert!(!has_upload(&world, id));
    assert_eq!(world.app.operation(&world.ctx, id).await?, before);
    assert_eq!(world.app.sweep().await?, Swept::default(), "once");

    world.clock.advance(SETTINGS.result_keep - SETTINGS.upload_keep);
    assert_eq!(world.app.sweep().await?, Swept { results: 1, ..Swept::default() });
    let stored = world.stored();
    assert!(stored.operations.is_empty() && stored.blocks.is_empty() && stored.rows.is_empty());
    assert_eq!(stored.users.len(), 3, "users stay");
    let error = world.app.operation(&world.ctx, id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(world.app.sweep().await?, Swept::default());
    Ok(())
}

#[tokio::test]
async fn what_has_not_ended_stays() -> Result<()> {
    let world = World::new();
    let paused = world.queue(&blocks(), SILENT).await?;
    world.app.pause_operation(&world.ctx, paused).await?;
    world.clock.advance(SETTINGS.result_keep * 3);
    world.app.sweep().await?;
    assert!(has_upload(&world, paused));
    // From its end on it is kept like any other.
    world.app.cancel_operation(&world.ctx, paused, OnCancel::Keep).await?;
    assert_eq!(world.app.sweep().await?, Swept::default());
    world.clock.advance(SETTINGS.result_keep * 2);
    assert_eq!(world.app.sweep().await?, Swept { uploads: 1, results: 1, ..Swept::default() });
    assert!(world.stored().operations.is_empty());
    Ok(())
}

#[tokio::test]
async fn an_operation_stays_while_a_key_stands_for_it_or_mails_are_to_be_sent() -> Result<()> {
    let keep = SETTINGS.result_keep * 2;
    let world = World::with(muster_application::Settings { key_lifetime: keep, ..SETTINGS });
    let rows = people("u", 2);
    let submitted = world.upload(Some("key"), &rows, CONTINUE).await?;
    let id = submitted.operation.id;
    world.run(id).await?;
    world.clock.advance(SETTINGS.result_keep + TimeDelta::days(1));
    world.app.sweep().await?;
    assert!(world.stored().operations.contains_key(&id), "mails and a key");
    world.send(id).await?;
    world.app.sweep().await?;
    let again = world.upload(Some("key"), &rows, CONTINUE).await?;
    assert!(again.replayed && again.operation.id == id, "a repeated request finds it");
    world.clock.advance(keep);
    let swept = world.app.sweep().await?;
    assert_eq!((swept.forgotten, swept.results), (1, 1), "the key first, and then what it stood for");
    assert!(world.stored().operations.is_empty() && world.stored().mails.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_removal_that_is_cut_anywhere_is_made_good_by_the_next() -> Result<()> {
    for fault in (1..=10).map(Fault::Call).chain((1..=3).map(Fault::Commit)) {
        let world = World::new();
        world.import(&blocks(), SILENT).await?;
        let other = world.import(&[people("o", 2)], SILENT).await?.id;
        world.clock.advance(SETTINGS.result_keep * 2);
        world.store.fail_next(fault);
        let cut = world.app.sweep().await.is_err();
        assert_eq!(cut, !world.store.heal(), "{fault:?}");
        world.app.sweep().await?;
        world.app.sweep().await?;
        let stored = world.stored();
        assert!(stored.operations.is_empty() && stored.rows.is_empty() && !has_upload(&world, other), "{fault:?}");
        assert_eq!(stored.users.len(), 5);
    }
    Ok(())
}

#[tokio::test]
async fn a_sweep_removes_only_so_much() -> Result<()> {
    let world = World::new();
    let bad: Vec<Row> = (0..60_000).map(|n| (format!("nope {n}"), "n".to_owned())).collect();
    for _ in 0..2 {
        world.import(std::slice::from_ref(&bad), SILENT).await?;
        world.clock.advance(TimeDelta::seconds(1));
    }
    world.clock.advance(SETTINGS.result_keep);
    let swept = world.app.sweep().await?;
    assert_eq!((swept.results, world.stored().operations.len()), (1, 1), "the eldest");
    let left = world.stored().rows.len();
    assert!((15_000..=25_000).contains(&left), "{left}");
    assert_eq!(world.app.sweep().await?.results, 1);
    assert!(world.stored().rows.is_empty());
    Ok(())
}
