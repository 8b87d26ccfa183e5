use anyhow::{Context as _, Result, anyhow, ensure};
use chrono_tz::Tz;
use muster_domain::tasks::{
    Orphans, QuietHours, StoredTask, Task, TaskChanges, TaskFields, TaskFilter, TaskMove, TaskPriority, TaskSettings,
    TaskSort, TaskSortKey, TaskStatus,
};
use muster_domain::users::Given;
use muster_domain::{TaskId, UserId};
use uuid::Uuid;

use super::Arena;
use super::arena::{at, user, user_id};

pub(super) const fn task_id(n: u128) -> TaskId {
    TaskId::new(Uuid::from_u128(0x0199_7777_0000_7000_8000_0000_0000_0000 | n))
}

/// Task `n`, made in minute `n`.
pub(super) fn task(n: u128, fields: TaskFields<'_>) -> Result<StoredTask> {
    let title = format!("Task {n}");
    let fields = TaskFields { title: Given::Text(&title), ..fields };
    let mut said = TaskChanges::parse_new(&fields).map_err(|errors| anyhow!("a task of the suite: {errors:?}"))?;
    let title = said.title.take().context("no title")?;
    Ok(StoredTask::new(task_id(n), title, said, Tz::Europe__Berlin, at(i64::try_from(n)?))?)
}

pub(super) async fn insert(arena: &Arena<'_>, tasks: &[StoredTask]) -> Result<()> {
    let mut uow = arena.begin().await?;
    uow.tasks().insert(tasks).await?;
    Ok(uow.commit().await?)
}

async fn locked(arena: &Arena<'_>, n: u128) -> Result<StoredTask> {
    let mut uow = arena.begin().await?;
    uow.tasks().lock(&[task_id(n)]).await?.pop().context("there is no such task")
}

async fn page(arena: &Arena<'_>, filter: &TaskFilter, sort: TaskSort) -> Result<Vec<TaskId>> {
    let tasks = arena.world.tasks().page(arena.tenant, filter, sort, None, 100).await?;
    Ok(tasks.iter().map(|task| task.id).collect())
}

fn ids(numbers: &[u128]) -> Vec<TaskId> {
    numbers.iter().map(|n| task_id(*n)).collect()
}

/// A task that says all there is to say.
fn whole(n: u128) -> Result<StoredTask> {
    task(
        n,
        TaskFields {
            description: Given::Text("One line\nand another"),
            priority: Given::Text("urgent"),
            assignee: Given::Text(&user_id(1).to_string()),
            creator: Given::Text(&user_id(2).to_string()),
            due_at: Given::Text("2031-01-01T12:00:00.123456Z"),
            remind_at: Some(vec!["2030-12-31T12:00:00Z", "2030-12-30T12:00:00.000001Z"]),
            tags: Some(vec!["a b", "\"quoted\"", "{}", "ä\\"]),
            recurrence: Given::Text("FREQ=WEEKLY;BYDAY=MO"),
            ..TaskFields::default()
        },
    )
}

pub(super) async fn a_task_is_read_back_as_it_was_stored(arena: &Arena<'_>) -> Result<()> {
    let (mut one, two) = (whole(1)?, task(2, TaskFields::default())?);
    insert(arena, &[one.clone(), two.clone()]).await?;
    ensure!(locked(arena, 1).await? == one && locked(arena, 2).await? == two);
    let found = arena.world.tasks().find(arena.tenant, task_id(1)).await?;
    ensure!(found.as_ref() == Some(&one.task), "{found:?}");
    ensure!(arena.world.tasks().find(arena.tenant, task_id(9)).await?.is_none());

    one.go(TaskMove::Start, task_id(3), at(5))?;
    one.go(TaskMove::Complete, task_id(3), at(6))?;
    let mut uow = arena.begin().await?;
    let found = uow.tasks().lock(&[task_id(2), task_id(9), task_id(1)]).await?;
    ensure!(found.iter().map(|stored| stored.task.id).collect::<Vec<_>>() == ids(&[1, 2]), "by id");
    let empty = TaskChanges { title: Some(two.task.title.clone()), ..TaskChanges::default() };
    let mut other = two.clone();
    ensure!(!other.change(empty, Tz::UTC, at(7))?);
    other.delete(at(7));
    uow.tasks().store(&[one.clone(), other.clone()]).await?;
    uow.commit().await?;
    ensure!(locked(arena, 1).await? == one && locked(arena, 2).await? == other);
    ensure!(arena.world.tasks().find(arena.tenant, task_id(2)).await?.is_none(), "the deleted are not found");
    let found = arena.world.tasks().find_all(arena.tenant, &[task_id(2), task_id(1), task_id(9)]).await?;
    ensure!(found == [one.task], "{found:?}");
    Ok(())
}

