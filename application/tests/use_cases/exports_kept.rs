//! Files of exports, and parts that nobody will read, are removed in time.

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use muster_application::operations::Swept;
use muster_application::ports::Clock as _;
use muster_application::{ErrorCode, ErrorKind};
use muster_testkit::memory::{CancelAfter, Fault};

use crate::exports::{MANY, populated};
use crate::world::SETTINGS;

#[tokio::test]
async fn a_file_expires_and_is_still_known() -> Result<()> {
    let world = populated(MANY).await?;
    let id = world.everybody().await?;
    let operation = world.run(id).await?;
    let file = operation.file.context("no file")?;
    assert_eq!(file.expires_at, world.clock.now() + SETTINGS.export_keep);
    let mut reading = world.app.read_file(&world.ctx, id, &file, 0..u64::MAX);
    assert!(reading.next_bytes().await?.is_some());
    world.clock.advance(SETTINGS.export_keep - TimeDelta::seconds(1));
    assert_eq!(world.app.sweep().await?, Swept::default());
    world.file_of(&operation).await?;
    world.clock.advance(TimeDelta::seconds(1));
    let error = world.app.operation_file(&world.ctx, id).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Gone, ErrorCode::FileExpired));
    assert_eq!(world.app.sweep().await?, Swept { files: 1, ..Swept::default() });
    assert!(world.stored().parts.is_empty());
    assert_eq!(reading.next_bytes().await.unwrap_err().kind, ErrorKind::Gone, "a download breaks off");
    assert_eq!(world.app.operation_file(&world.ctx, id).await.unwrap_err().kind, ErrorKind::Gone);
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(world.app.sweep().await?, Swept { uploads: 2, ..Swept::default() }, "whom it meant goes, too");
    world.clock.advance(SETTINGS.result_keep);
    assert_eq!(world.app.sweep().await?.results, 2);
    assert_eq!(world.app.operation_file(&world.ctx, id).await.unwrap_err().kind, ErrorKind::NotFound);
    assert!(world.stored().files.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_a_dead_worker_has_left_of_a_stopped_export_is_swept() -> Result<()> {
    for fault in (1..=12).map(Fault::Call).chain((1..=3).map(Fault::Commit)) {
        let world = populated(MANY).await?;
        let id = world.everybody().await?;
        world.range(id, &CancelAfter::new(7)).await.unwrap_err();
        assert_eq!(world.app.sweep().await?.files, 0, "it goes on");
        assert!(!world.stored().parts.is_empty());
        world.app.pause_operation(&world.ctx, id).await?;
        world.store.fail_next(fault);
        let cut = world.app.sweep().await.is_err();
        assert_eq!(cut, !world.store.heal(), "{fault:?}");
        world.app.sweep().await?;
        assert!(world.stored().parts.is_empty(), "{fault:?}");
        assert_eq!(world.app.operation(&world.ctx, id).await?.progress.exported, 0);
    }
    Ok(())
}
