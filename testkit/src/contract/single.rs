use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use muster_domain::RepositoryError;
use muster_domain::operations::KeyOwner;
use muster_domain::users::{Given, StoredUser, User, UserChanges, UserEventKind, UserPatch};

use super::Arena;
use super::arena::{at, changes, event, made, user, user_id};
use super::welcomes::batch;

fn to_email(email: &str) -> Result<UserChanges> {
    changes(UserPatch { email: Given::Text(email), ..UserPatch::default() })
}

pub(super) async fn a_user_is_inserted_only_if_both_are_free(arena: &Arena<'_>) -> Result<()> {
    let ada = made(1, "ada", 0)?;
    arena.make(&ada).await?;
    for (n, email, username) in [(2, "ada", "other"), (3, "other", "ADA")] {
        let (id, new) = user(n, email, username)?;
        let user = User::new(id, new, at(0));
        let mut uow = arena.begin().await?;
        ensure!(!uow.users().insert(&user, &event(&user, UserEventKind::Created, 0), true).await?);
        // Nothing was done, and the unit of work goes on.
        ensure!(uow.users().lock(id).await?.is_none());
        uow.commit().await?;
        ensure!(arena.world.user_list().history(arena.tenant, id, None, 9).await?.is_none());
    }
    let found = arena.world.users().find(arena.tenant, user_id(1)).await?;
    ensure!(found == Some(ada));
    Ok(())
}

pub(super) async fn a_changed_user_is_read_back_and_the_old_values_are_free(arena: &Arena<'_>) -> Result<()> {
    arena.make(&made(1, "ada", 0)?).await?;
    let patch = UserPatch {
        email: Given::Text("new@example.com"),
        username: Given::Text("New"),
        full_name: Given::Text("Ada"),
        is_active: Some(false),
    };
    let change = changes(patch)?;
    let stored = arena.write(user_id(1), UserEventKind::Updated, |stored| drop(stored.change(change, at(3)))).await?;
    let found = arena.world.users().find(arena.tenant, user_id(1)).await?.context("not found")?;
    ensure!(found == stored.user && found.version == 2 && found.updated_at == at(3) && found.created_at == at(0));
    arena.make(&made(2, "ada", 0)?).await
}

pub(super) async fn a_change_to_what_another_has_is_a_conflict_that_names_the_field(arena: &Arena<'_>) -> Result<()> {
    arena.make(&made(1, "ada", 0)?).await?;
    arena.make(&made(2, "bob", 0)?).await?;
    let username = changes(UserPatch { username: Given::Text("ADA"), ..UserPatch::default() })?;
    for (change, name) in [(to_email("ada@example.com")?, "email"), (username, "username")] {
        let mut uow = arena.begin().await?;
        let mut bob = uow.users().lock(user_id(2)).await?.context("not found")?;
        drop(bob.change(change, at(1)));
        let refused = uow.users().store(&bob, &event(&bob.user, UserEventKind::Updated, 2)).await;
        ensure!(matches!(refused, Err(RepositoryError::Conflict { field }) if field == name), "{refused:?}");
        drop(uow);
    }
    ensure!(arena.world.users().find(arena.tenant, user_id(2)).await? == Some(made(2, "bob", 0)?));
    Ok(())
}

pub(super) async fn a_deleted_user_can_be_read_locked_and_restored(arena: &Arena<'_>) -> Result<()> {
    arena.make(&made(1, "ada", 0)?).await?;
    arena.delete(user_id(1)).await?;
    ensure!(arena.world.users().find(arena.tenant, user_id(1)).await?.is_none());
    let mut uow = arena.begin().await?;
    let StoredUser { user, deleted_at } = uow.users().lock(user_id(1)).await?.context("not found")?;
    ensure!((user.version, deleted_at) == (2, Some(at(1))));
    drop(uow);
    arena.write(user_id(1), UserEventKind::Restored, |stored| stored.restore(at(2))).await?;
    let found = arena.world.users().find(arena.tenant, user_id(1)).await?.context("not found")?;
    ensure!((found.version, found.updated_at) == (3, at(2)));
    Ok(())
}

pub(super) async fn a_restore_conflicts_with_who_took_the_address(arena: &Arena<'_>) -> Result<()> {
    arena.make(&made(1, "ada", 0)?).await?;
    arena.delete(user_id(1)).await?;
    arena.make(&made(2, "ada", 0)?).await?;
    let restored = arena.write(user_id(1), UserEventKind::Restored, |stored| stored.restore(at(2))).await;
    let error = restored.err().context("it was restored")?;
    let error = error.downcast_ref::<RepositoryError>();
    ensure!(matches!(error, Some(RepositoryError::Conflict { .. })), "{error:?}");
    Ok(())
}

pub(super) async fn the_id_of_a_deleted_user_is_not_free(arena: &Arena<'_>) -> Result<()> {
    arena.make(&made(1, "ada", 0)?).await?;
    let deleted = arena.delete(user_id(1)).await?;
    let bob = made(1, "bob", 0)?;
    let mut uow = arena.begin().await?;
    ensure!(!uow.users().insert(&bob, &event(&bob, UserEventKind::Created, 9), true).await?);
    ensure!(uow.users().insert_free(&[user(1, "eve", "eve")?], at(0)).await? == [user_id(1)]);
    ensure!(uow.users().lock(user_id(1)).await? == Some(deleted));
    Ok(())
}

