//! Many users, and many rows, with one statement.

use anyhow::{Context as _, Result, ensure};
use muster_domain::operations::{BlockOutcome, OperationKind, Parent, Relation, RowStatus, StoredRow, StoredRows};
use muster_domain::users::{Given, StoredUser, UserEvent, UserEventKind, UserPatch};
use muster_domain::{OperationId, RepositoryError};

use super::Arena;
use super::arena::{at, changes, event, made, new_operation, operation_id, user_id};

const ID: OperationId = operation_id(1);
const UNDO: Parent = Parent { id: ID, relation: Relation::Undo };

/// Three users, of whom the second is deleted.
async fn three(arena: &Arena<'_>) -> Result<()> {
    for (n, name) in [(1, "ada"), (2, "bob"), (3, "cyd")] {
        arena.make(&made(n, name, 0)?).await?;
    }
    arena.delete(user_id(2)).await.map(drop)
}

fn renamed(mut stored: StoredUser, patch: UserPatch<'_>) -> Result<(StoredUser, UserEvent)> {
    drop(stored.change(changes(patch)?, at(5)));
    let event = event(&stored.user, UserEventKind::Updated, 5);
    Ok((stored, UserEvent { operation: Some(ID), ..event }))
}

pub(super) async fn many_are_locked_in_the_order_of_their_ids(arena: &Arena<'_>) -> Result<()> {
    three(arena).await?;
    let mut uow = arena.begin().await?;
    let found = uow.users().lock_all(&[user_id(3), user_id(9), user_id(2), user_id(1), user_id(3)]).await?;
    ensure!(found.iter().map(|stored| stored.user.id).eq([1, 2, 3].map(user_id)));
    ensure!(found.iter().map(|stored| stored.deleted_at.is_some()).eq([false, true, false]));
    ensure!(uow.users().lock_all(&[]).await?.is_empty());
    Ok(())
}

pub(super) async fn lines_are_added_to_histories_of_users_who_stay_as_they_are(arena: &Arena<'_>) -> Result<()> {
    three(arena).await?;
    let (ada, cyd) = (made(1, "ada", 0)?, made(3, "cyd", 0)?);
    let line = |user, n| UserEvent { operation: Some(ID), fields: Vec::new(), ..event(user, UserEventKind::Synced, n) };
    let lines = [line(&ada, 7), line(&cyd, 8)];
    let mut uow = arena.begin().await?;
    uow.users().note_all(&lines).await?;
    uow.users().note_all(&[]).await?;
    uow.commit().await?;
    for (user, line) in [ada, cyd].iter().zip(&lines) {
        ensure!(arena.world.users().find(arena.tenant, user.id).await?.as_ref() == Some(user));
        let history = arena.world.user_list().history(arena.tenant, user.id, None, 9).await?.context("no history")?;
        ensure!(history.len() == 2 && history.first() == Some(line), "{history:?}");
    }
    Ok(())
}

pub(super) async fn many_are_stored_with_their_histories(arena: &Arena<'_>) -> Result<()> {
    three(arena).await?;
    let mut uow = arena.begin().await?;
    let locked = uow.users().lock_all(&[1, 2, 3].map(user_id)).await?;
    let [ada, mut bob, cy] = <[StoredUser; 3]>::try_from(locked).ok().context("not three")?;
    bob.restore(at(5));
    let back = event(&bob.user, UserEventKind::Restored, 5);
    let patch = |email, full_name| UserPatch { email, full_name, ..UserPatch::default() };
    let users = [
        renamed(ada, patch(Given::Text("new@example.com"), Given::Text("Ada")))?,
        (bob, back),
        renamed(cy, UserPatch { is_active: Some(false), ..UserPatch::default() })?,
    ];
    uow.users().store_all(&users).await?;
    uow.users().store_all(&[]).await?;
    uow.commit().await?;
    for (stored, event) in &users {
        let id = stored.user.id;
        ensure!(arena.world.users().find(arena.tenant, id).await?.as_ref() == Some(&stored.user), "{id}");
        let history = arena.world.user_list().history(arena.tenant, id, None, 1).await?.context("no history")?;
        ensure!(history.first() == Some(event), "{history:?}");
    }
    // The old address is free.
    arena.make(&made(4, "ada", 0)?).await.err().context("the user name is free, too")?;
    ensure!(arena.world.users().find_by_email(arena.tenant, "ada@example.com").await?.is_none());
    Ok(())
}

pub(super) async fn what_one_of_many_cannot_have_is_a_conflict(arena: &Arena<'_>) -> Result<()> {
    three(arena).await?;
    let mut uow = arena.begin().await?;
    let locked = uow.users().lock_all(&[user_id(1)]).await?;
    let ada = locked.into_iter().next().context("nobody")?;
    let taken = renamed(ada, UserPatch { username: Given::Text("CYD"), ..UserPatch::default() })?;
    let refused = uow.users().store_all(&[taken]).await;
    ensure!(matches!(refused, Err(RepositoryError::Conflict { field: "username" })), "{refused:?}");
    drop(uow);
    ensure!(arena.world.users().find(arena.tenant, user_id(1)).await? == Some(made(1, "ada", 0)?));
    Ok(())
}

