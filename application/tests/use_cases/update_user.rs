use anyhow::Result;
use chrono::TimeDelta;
use muster_application::imports::{ImportRow, RowProblem};
use muster_application::ports::Clock as _;
use muster_application::users::{UpdateUser, Versions};
use muster_application::{AppError, ErrorCode, ErrorKind};
use muster_domain::UserId;
use muster_domain::users::{FullName, Given, User, UserPatch};
use muster_testkit::memory::Fault;
use uuid::Uuid;

use crate::world::{ANY, World, fields, pairs, person, tenant};

/// A change of nothing, to be filled in.
const NOTHING: UserPatch<'static> =
    UserPatch { email: Given::Absent, username: Given::Absent, full_name: Given::Absent, is_active: None };

async fn ada(world: &World) -> Result<User, AppError> {
    let row = ImportRow { full_name: Some("Ada Lovelace".into()), ..person("ada@example.com", "ada") };
    world.create(&world.ctx, &row).await
}

fn to_name(name: &str) -> UserPatch<'_> {
    UserPatch { full_name: Given::Text(name), ..NOTHING }
}

async fn change_at(world: &World, id: UserId, name: &str, expected: Versions) -> Result<User, AppError> {
    let command = UpdateUser { id, patch: to_name(name), problems: Vec::new(), expected };
    world.app.update_user(&world.ctx, command).await
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_nothing_else() -> Result<()> {
    for (patch, expected) in [
        (
            UserPatch { email: Given::Text("New <NEW@example.com>"), ..NOTHING },
            ("new@example.com", "ada", Some("Ada Lovelace"), true),
        ),
        (
            UserPatch { username: Given::Text("Countess"), ..NOTHING },
            ("ada@example.com", "Countess", Some("Ada Lovelace"), true),
        ),
        (to_name("Ada King"), ("ada@example.com", "ada", Some("Ada King"), true)),
        (UserPatch { full_name: Given::Null, ..NOTHING }, ("ada@example.com", "ada", None, true)),
        (to_name(" "), ("ada@example.com", "ada", None, true)),
        (UserPatch { is_active: Some(false), ..NOTHING }, ("ada@example.com", "ada", Some("Ada Lovelace"), false)),
        (
            UserPatch {
                email: Given::Text("new@example.com"),
                username: Given::Text("new"),
                full_name: Given::Null,
                is_active: Some(false),
            },
            ("new@example.com", "new", None, false),
        ),
    ] {
        let world = World::new();
        let before = ada(&world).await?;
        world.clock.advance(TimeDelta::minutes(1));
        let user = world.change(before.id, patch).await?;
        let name = user.full_name.as_ref().map(FullName::as_str);
        assert_eq!((user.email.as_str(), user.username.as_str(), name, user.is_active), expected);
        assert_eq!((user.id, user.version, user.created_at), (before.id, 2, before.created_at));
        assert_eq!(user.updated_at, world.clock.now());
        assert_eq!(world.app.user(&world.ctx, user.id).await?, user);
    }
    Ok(())
}

#[tokio::test]
async fn every_wrong_field_is_named_and_nothing_is_changed() -> Result<()> {
    let world = World::new();
    let id = ada(&world).await?.id;
    let stored = world.stored();
    let long = "x".repeat(256);
    let unreadable = || RowProblem { field: Some("is_active".into()), code: "wrong_type".into(), detail: "".into() };
    for (patch, problems, expected, message) in [
        (
            UserPatch { email: Given::Null, username: Given::Null, ..NOTHING },
            Vec::new(),
            pairs(&[("email", "missing"), ("username", "missing")]),
            "email and username are wrong",
        ),
        (
            UserPatch { email: Given::Text("nope"), username: Given::Text("x"), ..to_name(&long) },
            Vec::new(),
            pairs(&[("email", "invalid_email"), ("username", "too_short"), ("full_name", "too_long")]),
            "email, username and full_name are wrong",
        ),
        (to_name("fine"), vec![unreadable()], pairs(&[("is_active", "wrong_type")]), "is_active is wrong"),
        (
            UserPatch { username: Given::Text("a b"), ..NOTHING },
            vec![unreadable()],
            pairs(&[("is_active", "wrong_type"), ("username", "invalid_username")]),
            "is_active and username are wrong",
        ),
    ] {
        let command = UpdateUser { id, patch, problems, expected: ANY };
        let error = world.app.update_user(&world.ctx, command).await.unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Invalid, ErrorCode::ValidationError));
        assert_eq!((fields(&error.problems), error.message.as_ref()), (expected, message));
    }
    assert_eq!(world.stored(), stored);
    Ok(())
}

