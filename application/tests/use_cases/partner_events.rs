//! What partners tell: kept with the signature, and done once.

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use muster_application::partners::{PartnerWithSecret, ProcessPartnerEvent, ReceivePartnerEvent};
use muster_application::{AppError, ErrorCode, ErrorKind, Settings, TenantLimits};
use muster_domain::PartnerEventId;
use muster_domain::operations::{Operation, OperationState};
use muster_domain::partners::{EventRefusal, PartnerEvent, PartnerEventState};
use muster_testkit::memory::Fault;
use serde_json::{Value, json};

use crate::world::{SETTINGS, World, tenant};

impl World {
    /// Tells an event, with a signature of its own for each `n`.
    async fn tell(
        &self,
        made: &PartnerWithSecret,
        n: u32,
        (event_id, event_type): (&str, &str),
        data: Value,
    ) -> Result<(), AppError> {
        let partner = self.signed_by(made, &format!("/api/v1/partners/webhook?n={n}")).await?;
        let (event_id, event_type) = (event_id.to_owned(), event_type.to_owned());
        self.app.receive_partner_event(&partner, ReceivePartnerEvent { event_id, event_type, data }).await
    }

    fn told(&self) -> Vec<PartnerEvent> {
        self.stored().partner_events.into_values().map(|(event, _)| event).collect()
    }

    fn only_told(&self) -> Result<PartnerEvent> {
        let told = self.told();
        anyhow::ensure!(told.len() == 1, "{told:?}");
        told.into_iter().next().context("nothing was told")
    }

    async fn process(&self, event: PartnerEventId) -> Result<(), AppError> {
        let command = ProcessPartnerEvent { event, last_chance: false };
        self.app.process_partner_event(&self.ctx, command).await
    }

    /// What the operation of the event of this id came to.
    async fn done(&self, event_id: &str) -> Result<Operation> {
        let event = self.told().into_iter().find(|event| event.event_id == event_id).context("not told")?;
        self.process(event.id).await?;
        let event = self.told().into_iter().find(|event| event.event_id == event_id).context("gone")?;
        let id = event.operation.with_context(|| format!("nothing was begun: {event:?}"))?;
        Ok(self.run(id).await?)
    }
}

fn ada() -> Value {
    json!({ "email": "ada@example.com", "username": "ada", "full_name": "Ada" })
}

#[tokio::test]
async fn users_are_made_changed_and_deleted_by_what_is_told() -> Result<()> {
    let world = World::new();
    let made = world.partner("").await?;
    world.tell(&made, 1, ("1", "user.created"), ada()).await?;
    let operation = world.done("1").await?;
    assert_eq!((operation.state, operation.progress.created), (OperationState::Succeeded, 1));
    assert_eq!(operation.actor.as_deref(), Some(format!("partner:{}", made.client.id).as_str()));
    assert!(!operation.options.send_welcome);
    let event = world.only_told()?;
    assert_eq!((event.state, event.data.as_deref()), (PartnerEventState::Processed, None));
    let user = world.stored().users.values().next().cloned().context("nobody was made")?;

    // Somebody who is there becomes what is told.
    let again = json!({ "email": "ADA@example.com", "username": "ada_2", "more": [1] });
    world.tell(&made, 2, ("2", "user.created"), again).await?;
    assert_eq!(world.done("2").await?.progress.changed, 1);
    let by_address = json!({ "email": "ada@example.com", "full_name": null, "is_active": false });
    world.tell(&made, 3, ("3", "user.updated"), by_address).await?;
    assert_eq!(world.done("3").await?.progress.changed, 1);
    let by_id = json!({ "user_id": user.id.to_string(), "email": "countess@example.com" });
    world.tell(&made, 4, ("4", "user.updated"), by_id).await?;
    assert_eq!(world.done("4").await?.progress.changed, 1);
    let now = world.stored().users.get(&user.id).cloned().context("gone")?;
    assert_eq!((now.email.as_str(), now.username.as_str()), ("countess@example.com", "ada_2"));
    assert!(now.full_name.is_none() && !now.is_active);

    world.tell(&made, 5, ("5", "user.deleted"), json!({ "email": "countess@example.com" })).await?;
    assert_eq!(world.done("5").await?.progress.changed, 1);
    assert!(world.stored().users.is_empty());
    // A user who is not there is a failed row of the operation, and no failure of the event.
    world.tell(&made, 6, ("6", "user.deleted"), json!({ "user_id": user.id.to_string() })).await?;
    assert_eq!(world.done("6").await?.state, OperationState::Failed);
    Ok(())
}