pub(super) async fn a_removed_task_is_gone(arena: &Arena<'_>) -> Result<()> {
    insert(arena, &[task(1, TaskFields::default())?, task(2, TaskFields::default())?]).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.tasks().remove(&[task_id(1), task_id(9)]).await? == 1);
    uow.commit().await?;
    ensure!(page(arena, &TaskFilter::default(), TaskSort::default()).await? == ids(&[2]));
    Ok(())
}

pub(super) async fn a_series_has_each_of_its_tasks_once(arena: &Arena<'_>) -> Result<()> {
    let mut one = whole(1)?;
    insert(arena, std::slice::from_ref(&one)).await?;
    for n in [2, 3] {
        one.go(TaskMove::Start, task_id(n), at(5))?;
        let next = one.go(TaskMove::Complete, task_id(n), at(6))?.context("the series has ended")?;
        insert(arena, &[next]).await?;
        one.go(TaskMove::Reopen, task_id(n), at(7))?;
    }
    ensure!(page(arena, &TaskFilter::default(), TaskSort::default()).await? == ids(&[2, 1]));
    Ok(())
}

pub(super) async fn tasks_are_found_by_all_conditions(arena: &Arena<'_>) -> Result<()> {
    let ada = user_id(1).to_string();
    let mut two = task(
        2,
        TaskFields {
            assignee: Given::Text(&ada),
            due_at: Given::Text("2031-02-01T00:00:00Z"),
            description: Given::Text("100%_Sure"),
            ..TaskFields::default()
        },
    )?;
    two.go(TaskMove::Start, task_id(9), at(5))?;
    let mut three = task(3, TaskFields { priority: Given::Text("low"), ..TaskFields::default() })?;
    let mut four = task(4, TaskFields::default())?;
    four.delete(at(9));
    three.go(TaskMove::Cancel, task_id(9), at(5))?;
    insert(arena, &[whole(1)?, two, three, four]).await?;
    let all = TaskFilter::default;
    let instant = |text| muster_domain::instant(text);
    for (filter, expected) in [
        (all(), vec![3, 2, 1]),
        (TaskFilter { deleted: true, ..all() }, vec![4]),
        (TaskFilter { statuses: vec![TaskStatus::Todo, TaskStatus::Cancelled], ..all() }, vec![3, 1]),
        (TaskFilter { assignee: Some(Some(user_id(1))), ..all() }, vec![2, 1]),
        (TaskFilter { assignee: Some(None), ..all() }, vec![3]),
        (TaskFilter { priorities: vec![TaskPriority::Low, TaskPriority::Urgent], ..all() }, vec![3, 1]),
        (TaskFilter { tag: Some("{}".to_owned()), ..all() }, vec![1]),
        (TaskFilter { due_after: instant("2031-01-01T12:00:00.123456Z"), ..all() }, vec![2, 1]),
        (TaskFilter { due_before: instant("2031-01-31T00:00:00Z"), ..all() }, vec![1]),
        (TaskFilter { text: Some("TASK 2".to_owned()), ..all() }, vec![2]),
        (TaskFilter { text: Some("0%_s".to_owned()), ..all() }, vec![2]),
        (TaskFilter { text: Some("_".to_owned()), assignee: Some(None), ..all() }, vec![]),
        (TaskFilter { assignee: Some(Some(user_id(1))), statuses: vec![TaskStatus::InProgress], ..all() }, vec![2]),
    ] {
        let found = page(arena, &filter, TaskSort::default()).await?;
        ensure!(found == ids(&expected), "{filter:?} found {found:?}");
    }
    Ok(())
}

