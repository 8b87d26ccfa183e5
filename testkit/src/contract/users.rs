use anyhow::{Context as _, Result, ensure};
use muster_domain::UserId;
use muster_domain::users::{User, UserFields};

use super::Arena;
use super::arena::{at, new_user, user, user_id};

const ALL: (UserId, UserId) = (user_id(0), user_id(0xFFFF_FFFF));

pub(super) async fn insert_free_returns_the_ids_that_were_not_inserted(arena: &Arena<'_>) -> Result<()> {
    arena.insert(&[user(1, "ada", "ada")?, user(2, "bob", "bob")?]).await?;
    let mut uow = arena.begin().await?;
    let users = [user(3, "ada", "ada-2")?, user(4, "eve", "eve")?, user(5, "bob-2", "bob")?, user(6, "joe", "joe")?];
    let mut lost = uow.users().insert_free(&users, at(0)).await?;
    lost.sort_unstable();
    ensure!(lost == [user_id(3), user_id(5)]);
    ensure!(ids(uow.users().range(ALL.0, ALL.1, 10).await?) == [1, 2, 4, 6].map(user_id));
    Ok(())
}

pub(super) async fn of_several_with_the_same_email_or_user_name_the_first_is_inserted(arena: &Arena<'_>) -> Result<()> {
    let mut uow = arena.begin().await?;
    // Ids descend: the first is the first in the list, not the smallest.
    let users = [user(9, "ada", "ada-9")?, user(8, "ada", "ada-8")?, user(7, "bob", "bob")?, user(6, "bob-6", "bob")?];
    let mut lost = uow.users().insert_free(&users, at(0)).await?;
    lost.sort_unstable();
    ensure!(lost == [user_id(6), user_id(8)]);
    ensure!(ids(uow.users().range(ALL.0, ALL.1, 10).await?) == [7, 9].map(user_id));
    Ok(())
}

pub(super) async fn a_user_who_is_not_inserted_takes_nothing(arena: &Arena<'_>) -> Result<()> {
    let mut uow = arena.begin().await?;
    let users = [user(1, "ada", "ada")?, user(2, "ada", "bob")?, user(3, "eve", "bob")?];
    ensure!(uow.users().insert_free(&users, at(0)).await? == [user_id(2)], "the name of a loser is free");
    Ok(())
}

pub(super) async fn a_user_name_is_taken_in_any_case(arena: &Arena<'_>) -> Result<()> {
    arena.insert(&[user(1, "ada", "Ada-L")?]).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.users().insert_free(&[user(2, "other", "aDA-l")?], at(0)).await? == [user_id(2)]);
    Ok(())
}

pub(super) async fn email_and_user_name_of_a_deleted_user_are_free(arena: &Arena<'_>) -> Result<()> {
    arena.insert(&[user(1, "ada", "ada")?]).await?;
    arena.delete(user_id(1)).await?;
    arena.insert(&[user(2, "ada", "ada")?]).await
}

pub(super) async fn a_new_user_is_stored_as_given(arena: &Arena<'_>) -> Result<()> {
    let fields = UserFields {
        email: Some("Ada.O'Brien@Example.com"),
        username: Some("Ada_L-1"),
        full_name: Some("Ada \"Löve\\lace\" {ß,😀} NULL"),
    };
    let given = new_user(fields)?;
    arena.insert(&[(user_id(1), given.clone()), user(2, "bob", "bob")?]).await?;
    let stored = arena.world.users().find(arena.tenant, user_id(1)).await?.context("the user is not there")?;
    ensure!(stored.is_active && stored.version == 1);
    ensure!(stored == User::new(user_id(1), given, at(0)));
    let nameless = arena.world.users().find(arena.tenant, user_id(2)).await?.context("the user is not there")?;
    ensure!(nameless.full_name.is_none());
    Ok(())
}

pub(super) async fn a_whole_block_is_inserted_at_once(arena: &Arena<'_>) -> Result<()> {
    let users = (0..10_000).map(|n| user(n, &format!("u{n}"), &format!("user-{n}"))).collect::<Result<Vec<_>>>()?;
    arena.insert(&users).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.users().range(ALL.0, ALL.1, u32::MAX).await?.len() == 10_000);
    // All of them again, under other ids.
    let again = (0..10_000).map(|n| user(n + 10_000, &format!("u{n}"), &format!("again-{n}")));
    let lost = uow.users().insert_free(&again.collect::<Result<Vec<_>>>()?, at(1)).await?;
    ensure!(lost.len() == 10_000);
    let emails: Vec<_> = users.iter().map(|(_, user)| user.email.as_str()).collect();
    ensure!(uow.users().holders(&emails, &[]).await?.len() == 10_000);
    Ok(())
}

