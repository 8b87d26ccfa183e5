//! From something that happened to an endpoint that has heard of it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use muster_application::users::CreateUser;
use muster_application::webhooks::{DeliverWebhook, DeliveryStep, RelayedWebhooks, UpdateEndpoint};
use muster_application::{AppError, ErrorKind};
use muster_domain::webhooks::{
    DeliveryError, DeliveryState, EndpointPatch, TextGiven, WebhookDelivery, WebhookEndpoint, WebhookEvent,
};
use muster_domain::{WebhookDeliveryId, WebhookEndpointId};
use muster_testkit::memory::Fault;

use crate::world::{SETTINGS, World, person, tenant};

pub const URL: &str = "https://example.com/hooks?key=secret";
const PAUSE: Duration = Duration::from_secs(5);
const DAY: Duration = Duration::from_hours(24);

pub fn asked(events: &[WebhookEvent]) -> UpdateEndpoint<'static> {
    let events = Some(events.iter().map(|event| event.name()).collect());
    let patch = EndpointPatch { url: TextGiven::Text(URL), events, ..EndpointPatch::default() };
    UpdateEndpoint { patch, problems: Vec::new() }
}

fn enabled(enabled: bool) -> UpdateEndpoint<'static> {
    let patch = EndpointPatch { enabled: Some(enabled), ..EndpointPatch::default() };
    UpdateEndpoint { patch, problems: Vec::new() }
}

impl World {
    pub async fn subscribe(&self) -> Result<WebhookEndpoint, AppError> {
        self.app.create_webhook(&self.ctx, asked(&WebhookEvent::ALL)).await
    }

    pub async fn deliver(&self, delivery: WebhookDeliveryId, attempt: u32) -> Result<DeliveryStep, AppError> {
        let command = DeliverWebhook { delivery, attempt, pause: (attempt < 10).then_some(PAUSE), longest: DAY };
        self.app.deliver_webhook(&self.ctx, command).await
    }

    /// The only delivery that there is.
    pub fn only(&self) -> Result<WebhookDelivery> {
        let mut all = self.stored().deliveries.into_values();
        let only = all.next().context("nothing was told")?.delivery;
        anyhow::ensure!(all.next().is_none(), "more than one delivery");
        Ok(only)
    }
}

const TAKEN: DeliveryStep = DeliveryStep { wait: None };

#[tokio::test]
async fn what_happened_is_signed_and_sent_once() -> Result<()> {
    let world = World::new();
    world.subscribe().await?;
    let user = world.make("zoe").await?;
    let id = world.only()?.id;
    for _ in 0..2 {
        // An activity that runs twice.
        assert_eq!(world.deliver(id, 1).await?, TAKEN);
    }
    let requests = world.receiver.requests();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(request.url.as_str(), URL);
    assert_eq!(request.message, world.only()?.message);
    assert!(request.body.contains("user.created") && request.body.contains(&user.id.to_string()));
    assert!(!request.body.contains("zoe"), "no personal data: {}", request.body);
    assert!(request.signature.starts_with("v1,") && !request.signature.contains(' '));
    let done = world.only()?;
    assert_eq!((done.state, done.attempts, done.last_status), (DeliveryState::Delivered, 1, Some(204)));
    Ok(())
}

