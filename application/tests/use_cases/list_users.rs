use anyhow::Result;
use chrono::TimeDelta;
use muster_application::users::UserPage;
use muster_application::{AppError, ErrorKind};
use muster_domain::users::{PageStart, User, UserFilter, UserPatch, UserPosition};
use muster_testkit::memory::Fault;

use crate::world::{ANY, SILENT, World, people, tenant};

/// Users of several moments, the latest first.
async fn five(world: &World) -> Result<Vec<User>> {
    let mut users = Vec::new();
    for n in 1..=5 {
        users.insert(0, world.make(&format!("user-{n}")).await?);
        world.clock.advance(TimeDelta::seconds(n % 2));
    }
    Ok(users)
}

async fn list(world: &World, filter: &UserFilter, start: PageStart, limit: u32) -> Result<UserPage, AppError> {
    world.app.users(&world.ctx, filter, start, limit).await
}

/// All that a walk with a cursor finds, and the sizes of its pages.
async fn walk(world: &World, filter: &UserFilter, limit: u32) -> Result<(Vec<User>, Vec<usize>), AppError> {
    let (mut users, mut sizes, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = list(world, filter, PageStart::After(after), limit).await?;
        assert_eq!(page.total, None);
        after = page.users.last().map(|last| UserPosition { created_at: last.created_at, id: last.id });
        sizes.push(page.users.len());
        users.extend(page.users);
        if !page.has_next {
            return Ok((users, sizes));
        }
    }
}

