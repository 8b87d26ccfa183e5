use anyhow::{Result, ensure};
use muster_application::ports::UnitOfWork;
use muster_domain::OperationId;
use muster_domain::mails::MailBatch;
use muster_domain::operations::{BlockOutcome, KeyOwner, Operation, RowStatus, StoredRow, StoredRows};
use muster_domain::users::User;

use super::Arena;
use super::arena::{at, operation_id, queue_in, user, user_id};

const ID: OperationId = operation_id(1);

/// Something in every table.
async fn write_everything(uow: &mut dyn UnitOfWork) -> Result<()> {
    ensure!(uow.users().insert_free(&[user(1, "ada", "ada")?], at(0)).await?.is_empty());
    ensure!(uow.operations().claim_key("key", KeyOwner::Operation(ID), None, at(10)).await?.is_none());
    queue_in(uow, ID, &[2], at(0)).await?;
    uow.operations().settle_block(ID, 0, BlockOutcome::made(1, 1), at(0)).await?;
    let row = StoredRow::new(2, 2, RowStatus::Failed);
    uow.operations().insert_rows(ID, &[row]).await?;
    let batch = MailBatch { first_row: 1, last_row: 2, done_through: 0, deferred: Vec::new() };
    Ok(uow.mails().insert(ID, 0, &batch, 1, at(0)).await?)
}

/// What the readers see of it.
async fn read(arena: &Arena<'_>) -> Result<(Option<User>, Option<Operation>, usize)> {
    let operations = arena.world.operations();
    let rows = operations.rows(arena.tenant, ID, StoredRows::All, 0, 10).await?.len();
    Ok((arena.world.users().find(arena.tenant, user_id(1)).await?, operations.find(arena.tenant, ID).await?, rows))
}

/// What a new unit of work sees of it: user, operation, block, batch, key.
async fn look(uow: &mut dyn UnitOfWork) -> Result<[bool; 5]> {
    Ok([
        !uow.users().range(user_id(0), user_id(9), 9).await?.is_empty(),
        uow.operations().find(ID).await?.is_some_and(|operation| operation.progress.blocks_done == 1),
        uow.operations().lock_block(ID, 0).await?.is_some_and(|block| block.outcome.is_some()),
        uow.mails().lock(ID, 0).await?.is_some(),
        uow.operations().find_key("key").await?.is_some(),
    ])
}

pub(super) async fn a_commit_makes_everything_visible(arena: &Arena<'_>) -> Result<()> {
    let mut uow = arena.begin().await?;
    write_everything(uow.as_mut()).await?;
    uow.commit().await?;
    let (user, operation, rows) = read(arena).await?;
    ensure!(user.is_some() && rows == 1);
    ensure!(operation.is_some_and(|o| (o.progress.created, o.progress.failed, o.progress.mails_total) == (1, 1, 1)));
    let mut uow = arena.begin().await?;
    ensure!(look(uow.as_mut()).await? == [true; 5]);
    Ok(())
}

pub(super) async fn a_drop_undoes_everything(arena: &Arena<'_>) -> Result<()> {
    let mut uow = arena.begin().await?;
    write_everything(uow.as_mut()).await?;
    drop(uow);
    let mut uow = arena.begin().await?;
    ensure!(look(uow.as_mut()).await? == [false; 5]);
    drop(uow);
    let (user, operation, rows) = read(arena).await?;
    ensure!(user.is_none() && operation.is_none() && rows == 0);
    // And nothing is in the way of doing it again.
    let mut uow = arena.begin().await?;
    write_everything(uow.as_mut()).await?;
    Ok(uow.commit().await?)
}

pub(super) async fn a_unit_of_work_sees_what_it_did(arena: &Arena<'_>) -> Result<()> {
    let mut uow = arena.begin().await?;
    write_everything(uow.as_mut()).await?;
    ensure!(look(uow.as_mut()).await? == [true; 5]);
    ensure!(uow.users().holders(&["ada@example.com"], &[]).await?.len() == 1);
    Ok(())
}

pub(super) async fn nobody_sees_what_is_not_committed(arena: &Arena<'_>) -> Result<()> {
    let mut uow = arena.begin().await?;
    write_everything(uow.as_mut()).await?;
    let (user, operation, rows) = read(arena).await?;
    ensure!(user.is_none() && operation.is_none() && rows == 0);
    Ok(uow.commit().await?)
}

pub(super) async fn a_key_without_an_operation_is_not_committed(arena: &Arena<'_>) -> Result<()> {
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().claim_key("key", KeyOwner::Operation(ID), None, at(10)).await?.is_none());
    ensure!(uow.commit().await.is_err());
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().find_key("key").await?.is_none());
    Ok(())
}
