//! All rows of an operation come back as they were uploaded, with what became of each.

use anyhow::Result;
use muster_application::ErrorKind;
use muster_application::operations::{ExportFilter, ExportedRow, RowFilter};
use muster_application::ports::{Clock as _, Delivery};
use muster_domain::OperationId;
use muster_domain::operations::RowStatus;
use muster_testkit::memory::{CancelAfter, Fault};

use crate::world::{ABORT, CONTINUE, Row, SETTINGS, SILENT, World, people, tenant};

fn bad(n: usize) -> Row {
    (format!("nope {n}"), format!("n{n}"))
}

async fn export(world: &World, id: OperationId, filter: ExportFilter) -> Result<Vec<ExportedRow>> {
    let mut export = world.app.export_rows(&world.ctx, id, filter).await?;
    let mut rows = Vec::new();
    while let Some(page) = export.next_page().await? {
        assert!(!page.is_empty() && page.len() <= 1_000);
        rows.extend(page);
    }
    assert!(export.next_page().await?.is_none(), "the end stays the end");
    Ok(rows)
}

/// Good and bad rows in every order, blocks of one kind, a mail that was refused, and blocks that are not done.
async fn mixed(world: &World) -> Result<(OperationId, Vec<Row>)> {
    let mut first = people("a", 4);
    first.insert(0, bad(1));
    first.insert(3, bad(2));
    let blocks = [first, vec![bad(3), bad(4)], people("c", 3), people("d", 2), vec![bad(5)]];
    let id = world.queue(&blocks, CONTINUE).await?;
    world.range(id, &CancelAfter::new(3)).await.unwrap_err();
    world.mailer.always("c2@example.com", Delivery::Refused);
    world.send(id).await?;
    Ok((id, blocks.concat()))
}

fn statuses(rows: &[ExportedRow]) -> String {
    let letter = |row: &ExportedRow| match row.status {
        None => 'p',
        Some(RowStatus::Created) => 'c',
        Some(RowStatus::Skipped) => 's',
        Some(RowStatus::Failed) => 'f',
        Some(RowStatus::MailRefused) => 'm',
        Some(_) => '?',
    };
    rows.iter().map(letter).collect()
}

