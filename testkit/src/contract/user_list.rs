use anyhow::{Context as _, Result, ensure};
use muster_domain::operations::RowIds;
use muster_domain::users::{
    BlockEvent, Given, PageStart, User, UserEventKind, UserFields, UserFilter, UserPatch, UserPosition,
};
use muster_domain::{EventId, UserId};
use uuid::Uuid;

use super::Arena;
use super::arena::{at, changes, made, new_user, operation_id, user, user_id};

fn ids(users: &[User]) -> Vec<UserId> {
    users.iter().map(|user| user.id).collect()
}

fn expected(ids: &[u128]) -> Vec<UserId> {
    ids.iter().map(|n| user_id(*n)).collect()
}

pub(super) async fn the_latest_user_comes_first_and_pages_meet(arena: &Arena<'_>) -> Result<()> {
    // Two of the same moment are told apart by their ids.
    for (n, minute) in [(1, 5), (2, 3), (3, 5), (4, 9), (5, 1)] {
        arena.make(&made(n, &format!("user{n}"), minute)?).await?;
    }
    let (list, all) = (arena.world.user_list(), UserFilter::living());
    let whole = list.page(arena.tenant, &all, PageStart::Offset(0), 9).await?;
    ensure!(ids(&whole) == expected(&[4, 3, 1, 2, 5]));
    ensure!(ids(&list.page(arena.tenant, &all, PageStart::Offset(1), 2).await?) == expected(&[3, 1]));
    ensure!(list.page(arena.tenant, &all, PageStart::Offset(5), 2).await?.is_empty());
    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let page = list.page(arena.tenant, &all, PageStart::After(after), 2).await?;
        let Some(end) = page.last() else { break };
        after = Some(UserPosition { created_at: end.created_at, id: end.id });
        seen.extend(page);
    }
    ensure!(seen == whole);
    ensure!(list.total(arena.tenant, &all).await? == 5);
    ensure!(list.page(arena.other, &all, PageStart::Offset(0), 9).await?.is_empty());
    ensure!(list.total(arena.other, &all).await? == 0);
    Ok(())
}

pub(super) async fn filters_all_hold_and_take_wildcards_literally(arena: &Arena<'_>) -> Result<()> {
    for (n, email, username, name) in [
        (1, "ada.l@example.com", "Ada_L", Some("Ada Lovelace 100%")),
        (2, "adam@example.org", "adam-x", Some("Ädam \\ X")),
        (3, "bob@example.com", "bobby", None),
    ] {
        let new = new_user(UserFields { email: Some(email), username: Some(username), full_name: name })?;
        arena.make(&User::new(user_id(n), new, at(i64::try_from(n)?))).await?;
    }
    let quiet = changes(UserPatch { is_active: Some(false), ..UserPatch::default() })?;
    arena.write(user_id(3), UserEventKind::Updated, |stored| drop(stored.change(quiet, at(30)))).await?;
    let text = |text: &str| Some(text.to_owned());
    let none = UserFilter::living;
    let cases: [(UserFilter, &[u128]); 20] = [
        (UserFilter { email: text("ADA"), ..none() }, &[2, 1]),
        (UserFilter { email: text(".com"), ..none() }, &[3, 1]),
        (UserFilter { email: text("ada"), username: text("_l"), ..none() }, &[1]),
        (UserFilter { username: text("_"), ..none() }, &[1]),
        (UserFilter { username: text("%"), ..none() }, &[]),
        (UserFilter { full_name: text("100%"), ..none() }, &[1]),
        (UserFilter { full_name: text("\\"), ..none() }, &[2]),
        (UserFilter { full_name: text("äDAM"), ..none() }, &[2]),
        (UserFilter { full_name: text("e"), ..none() }, &[1]),
        (UserFilter { email_exact: text("Adam@Example.org"), ..none() }, &[2]),
        (UserFilter { email_exact: text("adam"), ..none() }, &[]),
        (UserFilter { username_exact: text("ADA_l"), ..none() }, &[1]),
        (UserFilter { is_active: Some(false), ..none() }, &[3]),
        (UserFilter { is_active: Some(true), email: text("o"), ..none() }, &[2, 1]),
        (UserFilter { created_after: Some(at(2)), ..none() }, &[3, 2]),
        (UserFilter { created_before: Some(at(2)), ..none() }, &[2, 1]),
        (UserFilter { updated_after: Some(at(30)), ..none() }, &[3]),
        (UserFilter { updated_before: Some(at(2)), ..none() }, &[2, 1]),
        (UserFilter { updated_before: Some(at(30)), updated_after: Some(at(2)), ..none() }, &[3, 2]),
        (UserFilter { email: text("nobody"), ..none() }, &[]),
    ];
    for (filter, found) in cases {
        let page = arena.world.user_list().page(arena.tenant, &filter, PageStart::Offset(0), 9).await?;
        ensure!(ids(&page) == expected(found), "{filter:?} found {:?}", ids(&page));
        let total = arena.world.user_list().total(arena.tenant, &filter).await?;
        ensure!(total == u64::try_from(found.len())?, "{filter:?} counts {total}");
        ensure!(arena.world.user_list().page(arena.other, &filter, PageStart::Offset(0), 9).await?.is_empty());
    }
    Ok(())
}

