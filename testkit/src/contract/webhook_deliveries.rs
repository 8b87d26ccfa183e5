use anyhow::{Result, ensure};
use muster_application::ports::UnitOfWork;
use muster_domain::TenantId;
use muster_domain::webhooks::{
    DeliveryError, DeliveryPosition, DeliveryState, DueWebhooks, DueWebhooksReason, WebhookDelivery, WebhookEvent,
};

use super::Arena;
use super::arena::{at, made};
use super::webhooks::{PLENTY, endpoint_id, subscribe, told};

pub(super) async fn a_delivery_is_recorded_and_listed_by_state(arena: &Arena<'_>) -> Result<()> {
    subscribe(arena, 1, &[WebhookEvent::UserCreated]).await?;
    for n in 1..=4 {
        arena.make(&made(n, &format!("user{n}"), i64::try_from(n)?)?).await?;
    }
    let mut all = told(arena, 1).await?;
    let [taken, refused, again, _] = all.as_mut_slice() else { anyhow::bail!("{all:?}") };
    taken.attempted(1, Ok(204), None, at(50));
    refused.give_up(DeliveryState::Failed, DeliveryError::WorkflowEnded, at(51));
    again.attempted(3, Err(DeliveryError::TimedOut), Some(chrono::TimeDelta::minutes(5)), at(52));
    let mut uow = arena.begin().await?;
    for delivery in [&*taken, &*refused, &*again] {
        ensure!(uow.webhooks().lock_delivery(delivery.id).await?.is_some());
        uow.webhooks().record(delivery, at(60)).await?;
    }
    uow.commit().await?;
    ensure!(told(arena, 1).await? == all);
    let mut uow = arena.begin().await?;
    let webhooks = uow.webhooks();
    let [first, second, third, fourth] = all.as_slice() else { anyhow::bail!("{all:?}") };
    ensure!(webhooks.delivery(first.id).await?.as_ref() == Some(first));
    let pending = webhooks.deliveries(endpoint_id(1), Some(DeliveryState::Pending), None, 9).await?;
    ensure!(pending == [fourth.clone(), third.clone()], "the latest first: {pending:?}");
    let failed = webhooks.deliveries(endpoint_id(1), Some(DeliveryState::Failed), None, 9).await?;
    ensure!(failed == std::slice::from_ref(second));
    let page = webhooks.deliveries(endpoint_id(1), None, None, 2).await?;
    ensure!(page == [fourth.clone(), third.clone()]);
    let after = DeliveryPosition { created_at: third.created_at, id: third.id };
    let rest = webhooks.deliveries(endpoint_id(1), None, Some(after), 9).await?;
    ensure!(rest == [second.clone(), first.clone()]);
    Ok(())
}

async fn is_due(arena: &Arena<'_>, tenant: TenantId, reason: DueWebhooksReason, minute: i64) -> Result<bool> {
    let due = arena.world.webhooks().due_webhooks(at(minute), at(minute), PLENTY).await?;
    Ok(due.iter().filter(|due| **due == DueWebhooks { tenant, reason }).count() == 1)
}

pub(super) async fn what_is_due_is_taken_once(arena: &Arena<'_>) -> Result<()> {
    let waits = |minute| is_due(arena, arena.tenant, DueWebhooksReason::Waiting, minute);
    subscribe(arena, 1, &[WebhookEvent::UserCreated]).await?;
    ensure!(!waits(90).await?);
    for n in 1..=3 {
        arena.make(&made(n, &format!("user{n}"), i64::try_from(n)?)?).await?;
    }
    ensure!(waits(5).await? && !waits(0).await?);
    let expected: Vec<_> = told(arena, 1).await?.iter().map(|delivery| delivery.id).collect();
    let mut uow = arena.begin().await?;
    let mut taken = uow.webhooks().take(2, at(5), at(20)).await?;
    ensure!(taken.len() == 2 && expected.iter().take(2).all(|id| taken.contains(id)), "the eldest first");
    taken.extend(uow.webhooks().take(9, at(5), at(30)).await?);
    ensure!(taken.len() == 3);
    ensure!(uow.webhooks().take(9, at(5), at(30)).await?.is_empty());
    uow.webhooks().postpone(&taken, at(25)).await?;
    uow.commit().await?;
    ensure!(!waits(24).await? && waits(25).await?, "postponed");
    let mut uow = arena.begin().await?;
    ensure!(uow.webhooks().take(9, at(29), at(40)).await?.len() == 2, "nothing is due earlier for being postponed");
    Ok(())
}

pub(super) async fn what_has_ended_long_ago_is_forgotten(arena: &Arena<'_>) -> Result<()> {
    let outdated = |minute| is_due(arena, arena.tenant, DueWebhooksReason::Outdated, minute);
    subscribe(arena, 1, &[WebhookEvent::UserCreated]).await?;
    for n in 1..=3 {
        arena.make(&made(n, &format!("user{n}"), i64::try_from(n)?)?).await?;
    }
    ensure!(!outdated(99).await?, "what is pending is not forgotten");
    let mut uow = arena.begin().await?;
    for (delivery, minute) in told_in(uow.as_mut()).await?.iter_mut().take(2).zip(50..) {
        delivery.attempted(1, Ok(200), None, at(minute));
        uow.webhooks().record(delivery, at(minute)).await?;
    }
    uow.commit().await?;
    ensure!(outdated(51).await? && !outdated(50).await?);
    let mut uow = arena.begin().await?;
    ensure!(uow.webhooks().forget(at(99), 1).await? == 1);
    ensure!(uow.webhooks().forget(at(99), 9).await? == 1);
    ensure!(uow.webhooks().forget(at(99), 9).await? == 0);
    uow.commit().await?;
    ensure!(told(arena, 1).await?.len() == 1 && !outdated(99).await?);
    Ok(())
}

async fn told_in(uow: &mut dyn UnitOfWork) -> Result<Vec<WebhookDelivery>> {
    let mut all = uow.webhooks().deliveries(endpoint_id(1), None, None, PLENTY).await?;
    all.reverse();
    Ok(all)
}
