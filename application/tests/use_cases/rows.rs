use anyhow::Result;
use muster_application::ErrorKind;
use muster_application::operations::FinishOperation;
use muster_application::operations::{OperationRow, RowFilter};
use muster_application::ports::Delivery;
use muster_domain::OperationId;
use muster_domain::operations::{OperationFailure, RowStatus};
use muster_testkit::memory::CancelAfter;

use crate::world::{ABORT, CONTINUE, Row, SILENT, World, people, problems, tenant};

const STATUSES: [RowStatus; 4] = [RowStatus::Created, RowStatus::Skipped, RowStatus::Failed, RowStatus::MailRefused];

fn bad() -> Row {
    ("nope".to_owned(), "nope".to_owned())
}

/// All rows that pass the filter, read `limit` at a time.
async fn read(world: &World, id: OperationId, filter: RowFilter, limit: u32) -> Result<Vec<OperationRow>> {
    let (mut rows, mut after) = (Vec::new(), Some(0));
    while let Some(from) = after {
        let page = world.app.operation_rows(&world.ctx, id, filter, from, limit).await?;
        assert!(page.items.len() <= usize::try_from(limit)?);
        rows.extend(page.items);
        after = page.next_after;
    }
    Ok(rows)
}

async fn statuses(world: &World, id: OperationId) -> Result<String> {
    let rows = read(world, id, RowFilter::All, 100).await?;
    let letter = |row: &OperationRow| match row.status {
        RowStatus::Created => 'c',
        RowStatus::Skipped => 's',
        RowStatus::Failed => 'f',
        RowStatus::MailRefused => 'm',
        _ => '?',
    };
    Ok(rows.iter().map(letter).collect())
}

/// Good and bad rows in every order within a block, blocks of nothing but one kind, and a mail that was refused.
async fn mixed(world: &World) -> Result<OperationId> {
    let mut first = people("a", 4);
    first.insert(0, bad());
    first.insert(3, bad());
    let mut last = people("d", 3);
    last.push(bad());
    let id = world.import(&[first, vec![bad(), bad()], people("c", 3), last], CONTINUE).await?.id;
    world.mailer.always("c2@example.com", Delivery::Refused);
    world.send(id).await?;
    Ok(id)
}

#[tokio::test]
async fn every_row_is_listed_with_what_became_of_it() -> Result<()> {
    let world = World::new();
    let id = mixed(&world).await?;
    assert_eq!(statuses(&world, id).await?, "fccfccffcmccccf");
    let operation = world.app.operation(&world.ctx, id).await?;
    let ids = operation.row_ids();
    for (number, row) in (1..).zip(read(&world, id, RowFilter::All, 100).await?) {
        assert_eq!(row.row, number);
        assert_eq!(row.user, row.status.is_user().then(|| ids.id(number)));
        if let Some(user) = row.user {
            world.app.user(&world.ctx, user).await?;
        }
        assert_eq!(row.problems.is_empty(), row.status == RowStatus::Created);
        let line = (row.status == RowStatus::Failed).then_some(u64::from(number) + 1);
        assert_eq!(row.line, line, "known of those that failed");
    }
    Ok(())
}

#[tokio::test]
async fn pages_of_any_size_give_the_same_rows() -> Result<()> {
    let world = World::new();
    let id = mixed(&world).await?;
    let only = STATUSES.map(RowFilter::Only);
    for filter in [RowFilter::All, RowFilter::Reported].into_iter().chain(only) {
        let whole = read(&world, id, filter, 100).await?;
        for limit in 1..=16 {
            assert_eq!(read(&world, id, filter, limit).await?, whole, "{filter:?} by {limit}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn each_row_is_of_one_status() -> Result<()> {
    let world = World::new();
    let id = mixed(&world).await?;
    let all = read(&world, id, RowFilter::All, 100).await?;
    for status in STATUSES {
        let expected: Vec<_> = all.iter().filter(|row| row.status == status).cloned().collect();
        assert_eq!(read(&world, id, RowFilter::Only(status), 100).await?, expected, "{status:?}");
    }
    let reported = read(&world, id, RowFilter::Reported, 100).await?;
    assert!(reported.iter().all(|row| !problems(row).is_empty()));
    assert_eq!(reported.len(), 6);
    Ok(())
}

#[tokio::test]
async fn the_good_rows_of_an_aborted_upload_are_skipped() -> Result<()> {
    let world = World::new();
    let mut rows = people("u", 3);
    rows.insert(1, bad());
    let id = world.import(&[rows], ABORT).await?.id;
    assert_eq!(statuses(&world, id).await?, "sfss");
    let skipped = read(&world, id, RowFilter::Only(RowStatus::Skipped), 2).await?;
    assert_eq!(skipped.iter().map(|row| row.row).collect::<Vec<_>>(), [1, 3, 4]);
    assert!(skipped.iter().all(|row| row.user.is_none() && row.problems.is_empty()));
    assert!(read(&world, id, RowFilter::Only(RowStatus::Created), 9).await?.is_empty());
    let reported = read(&world, id, RowFilter::Reported, 9).await?;
    assert_eq!(reported.iter().map(|row| row.row).collect::<Vec<_>>(), [2]);
    Ok(())
}

#[tokio::test]
async fn rows_of_blocks_that_are_not_done_are_not_listed() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("a", 2), people("b", 2), people("c", 2)], SILENT).await?;
    assert!(statuses(&world, id).await?.is_empty());
    world.range(id, &CancelAfter::new(2)).await.unwrap_err();
    assert_eq!(statuses(&world, id).await?, "cccc");
    let failure = OperationFailure { code: "GAVE_UP".to_owned(), detail: "ten attempts failed".to_owned() };
    world.app.finish_operation(&world.ctx, FinishOperation { operation: id, failure: Some(failure) }).await?;
    assert_eq!(statuses(&world, id).await?, "cccc");
    Ok(())
}

#[tokio::test]
async fn a_block_of_failures_is_passed_over_to_find_what_was_created() -> Result<()> {
    let world = World::new();
    let mut rows = vec![bad(); 2500];
    rows.extend(people("u", 3));
    let id = world.import(&[rows, people("v", 2)], SILENT).await?.id;
    let created = read(&world, id, RowFilter::Only(RowStatus::Created), 2).await?;
    assert_eq!(created.iter().map(|row| row.row).collect::<Vec<_>>(), [2501, 2502, 2503, 2504, 2505]);
    assert_eq!(read(&world, id, RowFilter::All, 1000).await?.len(), 2505);
    let error = world.app.operation_rows(&tenant(8), id, RowFilter::All, 0, 9).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    Ok(())
}

#[test]
fn filters_have_names() {
    assert_eq!(RowFilter::from_name("all"), Some(RowFilter::All));
    assert_eq!(RowFilter::from_name("skipped"), Some(RowFilter::Only(RowStatus::Skipped)));
    for name in ["", "ALL", "reported", "refused"] {
        assert_eq!(RowFilter::from_name(name), None, "{name}");
    }
}
