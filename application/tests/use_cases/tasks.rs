//! Single tasks: what they say, whose they are, and what becomes of them when somebody is deleted.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use muster_application::ports::Clock as _;
use muster_application::tasks::{CreateTask, ListTasks, UpdateTask};
use muster_application::{AppError, Context, ErrorCode, ErrorKind};
use muster_domain::operations::{MatchBy, OperationKind};
use muster_domain::tasks::{
    Orphans, StoredTask, Task, TaskFields, TaskFilter, TaskMove, TaskSettings, TaskSort, TaskStatus,
};
use muster_domain::users::Given;
use muster_domain::{TaskId, UserId};
use muster_testkit::memory::Fault;
use uuid::Uuid;

use crate::changes::{by, of};
use crate::world::{ANY, World, fields, pairs, tenant};

impl World {
    async fn task(&self, said: TaskFields<'_>) -> Result<Task, AppError> {
        self.task_as(&self.ctx, said).await
    }

    async fn task_as(&self, ctx: &Context, said: TaskFields<'_>) -> Result<Task, AppError> {
        let fields = TaskFields { title: Given::Text("Call Ada"), ..said };
        Ok(self.app.create_task(ctx, CreateTask { fields, problems: Vec::new(), key: None }).await?.task)
    }

    async fn task_of(&self, user: UserId) -> Result<Task, AppError> {
        self.task(TaskFields { assignee: Given::Text(&user.to_string()), ..TaskFields::default() }).await
    }

    async fn say(&self, id: TaskId, fields: TaskFields<'_>) -> Result<Task, AppError> {
        self.app.update_task(&self.ctx, UpdateTask { id, fields, problems: Vec::new(), expected: ANY }).await
    }

    async fn go(&self, id: TaskId, by: TaskMove) -> Result<Task, AppError> {
        self.app.move_task(&self.ctx, id, by, ANY).await
    }

    fn stored_task(&self, id: TaskId) -> StoredTask {
        self.stored().tasks[&id].clone()
    }
}

fn query(filter: TaskFilter) -> ListTasks {
    ListTasks { filter, sort: TaskSort::default(), after: None, limit: 10 }
}

#[tokio::test]
async fn a_task_names_living_users_only() -> Result<()> {
    let world = World::new();
    let (ada, bob) = (world.make("ada").await?.id, world.make("bob").await?.id);
    world.app.delete_user(&world.ctx, bob, ANY).await?;
    let (bob, nobody) = (bob.to_string(), Uuid::from_u128(404).to_string());
    let said = TaskFields { assignee: Given::Text(&bob), creator: Given::Text(&nobody), ..TaskFields::default() };
    let error = world.task(said).await.unwrap_err();
    assert_eq!(fields(&error.problems), pairs(&[("assignee_id", "unknown_user"), ("creator_id", "unknown_user")]));
    let task = world.task_of(ada).await?;
    for assignee in [&bob, &nobody] {
        let said = TaskFields { assignee: Given::Text(assignee), ..TaskFields::default() };
        assert_eq!(
            fields(&world.say(task.id, said).await.unwrap_err().problems),
            pairs(&[("assignee_id", "unknown_user")])
        );
    }
    assert_eq!(world.stored().tasks.len(), 1);
    assert_eq!(world.stored_task(task.id).task, task);
    Ok(())
}

#[tokio::test]
async fn who_asks_is_the_creator_if_they_are_a_user() -> Result<()> {
    let world = World::new();
    let ada = world.make("ada").await?.id;
    for (actor, creator) in [(Some(ada.to_string()), Some(ada)), (Some("ada".to_owned()), None), (None, None)] {
        let ctx = Context::acting(world.ctx.tenant, actor.map(Arc::from));
        assert_eq!(world.task_as(&ctx, TaskFields::default()).await?.creator, creator);
    }
    Ok(())
}

#[tokio::test]
async fn a_key_makes_one_task_however_often_it_is_cut() -> Result<()> {
    for fault in [Fault::Call, Fault::Commit, Fault::Answer] {
        for step in 1.. {
            let world = World::new();
            let make = || async {
                let fields = TaskFields { title: Given::Text("Once"), ..TaskFields::default() };
                let key = Some(("key", [7; 32]));
                world.app.create_task(&world.ctx, CreateTask { fields, problems: Vec::new(), key }).await
            };
            world.store.fail_next(fault(step));
            let first = make().await;
            if world.store.heal() {
                first?;
                assert!(step > 1, "nothing was cut");
                break;
            }
            assert_eq!(first.unwrap_err().kind, ErrorKind::Unavailable);
            let (second, third) = (make().await?, make().await?);
            assert_eq!((second.task.id, third.replayed), (third.task.id, true));
            assert_eq!(world.stored().tasks.len(), 1, "after {:?}", fault(step));
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_illegal_move_is_a_conflict_that_names_both() -> Result<()> {
    let world = World::new();
    let id = world.task(TaskFields::default()).await?.id;
    let error = world.go(id, TaskMove::Complete).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Conflict, ErrorCode::BusinessRuleViolation));
    assert_eq!(error.message, "a task that is todo cannot become done");
    world.go(id, TaskMove::Start).await?;
    let done = world.go(id, TaskMove::Complete).await?;
    assert_eq!((done.status, done.completed_at), (TaskStatus::Done, Some(world.clock.now())));
    let expected = Some(vec![1]);
    let error = world.app.move_task(&world.ctx, id, TaskMove::Reopen, expected).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::PreconditionFailed);
    Ok(())
}