#[tokio::test]
async fn what_makes_no_difference_is_no_change() -> Result<()> {
    let world = World::new();
    let user = ada(&world).await?;
    let stored = world.stored();
    world.clock.advance(TimeDelta::minutes(1));
    let same = UserPatch {
        email: Given::Text("ADA@example.com"),
        username: Given::Text("ada"),
        full_name: Given::Text(" Ada Lovelace\t"),
        is_active: Some(true),
    };
    for patch in [NOTHING, same, to_name("Ada Lovelace"), UserPatch { is_active: Some(true), ..NOTHING }] {
        assert_eq!(world.change(user.id, patch).await?, user);
        assert_eq!(world.stored(), stored, "the version, the time or the history moved");
    }
    let error = change_at(&world, user.id, "Ada Lovelace", Some(vec![2])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::PreconditionFailed, "asked for all the same");
    Ok(())
}

#[tokio::test]
async fn a_change_is_made_only_to_a_version_that_was_expected() -> Result<()> {
    let world = World::new();
    let id = ada(&world).await?.id;
    for expected in [vec![], vec![0], vec![2], vec![2, 3]] {
        let error = change_at(&world, id, "Ada King", Some(expected)).await.unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::PreconditionFailed, ErrorCode::PreconditionFailed));
    }
    assert_eq!(world.app.user(&world.ctx, id).await?.version, 1);
    assert_eq!(change_at(&world, id, "Ada King", Some(vec![1])).await?.version, 2);
    change_at(&world, id, "Ada Byron", Some(vec![1])).await.unwrap_err();
    assert_eq!(change_at(&world, id, "Ada Byron", Some(vec![7, 2])).await?.version, 3);
    assert_eq!(change_at(&world, id, "Ada", ANY).await?.version, 4);
    Ok(())
}

#[tokio::test]
async fn of_two_changes_to_the_same_version_one_is_made() -> Result<()> {
    let world = World::new();
    let id = ada(&world).await?.id;
    let change = |name| change_at(&world, id, name, Some(vec![1]));
    let (one, two) = tokio::join!(change("One"), change("Two"));
    assert!(one.is_ok() ^ two.is_ok());
    assert_eq!(one.and(two).unwrap_err().kind, ErrorKind::PreconditionFailed);
    assert_eq!(world.history(id).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn each_field_whose_value_another_has_is_named() -> Result<()> {
    let world = World::new();
    let id = ada(&world).await?.id;
    world.make("bob").await?;
    world.make("Eve").await?;
    let stored = world.stored();
    let (email, username) = (("email", "duplicate"), ("username", "duplicate"));
    for (wanted, expected, message) in [
        ((Given::Text("BOB@example.com"), Given::Absent), pairs(&[email]), "email is already taken"),
        ((Given::Absent, Given::Text("eVE")), pairs(&[username]), "username is already taken"),
        ((Given::Text("bob@example.com"), Given::Text("free")), pairs(&[email]), "email is already taken"),
        ((Given::Text("ada@example.com"), Given::Text("bob")), pairs(&[username]), "username is already taken"),
        (
            (Given::Text("bob@example.com"), Given::Text("bob")),
            pairs(&[email, username]),
            "email and username are already taken",
        ),
        (
            (Given::Text("bob@example.com"), Given::Text("eve")),
            pairs(&[email, username]),
            "email and username are already taken",
        ),
    ] {
        let patch = UserPatch { email: wanted.0, username: wanted.1, full_name: Given::Null, is_active: Some(false) };
        let error = world.change(id, patch).await.unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Conflict, ErrorCode::Conflict));
        assert_eq!((fields(&error.problems), error.message.as_ref()), (expected, message));
    }
    assert_eq!(world.stored(), stored, "a part of a change was made");
    Ok(())
}

