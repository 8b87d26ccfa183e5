//! Partners: who may ask, and that each signature is accepted once.

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use futures::future::join_all;
use muster_application::operations::Retry;
use muster_application::partners::{
    AddPartner, AuthenticPartner, PartnerRequest, PartnerWithSecret, SignedParts, SyncEntities, sign,
};
use muster_application::ports::Clock as _;
use muster_application::{AppError, ErrorCode, ErrorKind};
use muster_domain::Networks;
use muster_domain::operations::{OperationKind, OperationState, RowStatus};
use muster_domain::partners::{ClientName, MAX_PARTNERS, PartnerSecret, SyncedEntity};
use muster_domain::users::UserEventKind;
use muster_testkit::memory::Fault;

use crate::world::{ANY, World, tenant};

const PATH: &str = "/api/v1/partners/status";

impl World {
    pub async fn partner(&self, allowed: &str) -> Result<PartnerWithSecret, AppError> {
        let allowed = Networks::parse(allowed).unwrap_or_default();
        let name = ClientName::parse("Billing").unwrap();
        self.app.add_partner(&self.ctx, AddPartner { name, allowed }).await
    }

    /// A request of this client, signed with this secret for this path.
    pub async fn signed(
        &self,
        client_id: &str,
        secret: &PartnerSecret,
        path: &str,
    ) -> Result<AuthenticPartner, AppError> {
        let timestamp = self.clock.now().timestamp().to_string();
        let parts = SignedParts { timestamp: &timestamp, method: "GET", path, body: b"" };
        let signature = sign(secret, &parts)?;
        let request = PartnerRequest { client_id, timestamp: &timestamp, address: None };
        let recognised = self.app.recognise_partner(request).await?;
        self.app.authenticate_partner(recognised, &signature, &parts)
    }

