use anyhow::{Context as _, Result, ensure};
use chrono::TimeDelta;
use futures::future::try_join_all;
use muster_domain::partners::{
    ClientName, DuePartnerReason, EventRefusal, FoundPartner, NewPartnerEvent, PartnerClient, PartnerEvent,
    PartnerEventPosition, PublicClientId, Received, SealedSecret, SignatureUse,
};
use muster_domain::{Networks, PartnerClientId, PartnerEventId, TenantId};
use uuid::Uuid;

use super::Arena;
use super::arena::{at, operation_id};
use super::webhooks::PLENTY;

const fn client_id(n: u128) -> PartnerClientId {
    PartnerClientId::new(Uuid::from_u128(0x0199_6666_0000_7000_8000_0000_0000_0000 | n))
}

const fn event_id(n: u128) -> PartnerEventId {
    PartnerEventId::new(Uuid::from_u128(0x0199_7777_0000_7000_8000_0000_0000_0000 | n))
}

/// Client `n`, made in minute `n`. Public ids are unique in all of storage, which may be that of an earlier run.
fn client(arena: &Arena<'_>, n: u128, allowed: &str) -> Result<PartnerClient> {
    let public_id = arena.tenant.get().as_u128().wrapping_add(n);
    let name = ClientName::parse("Billing");
    Ok(PartnerClient {
        id: client_id(n),
        public_id: PublicClientId::new(public_id.to_be_bytes()),
        name: name.map_err(|error| anyhow::anyhow!("a client of the suite breaks a rule: {error}"))?,
        secret: SealedSecret(vec![0, 0xff, u8::try_from(n)?]),
        former: None,
        is_active: true,
        allowed: Networks::parse(allowed).unwrap_or_default(),
        created_at: at(i64::try_from(n)?),
        updated_at: at(i64::try_from(n)?),
    })
}

async fn insert(arena: &Arena<'_>, n: u128, allowed: &str) -> Result<PartnerClient> {
    let client = client(arena, n, allowed)?;
    let mut uow = arena.begin().await?;
    ensure!(uow.partners().insert_client(&client, 50).await?, "the client was not inserted");
    uow.commit().await?;
    Ok(client)
}

async fn found(arena: &Arena<'_>, n: u128) -> Result<Option<PartnerClient>> {
    Ok(arena.begin().await?.partners().client(client_id(n)).await?)
}

/// Signature `n`, which expires in minute `n`.
fn signature(client: u128, n: u8) -> SignatureUse {
    SignatureUse { client: client_id(client), signature: [n; 32], expires_at: at(n.into()) }
}

async fn accept(arena: &Arena<'_>, signature: &SignatureUse) -> Result<bool> {
    let mut uow = arena.begin().await?;
    let accepted = uow.partners().accept(signature).await?;
    uow.commit().await?;
    Ok(accepted)
}

/// Event `n`, of the id `name` at its client.
fn event(n: u128, client: u128, name: &str) -> NewPartnerEvent {
    NewPartnerEvent {
        id: event_id(n),
        client: client_id(client),
        event_id: name.to_owned(),
        event_type: "user.created".to_owned(),
        data: r#"{"email": "ada@example.com"}"#.to_owned(),
    }
}

/// Commits an event that came in minute `n` and is due a minute later.
async fn receive(arena: &Arena<'_>, n: u128, client: u128, name: &str) -> Result<Received> {
    let minute = i64::try_from(n)?;
    let mut uow = arena.begin().await?;
    let received = uow.partners().receive(&event(n, client, name), at(minute), at(minute + 1)).await?;
    uow.commit().await?;
    Ok(received)
}

async fn found_event(arena: &Arena<'_>, n: u128) -> Result<Option<PartnerEvent>> {
    Ok(arena.begin().await?.partners().event(event_id(n)).await?)
}

async fn end(arena: &Arena<'_>, n: u128, how: impl FnOnce(&mut PartnerEvent)) -> Result<PartnerEvent> {
    let mut uow = arena.begin().await?;
    let mut event = uow.partners().lock_event(event_id(n)).await?.context("there is no such event")?;
    how(&mut event);
    uow.partners().end_event(&event).await?;
    uow.commit().await?;
    Ok(event)
}

/// What is due of a tenant, by the door.
async fn due(arena: &Arena<'_>, tenant: TenantId, now: i64, ended_before: i64) -> Result<Vec<DuePartnerReason>> {
    let all = arena.world.partners().due_partners(at(now), at(ended_before), PLENTY).await?;
    Ok(all.into_iter().filter(|due| due.tenant == tenant).map(|due| due.reason).collect())
}