pub(super) async fn pages_meet_in_every_order(arena: &Arena<'_>) -> Result<()> {
    let mut tasks = Vec::new();
    for (n, due, priority) in [
        (1, Some("2031-01-03T00:00:00Z"), "low"),
        (2, None, "high"),
        (3, Some("2031-01-01T00:00:00Z"), "high"),
        (4, None, "normal"),
        (5, Some("2031-01-03T00:00:00Z"), "urgent"),
    ] {
        let due_at = due.map_or(Given::Absent, Given::Text);
        tasks.push(task(n, TaskFields { due_at, priority: Given::Text(priority), ..TaskFields::default() })?);
    }
    insert(arena, &tasks).await?;
    for (key, ascending) in [
        (TaskSortKey::CreatedAt, [1, 2, 3, 4, 5]),
        (TaskSortKey::DueAt, [3, 1, 5, 2, 4]),
        (TaskSortKey::Priority, [1, 4, 2, 3, 5]),
    ] {
        for descending in [false, true] {
            let (sort, filter) = (TaskSort { key, descending }, TaskFilter::default());
            let mut expected = ids(&ascending);
            if descending {
                expected.reverse();
            }
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = arena.world.tasks().page(arena.tenant, &filter, sort, after, 2).await?;
                let Some(last) = page.last() else { break };
                after = Some(sort.position(last));
                found.extend(page.iter().map(|task: &Task| task.id));
            }
            ensure!(found == expected, "{sort:?}: {found:?}");
        }
    }
    Ok(())
}

pub(super) async fn open_tasks_of_users_are_found_and_the_living_are_told(arena: &Arena<'_>) -> Result<()> {
    arena.insert(&[user(1, "ada", "ada")?, user(2, "bob", "bob")?]).await?;
    arena.delete(user_id(2)).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.tasks().living(&[user_id(2), user_id(1), user_id(9)]).await? == [user_id(1)]);
    drop(uow);
    let of =
        |n, user: UserId| task(n, TaskFields { assignee: Given::Text(&user.to_string()), ..TaskFields::default() });
    let mut tasks =
        vec![of(1, user_id(1))?, of(2, user_id(2))?, of(3, user_id(2))?, of(4, user_id(2))?, of(5, user_id(2))?];
    tasks.iter_mut().skip(3).take(1).for_each(|stored| stored.delete(at(9)));
    let gone = tasks.last_mut().context("no task")?;
    gone.go(TaskMove::Cancel, task_id(9), at(9))?;
    insert(arena, &tasks).await?;
    let mut uow = arena.begin().await?;
    let mut found = Vec::new();
    for limit in [1, 9] {
        let open = uow.tasks().lock_open_of(&[user_id(2), user_id(7)], limit).await?;
        found.push(open.into_iter().map(|stored| stored.task.id).collect::<Vec<_>>());
    }
    ensure!(found == [ids(&[2]), ids(&[2, 3])], "{found:?}");
    Ok(())
}

pub(super) async fn settings_are_read_back(arena: &Arena<'_>) -> Result<()> {
    let mut uow = arena.begin().await?;
    ensure!(uow.tasks().settings().await? == TaskSettings::default());
    let quiet = Some(QuietHours::parse("22:00", "07:30")?);
    for settings in [
        TaskSettings { zone: Tz::Europe__Berlin, quiet, orphans: Orphans::ToCreator },
        TaskSettings { zone: Tz::Asia__Tokyo, quiet: None, orphans: Orphans::Unassign },
    ] {
        uow.tasks().store_settings(&settings, at(1)).await?;
        ensure!(uow.tasks().settings().await? == settings);
    }
    Ok(())
}

pub(super) async fn tasks_never_meet(arena: &Arena<'_>) -> Result<()> {
    insert(arena, &[whole(1)?]).await?;
    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.tasks().lock(&[task_id(1)]).await?.is_empty());
    ensure!(uow.tasks().lock_open_of(&[user_id(1)], 9).await?.is_empty());
    ensure!(uow.tasks().remove(&[task_id(1)]).await? == 0);
    uow.commit().await?;
    let tasks = arena.world.tasks();
    ensure!(tasks.find(arena.other, task_id(1)).await?.is_none());
    ensure!(tasks.find_all(arena.other, &[task_id(1)]).await?.is_empty());
    let page = tasks.page(arena.other, &TaskFilter::default(), TaskSort::default(), None, 9).await?;
    ensure!(page.is_empty());
    ensure!(tasks.find(arena.tenant, task_id(1)).await?.is_some());
    Ok(())
}
