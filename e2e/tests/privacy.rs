//! No name and no address is anywhere but in the database, in mails and in values of the cache.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    World,
    client::{Client, at, number},
    collector::Collector,
    partner, rows,
    world::{test_durable, wait_for_sql},
};
use muster_testkit::{
    http,
    mail::{Behaviour, Refusal},
    ports::free_port,
    process::Program,
    stack::Stack,
    tools::wait_until,
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(1);
/// What must not be found, in lower case.
const CANARY: [&str; 3] = ["canary_9f3a", "birdcage", "feathers"];

fn email() -> String {
    format!("{}@{}.example.com", CANARY[0], CANARY[1])
}

/// All that any library would ever log, too.
const TRACE: (&str, &str) = ("LOG_LEVEL", "trace");
const PLAIN: (&str, &str) = ("MUSTER_CODEC_KEYS", "");
const ENCRYPTED: (&str, &str) = ("MUSTER_CODEC_KEYS", "a:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=");

#[test]
fn no_personal_data_is_in_histories_logs_metrics_or_names_of_keys() {
    nothing_is_told("privacy", PLAIN);
}

#[test]
fn nor_where_payloads_are_encrypted() {
    nothing_is_told("privacy-encrypted", ENCRYPTED);
}

fn nothing_is_told(name: &str, keys: (&str, &str)) {
    test_durable(name, |stack| {
        let metrics = free_port()?.to_string();
        let collector = Collector::start()?;
        let url = collector.url();
        let traces = ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str());
        let api = [TRACE, keys, traces, ("METRICS_PORT", &metrics)];
        let mut world = World::start_with(stack, &api, Some(&[TRACE, keys, traces]))?;
        let client = &world.client.clone();
        let row = format!("{},{},Fiona {}\n", email(), CANARY[0], CANARY[2]);

        // Welcomed, after the mail server has put it off.
        stack.mail.behave(Behaviour::temporary(Refusal::Always));
        let mut file = rows::csv("privacy", 12_000)?;
        file.extend_from_slice(row.as_bytes());
        let first = client.import_csv("", &file)?;
        wait_until("a 4xx", PATIENCE, || Ok((stack.mail.counters().temporary > 0).then_some(())))?;
        stack.mail.behave(Behaviour::accept());
        ensure!(number(&client.mailed(&first, PATIENCE)?, "/progress/mails_sent") == 12_001);

        // A bad row in each way that shows what it holds.
        let wrong = format!("{},x,{}\n\"{}", CANARY[1], CANARY[2], email());
        let second = client.import_csv("", format!("email,username,full_name\n{row}{row}{wrong}").as_bytes())?;
        ensure!(number(&client.ended(&second, PATIENCE)?, "/progress/failed") == 4);
        let body = json!({"users": [{"email": email(), "username": CANARY[0]}]});
        let conflict = client.post_json(&[], &body)?.must_be_problem(409, "CONFLICT")?;
        // Refused for good, and unreadable as a whole.
        stack.mail.behave(Behaviour::refusing(CANARY[1]));
        let other = json!({"users": [{"email": format!("other.{}", email()), "username": "other"}]});
        let third = client.post_json(&[], &other)?.must_be(201)?.operation()?;
        ensure!(number(&client.mailed(&third, PATIENCE)?, "/progress/mails_refused") == 1);
        let unreadable = format!("{},{}\n", email(), CANARY[2]);
        let unreadable = client.post("text/csv", "", &[], unreadable.as_bytes())?.must_be(422)?;
        let rows = client.rows(&second, 100)?;
        for text in [conflict.body.to_string(), unreadable.body.to_string(), json!(rows).to_string()] {
            nothing_in("an answer to a request with bad rows", text.as_bytes())?;
        }

        one_by_one(stack, client)?;
        planned_and_retried(client, &second)?;
        tasks(stack, client)?;
        told_by_a_partner(stack, &world)?;

        fails(stack, &mut world, &[TRACE, keys, traces])?;

        // Crashes are told as well.
        stack.postgres.stop()?;
        client.post_json(&[], &body)?.must_be(503)?;
        stack.postgres.start_again()?;
        wait_for_sql(stack, "select count(*) from mail_batches where done_through < last_row", "0", PATIENCE)?;

        histories(stack, &first)?;
        for port in [metrics.parse()?, world.worker.as_ref().context("no worker")?.port()] {
            let (status, page) = http::get(port, "/metrics")?;
            ensure!(status == 200 && page.contains("# TYPE"), "no metrics: {page}");
            nothing_in("metrics", page.as_bytes())?;
        }
        let World { mut api, worker, .. } = world;
        api.stop()?;
        worker.context("no worker")?.stop()?;
        let spans = collector.text();
        for name in ["RunActivity:run_range", "SMTP", "GETRANGE", "COMMIT", "insert into"] {
            ensure!(spans.contains(name), "no span of {name}");
        }
        nothing_in("spans", spans.as_bytes())?;
        logs(stack)?;
        redis(stack)
    });
}