#[tokio::test]
async fn every_page_by_offset_knows_the_total_and_whether_there_is_more() -> Result<()> {
    let world = World::new();
    let all = five(&world).await?;
    for limit in 1..=7_u32 {
        for offset in 0..=7_u32 {
            let page = list(&world, &UserFilter::living(), PageStart::Offset(offset), limit).await?;
            let first = usize::try_from(offset)?.min(5);
            let last = usize::try_from(offset + limit)?.min(5);
            assert_eq!(page.users, all[first..last], "{limit} after {offset}");
            assert_eq!((page.has_next, page.total), (offset + limit < 5, Some(5)), "{limit} after {offset}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_list_of_nobody_is_empty() -> Result<()> {
    let world = World::new();
    five(&world).await?;
    let empty = |total| UserPage { users: Vec::new(), has_next: false, total };
    let ctx = tenant(8);
    for offset in [0, 5] {
        let page = world.app.users(&ctx, &UserFilter::living(), PageStart::Offset(offset), 5).await?;
        assert_eq!(page, empty(Some(0)));
    }
    assert_eq!(world.app.users(&ctx, &UserFilter::living(), PageStart::After(None), 5).await?, empty(None));
    assert_eq!(list(&world, &UserFilter::deleted(), PageStart::Offset(0), 5).await?, empty(Some(0)));
    Ok(())
}

#[tokio::test]
async fn a_walk_with_a_cursor_meets_everybody_once() -> Result<()> {
    let world = World::new();
    let all = five(&world).await?;
    for (limit, pages) in [(1, vec![1; 5]), (2, vec![2, 2, 1]), (4, vec![4, 1]), (5, vec![5]), (6, vec![5])] {
        assert_eq!(walk(&world, &UserFilter::living(), limit).await?, (all.clone(), pages), "by {limit}");
    }
    Ok(())
}

#[tokio::test]
async fn who_comes_or_goes_during_a_walk_shifts_nobody() -> Result<()> {
    let world = World::new();
    let all = five(&world).await?;
    let first = list(&world, &UserFilter::living(), PageStart::After(None), 2).await?;
    assert_eq!((first.users.as_slice(), first.has_next), (&all[..2], true));
    world.make("newcomer").await?;
    // Even the one that the cursor stands at.
    world.app.delete_user(&world.ctx, all[1].id, ANY).await?;
    let after = UserPosition { created_at: all[1].created_at, id: all[1].id };
    let rest = list(&world, &UserFilter::living(), PageStart::After(Some(after)), 3).await?;
    assert_eq!((rest.users.as_slice(), rest.has_next), (&all[2..], false));
    Ok(())
}

#[tokio::test]
async fn the_imported_of_one_moment_are_paged_as_well() -> Result<()> {
    let world = World::new();
    world.import(&[people("a", 7), people("b", 4)], SILENT).await?;
    let (users, sizes) = walk(&world, &UserFilter::living(), 4).await?;
    assert_eq!(sizes, [4, 4, 3]);
    assert!(users.windows(2).all(|pair| pair[0].id > pair[1].id));
    let by_offset = list(&world, &UserFilter::living(), PageStart::Offset(0), 11).await?;
    assert_eq!(by_offset, UserPage { users, has_next: false, total: Some(11) });
    Ok(())
}

#[tokio::test]
async fn totals_are_those_of_the_filter() -> Result<()> {
    let world = World::new();
    let all = five(&world).await?;
    world.import(&[people("other", 3)], SILENT).await?;
    world.change(all[0].id, UserPatch { is_active: Some(false), ..UserPatch::default() }).await?;
    world.app.delete_user(&world.ctx, all[4].id, ANY).await?;
    let part = || UserFilter { username: Some("USER".to_owned()), ..UserFilter::default() };
    for (filter, total) in [
        (UserFilter::living(), 7),
        (UserFilter::deleted(), 1),
        (part(), 4),
        (UserFilter { is_active: Some(true), ..part() }, 3),
        (UserFilter { deleted: true, ..part() }, 1),
        (UserFilter { email: Some("other".to_owned()), ..part() }, 0),
    ] {
        for limit in 1..=8 {
            let page = list(&world, &filter, PageStart::Offset(0), limit).await?;
            assert_eq!((page.total, page.has_next), (Some(total), u64::from(limit) < total), "{filter:?} by {limit}");
            let (users, _) = walk(&world, &filter, limit).await?;
            assert_eq!(u64::try_from(users.len())?, total, "{filter:?} by {limit}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_look_up_of_one_user_is_a_list_of_one() -> Result<()> {
    let world = World::new();
    let all = five(&world).await?;
    world.app.delete_user(&world.ctx, all[4].id, ANY).await?;
    let email = |text: &str| UserFilter { email_exact: Some(text.to_owned()), ..UserFilter::default() };
    let username = |text: &str| UserFilter { username_exact: Some(text.to_owned()), ..UserFilter::default() };
    let ada = Some(&all[3]);
    for (filter, found) in [
        (email("USER-2@example.com"), ada),
        (username("User-2"), ada),
        (UserFilter { username_exact: username("user-2").username_exact, ..email("user-2@example.com") }, ada),
        (UserFilter { username_exact: username("user-3").username_exact, ..email("user-2@example.com") }, None),
        (UserFilter { is_active: Some(false), ..email("user-2@example.com") }, None),
        (UserFilter { created_after: Some(all[0].created_at), ..username("user-2") }, None),
        (email("user-2"), None),
        (username("user"), None),
        (username("user-1"), None),
        (UserFilter { deleted: true, ..username("user-1") }, Some(&all[4])),
    ] {
        let total = u64::from(found.is_some());
        for start in [PageStart::Offset(0), PageStart::After(None)] {
            let page = list(&world, &filter, start, 1).await?;
            let ids: Vec<_> = page.users.iter().map(|user| user.id).collect();
            assert_eq!(ids, found.map(|user| user.id).into_iter().collect::<Vec<_>>(), "{filter:?}");
            assert!(!page.has_next);
            assert_eq!(page.total, matches!(start, PageStart::Offset(_)).then_some(total), "{filter:?}");
        }
        let beyond = list(&world, &filter, PageStart::Offset(1), 1).await?;
        assert_eq!((beyond.users.len(), beyond.has_next, beyond.total), (0, false, Some(total)), "{filter:?}");
        assert!(world.app.users(&tenant(8), &filter, PageStart::Offset(0), 1).await?.users.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_list_that_storage_cannot_read_says_so() {
    let world = World::new();
    for step in 1..=2 {
        world.store.fail_next(Fault::Call(step));
        // Beyond the end, so that the total is asked for.
        let error = list(&world, &UserFilter::living(), PageStart::Offset(9), 1).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
    }
}
