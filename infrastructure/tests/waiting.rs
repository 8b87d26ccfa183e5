//! What waits is counted across tenants, by the role of the service, and nothing of it is told but numbers and ages.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use muster_infrastructure::postgres::{PoolOptions, Waiting, connect_lazily, waiting};
use muster_testkit::database::{TestDatabase, create_test_database, psql};

const NOW: &str = "2026-03-01T12:00:00Z";
const ONE: &str = "'00000000-0000-0000-0000-000000000001'";
const TWO: &str = "'00000000-0000-0000-0000-000000000002'";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn found(database: &TestDatabase) -> Result<Vec<(String, u64, Option<String>)>> {
    let options = PoolOptions { max_connections: 1, acquire_timeout: Duration::from_secs(10) };
    let pool = connect_lazily(&database.app_url, options)?;
    let mut found = waiting(&pool, at(NOW)).await?;
    found.sort_by(|a, b| a.what.cmp(&b.what));
    let time = |since: DateTime<Utc>| since.format("%H:%M").to_string();
    Ok(found.into_iter().map(|Waiting { what, count, since }| (what, count, since.map(time))).collect())
}

fn line(what: &str, count: u64, since: Option<&str>) -> (String, u64, Option<String>) {
    (what.to_owned(), count, since.map(str::to_owned))
}

#[tokio::test]
async fn an_empty_database_has_nothing_that_waits() {
    let database = create_test_database().unwrap();
    let all = [
        "mail_batches",
        "operations_queued",
        "operations_receiving",
        "operations_running",
        "reminder_mails",
        "reminders",
        "webhooks",
        "welcome_mails",
    ];
    assert_eq!(found(&database).await.unwrap(), all.map(|what| line(what, 0, None)));
}

#[tokio::test]
async fn what_waits_is_counted_in_all_tenants_with_its_oldest() {
    let database = create_test_database().unwrap();
    for statement in [
        format!(
            "insert into operations (tenant_id, id, kind, state, format, created_at, updated_at, finished_at)
             select tenant, gen_random_uuid(), 'users.import', state, 'csv', '2026-03-01 08:00Z', updated, null
               from (values ({ONE}::uuid, 'queued', '2026-03-01 11:00Z'::timestamptz), ({TWO}, 'queued', '2026-03-01 10:00Z'),
                            ({ONE}, 'running', '2026-03-01 11:30Z'), ({ONE}, 'succeeded', '2026-03-01 09:00Z')) o (tenant, state, updated)"
        ),
        // Of two batches of an operation that has ended, one is not sent yet.
        format!(
            "with done as (
                 insert into operations (tenant_id, id, kind, state, format, created_at, updated_at)
                 values ({TWO}, gen_random_uuid(), 'users.import', 'succeeded', 'csv', '2026-03-01 08:00Z', '2026-03-01 08:00Z')
                 returning tenant_id, id
             )
             insert into mail_batches (tenant_id, operation_id, block, first_row, last_row, done_through, total, updated_at)
             select tenant_id, id, block, 1, 10, through, 10, '2026-03-01 11:40Z'
               from done, (values (0, 10), (1, 5)) b (block, through)"
        ),
        // One of each tenant waits for the relay; the last one is in a batch.
        format!(
            "insert into welcome_mails (tenant_id, user_id, queued_at, batch_id, looked_at)
             values ({ONE}, gen_random_uuid(), '2026-03-01 11:59Z', null, null),
                    ({TWO}, gen_random_uuid(), '2026-03-01 11:58Z', null, null),
                    ({TWO}, gen_random_uuid(), '2026-03-01 11:59:30Z', null, null),
                    ({TWO}, gen_random_uuid(), '2026-03-01 07:00Z', gen_random_uuid(), '2026-03-01 07:01Z')"
        ),
        // Two are due, one later, one is over.
        format!(
            "insert into webhook_deliveries (tenant_id, id, message_id, endpoint_id, event_type, body, state, created_at, due_at, ended_at)
             select tenant, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'user.created', '{{}}', state,
                    '2026-03-01 08:00Z', due, case when state = 'pending' then null else '2026-03-01 09:00Z'::timestamptz end
               from (values ({ONE}::uuid, 'pending', '2026-03-01 11:57Z'::timestamptz), ({ONE}, 'pending', '2026-03-01 13:00Z'),
                            ({TWO}, 'pending', '2026-03-01 11:56Z'), ({TWO}, 'delivered', '2026-03-01 08:00Z')) d (tenant, state, due)"
        ),
        // The first tenant's hours are quiet: theirs is not late. One of the second is refused.
        format!(
            "insert into tasks (tenant_id, id, title, status, priority, version, created_at, updated_at, reminded_through, next_reminder_at)
             select tenant, gen_random_uuid(), 'Call', 'todo', 1, 1, '2026-03-01 05:00Z', '2026-03-01 05:00Z', '2026-03-01 05:00Z', remind
               from (values ({ONE}::uuid, '2026-03-01 06:00Z'::timestamptz), ({TWO}, '2026-03-01 11:50Z'), ({TWO}, '2026-03-02 11:50Z'))
                    t (tenant, remind)"
        ),
        format!(
            "insert into reminder_mails (tenant_id, id, batch_id, task_id, user_id, kind, at, looked_at, refused_at, refused_code)
             select {TWO}, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'due', '2026-03-01 11:00Z', looked,
                    refused, case when refused is null then null else 'mail_refused' end
               from (values ('2026-03-01 11:55Z'::timestamptz, null::timestamptz), ('2026-03-01 05:00Z', '2026-03-01 05:01Z'))
                    m (looked, refused)"
        ),
    ] {
        database.psql(&statement).unwrap();
    }
    quiet(&database).unwrap();
    let expected = [
        line("mail_batches", 1, Some("11:40")),
        line("operations_queued", 2, Some("10:00")),
        line("operations_receiving", 0, None),
        line("operations_running", 1, Some("11:30")),
        line("reminder_mails", 1, Some("11:55")),
        line("reminders", 1, Some("11:50")),
        line("webhooks", 2, Some("11:56")),
        line("welcome_mails", 3, Some("11:58")),
    ];
    assert_eq!(found(&database).await.unwrap(), expected);
}

fn quiet(database: &TestDatabase) -> Result<()> {
    let settings = format!(
        "insert into task_settings (tenant_id, time_zone, orphans, updated_at, quiet_until)
         values ({ONE}, 'UTC', 'unassign', '2026-03-01 08:00Z', '2026-03-01 13:00Z')"
    );
    database.psql(&settings)?;
    Ok(())
}

#[test]
fn nobody_else_may_look() {
    let database = create_test_database().unwrap();
    let asked = database.psql("set role pg_read_all_data; select * from muster_waiting(now(), 10)");
    assert!(asked.unwrap_err().to_string().contains("permission denied"), "a role without the grant may ask");
    let told = psql(&database.app_url, "select count(*) from muster_waiting(now(), 10)").unwrap();
    assert_eq!(told, "8");
}