/// An import whose rows cannot be read to their end: its activity fails again and again, until somebody ends the workflow.
fn fails(stack: &Stack, world: &mut World, variables: &[(&str, &str)]) -> Result<()> {
    world.worker.take().context("no worker")?.stop()?;
    let rows = format!("email,username,full_name\nfails.{},{}_fails,{}\n", email(), CANARY[0], CANARY[2]);
    let id = world.client.import_csv("", rows.as_bytes())?;
    let cut = "update operation_blocks set payload = substring(payload for length(payload) - 6) where operation_id =";
    stack.psql(&format!("{cut} '{id}'"))?;
    world.worker = Some(stack.spawn_ready(Program::Worker, "worker-2", variables)?);
    let workflow = format!("operation/{}/{id}", world.tenant);
    let pending = wait_until("a failed attempt", PATIENCE, || {
        let pending = stack.temporal.cli(&["workflow", "describe", "-w", &workflow, "--output", "json"])?;
        Ok(pending.contains("lastFailure").then_some(pending))
    })?;
    nothing_in("an activity that fails", pending.as_bytes())?;
    stack.temporal.cli(&["workflow", "terminate", "-w", &workflow, "--reason", "it cannot end"])?;
    ensure!(at(&world.client.ended(&id, PATIENCE)?, "/state") == "failed");
    Ok(())
}

/// What goes on from an operation, and what takes users out.
fn planned_and_retried(client: &Client, failed: &str) -> Result<()> {
    let row = format!("email,username,full_name\nplanned.{},{}_planned,{}\n", email(), CANARY[0], CANARY[2]);
    let plan = client.ended(&client.import_csv("dry_run=true", row.as_bytes())?, PATIENCE)?;
    let path = format!("{}/apply", at(&plan, "/links/self").as_str().unwrap_or_default());
    let digest = at(&plan, "/plan/digest").as_str().unwrap_or_default();
    client.ask("POST", &path, &[("if-match", digest)], &Value::Null)?.must_be(200)?;
    let correction = json!({"rows": [{"row": 1, "email": format!("mended.{}", email()), "username": CANARY[2]}]});
    let retry = client.ask("POST", &format!("/api/v1/operations/{failed}/retry"), &[], &correction)?.must_be(202)?;
    client.ended(retry.text("/id"), PATIENCE)?;
    let export = json!({"kind": "users.export", "filter": {"email": email()}, "format": "csv"});
    let export = client.ask("POST", "/api/v1/operations", &[], &export)?.must_be(202)?;
    let export = client.ended(export.text("/id"), PATIENCE)?;
    ensure!(number(&export, "/progress/exported") > 0, "{export:#}");
    Ok(())
}

