use anyhow::Result;
use muster_application::imports::NewUpload;
use muster_application::users::{CreateUser, CreatedUser};
use muster_application::{AppError, ErrorCode, ErrorKind};
use muster_domain::operations::UploadFormat;
use muster_domain::users::{Given, UserPatch};
use muster_testkit::memory::Fault;

use crate::world::{ANY, CONTINUE, SETTINGS, World, import_row, people, person, tenant};

/// A request with a welcome mail and key `key`; the digest stands for its body.
async fn create(world: &World, key: &str, digest: u8, name: &str) -> Result<CreatedUser, AppError> {
    let email = format!("{name}@example.com");
    let command = CreateUser { row: &person(&email, name), welcome: true, key: Some((key, [digest; 32])) };
    world.app.create_user(&world.ctx, command).await
}

fn kind_and_code(error: &AppError) -> (ErrorKind, ErrorCode) {
    (error.kind, error.code)
}

const REUSED: (ErrorKind, ErrorCode) = (ErrorKind::Invalid, ErrorCode::IdempotencyKeyReused);

#[tokio::test]
async fn the_same_key_and_body_are_the_same_user() -> Result<()> {
    let world = World::new();
    let first = create(&world, "key", 1, "ada").await?;
    let stored = world.stored();
    let second = create(&world, "key", 1, "ada").await?;
    assert_eq!((first.replayed, second.replayed), (false, true));
    assert_eq!(first.user, second.user);
    assert_eq!(world.stored(), stored, "a replay has left something");
    assert_eq!((stored.users.len(), stored.events.len(), stored.welcomes.len()), (1, 1, 1));
    Ok(())
}

