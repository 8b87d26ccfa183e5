use std::time::Duration;

use anyhow::Result;
use muster_application::ErrorKind;
use muster_domain::OperationId;
use muster_domain::operations::OperationState;
use muster_testkit::memory::MemoryWatch;
use tokio::time::Instant;
use uuid::Uuid;

use crate::world::{SETTINGS, SILENT, World, people};

const PATIENCE: Duration = Duration::from_mins(1);

/// Waits for an operation that ends meanwhile; how long that took by the paused clock of the runtime.
async fn wait_while_it_ends(world: &World, id: OperationId) -> Result<Duration> {
    let start = Instant::now();
    let run = async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        world.run(id).await
    };
    let (operation, ran) = tokio::join!(world.app.wait_for_operation(&world.ctx, id, PATIENCE), run);
    ran?;
    assert!(operation?.state.is_final());
    Ok(start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_of_the_end_at_once() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("u", 2), people("v", 2)], SILENT).await?;
    assert_eq!(wait_while_it_ends(&world, id).await?, Duration::ZERO);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_misses_the_notice_looks_again() -> Result<()> {
    let world = World::watched(SETTINGS, |_| MemoryWatch::deaf());
    let id = world.queue(&[people("u", 2)], SILENT).await?;
    let took = wait_while_it_ends(&world, id).await?;
    assert!(took > Duration::ZERO && took <= Duration::from_secs(2), "{took:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_has_ended_is_not_waited_for() -> Result<()> {
    let world = World::new();
    let id = world.import(&[people("u", 2)], SILENT).await?.id;
    let start = Instant::now();
    assert!(world.app.wait_for_operation(&world.ctx, id, PATIENCE).await?.state.is_final());
    assert_eq!(start.elapsed(), Duration::ZERO);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_told_to_who_waits_and_who_comes_later() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("u", 2)], SILENT).await?;
    let start = Instant::now();
    let pause = async {
        tokio::task::yield_now().await;
        world.app.pause_operation(&world.ctx, id).await
    };
    let (waited, paused) = tokio::join!(world.app.wait_for_operation(&world.ctx, id, PATIENCE), pause);
    assert_eq!((waited?.state, paused?.state), (OperationState::Paused, OperationState::Paused));
    assert_eq!(world.app.wait_for_operation(&world.ctx, id, PATIENCE).await?.state, OperationState::Paused);
    assert_eq!(start.elapsed(), Duration::ZERO);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn patience_runs_out() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("u", 2)], SILENT).await?;
    let start = Instant::now();
    assert!(!world.app.wait_for_operation(&world.ctx, id, PATIENCE).await?.state.is_final());
    assert!(start.elapsed() >= PATIENCE && start.elapsed() < PATIENCE * 2, "{:?}", start.elapsed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_has_no_patience_gets_it_as_it_is() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("u", 2)], SILENT).await?;
    let start = Instant::now();
    world.app.wait_for_operation(&world.ctx, id, Duration::ZERO).await?;
    assert_eq!(start.elapsed(), Duration::ZERO);
    let unknown = OperationId::new(Uuid::from_u128(404));
    let error = world.app.wait_for_operation(&world.ctx, unknown, PATIENCE).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    Ok(())
}