#[tokio::test]
async fn one_of_a_series_has_one_next_however_it_is_cut() -> Result<()> {
    for fault in [Fault::Call, Fault::Commit, Fault::Answer] {
        for step in 1.. {
            let world = World::new();
            let due = (world.clock.now() + TimeDelta::days(1)).to_rfc3339();
            let rule = Given::Text("FREQ=DAILY");
            let said = TaskFields { due_at: Given::Text(&due), recurrence: rule, ..TaskFields::default() };
            let id = world.task(said).await?.id;
            world.go(id, TaskMove::Start).await?;
            world.store.fail_next(fault(step));
            let first = world.go(id, TaskMove::Complete).await;
            let is_whole = world.store.heal();
            if first.is_err() {
                match world.go(id, TaskMove::Complete).await {
                    // It was done, only the answer was lost.
                    Err(error) => assert_eq!(error.code, ErrorCode::BusinessRuleViolation),
                    Ok(task) => assert_eq!(task.status, TaskStatus::Done),
                }
            }
            assert_eq!(world.stored().tasks.len(), 2, "after {:?}", fault(step));
            // Again, after it was reopened: the next one is there already.
            for by in [TaskMove::Reopen, TaskMove::Start, TaskMove::Complete] {
                world.go(id, by).await?;
            }
            assert_eq!(world.stored().tasks.len(), 2);
            if is_whole {
                assert!(step > 1, "nothing was cut");
                break;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_days_hour_is_that_of_the_tenants_clock() -> Result<()> {
    let world = World::new();
    let zone = "Europe/Berlin".parse()?;
    world.app.store_task_settings(&world.ctx, TaskSettings { zone, ..TaskSettings::default() }).await?;
    let due = Given::Text("2040-03-24T08:00:00Z");
    let task =
        world.task(TaskFields { due_at: due, recurrence: Given::Text("FREQ=DAILY"), ..TaskFields::default() }).await?;
    world.go(task.id, TaskMove::Start).await?;
    world.go(task.id, TaskMove::Complete).await?;
    let next = world.stored().tasks.into_values().find(|stored| stored.task.id != task.id).context("no next")?;
    // Clocks go forward on the 25th.
    assert_eq!(next.task.due_at, muster_domain::instant("2040-03-25T07:00:00Z"));
    Ok(())
}

#[tokio::test]
async fn open_tasks_of_who_is_deleted_go_where_the_policy_says() -> Result<()> {
    for (orphans, goes_to_creator) in [(Orphans::Unassign, false), (Orphans::ToCreator, true)] {
        for how in ["delete", "erase", "in bulk"] {
            let world = World::new();
            world.app.store_task_settings(&world.ctx, TaskSettings { orphans, ..TaskSettings::default() }).await?;
            let (ada, bob) = (world.make("ada").await?.id, world.make("bob").await?.id);
            let (to, by_bob) = (ada.to_string(), bob.to_string());
            let to_ada = |creator| TaskFields { assignee: Given::Text(&to), creator, ..TaskFields::default() };
            let asked = world.task(to_ada(Given::Text(&by_bob))).await?;
            let own = world.task(to_ada(Given::Text(&to))).await?;
            let over = world.task(to_ada(Given::Text(&by_bob))).await?;
            world.go(over.id, TaskMove::Cancel).await?;
            match how {
                "delete" => world.app.delete_user(&world.ctx, ada, ANY).await?,
                "erase" => world.app.force_delete_user(&world.ctx, ada).await?,
                _ => drop(world.change_many(OperationKind::UsersDelete, &[of(ada)], by(MatchBy::Id)).await?),
            }
            let heir = goes_to_creator.then_some(bob);
            let asked = world.stored_task(asked.id).task;
            assert_eq!((asked.assignee, asked.version), (heir, 2), "{how}");
            assert_eq!(world.stored_task(own.id).task.assignee, None, "{how}");
            assert_eq!(world.stored_task(over.id).task.assignee, Some(ada), "what is over stays as it was");
            // Not when it is to be done again, though.
            assert_eq!(world.go(over.id, TaskMove::Reopen).await?.assignee, None, "{how}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn who_is_deleted_while_a_task_waits_to_be_restored_is_its_assignee_no_more() -> Result<()> {
    let world = World::new();
    let ada = world.make("ada").await?.id;
    let task = world.task_of(ada).await?;
    world.app.delete_task(&world.ctx, task.id, Some(vec![1])).await?;
    assert_eq!(world.app.task(&world.ctx, task.id).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(world.go(task.id, TaskMove::Start).await.unwrap_err().kind, ErrorKind::NotFound);
    world.app.delete_user(&world.ctx, ada, ANY).await?;
    let restored = world.app.restore_task(&world.ctx, task.id).await?;
    assert_eq!((restored.assignee, restored.version), (None, 3));
    assert_eq!(world.app.restore_task(&world.ctx, task.id).await.unwrap_err().kind, ErrorKind::Invalid);
    world.app.force_delete_task(&world.ctx, task.id).await?;
    assert_eq!(world.app.force_delete_task(&world.ctx, task.id).await.unwrap_err().kind, ErrorKind::NotFound);
    Ok(())
}

#[tokio::test]
async fn tasks_of_a_user_are_listed_and_of_nobody_are_not() -> Result<()> {
    let world = World::new();
    let ada = world.make("ada").await?.id;
    let mine = world.task_of(ada).await?;
    world.task(TaskFields::default()).await?;
    let page = world.app.tasks_of_user(&world.ctx, ada, query(TaskFilter::default())).await?;
    assert_eq!(page.tasks, [mine]);
    let page = world.app.tasks(&world.ctx, ListTasks { limit: 1, ..query(TaskFilter::default()) }).await?;
    assert_eq!((page.tasks.len(), page.has_next), (1, true));
    let error = world.app.tasks_of_user(&tenant(8), ada, query(TaskFilter::default())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    Ok(())
}