pub(super) async fn a_client_is_read_back_and_changed(arena: &Arena<'_>) -> Result<()> {
    let mut one = insert(arena, 1, "192.0.2.0/24,2001:db8::/32,::ffff:10.0.0.1").await?;
    let two = insert(arena, 2, "").await?;
    ensure!(found(arena, 1).await? == Some(one.clone()) && found(arena, 9).await?.is_none());
    ensure!(arena.begin().await?.partners().clients().await? == [one.clone(), two], "the eldest first");
    let mut uow = arena.begin().await?;
    ensure!(uow.partners().lock_client(one.id).await?.as_ref() == Some(&one));
    one.rotate(SealedSecret(vec![9]), TimeDelta::hours(1), at(5));
    one.set_active(false, at(6));
    uow.partners().store_client(&one).await?;
    uow.commit().await?;
    ensure!(found(arena, 1).await? == Some(one));
    Ok(())
}

pub(super) async fn a_client_is_found_by_its_public_id_in_any_tenant(arena: &Arena<'_>) -> Result<()> {
    let one = insert(arena, 1, "").await?;
    let partners = arena.world.partners();
    let expected = FoundPartner { tenant: arena.tenant, client: one.id };
    ensure!(partners.find_partner(&one.public_id).await? == Some(expected));
    let nobody = client(arena, 9, "")?.public_id;
    ensure!(partners.find_partner(&nobody).await?.is_none());
    Ok(())
}

pub(super) async fn of_many_who_make_clients_no_more_than_fit_do(arena: &Arena<'_>) -> Result<()> {
    let insert = |n| async move {
        let mut uow = arena.begin().await?;
        let made = uow.partners().insert_client(&client(arena, n, "")?, 2).await?;
        uow.commit().await?;
        anyhow::Ok(made)
    };
    let made = try_join_all((1..=4).map(insert)).await?;
    ensure!(made.iter().filter(|made| **made).count() == 2, "{made:?}");
    Ok(())
}

pub(super) async fn a_signature_is_accepted_once(arena: &Arena<'_>) -> Result<()> {
    let one = signature(1, 1);
    ensure!(accept(arena, &one).await? && !accept(arena, &one).await?);
    // Another client may have the same one, by a chance that there is not.
    ensure!(accept(arena, &signature(2, 1)).await? && accept(arena, &signature(1, 2)).await?);
    let all = try_join_all((0..6).map(|_| async { accept(arena, &signature(1, 9)).await })).await?;
    ensure!(all.iter().filter(|accepted| **accepted).count() == 1, "{all:?}");
    Ok(())
}

pub(super) async fn a_signature_of_what_was_dropped_is_still_good(arena: &Arena<'_>) -> Result<()> {
    let one = signature(1, 1);
    let mut uow = arena.begin().await?;
    ensure!(uow.partners().accept(&one).await?);
    drop(uow);
    ensure!(accept(arena, &one).await?);
    Ok(())
}

pub(super) async fn an_event_is_kept_once_for_each_id_of_its_client(arena: &Arena<'_>) -> Result<()> {
    ensure!(receive(arena, 1, 1, "a").await? == Received::Stored);
    ensure!(receive(arena, 2, 1, "a").await? == Received::Known);
    ensure!(receive(arena, 3, 1, "A").await? == Received::Stored);
    ensure!(receive(arena, 4, 2, "a").await? == Received::Stored);
    ensure!(found_event(arena, 1).await? == Some(PartnerEvent::new(event(1, 1, "a"), at(1))));
    ensure!(found_event(arena, 2).await?.is_none());
    let all = (10..16).map(|n| async move { receive(arena, n, 3, "b").await });
    let all = try_join_all(all).await?;
    ensure!(all.iter().filter(|received| **received == Received::Stored).count() == 1, "{all:?}");
    Ok(())
}

pub(super) async fn what_became_of_an_event_is_read_back(arena: &Arena<'_>) -> Result<()> {
    for n in 1..=3 {
        receive(arena, n, 1, &n.to_string()).await?;
    }
    let processed = end(arena, 1, |event| event.process(operation_id(1), at(9))).await?;
    let ignored = end(arena, 2, |event| event.ignore(at(9))).await?;
    let failed = end(arena, 3, |event| event.fail(EventRefusal::DataNotUnderstood, at(9))).await?;
    for (n, ended) in [(1, processed), (2, ignored), (3, failed)] {
        ensure!(found_event(arena, n).await? == Some(ended));
    }
    Ok(())
}