#[tokio::test]
async fn every_row_comes_back_with_what_became_of_it() -> Result<()> {
    let world = World::new();
    let (id, uploaded) = mixed(&world).await?;
    let rows = export(&world, id, ExportFilter::All).await?;
    assert_eq!(statuses(&rows), "fccfccffcmcppp");
    let ids = world.app.operation(&world.ctx, id).await?.row_ids();
    for ((number, row), (email, username)) in (1..).zip(&rows).zip(&uploaded) {
        assert_eq!((row.row, row.line), (number, Some(u64::from(number) + 1)));
        assert_eq!((row.values.email.as_ref(), row.values.username.as_ref()), (Some(email), Some(username)));
        assert_eq!(row.user, row.status.is_some_and(RowStatus::is_user).then(|| ids.id(number)));
        let has_problem = matches!(row.status, Some(RowStatus::Failed | RowStatus::MailRefused));
        assert_eq!(!row.problems.is_empty(), has_problem, "{row:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_filter_leaves_what_a_list_would_and_what_is_pending() -> Result<()> {
    let world = World::new();
    let (id, _) = mixed(&world).await?;
    let all = export(&world, id, ExportFilter::All).await?;
    for (name, letters) in
        [("failed", "f"), ("mail_refused", "m"), ("created", "c"), ("skipped", "s"), ("pending", "p"), ("all", "cfmp")]
    {
        let filter = ExportFilter::from_name(name).unwrap();
        let rows = export(&world, id, filter).await?;
        let passes =
            |row: &&ExportedRow| statuses(std::slice::from_ref(row)).contains(|letter| letters.contains(letter));
        assert_eq!(rows, all.iter().filter(passes).cloned().collect::<Vec<_>>(), "{name}");
    }
    let reported = export(&world, id, ExportFilter::Done(RowFilter::Reported)).await?;
    assert_eq!(statuses(&reported), "ffffm");
    assert_eq!(statuses(&export(&world, id, ExportFilter::Done(RowFilter::All)).await?), "fccfccffcmc");
    for name in ["", "ALL", "done"] {
        assert_eq!(ExportFilter::from_name(name), None);
    }
    Ok(())
}

#[tokio::test]
async fn the_good_rows_of_an_aborted_upload_are_skipped() -> Result<()> {
    let world = World::new();
    let id = world.import(&[vec![bad(1), people("u", 1).remove(0)]], ABORT).await?.id;
    assert_eq!(statuses(&export(&world, id, ExportFilter::All).await?), "fs");
    assert_eq!(statuses(&export(&world, id, ExportFilter::Done(RowFilter::Only(RowStatus::Skipped))).await?), "s");
    Ok(())
}

#[tokio::test]
async fn many_rows_come_in_pages_and_each_once() -> Result<()> {
    let world = World::new();
    let mut rows: Vec<Row> = (1..=2_500).map(bad).collect();
    rows.extend(people("u", 700));
    rows.extend((3_001..=3_010).map(bad));
    let id = world.import(&[rows, people("v", 3)], SILENT).await?.id;
    let all = export(&world, id, ExportFilter::All).await?;
    assert_eq!(all.iter().map(|row| row.row).collect::<Vec<_>>(), (1..=3_213).collect::<Vec<_>>());
    let failed = export(&world, id, ExportFilter::Done(RowFilter::Only(RowStatus::Failed))).await?;
    assert_eq!(failed.len(), 2_510);
    assert!(failed.iter().all(|row| row.values.email.as_ref().is_some_and(|email| email.starts_with("nope"))));
    Ok(())
}

#[tokio::test]
async fn large_values_make_small_pages() -> Result<()> {
    let world = World::new();
    let long = "x".repeat(60_000);
    let rows: Vec<Row> = (0..40).map(|n| (format!("{n}{long}"), "abc".to_owned())).collect();
    let id = world.import(&[rows], SILENT).await?.id;
    let mut export = world.app.export_rows(&world.ctx, id, ExportFilter::All).await?;
    let mut sizes = Vec::new();
    while let Some(page) = export.next_page().await? {
        sizes.push(page.len());
    }
    assert_eq!((sizes.iter().sum::<usize>(), sizes.iter().max()), (40, Some(&5)), "{sizes:?}");
    Ok(())
}

#[tokio::test]
async fn an_upload_that_was_removed_gives_rows_without_values() -> Result<()> {
    let world = World::new();
    let mut rows = people("u", 2);
    rows.insert(1, bad(1));
    let id = world.import(&[rows, people("v", 1)], SILENT).await?.id;
    let before = export(&world, id, ExportFilter::All).await?;
    world.clock.advance(SETTINGS.upload_keep * 2);
    assert_eq!(world.app.sweep().await?.uploads, 1);
    let after = export(&world, id, ExportFilter::All).await?;
    assert_eq!(statuses(&after), "cfcc");
    for (before, after) in before.into_iter().zip(after) {
        // The line of what failed is kept with its problems.
        let line = before.line.filter(|_| !before.problems.is_empty());
        assert_eq!(after, ExportedRow { values: muster_application::operations::RowValues::default(), line, ..before });
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_other_tenants_find_nothing() -> Result<()> {
    let world = World::new();
    let (id, _) = mixed(&world).await?;
    assert!(world.clock.now().timestamp() > 0);
    let error = world.app.export_rows(&tenant(8), id, ExportFilter::All).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::NotFound);
    for call in 1..=4 {
        let mut export = world.app.export_rows(&world.ctx, id, ExportFilter::All).await?;
        world.store.fail_next(Fault::Call(call));
        let mut pages = 0;
        let failed = loop {
            match export.next_page().await {
                Ok(Some(_)) => pages += 1,
                Ok(None) => break false,
                Err(error) => break error.kind == ErrorKind::Unavailable,
            }
        };
        assert!(failed && pages < 4, "call {call}");
        world.store.heal();
    }
    Ok(())
}
