use anyhow::{Context as _, Result, ensure};
use muster_domain::OperationId;
use muster_domain::mails::{DueWelcomes, MailBatch};
use muster_domain::operations::{
    BlockOutcome, IdempotencyEntry, KeyOwner, OperationState, Progress, RowStatus, StoredRow, StoredRows,
};
use muster_domain::users::{StoredUser, UserEventKind};
use muster_domain::webhooks::WebhookEvent;

use super::Arena;
use super::arena::{OPTIONS, at, blocks, event, made, new_operation, operation_id, user, user_id};
use super::webhooks::{subscribe, told};
use super::welcomes::batch;

const ID: OperationId = operation_id(1);

/// Does something in a unit of work of the other tenant. Whether it fails or does nothing is up to the storage; what
/// counts is that this tenant's data stays as it is.
macro_rules! meddle {
    ($arena:ident, |$uow:ident| $work:expr) => {{
        let mut $uow = $arena.begin_as($arena.other).await?;
        if $work.await.is_ok() {
            // The commit may refuse it as well.
            let _ = $uow.commit().await;
        }
    }};
}

pub(super) async fn users_never_meet(arena: &Arena<'_>) -> Result<()> {
    arena.insert(&[user(1, "ada", "ada")?]).await?;
    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.users().range(user_id(0), user_id(9), 9).await?.is_empty());
    ensure!(uow.users().holders(&["ada@example.com"], &["ada".to_owned()]).await?.is_empty());
    // The same e-mail, user name and id are free.
    ensure!(uow.users().insert_free(&[user(1, "ada", "ada")?], at(5)).await?.is_empty());
    uow.commit().await?;
    let mine = arena.world.users().find(arena.tenant, user_id(1)).await?.context("the user is gone")?;
    let theirs = arena.world.users().find(arena.other, user_id(1)).await?.context("the user is not there")?;
    ensure!((mine.created_at, theirs.created_at) == (at(0), at(5)));
    Ok(())
}

pub(super) async fn readers_never_meet(arena: &Arena<'_>) -> Result<()> {
    arena.insert(&[user(1, "ada", "ada")?]).await?;
    arena.queue(ID, &[2], at(0)).await?;
    let mut uow = arena.begin().await?;
    uow.operations().settle_block(ID, 0, BlockOutcome::made(1, 1), at(1)).await?;
    let row = StoredRow::new(2, 2, RowStatus::Failed);
    uow.operations().insert_rows(ID, &[row]).await?;
    uow.commit().await?;
    ensure!(arena.world.users().find(arena.other, user_id(1)).await?.is_none());
    let operations = arena.world.operations();
    ensure!(operations.find(arena.other, ID).await?.is_none());
    ensure!(operations.list(arena.other, None, None, 9).await?.is_empty());
    ensure!(operations.rows(arena.other, ID, StoredRows::All, 0, 9).await?.is_empty());
    ensure!(operations.ledger(arena.other, ID, 0).await?.is_empty());
    ensure!(operations.ledger(arena.tenant, ID, 0).await?.len() == 1);
    Ok(())
}

pub(super) async fn operations_never_meet(arena: &Arena<'_>) -> Result<()> {
    let (receiving, queued) = (operation_id(2), ID);
    arena.receive(receiving, at(0)).await?;
    arena.queue(queued, &[2], at(0)).await?;
    let mut uow = arena.begin_as(arena.other).await?;
    for id in [receiving, queued] {
        ensure!(uow.operations().find(id).await?.is_none());
        ensure!(uow.operations().lock(id).await?.is_none());
    }
    ensure!(!uow.operations().queue(receiving, OPTIONS, &[], 1, 1, at(5)).await?);
    ensure!(!uow.operations().discard(receiving).await?);
    drop(uow);
    meddle!(arena, |uow| uow.operations().start(queued, at(5)));
    meddle!(arena, |uow| uow.operations().touch(queued, at(500)));
    let mut stolen = arena.operation(queued).await?;
    stolen.finish(at(5))?;
    meddle!(arena, |uow| uow.operations().end(&stolen));

    ensure!(arena.operation(receiving).await?.state == OperationState::Receiving);
    ensure!(arena.operation(queued).await?.state == OperationState::Queued);
    let due = arena.world.operations().due(at(100), at(-100), at(-100), 100_000).await?;
    ensure!(due.iter().any(|due| (due.tenant, due.operation) == (arena.tenant, queued)), "somebody else touched it");
    // The same id may live here too.
    let mut uow = arena.begin_as(arena.other).await?;
    uow.operations().insert(&new_operation(queued), at(0)).await?;
    uow.commit().await?;
    ensure!(arena.operation(queued).await?.state == OperationState::Queued);
    Ok(())
}