pub(super) async fn events_are_listed_in_pages_the_latest_first(arena: &Arena<'_>) -> Result<()> {
    for n in 1..=3 {
        receive(arena, n, 1, &n.to_string()).await?;
    }
    let mut uow = arena.begin().await?;
    let first = uow.partners().events(None, 2).await?;
    ensure!(first.iter().map(|event| event.id).collect::<Vec<_>>() == [event_id(3), event_id(2)]);
    let after = PartnerEventPosition { received_at: at(2), id: event_id(2) };
    let rest = uow.partners().events(Some(after), 2).await?;
    ensure!(rest.iter().map(|event| event.id).collect::<Vec<_>>() == [event_id(1)]);
    Ok(())
}

pub(super) async fn events_that_wait_are_due_those_first_that_wait_for_longest(arena: &Arena<'_>) -> Result<()> {
    for n in [2, 1, 3] {
        receive(arena, n, 1, &n.to_string()).await?;
    }
    let waiting = async |now| due(arena, arena.tenant, now, -9).await;
    let events = |all: &[u128]| all.iter().map(|n| DuePartnerReason::Event(event_id(*n))).collect::<Vec<_>>();
    ensure!(waiting(2).await?.is_empty() && waiting(4).await? == events(&[1, 2]));
    let mut uow = arena.begin().await?;
    uow.partners().put_off_event(event_id(1), at(8)).await?;
    uow.partners().put_off_event(event_id(9), at(8)).await?;
    uow.commit().await?;
    ensure!(waiting(9).await? == events(&[2, 3, 1]));
    end(arena, 2, |event| event.ignore(at(9))).await?;
    ensure!(waiting(9).await? == events(&[3, 1]));
    Ok(())
}

pub(super) async fn what_was_kept_for_long_enough_is_forgotten(arena: &Arena<'_>) -> Result<()> {
    for n in 1..=3 {
        ensure!(accept(arena, &signature(1, n)).await?);
    }
    for n in 1..=3 {
        receive(arena, n, 1, &n.to_string()).await?;
    }
    end(arena, 1, |event| event.ignore(at(5))).await?;
    end(arena, 2, |event| event.process(operation_id(1), at(9))).await?;
    let outdated = [DuePartnerReason::Outdated];
    ensure!(due(arena, arena.tenant, 1, 5).await?.is_empty(), "neither");
    ensure!(due(arena, arena.tenant, 2, 5).await? == outdated && due(arena, arena.tenant, 1, 6).await? == outdated);
    let forget = async |limit| {
        let mut uow = arena.begin().await?;
        let count = uow.partners().forget(at(3), at(6), limit).await?;
        uow.commit().await?;
        anyhow::Ok(count)
    };
    ensure!(forget(1).await? == 2, "at most one of each");
    ensure!(forget(9).await? == 1 && forget(9).await? == 0);
    ensure!(accept(arena, &signature(1, 1)).await? && !accept(arena, &signature(1, 3)).await?);
    ensure!(found_event(arena, 1).await?.is_none() && found_event(arena, 2).await?.is_some());
    ensure!(found_event(arena, 3).await?.is_some(), "it has not ended");
    Ok(())
}

pub(super) async fn partners_never_meet(arena: &Arena<'_>) -> Result<()> {
    let one = insert(arena, 1, "").await?;
    ensure!(accept(arena, &signature(1, 9)).await?);
    receive(arena, 1, 1, "a").await?;
    let mut uow = arena.begin_as(arena.other).await?;
    let partners = uow.partners();
    ensure!(partners.clients().await?.is_empty() && partners.events(None, 9).await?.is_empty());
    ensure!(partners.client(one.id).await?.is_none() && partners.lock_client(one.id).await?.is_none());
    ensure!(partners.event(event_id(1)).await?.is_none() && partners.lock_event(event_id(1)).await?.is_none());
    partners.put_off_event(event_id(1), at(99)).await?;
    ensure!(partners.forget(at(99), at(99), 9).await? == 0);
    ensure!(partners.accept(&signature(1, 9)).await?, "each tenant has its own");
    ensure!(partners.receive(&event(1, 1, "a"), at(1), at(2)).await? == Received::Stored);
    uow.commit().await?;
    ensure!(due(arena, arena.tenant, 3, -9).await? == [DuePartnerReason::Event(event_id(1))]);
    ensure!(!accept(arena, &signature(1, 9)).await? && found(arena, 1).await? == Some(one));
    Ok(())
}
