//! Users are written to a file: once, whole, as they were at one moment, whatever happens meanwhile.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};
use futures::executor::block_on;
use muster_application::exports::NewExport;
use muster_application::imports::Submitted;
use muster_application::operations::OnCancel;
use muster_application::ports::Heartbeat;
use muster_application::{AppError, ErrorCode, ErrorKind};
use muster_domain::OperationId;
use muster_domain::operations::{Operation, OperationKind, OperationState, UploadFormat};
use muster_domain::users::UserFilter;
use muster_testkit::memory::{CancelAfter, Fault, NoHeartbeat};

use crate::world::{SILENT, World, people, tenant};

/// So many users make a file of two parts.
pub const MANY: usize = 9_000;

impl World {
    async fn ask(&self, key: Option<&str>, filter: UserFilter, format: UploadFormat) -> Result<Submitted, AppError> {
        let body = format!("{filter:?} {}", format.name());
        let new = NewExport { filter, format, key: key.map(str::to_owned) };
        self.app.begin_export(&self.ctx, new, body.as_bytes()).await
    }

    /// A queued export of everybody.
    pub async fn everybody(&self) -> Result<OperationId, AppError> {
        Ok(self.ask(None, UserFilter::living(), UploadFormat::Ndjson).await?.operation.id)
    }

    async fn download(&self, id: OperationId, from: u64, to: u64) -> Result<Vec<u8>, AppError> {
        let file = self.app.operation_file(&self.ctx, id).await?;
        let mut bytes = self.app.read_file(&self.ctx, id, &file, from..to);
        let mut all = Vec::new();
        while let Some(some) = bytes.next_bytes().await? {
            all.extend_from_slice(&some);
        }
        Ok(all)
    }

    /// The whole file, which is what the operation says it is.
    pub async fn file_of(&self, operation: &Operation) -> Result<String> {
        let file = operation.file.context("it has no file")?;
        let bytes = self.download(operation.id, 0, u64::MAX).await?;
        assert_eq!((u64::try_from(bytes.len())?, *blake3::hash(&bytes).as_bytes()), (file.bytes, file.blake3));
        let text = String::from_utf8(bytes)?;
        let heads = usize::from(operation.format == UploadFormat::Csv);
        assert_eq!(text.lines().count() - heads, usize::try_from(file.rows)?);
        Ok(text)
    }
}

pub async fn populated(count: usize) -> Result<World> {
    let world = World::new();
    world.import(&[people("u", count)], SILENT).await?;
    Ok(world)
}

#[tokio::test]
async fn everybody_is_written_once_and_parts_follow_each_other() -> Result<()> {
    let world = populated(MANY).await?;
    let id = world.everybody().await?;
    let queued = world.app.operation(&world.ctx, id).await?;
    assert_eq!(
        (queued.state, queued.kind, queued.progress.percent()),
        (OperationState::Queued, OperationKind::UsersExport, 0.0)
    );
    let operation = world.run(id).await?;
    assert_eq!(operation.state, OperationState::Succeeded);
    let rows = u64::try_from(MANY)?;
    let progress = operation.progress;
    assert_eq!((progress.exported, progress.rows_done, progress.rows_total, progress.skipped()), (rows, rows, rows, 0));
    let text = world.file_of(&operation).await?;
    assert!(world.stored().parts.len() >= 2);
    let mut ids: Vec<_> = text.lines().filter_map(|line| line.split('"').nth(3)).collect();
    assert!(ids.is_sorted());
    ids.dedup();
    assert_eq!(ids.len(), MANY);
    let bytes = text.as_bytes();
    for (from, to) in [(0, 1), (1_048_000, 1_300_000), (5, 5), (bytes.len() - 1, bytes.len())] {
        assert_eq!(world.download(id, u64::try_from(from)?, u64::try_from(to)?).await?, bytes[from..to]);
    }
    let page = world.app.operation_rows(&world.ctx, id, muster_application::operations::RowFilter::All, 0, 9).await?;
    assert!(page.items.is_empty(), "it has no rows of its own");
    Ok(())
}

