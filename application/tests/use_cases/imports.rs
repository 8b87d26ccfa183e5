use anyhow::Result;
use muster_application::imports::{ImportRow, NewUpload, RowProblem};
use muster_application::operations::FinishOperation;
use muster_application::operations::RowFilter;
use muster_application::{ErrorCode, ErrorKind};
use muster_domain::OperationId;
use muster_domain::operations::{OperationFailure, OperationState, RowStatus, UploadFormat};
use muster_testkit::memory::{CancelAfter, NoHeartbeat};
use uuid::Uuid;

use crate::world::{ABORT, CONTINUE, Row, SILENT, World, people, problems, tenant};

fn row(email: &str, username: &str) -> Row {
    (email.to_owned(), username.to_owned())
}

#[tokio::test]
async fn each_row_becomes_the_user_whose_id_it_determines() -> Result<()> {
    let world = World::new();
    let operation = world.import(&[people("a", 3), people("b", 2)], CONTINUE).await?;
    assert_eq!(operation.state, OperationState::Succeeded);
    assert_eq!((operation.progress.created, operation.progress.failed), (5, 0));
    let users = world.app.users_created_by(&world.ctx, &operation, 10).await?;
    let names: Vec<_> = users.iter().map(|user| user.username.as_str()).collect();
    assert_eq!(names, ["a-1", "a-2", "a-3", "b-1", "b-2"]);
    for (number, user) in (1..).zip(&users) {
        assert_eq!(user.id, operation.row_ids().id(number));
        assert_eq!(world.app.user(&world.ctx, user.id).await?, *user);
    }
    let foreign = world.app.user(&tenant(8), users[0].id).await.unwrap_err();
    assert_eq!(foreign.kind, ErrorKind::NotFound);
    assert_eq!(world.app.users_created_by(&world.ctx, &operation, 2).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn imports_of_the_same_millisecond_know_their_own_users() -> Result<()> {
    let world = World::new();
    let first = world.import(&[people("a", 30)], CONTINUE).await?;
    let second = world.import(&[people("b", 40)], CONTINUE).await?;
    let third = world.import(&[people("c", 50)], CONTINUE).await?;
    assert_eq!(first.created_at, third.created_at);
    for (operation, prefix, count) in [(first, "a", 30), (second, "b", 40), (third, "c", 50)] {
        for limit in [1, 7, 30, 40, 100] {
            let users = world.app.users_created_by(&world.ctx, &operation, limit).await?;
            let names: Vec<_> = users.iter().map(|user| user.username.as_str().to_owned()).collect();
            let all: Vec<_> = people(prefix, count).into_iter().map(|(_, username)| username).collect();
            assert_eq!(names, all[..count.min(usize::try_from(limit)?)], "{prefix}, at most {limit}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn each_bad_row_is_reported_with_its_line_and_reason() -> Result<()> {
    let world = World::new();
    world.import(&[vec![row("old@example.com", "Old-Name")]], SILENT).await?;
    let blocks = [
        vec![
            row("ada@example.com", "ada"),
            row("ADA@example.com", "ada-2"),
            row("bob@example.com", "ADA"),
            row("Old@Example.com", "fresh"),
            row("fresh@example.com", "OLD-name"),
        ],
        vec![
            row("nope", "x"),
            row("Ada@example.com", "old-name"),
            row("eve@example.com", "eve"),
            row("a\0b@example.com", "nul"),
        ],
    ];
    let operation = world.import(&blocks, CONTINUE).await?;
    assert_eq!(operation.state, OperationState::PartiallySucceeded);
    assert_eq!((operation.progress.created, operation.progress.failed), (2, 7));
    let page = world.app.operation_rows(&world.ctx, operation.id, RowFilter::Reported, 0, 100).await?;
    assert!(page.items.iter().all(|row| row.status == RowStatus::Failed));
    let found: Vec<_> = page.items.iter().map(|row| (row.row, row.line.unwrap(), problems(row))).collect();
    let of = |list: &[(&str, &str)]| list.iter().map(|(f, c)| ((*f).to_owned(), (*c).to_owned())).collect::<Vec<_>>();
    let expected = [
        (2, 3, of(&[("email", "duplicate_in_file")])),
        (3, 4, of(&[("username", "duplicate_in_file")])),
        (4, 5, of(&[("email", "duplicate")])),
        (5, 6, of(&[("username", "duplicate")])),
        (6, 7, of(&[("email", "invalid_email"), ("username", "too_short")])),
        (7, 8, of(&[("email", "duplicate_in_file"), ("username", "duplicate")])),
        (9, 10, of(&[("email", "control_character")])),
    ];
    assert_eq!(found, expected);
    let detail = &page.items[0].problems[0].detail;
    assert!(detail.contains("row 1 "), "names the row that has it: {detail}");
    for word in ["ada@", "old-name", "nope"] {
        let leaked = page.items.iter().any(|row| format!("{row:?}").to_lowercase().contains(word));
        assert!(!leaked, "a value is in the report");
    }
    assert_eq!(world.emails(), ["ada@example.com", "eve@example.com", "old@example.com"]);
    Ok(())
}

#[tokio::test]
async fn what_made_a_row_unreadable_is_reported_as_it_was_read() -> Result<()> {
    let world = World::new();
    let problem = |field: Option<&'static str>, code: &'static str| RowProblem {
        field: field.map(Into::into),
        code: code.into(),
        detail: "as the reader said".into(),
    };
    let mut upload = world.app.begin_upload(world.ctx.clone(), NewUpload::import(UploadFormat::Csv, None)).await?;
    let whole = ImportRow { line: 2, problems: vec![problem(None, "wrong_column_count")], ..ImportRow::default() };
    let cell = ImportRow {
        line: 4,
        email: Some("nope".into()),
        problems: vec![problem(Some("username"), "invalid_utf8")],
        ..ImportRow::default()
    };
    upload.push(&whole)?;
    upload.push(&cell)?;
    let id = upload.finish(CONTINUE, &[]).await?.operation.id;
    let operation = world.run(id).await?;
    assert_eq!((operation.state, operation.progress.failed), (OperationState::Failed, 2));
    assert_eq!(operation.failure.unwrap().code, "ROWS_FAILED");
    let rows = world.app.operation_rows(&world.ctx, id, RowFilter::Reported, 0, 100).await?.items;
    let found: Vec<_> = rows.iter().map(|row| (row.line.unwrap(), problems(row))).collect();
    let pair = |field: &str, code: &str| (field.to_owned(), code.to_owned());
    assert_eq!(found[0], (2, vec![pair("", "wrong_column_count")]));
    assert_eq!(found[1], (4, vec![pair("username", "invalid_utf8"), pair("email", "invalid_email")]));
    Ok(())
}

#[tokio::test]
async fn rows_are_paged_to_the_end() -> Result<()> {
    let world = World::new();
    let rows: Vec<_> = (1..=5).map(|n| row("nope", &format!("user-{n}"))).collect();
    let id = world.import(&[rows], CONTINUE).await?.id;
    let mut pages = Vec::new();
    let mut after = Some(0);
    while let Some(from) = after {
        let page = world.app.operation_rows(&world.ctx, id, RowFilter::Reported, from, 2).await?;
        pages.push(page.items.iter().map(|row| row.row).collect::<Vec<_>>());
        after = page.next_after;
    }
    assert_eq!(pages, [vec![1, 2], vec![3, 4], vec![5]]);
    let error = world.app.operation_rows(&tenant(8), id, RowFilter::Reported, 0, 2).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    Ok(())
}

#[tokio::test]
async fn abort_creates_nobody_when_a_row_is_bad() -> Result<()> {
    let world = World::new();
    world.import(&[people("old", 1)], SILENT).await?;
    let mut rows = people("u", 5);
    rows.push(row("nope", "nope"));
    rows.extend(people("old", 1));
    let operation = world.import(&[rows.clone()], ABORT).await?;
    assert_eq!(operation.state, OperationState::Failed);
    assert_eq!((operation.progress.created, operation.progress.failed), (0, 2));
    assert_eq!(operation.progress.mails_total, 0);
    assert_eq!(world.emails(), ["old1@example.com"]);
    let reported = world.app.operation_rows(&world.ctx, operation.id, RowFilter::Reported, 0, 9).await?.items;
    assert_eq!(reported.iter().map(|row| row.row).collect::<Vec<_>>(), [6, 7]);
    // Nothing of it stands in the way of a second try without the bad rows.
    rows.truncate(5);
    assert_eq!(world.import(&[rows], ABORT).await?.progress.created, 5);
    Ok(())
}

#[tokio::test]
async fn importing_again_changes_nothing() -> Result<()> {
    for options in [CONTINUE, ABORT] {
        for blocks in [vec![people("a", 3)], vec![people("a", 3), people("a", 4)]] {
            let world = World::new();
            let id = world.queue(&blocks, options).await?;
            let first = world.range(id, &NoHeartbeat).await?;
            let stored = world.stored();
            assert_eq!(world.range(id, &NoHeartbeat).await?, first);
            assert_eq!(world.stored(), stored);
        }
    }
    Ok(())
}

#[tokio::test]
async fn two_workers_at_once_do_each_block_once() -> Result<()> {
    for options in [CONTINUE, ABORT] {
        let blocks = [people("a", 3), people("a", 4), people("b", 2)];
        let alone = World::new();
        let id = alone.queue(&blocks, options).await?;
        alone.range(id, &NoHeartbeat).await?;

        let world = World::new();
        let id = world.queue(&blocks, options).await?;
        let (a, b, c) =
            tokio::join!(world.range(id, &NoHeartbeat), world.range(id, &NoHeartbeat), world.range(id, &NoHeartbeat));
        assert!(![a?, b?, c?].iter().any(|done| done.ended));
        assert_eq!(world.stored(), alone.stored());
    }
    Ok(())
}

#[tokio::test]
async fn a_worker_that_is_stopping_stops_between_blocks() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("a", 2), people("b", 2), people("c", 2)], SILENT).await?;
    let error = world.range(id, &CancelAfter::new(2)).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Unavailable, ErrorCode::Cancelled));
    assert_eq!(world.app.operation(&world.ctx, id).await?.progress.blocks_done, 2);
    assert_eq!(world.run(id).await?.progress.created, 6);
    Ok(())
}