    pub async fn signed_by(&self, made: &PartnerWithSecret, path: &str) -> Result<AuthenticPartner, AppError> {
        self.signed(made.client.public_id.as_str(), &made.secret, path).await
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, AppError>) -> ErrorCode {
    result.unwrap_err().code
}

#[tokio::test]
async fn who_signs_acts_for_the_tenant_of_the_client() -> Result<()> {
    let world = World::new();
    let made = world.partner("").await?;
    let partner = world.signed_by(&made, PATH).await?;
    assert_eq!(partner.ctx.tenant, world.ctx.tenant);
    assert_eq!(partner.ctx.actor.as_deref(), Some(format!("partner:{}", made.client.id).as_str()));
    assert!(made.client.public_id.as_str().starts_with("mpc_") && made.secret.expose().starts_with("mps_"));
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_said_in_the_order_of_the_contract() -> Result<()> {
    let world = World::new();
    let made = world.partner("192.0.2.0/24").await?;
    world.app.set_partner_active(made.client.public_id.as_str(), false).await?;
    let address = |text: &str| text.parse::<IpAddr>().ok();
    let recognise = async |client_id: &str, timestamp: &str, address: Option<IpAddr>| {
        let request = PartnerRequest { client_id, timestamp, address };
        world.app.recognise_partner(request).await
    };
    let id = made.client.public_id.as_str();
    let now = world.clock.now().timestamp();
    for unknown in ["mpc_", "nobody", "mpc_00000000000000000000000000000000"] {
        assert_eq!(code(recognise(unknown, "x", None).await), ErrorCode::PartnerClientUnknown);
    }
    assert_eq!(code(recognise(id, "x", None).await), ErrorCode::PartnerClientInactive);
    world.app.set_partner_active(id, true).await?;
    assert_eq!(code(recognise(id, "x", None).await), ErrorCode::PartnerAddressNotAllowed);
    assert_eq!(code(recognise(id, "x", address("198.51.100.1")).await), ErrorCode::PartnerAddressNotAllowed);
    let inside = address("192.0.2.7");
    for wrong in ["x", "", "1.5", " 5", "99999999999999999999"] {
        assert_eq!(code(recognise(id, wrong, inside).await), ErrorCode::PartnerTimestampInvalid, "{wrong:?}");
    }
    for wrong in [now - 301, now + 301, 0, i64::MIN, i64::MAX] {
        let error = code(recognise(id, &wrong.to_string(), inside).await);
        assert_eq!(error, ErrorCode::PartnerTimestampOutOfWindow, "{wrong}");
    }
    for timestamp in [now - 300, now, now + 300].map(|at| at.to_string()) {
        let recognised = recognise(id, &timestamp, inside).await?;
        let parts = SignedParts { timestamp: &timestamp, method: "GET", path: PATH, body: b"" };
        let right = sign(&made.secret, &parts)?;
        for wrong in ["", "00", &right.to_uppercase(), &format!("{right}0"), &right.replace(&right[..4], "zzzz")] {
            let error = code(world.app.authenticate_partner(recognised.clone(), wrong, &parts));
            assert_eq!(error, ErrorCode::PartnerSignatureInvalid, "{wrong:?}");
        }
        // Whatever of the request is another thing than what was signed.
        for other in [
            SignedParts { method: "POST", ..parts },
            SignedParts { path: "/api/v1/partners/status?a=b", ..parts },
            SignedParts { body: b" ", ..parts },
            SignedParts { timestamp: "5", ..parts },
        ] {
            let error = code(world.app.authenticate_partner(recognised.clone(), &right, &other));
            assert_eq!(error, ErrorCode::PartnerSignatureInvalid, "{other:?}");
        }
        world.app.authenticate_partner(recognised, &right, &parts)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_secret_of_another_client_signs_nothing() -> Result<()> {
    let world = World::new();
    let (one, other) = (world.partner("").await?, world.partner("").await?);
    let crossed = world.signed(one.client.public_id.as_str(), &other.secret, PATH).await;
    assert_eq!(code(crossed), ErrorCode::PartnerSignatureInvalid);
    Ok(())
}

#[tokio::test]
async fn after_a_rotation_both_secrets_sign_until_the_moment_that_was_asked() -> Result<()> {
    let world = World::new();
    let made = world.partner("").await?;
    let id = made.client.public_id.as_str();
    let rotated = world.app.rotate_partner_secret(id, TimeDelta::hours(24)).await?;
    assert_ne!(rotated.secret, made.secret);
    for secret in [&made.secret, &rotated.secret] {
        world.signed(id, secret, PATH).await?;
    }
    world.clock.advance(TimeDelta::hours(24));
    assert_eq!(code(world.signed(id, &made.secret, PATH).await), ErrorCode::PartnerSignatureInvalid);
    world.signed(id, &rotated.secret, PATH).await?;
    let at_once = world.app.rotate_partner_secret(id, TimeDelta::zero()).await?;
    assert_eq!(code(world.signed(id, &rotated.secret, PATH).await), ErrorCode::PartnerSignatureInvalid);
    world.signed(id, &at_once.secret, PATH).await?;
    Ok(())
}

#[tokio::test]
async fn a_signature_is_accepted_once_whoever_remembers_it() -> Result<()> {
    let world = World::new();
    let made = world.partner("").await?;
    let partner = world.signed_by(&made, PATH).await?;
    world.app.accept_partner_request(&partner).await?;
    assert_eq!(world.signatures.len(), 1);
    for _ in 0..2 {
        assert_eq!(code(world.app.accept_partner_request(&partner).await), ErrorCode::PartnerSignatureReused);
        // The cache forgets; the database does not.
        world.signatures.forget();
    }
    // What was never accepted is never noted.
    assert!(world.signatures.is_empty());
    let all = join_all((0..8).map(|_| async {
        let partner = world.signed_by(&made, "/api/v1/partners/status?n=1").await?;
        world.app.accept_partner_request(&partner).await
    }));
    assert_eq!(all.await.into_iter().flatten().count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_signature_whose_commit_fails_is_not_accepted_and_one_whose_answer_is_lost_is() -> Result<()> {
    for (fault, again) in [(Fault::Commit(1), None), (Fault::Answer(1), Some(ErrorCode::PartnerSignatureReused))] {
        let world = World::new();
        let made = world.partner("").await?;
        let partner = world.signed_by(&made, PATH).await?;
        world.store.fail_next(fault);
        let error = world.app.accept_partner_request(&partner).await.unwrap_err();
        assert_eq!((error.kind, world.signatures.len()), (ErrorKind::Unavailable, 0));
        assert_eq!(world.app.accept_partner_request(&partner).await.err().map(|error| error.code), again);
    }
    Ok(())
}

#[tokio::test]
async fn signatures_are_forgotten_when_their_time_is_over_anyway() -> Result<()> {
    let world = World::new();
    let made = world.partner("").await?;
    world.app.accept_partner_request(&world.signed_by(&made, PATH).await?).await?;
    world.clock.advance(TimeDelta::seconds(599));
    world.app.sweep().await?;
    assert_eq!(world.stored().signatures.len(), 1);
    world.clock.advance(TimeDelta::seconds(2));
    assert_eq!(world.app.sweep().await?.partner_lines, 1);
    assert!(world.stored().signatures.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_tenant_has_fifty_clients_and_sees_only_its_own() -> Result<()> {
    let world = World::new();
    let first = world.partner("192.0.2.7").await?;
    for _ in 1..MAX_PARTNERS {
        world.clock.advance(TimeDelta::seconds(1));
        world.partner("").await?;
    }
    assert_eq!(world.partner("").await.unwrap_err().kind, ErrorKind::Conflict);
    let all = world.app.partners(&world.ctx).await?;
    assert_eq!((all.len(), all.first().context("nobody")?.id), (50, first.client.id));
    assert!(world.app.partners(&tenant(8)).await?.is_empty());
    let unknown = "mpc_00000000000000000000000000000000";
    assert_eq!(world.app.set_partner_active(unknown, true).await.unwrap_err().kind, ErrorKind::NotFound);
    let rotated = world.app.rotate_partner_secret(unknown, TimeDelta::zero()).await;
    assert_eq!(rotated.unwrap_err().kind, ErrorKind::NotFound);
    Ok(())
}

#[tokio::test]
async fn a_synchronisation_leaves_a_line_with_each_living_user_and_tells_of_all_others() -> Result<()> {
    let world = World::new();
    let made = world.partner("").await?;
    let (ada, bob) = (world.make("ada").await?, world.make("bob").await?);
    world.app.delete_user(&world.ctx, bob.id, ANY).await?;
    let ids = [ada.id.to_string(), bob.id.to_string(), "no uuid".to_owned(), ada.id.to_string().to_uppercase()];
    let command = SyncEntities { entity: SyncedEntity::Users, ids: ids.to_vec() };
    let partner = world.signed_by(&made, PATH).await?;
    let operation = world.app.begin_sync(&partner, command.clone()).await?;
    assert_eq!(code(world.app.begin_sync(&partner, command).await), ErrorCode::PartnerSignatureReused);
    let before = world.app.user(&world.ctx, ada.id).await?;
    let ended = world.run(operation.id).await?;
    assert_eq!((ended.kind, ended.state), (OperationKind::PartnersSync, OperationState::PartiallySucceeded));
    assert_eq!((ended.progress.changed, ended.progress.failed, ended.progress.rows_total), (1, 2, 4));
    let rows = world.stored().rows_of(operation.id);
    let statuses: Vec<_> = rows.iter().map(|row| row.status).collect();
    assert_eq!(statuses, [RowStatus::Synced, RowStatus::Failed, RowStatus::Failed, RowStatus::Skipped]);
    assert!(rows[1].problems.contains("ENTITY_NOT_FOUND") && rows[2].problems.contains("ENTITY_NOT_FOUND"));
    let event = world.history(ada.id).await?.into_iter().next().context("no history")?;
    assert_eq!((event.kind, event.operation), (UserEventKind::Synced, Some(operation.id)));
    assert_eq!(event.actor.as_deref(), Some(format!("partner:{}", made.client.id).as_str()));
    assert_eq!(world.app.user(&world.ctx, ada.id).await?, before, "the user stays as they are");
    // There is nothing to take back, and nothing to do again.
    for refused in [
        world.app.undo_operation(&world.ctx, operation.id).await.map(drop),
        world
            .app
            .retry_operation(&world.ctx, Retry { operation: operation.id, corrected: Vec::new(), body: b"", key: None })
            .await
            .map(drop),
    ] {
        assert_eq!(refused.unwrap_err().kind, ErrorKind::Conflict);
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_kept_here_fails_row_by_row() -> Result<()> {
    for entity in [SyncedEntity::Products, SyncedEntity::Orders, SyncedEntity::Inventory] {
        let world = World::new();
        let made = world.partner("").await?;
        let command = SyncEntities { entity, ids: vec!["1".to_owned(), "2".to_owned()] };
        let operation = world.app.begin_sync(&world.signed_by(&made, PATH).await?, command).await?;
        assert_eq!(world.run(operation.id).await?.state, OperationState::Failed);
        let rows = world.stored().rows_of(operation.id);
        assert!(rows.len() == 2 && rows.iter().all(|row| row.problems.contains("ENTITY_TYPE_NOT_KEPT")), "{rows:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_synchronisation_that_is_cut_at_any_call_ends_the_same_when_repeated() -> Result<()> {
    for fault in [Fault::Call, Fault::Commit, Fault::Answer] {
        for step in 1.. {
            let world = World::new();
            let made = world.partner("").await?;
            let ada = world.make("ada").await?;
            let command = SyncEntities { entity: SyncedEntity::Users, ids: vec![ada.id.to_string()] };
            let operation = world.app.begin_sync(&world.signed_by(&made, PATH).await?, command).await?;
            world.store.fail_next(fault(step));
            let ended = world.run(operation.id).await;
            if world.store.heal() {
                ended?;
                assert!(step > 1, "nothing was cut");
                break;
            }
            world.run(operation.id).await?;
            let kinds: Vec<_> = world.history(ada.id).await?.iter().map(|event| event.kind).collect();
            assert_eq!(kinds, [UserEventKind::Synced, UserEventKind::Created], "after {:?}", fault(step));
        }
    }
    Ok(())
}
