use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use muster_domain::ScheduleId;
use muster_domain::operations::{OperationKind, UploadFormat};
use muster_domain::schedules::{
    Cadence, LastRun, NewSchedule, RunOutcome, Schedule, SchedulePosition, ScheduleState, SkipReason, SyncedSchedule,
};
use uuid::Uuid;

use super::Arena;
use super::arena::{at, operation_id};
use super::webhooks::PLENTY;

const fn schedule_id(n: u128) -> ScheduleId {
    ScheduleId::new(Uuid::from_u128(0x0199_5555_0000_7000_8000_0000_0000_0000 | n))
}

/// Schedule `n`, made in minute `n`.
fn schedule(n: u128) -> Result<Schedule> {
    let cadence = Cadence::parse("30 3 * * mon-fri", "Europe/Berlin");
    let asked = NewSchedule {
        name: Some("Nightly".to_owned()),
        kind: OperationKind::UsersExport,
        filter: r#"{"email":"@example.com"}"#.to_owned(),
        format: Some(UploadFormat::Csv),
        cadence: cadence.map_err(|errors| anyhow::anyhow!("a schedule of the suite breaks a rule: {errors:?}"))?,
    };
    Ok(Schedule::new(schedule_id(n), asked, at(i64::try_from(n)?)))
}

async fn insert(arena: &Arena<'_>, n: u128) -> Result<Schedule> {
    let schedule = schedule(n)?;
    let mut uow = arena.begin().await?;
    ensure!(uow.schedules().insert(&schedule, 50).await?, "the schedule was not inserted");
    uow.commit().await?;
    Ok(schedule)
}

async fn found(arena: &Arena<'_>, n: u128) -> Result<Option<Schedule>> {
    Ok(arena.begin().await?.schedules().find(schedule_id(n)).await?)
}

async fn synced(arena: &Arena<'_>, n: u128, revision: u64) -> Result<()> {
    let mut uow = arena.begin().await?;
    uow.schedules().synced(schedule_id(n), revision).await?;
    Ok(uow.commit().await?)
}

async fn unsynced(arena: &Arena<'_>, n: u128) -> Result<Option<SyncedSchedule>> {
    Ok(arena.begin().await?.schedules().unsynced(schedule_id(n)).await?)
}

/// Those of the arena's tenant that wait, by the door.
async fn waiting(arena: &Arena<'_>, before: i64) -> Result<Vec<ScheduleId>> {
    let all = arena.world.schedules().unsynced_schedules(at(before), PLENTY).await?;
    Ok(all.into_iter().filter(|unsynced| unsynced.tenant == arena.tenant).map(|unsynced| unsynced.schedule).collect())
}

pub(super) async fn a_schedule_is_read_back_and_moved(arena: &Arena<'_>) -> Result<()> {
    let mut one = insert(arena, 1).await?;
    ensure!(found(arena, 1).await? == Some(one.clone()));
    ensure!(found(arena, 9).await?.is_none());
    let mut uow = arena.begin().await?;
    ensure!(uow.schedules().lock(one.id).await?.as_ref() == Some(&one));
    ensure!(one.set_state(ScheduleState::Paused, at(5)));
    uow.schedules().store(&one).await?;
    uow.commit().await?;
    ensure!(found(arena, 1).await? == Some(one));
    Ok(())
}

pub(super) async fn schedules_are_listed_in_pages_the_latest_first(arena: &Arena<'_>) -> Result<()> {
    for n in 1..=3 {
        insert(arena, n).await?;
    }
    let mut uow = arena.begin().await?;
    let first = uow.schedules().list(None, 2).await?;
    ensure!(first == [schedule(3)?, schedule(2)?]);
    let last = first.last().context("nothing")?;
    let after = SchedulePosition { created_at: last.created_at, id: last.id };
    ensure!(uow.schedules().list(Some(after), 2).await? == [schedule(1)?]);
    ensure!(uow.schedules().delete(schedule_id(2), at(9)).await?);
    ensure!(uow.schedules().list(None, 9).await? == [schedule(3)?, schedule(1)?]);
    Ok(())
}

pub(super) async fn of_many_who_make_schedules_no_more_than_fit_do(arena: &Arena<'_>) -> Result<()> {
    let insert = |n| async move {
        let mut uow = arena.begin().await?;
        let made = uow.schedules().insert(&schedule(n)?, 2).await?;
        uow.commit().await?;
        anyhow::Ok(made)
    };
    let made = try_join_all((1..=4).map(insert)).await?;
    ensure!(made.iter().filter(|made| **made).count() == 2, "{made:?}");
    // One that was deleted counts no more.
    let mut uow = arena.begin().await?;
    let all = uow.schedules().list(None, 9).await?;
    ensure!(uow.schedules().delete(all.first().context("nothing")?.id, at(9)).await?);
    ensure!(uow.schedules().insert(&schedule(9)?, 2).await?);
    Ok(())
}