#[tokio::test]
async fn of_two_who_want_the_same_name_at_once_one_gets_it() -> Result<()> {
    let world = World::new();
    let (one, two) = (world.make("one").await?.id, world.make("two").await?.id);
    let email = UserPatch { email: Given::Text("new@example.com"), ..NOTHING };
    let (one, two) = tokio::join!(world.change(one, email), world.change(two, email));
    assert!(one.is_ok() ^ two.is_ok());
    assert_eq!(fields(&one.and(two).unwrap_err().problems), pairs(&[("email", "duplicate")]));
    Ok(())
}

#[tokio::test]
async fn what_only_the_deleted_others_or_the_user_had_is_free() -> Result<()> {
    let world = World::new();
    let id = ada(&world).await?.id;
    let gone = world.make("gone").await?;
    world.app.delete_user(&world.ctx, gone.id, ANY).await?;
    world.create(&tenant(8), &person("foreign@example.com", "foreign")).await?;
    for (email, username) in
        [("gone@example.com", "gone"), ("foreign@example.com", "foreign"), ("foreign@example.com", "Foreign")]
    {
        let patch = UserPatch { email: Given::Text(email), username: Given::Text(username), ..NOTHING };
        let user = world.change(id, patch).await?;
        assert_eq!((user.email.as_str(), user.username.as_str()), (email, username));
    }
    // And what the user had before is free for others.
    world.make("ada").await?;
    world.make("gone").await?;
    Ok(())
}

#[tokio::test]
async fn who_is_not_there_cannot_be_changed() -> Result<()> {
    let world = World::new();
    let (id, deleted) = (ada(&world).await?.id, world.make("gone").await?.id);
    world.app.delete_user(&world.ctx, deleted, ANY).await?;
    let stored = world.stored();
    let foreign = UpdateUser { id, patch: to_name("x"), problems: Vec::new(), expected: ANY };
    let error = world.app.update_user(&tenant(8), foreign).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    for id in [deleted, UserId::new(Uuid::from_u128(404))] {
        for expected in [ANY, Some(vec![2])] {
            assert_eq!(change_at(&world, id, "x", expected).await.unwrap_err().kind, ErrorKind::NotFound);
        }
    }
    assert_eq!(world.stored(), stored);
    Ok(())
}

#[tokio::test]
async fn a_change_that_is_cut_is_made_whole_or_not_at_all() -> Result<()> {
    let calls = (1..=4).map(|step| (Fault::Call(step), 1));
    for (fault, version) in calls.chain([(Fault::Commit(1), 1), (Fault::Answer(1), 2)]) {
        let world = World::new();
        let id = ada(&world).await?.id;
        world.store.fail_next(fault);
        let error = change_at(&world, id, "Ada King", Some(vec![1])).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{fault:?}");
        assert_eq!(world.app.user(&world.ctx, id).await?.version, version, "{fault:?}");
        assert_eq!(world.change(id, to_name("Ada King")).await?.version, 2, "{fault:?}");
        assert_eq!(world.history(id).await?.len(), 2, "{fault:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_nobody_older() -> Result<()> {
    let world = World::new();
    let before = ada(&world).await?;
    world.clock.advance(TimeDelta::minutes(-5));
    assert_eq!(world.change(before.id, to_name("Ada King")).await?.updated_at, before.updated_at);
    world.app.delete_user(&world.ctx, before.id, ANY).await?;
    assert_eq!(world.app.restore_user(&world.ctx, before.id).await?.updated_at, before.updated_at);
    let history = world.history(before.id).await?;
    assert_eq!(history.len(), 4);
    assert!(history.iter().all(|event| event.at == before.updated_at), "the history tells another time than the user");
    Ok(())
}