pub(super) async fn many_are_removed_with_all_that_tells_of_them(arena: &Arena<'_>) -> Result<()> {
    three(arena).await?;
    arena.queue(ID, &[9], at(0)).await?;
    let row = |n: u32| StoredRow {
        user: Some(user_id(n.into())),
        version: Some(2),
        before: Some("{\"full_name\": \"Ada\"}".to_owned()),
        ..StoredRow::new(n, u64::from(n), RowStatus::Updated)
    };
    let mut uow = arena.begin().await?;
    uow.operations().insert_rows(ID, &[row(1), row(3)]).await?;
    ensure!(uow.users().remove_all(&[user_id(1), user_id(2), user_id(9)]).await? == 2);
    uow.commit().await?;
    for n in [1, 2] {
        ensure!(arena.world.user_list().history(arena.tenant, user_id(n), None, 9).await?.is_none());
    }
    let rows = arena.world.operations().rows(arena.tenant, ID, StoredRows::All, 0, 9).await?;
    let kept: Vec<_> = rows.iter().map(|row| (row.row, row.user, row.version, row.before.is_some())).collect();
    ensure!(kept == [(1, Some(user_id(1)), Some(2), false), (3, Some(user_id(3)), Some(2), true)], "{kept:?}");
    arena.make(&made(1, "ada", 0)?).await
}

pub(super) async fn an_undo_gets_the_blocks_that_did_something(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[5, 4, 3, 2, 6], at(0)).await?;
    let mut uow = arena.begin().await?;
    let changed = BlockOutcome { changed: 2, skipped: 1, ..BlockOutcome::made(0, 0) };
    for (block, outcome) in
        [(0, BlockOutcome::made(5, 0)), (1, BlockOutcome::made(0, 4)), (2, changed), (4, BlockOutcome::made(1, 5))]
    {
        uow.operations().settle_block(ID, block, outcome, at(1)).await?;
    }
    let undo = new_operation(operation_id(2));
    let undo = muster_domain::operations::NewOperation { kind: OperationKind::Undo, parent: Some(UNDO), ..undo };
    uow.operations().insert(&undo, at(1)).await?;
    ensure!(uow.operations().copy_blocks(undo.id, ID).await? == (14, 3));
    uow.commit().await?;

    let mut uow = arena.begin().await?;
    for (number, first_row, rows) in [(0, 1, 5), (1, 10, 3), (2, 15, 6)] {
        let block = uow.operations().lock_block(undo.id, number).await?.context("no block")?;
        ensure!((block.payload.first_row, block.payload.rows, block.outcome) == (first_row, rows, None));
        ensure!(uow.operations().settled_block(ID, first_row).await?.is_some_and(|block| block.rows == rows));
    }
    ensure!(uow.operations().settled_block(ID, 13).await?.is_none());
    let rows = [(1, RowStatus::Deleted), (2, RowStatus::Failed), (10, RowStatus::Updated)];
    let rows = rows.map(|(row, status)| StoredRow::new(row, 0, status));
    uow.operations().insert_rows(undo.id, &rows).await?;
    ensure!(uow.operations().taken_back(ID, operation_id(3), 1, 5).await? == [1]);
    ensure!(uow.operations().taken_back(ID, operation_id(3), 1, 10).await? == [1, 10]);
    ensure!(uow.operations().taken_back(ID, undo.id, 1, 10).await?.is_empty());
    ensure!(uow.operations().latest_child(ID, Relation::Undo).await? == Some(undo.id));
    ensure!(uow.operations().latest_child(undo.id, Relation::Undo).await?.is_none());
    let found = uow.operations().find(undo.id).await?.context("no undo")?;
    ensure!((found.kind, found.parent) == (OperationKind::Undo, Some(UNDO)));
    let parent = uow.operations().find(ID).await?.context("no parent")?;
    ensure!((parent.progress.created, parent.progress.changed, parent.progress.failed) == (6, 2, 9));
    Ok(())
}

pub(super) async fn rows_are_read_as_they_were_stored(arena: &Arena<'_>) -> Result<()> {
    arena.queue(ID, &[9], at(0)).await?;
    let all = [
        StoredRow { user: Some(user_id(1)), version: Some(7), ..StoredRow::new(2, 3, RowStatus::Deleted) },
        StoredRow::new(4, 5, RowStatus::Failed),
        StoredRow { user: Some(user_id(2)), ..StoredRow::new(6, 7, RowStatus::Skipped) },
        StoredRow::new(8, 9, RowStatus::MailRefused),
    ];
    let mut uow = arena.begin().await?;
    uow.operations().insert_rows(ID, &all).await?;
    ensure!(uow.operations().stored_rows(ID, 1, 9).await? == all);
    ensure!(uow.operations().stored_rows(ID, 3, 6).await?.iter().map(|row| row.row).eq([4, 6]));
    ensure!(uow.operations().stored_rows(OperationId::new(uuid::Uuid::nil()), 1, 9).await?.is_empty());
    uow.commit().await?;
    for (wanted, after, expected) in [
        (StoredRows::All, 2, vec![4, 6, 8]),
        (StoredRows::Problems, 0, vec![4, 8]),
        (StoredRows::Only(RowStatus::Skipped), 0, vec![6]),
        (StoredRows::Only(RowStatus::Failed), 4, vec![]),
    ] {
        let rows = arena.world.operations().rows(arena.tenant, ID, wanted, after, 9).await?;
        ensure!(rows.iter().map(|row| row.row).eq(expected), "{wanted:?}");
    }
    Ok(())
}
