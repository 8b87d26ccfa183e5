//! Row level security takes some indexes away without a word: conditions that are not leakproof are asked of every row
//! that the policy lets through. Here the role of the service looks at the plans of what must be quick.

use anyhow::Result;
use muster_testkit::database::{TestDatabase, create_test_database, psql};

const TENANT: &str = "tenant_id = '6b1f6a52-8f5b-4d6e-9d5e-0c7f3c1d2e4f'";

/// A database in which reading all of a tenant's users is dear.
fn filled() -> Result<TestDatabase> {
    let database = create_test_database()?;
    let fill = "insert into users (tenant_id, id, email, username, created_at, updated_at, deleted_at) \
                select '6b1f6a52-8f5b-4d6e-9d5e-0c7f3c1d2e4f', gen_random_uuid(), n || '@x.com', 'user' || n, now(), now(), \
                       case when n % 4 = 0 then now() end \
                from generate_series(1, 20000) n";
    database.psql(fill)?;
    database.psql("analyze users")?;
    Ok(database)
}

fn plan(database: &TestDatabase, query: &str) -> Result<String> {
    let tenant = "set app.tenant_id = '6b1f6a52-8f5b-4d6e-9d5e-0c7f3c1d2e4f'";
    psql(&database.app_url, &format!("{tenant}; explain (costs off) {query}"))
}

#[test]
fn look_ups_find_their_index_under_row_level_security() {
    let database = filled().unwrap();
    for (condition, index) in [
        ("id = '6b1f6a52-8f5b-4d6e-9d5e-0c7f3c1d2e4f'", "users_pkey"),
        ("deleted_at is null and email = any('{a@x.com}')", "users_email_key"),
        ("deleted_at is null and username_key = any('{ada}')", "users_username_key"),
    ] {
        let plan = plan(&database, &format!("select id from users where {TENANT} and {condition}")).unwrap();
        let column = condition.split(" and ").last().unwrap().split(' ').next().unwrap();
        let served = plan.lines().any(|line| line.contains("Index Cond") && line.contains(&format!("({column} = ")));
        assert!(plan.contains(index) && served, "{condition}:\n{plan}");
    }
}

#[test]
fn lists_are_read_in_order_from_their_index() {
    let database = filled().unwrap();
    for (life, index) in [("is null", "users_latest"), ("is not null", "users_latest_deleted")] {
        let query = format!(
            "select id from users where {TENANT} and deleted_at {life} and (created_at, id) < (now(), \
             'ffffffff-ffff-ffff-ffff-ffffffffffff') order by created_at desc, id desc limit 20"
        );
        let plan = plan(&database, &query).unwrap();
        assert!(plan.contains(&format!("Backward using {index} ")) && !plan.contains("Sort"), "{life}:\n{plan}");
        assert!(plan.lines().any(|line| line.contains("Index Cond") && line.contains("ROW(created_at, id)")), "{plan}");
    }
}

#[test]
fn a_page_is_read_from_its_index_by_a_plan_that_is_made_once() {
    let database = filled().unwrap();
    let call =
        |after: &str| format!("select * from muster_user_page('6b1f6a52-8f5b-4d6e-9d5e-0c7f3c1d2e4f', {after}, 0, 21)");
    for after in ["null, null", "now(), 'ffffffff-ffff-ffff-ffff-ffffffffffff'"] {
        let call = call(after);
        // As often as it takes Postgres to make up its mind about plans.
        let query = format!("{}; explain (analyze, buffers, costs off) {call}", [call.as_str(); 6].join("; "));
        let plan = psql(&database.app_url, &query).unwrap();
        let hits = plan.lines().find_map(|line| line.trim().strip_prefix("Buffers: shared hit=")).unwrap();
        let hits: u32 = hits.split(' ').next().unwrap().parse().unwrap();
        assert!(plan.contains("rows=21") && hits < 100, "{after}: {hits} pages were looked at");
    }
}

#[test]
fn searches_ask_the_trigrams_of_their_tenant() {
    let database = filled().unwrap();
    // As the function does: what is in its settings, as the owner whom its policy lets through.
    database
        .psql(
            "insert into user_search select tenant_id, id, email || E'\\n' || username || E'\\n' from users; \
             analyze user_search",
        )
        .unwrap();
    let plan = database
        .psql(&format!(
            "set enable_seqscan = off; set enable_indexscan = off; explain (costs off) select id from user_search \
             where {TENANT} and doc like E'%1234%\\n%\\n%' and doc like '%' and doc like '%' limit 10"
        ))
        .unwrap();
    assert!(
        plan.contains("Bitmap Index Scan on user_search_doc") && plan.contains("Index Cond: ((tenant_id = "),
        "{plan}"
    );
    let found = psql(
        &database.app_url,
        "set app.tenant_id = '6b1f6a52-8f5b-4d6e-9d5e-0c7f3c1d2e4f'; select count(*) from muster_search_users('%1234%', null, null, 100)",
    );
    // 1234 and 11234, and 12340 to 12349.
    assert_eq!(found.unwrap(), "12");
    let nobodys = psql(&database.app_url, "select count(*) from muster_search_users('%1234%', null, null, 100)");
    assert_eq!(nobodys.unwrap(), "0", "without a tenant nobody is found");
}

#[test]
fn users_who_are_known_by_their_ids_are_read_by_them() {
    let database = filled().unwrap();
    let query = format!(
        "select id from (select * from users where {TENANT} and id = any('{{6b1f6a52-8f5b-4d6e-9d5e-0c7f3c1d2e4f}}') offset 0) users \
         where {TENANT} and deleted_at is null and lower(email) like '%a%' order by created_at desc, id desc limit 20"
    );
    let plan = plan(&database, &query).unwrap();
    assert!(plan.contains("users_pkey") && plan.contains("id = ANY"), "{plan}");
}