#[tokio::test]
async fn an_event_that_is_told_again_is_answered_alike_and_kept_once() -> Result<()> {
    let world = World::new();
    let made = world.partner("").await?;
    let other = world.partner("").await?;
    for n in 1..=3 {
        world.tell(&made, n, ("1", "user.created"), ada()).await?;
    }
    assert_eq!(world.gateway.event_starts().len(), 1);
    world.done("1").await?;
    world.tell(&made, 4, ("1", "user.deleted"), json!({ "email": "ada@example.com" })).await?;
    assert_eq!((world.only_told()?.event_type.as_str(), world.gateway.event_starts().len()), ("user.created", 1));
    // Its ids are its own.
    world.tell(&other, 1, ("1", "user.created"), ada()).await?;
    assert_eq!(world.told().len(), 2);
    Ok(())
}

#[tokio::test]
async fn what_means_nothing_is_ignored_and_what_is_not_understood_fails() -> Result<()> {
    let world = World::new();
    let made = world.partner("").await?;
    let cases = [
        ("invoice.paid", json!({ "total": 5 }), PartnerEventState::Ignored),
        ("USER.CREATED", ada(), PartnerEventState::Ignored),
        ("user.created", json!({}), PartnerEventState::Failed),
        ("user.created", json!({ "email": "ada@example.com" }), PartnerEventState::Failed),
        ("user.created", json!({ "email": ["ada@example.com"], "username": "ada" }), PartnerEventState::Failed),
        ("user.updated", json!({ "username": "ada" }), PartnerEventState::Failed),
        ("user.updated", json!({ "email": "ada@example.com", "is_active": "no" }), PartnerEventState::Failed),
        ("user.deleted", json!({ "user_id": 5 }), PartnerEventState::Failed),
        ("user.deleted", json!({ "username": "ada" }), PartnerEventState::Failed),
    ];
    for (n, (event_type, data, _)) in (1..).zip(&cases) {
        world.tell(&made, n, (&n.to_string(), event_type), data.clone()).await?;
    }
    for event in world.told() {
        world.process(event.id).await?;
    }
    for event in world.told() {
        let (event_type, data, state) = &cases[event.event_id.parse::<usize>()? - 1];
        let reason = (*state == PartnerEventState::Failed).then_some(EventRefusal::DataNotUnderstood);
        assert_eq!((event.state, event.reason), (*state, reason), "{event_type} {data}");
        // What came to nothing is kept as it was told, for whoever wants to know why.
        assert_eq!(serde_json::from_str::<Value>(event.data.as_deref().context("no data")?)?, *data);
    }
    assert!(world.stored().operations.is_empty());
    Ok(())
}

#[tokio::test]
async fn an_event_that_is_cut_anywhere_is_received_and_done_once_when_repeated() -> Result<()> {
    for fault in [Fault::Call, Fault::Commit, Fault::Answer] {
        for step in 1.. {
            let world = World::new();
            let made = world.partner("").await?;
            world.store.fail_next(fault(step));
            let mut told = world.tell(&made, 1, ("1", "user.created"), ada()).await;
            if told.is_ok() {
                told = world.process(world.only_told()?.id).await;
            }
            if world.store.heal() {
                told?;
                assert!(step > 1, "nothing was cut");
                break;
            }
            assert_eq!(told.unwrap_err().kind, ErrorKind::Unavailable, "{:?}", fault(step));
            // Whoever had no answer tells it again, and the sweeper starts what nobody has.
            world.tell(&made, 2, ("1", "user.created"), ada()).await?;
            world.clock.advance(TimeDelta::minutes(2));
            world.app.sweep().await?;
            let event = world.gateway.event_starts().last().context("nobody has started it")?.event;
            for _ in 0..2 {
                world.process(event).await?;
            }
            let operations: Vec<_> = world.stored().operations.keys().copied().collect();
            assert_eq!(operations, [world.only_told()?.operation.context("not processed")?], "after {:?}", fault(step));
        }
    }
    Ok(())
}

