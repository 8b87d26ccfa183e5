use std::sync::Arc;

use anyhow::Result;
use chrono::TimeDelta;
use muster_application::imports::ImportRow;
use muster_application::ports::Clock as _;
use muster_application::users::UpdateUser;
use muster_application::{Context, ErrorKind};
use muster_domain::UserId;
use muster_domain::users::{Given, UserEvent, UserEventKind, UserPatch};
use uuid::Uuid;

use crate::world::{ABORT, ANY, CONTINUE, Row, SILENT, World, people, person, tenant};

fn acting(world: &World, name: &str) -> Context {
    Context::acting(world.ctx.tenant, Some(Arc::from(name)))
}

/// Kind, actor, names of the fields.
fn told(event: &UserEvent) -> (UserEventKind, Option<&str>, Vec<&str>) {
    (event.kind, event.actor.as_deref(), event.fields.iter().map(|digest| digest.field.as_str()).collect())
}

/// Fields and whether they were and are filled.
fn filled(event: &UserEvent) -> Vec<(&str, bool, bool)> {
    event.fields.iter().map(|digest| (&*digest.field, digest.before.is_some(), digest.after.is_some())).collect()
}

#[tokio::test]
async fn every_change_leaves_one_line_that_says_who_what_and_when() -> Result<()> {
    let world = World::new();
    let mut times = Vec::new();
    let mut later = || {
        world.clock.advance(TimeDelta::minutes(1));
        times.insert(0, world.clock.now());
    };
    later();
    let row = ImportRow { full_name: Some("Ada".into()), ..person("ada@example.com", "ada") };
    let id = world.create(&acting(&world, "maker"), &row).await?.id;
    later();
    let patch = UserPatch {
        is_active: Some(false),
        full_name: Given::Text("Ada King"),
        username: Given::Text("ada"),
        email: Given::Text("new@example.com"),
    };
    let command = UpdateUser { id, patch, problems: Vec::new(), expected: ANY };
    world.app.update_user(&acting(&world, "changer"), command).await?;
    later();
    world.app.delete_user(&acting(&world, "remover"), id, ANY).await?;
    later();
    world.app.restore_user(&world.ctx, id).await?;

    let events = world.history(id).await?;
    let expected = [
        (UserEventKind::Restored, None, vec![]),
        (UserEventKind::Deleted, Some("remover"), vec![]),
        (UserEventKind::Updated, Some("changer"), vec!["email", "full_name", "is_active"]),
        (UserEventKind::Created, Some("maker"), vec!["email", "username", "full_name"]),
    ];
    assert_eq!(events.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(events.iter().map(|event| event.at).collect::<Vec<_>>(), times);
    assert!(events.iter().all(|event| event.user == id && event.operation.is_none()));
    assert!(events.windows(2).all(|pair| pair[0].id > pair[1].id));
    Ok(())
}

#[tokio::test]
async fn a_line_says_whether_a_field_was_and_is_empty() -> Result<()> {
    let world = World::new();
    let id = world.make("ada").await?.id;
    let name = |full_name| UserPatch { full_name, ..UserPatch::default() };
    world.change(id, name(Given::Text("Ada"))).await?;
    world.change(id, name(Given::Null)).await?;
    let events = world.history(id).await?;
    assert_eq!(filled(&events[2]), [("email", false, true), ("username", false, true)]);
    assert_eq!(filled(&events[1]), [("full_name", false, true)]);
    assert_eq!(filled(&events[0]), [("full_name", true, false)]);
    Ok(())
}

#[tokio::test]
async fn no_value_is_in_a_line_and_equal_values_look_different() -> Result<()> {
    let world = World::new();
    let row = ImportRow { full_name: Some("Lovelace".into()), ..person("ada@example.com", "countess") };
    let id = world.create(&world.ctx, &row).await?.id;
    for email in ["king@example.com", "ada@example.com"] {
        world.change(id, UserPatch { email: Given::Text(email), ..UserPatch::default() }).await?;
    }
    let mut digests = Vec::new();
    for event in world.history(id).await? {
        let text = format!("{event:?}").to_lowercase();
        for value in ["ada@", "king", "example", "lovelace", "countess"] {
            assert!(!text.contains(value), "{value} is in {text}");
        }
        digests.extend(event.fields.into_iter().flat_map(|digest| [digest.before, digest.after]).flatten());
    }
    assert!(digests.iter().all(|digest| digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())));
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!((count, digests.len()), (7, 7));
    Ok(())
}

#[tokio::test]
async fn what_was_not_done_leaves_no_line() -> Result<()> {
    let world = World::new();
    let (ada, _) = (world.make("ada").await?.id, world.make("bob").await?);
    let lines = world.stored().events;
    let email = |email| UserPatch { email: Given::Text(email), ..UserPatch::default() };
    world.change(ada, email("ada@example.com")).await?;
    for patch in [email("bob@example.com"), email("nope")] {
        world.change(ada, patch).await.unwrap_err();
    }
    let late = UpdateUser { id: ada, patch: email("new@example.com"), problems: Vec::new(), expected: Some(vec![7]) };
    world.app.update_user(&world.ctx, late).await.unwrap_err();
    world.app.delete_user(&world.ctx, ada, Some(vec![7])).await.unwrap_err();
    world.app.restore_user(&world.ctx, ada).await.unwrap_err();
    world.make("ada").await.unwrap_err();
    assert_eq!(world.stored().events, lines);
    Ok(())
}

