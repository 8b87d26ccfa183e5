//! One tenant has only so much going on at a time, and sends only so much in a day.

use anyhow::Result;
use chrono::TimeDelta;
use muster_application::imports::NewUpload;
use muster_application::{AppError, ErrorCode, ErrorKind, Settings, TenantLimits};
use muster_domain::operations::{OperationOptions, UploadFormat};

use crate::world::{CONTINUE, SETTINGS, World, import_row, people, tenant};

fn limited(operations: Option<u32>, rows_a_day: Option<u64>) -> World {
    World::with(Settings { tenant_limits: TenantLimits { rows_a_day, operations }, ..SETTINGS })
}

fn is_refused(error: &AppError) -> bool {
    error.kind == ErrorKind::RateLimited && error.code == ErrorCode::TenantLimit
}

#[tokio::test]
async fn another_operation_begins_when_one_has_ended() -> Result<()> {
    let world = limited(Some(2), None);
    let first = world.upload(Some("first"), &people("a", 1), CONTINUE).await?.operation;
    world.upload(None, &people("b", 1), CONTINUE).await?;
    assert!(is_refused(&world.upload(Some("third"), &people("c", 1), CONTINUE).await.unwrap_err()));
    // Who repeats a request begins nothing.
    assert!(world.upload(Some("first"), &people("a", 1), CONTINUE).await?.replayed);
    // What was done may be taken back, and others are not held up.
    world.run(first.id).await?;
    world.upload(Some("third"), &people("c", 1), CONTINUE).await?;
    world.app.undo_operation(&world.ctx, first.id).await?;
    assert!(is_refused(&world.upload(None, &people("d", 1), CONTINUE).await.unwrap_err()));
    let new = NewUpload::import(UploadFormat::Csv, None);
    let mut other = world.app.begin_upload(tenant(2), new).await?;
    other.push(&import_row(2, &people("d", 1).remove(0)))?;
    other.finish(CONTINUE, &[]).await?;
    Ok(())
}

#[tokio::test]
async fn rows_of_a_day_are_counted() -> Result<()> {
    let world = limited(None, Some(5));
    world.upload(None, &people("a", 3), CONTINUE).await?;
    assert!(is_refused(&world.upload(None, &people("b", 3), CONTINUE).await.unwrap_err()));
    world.upload(None, &people("b", 2), CONTINUE).await?;
    let plan = OperationOptions { dry_run: true, ..CONTINUE };
    assert!(is_refused(&world.upload(None, &people("c", 1), plan).await.unwrap_err()));
    world.clock.advance(TimeDelta::hours(25));
    world.upload(None, &people("c", 5), CONTINUE).await?;
    Ok(())
}

#[tokio::test]
async fn an_upload_of_several_blocks_is_refused_at_its_end_and_leaves_nothing() -> Result<()> {
    let world = limited(None, Some(15_000));
    assert!(is_refused(&world.upload(None, &people("a", 15_001), CONTINUE).await.unwrap_err()));
    crate::world::until("its removal", || world.stored().operations.is_empty()).await?;
    world.upload(None, &people("a", 15_000), CONTINUE).await?;
    Ok(())
}
