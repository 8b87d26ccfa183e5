use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use muster_domain::operations::PauseReason;
use muster_domain::users::UserEventKind;
use muster_domain::webhooks::{
    DisableReason, EndpointPatch, NewEndpoint, TextGiven, WebhookDelivery, WebhookEndpoint, WebhookEvent, WebhookSecret,
};
use muster_domain::{Networks, WebhookEndpointId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Arena;
use super::arena::{at, event, made, operation_id, user_id};

/// Other data of the storage may be due as well.
pub(super) const PLENTY: u32 = 100_000;

pub(super) const fn endpoint_id(n: u128) -> WebhookEndpointId {
    WebhookEndpointId::new(Uuid::from_u128(0x0199_4444_0000_7000_8000_0000_0000_0000 | n))
}

pub(super) fn endpoint(n: u128, events: &[WebhookEvent]) -> Result<WebhookEndpoint> {
    let patch = EndpointPatch {
        url: TextGiven::Text("https://example.com/hooks?key=1"),
        description: TextGiven::Text("a test"),
        events: Some(events.iter().map(|event| event.name()).collect()),
        enabled: None,
    };
    let new = NewEndpoint::parse(patch, &Networks::default());
    let new = new.map_err(|errors| anyhow::anyhow!("an endpoint of the suite breaks a rule: {errors:?}"))?;
    let secret = WebhookSecret::new([u8::try_from(n)?; WebhookSecret::BYTES]);
    Ok(WebhookEndpoint::new(endpoint_id(n), new, secret, at(i64::try_from(n)?)))
}

/// Commits an endpoint that subscribes to these.
pub(super) async fn subscribe(arena: &Arena<'_>, n: u128, events: &[WebhookEvent]) -> Result<WebhookEndpoint> {
    let endpoint = endpoint(n, events)?;
    let mut uow = arena.begin().await?;
    ensure!(uow.webhooks().insert(&endpoint, 20).await?, "the endpoint was not inserted");
    uow.commit().await?;
    Ok(endpoint)
}

/// Deliveries to endpoint `n`, the eldest first.
pub(super) async fn told(arena: &Arena<'_>, n: u128) -> Result<Vec<WebhookDelivery>> {
    let mut uow = arena.begin().await?;
    let mut all = uow.webhooks().deliveries(endpoint_id(n), None, None, PLENTY).await?;
    all.reverse();
    Ok(all)
}

fn bodies(deliveries: &[WebhookDelivery]) -> Result<Vec<Value>> {
    deliveries.iter().map(|delivery| Ok(serde_json::from_str(&delivery.body)?)).collect()
}

pub(super) async fn an_endpoint_is_read_back_changed_and_removed_with_its_deliveries(arena: &Arena<'_>) -> Result<()> {
    let mut one = subscribe(arena, 1, &[WebhookEvent::UserCreated]).await?;
    let two = subscribe(arena, 2, &WebhookEvent::ALL).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.webhooks().endpoints().await? == [one.clone(), two.clone()], "the eldest first");
    ensure!(uow.webhooks().endpoint(one.id).await? == Some(one.clone()));
    ensure!(uow.webhooks().endpoint(endpoint_id(9)).await?.is_none());
    let found = uow.webhooks().lock_endpoint(one.id).await?.context("the endpoint is gone")?;
    ensure!(found == one);
    one.rotate(WebhookSecret::new([99; WebhookSecret::BYTES]), at(5));
    one.disable(DisableReason::Gone, at(6));
    uow.webhooks().store_endpoint(&one).await?;
    uow.commit().await?;
    arena.make(&made(1, "ada", 7)?).await?;
    ensure!(told(arena, 1).await?.is_empty(), "a disabled endpoint is told nothing");
    ensure!(told(arena, 2).await?.len() == 1);
    let mut uow = arena.begin().await?;
    ensure!(uow.webhooks().endpoint(one.id).await? == Some(one));
    ensure!(uow.webhooks().remove(two.id).await?);
    ensure!(!uow.webhooks().remove(two.id).await?);
    uow.commit().await?;
    ensure!(told(arena, 2).await?.is_empty());
    Ok(())
}

pub(super) async fn a_tenant_has_at_most_so_many_endpoints(arena: &Arena<'_>) -> Result<()> {
    subscribe(arena, 1, &WebhookEvent::ALL).await?;
    let mut uow = arena.begin().await?;
    ensure!(!uow.webhooks().insert(&endpoint(2, &WebhookEvent::ALL)?, 1).await?);
    ensure!(uow.webhooks().endpoints().await?.len() == 1);
    drop(uow);
    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.webhooks().insert(&endpoint(2, &WebhookEvent::ALL)?, 1).await?, "each tenant has its own");
    Ok(())
}

pub(super) async fn of_many_who_make_endpoints_no_more_than_fit_do(arena: &Arena<'_>) -> Result<()> {
    let insert = |n| async move {
        let mut uow = arena.begin().await?;
        let made = uow.webhooks().insert(&endpoint(n, &WebhookEvent::ALL)?, 2).await?;
        uow.commit().await?;
        anyhow::Ok(made)
    };
    let made = try_join_all((1..=4).map(insert)).await?;
    ensure!(made.iter().filter(|made| **made).count() == 2, "{made:?}");
    Ok(())
}