/// A user made alone, through all that can happen to one, refused mail and mistakes of the client included.
fn one_by_one(stack: &Stack, client: &Client) -> Result<()> {
    let users = "/api/v1/users";
    let name = format!("{}_alone", CANARY[0]);
    let body = json!({"email": format!("alone.{}", email()), "username": name, "full_name": CANARY[2]});
    let key = [("Idempotency-Key", "privacy-1")];
    // Its mail is refused: the mail server says so of the canary.
    let id = client.ask("POST", users, &key, &body)?.must_be(201)?.text("/id").to_owned();
    client.ask("POST", users, &key, &body)?.must_be(201)?;
    let user = format!("{users}/{id}");
    let moved = json!({"email": format!("moved.{}", email()), "username": format!("{name}-2"), "full_name": CANARY[1]});
    client.ask("PATCH", &user, &[], &moved)?.must_be(200)?;
    for found in ["email", "email_exact"] {
        let asked = client.get(&format!("{users}/search?{found}=moved.{}&full_name={}", email(), CANARY[1]))?;
        ensure!(asked.must_be(200)?.at("/total") == 1, "the user is not found by {found}");
    }
    client.get(&format!("{users}/search?username={name}&created_after={}", CANARY[0]))?.must_be(422)?;
    client.get(&user)?.must_be(200)?;
    // Who is deleted gets no mail, so it has to be refused before.
    wait_for_sql(stack, "select count(*) from welcome_mails where refused_at is not null", "1", PATIENCE)?;
    client.ask("DELETE", &user, &[], &Value::Null)?.must_be(204)?;
    client.ask("PUT", &format!("{user}/restore"), &[], &Value::Null)?.must_be(200)?;
    let taken = client.ask("POST", users, &[], &moved)?.must_be_problem(409, "CONFLICT")?;
    let reused = client.ask("POST", users, &key, &moved)?.must_be_problem(422, "IDEMPOTENCY_KEY_REUSED")?;
    let wrong = json!({"email": CANARY[0], "username": format!("{} {}", CANARY[1], CANARY[2]), "full_name": 5});
    let wrong = client.ask("PATCH", &user, &[], &wrong)?.must_be_problem(422, "VALIDATION_ERROR")?;
    let unreadable = format!("{{\"email\": \"{}\"", email());
    let unreadable = client.ask("POST", users, &[], &json!(unreadable))?.must_be(422)?;
    let history = client.get(&format!("{user}/history"))?.must_be(200)?;
    ensure!(history.at("/items").as_array().is_some_and(|events| events.len() == 4), "{history:#?}");
    for answer in [taken, reused, wrong, unreadable, history] {
        nothing_in("an answer about a user", answer.body.to_string().as_bytes())?;
    }
    // In Redis, too, until it is removed for good.
    client.get(&user)?.must_be(200)?;
    Ok(())
}

/// Tasks, which say who and what as well: alone, in files with rows that are wrong, and on their way through mail.
fn tasks(stack: &Stack, client: &Client) -> Result<()> {
    let path = "/api/v1/tasks";
    let who = json!({"email": format!("tasks.{}", email()), "username": format!("{}_tasks", CANARY[0])});
    let who = client.ask("POST", "/api/v1/users", &[], &who)?.must_be(201)?.text("/id").to_owned();
    let soon =
        stack.psql("select to_char((now() + interval '2 s') at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")?;
    let said =
        json!({"title": CANARY[0], "description": email(), "tags": [CANARY[1]], "assignee_id": who, "due_at": soon});
    let made = client.ask("POST", path, &[("Idempotency-Key", "privacy-task")], &said)?.must_be(201)?;
    let task = format!("{path}/{}", made.text("/id"));
    client.ask("PATCH", &task, &[], &json!({"title": CANARY[2]}))?.must_be(200)?;
    client.get(&format!("{path}?text={}&tag={}", CANARY[2], CANARY[1]))?.must_be(200)?;
    let wrong =
        json!({"title": "", "priority": CANARY[0], "assignee_id": email(), "tags": [format!("{};", CANARY[1])]});
    let wrong = client.ask("POST", path, &[], &wrong)?.must_be_problem(422, "VALIDATION_ERROR")?;
    nothing_in("an answer about a task", wrong.body.to_string().as_bytes())?;
    let file = format!("title,assignee_id,due_at\n{0},,\n{0},{0},{0}\n", CANARY[2]);
    let file = client.upload(&format!("{path}/batch"), "text/csv", file.as_bytes())?;
    ensure!(number(&client.ended(&file, PATIENCE)?, "/progress/failed") == 1);
    nothing_in("rows of tasks", json!(client.rows(&file, 100)?).to_string().as_bytes())?;
    let moved = json!({"kind": "tasks.start", "filter": {"text": CANARY[2]}});
    let moved = client.ask("POST", "/api/v1/operations", &[], &moved)?.must_be(202)?;
    client.ended(moved.text("/id"), PATIENCE)?;
    // The mail server refuses what it has of the canary.
    wait_for_sql(stack, "select count(*) from reminder_mails where refused_at is not null", "1", PATIENCE)
}

