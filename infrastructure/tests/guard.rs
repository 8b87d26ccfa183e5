//! Tenants never meet, even when a statement forgets its tenant or a service is given the wrong role.

use std::time::Duration;

use muster_infrastructure::postgres::{GuardError, PoolOptions, check_database, connect_lazily};
use muster_testkit::database::{TestDatabase, create_test_database, psql};

const TABLES: [&str; 22] = [
    "users",
    "user_events",
    "user_search",
    "user_search_queue",
    "user_search_taken",
    "welcome_mails",
    "operations",
    "operation_blocks",
    "operation_rows",
    "operation_files",
    "operation_parts",
    "mail_batches",
    "idempotency_keys",
    "webhook_endpoints",
    "webhook_deliveries",
    "schedules",
    "partner_clients",
    "partner_signatures",
    "partner_events",
    "tasks",
    "task_settings",
    "reminder_mails",
];

async fn verdict(url: &str) -> Result<(), GuardError> {
    check_database(url, Duration::from_secs(10)).await
}

fn fill(database: &TestDatabase) -> anyhow::Result<()> {
    database
        .psql(
            "insert into users values (gen_random_uuid(), gen_random_uuid(), 'a@b.cd', 'abc', null, true, 1, now(), now(), null);
             with e as (
                 insert into user_events (tenant_id, user_id, id, kind, at)
                 values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'created', now())
             ), w as (
                 insert into welcome_mails (tenant_id, user_id, queued_at)
                 values (gen_random_uuid(), gen_random_uuid(), now())
             ), s as (
                 insert into user_search values (gen_random_uuid(), gen_random_uuid(), 'a')
             ), l as (
                 insert into user_search_taken values (gen_random_uuid(), 1)
             ), h as (
                 insert into webhook_endpoints (tenant_id, id, url, events, secret, created_at, updated_at)
                 values (gen_random_uuid(), gen_random_uuid(), 'https://example.com', '{user.created}', 'x', now(), now())
             ), d as (
                 insert into webhook_deliveries (
                     tenant_id, id, message_id, endpoint_id, event_type, body, state, created_at, due_at
                 )
                 values (
                     gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'user.created', '{}',
                     'pending', now(), now()
                 )
             ), c as (
                 insert into schedules (
                     tenant_id, id, kind, filter, cron, time_zone, state, revision, created_at, updated_at
                 )
                 values (
                     gen_random_uuid(), gen_random_uuid(), 'users.export', '{}', '0 0 * * *', 'UTC', 'active', 1, now(), now()
                 )
             ), pc as (
                 insert into partner_clients (
                     tenant_id, id, client_id, name, secret, is_active, allowed, created_at, updated_at
                 )
                 values (gen_random_uuid(), gen_random_uuid(), 'mpc_1', 'Billing', 'x', true, '{}', now(), now())
             ), ps as (
                 insert into partner_signatures values (gen_random_uuid(), gen_random_uuid(), 'x', now())
             ), pe as (
                 insert into partner_events (
                     tenant_id, id, client_id, event_id, event_type, data, state, received_at, due_at
                 )
                 values (
                     gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'e1', 'user.created', '{}', 'received', now(),
                     now()
                 )
             ), t as (
                 insert into tasks (
                     tenant_id, id, title, status, priority, version, created_at, updated_at, reminded_through
                 )
                 values (gen_random_uuid(), gen_random_uuid(), 'a', 'todo', 1, 1, now(), now(), now())
             ), ts as (
                 insert into task_settings (tenant_id, time_zone, orphans, updated_at)
                 values (gen_random_uuid(), 'UTC', 'unassign', now())
             ), rm as (
                 insert into reminder_mails (tenant_id, id, batch_id, task_id, user_id, kind, at, looked_at)
                 values (
                     gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'due',
                     now(), now()
                 )
             ), o as (
                 insert into operations (tenant_id, id, kind, state, format, created_at, updated_at)
                 values (gen_random_uuid(), gen_random_uuid(), 'users.import', 'queued', 'csv', now(), now())
                 returning tenant_id, id
             ), b as (
                 insert into operation_blocks (tenant_id, operation_id, number, first_row, row_count, payload)
                 select tenant_id, id, 0, 1, 1, 'x' from o
             ), r as (
                 insert into operation_rows select tenant_id, id, 1, 1, 'failed', '[]' from o
             ), f as (
                 insert into operation_files select tenant_id, id, 1, 'csv', 1, 1, 'x', now(), now() from o
             ), p as (
                 insert into operation_parts select tenant_id, id, 1, 0, 1, 'x' from o
             ), m as (
                 insert into mail_batches (tenant_id, operation_id, block, first_row, last_row, done_through, total, updated_at)
                 select tenant_id, id, 0, 1, 1, 0, 1, now() from o
             )
             insert into idempotency_keys select tenant_id, 'k', id, null, now() from o",
        )
        .map(drop)
}

#[tokio::test]
async fn without_a_tenant_every_table_is_empty() {
    let database = create_test_database().unwrap();
    fill(&database).unwrap();
    for table in TABLES {
        let sql = format!("select count(*) from {table}");
        assert_eq!(database.psql(&sql).unwrap(), "1", "{table} should hold a row");
        assert_eq!(psql(&database.app_url, &sql).unwrap(), "0", "{table} shows rows without a tenant");
    }
    // Nor can a row be written for nobody, or for a tenant that is not the transaction's.
    let insert = "insert into users values ('018f0000-0000-7000-8000-00000000000a', gen_random_uuid(), 'x@b.cd', 'xyz', null, true, 1, now(), now(), null)";
    assert!(psql(&database.app_url, insert).is_err());
    let other = "set app.tenant_id = '018f0000-0000-7000-8000-00000000000b'";
    assert!(psql(&database.app_url, &format!("{other}; {insert}")).is_err());
}

#[tokio::test]
async fn the_service_role_is_accepted() {
    let database = create_test_database().unwrap();
    verdict(&database.app_url).await.unwrap();
}

#[tokio::test]
async fn the_owner_and_the_superuser_are_refused() {
    let database = create_test_database().unwrap();
    let owner = verdict(&database.owner_url).await.unwrap_err();
    assert!(matches!(owner, GuardError::Role { .. }) && !owner.is_temporary(), "{owner}");
    let superuser = verdict(&database.admin_url).await.unwrap_err();
    assert!(matches!(superuser, GuardError::Role { .. }), "{superuser}");
    // Nor does a pool of theirs ever run a statement.
    let options = PoolOptions { max_connections: 1, acquire_timeout: Duration::from_secs(2) };
    let pool = connect_lazily(&database.owner_url, options).unwrap();
    assert!(muster_infrastructure::postgres::ping(&pool).await.is_err());
}

#[tokio::test]
async fn a_table_without_forced_row_level_security_is_refused() {
    for table in TABLES {
        for change in ["disable row level security", "no force row level security"] {
            let database = create_test_database().unwrap();
            database.psql(&format!("alter table {table} {change}")).unwrap();
            let error = verdict(&database.app_url).await.unwrap_err();
            assert!(matches!(&error, GuardError::Table(name) if name == table), "{table} {change}: {error}");
        }
    }
}

#[tokio::test]
async fn a_schema_that_is_not_migrated_is_waited_for() {
    let database = create_test_database().unwrap();
    database.psql("drop table mail_batches").unwrap();
    let error = verdict(&database.app_url).await.unwrap_err();
    assert!(matches!(error, GuardError::Missing(_)) && error.is_temporary(), "{error}");
    assert!(verdict("postgres://muster_app@127.0.0.1:1/none").await.unwrap_err().is_temporary());
}
