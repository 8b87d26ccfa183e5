use anyhow::{Result, ensure};
use muster_application::ports::UnitOfWork;
use muster_domain::OperationId;
use muster_domain::operations::{IdempotencyEntry, KeyOwner};
use tokio::task::yield_now;

use super::Arena;
use super::arena::{at, new_operation, operation_id};

const DIGEST: [u8; 32] = [7; 32];

/// Claims `key` for `id`, which is made if the key was free.
async fn claim(uow: &mut dyn UnitOfWork, key: &str, id: OperationId) -> Result<Option<IdempotencyEntry>> {
    let taken = uow.operations().claim_key(key, KeyOwner::Operation(id), None, at(10)).await?;
    if taken.is_none() {
        uow.operations().insert(&new_operation(id), at(0)).await?;
    }
    Ok(taken)
}

pub(super) async fn a_free_key_is_claimed(arena: &Arena<'_>) -> Result<()> {
    let id = operation_id(1);
    let mut uow = arena.begin().await?;
    ensure!(uow.operations().find_key("key").await?.is_none());
    ensure!(uow.operations().claim_key("key", KeyOwner::Operation(id), Some(DIGEST), at(10)).await?.is_none());
    uow.operations().insert(&new_operation(id), at(0)).await?;
    uow.commit().await?;

    let mut uow = arena.begin().await?;
    let entry = IdempotencyEntry { owner: KeyOwner::Operation(id), digest: Some(DIGEST) };
    ensure!(uow.operations().find_key("key").await? == Some(entry));
    ensure!(uow.operations().find_key("KEY").await?.is_none());
    Ok(())
}

pub(super) async fn a_taken_key_names_its_holder_and_is_not_claimed(arena: &Arena<'_>) -> Result<()> {
    let mut uow = arena.begin().await?;
    ensure!(claim(uow.as_mut(), "key", operation_id(1)).await?.is_none());
    uow.commit().await?;

    let holder = Some(IdempotencyEntry { owner: KeyOwner::Operation(operation_id(1)), digest: None });
    let mut uow = arena.begin().await?;
    ensure!(
        uow.operations().claim_key("key", KeyOwner::Operation(operation_id(2)), Some(DIGEST), at(99)).await? == holder
    );
    uow.commit().await?;

    let mut uow = arena.begin().await?;
    ensure!(uow.operations().find_key("key").await? == holder);
    // Nor did the later expiry move.
    ensure!(uow.operations().purge_keys(at(50)).await? == 1);
    Ok(())
}

pub(super) async fn a_key_is_sealed_with_the_digest(arena: &Arena<'_>) -> Result<()> {
    let mut uow = arena.begin().await?;
    ensure!(claim(uow.as_mut(), "key", operation_id(1)).await?.is_none());
    ensure!(claim(uow.as_mut(), "other", operation_id(2)).await?.is_none());
    uow.operations().seal_key("key", DIGEST).await?;
    uow.commit().await?;

    let mut uow = arena.begin().await?;
    let sealed = IdempotencyEntry { owner: KeyOwner::Operation(operation_id(1)), digest: Some(DIGEST) };
    ensure!(uow.operations().find_key("key").await? == Some(sealed));
    ensure!(uow.operations().find_key("other").await?.is_some_and(|entry| entry.digest.is_none()));
    Ok(())
}

pub(super) async fn a_claim_waits_for_a_claim_that_is_committed(arena: &Arena<'_>) -> Result<()> {
    let mut first = arena.begin().await?;
    ensure!(claim(first.as_mut(), "key", operation_id(1)).await?.is_none());
    let second = async {
        let mut uow = arena.begin().await?;
        claim(uow.as_mut(), "key", operation_id(2)).await
    };
    let commit = async {
        let_the_other_ask().await;
        anyhow::Ok(first.commit().await?)
    };
    let (taken, ()) = tokio::try_join!(second, commit)?;
    ensure!(taken.is_some_and(|entry| entry.owner == KeyOwner::Operation(operation_id(1))));
    Ok(())
}

pub(super) async fn a_claim_that_is_dropped_leaves_the_key_free(arena: &Arena<'_>) -> Result<()> {
    let mut first = arena.begin().await?;
    ensure!(claim(first.as_mut(), "key", operation_id(1)).await?.is_none());
    let second = async {
        let mut uow = arena.begin().await?;
        let taken = claim(uow.as_mut(), "key", operation_id(2)).await?;
        uow.commit().await?;
        anyhow::Ok(taken)
    };
    let give_up = async {
        let_the_other_ask().await;
        drop(first);
        anyhow::Ok(())
    };
    let (taken, ()) = tokio::try_join!(second, give_up)?;
    ensure!(taken.is_none());
    let mut uow = arena.begin().await?;
    ensure!(
        uow.operations()
            .find_key("key")
            .await?
            .is_some_and(|entry| entry.owner == KeyOwner::Operation(operation_id(2)))
    );
    Ok(())
}

pub(super) async fn of_many_claims_one_wins(arena: &Arena<'_>) -> Result<()> {
    let try_claim = |n| async move {
        let mut uow = arena.begin().await?;
        let taken = claim(uow.as_mut(), "key", operation_id(n)).await?;
        uow.commit().await?;
        anyhow::Ok(taken.map_or(KeyOwner::Operation(operation_id(n)), |entry| entry.owner))
    };
    let holders = futures::future::try_join_all((1..=6).map(try_claim)).await?;
    ensure!(holders.windows(2).all(|pair| pair.first() == pair.last()), "two think that they hold the key");
    Ok(())
}

pub(super) async fn only_expired_keys_are_forgotten(arena: &Arena<'_>) -> Result<()> {
    let mut uow = arena.begin().await?;
    for (n, expires) in [(1, 5), (2, 6), (3, 30)] {
        uow.operations()
            .claim_key(&format!("key {n}"), KeyOwner::Operation(operation_id(n)), None, at(expires))
            .await?;
        uow.operations().insert(&new_operation(operation_id(n)), at(0)).await?;
    }
    uow.commit().await?;

    let mut uow = arena.begin().await?;
    ensure!(uow.operations().purge_keys(at(20)).await? == 2);
    ensure!(uow.operations().purge_keys(at(20)).await? == 0);
    ensure!(uow.operations().find_key("key 1").await?.is_none());
    ensure!(uow.operations().find_key("key 3").await?.is_some());
    // The key is forgotten, not what it stood for.
    ensure!(uow.operations().find(operation_id(1)).await?.is_some());
    Ok(())
}

/// Gives the other half of a join the chance to get as far as it can.
async fn let_the_other_ask() {
    for _ in 0..1_000 {
        yield_now().await;
    }
}