pub(super) async fn inserting_nobody_does_nothing(arena: &Arena<'_>) -> Result<()> {
    let mut uow = arena.begin().await?;
    ensure!(uow.users().insert_free(&[], at(0)).await?.is_empty());
    ensure!(uow.users().holders(&[], &[]).await?.is_empty());
    Ok(())
}

pub(super) async fn of_two_units_that_want_the_same_user_one_inserts_it(arena: &Arena<'_>) -> Result<()> {
    let insert = |n| async move {
        let mut uow = arena.begin().await?;
        let lost = uow.users().insert_free(&[user(n, "ada", "ada")?], at(0)).await?;
        uow.commit().await?;
        anyhow::Ok(lost.len())
    };
    let lost = futures::future::try_join_all((1..=4).map(insert)).await?;
    ensure!(lost.iter().sum::<usize>() == 3);
    let mut uow = arena.begin().await?;
    ensure!(uow.users().range(ALL.0, ALL.1, 10).await?.len() == 1);
    Ok(())
}

pub(super) async fn holders_are_found_by_email_or_folded_user_name(arena: &Arena<'_>) -> Result<()> {
    arena.insert(&[user(1, "Ada", "Ada")?, user(2, "bob", "Bob")?, user(3, "eve", "Eve")?]).await?;
    let mut uow = arena.begin().await?;
    let names = ["ada".to_owned(), "bob".to_owned(), "nobody".to_owned()];
    // Ada by both, and once all the same.
    let mut holders = uow.users().holders(&["ada@example.com", "none@example.com"], &names).await?;
    holders.sort_unstable_by_key(|holder| holder.id);
    let found: Vec<_> = holders.iter().map(|h| (h.id, h.email.as_str(), h.username.as_str())).collect();
    ensure!(found == [(user_id(1), "ada@example.com", "ada"), (user_id(2), "bob@example.com", "bob")]);
    Ok(())
}

pub(super) async fn a_deleted_user_holds_nothing(arena: &Arena<'_>) -> Result<()> {
    arena.insert(&[user(1, "ada", "ada")?]).await?;
    arena.delete(user_id(1)).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.users().holders(&["ada@example.com"], &["ada".to_owned()]).await?.is_empty());
    Ok(())
}

pub(super) async fn a_range_ascends_from_first_to_last_up_to_the_limit(arena: &Arena<'_>) -> Result<()> {
    let users = [5, 3, 9, 1, 7].map(|n| user(n, &format!("u{n}"), &format!("user-{n}")));
    arena.insert(&users.into_iter().collect::<Result<Vec<_>>>()?).await?;
    let mut uow = arena.begin().await?;
    ensure!(ids(uow.users().range(user_id(3), user_id(7), 10).await?) == [3, 5, 7].map(user_id));
    ensure!(ids(uow.users().range(user_id(2), user_id(8), 2).await?) == [3, 5].map(user_id));
    ensure!(uow.users().range(user_id(10), user_id(20), 10).await?.is_empty());
    ensure!(uow.users().range(user_id(7), user_id(3), 10).await?.is_empty());
    Ok(())
}

pub(super) async fn a_range_leaves_out_the_deleted(arena: &Arena<'_>) -> Result<()> {
    arena.insert(&[user(1, "ada", "ada")?, user(2, "bob", "bob")?]).await?;
    arena.delete(user_id(1)).await?;
    let mut uow = arena.begin().await?;
    ensure!(ids(uow.users().range(ALL.0, ALL.1, 1).await?) == [user_id(2)]);
    Ok(())
}

pub(super) async fn the_reader_finds_the_living_only(arena: &Arena<'_>) -> Result<()> {
    arena.insert(&[user(1, "ada", "ada")?, user(2, "bob", "bob")?]).await?;
    arena.delete(user_id(1)).await?;
    let users = arena.world.users();
    ensure!(users.find(arena.tenant, user_id(1)).await?.is_none());
    ensure!(users.find(arena.tenant, user_id(2)).await?.is_some());
    ensure!(users.find(arena.tenant, user_id(3)).await?.is_none());
    Ok(())
}

fn ids(users: Vec<User>) -> Vec<UserId> {
    users.into_iter().map(|user| user.id).collect()
}
