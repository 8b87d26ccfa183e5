//! Searches find users from the moment their making is answered, before and after the worker has indexed them, and
//! whatever happens to the worker in between.

use std::time::Duration;

use anyhow::{Result, ensure};
use muster_e2e::{
    Client, World,
    client::number,
    rows,
    world::{count, test, wait_for_sql},
};
use muster_testkit::{stack::Stack, tools::wait_until};
use serde_json::json;

const USERS: u64 = 30_000;
const PATIENCE: Duration = Duration::from_mins(2);
const WAITING: &str = "select coalesce(sum(users), 0) from user_search_queue";

fn found(client: &Client, query: &str) -> Result<u64> {
    Ok(number(&client.get(&format!("/api/v1/users/search?{query}"))?.must_be(200)?.body, "/total"))
}

/// What is known of the import and of the user who was made alone.
fn all_are_found(client: &Client) -> Result<()> {
    for (query, expected) in [
        ("email=12345", 1),
        ("username=searched-29999", 1),
        ("email=solitary", 1),
        ("username=solit&full_name=hermit", 1),
        ("email=nobody-at-all", 0),
    ] {
        let total = found(client, query)?;
        ensure!(total == expected, "{query} finds {total} instead of {expected}");
    }
    Ok(())
}

fn wait_until_indexed(stack: &Stack) -> Result<()> {
    wait_for_sql(stack, WAITING, "0", PATIENCE)
}

#[test]
fn whoever_is_there_is_found_before_and_after_they_are_indexed() {
    test("search", |stack| {
        let mut world = World::start(stack)?;
        let id = world.client.import_csv("send_welcome=false", &rows::csv("searched", usize::try_from(USERS)?)?)?;
        world.client.ended(&id, PATIENCE)?;
        let solitary = json!({"email": "solitary@example.com", "username": "solitary", "full_name": "The Hermit"});
        world.client.ask("POST", "/api/v1/users", &[], &solitary)?.must_be(201)?;
        ensure!(count(stack, WAITING)? > 0, "everybody is indexed already: nothing is tested");
        all_are_found(&world.client)?;

        // The worker dies somewhere in the middle, and another one goes on.
        wait_until("the first texts", PATIENCE, || {
            Ok((count(stack, "select count(*) from user_search")? > 0).then_some(()))
        })?;
        if let Some(mut worker) = world.worker.take() {
            worker.kill_hard()?;
        }
        all_are_found(&world.client)?;
        world.worker = Some(stack.spawn_worker()?);
        wait_until_indexed(stack)?;
        ensure!(count(stack, "select count(*) from user_search")? == USERS + 1);
        all_are_found(&world.client)?;

        // Renamed: by the new name at once, by the old one never.
        let user = world.client.get("/api/v1/users/search?email_exact=solitary@example.com")?.must_be(200)?;
        let path = format!("/api/v1/users/{}", user.text("/items/0/id"));
        world.client.ask("PATCH", &path, &[], &json!({"email": "eremite@example.com"}))?.must_be(200)?;
        for _ in 0..2 {
            ensure!(found(&world.client, "email=solitary")? == 0 && found(&world.client, "email=eremite")? == 1);
            wait_until_indexed(stack)?;
        }
        // Removed for good: no text stays behind.
        world.client.ask("DELETE", &format!("{path}/force"), &[], &json!(null))?.must_be(204)?;
        ensure!(count(stack, "select count(*) from user_search where doc like '%eremite%'")? == 0);
        wait_until_indexed(stack)?;
        ensure!(found(&world.client, "email=eremite")? == 0);
        ensure!(count(stack, "select count(*) from user_search")? == USERS);
        Ok(())
    });
}
