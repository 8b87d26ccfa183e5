//! Schedules: the engine follows what is stored, and a run begins one operation.

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use muster_application::imports::{ImportRow, NewUpload};
use muster_application::ports::Clock;
use muster_application::schedules::RunScheduled;
use muster_application::{AppError, ErrorKind, Settings, TenantLimits};
use muster_domain::operations::{Operation, OperationKind, OperationState, UploadFormat};
use muster_domain::schedules::{Cadence, NewSchedule, RunOutcome, Schedule, ScheduleState, SkipReason};
use muster_domain::users::UserPatch;
use muster_domain::{OperationId, ScheduleId};
use muster_testkit::memory::Fault;

use crate::world::{SETTINGS, World, people, tenant};

fn asked(kind: OperationKind, filter: &str) -> NewSchedule {
    let format = (kind == OperationKind::UsersExport).then_some(UploadFormat::Csv);
    let cadence = Cadence::parse("30 3 * * *", "Europe/Berlin").unwrap();
    NewSchedule { name: None, kind, filter: filter.to_owned(), format, cadence }
}

const GONE: &str = r#"{"is_active":false,"updated_before":"P90D"}"#;

impl World {
    async fn schedule(&self, kind: OperationKind, filter: &str) -> Result<Schedule, AppError> {
        self.app.create_schedule(&self.ctx, asked(kind, filter)).await
    }

    fn run_of(&self, schedule: ScheduleId) -> RunScheduled {
        RunScheduled { schedule, at: self.clock.now(), triggered: false, last_chance: false }
    }

    async fn last(&self, id: ScheduleId) -> Result<Option<RunOutcome>, AppError> {
        Ok(self.app.schedule(&self.ctx, id).await?.last_run.map(|run| run.outcome))
    }

    /// Two who left long ago, one who left just now, and one who is there.
    async fn leavers(&self) -> Result<()> {
        for name in ["old_1", "old_2", "new", "ada"] {
            let user = self.make(name).await?;
            if name == "new" {
                self.clock.advance(TimeDelta::days(91));
            }
            if name != "ada" {
                self.change(user.id, UserPatch { is_active: Some(false), ..UserPatch::default() }).await?;
            }
        }
        Ok(())
    }

    async fn began(&self, id: ScheduleId) -> Result<Operation> {
        let Some(RunOutcome::Began(operation)) = self.last(id).await? else { anyhow::bail!("nothing was begun") };
        Ok(self.app.operation(&self.ctx, operation).await?)
    }
}

