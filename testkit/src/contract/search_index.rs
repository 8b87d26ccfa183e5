use std::time::Duration;

use anyhow::{Result, ensure};
use muster_domain::UserId;
use muster_domain::users::{FullName, Given, PageStart, User, UserEventKind, UserFilter, UserPatch};

use super::Arena;
use super::arena::{at, changes, made, user, user_id};

const MANY: u128 = 1_500;

/// Indexes once, with no regard to what else happens.
async fn index(arena: &Arena<'_>, at_most: u32) -> Result<u64> {
    let mut uow = arena.begin().await?;
    let indexed = uow.search_index().index(at_most, Duration::ZERO).await?;
    uow.commit().await?;
    Ok(indexed)
}

async fn index_all(arena: &Arena<'_>) -> Result<()> {
    while index(arena, 10_000).await? > 0 {}
    Ok(())
}

async fn is_unindexed(arena: &Arena<'_>) -> Result<bool> {
    Ok(arena.world.search_index().unindexed(u32::MAX).await?.contains(&arena.tenant))
}

/// Who is found by a part of their e-mail address.
async fn find(arena: &Arena<'_>, part: &str) -> Result<Vec<UserId>> {
    let filter = UserFilter { email: Some(part.to_owned()), ..UserFilter::living() };
    let users = arena.world.user_list().page(arena.tenant, &filter, PageStart::Offset(0), 9).await?;
    let total = arena.world.user_list().total(arena.tenant, &filter).await?;
    let found: Vec<_> = users.iter().map(|user| user.id).collect();
    ensure!(total == u64::try_from(found.len())?, "{total} users of whom {found:?} are shown");
    Ok(found)
}

pub(super) async fn a_search_finds_who_is_indexed_and_who_waits(arena: &Arena<'_>) -> Result<()> {
    ensure!(!is_unindexed(arena).await?, "nobody was written yet");
    arena.make(&made(1, "adele", 0)?).await?;
    ensure!(is_unindexed(arena).await?);
    ensure!(find(arena, "DELE").await? == [user_id(1)]);
    index_all(arena).await?;
    ensure!(!is_unindexed(arena).await?);
    ensure!(find(arena, "dele").await? == [user_id(1)]);
    arena.make(&made(2, "adeleide", 1)?).await?;
    arena.insert(&[user(3, "delegate", "delegate")?]).await?;
    for _ in 0..2 {
        ensure!(find(arena, "dele").await? == [user_id(2), user_id(3), user_id(1)]);
        index_all(arena).await?;
    }
    Ok(())
}

pub(super) async fn a_search_finds_by_what_users_are_called_now(arena: &Arena<'_>) -> Result<()> {
    let address = |email| UserPatch { email: Given::Text(email), ..UserPatch::default() };
    arena.make(&made(1, "former", 0)?).await?;
    index_all(arena).await?;
    let change = changes(address("latter@example.com"))?;
    arena.write(user_id(1), UserEventKind::Updated, |stored| drop(stored.change(change, at(2)))).await?;
    for _ in 0..2 {
        ensure!(find(arena, "former").await?.is_empty());
        ensure!(find(arena, "latter").await? == [user_id(1)]);
        index_all(arena).await?;
    }
    arena.delete(user_id(1)).await?;
    for _ in 0..2 {
        ensure!(find(arena, "latter").await?.is_empty(), "a deleted user is found");
        index_all(arena).await?;
    }
    arena.write(user_id(1), UserEventKind::Restored, |stored| stored.restore(at(3))).await?;
    for _ in 0..2 {
        ensure!(find(arena, "latter").await? == [user_id(1)]);
        index_all(arena).await?;
    }
    let mut uow = arena.begin().await?;
    ensure!(uow.users().remove(user_id(1), at(9)).await?);
    uow.commit().await?;
    for _ in 0..2 {
        ensure!(find(arena, "latter").await?.is_empty(), "a removed user is found");
        index_all(arena).await?;
    }
    Ok(())
}