pub(super) async fn the_deleted_are_listed_apart(arena: &Arena<'_>) -> Result<()> {
    for n in 1..=3 {
        arena.make(&made(n, &format!("user{n}"), 0)?).await?;
    }
    arena.delete(user_id(2)).await?;
    let list = arena.world.user_list();
    let living = list.page(arena.tenant, &UserFilter::living(), PageStart::Offset(0), 9).await?;
    ensure!(ids(&living) == expected(&[3, 1]));
    let deleted = list.page(arena.tenant, &UserFilter::deleted(), PageStart::After(None), 9).await?;
    ensure!(ids(&deleted) == expected(&[2]));
    ensure!(list.total(arena.tenant, &UserFilter::deleted()).await? == 1);
    arena.write(user_id(3), UserEventKind::Deleted, |stored| stored.delete(at(50))).await?;
    let before = |seconds| UserFilter { deleted_before: Some(at(seconds)), ..UserFilter::deleted() };
    let late = list.page(arena.tenant, &before(50), PageStart::After(None), 9).await?;
    ensure!(ids(&late) == expected(&[3, 2]));
    let early = list.page(arena.tenant, &before(49), PageStart::After(None), 9).await?;
    ensure!(ids(&early) == expected(&[2]));
    Ok(())
}

pub(super) async fn the_history_is_read_backwards_in_pages(arena: &Arena<'_>) -> Result<()> {
    arena.make(&made(1, "ada", 0)?).await?;
    arena.make(&made(2, "bob", 0)?).await?;
    arena.delete(user_id(1)).await?;
    arena.write(user_id(1), UserEventKind::Restored, |stored| stored.restore(at(2))).await?;
    let history = |before, limit| arena.world.user_list().history(arena.tenant, user_id(1), before, limit);
    let all = history(None, 9).await?.context("no history")?;
    let kinds: Vec<_> = all.iter().map(|event| event.kind).collect();
    ensure!(kinds == [UserEventKind::Restored, UserEventKind::Deleted, UserEventKind::Created]);
    ensure!(all.iter().all(|event| event.actor.as_deref() == Some("somebody") && event.fields.len() == 1));
    let first = history(None, 2).await?.context("no history")?;
    let rest = history(first.last().map(|event| event.id), 2).await?.context("no history")?;
    ensure!([first, rest].concat() == all);
    ensure!(arena.world.user_list().history(arena.other, user_id(1), None, 9).await?.is_none());
    Ok(())
}

pub(super) async fn the_history_of_an_imported_user_begins_with_the_block(arena: &Arena<'_>) -> Result<()> {
    let (mine, other) = (operation_id(1), operation_id(2));
    let at_once = at(0);
    let ids_of = |operation| RowIds::new(arena.tenant, operation, at_once);
    let (_, new) = user(1, "ada", "ada")?;
    let imported = ids_of(mine).id(5);
    arena.insert(&[(imported, new)]).await?;
    let mut uow = arena.begin().await?;
    // Another import of the same millisecond has its ids in between.
    for (n, operation) in [(1, mine), (2, other)] {
        let id = EventId::new(Uuid::from_u128(n));
        let (first, last) = (ids_of(operation).id(1), ids_of(operation).id(10));
        let event = BlockEvent { id, first, last, operation, actor: Some("uploader".into()), at: at(1) };
        uow.users().record_block(&event).await?;
    }
    uow.commit().await?;
    let change = changes(UserPatch { full_name: Given::Text("Ada"), ..UserPatch::default() })?;
    arena.write(imported, UserEventKind::Updated, |stored| drop(stored.change(change, at(2)))).await?;
    let list = arena.world.user_list();
    let events = list.history(arena.tenant, imported, None, 9).await?.context("no history")?;
    let told: Vec<_> = events.iter().map(|event| (event.kind, event.operation, event.actor.as_deref())).collect();
    ensure!(
        told == [
            (UserEventKind::Updated, None, Some("somebody")),
            (UserEventKind::Created, Some(mine), Some("uploader"))
        ],
        "{told:?}"
    );
    Ok(())
}

pub(super) async fn a_snapshot_shows_one_moment_whatever_is_written_meanwhile(arena: &Arena<'_>) -> Result<()> {
    for n in 1..=5 {
        arena.make(&made(n, &format!("user{n}"), i64::try_from(n)?)?).await?;
    }
    arena.delete(user_id(2)).await?;
    let list = arena.world.user_list();
    let mut living = list.snapshot(arena.tenant, &UserFilter::living()).await?;
    ensure!(ids(&living.next(1).await?) == expected(&[1]));
    let renamed = changes(UserPatch { full_name: Given::Text("Later"), ..UserPatch::default() })?;
    arena.write(user_id(3), UserEventKind::Updated, |stored| drop(stored.change(renamed, at(30)))).await?;
    arena.delete(user_id(4)).await?;
    arena.make(&made(6, "user6", 6)?).await?;
    let rest = living.next(9).await?;
    ensure!(ids(&rest) == expected(&[3, 4, 5]));
    ensure!(rest.iter().all(|user| user.full_name.is_none() && user.version == 1), "nothing of later");
    ensure!(living.next(9).await?.is_empty());
    drop(living);
    let named = UserFilter { full_name: Some("LATER".to_owned()), ..UserFilter::living() };
    for (filter, found) in [(named, &[3][..]), (UserFilter::deleted(), &[2, 4])] {
        let mut users = list.snapshot(arena.tenant, &filter).await?;
        ensure!(ids(&users.next(9).await?) == expected(found));
    }
    let mut theirs = list.snapshot(arena.other, &UserFilter::living()).await?;
    ensure!(theirs.next(9).await?.is_empty());
    Ok(())
}
