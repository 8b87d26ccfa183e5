use anyhow::Result;
use chrono::TimeDelta;
use muster_application::imports::NewUpload;
use muster_application::operations::Swept;
use muster_application::{ErrorKind, Settings};
use muster_domain::operations::{OperationState, UploadFormat};
use muster_testkit::memory::{CancelAfter, Fault, NoHeartbeat};

use crate::world::{CONTINUE, SETTINGS, SILENT, World, import_row, people, tenant, until};

#[tokio::test]
async fn a_sweep_of_a_tidy_house_does_nothing() -> Result<()> {
    let world = World::new();
    world.import(&[people("u", 2)], SILENT).await?;
    world.upload(None, &people("v", 2), SILENT).await?;
    let stored = world.stored();
    assert_eq!(world.app.sweep().await?, Swept::default());
    assert_eq!(world.stored(), stored);
    Ok(())
}

#[tokio::test]
async fn what_stands_still_is_asked_for_once_in_a_while() -> Result<()> {
    let world = World::new();
    let queued = world.queue(&[people("u", 2)], SILENT).await?;
    let running = world.queue(&[people("v", 2), people("w", 2)], SILENT).await?;
    world.range(running, &CancelAfter::new(1)).await.unwrap_err();
    world.clock.advance(SETTINGS.stalled_after * 2);
    assert_eq!(world.app.sweep().await?.started, 2);
    let mut asked: Vec<_> = world.gateway.starts().iter().map(|start| (start.operation, start.blocks)).collect();
    asked.sort_unstable();
    assert_eq!(asked, [(queued, 1), (running, 2)]);
    assert_eq!(world.app.sweep().await?.started, 0, "it was looked after just now");
    world.clock.advance(SETTINGS.stalled_after * 2);
    assert_eq!(world.app.sweep().await?.started, 2);
    Ok(())
}

#[tokio::test]
async fn an_operation_whose_workflow_has_ended_fails() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("u", 2), people("v", 2)], SILENT).await?;
    world.range(id, &CancelAfter::new(1)).await.unwrap_err();
    world.gateway.close(id);
    world.clock.advance(SETTINGS.stalled_after * 2);
    let swept = world.app.sweep().await?;
    assert_eq!((swept.started, swept.failed), (0, 1));
    let operation = world.app.operation(&world.ctx, id).await?;
    assert_eq!(operation.state, OperationState::Failed);
    assert_eq!(operation.failure.unwrap().code, "WORKFLOW_ENDED");
    world.clock.advance(SETTINGS.stalled_after * 2);
    assert_eq!(world.app.sweep().await?, Swept::default());
    Ok(())
}

#[tokio::test]
async fn two_sweeps_at_once_do_no_harm() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("u", 2)], SILENT).await?;
    world.gateway.close(id);
    world.clock.advance(SETTINGS.stalled_after * 2);
    let (a, b) = tokio::join!(world.app.sweep(), world.app.sweep());
    assert_eq!(a?.failed + b?.failed, 1);
    Ok(())
}

#[tokio::test]
async fn abandoned_uploads_are_removed_and_live_ones_kept() -> Result<()> {
    let world = World::new();
    let mut upload =
        world.app.begin_upload(world.ctx.clone(), NewUpload::import(UploadFormat::Csv, Some("key".to_owned()))).await?;
    let rows = people("u", 20_000);
    for row in &rows[..10_000] {
        upload.push(&import_row(1, row))?;
        upload.flush().await?;
    }
    until("the first block is stored", || world.stored().blocks.len() == 1).await?;
    world.clock.advance(SETTINGS.abandoned_after - TimeDelta::seconds(1));
    for row in &rows[10_000..] {
        upload.push(&import_row(1, row))?;
        upload.flush().await?;
    }
    until("the second block is stored", || world.stored().blocks.len() == 2).await?;
    world.clock.advance(SETTINGS.abandoned_after - TimeDelta::seconds(1));
    assert_eq!(world.app.sweep().await?.discarded, 0, "it came on a moment ago");
    // The process dies: nobody drops the upload.
    std::mem::forget(upload);
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(world.app.sweep().await?.discarded, 1);
    assert_eq!(world.stored(), <_>::default());
    Ok(())
}

#[tokio::test]
async fn every_tenant_is_looked_after() -> Result<()> {
    let mut world = World::with(Settings { key_lifetime: TimeDelta::minutes(1), ..SETTINGS });
    for n in [7, 8, 9] {
        world.ctx = tenant(n);
        world.upload(Some("key"), &people("u", 2), SILENT).await?;
        world.upload(Some("other key"), &people("v", 2), SILENT).await?;
    }
    world.clock.advance(TimeDelta::minutes(2));
    let swept = world.app.sweep().await?;
    assert_eq!((swept.started, swept.forgotten), (6, 6));
    Ok(())
}

#[tokio::test]
async fn a_sweep_that_is_cut_is_made_good_by_the_next() -> Result<()> {
    for step in 1.. {
        let world = World::with(Settings { key_lifetime: TimeDelta::minutes(1), ..SETTINGS });
        world.upload(Some("key"), &people("u", 2), SILENT).await?;
        let closed = world.queue(&[people("v", 2)], SILENT).await?;
        world.gateway.close(closed);
        world.clock.advance(TimeDelta::minutes(2));
        world.store.fail_next(Fault::Call(step));
        let result = world.app.sweep().await;
        if world.store.heal() {
            result?;
            break;
        }
        assert_eq!(result.unwrap_err().kind, ErrorKind::Unavailable, "step {step}");
        world.app.sweep().await?;
        assert!(world.stored().keys.is_empty(), "step {step}");
        assert_eq!(world.app.operation(&world.ctx, closed).await?.state, OperationState::Failed, "step {step}");
        assert!(!world.gateway.starts().is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn mails_whose_workflow_was_lost_are_asked_for() -> Result<()> {
    let world = World::new();
    let id = world.import(&[people("u", 2), people("v", 2)], CONTINUE).await?.id;
    assert_eq!(world.app.sweep().await?, Swept::default());
    world.clock.advance(SETTINGS.stalled_after * 2);
    assert_eq!(world.app.sweep().await?.started, 1);
    assert_eq!(world.gateway.mail_starts().iter().map(|s| (s.operation, s.blocks)).collect::<Vec<_>>(), [(id, 2)]);
    assert_eq!(world.app.sweep().await?, Swept::default(), "it was looked after just now");
    world.send(id).await?;
    world.clock.advance(SETTINGS.stalled_after * 2);
    assert_eq!(world.app.sweep().await?, Swept::default(), "all are sent");
    Ok(())
}

#[tokio::test]
async fn mails_whose_workflow_has_ended_are_given_up() -> Result<()> {
    let world = World::new();
    let id = world.import(&[people("u", 2), people("v", 2)], CONTINUE).await?.id;
    world.gateway.close_mails(id);
    world.clock.advance(SETTINGS.stalled_after * 2);
    assert_eq!(world.app.sweep().await?.failed, 1);
    let progress = world.app.operation(&world.ctx, id).await?.progress;
    assert_eq!((progress.mails_sent, progress.mails_refused), (0, 4));
    world.clock.advance(SETTINGS.stalled_after * 2);
    assert_eq!(world.app.sweep().await?, Swept::default());
    Ok(())
}

#[tokio::test]
async fn a_start_that_finds_the_work_done_changes_nothing() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("u", 2)], SILENT).await?;
    world.run(id).await?;
    let stored = world.stored();
    assert!(world.range(id, &NoHeartbeat).await?.ended);
    assert_eq!(world.stored(), stored);
    Ok(())
}
