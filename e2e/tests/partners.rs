//! Partners at the built programs: signed by Python's own library, done once whoever dies, and never accepted twice.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    Client, World,
    client::at,
    partner::{Headers, Partner, add, muster, read, send},
    world::{count, test, test_durable, wait_for_sql},
};
use muster_testkit::{process::Program, tools::random_uuid};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(2);
const WEBHOOK: &str = "/api/v1/partners/webhook";
const STATUS: &str = "/api/v1/partners/status";

fn event(n: u32) -> Value {
    let data = json!({ "email": format!("user{n}@secret.example.com"), "username": format!("secret_user_{n}") });
    json!({ "event_type": "user.created", "event_id": format!("evt_{n}"), "data": data })
}

/// Tells an event and must be heard; each `n` of an event makes another signature.
fn tell(client: &Client, partner: &Partner, path: &str, body: &Value) -> Result<()> {
    let headers = partner.sign("POST", path, body)?;
    let answer = send(client, "POST", path, &headers, body)?.must_be(200)?;
    ensure!(answer.at("/received") == &json!(true) && answer.at("/event_id") == at(body, "/event_id"), "{answer:#?}");
    Ok(())
}

#[test]
fn an_event_is_done_once_although_temporal_is_down_and_a_worker_is_killed() {
    test_durable("partners-outages", |stack| {
        let mut world = World::start(stack)?;
        let partner = add(stack, &world.tenant)?;
        stack.temporal.stop()?;
        for n in 1..=3 {
            tell(&world.client, &partner, WEBHOOK, &event(n))?;
        }
        // Told again, signed anew: alike, and once.
        tell(&world.client, &partner, &format!("{WEBHOOK}?again=1"), &event(1))?;
        ensure!(count(stack, "select count(*) from partner_events where state = 'received'")? == 3);
        world.worker.take().context("no worker")?.kill_hard()?;
        stack.temporal.start_again()?;
        world.worker = Some(stack.spawn_ready(Program::Worker, "worker-2", &[])?);
        wait_for_sql(stack, "select count(*) from partner_events where state = 'processed'", "3", PATIENCE)?;
        for n in 4..=9 {
            tell(&world.client, &partner, WEBHOOK, &event(n))?;
            if n == 6 {
                world.worker.take().context("no worker")?.kill_hard()?;
            }
        }
        world.worker = Some(stack.spawn_ready(Program::Worker, "worker-3", &[])?);
        wait_for_sql(stack, "select count(*) from partner_events where state = 'processed'", "9", PATIENCE)?;
        wait_for_sql(stack, "select count(*) from users where username like 'secret_user_%'", "9", PATIENCE)?;
        ensure!(count(stack, "select count(*) from operations where actor like 'partner:%'")? == 9);
        // Nobody but the rows says who they are: not the inbox, and not Temporal.
        ensure!(count(stack, "select count(*) from partner_events where data is not null")? == 0);
        let text = stack.temporal.cli(&["workflow", "list", "--output", "json"])?;
        let all: Vec<Value> = serde_json::from_str(&text).context("no list")?;
        let ids = all.iter().filter_map(|one| at(one, "/execution/workflowId").as_str());
        let ids: Vec<_> = ids.filter(|id| id.starts_with("partner-event/")).collect();
        ensure!(ids.len() == 9, "{ids:?}");
        for id in ids {
            ensure!(!stack.temporal.history_json(id)?.contains("secret"), "{id} tells who somebody is");
        }
        Ok(())
    });
}

