use anyhow::Result;
use muster_application::imports::{ImportRow, NewUpload, decode_block};
use muster_application::{ErrorCode, ErrorKind, Settings};
use muster_domain::operations::{BLOCK_ROWS, OperationState, UploadFormat};
use muster_testkit::memory::Fault;

use crate::world::{ABORT, CONTINUE, SETTINGS, SILENT, World, import_row, people, until};

#[tokio::test]
async fn a_small_upload_is_queued_and_its_workflow_is_asked_for() -> Result<()> {
    let world = World::new();
    let submitted = world.upload(None, &people("u", 3), SILENT).await?;
    assert!(!submitted.replayed);
    let operation = world.app.operation(&world.ctx, submitted.operation.id).await?;
    assert_eq!(operation.state, OperationState::Queued);
    assert_eq!(operation.options, SILENT);
    assert_eq!((operation.progress.rows_total, operation.progress.blocks_total), (3, 1));
    let starts: Vec<_> = world.gateway.starts().iter().map(|s| (s.tenant, s.operation, s.blocks)).collect();
    assert_eq!(starts, [(world.ctx.tenant, operation.id, 1)]);
    Ok(())
}

#[tokio::test]
async fn an_upload_of_several_blocks_keeps_every_row_in_order() -> Result<()> {
    let world = World::new();
    let rows = people("u", 20_001);
    let id = world.upload(Some("key"), &rows, CONTINUE).await?.operation.id;
    let operation = world.app.operation(&world.ctx, id).await?;
    assert_eq!((operation.progress.rows_total, operation.progress.blocks_total), (20_001, 3));
    let mut lines = Vec::new();
    for block in world.stored().blocks.values() {
        let text = decode_block(&block.payload)?;
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let row: ImportRow<'_> = serde_json::from_slice(line)?;
            lines.push((row.line, row.email.unwrap().into_owned()));
        }
    }
    let sent: Vec<_> = (2..).zip(rows.into_iter().map(|(email, _)| email)).collect();
    assert_eq!(lines, sent);
    Ok(())
}

#[tokio::test]
async fn an_upload_that_ends_with_a_full_block_has_no_empty_one() -> Result<()> {
    let world = World::new();
    let rows = people("u", usize::try_from(BLOCK_ROWS)?);
    let operation = world.upload(None, &rows, CONTINUE).await?.operation;
    assert_eq!((operation.progress.rows_total, operation.progress.blocks_total), (u64::from(BLOCK_ROWS), 1));
    assert_eq!(world.stored().blocks.len(), 1);
    Ok(())
}

#[tokio::test]
async fn unknown_columns_are_kept() -> Result<()> {
    let world = World::new();
    let mut upload = world.app.begin_upload(world.ctx.clone(), NewUpload::import(UploadFormat::Csv, None)).await?;
    upload.push(&import_row(2, &people("u", 1)[0]))?;
    let submitted = upload.finish(CONTINUE, &["shoe size".to_owned()]).await?;
    assert_eq!(submitted.operation.unknown_columns, ["shoe size"]);
    Ok(())
}

#[tokio::test]
async fn an_upload_without_rows_is_refused() -> Result<()> {
    let world = World::new();
    let error = world.upload(Some("key"), &[], CONTINUE).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert_eq!(world.stored(), <_>::default());
    Ok(())
}

#[tokio::test]
async fn each_format_has_its_limit() -> Result<()> {
    let world = World::with(Settings { max_json_rows: 2, max_rows: 3, ..SETTINGS });
    for (format, limit) in [(UploadFormat::Json, 2), (UploadFormat::Ndjson, 3), (UploadFormat::Csv, 3)] {
        let mut upload = world.app.begin_upload(world.ctx.clone(), NewUpload::import(format, None)).await?;
        let rows = people("u", 9);
        for row in &rows[..limit] {
            upload.push(&import_row(1, row))?;
        }
        let error = upload.push(&import_row(1, &rows[limit])).unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::TooLarge, ErrorCode::PayloadTooLarge), "{format:?}");
    }
    Ok(())
}

