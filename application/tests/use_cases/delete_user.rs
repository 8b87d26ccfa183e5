use anyhow::Result;
use chrono::TimeDelta;
use muster_application::ports::Clock as _;
use muster_application::{ErrorCode, ErrorKind};
use muster_domain::UserId;
use muster_domain::users::{Given, PageStart, UserEventKind, UserFilter, UserPatch};
use muster_testkit::memory::Fault;
use uuid::Uuid;

use crate::world::{ANY, SILENT, World, fields, pairs, people, person, tenant};

/// Ids of the living and of the deleted, the latest first.
async fn lists(world: &World) -> Result<(Vec<UserId>, Vec<UserId>)> {
    let mut lists = Vec::new();
    for filter in [UserFilter::living(), UserFilter::deleted()] {
        let page = world.app.users(&world.ctx, &filter, PageStart::Offset(0), 100).await?;
        lists.push(page.users.iter().map(|user| user.id).collect());
    }
    Ok((lists.swap_remove(0), lists.swap_remove(0)))
}

#[tokio::test]
async fn who_is_deleted_is_found_no_more_and_holds_no_names() -> Result<()> {
    let world = World::new();
    let (ada, bob) = (world.make("ada").await?, world.make("bob").await?);
    world.app.delete_user(&world.ctx, ada.id, ANY).await?;
    assert_eq!(world.app.user(&world.ctx, ada.id).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(lists(&world).await?, (vec![bob.id], vec![ada.id]));
    let again = world.make("ada").await?;
    assert_ne!(again.id, ada.id);
    assert_eq!(lists(&world).await?, (vec![again.id, bob.id], vec![ada.id]));
    Ok(())
}

#[tokio::test]
async fn who_is_not_there_cannot_be_deleted() -> Result<()> {
    let world = World::new();
    let (ada, bob) = (world.make("ada").await?.id, world.make("bob").await?.id);
    world.app.delete_user(&world.ctx, bob, ANY).await?;
    let stored = world.stored();
    let unknown = UserId::new(Uuid::from_u128(404));
    for (ctx, id) in [(&world.ctx, bob), (&world.ctx, unknown), (&tenant(8), ada)] {
        for expected in [ANY, Some(vec![1, 2])] {
            let error = world.app.delete_user(ctx, id, expected).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::NotFound, "{id}");
        }
    }
    assert_eq!(world.stored(), stored);
    Ok(())
}

#[tokio::test]
async fn only_a_version_that_was_expected_is_deleted() -> Result<()> {
    let world = World::new();
    let id = world.make("ada").await?.id;
    for expected in [vec![], vec![2]] {
        let error = world.app.delete_user(&world.ctx, id, Some(expected)).await.unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::PreconditionFailed, ErrorCode::PreconditionFailed));
    }
    world.app.delete_user(&world.ctx, id, Some(vec![3, 1])).await?;
    assert_eq!(lists(&world).await?, (vec![], vec![id]));
    Ok(())
}

#[tokio::test]
async fn who_is_restored_is_as_they_were() -> Result<()> {
    let world = World::new();
    let imported = world.import(&[people("u", 1)], SILENT).await?;
    let imported = world.app.users_created_by(&world.ctx, &imported, 1).await?;
    for before in [world.make("ada").await?, imported[0].clone()] {
        world.clock.advance(TimeDelta::minutes(1));
        world.app.delete_user(&world.ctx, before.id, ANY).await?;
        world.clock.advance(TimeDelta::minutes(1));
        let user = world.app.restore_user(&world.ctx, before.id).await?;
        assert_eq!((user.version, user.updated_at), (3, world.clock.now()));
        assert_eq!(world.app.user(&world.ctx, before.id).await?, user);
        let mut as_before = user;
        (as_before.version, as_before.updated_at) = (before.version, before.updated_at);
        assert_eq!(as_before, before);
        let taken = world.create(&world.ctx, &person(before.email.as_str(), "free")).await.unwrap_err();
        assert_eq!(taken.kind, ErrorKind::Conflict);
        let kinds: Vec<_> = world.history(before.id).await?.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [UserEventKind::Restored, UserEventKind::Deleted, UserEventKind::Created]);
    }
    Ok(())
}

