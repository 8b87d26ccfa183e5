//! What both programs expose is exactly what happened, is what `docs/operate/metrics.md` says, and is what Prometheus reads.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{World, client::at, world::test};
use muster_testkit::{
    hooks::HookServer,
    http,
    mail::{Behaviour, Refusal},
    ports::free_port,
    provision,
    tools::wait_until,
};
use serde_json::json;

const PATIENCE: Duration = Duration::from_mins(1);
/// What the system may not tell.
const IN_CONTAINERS: &str = "muster_memory_limit_bytes";

/// A page as it was scraped.
struct Page(String);

impl Page {
    /// The value of a series; none if it is not there.
    fn value(&self, series: &str) -> Option<f64> {
        let line = self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        line.parse().ok()
    }

    /// Fails, and shows the page, unless each series has its value.
    fn has(&self, expected: &[(&str, f64)]) -> Result<()> {
        for (series, value) in expected {
            let found = self.value(series);
            ensure!(found == Some(*value), "{series} is {found:?} and not {value}:\n{}", self.0);
        }
        Ok(())
    }

    /// Names and types of all metrics.
    fn metrics(&self) -> BTreeMap<String, String> {
        let types = self.0.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
    }
}

/// A line of the table.
struct Told {
    kind: String,
    program: String,
    /// It is there once something has happened that happens to few.
    is_late: bool,
}

/// What the page for operators says, by name.
fn told() -> Result<BTreeMap<String, Told>> {
    let page = fs::read_to_string(provision::workspace_dir()?.join("docs/operate/metrics.md"))?;
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let told = rows.map(|(name, rest)| {
        let cell = |n| rest.split('|').nth(n).unwrap_or_default().trim().to_owned();
        let is_late = rest.contains("after the first one") || name == IN_CONTAINERS;
        (name.to_owned(), Told { kind: cell(1), program: cell(3), is_late })
    });
    Ok(told.collect())
}

/// Fails unless a program exposes what it is said to, and nothing else of ours.
fn as_told(page: &Page, program: &str) -> Result<()> {
    let (found, told) = (page.metrics(), told()?);
    let mine = |told: &Told| told.program == program || told.program == "both";
    for (name, told) in told.iter().filter(|(_, told)| mine(told)) {
        match found.get(name) {
            Some(kind) => ensure!(*kind == told.kind, "{name} of {program} is a {kind}"),
            None => ensure!(told.is_late, "{program} does not expose {name}:\n{}", page.0),
        }
    }
    let ours = found.keys().filter(|name| !name.starts_with("temporal_"));
    let untold: BTreeSet<_> = ours.filter(|name| !told.get(*name).is_some_and(mine)).collect();
    ensure!(untold.is_empty(), "docs/operate/metrics.md does not say that {program} exposes {untold:?}");
    Ok(())
}