#[test]
fn no_signature_is_accepted_twice_although_redis_forgets_or_is_away() {
    test("partners-replays", |stack| {
        let mut world = World::start_with(stack, &[], None)?;
        let partner = add(stack, &world.tenant)?;
        let headers = partner.sign("GET", STATUS, &Value::Null)?;
        let ask = |world: &World, headers: &Headers| send(&world.client, "GET", STATUS, headers, &Value::Null);
        let seen = ask(&world, &headers)?.must_be(200)?;
        ensure!(seen.at("/allowed_ips") == &json!(["127.0.0.0/8"]), "{seen:#?}");
        let refuse = |world: &World| ask(world, &headers)?.must_be_problem(401, "PARTNER_SIGNATURE_REUSED").map(drop);
        refuse(&world)?;
        // A Redis that was emptied, one that is not there, and another process of the API.
        stack.redis.kill_hard()?;
        refuse(&world)?;
        stack.redis.start_again()?;
        refuse(&world)?;
        stack.redis.stop()?;
        world.api.kill_hard()?;
        world.api = stack.spawn_ready(Program::Api, "api-2", &[])?;
        world.client = Client::new(&world.api.url(), None);
        refuse(&world)?;
        // Nor is anybody kept out.
        let path = format!("{STATUS}?other=1");
        let other = partner.sign("GET", &path, &Value::Null)?;
        send(&world.client, "GET", &path, &other, &Value::Null)?.must_be(200)?;
        ensure!(count(stack, "select count(*) from partner_signatures")? == 2);
        Ok(())
    });
}

#[test]
fn an_operator_makes_rotates_and_switches_off_a_client() {
    test("partners-clients", |stack| {
        let world = World::start_with(stack, &[], None)?;
        let partner = add(stack, &world.tenant)?;
        let ask = |partner: &Partner, path: &str| {
            let headers = partner.sign("GET", path, &Value::Null)?;
            send(&world.client, "GET", path, &headers, &Value::Null)
        };
        ask(&partner, STATUS)?.must_be(200)?;
        let printed = muster(stack, &["rotate", &partner.id])?;
        let rotated = read(&printed)?;
        ensure!(rotated.id == partner.id && rotated.secret != partner.secret && printed.contains("accepted until"));
        ask(&partner, &format!("{STATUS}?n=1"))?.must_be(200)?;
        ask(&rotated, &format!("{STATUS}?n=1"))?.must_be(200)?;
        muster(stack, &["disable", &partner.id])?;
        ask(&rotated, &format!("{STATUS}?n=2"))?.must_be_problem(403, "PARTNER_CLIENT_INACTIVE")?;
        muster(stack, &["enable", &partner.id])?;
        ask(&rotated, &format!("{STATUS}?n=3"))?.must_be(200)?;
        let last = read(&muster(stack, &["rotate", &partner.id, "--keep-previous", "0"])?)?;
        ask(&rotated, &format!("{STATUS}?n=4"))?.must_be_problem(401, "PARTNER_SIGNATURE_INVALID")?;
        ask(&last, &format!("{STATUS}?n=4"))?.must_be(200)?;
        let listed = muster(stack, &["list", "--tenant", &world.tenant])?;
        ensure!(
            listed.contains(&partner.id) && listed.contains("active") && listed.contains("127.0.0.0/8"),
            "{listed}"
        );
        for secret in [&partner, &rotated, &last].map(|partner| &partner.secret) {
            ensure!(!listed.contains(secret.as_str()), "a secret is shown again");
            let stored = count(
                stack,
                &format!(
                    "select count(*) from partner_clients where position(convert_to('{secret}', 'UTF8') in secret) > 0"
                ),
            )?;
            ensure!(stored == 0, "a secret lies in clear text");
        }
        Ok(())
    });
}

#[test]
fn without_a_key_production_serves_everybody_but_partners() {
    test("partners-off", |stack| {
        // Makes the key of tokens, which production does not.
        stack.token(&random_uuid()?)?;
        let production = [("APP_ENV", "production"), ("PARTNER_SECRET_KEY_PATH", "")];
        let world = World::start_with(stack, &production, None)?;
        world.client.get("/api/v1/users")?.must_be(200)?;
        let partner = Partner { id: format!("mpc_{}", "0".repeat(32)), secret: "mps_1".to_owned() };
        let headers = partner.sign("GET", STATUS, &Value::Null)?;
        let answer = send(&world.client, "GET", STATUS, &headers, &Value::Null)?;
        let answer = answer.must_be_problem(503, "SERVICE_UNAVAILABLE")?;
        ensure!(answer.text("/detail").contains("PARTNER_SECRET_KEY"), "{answer:#?}");
        ensure!(world.api.log_tail(1_000).contains("PARTNER_SECRET_KEY is not set"), "the log does not say why");
        Ok(())
    });
}