#[tokio::test]
async fn only_the_deleted_can_be_restored() -> Result<()> {
    let world = World::new();
    let (ada, bob) = (world.make("ada").await?.id, world.make("bob").await?.id);
    world.app.delete_user(&world.ctx, bob, ANY).await?;
    let stored = world.stored();
    let error = world.app.restore_user(&world.ctx, ada).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Invalid, ErrorCode::ValidationError));
    let unknown = UserId::new(Uuid::from_u128(404));
    for (ctx, id) in [(&world.ctx, unknown), (&tenant(8), bob), (&tenant(8), ada)] {
        assert_eq!(world.app.restore_user(ctx, id).await.unwrap_err().kind, ErrorKind::NotFound);
    }
    assert_eq!(world.stored(), stored);
    Ok(())
}

#[tokio::test]
async fn who_lost_their_names_meanwhile_stays_deleted_until_these_are_free() -> Result<()> {
    let (email, username) = (("email", "duplicate"), ("username", "duplicate"));
    for (takers, expected) in [
        (vec![("ada@example.com", "other")], pairs(&[email])),
        (vec![("other@example.com", "ADA")], pairs(&[username])),
        (vec![("ada@example.com", "ada")], pairs(&[email, username])),
        (vec![("ada@example.com", "one"), ("two@example.com", "Ada")], pairs(&[email, username])),
    ] {
        let world = World::new();
        let ada = world.make("ada").await?.id;
        world.app.delete_user(&world.ctx, ada, ANY).await?;
        let mut ids = Vec::new();
        for (email, username) in takers {
            ids.push(world.create(&world.ctx, &person(email, username)).await?.id);
        }
        let stored = world.stored();
        let error = world.app.restore_user(&world.ctx, ada).await.unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Conflict, ErrorCode::Conflict));
        assert_eq!(fields(&error.problems), expected);
        assert_eq!(world.stored(), stored);
        // One way to free a name is to delete who has it, another is to change it.
        let change = UserPatch {
            email: Given::Text("moved@example.com"),
            username: Given::Text("moved"),
            ..UserPatch::default()
        };
        world.change(ids[0], change).await?;
        for id in ids.into_iter().skip(1) {
            world.app.delete_user(&world.ctx, id, ANY).await?;
        }
        assert_eq!(world.app.restore_user(&world.ctx, ada).await?.version, 3);
    }
    Ok(())
}

#[tokio::test]
async fn deleting_and_restoring_that_are_cut_are_done_whole_or_not_at_all() -> Result<()> {
    let calls = (1..=4).map(|step| (Fault::Call(step), false));
    for (fault, done) in calls.chain([(Fault::Commit(1), false), (Fault::Answer(1), true)]) {
        let world = World::new();
        let id = world.make("ada").await?.id;
        world.store.fail_next(fault);
        let error = world.app.delete_user(&world.ctx, id, ANY).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{fault:?}");
        // Who repeats it learns that it is done.
        let again = world.app.delete_user(&world.ctx, id, ANY).await;
        assert_eq!(again.err().map(|error| error.kind), done.then_some(ErrorKind::NotFound), "{fault:?}");
        world.store.fail_next(fault);
        let error = world.app.restore_user(&world.ctx, id).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{fault:?}");
        let again = world.app.restore_user(&world.ctx, id).await;
        assert_eq!(again.err().map(|error| error.kind), done.then_some(ErrorKind::Invalid), "{fault:?}");
        assert_eq!(world.app.user(&world.ctx, id).await?.version, 3, "{fault:?}");
        assert_eq!(world.history(id).await?.len(), 3, "{fault:?}");
    }
    Ok(())
}

#[tokio::test]
async fn of_two_who_delete_the_same_user_one_does() -> Result<()> {
    let world = World::new();
    let id = world.make("ada").await?.id;
    let delete = || world.app.delete_user(&world.ctx, id, ANY);
    let (one, two) = tokio::join!(delete(), delete());
    assert!(one.is_ok() ^ two.is_ok());
    assert_eq!(world.history(id).await?.len(), 2);
    Ok(())
}
