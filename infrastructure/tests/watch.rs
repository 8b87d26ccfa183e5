//! Moves of operations are announced by Postgres, to every process that listens.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use muster_application::Context;
use muster_application::ports::{OperationWatch, UnitOfWorkFactory};
use muster_domain::operations::{NewOperation, OnError, OperationKind, OperationOptions, PauseReason, UploadFormat};
use muster_domain::{OperationId, TenantId};
use muster_infrastructure::cache::NoCache;
use muster_infrastructure::postgres::{PgUnits, PgWatch, PoolOptions, connect_lazily};
use muster_testkit::database::create_test_database;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn pauses_resumes_and_ends_are_announced_once_they_are_committed() {
    let database = create_test_database().unwrap();
    let options = PoolOptions { max_connections: 5, acquire_timeout: Duration::from_secs(10) };
    let pool = connect_lazily(&database.app_url, options).unwrap();
    let watch = PgWatch::new();
    tokio::spawn(watch.clone().listen(pool.clone()));
    let units = PgUnits::new(pool.clone(), Arc::new(NoCache));
    let ctx = Context::new(TenantId::new(Uuid::from_u128(7)));
    let id = OperationId::new(Uuid::from_u128(1));
    let now = chrono::DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
    let new = NewOperation {
        id,
        kind: OperationKind::UsersImport,
        format: UploadFormat::Csv,
        parent: None,
        actor: None,
        created_at: now,
    };
    let options = OperationOptions { send_welcome: false, ..OperationOptions::of(OnError::Continue) };
    let mut uow = units.begin(&ctx).await.unwrap();
    uow.operations().insert(&new, now).await.unwrap();
    assert!(uow.operations().queue(id, options, &[], 1, 1, now).await.unwrap());
    uow.commit().await.unwrap();

    let mut moves = watch.moves();
    for step in ["pause", "resume", "cancel"] {
        // The listener may not have come up for the first one.
        let heard = async {
            loop {
                let mut uow = units.begin(&ctx).await.unwrap();
                let mut operation = uow.operations().lock(id).await.unwrap().unwrap();
                match step {
                    "pause" if operation.pause.is_none() => operation.pause(PauseReason::Asked, now).unwrap(),
                    "resume" => operation.resume(None).unwrap(),
                    "cancel" => operation.cancel(now).unwrap(),
                    _ => {}
                }
                if operation.state.is_final() {
                    uow.operations().end(&operation).await.unwrap();
                } else {
                    uow.operations().store(&operation, now).await.unwrap();
                }
                uow.commit().await.unwrap();
                let patience = if step == "pause" { Duration::from_millis(500) } else { SOON };
                if let Ok(moved) = tokio::time::timeout(patience, moves.next()).await {
                    return moved;
                }
            }
        };
        assert_eq!(tokio::time::timeout(SOON, heard).await.unwrap(), Some(Some(id)), "{step}");
        if step == "pause" {
            // Of what was repeated before somebody listened there may be more.
            while tokio::time::timeout(Duration::from_millis(200), moves.next()).await.is_ok() {}
        }
    }
    pool.close().await;
}