#[tokio::test]
async fn a_filter_and_a_format_are_kept_until_a_worker_comes() -> Result<()> {
    let world = populated(12).await?;
    let filter = UserFilter { email: Some("U1".to_owned()), ..UserFilter::living() };
    let id = world.ask(None, filter, UploadFormat::Csv).await?.operation.id;
    let operation = world.run(id).await?;
    let text = world.file_of(&operation).await?;
    assert!(text.starts_with("id,email,username,full_name,is_active,created_at,updated_at,version\r\n"));
    assert_eq!(text.lines().skip(1).filter(|line| line.contains(",u1")).count(), 4);
    let nobody = UserFilter { email: Some("nobody".to_owned()), ..UserFilter::living() };
    let id = world.ask(None, nobody, UploadFormat::Ndjson).await?.operation.id;
    let operation = world.run(id).await?;
    assert_eq!((operation.state, world.file_of(&operation).await?.as_str()), (OperationState::Succeeded, ""));
    assert!((operation.progress.percent() - 100.0).abs() < f64::EPSILON);
    Ok(())
}

#[tokio::test]
async fn a_key_stands_for_one_export() -> Result<()> {
    let world = populated(1).await?;
    let first = world.ask(Some("k"), UserFilter::living(), UploadFormat::Csv).await?;
    let again = world.ask(Some("k"), UserFilter::living(), UploadFormat::Csv).await?;
    assert_eq!((first.replayed, again.replayed, again.operation.id), (false, true, first.operation.id));
    let other = world.ask(Some("k"), UserFilter::living(), UploadFormat::Ndjson).await.unwrap_err();
    assert_eq!(other.code, ErrorCode::IdempotencyKeyReused);
    Ok(())
}

#[tokio::test]
async fn an_export_that_is_cut_anywhere_is_whole_after_a_repeat() -> Result<()> {
    for fault in [Fault::Call, Fault::Commit, Fault::Answer] {
        let world = populated(MANY).await?;
        for step in 1.. {
            let id = world.everybody().await?;
            world.store.fail_next(fault(step));
            let result = world.run(id).await;
            if world.store.heal() {
                result?;
                assert!(step > 5);
                break;
            }
            assert_eq!(result.unwrap_err().kind, ErrorKind::Unavailable, "{:?}", fault(step));
            let operation = world.run(id).await?;
            assert_eq!(operation.progress.exported, u64::try_from(MANY)?, "{:?}", fault(step));
            world.file_of(&operation).await?;
            let attempt = operation.file.context("no file")?.attempt;
            let of_dead = |(operation, of, _): &(OperationId, u32, u64)| *operation == id && *of != attempt;
            assert!(!world.stored().parts.keys().any(of_dead), "half a file is left");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_worker_that_stops_leaves_the_rest_to_another_one() -> Result<()> {
    let world = populated(MANY).await?;
    let id = world.everybody().await?;
    let error = world.range(id, &CancelAfter::new(7)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Cancelled);
    let halfway = world.app.operation(&world.ctx, id).await?;
    assert_eq!((halfway.state, halfway.progress.rows_total), (OperationState::Running, 0));
    assert!(halfway.progress.exported > 0 && halfway.file.is_none());
    let error = world.app.operation_file(&world.ctx, id).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Conflict, ErrorCode::BusinessRuleViolation));
    let operation = world.run(id).await?;
    assert_eq!(operation.file.map(|file| file.attempt), Some(2));
    world.file_of(&operation).await?;
    Ok(())
}

/// Does something in the middle of an export: the heartbeat is asked between two pages, when nothing is locked.
struct Meanwhile<F>(AtomicU32, F);

impl<F: Fn() + Send + Sync> Meanwhile<F> {
    const fn new(work: F) -> Self {
        Self(AtomicU32::new(0), work)
    }
}

impl<F: Fn() + Send + Sync> Heartbeat for Meanwhile<F> {
    fn is_cancelled(&self) -> bool {
        if self.0.fetch_add(1, Ordering::SeqCst) == 6 {
            (self.1)();
        }
        false
    }
}

#[tokio::test]
async fn what_is_written_meanwhile_is_not_seen() -> Result<()> {
    let world = populated(MANY).await?;
    let id = world.everybody().await?;
    let beat = Meanwhile::new(|| drop(block_on(world.make("late")).unwrap()));
    assert!(world.range(id, &beat).await?.ended);
    let operation = world.app.operation(&world.ctx, id).await?;
    assert!(!world.file_of(&operation).await?.contains("late"));
    assert_eq!(world.stored().users.len(), MANY + 1);
    Ok(())
}

#[tokio::test]
async fn a_pause_drops_what_was_written_and_a_resume_begins_anew() -> Result<()> {
    let world = populated(MANY).await?;
    let id = world.everybody().await?;
    let beat = Meanwhile::new(|| drop(block_on(world.app.pause_operation(&world.ctx, id)).unwrap()));
    let done = world.range(id, &beat).await?;
    assert!(done.paused && !done.ended);
    let paused = world.app.operation(&world.ctx, id).await?;
    assert_eq!((paused.state, paused.progress.exported, paused.file), (OperationState::Paused, 0, None));
    assert!(world.stored().parts.is_empty());
    assert!(world.range(id, &NoHeartbeat).await?.paused, "nothing is written while it is paused");
    world.make("late").await?;
    world.app.resume_operation(&world.ctx, id, None).await?;
    let operation = world.run(id).await?;
    assert!(world.file_of(&operation).await?.contains("late"), "it is of the moment at which it began anew");
    Ok(())
}

#[tokio::test]
async fn a_cancel_ends_it_without_a_file() -> Result<()> {
    let world = populated(MANY).await?;
    let id = world.everybody().await?;
    let beat = Meanwhile::new(|| drop(block_on(world.app.cancel_operation(&world.ctx, id, OnCancel::Keep)).unwrap()));
    let done = world.range(id, &beat).await?;
    assert_eq!((done.ended, done.state), (true, OperationState::Cancelled));
    assert!(world.stored().parts.is_empty() && world.stored().files.is_empty());
    let error = world.app.operation_file(&world.ctx, id).await.unwrap_err();
    assert!(error.message.contains("cancelled"), "{error}");
    Ok(())
}

#[tokio::test]
async fn of_two_workers_the_later_one_writes_the_file() -> Result<()> {
    let world = populated(MANY).await?;
    let id = world.everybody().await?;
    // The engine takes the first one for dead while it still works.
    let beat = Meanwhile::new(|| drop(block_on(world.range(id, &CancelAfter::new(5))).unwrap_err()));
    let error = world.range(id, &beat).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Unavailable, ErrorCode::Cancelled));
    let operation = world.run(id).await?;
    world.file_of(&operation).await?;
    assert_eq!(operation.file.map(|file| file.attempt), Some(3));

    let id = world.everybody().await?;
    let beat = Meanwhile::new(|| assert!(block_on(world.range(id, &NoHeartbeat)).unwrap().ended));
    assert!(world.range(id, &beat).await?.ended, "the other one has done it all");
    let operation = world.app.operation(&world.ctx, id).await?;
    assert_eq!(operation.file.map(|file| file.attempt), Some(2));
    world.file_of(&operation).await?;
    Ok(())
}

