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