pub(super) async fn blocks_and_rows_never_meet(arena: &Arena<'_>) -> Result<()> {
    let receiving = operation_id(2);
    arena.receive(receiving, at(0)).await?;
    arena.queue(ID, &[2], at(0)).await?;
    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(!uow.operations().append_blocks(receiving, &blocks(&[2]), at(5)).await?);
    ensure!(uow.operations().lock_block(ID, 0).await?.is_none());
    ensure!(uow.operations().open_blocks(ID, 0, 9).await?.is_empty());
    drop(uow);
    let outcome = BlockOutcome::made(2, 0);
    let row = StoredRow::new(2, 2, RowStatus::Failed);
    meddle!(arena, |uow| uow.operations().settle_block(ID, 0, outcome, at(5)));
    meddle!(arena, |uow| uow.operations().insert_rows(ID, std::slice::from_ref(&row)));

    let progress = Progress { rows_total: 2, blocks_total: 1, ..Progress::default() };
    ensure!(arena.operation(ID).await?.progress == progress);
    ensure!(arena.world.operations().rows(arena.tenant, ID, StoredRows::All, 0, 9).await?.is_empty());
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().lock_block(receiving, 0).await?.is_none());
    Ok(())
}

pub(super) async fn keys_never_meet(arena: &Arena<'_>) -> Result<()> {
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().claim_key("key", KeyOwner::Operation(ID), None, at(10)).await?.is_none());
    uow.operations().insert(&new_operation(ID), at(0)).await?;
    uow.commit().await?;

    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.operations().find_key("key").await?.is_none());
    ensure!(uow.operations().purge_keys(at(50)).await? == 0);
    ensure!(
        uow.operations().claim_key("key", KeyOwner::Operation(operation_id(7)), None, at(10)).await?.is_none(),
        "the key is free here"
    );
    uow.operations().insert(&new_operation(operation_id(7)), at(0)).await?;
    uow.operations().seal_key("key", [9; 32]).await?;
    uow.commit().await?;

    let mut uow = arena.begin().await?;
    ensure!(
        uow.operations().find_key("key").await?
            == Some(IdempotencyEntry { owner: KeyOwner::Operation(ID), digest: None })
    );
    Ok(())
}

pub(super) async fn mails_never_meet(arena: &Arena<'_>) -> Result<()> {
    let batch = MailBatch { first_row: 1, last_row: 10, done_through: 0, deferred: Vec::new() };
    arena.queue(ID, &[10], at(0)).await?;
    let mut uow = arena.begin().await?;
    uow.mails().insert(ID, 0, &batch, 10, at(0)).await?;
    uow.commit().await?;

    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.mails().lock(ID, 0).await?.is_none());
    drop(uow);
    let done = MailBatch { done_through: 10, ..batch.clone() };
    meddle!(arena, |uow| uow.mails().record(ID, 0, &done, 10, 0, at(0)));
    meddle!(arena, |uow| uow.mails().insert(ID, 0, &done, 99, at(0)));
    let progress = arena.operation(ID).await?.progress;
    ensure!((progress.mails_total, progress.mails_sent) == (10, 0));
    let mut uow = arena.begin().await?;
    ensure!(uow.mails().lock(ID, 0).await? == Some(batch));
    Ok(())
}

