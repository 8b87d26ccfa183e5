//! What clients and operators meet before any use case: limits that processes share, and metrics.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{Client, World, world::test};
use muster_testkit::{
    http,
    ports::free_port,
    process::Program,
    stack::Stack,
    tools::{random_uuid, wait_until},
};

const PATIENCE: Duration = Duration::from_secs(20);
const LIMITED: [(&str, &str); 2] = [("RATE_LIMIT_ENABLED", "true"), ("RATE_LIMIT_PER_MINUTE", "4")];

#[test]
fn two_apis_share_one_limit_and_keep_to_it_while_redis_is_away() {
    test("limits", |stack| {
        let one = stack.spawn_ready(Program::Api, "one", &LIMITED)?;
        let other = stack.spawn_ready(Program::Api, "other", &LIMITED)?;
        // Of a new tenant. One request grows back in 15 seconds: while they ask here, hardly any does.
        let admitted = |stack: &Stack| -> Result<usize> {
            let token = stack.token(&random_uuid()?)?;
            let mut admitted = 0;
            for client in [&one, &other].map(|api| Client::new(&api.url(), Some(&token))).iter().cycle().take(12) {
                let answer = client.get("/api/v1/users")?;
                if answer.status == 200 {
                    admitted += 1;
                } else {
                    let answer = answer.must_be_problem(429, "RATE_LIMITED")?;
                    let wait: u64 = answer.header("retry-after").context("no Retry-After")?.parse()?;
                    ensure!((1..=15).contains(&wait), "{answer:#?}");
                }
            }
            Ok(admitted)
        };
        // Each looks for Redis in the background: until both have, each counts for itself.
        wait_until("one limit for both", PATIENCE, || Ok((admitted(stack)? <= 5).then_some(())))?;
        stack.redis.kill_hard()?;
        let alone = admitted(stack)?;
        ensure!((8..=10).contains(&alone), "each lets its own four in, not {alone}");
        Ok(())
    });
}

#[test]
fn both_processes_can_be_scraped() {
    test("metrics", |stack| {
        let port = free_port()?;
        let world = World::start_with(stack, &[("METRICS_PORT", &port.to_string())], Some(&[]))?;
        let user = serde_json::json!({"email": "zoe@example.com", "username": "zoe"});
        let made = world.client.ask("POST", "/api/v1/users", &[], &user)?.must_be(201)?;
        let path = made.header("location").context("no location")?;
        for _ in 0..3 {
            world.client.get(path)?.must_be(200)?;
        }
        let (status, text) = http::get(port, "/metrics")?;
        ensure!(status == 200, "{status}");
        for line in [
            "http_server_requests_total{method=\"GET\",route=\"/api/v1/users/{id}\",status=\"200\"} 3",
            "http_server_requests_total{method=\"POST\",route=\"/api/v1/users\",status=\"201\"} 1",
            "cache_misses_total 1",
            "cache_hits_total 2",
            "cache_errors_total 0",
            "db_pool_connections_max 10",
        ] {
            ensure!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        ensure!(text.contains("db_pool_connections{state=\"idle\"}"), "{text}");
        ensure!(!text.contains("zoe") && !text.contains(&world.tenant), "{text}");
        ensure!(world.api.get("/metrics")?.0 == 404, "clients of the API must not see them");
        let (status, text) = world.worker.as_ref().context("no worker")?.get("/metrics")?;
        ensure!(status == 200 && text.contains("cache_hits_total ") && text.contains("db_pool_connections{"), "{text}");
        Ok(())
    });
}
