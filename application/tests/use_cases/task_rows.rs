//! Operations on tasks: imports, moves, deletions, and undoing them.

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use muster_application::imports::{ImportRow, NewUpload};
use muster_application::operations::{ExportFilter, OperationRow, Retry, RowFilter};
use muster_application::ports::Clock as _;
use muster_domain::operations::{
    OnError, Operation, OperationKind, OperationOptions, OperationState, RowStatus, UploadFormat,
};
use muster_domain::tasks::{StoredTask, TaskFilter, TaskStatus};
use muster_domain::{OperationId, TaskId};
use muster_testkit::memory::Fault;
use serde_json::{Value, json};

use crate::world::{ANY, CONTINUE, World, pairs, problems};

const OPTIONS: OperationOptions = OperationOptions { send_welcome: false, ..OperationOptions::of(OnError::Continue) };

fn row(line: u64, said: &Value) -> ImportRow<'static> {
    ImportRow { line, task: said.as_object().cloned().map(Box::new), ..ImportRow::default() }
}

fn of(task: TaskId) -> ImportRow<'static> {
    ImportRow { line: 1, id: Some(task.to_string().into()), ..ImportRow::default() }
}

impl World {
    async fn queue_tasks(
        &self,
        kind: OperationKind,
        rows: &[ImportRow<'_>],
        options: OperationOptions,
    ) -> Result<OperationId> {
        let new = NewUpload { kind, format: UploadFormat::Ndjson, key: None, parent: None };
        let mut upload = self.app.begin_upload(self.ctx.clone(), new).await?;
        for row in rows {
            upload.push(row)?;
        }
        Ok(upload.finish(options, &[]).await?.operation.id)
    }

    async fn tasks(&self, kind: OperationKind, rows: &[ImportRow<'_>]) -> Result<Operation> {
        let id = self.queue_tasks(kind, rows, OPTIONS).await?;
        Ok(self.run(id).await?)
    }

    async fn move_tasks(&self, kind: OperationKind, tasks: &[TaskId]) -> Result<Operation> {
        let rows: Vec<_> = tasks.iter().map(|id| of(*id)).collect();
        self.tasks(kind, &rows).await
    }

    async fn undo_tasks(&self, id: OperationId) -> Result<Operation> {
        let undo = self.app.undo_operation(&self.ctx, id).await?.operation;
        assert_eq!(undo.kind, OperationKind::TasksUndo);
        Ok(self.run(undo.id).await?)
    }

    async fn rows(&self, id: OperationId) -> Result<Vec<OperationRow>> {
        Ok(self.app.operation_rows(&self.ctx, id, RowFilter::All, 0, 1_000).await?.items)
    }

    /// The status of each living task, in the order of their ids.
    fn how_far(&self) -> Vec<TaskStatus> {
        let living = self.stored().tasks.into_values().filter(|stored| stored.deleted_at.is_none());
        living.map(|stored| stored.task.status).collect()
    }

    async fn make_tasks(&self, count: usize) -> Result<Vec<TaskId>> {
        let rows: Vec<_> = (1..).take(count).map(|n| row(n, &json!({ "title": format!("Task {n}") }))).collect();
        let operation = self.tasks(OperationKind::TasksImport, &rows).await?;
        Ok((1..).take(count).map(|row| operation.task_of(row)).collect())
    }
}

#[tokio::test]
async fn each_row_becomes_a_task_and_what_it_cannot_be_is_reported() -> Result<()> {
    let world = World::new();
    let ada = world.make("ada").await?.id.to_string();
    let gone = world.make("bob").await?.id;
    world.app.delete_user(&world.ctx, gone, ANY).await?;
    let rows = [
        row(2, &json!({"title": "Call", "assignee_id": ada, "due_at": "2040-01-01T00:00:00Z", "tags": ["a"]})),
        row(3, &json!({"title": "", "priority": "top"})),
        row(4, &json!({"title": "Lost", "assignee_id": gone.to_string()})),
        row(5, &json!({"tags": "a"})),
        row(6, &json!({"title": "Again", "recurrence": "FREQ=DAILY"})),
        ImportRow { line: 7, ..ImportRow::default() },
    ];
    let operation = world.tasks(OperationKind::TasksImport, &rows).await?;
    assert_eq!(operation.state, OperationState::PartiallySucceeded);
    assert_eq!((operation.progress.created, operation.progress.failed), (1, 5));
    let found = world.rows(operation.id).await?;
    assert_eq!((found[0].status, found[0].user, found[0].task), (RowStatus::Created, None, Some(operation.task_of(1))));
    for (row, expected) in found[1..].iter().zip([
        vec![("title", "too_short"), ("priority", "invalid_priority")],
        vec![("assignee_id", "unknown_user")],
        vec![("tags", "wrong_type"), ("title", "missing")],
        vec![("due_at", "missing")],
        vec![("title", "missing")],
    ]) {
        assert_eq!(problems(row), pairs(&expected), "row {}", row.row);
    }
    let stored: Vec<StoredTask> = world.stored().tasks.into_values().collect();
    assert_eq!((stored.len(), stored[0].task.assignee.map(|id| id.to_string())), (1, Some(ada)));
    assert!(stored[0].next_reminder_at().is_some());
    assert!(world.stored().block_events.is_empty(), "tasks have no histories of users");
    Ok(())
}

#[tokio::test]
async fn tasks_are_moved_as_their_statuses_allow() -> Result<()> {
    let world = World::new();
    let ids = world.make_tasks(3).await?;
    let unknown = TaskId::new(uuid::Uuid::from_u128(404));
    let started = world.move_tasks(OperationKind::TasksStart, &[ids[0], ids[1], ids[0], unknown]).await?;
    assert_eq!((started.progress.changed, started.progress.failed), (2, 2));
    let found = world.rows(started.id).await?;
    assert_eq!(found[0].task, Some(ids[0]));
    assert_eq!(problems(&found[2]), pairs(&[("", "duplicate_in_file")]));
    assert_eq!(problems(&found[3]), pairs(&[("id", "not_found")]));
    let done = world.move_tasks(OperationKind::TasksComplete, &ids).await?;
    let found = world.rows(done.id).await?;
    assert_eq!(problems(&found[2]), pairs(&[("", "illegal_move")]));
    assert_eq!(found[2].problems[0].detail, "a task that is todo cannot become done");
    assert_eq!(world.how_far(), [TaskStatus::Done, TaskStatus::Done, TaskStatus::Todo]);
    world.move_tasks(OperationKind::TasksReopen, &ids[..1]).await?;
    world.move_tasks(OperationKind::TasksCancel, &ids).await?;
    assert_eq!(world.how_far(), [TaskStatus::Cancelled, TaskStatus::Done, TaskStatus::Cancelled]);
    world.move_tasks(OperationKind::TasksDelete, &ids[..2]).await?;
    assert_eq!(world.how_far(), [TaskStatus::Cancelled]);
    Ok(())
}

#[tokio::test]
async fn moves_and_deletions_and_imports_are_taken_back() -> Result<()> {
    let world = World::new();
    let ids = world.make_tasks(3).await?;
    let start = world.move_tasks(OperationKind::TasksStart, &ids).await?;
    let done = world.move_tasks(OperationKind::TasksComplete, &ids).await?;
    // Somebody goes on with the second one.
    world.app.move_task(&world.ctx, ids[1], muster_domain::tasks::TaskMove::Reopen, ANY).await?;
    let undo = world.undo_tasks(done.id).await?;
    assert_eq!((undo.progress.changed, undo.progress.failed), (2, 1));
    assert_eq!(problems(&world.rows(undo.id).await?[1]), pairs(&[("", "changed_since")]));
    assert_eq!(world.how_far(), [TaskStatus::InProgress, TaskStatus::Todo, TaskStatus::InProgress]);
    assert!(world.stored().tasks.values().all(|stored| stored.task.completed_at.is_none()));
    assert_eq!(world.app.operation(&world.ctx, start.id).await?.state, OperationState::Succeeded);

    let deleted = world.move_tasks(OperationKind::TasksDelete, &ids).await?;
    assert_eq!(world.how_far(), []);
    world.undo_tasks(deleted.id).await?;
    assert_eq!(world.how_far().len(), 3);
    assert_eq!(world.app.operation(&world.ctx, deleted.id).await?.state, OperationState::Undone);

    let rows = [row(1, &json!({"title": "One"})), row(2, &json!({"title": "Two"}))];
    let import = world.tasks(OperationKind::TasksImport, &rows).await?;
    world.app.move_task(&world.ctx, import.task_of(2), muster_domain::tasks::TaskMove::Start, ANY).await?;
    let undo = world.undo_tasks(import.id).await?;
    assert_eq!((undo.progress.changed, undo.progress.failed), (1, 1));
    let left = world.stored().tasks[&import.task_of(1)].deleted_at;
    assert!(left.is_some() && world.how_far().len() == 4);
    Ok(())
}

#[tokio::test]
async fn a_completion_that_is_taken_back_takes_the_next_of_the_series_with_it() -> Result<()> {
    for touched in [false, true] {
        let world = World::new();
        let due = (world.clock.now() + TimeDelta::days(1)).to_rfc3339();
        let said = json!({"title": "Daily", "due_at": due, "recurrence": "FREQ=DAILY"});
        let import = world.tasks(OperationKind::TasksImport, &[row(1, &said)]).await?;
        let id = import.task_of(1);
        world.move_tasks(OperationKind::TasksStart, &[id]).await?;
        let done = world.move_tasks(OperationKind::TasksComplete, &[id]).await?;
        let next = world.stored().tasks.into_keys().find(|other| *other != id).context("no next")?;
        if touched {
            world.app.move_task(&world.ctx, next, muster_domain::tasks::TaskMove::Start, ANY).await?;
        }
        world.undo_tasks(done.id).await?;
        let stored = world.stored().tasks;
        assert_eq!(stored[&id].task.status, TaskStatus::InProgress);
        assert_eq!(stored[&next].deleted_at.is_some(), !touched);
    }
    Ok(())
}

#[tokio::test]
async fn a_block_that_is_cut_anywhere_is_done_once() -> Result<()> {
    for kind in [OperationKind::TasksImport, OperationKind::TasksStart] {
        for fault in [Fault::Call, Fault::Commit, Fault::Answer] {
            for step in 1.. {
                let world = World::new();
                let ids = world.make_tasks(2).await?;
                let rows = match kind {
                    OperationKind::TasksImport => vec![row(1, &json!({"title": "New"}))],
                    _ => ids.iter().map(|id| of(*id)).collect(),
                };
                let id = world.queue_tasks(kind, &rows, CONTINUE).await?;
                world.store.fail_next(fault(step));
                let first = world.run(id).await;
                let is_whole = world.store.heal();
                if first.is_err() {
                    world.run(id).await?;
                }
                let operation = world.app.operation(&world.ctx, id).await?;
                assert_eq!(operation.state, OperationState::Succeeded, "{kind:?} after {:?}", fault(step));
                let versions: i64 = world.stored().tasks.values().map(|stored| stored.task.version).sum();
                let expected = if kind == OperationKind::TasksImport { 3 } else { 4 };
                assert_eq!(versions, expected, "{kind:?} after {:?}", fault(step));
                if is_whole {
                    assert!(step > 1, "nothing was cut");
                    break;
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_dry_run_makes_nothing_and_all_or_nothing_makes_all_or_nothing() -> Result<()> {
    let world = World::new();
    let rows = [row(1, &json!({"title": "One"})), row(2, &json!({"title": ""}))];
    let plan =
        world.queue_tasks(OperationKind::TasksImport, &rows, OperationOptions { dry_run: true, ..OPTIONS }).await?;
    let plan = world.run(plan).await?;
    assert_eq!((plan.progress.created, plan.progress.failed, plan.plan.is_some()), (1, 1, true));
    let all = OperationOptions { on_error: OnError::Abort, ..OPTIONS };
    let all = world.queue_tasks(OperationKind::TasksImport, &rows, all).await?;
    let all = world.run(all).await?;
    assert_eq!(all.state, OperationState::Failed);
    assert_eq!(all.failure.context("no failure")?.detail, "1 of 2 rows are wrong; no task was created");
    assert!(world.stored().tasks.is_empty());
    Ok(())
}

#[tokio::test]
async fn failed_rows_are_given_back_and_mended() -> Result<()> {
    let world = World::new();
    let rows = [row(1, &json!({"title": "One"})), row(2, &json!({"title": "Two", "priority": "top", "tags": ["x"]}))];
    let import = world.tasks(OperationKind::TasksImport, &rows).await?;
    let mut export = world.app.export_rows(&world.ctx, import.id, ExportFilter::All).await?;
    let page = export.next_page().await?.context("no rows")?;
    assert_eq!(page[1].values.task.as_ref().context("no task")?["priority"], json!("top"));
    assert_eq!(page[0].task, Some(import.task_of(1)));

    let corrected = vec![ImportRow { retried: Some(2), ..row(1, &json!({"priority": "high"})) }];
    let retry = Retry { operation: import.id, corrected, body: b"x", key: None };
    let retry = world.app.retry_operation(&world.ctx, retry).await?.operation;
    world.run(retry.id).await?;
    let merged = world.rows(import.id).await?;
    assert_eq!((merged[1].status, merged[1].task), (RowStatus::Created, Some(retry.task_of(1))));
    let made = &world.stored().tasks[&retry.task_of(1)].task;
    assert_eq!(
        (made.title.as_str(), made.priority.name(), made.tags.as_slice()),
        ("Two", "high", ["x".to_owned()].as_slice())
    );
    Ok(())
}

#[tokio::test]
async fn tasks_are_gathered_by_their_conditions() -> Result<()> {
    let world = World::new();
    let ids = world.make_tasks(2_500).await?;
    world.move_tasks(OperationKind::TasksStart, &ids[..2_400]).await?;
    let new = NewUpload { kind: OperationKind::TasksComplete, format: UploadFormat::Json, key: None, parent: None };
    let mut upload = world.app.begin_upload(world.ctx.clone(), new).await?;
    let filter = TaskFilter { statuses: vec![TaskStatus::InProgress], ..TaskFilter::default() };
    assert!(upload.gather_tasks(&filter).await?);
    let operation = upload.finish(OPTIONS, &[]).await?.operation;
    let operation = world.run(operation.id).await?;
    assert_eq!((operation.state, operation.progress.changed), (OperationState::Succeeded, 2_400));
    Ok(())
}
