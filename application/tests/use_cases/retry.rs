//! Failed rows are done again, mended or not; each row counts once, as it was done last.

use anyhow::{Context as _, Result};
use muster_application::imports::{ImportRow, NewUpload, Submitted};
use muster_application::operations::{ExportFilter, OnCancel, OperationRow, Retry, RowFilter};
use muster_application::{AppError, ErrorCode, ErrorKind};
use muster_domain::OperationId;
use muster_domain::operations::{
    MatchBy, OnError, Operation, OperationKind, OperationOptions, OperationState, Relation, RowStatus, UploadFormat,
};
use muster_testkit::memory::Fault;

use crate::world::{CONTINUE, Row, World, people, problems};

/// Of each block two good rows and two bad ones, of which the second has a bad user name only.
fn mixed() -> Vec<Vec<Row>> {
    let block = |n: usize| {
        let mut rows = people(&format!("n{n}-"), 2);
        rows.push(("nope".to_owned(), format!("mend{n}")));
        rows.push((format!("short{n}@example.com"), "x".to_owned()));
        rows
    };
    vec![block(1), block(2)]
}

fn correction(row: u32, email: Option<&str>, username: Option<&str>) -> ImportRow<'static> {
    let owned = |text: Option<&str>| text.map(|text| text.to_owned().into());
    ImportRow { line: 1, retried: Some(row), email: owned(email), username: owned(username), ..ImportRow::default() }
}

async fn retry(
    world: &World,
    operation: OperationId,
    corrected: Vec<ImportRow<'static>>,
) -> Result<Submitted, AppError> {
    let retry = Retry { operation, corrected, body: b"", key: None };
    world.app.retry_operation(&world.ctx, retry).await
}

async fn listed(world: &World, id: OperationId, filter: RowFilter) -> Result<Vec<OperationRow>> {
    Ok(world.app.operation_rows(&world.ctx, id, filter, 0, 1_000).await?.items)
}

async fn numbers(world: &World, id: OperationId, filter: RowFilter) -> Result<Vec<u32>> {
    Ok(listed(world, id, filter).await?.iter().map(|row| row.row).collect())
}

fn is_refused(error: &AppError) -> bool {
    error.kind == ErrorKind::Conflict && error.code == ErrorCode::BusinessRuleViolation
}

#[tokio::test]
async fn mended_rows_are_done_and_the_ledgers_are_merged() -> Result<()> {
    let world = World::new();
    let import = world.import(&mixed(), CONTINUE).await?;
    assert_eq!((import.progress.created, import.progress.failed), (4, 4));
    let corrected = vec![correction(3, Some("mend1@example.com"), None), correction(8, None, Some("short2"))];
    let first = retry(&world, import.id, corrected).await?.operation;
    let parent = first.parent.context("no parent")?;
    assert_eq!((parent.id, parent.relation, first.progress.rows_total), (import.id, Relation::Retry, 4));
    let first = world.run(first.id).await?;
    assert_eq!((first.state, first.progress.created), (OperationState::PartiallySucceeded, 2));
    // Lines are those of the file.
    let lines: Vec<_> = listed(&world, first.id, RowFilter::Reported).await?.iter().map(|row| row.line).collect();
    assert_eq!(lines, [Some(5), Some(8)]);

    let merged = world.app.operation(&world.ctx, import.id).await?;
    assert_eq!((merged.retried.retries, merged.retried.created, merged.retried.mended()), (1, 2, 2));
    assert_eq!(merged.progress, import.progress, "its own ledger stays");
    assert_eq!(numbers(&world, import.id, RowFilter::Reported).await?, [4, 7]);
    assert_eq!(numbers(&world, import.id, RowFilter::Only(RowStatus::Created)).await?, [1, 2, 3, 5, 6, 8]);
    let rows = listed(&world, import.id, RowFilter::All).await?;
    let third = rows.get(2).context("no row")?;
    assert_eq!((third.status, third.retried_by), (RowStatus::Created, Some(first.id)));
    assert!(problems(third).is_empty());
    let user = third.user.context("no user")?;
    assert_eq!(world.app.user(&world.ctx, user).await?.email.as_str(), "mend1@example.com");

    // What failed again is done again, and then nothing is left.
    let corrected = vec![correction(4, None, Some("short1")), correction(7, Some("mend2@example.com"), None)];
    let second = retry(&world, import.id, corrected).await?.operation;
    assert_eq!(world.run(second.id).await?.state, OperationState::Succeeded);
    let merged = world.app.operation(&world.ctx, import.id).await?;
    assert_eq!((merged.retried.retries, merged.retried.mended()), (2, 4));
    assert!(numbers(&world, import.id, RowFilter::Reported).await?.is_empty());
    assert_eq!(numbers(&world, import.id, RowFilter::Only(RowStatus::Created)).await?.len(), 8);
    assert!(is_refused(&retry(&world, import.id, Vec::new()).await.unwrap_err()));
    assert_eq!(world.stored().users.len(), 8);

    let mut export = world.app.export_rows(&world.ctx, import.id, ExportFilter::All).await?;
    let mut statuses = Vec::new();
    while let Some(page) = export.next_page().await? {
        statuses.extend(page.into_iter().map(|row| row.status));
    }
    assert_eq!(statuses, [Some(RowStatus::Created); 8]);
    Ok(())
}