pub(super) async fn single_writes_are_told_to_who_subscribes(arena: &Arena<'_>) -> Result<()> {
    subscribe(arena, 1, &WebhookEvent::ALL).await?;
    subscribe(arena, 2, &[WebhookEvent::UserDeleted]).await?;
    arena.make(&made(1, "ada", 0)?).await?;
    arena
        .write(user_id(1), UserEventKind::Updated, |stored| {
            stored.user.is_active = false;
            stored.user.version += 1;
            stored.user.updated_at = at(10);
        })
        .await?;
    arena.write(user_id(1), UserEventKind::Deleted, |stored| stored.delete(at(20))).await?;
    arena.write(user_id(1), UserEventKind::Restored, |stored| stored.restore(at(30))).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.users().remove(user_id(1), at(40)).await?);
    uow.commit().await?;

    let id = user_id(1).to_string();
    let body = |kind: &str, state: &str, minutes| {
        let at = at(minutes).to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        json!({ "type": kind, "timestamp": at, "data": { "user_id": id, "state": state } })
    };
    let all = told(arena, 1).await?;
    let expected = [
        body("user.created", "active", 0),
        body("user.updated", "inactive", 10),
        body("user.deleted", "deleted", 20),
        body("user.updated", "inactive", 30),
        body("user.deleted", "removed", 40),
    ];
    ensure!(bodies(&all)? == expected, "{all:?}");
    let first = all.first().context("nothing was told")?;
    let minted = (first.id, first.message);
    let expected =
        WebhookDelivery::new(minted.0, minted.1, endpoint_id(1), WebhookEvent::UserCreated, first.body.clone(), at(0));
    ensure!(*first == expected, "{first:?}");
    let states: Vec<_> = told(arena, 2).await?.iter().map(|delivery| delivery.event).collect();
    ensure!(states == [WebhookEvent::UserDeleted; 2]);
    Ok(())
}

pub(super) async fn who_is_made_in_one_step_is_told_once(arena: &Arena<'_>) -> Result<()> {
    subscribe(arena, 1, &[WebhookEvent::UserCreated]).await?;
    let ada = made(1, "ada", 0)?;
    for _ in 0..2 {
        let event = event(&ada, UserEventKind::Created, 0);
        ensure!(arena.world.user_maker().make(arena.tenant, &ada, &event, false).await?);
    }
    let other = made(2, "ada", 0)?;
    let event = event(&other, UserEventKind::Created, 0);
    ensure!(!arena.world.user_maker().make(arena.tenant, &other, &event, false).await?);
    ensure!(told(arena, 1).await?.len() == 1);
    Ok(())
}

pub(super) async fn moves_of_operations_are_told(arena: &Arena<'_>) -> Result<()> {
    let id = operation_id(1);
    subscribe(arena, 1, &[WebhookEvent::OperationFinished, WebhookEvent::OperationPaused]).await?;
    arena.queue(id, &[1, 1], at(0)).await?;
    arena.start(id, at(1)).await?;
    for (minute, reason) in [(2, PauseReason::Asked), (3, PauseReason::ErrorBudget)] {
        let mut uow = arena.begin().await?;
        let mut operation = uow.operations().lock(id).await?.context("there is no such operation")?;
        operation.pause(reason, at(minute))?;
        uow.operations().store(&operation, at(minute)).await?;
        operation.resume(None)?;
        uow.operations().store(&operation, at(minute)).await?;
        uow.commit().await?;
    }
    let mut uow = arena.begin().await?;
    let mut operation = uow.operations().lock(id).await?.context("there is no such operation")?;
    operation.cancel(at(4))?;
    uow.operations().end(&operation).await?;
    uow.commit().await?;
    let body = |kind: &str, state: &str, minutes| {
        let at = at(minutes).to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let data = json!({ "operation_id": id.to_string(), "kind": "users.import", "state": state });
        json!({ "type": kind, "timestamp": at, "data": data })
    };
    let all = bodies(&told(arena, 1).await?)?;
    let expected = [body("operation.paused", "paused", 3), body("operation.finished", "cancelled", 4)];
    ensure!(all == expected, "{all:?}");
    Ok(())
}

pub(super) async fn a_drop_tells_nothing(arena: &Arena<'_>) -> Result<()> {
    subscribe(arena, 1, &WebhookEvent::ALL).await?;
    let ada = made(1, "ada", 0)?;
    let mut uow = arena.begin().await?;
    ensure!(uow.users().insert(&ada, &event(&ada, UserEventKind::Created, 0), false).await?);
    ensure!(uow.webhooks().deliveries(endpoint_id(1), None, None, 9).await?.len() == 1);
    drop(uow);
    ensure!(told(arena, 1).await?.is_empty());
    Ok(())
}

pub(super) async fn all_endpoints_are_told_the_same_message(arena: &Arena<'_>) -> Result<()> {
    for n in 1..=3 {
        subscribe(arena, n, &[WebhookEvent::UserCreated]).await?;
    }
    arena.make(&made(1, "ada", 0)?).await?;
    arena.make(&made(2, "bob", 0)?).await?;
    let mut messages = Vec::new();
    for n in 1..=3 {
        let mut of_one: Vec<_> = told(arena, n).await?.iter().map(|delivery| delivery.message).collect();
        of_one.sort_unstable();
        messages.push(of_one);
    }
    messages.dedup();
    let [of_each] = messages.as_slice() else { anyhow::bail!("endpoints are told different messages") };
    ensure!(of_each.len() == 2 && of_each.first() != of_each.last());
    Ok(())
}
