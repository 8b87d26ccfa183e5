//! From a delivery in the outbox to a workflow that sends it, whatever is cut in between.

use anyhow::Result;
use chrono::TimeDelta;
use muster_application::ErrorKind;
use muster_application::webhooks::RelayedWebhooks;
use muster_domain::webhooks::{DeliveryError, DeliveryState};
use muster_testkit::memory::Fault;

use crate::world::{SETTINGS, World};

const ONE: RelayedWebhooks = RelayedWebhooks { started: 1, given_up: 0, forgotten: 0 };
const NOTHING: RelayedWebhooks = RelayedWebhooks { started: 0, given_up: 0, forgotten: 0 };

async fn told() -> Result<World> {
    let world = World::new();
    world.subscribe().await?;
    world.make("ada").await?;
    Ok(world)
}

#[tokio::test]
async fn each_delivery_is_handed_over_once() -> Result<()> {
    let world = told().await?;
    assert_eq!(world.app.relay_webhooks().await?, ONE);
    assert_eq!(world.app.relay_webhooks().await?, NOTHING);
    let starts = world.gateway.webhook_starts();
    assert_eq!((starts[0].tenant, starts[0].delivery), (world.ctx.tenant, world.only()?.id));
    Ok(())
}

#[tokio::test]
async fn an_engine_that_is_down_delays_the_start_only() -> Result<()> {
    let world = told().await?;
    world.make("bob").await?;
    world.gateway.set_down(true);
    assert_eq!(world.app.relay_webhooks().await.unwrap_err().kind, ErrorKind::Unavailable);
    world.gateway.set_down(false);
    assert_eq!(world.app.relay_webhooks().await?, NOTHING, "not at once");
    world.clock.advance(SETTINGS.stalled_after);
    assert_eq!(world.app.relay_webhooks().await?.started, 2);
    Ok(())
}

#[tokio::test]
async fn a_round_that_is_cut_anywhere_is_made_good_by_a_later_one() -> Result<()> {
    for call in 1.. {
        let world = told().await?;
        world.store.fail_next(Fault::Call(call));
        if world.app.relay_webhooks().await.is_ok() {
            assert!(world.store.heal() && call > 5, "call {call}");
            break;
        }
        world.clock.advance(SETTINGS.stalled_after);
        world.app.relay_webhooks().await?;
        let starts = world.gateway.webhook_starts();
        assert!(
            starts.iter().all(|start| Some(start.delivery) == world.only().ok().map(|only| only.id)),
            "call {call}"
        );
        assert!(!starts.is_empty(), "call {call}");
    }
    Ok(())
}

#[tokio::test]
async fn a_delivery_whose_workflow_was_lost_is_started_again_when_it_is_overdue() -> Result<()> {
    let world = told().await?;
    world.app.relay_webhooks().await?;
    world.receiver.answer(Ok(500), Some("3600"));
    world.deliver(world.only()?.id, 1).await?;
    world.clock.advance(TimeDelta::minutes(69));
    assert_eq!(world.app.relay_webhooks().await?, NOTHING, "it waits for its next attempt");
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(world.app.relay_webhooks().await?, ONE);
    Ok(())
}

#[tokio::test]
async fn a_delivery_whose_workflow_has_ended_has_failed() -> Result<()> {
    let world = told().await?;
    world.gateway.close_webhook(world.only()?.id);
    assert_eq!(world.app.relay_webhooks().await?, RelayedWebhooks { given_up: 1, ..NOTHING });
    let failed = world.only()?;
    assert_eq!((failed.state, failed.last_error), (DeliveryState::Failed, Some(DeliveryError::WorkflowEnded)));
    Ok(())
}

#[tokio::test]
async fn an_attempt_that_is_cut_anywhere_is_made_good_by_the_next() -> Result<()> {
    for fault in (1..9).map(Fault::Call).chain([Fault::Commit(1), Fault::Answer(1)]) {
        let world = told().await?;
        let id = world.only()?.id;
        world.store.fail_next(fault);
        if world.deliver(id, 1).await.is_err() {
            world.deliver(id, 1).await?;
        }
        let (done, sent) = (world.only()?, world.receiver.requests());
        assert_eq!((done.state, done.attempts), (DeliveryState::Delivered, 1), "{fault:?}");
        assert!(sent.len() <= 2 && sent.iter().all(|request| request.message == done.message), "{fault:?}");
        if fault == Fault::Answer(1) {
            assert_eq!(sent.len(), 1, "what is recorded is not repeated");
        }
    }
    Ok(())
}
