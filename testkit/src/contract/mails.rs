use anyhow::{Context as _, Result, ensure};
use muster_domain::OperationId;
use muster_domain::mails::MailBatch;
use muster_domain::operations::Progress;

use super::Arena;
use super::arena::{at, operation_id};

const ID: OperationId = operation_id(1);

/// The batch of the second of two blocks of ten rows.
fn batch(done_through: u32, deferred: &[u32]) -> MailBatch {
    MailBatch { first_row: 11, last_row: 20, done_through, deferred: deferred.to_vec() }
}

async fn insert(arena: &Arena<'_>, batch: &MailBatch, total: u32) -> Result<()> {
    arena.queue(ID, &[10, 10], at(0)).await?;
    let mut uow = arena.begin().await?;
    uow.mails().insert(ID, 1, batch, total, at(0)).await?;
    Ok(uow.commit().await?)
}

pub(super) async fn a_batch_is_given_back_as_it_was_stored(arena: &Arena<'_>) -> Result<()> {
    let batch = batch(12, &[11, 12]);
    insert(arena, &batch, 9).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.mails().lock(ID, 1).await? == Some(batch));
    ensure!(uow.mails().lock(ID, 0).await?.is_none(), "a block without users has no batch");
    ensure!(uow.mails().lock(operation_id(404), 1).await?.is_none());
    Ok(())
}

pub(super) async fn a_record_stores_how_far_it_is_and_adds_to_the_counts(arena: &Arena<'_>) -> Result<()> {
    insert(arena, &batch(10, &[]), 9).await?;
    let steps = [(batch(15, &[15, 12]), 3, 1), (batch(20, &[15]), 4, 0)];
    for (after, sent, refused) in &steps {
        let mut uow = arena.begin().await?;
        uow.mails().record(ID, 1, after, *sent, *refused, at(0)).await?;
        uow.commit().await?;
        let mut uow = arena.begin().await?;
        ensure!(uow.mails().lock(ID, 1).await?.as_ref() == Some(after));
    }
    // A second batch adds to the same progress. It is finished after two of its five: the others were removed.
    let mut uow = arena.begin().await?;
    let first = MailBatch { first_row: 1, last_row: 10, done_through: 10, deferred: Vec::new() };
    uow.mails().insert(ID, 0, &first, 5, at(0)).await?;
    uow.mails().record(ID, 0, &first, 0, 2, at(0)).await?;
    uow.commit().await?;
    let progress = arena.operation(ID).await?.progress;
    let mails = Progress { mails_total: 9 + 2, mails_sent: 7, mails_refused: 3, ..progress };
    ensure!(progress == mails);
    Ok(())
}

pub(super) async fn mails_are_settled_when_the_last_batch_is_finished(arena: &Arena<'_>) -> Result<()> {
    let settled_at = || async { anyhow::Ok(arena.operation(ID).await?.progress.mails_settled_at) };
    insert(arena, &batch(10, &[]), 9).await?;
    let mut uow = arena.begin().await?;
    let first = MailBatch { first_row: 1, last_row: 10, done_through: 0, deferred: Vec::new() };
    uow.mails().insert(ID, 0, &first, 9, at(0)).await?;
    uow.commit().await?;
    let record = |block, batch: MailBatch, minute| async move {
        let mut uow = arena.begin().await?;
        uow.mails().record(ID, block, &batch, 1, 0, at(minute)).await?;
        anyhow::Ok(uow.commit().await?)
    };
    ensure!(settled_at().await?.is_none());
    record(1, batch(20, &[]), 7).await?;
    ensure!(settled_at().await?.is_none(), "the other batch is not finished");
    record(0, MailBatch { done_through: 10, deferred: vec![3], ..first.clone() }, 4).await?;
    ensure!(settled_at().await?.is_none(), "a mail was put off");
    record(0, MailBatch { done_through: 10, ..first }, 5).await?;
    ensure!(settled_at().await? == Some(at(7)), "the latest counts, whichever batch it is of");
    Ok(())
}

pub(super) async fn a_locked_batch_loses_no_record(arena: &Arena<'_>) -> Result<()> {
    insert(arena, &batch(10, &[]), 6).await?;
    let send_one = |_| async move {
        let mut uow = arena.begin().await?;
        let mut batch = uow.mails().lock(ID, 1).await?.context("the batch is not there")?;
        batch.done_through += 1;
        uow.mails().record(ID, 1, &batch, 1, 0, at(0)).await?;
        anyhow::Ok(uow.commit().await?)
    };
    futures::future::try_join_all((0..6).map(send_one)).await?;
    ensure!(arena.operation(ID).await?.progress.mails_sent == 6);
    let mut uow = arena.begin().await?;
    ensure!(uow.mails().lock(ID, 1).await?.context("the batch is not there")?.done_through == 16);
    Ok(())
}
