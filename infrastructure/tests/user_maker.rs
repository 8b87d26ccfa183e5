//! Users who come at once: they are made together, and none of them suffers from another.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use chrono::DateTime;
use futures::future::join_all;
use muster_domain::users::{EmailPolicy, NewUser, User, UserEvent, UserEventKind, UserFields, UserMaker};
use muster_domain::{EventId, RepositoryError, TenantId, UserId};
use muster_infrastructure::cache::NoCache;
use muster_infrastructure::postgres::{PgUserMaker, PoolOptions, connect_lazily};
use muster_testkit::database::create_test_database;
use sqlx::PgPool;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(10);

fn tenant() -> TenantId {
    TenantId::new(Uuid::from_u128(7))
}

fn maker(url: &str, acquire_timeout: Duration) -> Result<(PgPool, PgUserMaker)> {
    let pool = connect_lazily(url, PoolOptions { max_connections: 4, acquire_timeout })?;
    Ok((pool.clone(), PgUserMaker::new(pool, Arc::new(NoCache))))
}

async fn make(maker: &PgUserMaker, n: u128) -> Result<bool> {
    let (email, username) = (format!("{n}@example.com"), format!("user{n}"));
    let fields = UserFields { email: Some(&email), username: Some(&username), full_name: None };
    let new = NewUser::parse(fields, EmailPolicy { allow_special_use: false });
    let new = new.map_err(|errors| anyhow!("{errors:?}"))?;
    let user = User::new(UserId::new(Uuid::from_u128(n)), new, DateTime::UNIX_EPOCH);
    let event = UserEvent {
        id: EventId::new(user.id.get()),
        user: user.id,
        kind: UserEventKind::Created,
        actor: None,
        operation: None,
        fields: Vec::new(),
        at: DateTime::UNIX_EPOCH,
    };
    Ok(maker.make(tenant(), &user, &event, false).await?)
}

#[tokio::test]
async fn who_comes_at_once_shares_a_statement() {
    let database = create_test_database().unwrap();
    let (pool, maker) = maker(&database.app_url, PATIENCE).unwrap();
    for made in join_all((1..=600).map(|n| make(&maker, n))).await {
        assert!(made.unwrap());
    }
    // Each statement that writes users leaves a line there.
    let statements = database.psql("select count(*), sum(users) from user_search_queue").unwrap();
    assert_eq!(statements, "3|600");
    pool.close().await;
}

#[tokio::test]
async fn nobody_waits_for_a_value_that_another_user_waits_for() {
    let database = create_test_database().unwrap();
    let (pool, maker) = maker(&database.app_url, PATIENCE).unwrap();
    let owner = PgPool::connect(&database.admin_url).await.unwrap();
    let mut open = owner.begin().await.unwrap();
    let insert = "insert into users (tenant_id, id, email, username, created_at, updated_at)
                  values ($1, gen_random_uuid(), '1@example.com', 'somebody', now(), now())";
    sqlx::query(insert).bind(tenant().get()).execute(&mut *open).await.unwrap();

    let held = tokio::spawn({
        let maker = maker.clone();
        async move { make(&maker, 1).await }
    });
    // In one statement with the one above, and after it, when its lane is free again.
    for turn in 0..3 {
        let others = join_all((2..=20).map(|n| make(&maker, turn * 100 + n)));
        for made in tokio::time::timeout(PATIENCE, others).await.expect("others wait as well") {
            assert!(made.unwrap());
        }
    }
    assert!(!held.is_finished(), "it did not wait for the transaction");
    open.rollback().await.unwrap();
    assert!(held.await.unwrap().unwrap());
    owner.close().await;
    pool.close().await;
}

#[tokio::test]
async fn when_the_database_is_away_everybody_hears_of_it() {
    let nobody = format!("postgres://muster@127.0.0.1:{}/muster", muster_testkit::ports::free_port().unwrap());
    let (_, maker) = maker(&nobody, Duration::from_millis(300)).unwrap();
    for made in join_all((1..=20).map(|n| make(&maker, n))).await {
        let error = made.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(RepositoryError::Unavailable(_))), "{error:?}");
    }
}
