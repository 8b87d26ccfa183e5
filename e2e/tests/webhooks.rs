//! Tenants are told of exactly what happened, whatever is down meanwhile, in a form that others can check.

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    World,
    client::at,
    rows,
    world::{test, test_durable, wait_for_sql},
};
use muster_testkit::{
    hooks::{HookRequest, HookServer},
    process::Program,
    stack::Stack,
    tools::wait_until,
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(1);
/// What is promised while nothing else happens.
const SOON: Duration = Duration::from_secs(2);
const PATH: &str = "/api/v1/webhooks";
const ALLOWED: [(&str, &str); 2] =
    [("WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8"), ("OPERATION_STALLED_AFTER_SECONDS", "2")];
const ALL: [&str; 5] = ["operation.finished", "operation.paused", "user.created", "user.updated", "user.deleted"];

/// A subscribed endpoint.
struct Endpoint {
    receiver: HookServer,
    path: String,
    secret: String,
}

impl Endpoint {
    fn make(world: &World) -> Result<Self> {
        let receiver = HookServer::start()?;
        let body = json!({ "url": receiver.url(), "events": ALL });
        let made = world.client.ask("POST", PATH, &[], &body)?.must_be(201)?;
        let path = made.header("location").context("no location")?.to_owned();
        Ok(Self { receiver, path, secret: made.text("/secret").to_owned() })
    }

    fn told(&self, count: usize) -> Result<Vec<HookRequest>> {
        wait_until(&format!("{count} webhooks"), PATIENCE, || {
            let all = self.receiver.requests();
            Ok((all.len() >= count).then_some(all))
        })
    }

    /// The only delivery that is in this state.
    fn delivery(&self, world: &World, state: &str) -> Result<Value> {
        wait_until(&format!("a delivery that is {state}"), PATIENCE, || {
            let page = world.client.get(&format!("{}/deliveries?state={state}", self.path))?.must_be(200)?;
            Ok(page.body.pointer("/items/0").cloned())
        })
    }
}

fn start(stack: &Stack) -> Result<World> {
    World::start_with(stack, &ALLOWED, Some(&ALLOWED))
}

/// Type and state of what was told, sorted: what happened at about the same time arrives in any order.
fn events(requests: &[HookRequest]) -> Result<Vec<String>> {
    let read = |request: &HookRequest| -> Result<String> {
        let body: Value = serde_json::from_str(&request.body)?;
        let text = |pointer| at(&body, pointer).as_str().unwrap_or_default().to_owned();
        Ok(format!("{} {}", text("/type"), text("/data/state")))
    };
    let mut events = requests.iter().map(read).collect::<Result<Vec<_>>>()?;
    events.sort_unstable();
    Ok(events)
}

/// Checks signatures as `docs/webhooks.md` says, with the `hmac` of Python: nothing of ours.
fn verifies(request: &HookRequest, secret: &str) -> Result<bool> {
    const SCRIPT: &str = "import base64, hashlib, hmac, sys\n\
        secret, id, timestamp, signatures = sys.argv[1:]\n\
        key = base64.b64decode(secret.removeprefix('whsec_'))\n\
        signed = f'{id}.{timestamp}.'.encode() + sys.stdin.buffer.read()\n\
        mine = 'v1,' + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()\n\
        sys.exit(0 if any(hmac.compare_digest(mine, one) for one in signatures.split()) else 1)";
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| request.header(name));
    let mut python = Command::new("python3");
    python.arg("-c").arg(SCRIPT).arg(secret).args(headers).stdin(Stdio::piped());
    let mut python = python.spawn().context("python3 cannot be run")?;
    python.stdin.take().context("no stdin")?.write_all(request.body.as_bytes())?;
    Ok(python.wait()?.success())
}