#[tokio::test]
async fn all_or_nothing_is_limited_to_one_block_and_leaves_nothing_behind() -> Result<()> {
    let world = World::new();
    let error = world.upload(Some("key"), &people("u", 10_001), ABORT).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    until("the upload is removed", || world.stored() == <_>::default()).await?;
    assert!(world.gateway.starts().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_dropped_upload_leaves_nothing_behind() -> Result<()> {
    let world = World::new();
    let mut upload =
        world.app.begin_upload(world.ctx.clone(), NewUpload::import(UploadFormat::Csv, Some("key".to_owned()))).await?;
    for row in &people("u", 20_000) {
        upload.push(&import_row(1, row))?;
        upload.flush().await?;
    }
    assert_eq!(world.stored().operations.len(), 1, "the upload is being received");
    drop(upload);
    until("the upload is removed", || world.stored() == <_>::default()).await
}

#[tokio::test]
async fn a_discarded_upload_leaves_nothing_behind_when_it_returns() -> Result<()> {
    let world = World::new();
    let mut upload =
        world.app.begin_upload(world.ctx.clone(), NewUpload::import(UploadFormat::Csv, Some("key".to_owned()))).await?;
    for row in &people("u", 20_000) {
        upload.push(&import_row(1, row))?;
        upload.flush().await?;
    }
    upload.discard().await;
    assert_eq!(world.stored(), <_>::default());
    Ok(())
}

#[tokio::test]
async fn an_upload_dropped_before_a_block_was_full_has_stored_nothing() -> Result<()> {
    let world = World::new();
    let mut upload =
        world.app.begin_upload(world.ctx.clone(), NewUpload::import(UploadFormat::Csv, Some("key".to_owned()))).await?;
    upload.push(&import_row(1, &people("u", 1)[0]))?;
    upload.flush().await?;
    assert_eq!(world.stored(), <_>::default());
    Ok(())
}

#[tokio::test]
async fn an_upload_that_the_sweeper_removed_says_so() -> Result<()> {
    let world = World::new();
    let mut upload = world.app.begin_upload(world.ctx.clone(), NewUpload::import(UploadFormat::Csv, None)).await?;
    for row in &people("u", 10_001) {
        upload.push(&import_row(1, row))?;
        upload.flush().await?;
    }
    until("the first block is stored", || world.stored().blocks.len() == 1).await?;
    world.clock.advance(SETTINGS.abandoned_after * 2);
    assert_eq!(world.app.sweep().await?.discarded, 1);
    let error = upload.finish(CONTINUE, &[]).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Conflict, ErrorCode::UploadAbandoned));
    assert_eq!(world.stored(), <_>::default());
    assert!(world.gateway.starts().is_empty());
    Ok(())
}

#[tokio::test]
async fn an_upload_that_storage_failed_cannot_be_finished_with_a_block_missing() -> Result<()> {
    for call in 1..=6 {
        let world = World::new();
        let mut upload = world.app.begin_upload(world.ctx.clone(), NewUpload::import(UploadFormat::Csv, None)).await?;
        world.store.fail_next(Fault::Call(call));
        let mut failed = false;
        for row in &people("u", 10_001) {
            upload.push(&import_row(1, row))?;
            failed |= upload.flush().await.is_err();
        }
        // A caller that overlooks the error above must not get an operation that lacks rows.
        match upload.finish(CONTINUE, &[]).await {
            Ok(submitted) => {
                assert!(!failed, "call {call}");
                assert_eq!(world.run(submitted.operation.id).await?.progress.created, 10_001);
            }
            Err(_) => until("the upload is removed", || world.stored() == <_>::default()).await?,
        }
    }
    Ok(())
}

#[tokio::test]
async fn storage_that_fails_at_any_step_leaves_nothing_half_done() -> Result<()> {
    for rows in [3, 10_001] {
        let rows = people("u", rows);
        for call in 1.. {
            let world = World::new();
            world.store.fail_next(Fault::Call(call));
            let result = world.upload(Some("key"), &rows, CONTINUE).await;
            if world.store.heal() {
                assert!(result.is_ok());
                break;
            }
            assert_eq!(result.unwrap_err().kind, ErrorKind::Unavailable, "call {call}");
            until("the upload is removed", || world.stored() == <_>::default()).await?;
            assert!(world.gateway.starts().is_empty());
            let again = world.upload(Some("key"), &rows, CONTINUE).await?;
            assert!(!again.replayed, "call {call}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_commit_that_succeeded_unseen_in_mid_upload_is_taken_back() -> Result<()> {
    let rows = people("u", 20_001);
    // Begin, two blocks.
    for commit in 1..=3 {
        let world = World::new();
        world.store.fail_next(Fault::Answer(commit));
        let error = world.upload(Some("key"), &rows, CONTINUE).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        until("the upload is removed", || world.stored() == <_>::default()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn who_lost_the_answer_gets_the_operation_with_the_same_key() -> Result<()> {
    let world = World::new();
    let rows = people("u", 3);
    world.store.fail_next(Fault::Answer(1));
    let error = world.upload(Some("key"), &rows, CONTINUE).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let again = world.upload(Some("key"), &rows, CONTINUE).await?;
    assert!(again.replayed);
    assert_eq!(world.stored().operations.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_engine_that_is_down_delays_the_start_only() -> Result<()> {
    let world = World::new();
    world.gateway.set_down(true);
    let id = world.upload(None, &people("u", 3), CONTINUE).await?.operation.id;
    assert_eq!(world.app.operation(&world.ctx, id).await?.state, OperationState::Queued);
    world.clock.advance(SETTINGS.stalled_after * 2);
    assert_eq!(world.app.sweep().await.unwrap_err().kind, ErrorKind::Unavailable);
    world.gateway.set_down(false);
    assert_eq!(world.app.sweep().await?.started, 1);
    assert_eq!(world.gateway.starts().iter().map(|s| (s.operation, s.blocks)).collect::<Vec<_>>(), [(id, 1)]);
    Ok(())
}
