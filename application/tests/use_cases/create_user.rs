use anyhow::Result;
use muster_application::imports::{ImportRow, RowProblem};
use muster_application::users::CreateUser;
use muster_application::{ErrorCode, ErrorKind};
use muster_testkit::memory::Fault;

use crate::world::{SILENT, World, fields, pairs, people, person, tenant};

#[tokio::test]
async fn the_user_who_is_given_back_is_the_one_who_is_stored() -> Result<()> {
    let world = World::new();
    let given = ImportRow { full_name: Some("Ada Lovelace".into()), ..person("Ada <ADA@example.com>", "Ada") };
    let user = world.create(&world.ctx, &given).await?;
    assert_eq!((user.email.as_str(), user.username.as_str(), user.version), ("ada@example.com", "Ada", 1));
    assert_eq!(world.app.user(&world.ctx, user.id).await?, user);
    let other = world.create(&world.ctx, &person("bob@example.com", "bob")).await?;
    assert!(other.id > user.id);
    assert_eq!(world.app.user(&tenant(8), user.id).await.unwrap_err().kind, ErrorKind::NotFound);
    Ok(())
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let world = World::new();
    let unreadable = RowProblem { field: Some("email".into()), code: "wrong_type".into(), detail: "".into() };
    let name = "x".repeat(256);
    let long = ImportRow { full_name: Some(name.as_str().into()), ..person("ada@example.com", "ada") };
    for (given, expected, message) in [
        (
            person("nope", "x"),
            pairs(&[("email", "invalid_email"), ("username", "too_short")]),
            "email and username are wrong",
        ),
        (ImportRow::default(), pairs(&[("email", "missing"), ("username", "missing")]), "email and username are wrong"),
        (long, pairs(&[("full_name", "too_long")]), "full_name is wrong"),
        (
            ImportRow { problems: vec![unreadable], username: Some("a b".into()), ..ImportRow::default() },
            pairs(&[("email", "wrong_type"), ("username", "invalid_username")]),
            "email and username are wrong",
        ),
    ] {
        let error = world.create(&world.ctx, &given).await.unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Invalid, ErrorCode::ValidationError));
        assert_eq!((fields(&error.problems), error.message.as_ref()), (expected, message));
    }
    assert!(world.stored().users.is_empty());
}

#[tokio::test]
async fn what_is_taken_is_named_whoever_has_it() -> Result<()> {
    let world = World::new();
    world.create(&world.ctx, &person("ada@example.com", "Ada")).await?;
    world.import(&[people("old", 1)], SILENT).await?;
    for (given, expected) in [
        (person("ADA@example.com", "free"), pairs(&[("email", "duplicate")])),
        (person("free@example.com", "aDA"), pairs(&[("username", "duplicate")])),
        (person("ada@example.com", "ada"), pairs(&[("email", "duplicate"), ("username", "duplicate")])),
        (person("ada@example.com", "OLD-1"), pairs(&[("email", "duplicate"), ("username", "duplicate")])),
        (person("old1@example.com", "free"), pairs(&[("email", "duplicate")])),
    ] {
        let error = world.create(&world.ctx, &given).await.unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Conflict, ErrorCode::Conflict));
        assert_eq!(fields(&error.problems), expected);
    }
    assert_eq!(world.stored().users.len(), 2);
    // Another tenant has names of its own.
    world.create(&tenant(8), &person("ada@example.com", "Ada")).await?;
    Ok(())
}

#[tokio::test]
async fn nothing_is_half_made() -> Result<()> {
    for fault in [Fault::Call(1), Fault::Call(2), Fault::Call(3), Fault::Commit(1)] {
        let world = World::new();
        world.store.fail_next(fault);
        let error = world.create(&world.ctx, &person("ada@example.com", "ada")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{fault:?}");
        assert!(world.stored().users.is_empty());
        world.create(&world.ctx, &person("ada@example.com", "ada")).await?;
    }
    Ok(())
}

#[tokio::test]
async fn of_many_who_want_the_same_name_one_gets_it() {
    let world = World::new();
    let emails: Vec<_> = (0..8).map(|n| format!("ada{n}@example.com")).collect();
    let results = futures_of(&world, &emails).await;
    assert_eq!(results.iter().filter(|made| **made).count(), 1);
    assert_eq!(world.stored().users.len(), 1);
}

async fn futures_of(world: &World, emails: &[String]) -> Vec<bool> {
    let mut tasks = tokio::task::JoinSet::new();
    for email in emails {
        let (app, ctx, email) = (world.app.clone(), world.ctx.clone(), email.clone());
        tasks.spawn(async move {
            let row = person(&email, "ada");
            app.create_user(&ctx, CreateUser { row: &row, welcome: false, key: None }).await.is_ok()
        });
    }
    tasks.join_all().await
}