#[tokio::test]
async fn a_run_does_to_whom_the_filter_means_at_its_time_what_it_says() -> Result<()> {
    let world = World::new();
    world.leavers().await?;
    let schedule = world.schedule(OperationKind::UsersDelete, GONE).await?;
    world.app.run_scheduled(&world.ctx, world.run_of(schedule.id)).await?;
    let operation = world.began(schedule.id).await?;
    assert_eq!(operation.actor.as_deref(), Some(format!("schedule:{}", schedule.id).as_str()));
    assert_eq!((operation.state, operation.progress.rows_total), (OperationState::Queued, 2));
    world.run(operation.id).await?;
    let mut left: Vec<_> = world.stored().users.values().map(|user| user.username.as_str().to_owned()).collect();
    left.sort_unstable();
    assert_eq!(left, ["ada", "new"]);

    // Another run finds nobody: the deleted are deleted.
    world.clock.advance(TimeDelta::days(1));
    world.app.run_scheduled(&world.ctx, world.run_of(schedule.id)).await?;
    assert_eq!(world.last(schedule.id).await?, Some(RunOutcome::Skipped(SkipReason::NobodyFound)));

    let erase = world.schedule(OperationKind::UsersErase, r#"{"deleted_before":"PT12H"}"#).await?;
    world.app.run_scheduled(&world.ctx, world.run_of(erase.id)).await?;
    let operation = world.began(erase.id).await?;
    world.run(operation.id).await?;
    assert_eq!((world.stored().users.len(), world.stored().deleted.len()), (2, 0));
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_cut_anywhere_begins_one_operation_when_repeated() -> Result<()> {
    for kind in [OperationKind::UsersExport, OperationKind::UsersDeactivate] {
        for fault in [Fault::Call, Fault::Commit, Fault::Answer] {
            for step in 1.. {
                let world = World::new();
                world.make("ada").await?;
                let schedule = world.schedule(kind, r#"{"username":"ada"}"#).await?;
                let run = world.run_of(schedule.id);
                world.store.fail_next(fault(step));
                let result = world.app.run_scheduled(&world.ctx, run).await;
                if world.store.heal() {
                    result?;
                    assert!(step > 1, "nothing was cut");
                    break;
                }
                assert_eq!(result.unwrap_err().kind, ErrorKind::Unavailable, "{:?}", fault(step));
                world.app.run_scheduled(&world.ctx, run).await?;
                world.app.run_scheduled(&world.ctx, run).await?;
                let begun: Vec<OperationId> = world.stored().operations.keys().copied().collect();
                assert_eq!(begun, [world.began(schedule.id).await?.id], "after {:?}", fault(step));
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_a_worker_left_that_died_while_it_gathered_is_taken_back() -> Result<()> {
    let world = World::new();
    world.make("ada").await?;
    let schedule = world.schedule(OperationKind::UsersDelete, r#"{"username":"ada"}"#).await?;
    let run = world.run_of(schedule.id);
    let key = format!("schedule:{}:{}", schedule.id, run.at.format("%Y-%m-%dT%H:%M:%SZ"));
    let new = NewUpload { kind: schedule.asked.kind, format: UploadFormat::Json, key: Some(key), parent: None };
    let mut half = world.app.begin_upload(world.ctx.clone(), new).await?;
    for (line, row) in (1..).zip(people("p", 10_000)) {
        half.push(&ImportRow { line, email: Some(row.0.into()), ..ImportRow::default() })?;
    }
    half.flush().await?;
    std::mem::forget(half);
    assert_eq!(world.stored().operations.len(), 1);
    world.app.run_scheduled(&world.ctx, run).await?;
    assert_eq!(world.stored().operations.len(), 1);
    assert_eq!(world.began(schedule.id).await?.progress.rows_total, 1);
    Ok(())
}

#[tokio::test]
async fn a_tenant_who_has_too_much_going_on_is_waited_for() -> Result<()> {
    let tenant_limits = TenantLimits { rows_a_day: None, operations: Some(0) };
    let world = World::with(Settings { tenant_limits, ..SETTINGS });
    world.make("ada").await?;
    let schedule = world.schedule(OperationKind::UsersDelete, r#"{"username":"ada"}"#).await?;
    let run = world.run_of(schedule.id);
    let error = world.app.run_scheduled(&world.ctx, run).await.unwrap_err();
    assert_eq!((error.kind, world.last(schedule.id).await?), (ErrorKind::RateLimited, None));
    world.app.run_scheduled(&world.ctx, RunScheduled { last_chance: true, ..run }).await?;
    assert_eq!(world.last(schedule.id).await?, Some(RunOutcome::Skipped(SkipReason::TenantLimit)));
    assert!(world.stored().operations.is_empty());
    Ok(())
}

#[tokio::test]
async fn the_engine_follows_what_is_stored() -> Result<()> {
    let world = World::new();
    let schedule = world.schedule(OperationKind::UsersExport, "{}").await?;
    let paused = |world: &World| world.gateway.schedules().iter().map(|put| put.paused).collect::<Vec<_>>();
    assert_eq!(paused(&world), [false]);
    for state in [ScheduleState::Paused, ScheduleState::Paused] {
        world.app.move_schedule(&world.ctx, schedule.id, state).await?;
        assert_eq!(paused(&world), [true]);
    }
    world.app.delete_schedule(&world.ctx, schedule.id).await?;
    assert!(world.gateway.schedules().is_empty() && world.stored().schedules.is_empty());
    Ok(())
}

#[tokio::test]
async fn the_sweeper_tells_an_engine_that_was_down() -> Result<()> {
    let world = World::new();
    let kept = world.schedule(OperationKind::UsersExport, "{}").await?;
    let deleted = world.schedule(OperationKind::UsersExport, "{}").await?;
    world.gateway.set_down(true);
    let made = world.schedule(OperationKind::UsersDelete, GONE).await?;
    world.app.move_schedule(&world.ctx, kept.id, ScheduleState::Paused).await?;
    world.app.delete_schedule(&world.ctx, deleted.id).await?;
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(world.app.sweep().await.unwrap_err().kind, ErrorKind::Unavailable);
    world.gateway.set_down(false);
    assert_eq!(world.app.sweep().await?.schedules, 3);
    let known: Vec<_> = world.gateway.schedules().iter().map(|put| (put.schedule, put.paused)).collect();
    assert_eq!(known, [(kept.id, true), (made.id, false)]);
    assert_eq!(world.app.sweep().await?.schedules, 0);
    assert_eq!(world.stored().schedules.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_change_that_is_cut_anywhere_is_made_good_by_a_sweep() -> Result<()> {
    for fault in [Fault::Call, Fault::Commit, Fault::Answer] {
        for step in 1.. {
            let world = World::new();
            let schedule = world.schedule(OperationKind::UsersExport, "{}").await?;
            world.store.fail_next(fault(step));
            let moved = world.app.move_schedule(&world.ctx, schedule.id, ScheduleState::Paused).await;
            let cut = !world.store.heal();
            if moved.is_err() {
                world.app.move_schedule(&world.ctx, schedule.id, ScheduleState::Paused).await?;
            }
            world.clock.advance(TimeDelta::minutes(1));
            world.app.sweep().await?;
            let known = world.gateway.schedules();
            assert!(known.len() == 1 && known.iter().all(|put| put.paused), "after {:?}", fault(step));
            if !cut {
                assert!(step > 1);
                break;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_trigger_runs_what_is_paused_once_a_second_and_time_does_not() -> Result<()> {
    let world = World::new();
    let schedule = world.schedule(OperationKind::UsersExport, "{}").await?;
    world.app.move_schedule(&world.ctx, schedule.id, ScheduleState::Paused).await?;
    world.app.run_scheduled(&world.ctx, world.run_of(schedule.id)).await?;
    assert_eq!(world.last(schedule.id).await?, None);
    world.app.trigger_schedule(&world.ctx, schedule.id).await?;
    let starts = world.gateway.run_starts();
    let start = starts.first().context("nothing was started")?;
    assert_eq!(start.at.timestamp_subsec_nanos(), 0);
    world.app.run_scheduled(&world.ctx, RunScheduled { triggered: true, ..world.run_of(schedule.id) }).await?;
    world.began(schedule.id).await?;
    world.gateway.set_down(true);
    let error = world.app.trigger_schedule(&world.ctx, schedule.id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    Ok(())
}

#[tokio::test]
async fn a_run_of_what_was_deleted_takes_the_schedule_from_the_engine() -> Result<()> {
    let world = World::new();
    let schedule = world.schedule(OperationKind::UsersExport, "{}").await?;
    let put = world.gateway.schedules().first().cloned().context("no schedule")?;
    world.app.delete_schedule(&world.ctx, schedule.id).await?;
    muster_application::ports::WorkflowGateway::put_schedule(&world.gateway, &put).await?;
    world.app.run_scheduled(&world.ctx, world.run_of(schedule.id)).await?;
    assert!(world.gateway.schedules().is_empty() && world.stored().operations.is_empty());
    Ok(())
}

#[tokio::test]
async fn schedules_of_another_tenant_are_not_there() -> Result<()> {
    let world = World::new();
    let schedule = world.schedule(OperationKind::UsersExport, "{}").await?;
    let other = tenant(8);
    for result in [
        world.app.schedule(&other, schedule.id).await.map(drop),
        world.app.move_schedule(&other, schedule.id, ScheduleState::Paused).await.map(drop),
        world.app.trigger_schedule(&other, schedule.id).await.map(drop),
        world.app.delete_schedule(&other, schedule.id).await,
    ] {
        assert_eq!(result.unwrap_err().kind, ErrorKind::NotFound);
    }
    assert!(world.app.schedules(&other, None, 9).await?.items.is_empty());
    Ok(())
}