pub(super) async fn the_latest_run_is_kept(arena: &Arena<'_>) -> Result<()> {
    insert(arena, 1).await?;
    let run = |minute, outcome| LastRun { at: at(minute), outcome };
    let began = RunOutcome::Began(operation_id(1));
    let skipped = RunOutcome::Skipped(SkipReason::NobodyFound);
    for (run, kept) in [
        (run(10, skipped), run(10, skipped)),
        (run(20, began), run(20, began)),
        (run(10, skipped), run(20, began)),
        (run(20, skipped), run(20, skipped)),
    ] {
        let mut uow = arena.begin().await?;
        uow.schedules().record_run(schedule_id(1), run).await?;
        uow.schedules().record_run(schedule_id(9), run).await?;
        uow.commit().await?;
        let found = found(arena, 1).await?.context("the schedule is gone")?;
        ensure!((found.last_run, found.revision) == (Some(kept), 1), "{found:?}");
    }
    Ok(())
}

pub(super) async fn the_engine_hears_of_each_revision(arena: &Arena<'_>) -> Result<()> {
    let mut one = insert(arena, 1).await?;
    insert(arena, 2).await?;
    ensure!(waiting(arena, 2).await? == [one.id], "not of what was changed just now");
    ensure!(waiting(arena, 9).await? == [one.id, schedule_id(2)]);
    let runs = |state| Some((one.asked.cadence.clone(), state));
    let first = SyncedSchedule { revision: 1, runs: runs(ScheduleState::Active) };
    ensure!(unsynced(arena, 1).await? == Some(first));
    let second = SyncedSchedule { revision: 2, runs: runs(ScheduleState::Paused) };
    ensure!(one.set_state(ScheduleState::Paused, at(5)));
    let mut uow = arena.begin().await?;
    uow.schedules().store(&one).await?;
    uow.commit().await?;
    synced(arena, 1, 1).await?;
    ensure!(unsynced(arena, 1).await? == Some(second), "it has heard of an earlier one");
    synced(arena, 1, 2).await?;
    synced(arena, 1, 1).await?;
    ensure!(unsynced(arena, 1).await?.is_none());
    ensure!(waiting(arena, 9).await? == [schedule_id(2)]);
    Ok(())
}

pub(super) async fn what_was_deleted_is_kept_until_the_engine_has_heard(arena: &Arena<'_>) -> Result<()> {
    insert(arena, 1).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.schedules().delete(schedule_id(1), at(5)).await?);
    ensure!(!uow.schedules().delete(schedule_id(1), at(5)).await?);
    ensure!(uow.schedules().lock(schedule_id(1)).await?.is_none());
    uow.commit().await?;
    ensure!(found(arena, 1).await?.is_none());
    synced(arena, 1, 1).await?;
    ensure!(unsynced(arena, 1).await? == Some(SyncedSchedule { revision: 2, runs: None }));
    ensure!(waiting(arena, 9).await? == [schedule_id(1)]);
    synced(arena, 1, 2).await?;
    ensure!(unsynced(arena, 1).await?.is_none() && waiting(arena, 9).await?.is_empty());
    Ok(())
}

pub(super) async fn schedules_never_meet(arena: &Arena<'_>) -> Result<()> {
    let one = insert(arena, 1).await?;
    let mut uow = arena.begin_as(arena.other).await?;
    let schedules = uow.schedules();
    ensure!(schedules.list(None, 9).await?.is_empty());
    ensure!(schedules.find(one.id).await?.is_none() && schedules.lock(one.id).await?.is_none());
    ensure!(schedules.unsynced(one.id).await?.is_none() && !schedules.delete(one.id, at(9)).await?);
    let outcome = RunOutcome::Skipped(SkipReason::Refused);
    schedules.record_run(one.id, LastRun { at: at(9), outcome }).await?;
    schedules.synced(one.id, 1).await?;
    ensure!(schedules.insert(&schedule(1)?, 1).await?, "each tenant has its own");
    uow.commit().await?;
    ensure!(found(arena, 1).await? == Some(one));
    ensure!(unsynced(arena, 1).await?.is_some());
    Ok(())
}