#[tokio::test]
async fn nothing_is_told_of_what_was_rolled_back() -> Result<()> {
    for fault in [Fault::Call(1), Fault::Call(2), Fault::Call(3), Fault::Commit(1)] {
        let world = World::new();
        world.subscribe().await?;
        world.store.fail_next(fault);
        world.make("ada").await.unwrap_err();
        assert!(world.stored().deliveries.is_empty(), "{fault:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_refusal_waits_as_planned_or_as_long_as_was_asked() -> Result<()> {
    let seconds = |wait: DeliveryStep| wait.wait.map(|wait| wait.as_secs());
    for (asked, expected) in [(None, 5), (Some("2"), 5), (Some("90"), 90), (Some("999999"), 86_400), (Some("soon"), 5)]
    {
        let world = World::new();
        world.subscribe().await?;
        world.make("ada").await?;
        let id = world.only()?.id;
        world.receiver.answer(Ok(429), asked);
        assert_eq!(seconds(world.deliver(id, 1).await?), Some(expected), "{asked:?}");
        let waiting = world.only()?;
        assert_eq!((waiting.state, waiting.last_status), (DeliveryState::Pending, Some(429)));
        // Run twice, it waits for what is left and sends nothing.
        world.clock.advance(TimeDelta::seconds(3));
        assert_eq!(seconds(world.deliver(id, 1).await?), Some(expected - 3));
        assert_eq!(world.receiver.requests().len(), 1);
        assert_eq!(world.deliver(id, 2).await?, TAKEN);
        let sent = world.receiver.requests();
        assert_eq!(sent[0].message, sent[1].message, "a repeat is known by its id");
        assert_eq!(sent[0].body, sent[1].body);
        assert_eq!(sent[1].timestamp - sent[0].timestamp, 3, "the time is that of the attempt");
    }
    Ok(())
}

#[tokio::test]
async fn after_the_last_attempt_it_has_failed() -> Result<()> {
    let world = World::new();
    world.subscribe().await?;
    world.make("ada").await?;
    let id = world.only()?.id;
    for attempt in 1..=10 {
        world.receiver.answer(Err(DeliveryError::NoConnection), None);
        assert_eq!(world.deliver(id, attempt).await?.wait.is_none(), attempt == 10);
    }
    let failed = world.only()?;
    assert_eq!((failed.state, failed.attempts), (DeliveryState::Failed, 10));
    assert_eq!((failed.last_status, failed.last_error), (None, Some(DeliveryError::NoConnection)));
    Ok(())
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_and_what_waits_for_it_cancelled() -> Result<()> {
    let world = World::new();
    let endpoint = world.subscribe().await?;
    world.make("ada").await?;
    world.make("bob").await?;
    let ids: Vec<_> = world.stored().deliveries.into_keys().collect();
    world.receiver.answer(Ok(410), None);
    assert_eq!(world.deliver(ids[0], 1).await?, TAKEN);
    let gone = world.app.webhook(&world.ctx, endpoint.id).await?;
    assert_eq!(gone.disabled.map(|disabled| disabled.reason.name()), Some("gone"));
    assert_eq!(world.deliver(ids[1], 1).await?, TAKEN);
    let stored = world.stored().deliveries;
    let of = |id: &WebhookDeliveryId| (stored[id].delivery.state, stored[id].delivery.last_error);
    assert_eq!(of(&ids[0]), (DeliveryState::Failed, None));
    assert_eq!(of(&ids[1]), (DeliveryState::Cancelled, Some(DeliveryError::EndpointDisabled)));
    assert_eq!(world.receiver.requests().len(), 1);
    world.make("eve").await?;
    assert_eq!(world.stored().deliveries.len(), 2, "a disabled endpoint is told nothing");
    for error in [
        world.app.test_webhook(&world.ctx, endpoint.id).await.unwrap_err(),
        world.app.replay_webhook(&world.ctx, endpoint.id, ids[0]).await.unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Conflict);
    }
    let again = world.app.update_webhook(&world.ctx, endpoint.id, enabled(true)).await?;
    assert_eq!(again.disabled, None);
    world.make("kay").await?;
    assert_eq!(world.stored().deliveries.len(), 3);
    Ok(())
}

#[tokio::test]
async fn after_a_rotation_deliveries_have_two_signatures_for_a_day() -> Result<()> {
    let world = World::new();
    let endpoint = world.subscribe().await?;
    let rotated = world.app.rotate_webhook_secret(&world.ctx, endpoint.id).await?;
    assert_ne!(rotated.secret, endpoint.secret);
    let mut signatures = Vec::new();
    for hours in [0, 25] {
        world.clock.advance(TimeDelta::hours(hours));
        let trial = world.app.test_webhook(&world.ctx, endpoint.id).await?;
        world.deliver(trial.id, 1).await?;
        let sent = world.receiver.requests().pop().context("nothing was sent")?;
        signatures.push(sent.signature.split(' ').count());
    }
    assert_eq!(signatures, [2, 1]);
    Ok(())
}

#[tokio::test]
async fn a_replay_is_another_delivery_of_the_same_message() -> Result<()> {
    let world = World::new();
    let endpoint = world.subscribe().await?;
    world.make("ada").await?;
    let first = world.only()?;
    let replay = |id| world.app.replay_webhook(&world.ctx, endpoint.id, id);
    assert_eq!(replay(first.id).await.unwrap_err().kind, ErrorKind::Conflict, "it is still being tried");
    world.deliver(first.id, 1).await?;
    let again = replay(first.id).await?;
    assert_ne!(again.id, first.id);
    assert_eq!((again.message, &again.body, again.attempts), (first.message, &first.body, 0));
    world.deliver(again.id, 1).await?;
    let sent = world.receiver.requests();
    assert_eq!((sent[0].message, &sent[0].body), (sent[1].message, &sent[1].body));
    let unknown = WebhookDeliveryId::new(uuid::Uuid::from_u128(9));
    assert_eq!(replay(unknown).await.unwrap_err().kind, ErrorKind::NotFound);
    let other = world.subscribe().await?;
    let not_its = world.app.replay_webhook(&world.ctx, other.id, first.id).await.unwrap_err();
    assert_eq!(not_its.kind, ErrorKind::NotFound, "it was to another endpoint");
    Ok(())
}

#[tokio::test]
async fn what_is_anothers_does_not_exist() -> Result<()> {
    let world = World::new();
    let endpoint = world.subscribe().await?;
    world.make("ada").await?;
    let (other, delivery) = (tenant(8), world.only()?.id);
    let app = &world.app;
    let errors = [
        app.webhook(&other, endpoint.id).await.unwrap_err(),
        app.update_webhook(&other, endpoint.id, enabled(false)).await.unwrap_err(),
        app.delete_webhook(&other, endpoint.id).await.unwrap_err(),
        app.rotate_webhook_secret(&other, endpoint.id).await.unwrap_err(),
        app.test_webhook(&other, endpoint.id).await.unwrap_err(),
        app.webhook_deliveries(&other, endpoint.id, None, None, 9).await.unwrap_err(),
        app.replay_webhook(&other, endpoint.id, delivery).await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind == ErrorKind::NotFound), "{errors:?}");
    let command = CreateUser { row: &person("ada@example.com", "ada"), welcome: false, key: None };
    app.create_user(&other, command).await?;
    assert_eq!(world.stored().deliveries.len(), 1);
    assert!(world.store.tenant(other.tenant).deliveries.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_tenant_has_twenty_endpoints_at_most() -> Result<()> {
    let world = World::new();
    let mut last = None;
    for _ in 0..20 {
        last = Some(world.subscribe().await?.id);
    }
    let refused = world.subscribe().await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.message.contains("at most 20"), "{refused}");
    world.app.delete_webhook(&world.ctx, last.context("none")?).await?;
    world.subscribe().await?;
    Ok(())
}

#[tokio::test]
async fn deliveries_of_a_removed_endpoint_are_sent_no_more() -> Result<()> {
    let world = World::new();
    let endpoint = world.subscribe().await?;
    world.make("ada").await?;
    let id = world.only()?.id;
    world.app.delete_webhook(&world.ctx, endpoint.id).await?;
    assert_eq!(world.deliver(id, 1).await?, TAKEN);
    assert!(world.receiver.requests().is_empty());
    let gone = WebhookEndpointId::new(endpoint.id.get());
    assert_eq!(world.app.webhook(&world.ctx, gone).await.unwrap_err().kind, ErrorKind::NotFound);
    Ok(())
}

#[tokio::test]
async fn what_has_ended_long_ago_is_forgotten() -> Result<()> {
    let world = World::new();
    world.subscribe().await?;
    world.make("ada").await?;
    world.deliver(world.only()?.id, 1).await?;
    assert_eq!(world.app.relay_webhooks().await?, RelayedWebhooks::default());
    world.clock.advance(SETTINGS.result_keep + TimeDelta::hours(1));
    assert_eq!(world.app.relay_webhooks().await?, RelayedWebhooks { forgotten: 1, ..RelayedWebhooks::default() });
    assert!(world.stored().deliveries.is_empty());
    Ok(())
}
