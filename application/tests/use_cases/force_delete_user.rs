use anyhow::Result;
use muster_application::users::{CreateUser, CreatedUser};
use muster_application::{AppError, ErrorKind};
use muster_domain::UserId;
use muster_testkit::memory::{Fault, TenantState};
use uuid::Uuid;

use crate::world::{ANY, CONTINUE, World, people, person, tenant};

/// Makes a user who leaves something wherever something can be left: a history, a key and a mail that waits.
async fn ada(world: &World) -> Result<CreatedUser, AppError> {
    let row = person("ada@example.com", "ada");
    let command = CreateUser { row: &row, welcome: true, key: Some(("key", [1; 32])) };
    world.app.create_user(&world.ctx, command).await
}

#[tokio::test]
async fn nothing_is_left_of_who_was_removed_alive_or_deleted() -> Result<()> {
    for deleted in [false, true] {
        let world = World::new();
        let id = ada(&world).await?.user.id;
        if deleted {
            world.app.delete_user(&world.ctx, id, ANY).await?;
        }
        world.app.force_delete_user(&world.ctx, id).await?;
        assert_eq!(world.stored(), TenantState::default());
        assert_eq!(world.app.user(&world.ctx, id).await.unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(world.history(id).await.unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(world.app.restore_user(&world.ctx, id).await.unwrap_err().kind, ErrorKind::NotFound);
    }
    Ok(())
}

#[tokio::test]
async fn who_was_removed_can_be_made_again_with_the_same_key() -> Result<()> {
    let world = World::new();
    let first = ada(&world).await?;
    world.app.force_delete_user(&world.ctx, first.user.id).await?;
    let second = ada(&world).await?;
    assert!(!second.replayed);
    assert_ne!(second.user.id, first.user.id);
    assert_eq!(world.history(second.user.id).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn who_was_removed_gets_no_mail_wherever_it_waits() -> Result<()> {
    for gathered in [false, true] {
        let world = World::new();
        let removed = world.welcome("ada").await?.id;
        world.welcome("bob").await?;
        if gathered {
            world.app.relay_welcomes().await?;
        }
        world.app.force_delete_user(&world.ctx, removed).await?;
        let again = world.welcome("ada").await?.id;
        world.app.relay_welcomes().await?;
        for start in world.gateway.welcome_starts() {
            world.send_batch(start.batch).await?;
        }
        let mut keys: Vec<_> = world.mailer.taken().into_iter().map(|mail| (mail.to, mail.message_key)).collect();
        keys.sort_unstable();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0], ("ada@example.com".to_owned(), format!("welcome.{again}")));
        assert!(world.stored().welcomes.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn who_was_imported_can_be_removed_before_their_mail() -> Result<()> {
    let world = World::new();
    let operation = world.import(&[people("u", 3)], CONTINUE).await?;
    let id = operation.row_ids().id(2);
    world.app.force_delete_user(&world.ctx, id).await?;
    assert_eq!(world.history(id).await.unwrap_err().kind, ErrorKind::NotFound);
    world.send(operation.id).await?;
    let mut to: Vec<_> = world.mailer.taken().into_iter().map(|mail| mail.to).collect();
    to.sort_unstable();
    assert_eq!(to, ["u1@example.com", "u3@example.com"]);
    // The line of the block is that of the others as well.
    assert_eq!(world.history(operation.row_ids().id(1)).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn who_is_not_there_cannot_be_removed() -> Result<()> {
    let world = World::new();
    let (ada, bob) = (world.make("ada").await?.id, world.make("bob").await?.id);
    world.app.force_delete_user(&world.ctx, bob).await?;
    let stored = world.stored();
    let unknown = UserId::new(Uuid::from_u128(404));
    for (ctx, id) in [(&world.ctx, bob), (&world.ctx, unknown), (&tenant(8), ada)] {
        assert_eq!(world.app.force_delete_user(ctx, id).await.unwrap_err().kind, ErrorKind::NotFound);
    }
    assert_eq!(world.stored(), stored);
    Ok(())
}

#[tokio::test]
async fn a_removal_that_is_cut_is_done_whole_or_not_at_all() -> Result<()> {
    let calls = (1..=3).map(|step| (Fault::Call(step), false));
    for (fault, done) in calls.chain([(Fault::Commit(1), false), (Fault::Answer(1), true)]) {
        let world = World::new();
        let id = ada(&world).await?.user.id;
        let stored = world.stored();
        world.store.fail_next(fault);
        let error = world.app.force_delete_user(&world.ctx, id).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{fault:?}");
        assert_eq!(world.stored(), if done { TenantState::default() } else { stored }, "{fault:?}");
        let again = world.app.force_delete_user(&world.ctx, id).await;
        assert_eq!(again.err().map(|error| error.kind), done.then_some(ErrorKind::NotFound), "{fault:?}");
    }
    Ok(())
}