#[tokio::test]
async fn the_history_of_who_was_imported_begins_with_the_operation_and_its_uploader() -> Result<()> {
    let mut world = World::new();
    // Another import of the same moment, whose ids are in between.
    world.import(&[people("other", 5)], SILENT).await?;
    world.ctx = acting(&world, "uploader");
    let rows = [people("a", 3), people("b", 2)];
    let submitted = world.upload(None, &rows.concat(), CONTINUE).await?.operation;
    assert_eq!(submitted.actor.as_deref(), Some("uploader"));
    world.clock.advance(TimeDelta::minutes(1));
    for id in [submitted.id, world.queue(&[people("c", 2), people("d", 2)], CONTINUE).await?] {
        // The worker that runs it acts for nobody.
        world.ctx = tenant(7);
        let operation = world.run(id).await?;
        for user in world.app.users_created_by(&world.ctx, &operation, 100).await? {
            let events = world.history(user.id).await?;
            assert_eq!(
                events.iter().map(told).collect::<Vec<_>>(),
                [(UserEventKind::Created, Some("uploader"), vec![])]
            );
            assert_eq!((events[0].operation, events[0].at, events[0].user), (Some(id), world.clock.now(), user.id));
        }
        world.ctx = acting(&world, "uploader");
    }
    Ok(())
}

#[tokio::test]
async fn changes_of_who_was_imported_come_before_the_import() -> Result<()> {
    let world = World::new();
    let operation = world.import(&[people("a", 2), people("b", 2)], SILENT).await?;
    let (changed, other) = (operation.row_ids().id(3), operation.row_ids().id(4));
    world.app.delete_user(&world.ctx, changed, ANY).await?;
    world.app.restore_user(&world.ctx, changed).await?;
    let events = world.history(changed).await?;
    let kinds: Vec<_> = events.iter().map(|event| (event.kind, event.operation)).collect();
    assert_eq!(
        kinds,
        [(UserEventKind::Restored, None), (UserEventKind::Deleted, None), (UserEventKind::Created, Some(operation.id))]
    );
    assert_eq!(world.history(other).await?, [UserEvent { user: other, ..events[2].clone() }]);
    Ok(())
}

#[tokio::test]
async fn a_block_leaves_one_line_if_it_made_somebody() -> Result<()> {
    let bad = || -> Vec<Row> { vec![("nope".to_owned(), "nope".to_owned())] };
    for (options, blocks, lines) in [
        (CONTINUE, vec![people("a", 3), bad(), people("b", 1)], 2),
        (SILENT, vec![[people("a", 3), bad()].concat()], 1),
        (ABORT, vec![people("a", 3)], 1),
        (ABORT, vec![[people("a", 3), bad()].concat()], 0),
    ] {
        let world = World::new();
        let id = world.queue(&blocks, options).await?;
        world.run(id).await?;
        world.run(id).await?;
        assert_eq!((world.stored().block_events.len(), world.stored().events.len()), (lines, 0));
    }
    Ok(())
}

#[tokio::test]
async fn pages_of_any_size_give_the_same_lines() -> Result<()> {
    let world = World::new();
    let operation = world.import(&[people("u", 3)], SILENT).await?;
    let id = operation.row_ids().id(2);
    for n in 0..4 {
        world.change(id, UserPatch { is_active: Some(n % 2 == 1), ..UserPatch::default() }).await?;
    }
    let whole = world.history(id).await?;
    assert_eq!(whole.len(), 5);
    for limit in 1..=6_u32 {
        let (mut events, mut before) = (Vec::new(), None);
        loop {
            let page = world.app.user_history(&world.ctx, id, before, limit).await?;
            assert!(page.events.len() <= usize::try_from(limit)?);
            events.extend(page.events);
            assert_eq!(page.has_next, events.len() < 5, "by {limit}");
            before = events.last().map(|event| event.id);
            if !page.has_next {
                break;
            }
        }
        assert_eq!(events, whole, "by {limit}");
        let end = world.app.user_history(&world.ctx, id, before, limit).await?;
        assert!(end.events.is_empty() && !end.has_next);
    }
    Ok(())
}

#[tokio::test]
async fn who_is_not_there_has_no_history() -> Result<()> {
    let world = World::new();
    let id = world.make("ada").await?.id;
    for (ctx, id) in [(&tenant(8), id), (&world.ctx, UserId::new(Uuid::from_u128(404)))] {
        let error = world.app.user_history(ctx, id, None, 9).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
    }
    Ok(())
}