pub(super) async fn a_removed_user_leaves_nothing(arena: &Arena<'_>) -> Result<()> {
    arena.make(&made(1, "ada", 0)?).await?;
    arena.make(&made(2, "bob", 0)?).await?;
    let mut uow = arena.begin().await?;
    let owner = KeyOwner::User(user_id(1));
    ensure!(uow.operations().claim_key("key", owner, Some([1; 32]), at(9)).await?.is_none());
    uow.commit().await?;
    arena.delete(user_id(2)).await?;
    for n in [1, 2] {
        let mut uow = arena.begin().await?;
        ensure!(uow.users().remove(user_id(n), at(9)).await?);
        ensure!(!uow.users().remove(user_id(n), at(9)).await?);
        uow.commit().await?;
        ensure!(arena.world.user_list().history(arena.tenant, user_id(n), None, 9).await?.is_none());
    }
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().find_key("key").await?.is_none(), "its key is still there");
    ensure!(uow.welcomes().gather(batch(1), 9, at(1)).await? == 0, "its mail is still there");
    drop(uow);
    // Made again, nothing is left of the first one's history.
    arena.make(&made(1, "ada", 5)?).await?;
    let history = arena.world.user_list().history(arena.tenant, user_id(1), None, 9).await?;
    ensure!(history.is_some_and(|events| events.len() == 1));
    Ok(())
}

pub(super) async fn of_two_writers_the_second_sees_the_first(arena: &Arena<'_>) -> Result<()> {
    arena.make(&made(1, "ada", 0)?).await?;
    let write = |email: &'static str| async move {
        let change = to_email(email)?;
        arena.write(user_id(1), UserEventKind::Updated, |stored| drop(stored.change(change, at(1)))).await
    };
    let (one, two) = tokio::join!(write("one@example.com"), write("two@example.com"));
    let mut versions = [one?.user.version, two?.user.version];
    versions.sort_unstable();
    ensure!(versions == [2, 3], "{versions:?}");
    Ok(())
}

pub(super) async fn readers_find_by_address_and_folded_name(arena: &Arena<'_>) -> Result<()> {
    let (id, new) = user(1, "ada", "Ada")?;
    let ada = User::new(id, new, at(0));
    arena.make(&ada).await?;
    let users = arena.world.users();
    ensure!(users.find_by_email(arena.tenant, "ada@example.com").await? == Some(ada.clone()));
    ensure!(users.find_by_username(arena.tenant, "ada").await? == Some(ada));
    ensure!(users.find_by_email(arena.other, "ada@example.com").await?.is_none());
    ensure!(users.find_by_username(arena.other, "ada").await?.is_none());
    arena.delete(user_id(1)).await?;
    ensure!(users.find_by_email(arena.tenant, "ada@example.com").await?.is_none());
    ensure!(users.find_by_username(arena.tenant, "ada").await?.is_none());
    Ok(())
}

pub(super) async fn who_is_made_in_one_step_is_there_and_may_be_made_again(arena: &Arena<'_>) -> Result<()> {
    let (maker, ada) = (arena.world.user_maker(), made(1, "ada", 0)?);
    let made_now = |user: User| async move {
        maker.make(arena.tenant, &user, &event(&user, UserEventKind::Created, 0), true).await
    };
    for _ in 0..2 {
        ensure!(made_now(ada.clone()).await?);
        ensure!(arena.world.users().find(arena.tenant, ada.id).await?.as_ref() == Some(&ada));
    }
    let history = arena.world.user_list().history(arena.tenant, ada.id, None, 9).await?.context("no history")?;
    ensure!(history.len() == 1, "{} lines for one making", history.len());
    // Somebody else, by the same address, the same name in another case, or the same id.
    let mut namesake = made(2, "other", 0)?;
    namesake.username = made(2, "ADA", 0)?.username;
    for other in [User { id: user_id(2), ..ada.clone() }, namesake, User { id: ada.id, ..made(3, "eve", 0)? }] {
        ensure!(!made_now(other.clone()).await?, "{other:?} was made");
    }
    ensure!(arena.world.users().find(arena.other, ada.id).await?.is_none());
    arena.delete(ada.id).await?;
    ensure!(!made_now(ada).await?, "a deleted user was made again");
    Ok(())
}

pub(super) async fn of_many_who_are_made_at_once_each_hears_of_themselves(arena: &Arena<'_>) -> Result<()> {
    // The last five are called as the first five are, and every other one gets a mail.
    let users = (1..=40).map(|n| made(n, &format!("user{}", if n > 35 { n - 35 } else { n }), 0));
    let users = users.collect::<Result<Vec<_>>>()?;
    let make_all = |tenant| {
        let make = |(user, welcome)| async move {
            let event = event(user, UserEventKind::Created, 0);
            arena.world.user_maker().make(tenant, user, &event, welcome).await
        };
        try_join_all(users.iter().zip([true, false].into_iter().cycle()).map(make))
    };
    let (told, told_others) = tokio::try_join!(make_all(arena.tenant), make_all(arena.other))?;
    ensure!(told_others.iter().filter(|made| **made).count() == 35);
    let mut mails = 0;
    for ((n, user), made) in users.iter().enumerate().zip(&told) {
        let found = arena.world.users().find(arena.tenant, user.id).await?;
        ensure!(found.as_ref() == made.then_some(user), "{user:?} is made: {made}");
        let history = arena.world.user_list().history(arena.tenant, user.id, None, 9).await?;
        ensure!(history.map(|lines| lines.len()) == made.then_some(1));
        mails += u32::from(*made && n % 2 == 0);
    }
    for (first, last) in told.iter().zip(told.iter().skip(35)) {
        ensure!(first != last, "both or neither of two with the same name were made");
    }
    let mut uow = arena.begin().await?;
    ensure!(uow.welcomes().gather(batch(1), 99, at(10)).await? == mails);
    Ok(())
}