#[tokio::test]
async fn nothing_is_kept_of_a_request_whose_signature_was_accepted_before() -> Result<()> {
    let world = World::new();
    let made = world.partner("").await?;
    world.tell(&made, 1, ("1", "user.created"), ada()).await?;
    for _ in 0..2 {
        let error = world.tell(&made, 1, ("2", "user.created"), ada()).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::PartnerSignatureReused);
        world.signatures.forget();
    }
    assert_eq!(world.only_told()?.event_id, "1");
    Ok(())
}

#[tokio::test]
async fn the_sweeper_starts_what_an_engine_missed_that_was_down() -> Result<()> {
    let world = World::new();
    let made = world.partner("").await?;
    world.gateway.set_down(true);
    world.tell(&made, 1, ("1", "user.created"), ada()).await?;
    world.gateway.set_down(false);
    assert_eq!(world.app.sweep().await?.partner_events, 0, "not what came just now");
    world.clock.advance(TimeDelta::minutes(2));
    assert_eq!(world.app.sweep().await?.partner_events, 1);
    assert_eq!(world.app.sweep().await?.partner_events, 0, "it was put off");
    assert_eq!(world.gateway.event_starts().len(), 1);
    assert_eq!(world.done("1").await?.progress.created, 1);
    world.clock.advance(TimeDelta::days(29));
    world.app.sweep().await?;
    assert_eq!(world.told().len(), 1);
    world.clock.advance(TimeDelta::days(2));
    world.app.sweep().await?;
    assert!(world.told().is_empty());
    Ok(())
}

#[tokio::test]
async fn an_event_whose_workflow_was_ended_says_so_unless_its_operation_was_begun() -> Result<()> {
    for begun in [false, true] {
        let world = World::new();
        let made = world.partner("").await?;
        world.tell(&made, 1, ("1", "user.created"), ada()).await?;
        let event = world.only_told()?.id;
        if begun {
            // The operation is begun, and the line is not written.
            world.store.fail_next(Fault::Commit(2));
            assert_eq!(world.process(event).await.unwrap_err().kind, ErrorKind::Unavailable);
        }
        world.gateway.close_event(event);
        world.clock.advance(TimeDelta::minutes(2));
        world.app.sweep().await?;
        let operation = world.stored().operations.keys().next().copied();
        assert_eq!(operation.is_some(), begun);
        let ended = world.only_told()?;
        assert_eq!((ended.operation, ended.reason.is_none()), (operation, begun));
        world.process(event).await?;
        assert_eq!(world.only_told()?, ended);
    }
    Ok(())
}

#[tokio::test]
async fn a_tenant_who_has_too_much_going_on_is_waited_for() -> Result<()> {
    let tenant_limits = TenantLimits { rows_a_day: None, operations: Some(0) };
    let world = World::with(Settings { tenant_limits, ..SETTINGS });
    let made = world.partner("").await?;
    world.tell(&made, 1, ("1", "user.created"), ada()).await?;
    let event = world.only_told()?.id;
    assert_eq!(world.process(event).await.unwrap_err().kind, ErrorKind::RateLimited);
    assert_eq!(world.only_told()?.state, PartnerEventState::Received);
    let command = ProcessPartnerEvent { event, last_chance: true };
    world.app.process_partner_event(&world.ctx, command).await?;
    assert_eq!(world.only_told()?.reason, Some(EventRefusal::TenantLimit));
    assert!(world.stored().operations.is_empty());
    Ok(())
}

#[tokio::test]
async fn events_are_listed_in_pages_to_their_tenant_only() -> Result<()> {
    let world = World::new();
    let made = world.partner("").await?;
    for n in 1..=5 {
        world.clock.advance(TimeDelta::seconds(1));
        world.tell(&made, n, (&n.to_string(), "invoice.paid"), json!({})).await?;
    }
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = world.app.partner_events(&world.ctx, after, 2).await?;
        seen.extend(page.items.into_iter().map(|event| event.event_id));
        after = page.next_after;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["5", "4", "3", "2", "1"]);
    assert!(world.app.partner_events(&tenant(8), None, 9).await?.items.is_empty());
    let other = ProcessPartnerEvent { event: world.told()[0].id, last_chance: false };
    world.app.process_partner_event(&tenant(8), other).await?;
    assert!(world.told().iter().all(|event| event.state == PartnerEventState::Received));
    Ok(())
}
