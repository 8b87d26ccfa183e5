//! Operations are followed: everybody is told of each change, and however many follow, storage is asked once a second.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use muster_application::operations::{OnCancel, Rendered, Watcher};
use muster_application::{AppError, Context, ErrorCode, ErrorKind, Settings};
use muster_domain::OperationId;
use muster_domain::operations::OperationState;
use muster_testkit::memory::{Fault, MemoryWatch};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::world::{SETTINGS, SILENT, World, people, tenant};

/// As often as the hub looks, and a little.
const TICK: Duration = Duration::from_millis(1_100);

async fn watch(world: &World, ctx: &Context, id: OperationId) -> Result<Watcher, AppError> {
    world.app.watch_operation(ctx, id).await
}

fn state(watcher: &mut Watcher) -> Option<OperationState> {
    watcher.sighting().map(|sighting| sighting.operation.state)
}

async fn queued(world: &World) -> Result<OperationId> {
    world.queue(&[people("u", 2), people("v", 2)], SILENT).await
}

/// Questions that storage is asked within ten seconds and a half.
async fn questions(world: &World) -> u32 {
    let before = world.store.questions();
    sleep(Duration::from_millis(10_500)).await;
    world.store.questions() - before
}

#[tokio::test(start_paused = true)]
async fn who_follows_is_told_of_every_move_at_once() -> Result<()> {
    let world = World::new();
    let id = queued(&world).await?;
    let mut watcher = watch(&world, &world.ctx, id).await?;
    let start = Instant::now();
    assert_eq!(state(&mut watcher), Some(OperationState::Queued));
    world.app.pause_operation(&world.ctx, id).await?;
    watcher.changed().await;
    assert_eq!(state(&mut watcher), Some(OperationState::Paused));
    world.app.resume_operation(&world.ctx, id, None).await?;
    watcher.changed().await;
    assert_eq!(state(&mut watcher), Some(OperationState::Queued));
    world.app.cancel_operation(&world.ctx, id, OnCancel::Keep).await?;
    watcher.changed().await;
    assert_eq!(state(&mut watcher), Some(OperationState::Cancelled));
    assert_eq!(start.elapsed(), Duration::ZERO);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn progress_and_missed_moves_are_seen_within_a_second() -> Result<()> {
    let world = World::watched(SETTINGS, |_| MemoryWatch::deaf());
    let id = queued(&world).await?;
    let mut watcher = watch(&world, &world.ctx, id).await?;
    world.range(id, &muster_testkit::memory::CancelAfter::new(1)).await.unwrap_err();
    timeout(TICK, watcher.changed()).await?;
    assert_eq!(watcher.sighting().map(|sighting| sighting.operation.progress.blocks_done), Some(1));
    world.run(id).await?;
    timeout(TICK, watcher.changed()).await?;
    assert_eq!(state(&mut watcher), Some(OperationState::Succeeded));
    // Nothing changes, and nobody is told of nothing.
    timeout(TICK * 5, watcher.changed()).await.unwrap_err();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn however_many_follow_storage_is_asked_once_a_second() -> Result<()> {
    let world = World::new();
    let mut ids = Vec::new();
    for n in 0..100 {
        ids.push(world.queue(&[people(&format!("u{n}"), 1)], SILENT).await?);
    }
    for watched in [1, 100] {
        let before = world.store.questions();
        let followed = ids.iter().cycle().take(watched).cycle().take(1_000);
        let joins = followed.map(|id| watch(&world, &world.ctx, *id));
        let mut watchers = futures::future::try_join_all(joins).await?;
        assert_eq!(world.store.questions() - before, 1, "all who came at once");
        assert_eq!(questions(&world).await, 10);
        let mut seen = |at: usize| watchers.get_mut(at).and_then(Watcher::sighting).map(|seen| Arc::as_ptr(&seen));
        assert_eq!(seen(0), seen(watched), "those of one operation share what was seen");
        drop(watchers);
        assert!(questions(&world).await <= 1, "nobody follows, and nobody looks");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_sighting_is_rendered_once_for_all() -> Result<()> {
    let world = World::new();
    let id = queued(&world).await?;
    let mut watchers = [watch(&world, &world.ctx, id).await?, watch(&world, &world.ctx, id).await?];
    let mut rendered = 0;
    for watcher in &mut watchers {
        let sighting = watcher.sighting().unwrap();
        sighting.rendered(|_| {
            rendered += 1;
            Rendered { id: 7, event: Bytes::from_static(b"x") }
        });
    }
    assert_eq!(rendered, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn tenants_never_meet_in_the_hub() -> Result<()> {
    let world = World::new();
    let id = queued(&world).await?;
    let mut own = watch(&world, &world.ctx, id).await?;
    for ctx in [tenant(8), tenant(9)] {
        let error = watch(&world, &ctx, id).await.err().unwrap();
        assert_eq!((error.kind, error.code), (ErrorKind::NotFound, ErrorCode::EntityNotFound));
    }
    let unknown = OperationId::new(Uuid::from_u128(404));
    assert_eq!(watch(&world, &world.ctx, unknown).await.err().unwrap().kind, ErrorKind::NotFound);
    world.app.cancel_operation(&world.ctx, id, OnCancel::Keep).await?;
    own.changed().await;
    assert_eq!(state(&mut own), Some(OperationState::Cancelled));
    assert_eq!(questions(&world).await, 10, "only the one that somebody follows is looked at");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_was_not_there_may_come() -> Result<()> {
    let world = World::new();
    let id = OperationId::new(Uuid::from_u128(0x0190_0000));
    assert!(watch(&world, &world.ctx, id).await.is_err());
    let id = queued(&world).await?;
    assert_eq!(state(&mut watch(&world, &world.ctx, id).await?), Some(OperationState::Queued));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn storage_that_is_down_refuses_who_comes_and_keeps_who_follows() -> Result<()> {
    let world = World::new();
    let id = queued(&world).await?;
    world.store.fail_next(Fault::Call(1));
    let error = watch(&world, &world.ctx, id).await.err().unwrap();
    assert_eq!((error.kind, error.code), (ErrorKind::Unavailable, ErrorCode::ServiceUnavailable));
    let mut watcher = watch(&world, &world.ctx, id).await?;
    world.store.fail_next(Fault::Call(1));
    sleep(TICK).await;
    assert!(!world.store.heal(), "the look has failed");
    assert_eq!(state(&mut watcher), Some(OperationState::Queued));
    world.app.pause_operation(&world.ctx, id).await?;
    watcher.changed().await;
    assert_eq!(state(&mut watcher), Some(OperationState::Paused));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn there_are_only_so_many_watchers_and_who_leaves_makes_room() -> Result<()> {
    let world = World::with(Settings { max_watchers: 2, ..SETTINGS });
    let id = queued(&world).await?;
    let first = watch(&world, &world.ctx, id).await?;
    let _second = watch(&world, &world.ctx, id).await?;
    let error = watch(&world, &world.ctx, id).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("watched"), "{error}");
    drop(first);
    // Who finds nothing leaves room, too.
    let unknown = OperationId::new(Uuid::from_u128(404));
    for _ in 0..3 {
        assert_eq!(watch(&world, &world.ctx, unknown).await.err().unwrap().kind, ErrorKind::NotFound);
    }
    watch(&world, &world.ctx, id).await?;
    Ok(())
}