/// Fails unless Prometheus can read the page, and finds nothing to say of our part of it.
fn is_well_formed(page: &Page) -> Result<()> {
    let mut child = Command::new(provision::promtool()?)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().context("no stdin")?.write_all(page.0.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8(output.stderr)? + &String::from_utf8(output.stdout)?;
    let of_ours: Vec<_> = said.lines().filter(|line| !line.starts_with("temporal_")).collect();
    ensure!(of_ours.is_empty(), "{of_ours:#?}");
    // 3 is for remarks; anything else but 0 is a page that cannot be read.
    ensure!(matches!(output.status.code(), Some(0 | 3)), "{:?}: {said}\n{}", output.status, page.0);
    Ok(())
}

#[test]
fn what_is_scraped_is_what_happened_and_what_is_documented() {
    test("metrics-all", |stack| {
        let port = free_port()?;
        let api = [("METRICS_PORT", port.to_string()), ("WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8".to_owned())];
        let api = api.each_ref().map(|(name, value)| (*name, value.as_str()));
        let world = World::start_with(stack, &api, Some(&[("WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8")]))?;
        let of_worker = || -> Result<Page> {
            let (status, text) = world.worker.as_ref().context("no worker")?.get("/metrics")?;
            ensure!(status == 200, "{status}: {text}");
            Ok(Page(text))
        };
        let receiver = HookServer::start()?;
        let endpoint = json!({ "url": receiver.url(), "events": ["operation.finished"] });
        world.client.ask("POST", "/api/v1/webhooks", &[], &endpoint)?.must_be(201)?;

        // 20 good rows and 3 bad ones; all mails are put off first, and one is refused then.
        stack.mail.behave(Behaviour::temporary(Refusal::Always));
        let good: Vec<_> = (1..=20).map(|n| format!("metric{n}@example.com,metric-{n}\n")).collect();
        let file = format!("email,username\n{}nope,bad-1\nnope,bad-2\nnope,bad-3\n", good.concat());
        let id = world.client.import_csv("", file.as_bytes())?;
        let operation = world.client.ended(&id, PATIENCE)?;
        ensure!(at(&operation, "/state") == "partially_succeeded", "{operation:#}");
        let deferred = "muster_mails_total{kind=\"welcome\",result=\"deferred\"}";
        wait_until("mails to be put off", PATIENCE, || {
            Ok((of_worker()?.value(deferred).unwrap_or_default() >= 20.0).then_some(()))
        })?;
        stack.mail.behave(Behaviour::refusing("metric7@"));
        world.client.mailed(&id, PATIENCE)?;

        let retries = "muster_activity_retries_total{activity=\"send_mails\"}";
        let sent = "muster_activity_duration_seconds_count{activity=\"send_mails\",outcome=\"completed\"}";
        let worker = wait_until("everything to be counted", PATIENCE, || {
            let page = of_worker()?;
            let looked = ["muster_outbox_waiting{outbox=\"webhooks\"}", "muster_sweep_success_timestamp_seconds"];
            let done = [sent, retries, "muster_webhook_attempts_total{result=\"delivered\"}"];
            let queue = "muster_task_queue_pollers{queue=\"muster-webhooks\",kind=\"activity\"}";
            let at_least = |series: &str| page.value(series).unwrap_or_default() >= 1.0;
            let all = done.iter().all(|series| at_least(series)) && at_least(queue);
            Ok((all && looked.iter().all(|series| page.value(series).is_some())).then_some(page))
        })?;
        worker.has(&[
            ("muster_rows_total{kind=\"users.import\",result=\"created\"}", 20.0),
            ("muster_rows_total{kind=\"users.import\",result=\"failed\"}", 3.0),
            ("muster_block_duration_seconds_count{kind=\"users.import\"}", 1.0),
            ("muster_operations_ended_total{kind=\"users.import\",state=\"partially_succeeded\"}", 1.0),
            ("muster_mails_total{kind=\"welcome\",result=\"sent\"}", 19.0),
            ("muster_mails_total{kind=\"welcome\",result=\"refused\"}", 1.0),
            ("muster_mails_total{kind=\"welcome\",result=\"unreachable\"}", 0.0),
            ("muster_mails_total{kind=\"reminder\",result=\"sent\"}", 0.0),
            ("muster_webhook_attempts_total{result=\"delivered\"}", 1.0),
            ("muster_webhook_attempts_total{result=\"refused\"}", 0.0),
            ("muster_activity_duration_seconds_count{activity=\"run_range\",outcome=\"completed\"}", 1.0),
            ("muster_activity_duration_seconds_count{activity=\"deliver_webhook\",outcome=\"completed\"}", 1.0),
            (sent, 1.0),
            ("muster_sweeps_total{result=\"failed\"}", 0.0),
            ("muster_outbox_waiting{outbox=\"operations\"}", 0.0),
            ("muster_outbox_oldest_age_seconds{outbox=\"operations\"}", 0.0),
            ("muster_operations{state=\"running\"}", 0.0),
            ("muster_looks_failed_total{at=\"database\"}", 0.0),
            ("cache_shared_up", 1.0),
            ("muster_build_info{program=\"worker\",version=\"0.1.0\"}", 1.0),
        ])?;
        // Each attempt met all 20: all were put off, however often.
        let put_off = worker.value(deferred).unwrap_or_default();
        let attempts = worker.value(retries).unwrap_or_default();
        ensure!((put_off - 20.0 * attempts).abs() < f64::EPSILON, "{put_off} were put off in {attempts} attempts");
        let started = "temporal_activity_schedule_to_start_latency_seconds_count";
        for queue in ["muster-small", "muster-mail", "muster-webhooks", "muster-control"] {
            let label = format!("task_queue=\"{queue}\"");
            let counted = worker.0.lines().any(|line| line.starts_with(started) && line.contains(&label));
            ensure!(counted, "no schedule-to-start of {queue}:\n{}", worker.0);
        }
        as_told(&worker, "worker")?;
        is_well_formed(&worker)?;

        let (status, text) = http::get(port, "/metrics")?;
        ensure!(status == 200, "{status}");
        let api = Page(text);
        let bytes = u32::try_from(file.len() + endpoint.to_string().len())?;
        api.has(&[
            ("muster_operations_accepted_total{kind=\"users.import\"}", 1.0),
            ("http_server_request_body_bytes_total", f64::from(bytes)),
            ("http_server_rate_limited_total{budget=\"default\"}", 0.0),
            ("http_server_active_requests", 0.0),
            ("muster_build_info{program=\"api\",version=\"0.1.0\"}", 1.0),
        ])?;
        ensure!(api.value("http_server_connections").is_some_and(|open| open >= 1.0), "{}", api.0);
        as_told(&api, "api")?;
        is_well_formed(&api)?;
        for page in [&worker, &api] {
            for personal in ["metric7", "example.com", world.tenant.as_str(), id.as_str()] {
                ensure!(!page.0.contains(personal), "{personal} is in\n{}", page.0);
            }
        }
        Ok(())
    });
}

#[test]
fn what_waits_while_temporal_is_down_shows_its_age_and_a_worker_that_cannot_ask_says_nothing_old() {
    test("metrics-outage", |stack| {
        let world = World::start_with(stack, &[], Some(&[]))?;
        let of_worker = || -> Result<Page> { Ok(Page(world.worker.as_ref().context("no worker")?.get("/metrics")?.1)) };
        let pollers = "muster_task_queue_pollers{queue=\"muster-control\",kind=\"workflow\"}";
        wait_until("task queues to be known", PATIENCE, || {
            Ok(of_worker()?.value(pollers).is_some_and(|found| found >= 1.0).then_some(()))
        })?;
        stack.temporal.stop()?;
        world.client.import_csv("", b"email,username\nada@example.com,ada\n")?;
        let page = wait_until("the operation to be old", PATIENCE, || {
            let page = of_worker()?;
            let age = page.value("muster_outbox_oldest_age_seconds{outbox=\"operations\"}").unwrap_or_default();
            let failed = page.value("muster_looks_failed_total{at=\"engine\"}").unwrap_or_default();
            Ok((age > 5.0 && failed >= 1.0).then_some(page))
        })?;
        page.has(&[
            ("muster_outbox_waiting{outbox=\"operations\"}", 1.0),
            ("muster_operations{state=\"queued\"}", 1.0),
            ("muster_looks_failed_total{at=\"database\"}", 0.0),
        ])?;
        ensure!(page.value(pollers).is_none(), "who cannot be asked has no number:\n{}", page.0);
        Ok(())
    });
}