#[tokio::test]
async fn a_worker_that_missed_a_pause_finds_that_its_parts_were_swept() -> Result<()> {
    let world = populated(MANY).await?;
    let id = world.everybody().await?;
    let beat = Meanwhile::new(|| {
        block_on(world.app.pause_operation(&world.ctx, id)).unwrap();
        block_on(world.app.sweep()).unwrap();
        block_on(world.app.resume_operation(&world.ctx, id, None)).unwrap();
    });
    let error = world.range(id, &beat).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Cancelled);
    let operation = world.run(id).await?;
    world.file_of(&operation).await?;
    Ok(())
}

#[tokio::test]
async fn an_export_cannot_be_undone_and_other_kinds_have_no_file() -> Result<()> {
    let world = populated(1).await?;
    let id = world.everybody().await?;
    world.run(id).await?;
    let error = world.app.undo_operation(&world.ctx, id).await.unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (ErrorKind::Conflict, "an export changes nobody; there is nothing to take back")
    );
    let import = world.import(&[people("v", 1)], SILENT).await?.id;
    for (ctx, id) in [(world.ctx.clone(), import), (tenant(8), id)] {
        assert_eq!(world.app.operation_file(&ctx, id).await.unwrap_err().kind, ErrorKind::NotFound);
    }
    let file = world.app.operation_file(&world.ctx, id).await?;
    let mut theirs = world.app.read_file(&tenant(8), id, &file, 0..9);
    assert!(theirs.next_bytes().await.is_err(), "nobody reads another tenant's parts");
    Ok(())
}