pub(super) async fn each_text_is_searched_apart(arena: &Arena<'_>) -> Result<()> {
    let mut user: User = made(1, "first", 0)?;
    user.full_name = FullName::parse("Second Third").ok().flatten();
    arena.make(&user).await?;
    let text = |text: &str| Some(text.to_owned());
    let none = UserFilter::living;
    for _ in 0..2 {
        for (filter, is_found) in [
            (UserFilter { email: text("example"), ..none() }, true),
            (UserFilter { username: text("example"), ..none() }, false),
            (UserFilter { full_name: text("example"), ..none() }, false),
            (UserFilter { username: text("first"), full_name: text("second"), ..none() }, true),
            (UserFilter { username: text("second"), ..none() }, false),
            (UserFilter { full_name: text("cond thi"), ..none() }, true),
            (UserFilter { full_name: text("first"), ..none() }, false),
            (UserFilter { email: text("first"), username: text("st"), ..none() }, true),
        ] {
            let page = arena.world.user_list().page(arena.tenant, &filter, PageStart::After(None), 9).await?;
            ensure!(page.len() == usize::from(is_found), "{filter:?} finds {}", page.len());
        }
        index_all(arena).await?;
    }
    Ok(())
}

pub(super) async fn a_step_indexes_about_as_many_as_asked(arena: &Arena<'_>) -> Result<()> {
    for n in 1..=5 {
        arena.make(&made(n, &format!("user{n}"), 0)?).await?;
    }
    ensure!(index(arena, 3).await? == 3);
    ensure!(is_unindexed(arena).await?);
    ensure!(index(arena, 3).await? == 2);
    ensure!(index(arena, 3).await? == 0);
    ensure!(!is_unindexed(arena).await?);
    Ok(())
}

pub(super) async fn nobody_is_lost_among_many_indexers_and_writers(arena: &Arena<'_>) -> Result<()> {
    let block: Vec<_> =
        (1..=MANY).map(|n| user(n, &format!("crowd{n}"), &format!("crowd{n}"))).collect::<Result<_>>()?;
    arena.insert(&block).await?;
    let rename = async |n: u128, round: u128| {
        let email = format!("renamed{n}-{round}@example.com");
        let change = changes(UserPatch { email: Given::Text(&email), ..UserPatch::default() })?;
        arena.write(user_id(n), UserEventKind::Updated, |stored| drop(stored.change(change, at(2)))).await.map(drop)
    };
    let writer = async |first: u128| {
        for round in 1..=5 {
            for n in first..first + 4 {
                rename(n, round).await?;
            }
        }
        anyhow::Ok(())
    };
    let indexer = async || {
        for _ in 0..20 {
            index(arena, 200).await?;
        }
        anyhow::Ok(())
    };
    futures::try_join!(writer(1), writer(11), indexer(), indexer())?;
    index_all(arena).await?;
    for n in (1..=4).chain(11..=14) {
        ensure!(find(arena, &format!("renamed{n}-5@")).await? == [user_id(n)], "user {n} is lost");
        ensure!(find(arena, &format!("renamed{n}-4@")).await?.is_empty(), "user {n} is found by an old address");
    }
    ensure!(find(arena, "crowd1500").await? == [user_id(MANY)]);
    Ok(())
}

pub(super) async fn who_waits_in_one_tenant_is_not_seen_in_another(arena: &Arena<'_>) -> Result<()> {
    arena.make(&made(1, "secret", 0)?).await?;
    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.search_index().index(9, Duration::ZERO).await? == 0);
    uow.commit().await?;
    ensure!(is_unindexed(arena).await?);
    let filter = UserFilter { email: Some("secret".to_owned()), ..UserFilter::living() };
    for _ in 0..2 {
        let theirs = arena.world.user_list().page(arena.other, &filter, PageStart::Offset(0), 9).await?;
        ensure!(theirs.is_empty());
        index_all(arena).await?;
    }
    Ok(())
}