#[tokio::test]
async fn a_replay_shows_the_user_as_they_are() -> Result<()> {
    let world = World::new();
    let id = create(&world, "key", 1, "ada").await?.user.id;
    let patch = UserPatch { email: Given::Text("new@example.com"), ..UserPatch::default() };
    let changed = world.change(id, patch).await?;
    // What the first request wanted is free again, and still it is a replay.
    assert_eq!(create(&world, "key", 1, "ada").await?, CreatedUser { user: changed, replayed: true });
    Ok(())
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() -> Result<()> {
    let world = World::new();
    create(&world, "key", 1, "ada").await?;
    for name in ["bob", "ada"] {
        let error = create(&world, "key", 2, name).await.unwrap_err();
        assert_eq!(kind_and_code(&error), REUSED);
    }
    assert_eq!(world.stored().users.len(), 1);
    assert!(!create(&world, "other key", 2, "bob").await?.replayed);
    Ok(())
}

#[tokio::test]
async fn a_key_of_an_upload_makes_no_user() -> Result<()> {
    let world = World::new();
    world.upload(Some("key"), &people("u", 3), CONTINUE).await?;
    let mut upload =
        world.app.begin_upload(world.ctx.clone(), NewUpload::import(UploadFormat::Csv, Some("big".to_owned()))).await?;
    for row in &people("v", 10_001) {
        upload.push(&import_row(1, row))?;
        upload.flush().await?;
    }
    let sealed = world.stored().keys.get("key").and_then(|key| key.digest).unwrap();
    for (key, digest) in [("key", [1; 32]), ("key", sealed), ("big", [1; 32])] {
        let row = person("ada@example.com", "ada");
        let command = CreateUser { row: &row, welcome: true, key: Some((key, digest)) };
        let error = world.app.create_user(&world.ctx, command).await.unwrap_err();
        assert_eq!(kind_and_code(&error), REUSED, "{key}");
    }
    assert!(world.stored().users.is_empty());
    upload.discard().await;
    Ok(())
}

#[tokio::test]
async fn a_key_of_a_user_begins_no_upload() -> Result<()> {
    for rows in [3, 10_001] {
        let world = World::new();
        create(&world, "key", 1, "ada").await?;
        let error = world.upload(Some("key"), &people("u", rows), CONTINUE).await.unwrap_err();
        assert_eq!(kind_and_code(&error), REUSED);
        assert!(world.stored().operations.is_empty());
        assert!(create(&world, "key", 1, "ada").await?.replayed);
    }
    Ok(())
}

#[tokio::test]
async fn a_key_that_a_user_takes_while_an_upload_comes_in_is_the_users() -> Result<()> {
    for rows in [3, 10_001] {
        let world = World::new();
        let mut upload = world
            .app
            .begin_upload(world.ctx.clone(), NewUpload::import(UploadFormat::Csv, Some("key".to_owned())))
            .await?;
        create(&world, "key", 1, "ada").await?;
        for row in &people("u", rows) {
            upload.push(&import_row(2, row))?;
            upload.flush().await?;
        }
        let error = upload.finish(CONTINUE, &[]).await.unwrap_err();
        assert_eq!(kind_and_code(&error), REUSED);
        assert!(world.stored().operations.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_key_of_who_was_deleted_since_is_a_conflict_until_they_are_restored() -> Result<()> {
    let world = World::new();
    let id = create(&world, "key", 1, "ada").await?.user.id;
    world.app.delete_user(&world.ctx, id, ANY).await?;
    let error = create(&world, "key", 1, "ada").await.unwrap_err();
    assert_eq!(kind_and_code(&error), (ErrorKind::Conflict, ErrorCode::Conflict));
    assert_eq!(kind_and_code(&create(&world, "key", 2, "bob").await.unwrap_err()), REUSED);
    assert!(world.stored().users.is_empty());
    let user = world.app.restore_user(&world.ctx, id).await?;
    assert_eq!(create(&world, "key", 1, "ada").await?, CreatedUser { user, replayed: true });
    Ok(())
}

#[tokio::test]
async fn a_request_that_failed_leaves_its_key_free() -> Result<()> {
    let world = World::new();
    world.make("taken").await?;
    for (name, kind) in [("x", ErrorKind::Invalid), ("taken", ErrorKind::Conflict)] {
        assert_eq!(create(&world, "key", 1, name).await.unwrap_err().kind, kind);
        assert!(world.stored().keys.is_empty());
    }
    assert!(!create(&world, "key", 2, "ada").await?.replayed);
    Ok(())
}

#[tokio::test]
async fn of_requests_at_once_with_one_key_one_makes_the_user() -> Result<()> {
    let world = World::new();
    let (one, two, other) = tokio::join!(
        create(&world, "key", 1, "ada"),
        create(&world, "key", 1, "ada"),
        create(&world, "key", 2, "bob"),
    );
    let (one, two) = (one?, two?);
    assert_eq!(one.user, two.user);
    assert!(one.replayed ^ two.replayed);
    assert_eq!(kind_and_code(&other.unwrap_err()), REUSED);
    assert_eq!((world.stored().users.len(), world.stored().welcomes.len()), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_key_is_the_tenants_own() -> Result<()> {
    let mut world = World::new();
    let first = create(&world, "key", 1, "ada").await?;
    world.ctx = tenant(8);
    let second = create(&world, "key", 1, "ada").await?;
    assert!(!second.replayed);
    assert_ne!(first.user.id, second.user.id);
    Ok(())
}

#[tokio::test]
async fn a_key_is_remembered_for_its_lifetime_and_then_forgotten() -> Result<()> {
    let world = World::new();
    create(&world, "key", 1, "ada").await?;
    world.clock.advance(SETTINGS.key_lifetime / 2);
    assert_eq!(world.app.sweep().await?.forgotten, 0);
    assert!(create(&world, "key", 1, "ada").await?.replayed);
    world.clock.advance(SETTINGS.key_lifetime);
    assert_eq!(world.app.sweep().await?.forgotten, 1);
    assert_eq!(create(&world, "key", 1, "ada").await.unwrap_err().kind, ErrorKind::Conflict, "by the name");
    assert!(!create(&world, "key", 2, "bob").await?.replayed);
    Ok(())
}

#[tokio::test]
async fn who_lost_the_answer_gets_the_user_and_no_second_one() -> Result<()> {
    let calls = (1..=4).map(|step| (Fault::Call(step), false));
    for (fault, done) in calls.chain([(Fault::Commit(1), false), (Fault::Answer(1), true)]) {
        let world = World::new();
        world.store.fail_next(fault);
        let error = create(&world, "key", 1, "ada").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{fault:?}");
        assert_eq!(create(&world, "key", 1, "ada").await?.replayed, done, "{fault:?}");
        let stored = world.stored();
        assert_eq!((stored.users.len(), stored.events.len(), stored.welcomes.len()), (1, 1, 1), "{fault:?}");
    }
    Ok(())
}