#[test]
fn a_tenant_is_told_exactly_what_happened_and_soon() {
    test("webhooks-events", |stack| {
        let world = start(stack)?;
        let endpoint = Endpoint::make(&world)?;
        let client = &world.client;
        let begin = Instant::now();
        let id = client.create("told")?;
        endpoint.told(1)?;
        ensure!(begin.elapsed() < SOON, "the webhook took {:.2?}", begin.elapsed());
        let path = format!("/api/v1/users/{id}");
        client.ask("PATCH", &path, &[], &json!({ "is_active": false }))?.must_be(200)?;
        client.ask("PATCH", &path, &[], &json!({ "is_active": false }))?.must_be(200)?;
        client.ask("DELETE", &path, &[], &Value::Null)?.must_be(204)?;
        client.ask("PUT", &format!("{path}/restore"), &[], &Value::Null)?.must_be(200)?;
        client.ask("DELETE", &format!("{path}/force"), &[], &Value::Null)?.must_be(204)?;
        // Of an import only that it has ended, and not of one that was refused.
        let import = client.import_csv("send_welcome=false", &rows::csv("told", 50)?)?;
        client.ended(&import, PATIENCE)?;
        client.post_json(&[], &json!({ "users": [] }))?.must_be(422)?;
        let all = endpoint.told(6)?;
        wait_for_sql(stack, "select count(*) from webhook_deliveries where state = 'pending'", "0", PATIENCE)?;
        ensure!(endpoint.receiver.requests().len() == 6, "told more than happened");
        let expected = [
            "operation.finished succeeded",
            "user.created active",
            "user.deleted deleted",
            "user.deleted removed",
            "user.updated inactive",
            "user.updated inactive",
        ];
        ensure!(events(&all)? == expected, "{all:#?}");
        for request in &all {
            ensure!(verifies(request, &endpoint.secret)?, "{request:?}");
            ensure!(!request.body.contains("told"), "no personal data: {}", request.body);
            ensure!(!verifies(request, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")?);
        }
        // The URL may hold a key, and the secret is one.
        for log in ["api", "worker"] {
            let text = std::fs::read_to_string(stack.home().join(format!("log/{log}.log")))?;
            ensure!(!text.contains("not-to-be-logged") && !text.contains(&endpoint.secret), "{log}.log tells a secret");
        }
        Ok(())
    });
}

#[test]
fn an_operation_that_its_budget_pauses_is_told_of() {
    test("webhooks-paused", |stack| {
        let world = start(stack)?;
        let endpoint = Endpoint::make(&world)?;
        // Bad rows in the first of many blocks.
        let mut file = "email,username\n".to_owned();
        for row in 0..120_000 {
            let email = if row < 100 { "bad".to_owned() } else { format!("u{row}@example.com") };
            writeln!(file, "{email},u-{row}")?;
        }
        let id = world.client.import_csv("send_welcome=false&max_errors=10", file.as_bytes())?;
        let told = endpoint.told(1)?;
        ensure!(events(&told)? == ["operation.paused paused"], "{told:#?}");
        world.client.ask("POST", &format!("/api/v1/operations/{id}/cancel"), &[], &Value::Null)?.must_be(200)?;
        ensure!(events(&endpoint.told(2)?)? == ["operation.finished cancelled", "operation.paused paused"]);
        Ok(())
    });
}

#[test]
fn what_was_not_taken_is_sent_again_when_it_is_time() {
    test("webhooks-again", |stack| {
        let world = start(stack)?;
        let endpoint = Endpoint::make(&world)?;
        endpoint.receiver.answer(500, &[]);
        world.client.create("again")?;
        let all = endpoint.told(2)?;
        let [first, second] = all.as_slice() else { anyhow::bail!("{all:#?}") };
        let pause = second.at - first.at;
        ensure!(pause >= Duration::from_secs(5) && pause < Duration::from_secs(15), "{pause:?}");
        ensure!(first.header("webhook-id") == second.header("webhook-id") && first.body == second.body);
        ensure!(first.header("webhook-timestamp") != second.header("webhook-timestamp"));
        ensure!(verifies(first, &endpoint.secret)? && verifies(second, &endpoint.secret)?);
        let done = endpoint.delivery(&world, "delivered")?;
        ensure!(done["attempts"] == 2 && done["last_status"] == 204, "{done:#}");

        endpoint.receiver.answer(429, &[("Retry-After", "8")]);
        world.client.create("later")?;
        let all = endpoint.told(4)?;
        let [.., third, fourth] = all.as_slice() else { anyhow::bail!("{all:#?}") };
        let pause = fourth.at - third.at;
        ensure!(pause >= Duration::from_secs(8) && pause < Duration::from_secs(18), "{pause:?}");
        ensure!(third.header("webhook-id") == fourth.header("webhook-id"));
        let replay = format!("{}/deliveries/{}/replay", endpoint.path, done["id"].as_str().unwrap_or_default());
        world.client.ask("POST", &replay, &[], &Value::Null)?.must_be(201)?;
        let all = endpoint.told(5)?;
        ensure!(all[4].header("webhook-id") == first.header("webhook-id") && all[4].body == first.body, "{all:#?}");
        Ok(())
    });
}

#[test]
fn an_endpoint_that_is_gone_is_told_nothing_more_and_secrets_are_changed_without_a_gap() {
    test("webhooks-gone", |stack| {
        let world = start(stack)?;
        let endpoint = Endpoint::make(&world)?;
        let rotate = format!("{}/rotate-secret", endpoint.path);
        let rotated = world.client.ask("POST", &rotate, &[], &Value::Null)?.must_be(200)?;
        world.client.ask("POST", &format!("{}/test", endpoint.path), &[], &Value::Null)?.must_be(201)?;
        let all = endpoint.told(1)?;
        ensure!(events(&all)? == ["webhook.test test"]);
        for secret in [endpoint.secret.as_str(), rotated.text("/secret")] {
            ensure!(verifies(&all[0], secret)?, "both secrets are valid for a day");
        }
        endpoint.receiver.answer(410, &[]);
        world.client.create("gone")?;
        let failed = endpoint.delivery(&world, "failed")?;
        ensure!(failed["attempts"] == 1 && failed["last_status"] == 410, "{failed:#}");
        let found = world.client.get(&endpoint.path)?.must_be(200)?;
        ensure!(found.at("/enabled") == false && found.text("/disabled_reason") == "gone", "{found:#?}");
        world.client.create("unheard")?;
        ensure!(stack.psql("select count(*) from webhook_deliveries")? == "2");
        Ok(())
    });
}

#[test]
fn nothing_is_lost_when_temporal_is_down_or_a_worker_dies() {
    test_durable("webhooks-outages", |stack| {
        let mut world = start(stack)?;
        let endpoint = Endpoint::make(&world)?;
        stack.temporal.stop()?;
        for n in 0..5 {
            world.client.create(&format!("down-{n}"))?;
        }
        ensure!(stack.psql("select count(*) from webhook_deliveries where state = 'pending'")? == "5");
        stack.temporal.start_again()?;
        endpoint.told(5)?;

        // It dies while deliveries wait for their second attempt.
        for n in 0..5 {
            endpoint.receiver.answer(503, &[]);
            world.client.create(&format!("killed-{n}"))?;
        }
        endpoint.told(10)?;
        let mut worker = world.worker.take().context("no worker")?;
        worker.kill_hard()?;
        world.worker = Some(stack.spawn_ready(Program::Worker, "worker-2", &ALLOWED)?);
        wait_for_sql(stack, "select count(*) from webhook_deliveries where state = 'delivered'", "10", PATIENCE)?;
        let all = endpoint.receiver.requests();
        let mut ids: Vec<_> = all.iter().map(|request| request.header("webhook-id").to_owned()).collect();
        ids.sort_unstable();
        ids.dedup();
        ensure!(ids.len() == 10, "{} messages instead of 10", ids.len());
        ensure!(
            (15..=20).contains(&all.len()),
            "{} requests: an attempt that died may be repeated, no more",
            all.len()
        );
        Ok(())
    });
}

#[test]
fn a_private_address_is_not_reached_unless_it_is_allowed() {
    test("webhooks-private", |stack| {
        let world = World::start(stack)?;
        let receiver = HookServer::start()?;
        let body = json!({ "url": receiver.url(), "events": ALL });
        let refused = world.client.ask("POST", PATH, &[], &body)?.must_be_problem(422, "VALIDATION_ERROR")?;
        ensure!(refused.text("/errors/0/code") == "private_address", "{refused:#?}");
        // A name says nothing about where it leads to: that is seen when something is sent.
        let port = receiver.url().trim_start_matches("http://127.0.0.1:").to_owned();
        let body = json!({ "url": format!("https://localhost:{port}"), "events": ALL });
        let made = world.client.ask("POST", PATH, &[], &body)?.must_be(201)?;
        let path = made.header("location").unwrap_or_default().to_owned();
        world.client.create("private")?;
        wait_for_sql(stack, "select last_error from webhook_deliveries", "address_refused", PATIENCE)?;
        ensure!(receiver.requests().is_empty());
        world.client.ask("DELETE", &path, &[], &Value::Null)?.must_be(204)?;
        ensure!(stack.psql("select count(*) from webhook_deliveries")? == "0");
        Ok(())
    });
}