pub(super) async fn single_users_never_meet(arena: &Arena<'_>) -> Result<()> {
    let ada = made(1, "ada", 0)?;
    arena.make(&ada).await?;
    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.users().lock(user_id(1)).await?.is_none());
    ensure!(!uow.users().remove(user_id(1), at(9)).await?);
    drop(uow);
    let mut stored = StoredUser { user: ada.clone(), deleted_at: None };
    stored.delete(at(5));
    let event = event(&stored.user, UserEventKind::Deleted, 9);
    meddle!(arena, |uow| uow.users().store(&stored, &event));
    ensure!(arena.world.users().find(arena.tenant, user_id(1)).await? == Some(ada));
    let history = arena.world.user_list().history(arena.tenant, user_id(1), None, 9).await?;
    ensure!(history.is_some_and(|events| events.len() == 1));
    Ok(())
}

pub(super) async fn welcomes_never_meet(arena: &Arena<'_>) -> Result<()> {
    arena.make(&made(1, "ada", 0)?).await?;
    arena.make(&made(2, "bob", 0)?).await?;
    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.welcomes().gather(batch(1), 9, at(5)).await? == 0);
    drop(uow);
    let mut uow = arena.begin().await?;
    ensure!(uow.welcomes().gather(batch(1), 9, at(5)).await? == 2);
    uow.commit().await?;
    meddle!(arena, |uow| uow.welcomes().sent(batch(1), &[user_id(1)]));
    meddle!(arena, |uow| uow.welcomes().refused(batch(1), &[user_id(2)], "mail_refused", at(6)));
    meddle!(arena, |uow| uow.welcomes().touch(batch(1), at(500)));
    meddle!(arena, |uow| uow.welcomes().close(batch(1)));

    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.welcomes().open(batch(1), None, 9).await?.is_empty());
    drop(uow);
    let mut uow = arena.begin().await?;
    let open: Vec<_> = uow.welcomes().open(batch(1), None, 9).await?.iter().map(|user| user.id).collect();
    ensure!(open == [1, 2].map(user_id));
    drop(uow);
    let due = arena.world.welcomes().due_welcomes(at(100), 100_000).await?;
    ensure!(due.contains(&DueWelcomes { tenant: arena.tenant, batch: Some(batch(1)) }), "somebody else touched it");
    Ok(())
}

pub(super) async fn webhooks_never_meet(arena: &Arena<'_>) -> Result<()> {
    let endpoint = subscribe(arena, 1, &WebhookEvent::ALL).await?;
    arena.make(&made(1, "ada", 0)?).await?;
    let before = told(arena, 1).await?;
    let delivery = before.first().context("nothing was told")?;
    let mut uow = arena.begin_as(arena.other).await?;
    let webhooks = uow.webhooks();
    ensure!(webhooks.endpoints().await?.is_empty());
    ensure!(webhooks.endpoint(endpoint.id).await?.is_none() && webhooks.lock_endpoint(endpoint.id).await?.is_none());
    ensure!(webhooks.delivery(delivery.id).await?.is_none() && webhooks.lock_delivery(delivery.id).await?.is_none());
    ensure!(webhooks.deliveries(endpoint.id, None, None, 9).await?.is_empty());
    ensure!(webhooks.take(9, at(500), at(600)).await?.is_empty());
    ensure!(webhooks.forget(at(500), 9).await? == 0);
    ensure!(!webhooks.remove(endpoint.id).await?);
    drop(uow);
    let mut done = delivery.clone();
    done.attempted(1, Ok(200), None, at(9));
    meddle!(arena, |uow| uow.webhooks().store_endpoint(&endpoint));
    meddle!(arena, |uow| uow.webhooks().record(&done, at(9)));
    meddle!(arena, |uow| uow.webhooks().postpone(&[delivery.id], at(900)));
    let other = made(1, "ada", 0)?;
    let event = event(&other, UserEventKind::Created, 0);
    ensure!(arena.world.user_maker().make(arena.other, &other, &event, false).await?);

    ensure!(told(arena, 1).await? == before);
    let mut uow = arena.begin().await?;
    ensure!(uow.webhooks().endpoint(endpoint.id).await? == Some(endpoint));
    ensure!(uow.webhooks().take(9, at(500), at(600)).await? == [delivery.id]);
    Ok(())
}