#[tokio::test]
async fn the_only_block_ends_its_operation() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("a", 2)], SILENT).await?;
    let done = world.range(id, &NoHeartbeat).await?;
    assert!(done.ended && !done.has_mails);
    assert_eq!(world.app.operation(&world.ctx, id).await?.state, OperationState::Succeeded);
    Ok(())
}

#[tokio::test]
async fn an_import_of_several_blocks_runs_until_it_is_finished() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("a", 2), people("b", 2)], CONTINUE).await?;
    let finish = || FinishOperation { operation: id, failure: None };
    let early = world.app.finish_operation(&world.ctx, finish()).await.unwrap_err();
    assert_eq!(early.kind, ErrorKind::Internal, "blocks are open");
    let done = world.range(id, &NoHeartbeat).await?;
    assert!(!done.ended && done.has_mails);
    assert_eq!(world.app.operation(&world.ctx, id).await?.state, OperationState::Running);
    let ended = world.app.finish_operation(&world.ctx, finish()).await?;
    assert!(ended.ended && ended.has_mails);
    let stored = world.stored();
    world.clock.advance(SETTLE);
    assert_eq!(world.app.finish_operation(&world.ctx, finish()).await?, ended);
    assert_eq!(world.stored(), stored, "an end is final");
    Ok(())
}

