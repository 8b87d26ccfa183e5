use anyhow::Result;
use muster_application::imports::{NewUpload, Upload};
use muster_application::{ErrorCode, ErrorKind};
use muster_domain::operations::UploadFormat;

use crate::world::{ABORT, CONTINUE, SETTINGS, SILENT, World, import_row, people, tenant, until};

async fn begin(world: &World, key: &str) -> Result<Upload, muster_application::AppError> {
    world.app.begin_upload(world.ctx.clone(), NewUpload::import(UploadFormat::Csv, Some(key.to_owned()))).await
}

/// Pushes rows as `World::upload` does.
async fn push(upload: &mut Upload, count: usize) -> Result<(), muster_application::AppError> {
    for (line, row) in (2..).zip(&people("u", count)) {
        upload.absorb(format!("{},{}\n", row.0, row.1).as_bytes());
        upload.push(&import_row(line, row))?;
        upload.flush().await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_same_key_and_body_are_the_same_operation() -> Result<()> {
    // In one block, and in several.
    for count in [3, 10_001] {
        let world = World::new();
        let first = world.upload(Some("key"), &people("u", count), CONTINUE).await?;
        let second = world.upload(Some("key"), &people("u", count), CONTINUE).await?;
        assert_eq!((first.replayed, second.replayed), (false, true));
        assert_eq!(first.operation.id, second.operation.id);
        assert_eq!(world.stored().operations.len(), 1);
        assert_eq!(world.gateway.starts().len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_replay_shows_how_far_the_operation_is() -> Result<()> {
    let world = World::new();
    let first = world.upload(Some("key"), &people("u", 3), CONTINUE).await?;
    world.run(first.operation.id).await?;
    let second = world.upload(Some("key"), &people("u", 3), CONTINUE).await?;
    assert_eq!(second.operation.progress.created, 3);
    Ok(())
}

#[tokio::test]
async fn the_same_key_with_anything_else_is_refused() -> Result<()> {
    let world = World::new();
    world.upload(Some("key"), &people("u", 3), CONTINUE).await?;
    let attempts =
        [(people("u", 4), CONTINUE), (people("v", 3), CONTINUE), (people("u", 3), SILENT), (people("u", 3), ABORT)];
    for (rows, options) in attempts {
        let error = world.upload(Some("key"), &rows, options).await.unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Invalid, ErrorCode::IdempotencyKeyReused));
    }
    assert_eq!(world.stored().operations.len(), 1);
    Ok(())
}

#[tokio::test]
async fn without_a_key_each_request_is_an_operation() -> Result<()> {
    let world = World::new();
    world.upload(None, &people("u", 3), CONTINUE).await?;
    world.upload(None, &people("u", 3), CONTINUE).await?;
    world.upload(Some("key"), &people("u", 3), CONTINUE).await?;
    world.upload(Some("other key"), &people("u", 3), CONTINUE).await?;
    assert_eq!(world.stored().operations.len(), 4);
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_still_being_received_is_a_conflict() -> Result<()> {
    let world = World::new();
    let mut early = begin(&world, "key").await?;
    let mut first = begin(&world, "key").await?;
    push(&mut first, 10_001).await?;
    let error = begin(&world, "key").await.err().unwrap();
    assert_eq!((error.kind, error.code), (ErrorKind::Conflict, ErrorCode::IdempotencyKeyInUse));
    // One that began before the key was taken learns it as soon as it stores something.
    let error = push(&mut early, 10_001).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Conflict, ErrorCode::IdempotencyKeyInUse));
    drop(early);
    let submitted = first.finish(CONTINUE, &[]).await?;
    assert!(!submitted.replayed);
    assert_eq!(world.stored().operations.len(), 1);
    assert_eq!(world.run(submitted.operation.id).await?.progress.created, 10_001);
    Ok(())
}

#[tokio::test]
async fn of_two_small_requests_at_once_one_is_a_replay() -> Result<()> {
    let world = World::new();
    let (mut first, mut second) = (begin(&world, "key").await?, begin(&world, "key").await?);
    push(&mut first, 3).await?;
    push(&mut second, 3).await?;
    let (first, second) = tokio::join!(first.finish(CONTINUE, &[]), second.finish(CONTINUE, &[]));
    let (first, second) = (first?, second?);
    assert_eq!(first.operation.id, second.operation.id);
    assert!(first.replayed ^ second.replayed);
    assert_eq!(world.stored().operations.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_small_request_that_ends_while_a_big_one_comes_in_is_a_conflict() -> Result<()> {
    let world = World::new();
    let mut small = begin(&world, "key").await?;
    let mut big = begin(&world, "key").await?;
    push(&mut big, 10_001).await?;
    push(&mut small, 3).await?;
    let error = small.finish(CONTINUE, &[]).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Conflict, ErrorCode::IdempotencyKeyInUse));
    big.finish(CONTINUE, &[]).await?;
    Ok(())
}

#[tokio::test]
async fn a_big_request_replays_one_that_was_sealed_while_it_came_in() -> Result<()> {
    let world = World::new();
    let mut second = begin(&world, "key").await?;
    let first = world.upload(Some("key"), &people("u", 10_001), CONTINUE).await?;
    push(&mut second, 10_001).await?;
    let second = second.finish(CONTINUE, &[]).await?;
    assert!(second.replayed);
    assert_eq!(second.operation.id, first.operation.id);
    assert_eq!(world.stored().blocks.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_dropped_upload_frees_its_key() -> Result<()> {
    let world = World::new();
    let mut upload = begin(&world, "key").await?;
    push(&mut upload, 10_001).await?;
    drop(upload);
    until("the key is free", || world.stored().keys.is_empty()).await?;
    let submitted = world.upload(Some("key"), &people("v", 3), CONTINUE).await?;
    assert!(!submitted.replayed);
    Ok(())
}

#[tokio::test]
async fn a_key_is_the_tenants_own() -> Result<()> {
    let mut world = World::new();
    let first = world.upload(Some("key"), &people("u", 3), CONTINUE).await?;
    world.ctx = tenant(8);
    let second = world.upload(Some("key"), &people("v", 3), CONTINUE).await?;
    assert!(!second.replayed);
    let foreign = world.app.operation(&world.ctx, first.operation.id).await.unwrap_err();
    assert_eq!(foreign.kind, ErrorKind::NotFound);
    Ok(())
}

#[tokio::test]
async fn a_key_is_remembered_for_its_lifetime_and_then_forgotten() -> Result<()> {
    let world = World::new();
    let first = world.upload(Some("key"), &people("u", 3), CONTINUE).await?;
    world.run(first.operation.id).await?;
    world.clock.advance(SETTINGS.key_lifetime / 2);
    assert_eq!(world.app.sweep().await?.forgotten, 0);
    assert!(world.upload(Some("key"), &people("u", 3), CONTINUE).await?.replayed);
    world.clock.advance(SETTINGS.key_lifetime);
    assert_eq!(world.app.sweep().await?.forgotten, 1);
    assert!(!world.upload(Some("key"), &people("u", 3), CONTINUE).await?.replayed);
    assert_eq!(world.stored().operations.len(), 2);
    Ok(())
}