#[tokio::test]
async fn changes_are_retried_as_they_were_when_nothing_is_corrected() -> Result<()> {
    let world = World::new();
    let new = NewUpload { kind: OperationKind::UsersUpdate, format: UploadFormat::Ndjson, key: None, parent: None };
    let mut upload = world.app.begin_upload(world.ctx.clone(), new).await?;
    for (line, name) in [(1, "ada"), (2, "bob")] {
        let email = format!("{name}@example.com");
        let row = ImportRow {
            line,
            email: Some(email.into()),
            clears_name: true,
            is_active: Some(false),
            ..ImportRow::default()
        };
        upload.push(&row)?;
    }
    let options =
        OperationOptions { match_by: MatchBy::Email, send_welcome: false, ..OperationOptions::of(OnError::Continue) };
    let update = upload.finish(options, &[]).await?.operation;
    assert_eq!(world.run(update.id).await?.progress.failed, 2);
    let ada = world.make("ada").await?;
    let again = retry(&world, update.id, Vec::new()).await?.operation;
    let again = world.run(again.id).await?;
    assert_eq!((again.kind, again.progress.changed, again.progress.failed), (OperationKind::UsersUpdate, 1, 1));
    assert!(!world.app.user(&world.ctx, ada.id).await?.is_active);
    let rows = listed(&world, update.id, RowFilter::Only(RowStatus::Updated)).await?;
    assert_eq!(rows.first().map(|row| (row.row, row.user, row.retried_by)), Some((1, Some(ada.id), Some(again.id))));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_retried_is_refused_with_a_reason() -> Result<()> {
    let world = World::new();
    let queued = world.queue(&mixed(), CONTINUE).await?;
    assert!(is_refused(&retry(&world, queued, Vec::new()).await.unwrap_err()));
    world.app.cancel_operation(&world.ctx, queued, OnCancel::Keep).await?;
    assert!(is_refused(&retry(&world, queued, Vec::new()).await.unwrap_err()), "it had done nothing");
    let plan = world.import(&mixed(), OperationOptions { dry_run: true, ..CONTINUE }).await?;
    assert!(is_refused(&retry(&world, plan.id, Vec::new()).await.unwrap_err()));
    let blocks = mixed();
    let abort = OperationOptions { on_error: OnError::Abort, ..CONTINUE };
    let aborted = world.import(blocks.get(..1).context("no block")?, abort).await?;
    assert!(is_refused(&retry(&world, aborted.id, Vec::new()).await.unwrap_err()));

    let import = world.import(&mixed(), CONTINUE).await?;
    for not_failed in [1, 99] {
        assert!(is_refused(&retry(&world, import.id, vec![correction(not_failed, None, None)]).await.unwrap_err()));
    }
    for wrong in [
        vec![correction(3, None, None), correction(3, None, None)],
        vec![ImportRow { retried: None, ..correction(3, None, None) }],
    ] {
        assert_eq!(retry(&world, import.id, wrong).await.unwrap_err().kind, ErrorKind::Invalid);
    }
    let going = retry(&world, import.id, Vec::new()).await?.operation;
    let error = retry(&world, import.id, Vec::new()).await.unwrap_err();
    assert!(is_refused(&error) && error.message.contains(&going.id.to_string()));
    world.run(going.id).await?;
    let error = retry(&world, going.id, Vec::new()).await.unwrap_err();
    assert!(is_refused(&error) && error.message.contains(&import.id.to_string()));
    Ok(())
}

#[tokio::test]
async fn a_retry_is_begun_and_done_once_wherever_it_is_cut() -> Result<()> {
    for n in 1..45 {
        for fault in [Fault::Call(n), Fault::Commit(n), Fault::Answer(n)] {
            let world = World::new();
            let import = world.import(&mixed(), CONTINUE).await?;
            world.store.fail_next(fault);
            let again: Operation = loop {
                let corrected = vec![correction(3, Some("mend1@example.com"), None)];
                let retry = Retry { operation: import.id, corrected, body: b"3", key: Some("once".to_owned()) };
                if let Ok(submitted) = world.app.retry_operation(&world.ctx, retry).await {
                    break submitted.operation;
                }
            };
            while world.run(again.id).await.is_err() {}
            world.store.heal();
            let merged = world.app.operation(&world.ctx, import.id).await?;
            assert_eq!((merged.retried.retries, merged.retried.mended()), (1, 1), "{fault:?}");
            assert_eq!(numbers(&world, import.id, RowFilter::Reported).await?, [4, 7, 8], "{fault:?}");
            assert_eq!(world.stored().users.len(), 5, "{fault:?}");
        }
    }
    Ok(())
}