const SETTLE: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

#[tokio::test]
async fn an_import_that_cannot_be_carried_on_fails_and_stays_failed() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("a", 2), people("b", 2)], CONTINUE).await?;
    world.range(id, &CancelAfter::new(1)).await.unwrap_err();
    let failure = OperationFailure { code: "GAVE_UP".to_owned(), detail: "ten attempts failed".to_owned() };
    let command = FinishOperation { operation: id, failure: Some(failure.clone()) };
    assert!(world.app.finish_operation(&world.ctx, command).await?.ended);
    assert!(world.range(id, &NoHeartbeat).await?.ended, "an ended operation is not worked on");
    let operation = world.app.operation(&world.ctx, id).await?;
    assert_eq!((operation.state, operation.failure), (OperationState::Failed, Some(failure)));
    assert_eq!((operation.progress.created, operation.progress.blocks_done), (2, 1));
    Ok(())
}

#[tokio::test]
async fn an_unknown_operation_is_not_found() -> Result<()> {
    let world = World::new();
    let id = OperationId::new(Uuid::from_u128(404));
    assert_eq!(world.range(id, &NoHeartbeat).await.unwrap_err().kind, ErrorKind::NotFound);
    let finish = FinishOperation { operation: id, failure: None };
    assert_eq!(world.app.finish_operation(&world.ctx, finish).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(world.send(id).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(world.app.operation(&world.ctx, id).await.unwrap_err().kind, ErrorKind::NotFound);
    Ok(())
}