/// What a partner tells of somebody.
fn told_by_a_partner(stack: &Stack, world: &World) -> Result<()> {
    let path = "/api/v1/partners/webhook";
    let partner = partner::add(stack, &world.tenant)?;
    let data = json!({"email": format!("told.{}", email()), "username": format!("{}_told", CANARY[0])});
    let body = json!({"event_type": "user.created", "event_id": CANARY[2], "data": data});
    for (signed, status) in [("POST", 200), ("PUT", 401)] {
        let headers = partner.sign(signed, path, &body)?;
        partner::send(&world.client, "POST", path, &headers, &body)?.must_be(status)?;
    }
    wait_for_sql(stack, "select count(*) from partner_events where state = 'processed'", "1", PATIENCE)
}

fn nothing_in(place: &str, bytes: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    for word in CANARY {
        if let Some(at) = text.find(word) {
            let around = text.get(text.floor_char_boundary(at.saturating_sub(300))..at).unwrap_or_default();
            anyhow::bail!("{word:?} is in {place}, after: {around}");
        }
    }
    Ok(())
}

fn histories(stack: &Stack, operation: &str) -> Result<()> {
    let list = stack.temporal.cli(&["workflow", "list", "--output", "json"])?;
    let runs: Vec<Value> = serde_json::from_str(&list)?;
    nothing_in("the list of workflows", list.as_bytes())?;
    let text = |run: &Value, name: &str| at(run, name).as_str().unwrap_or_default().to_owned();
    let mut types = Vec::new();
    for run in &runs {
        let (workflow, id) = (text(run, "/execution/workflowId"), text(run, "/execution/runId"));
        let show = ["workflow", "show", "-w", &workflow, "-r", &id, "--output", "json"];
        nothing_in(&workflow, stack.temporal.cli(&show)?.as_bytes())?;
        let describe = ["workflow", "describe", "-w", &workflow, "-r", &id, "--output", "json"];
        nothing_in(&workflow, stack.temporal.cli(&describe)?.as_bytes())?;
        types.push(text(run, "/type/name"));
    }
    for kind in ["RunOperation", "SendWelcomeMails", "SendWelcomeBatch", "SendReminders", "ProcessPartnerEvent"] {
        ensure!(types.iter().any(|name| name == kind), "no {kind} among {types:?}");
    }
    // And whatever else the server has stored, as it lies on the disk.
    let mut known = false;
    for file in files(stack.home(), "temporal.db")? {
        let bytes = fs::read(&file)?;
        nothing_in(&file.display().to_string(), &bytes)?;
        known |= String::from_utf8_lossy(&bytes).contains(operation);
    }
    ensure!(known, "the operation is not in Temporal's files: this test looks in the wrong place");
    Ok(())
}

fn files(folder: &Path, prefix: &str) -> Result<Vec<std::path::PathBuf>> {
    let entries = fs::read_dir(folder)?.flatten();
    let wanted = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    Ok(wanted.map(|entry| entry.path()).collect())
}

fn logs(stack: &Stack) -> Result<()> {
    let folder = stack.home().join("log");
    for name in ["api", "worker", "worker-2"] {
        let log = fs::read(folder.join(format!("{name}.log"))).with_context(|| format!("no log of {name}"))?;
        ensure!(String::from_utf8_lossy(&log).contains("TRACE"), "the log of {name} is not complete");
        nothing_in(&format!("the log of {name}"), &log)?;
    }
    Ok(())
}

/// Looks at the names of all keys that Redis has. The values are users, so that nobody needs to ask the database.
fn redis(stack: &Stack) -> Result<()> {
    let mut stream = TcpStream::connect(stack.redis.url().trim_start_matches("redis://"))?;
    stream.write_all(b"KEYS *\r\nQUIT\r\n")?;
    let mut names = String::new();
    stream.read_to_string(&mut names)?;
    for kind in ["id", "email", "username"] {
        ensure!(names.contains(&format!(":user:v1:{kind}:")), "no user is cached by {kind}: {names}");
    }
    nothing_in("the names of keys in Redis", names.as_bytes())
}
