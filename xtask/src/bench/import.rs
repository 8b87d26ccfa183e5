//! The measurements of `bench import`.

use std::{process::Command, time::Duration};

use anyhow::{Context as _, Result};
use muster_testkit::{
    data,
    process::Service,
    procfs,
    spread::median,
    stack::Stack,
    tools::{announce, output_of, random_uuid, wait_until},
};
use serde_json::Value;

use super::{
    client::Client,
    copy,
    memory::{self, Memory},
};

/// Up to so many rows an import is over so soon that chance shows: the median of several counts.
const REPEATED: usize = 100_000;
const REPEATS: usize = 3;
const SMALL: usize = 100;

/// All that was measured.
pub(super) struct Figures {
    pub(super) sizes: Vec<Size>,
    pub(super) batches: Batches,
    pub(super) batches_without_mail: Batches,
    pub(super) ping_p50: Duration,
    pub(super) mails_per_second: f64,
}

/// Small requests, one after another: medians.
pub(super) struct Batches {
    pub(super) p50: Duration,
    /// Of the server's share, by its own clock.
    pub(super) phases: Phases,
}

/// One import: of several of the same size the one that took the median time.
pub(super) struct Size {
    pub(super) rows: usize,
    /// Seconds of all of them, in order.
    pub(super) totals: Vec<f64>,
    pub(super) copy: Duration,
    pub(super) total: Duration,
    pub(super) upload: Duration,
    pub(super) phases: Phases,
    pub(super) cpu: Cpu,
    pub(super) api: Memory,
    pub(super) worker: Memory,
    pub(super) events: usize,
    pub(super) workflows: usize,
}

/// Seconds by the server's own clock.
#[derive(Clone, Copy, Default)]
pub(super) struct Phases {
    pub(super) receive: f64,
    pub(super) queue: f64,
    pub(super) import: f64,
}

/// Processor seconds.
#[derive(Clone, Copy, Default)]
pub(super) struct Cpu {
    pub(super) api: f64,
    pub(super) worker: f64,
    pub(super) postgres: f64,
}

pub(super) fn measure(stack: &Stack, most: usize) -> Result<Figures> {
    let worker = stack.spawn_worker()?;
    let api = stack.spawn_api()?;
    let tenant = random_uuid()?;
    let client = Client::new(&api.url(), &stack.token(&tenant)?);
    copy::prepare(stack)?;
    let mut rows: Vec<usize> = [10_000, 100_000, 1_000_000].into_iter().filter(|rows| *rows < most).collect();
    rows.push(most);

    // First, on a stack at rest: afterwards each commit would wait for the disk to take the bulk of the rows.
    announce("100 users a request, one request after another: without mail, then by default");
    let batches_without_mail = small_batches(stack, &client, "plain", Some(false))?;
    stack.mail.clear();
    let batches = small_batches(stack, &client, "small", None)?;
    // What is still on its way must not be counted, or be in the way, below.
    stack.mail.wait_for(u64::try_from((WARM_UP + BATCHES) * SMALL)?, Duration::from_mins(5))?;
    let ping_p50 = ping(stack)?;
    announce("20 000 users with welcome mails");
    let mails_per_second = mails(stack, &client)?;

    let mut sizes = Vec::new();
    for rows in rows {
        let repeats = if rows > REPEATED { 1 } else { REPEATS };
        announce(&format!("{rows} rows: COPY, import, COPY; {repeats} times"));
        let mut runs =
            (0..repeats).map(|run| size(stack, &client, &api, &worker, rows, run)).collect::<Result<Vec<Size>>>()?;
        let totals = runs.iter().map(|run| run.total.as_secs_f64()).collect();
        runs.sort_by_key(|run| run.total);
        let median = runs.swap_remove(runs.len() / 2);
        sizes.push(Size { totals, ..median });
    }
    copy::finish(stack)?;

    Ok(Figures { sizes, batches, batches_without_mail, ping_p50, mails_per_second })
}

fn size(stack: &Stack, client: &Client, api: &Service, worker: &Service, rows: usize, run: usize) -> Result<Size> {
    // Other users on each run.
    let prefix = format!("b{rows}r{run}");
    let file = stack.home().join("users.csv");
    let plain = stack.home().join("plain.csv");
    data::csv_file(&file, &prefix, rows)?;
    copy::rows_file(&plain, &prefix, rows)?;

    // Before and after, because a machine is not equally fast all the time.
    let before = copy::copy(stack, &plain)?;
    stack.psql("checkpoint")?;
    let cpu_before = cpu(stack, api, worker);
    let (import, [api_memory, worker_memory]) =
        memory::during([api.pid(), worker.pid()], || client.import(&file, false));
    let import = import?;
    let cpu_after = cpu(stack, api, worker);
    let after = copy::copy(stack, &plain)?;
    let (workflows, events) = history(stack, &import.operation)?;
    Ok(Size {
        rows,
        totals: Vec::new(),
        copy: (before + after) / 2,
        total: import.total,
        upload: import.upload,
        phases: phases(stack, std::slice::from_ref(&import.operation))?,
        cpu: Cpu {
            api: cpu_after.api - cpu_before.api,
            worker: cpu_after.worker - cpu_before.worker,
            postgres: cpu_after.postgres - cpu_before.postgres,
        },
        api: api_memory,
        worker: worker_memory,
        events,
        workflows,
    })
}

fn cpu(stack: &Stack, api: &Service, worker: &Service) -> Cpu {
    let seconds = |pid| procfs::cpu_seconds_of_family(pid).unwrap_or_default();
    Cpu {
        api: seconds(api.pid()),
        worker: seconds(worker.pid()),
        postgres: stack.postgres.pid().map(seconds).unwrap_or_default(),
    }
}

/// Medians over the operations.
fn phases(stack: &Stack, operations: &[String]) -> Result<Phases> {
    let median = |span: &str| format!("percentile_cont(0.5) within group (order by extract(epoch from {span}))");
    let row = stack.psql(&format!(
        "select {}, {}, {} from operations where id in ('{}')",
        median("queued_at - created_at"),
        median("started_at - queued_at"),
        median("finished_at - started_at"),
        operations.join("', '")
    ))?;
    let mut seconds = row.split('|').map(|field| field.parse().unwrap_or_default());
    let mut next = || seconds.next().unwrap_or_default();
    Ok(Phases { receive: next(), queue: next(), import: next() })
}

/// Workflow runs of an operation, and the events of all their histories.
fn history(stack: &Stack, operation: &str) -> Result<(usize, usize)> {
    let query = format!("MusterOperation = '{operation}'");
    // The operation ends a moment before its workflow, and the list shows that a moment later.
    let runs = wait_until("the workflows of the import to end", Duration::from_secs(30), || {
        let list = stack.temporal.cli(&["workflow", "list", "--query", &query, "--output", "json"])?;
        let runs: Vec<Value> = serde_json::from_str(&list)?;
        let open = |run: &Value| run.get("status").and_then(Value::as_str) == Some("WORKFLOW_EXECUTION_STATUS_RUNNING");
        Ok((!runs.is_empty() && !runs.iter().any(open)).then_some(runs))
    })?;
    let mut events = 0;
    for run in &runs {
        let text = |name: &str| run.pointer(&format!("/execution/{name}")).and_then(Value::as_str).unwrap_or_default();
        let (workflow, run) = (text("workflowId"), text("runId"));
        let shown = stack.temporal.cli(&["workflow", "show", "-w", workflow, "-r", run, "--output", "json"])?;
        let history: Value = serde_json::from_str(&shown)?;
        events += history.get("events").and_then(Value::as_array).map_or(0, Vec::len);
    }
    Ok((runs.len(), events))
}

const WARM_UP: usize = 20;
const BATCHES: usize = 100;

fn small_batches(stack: &Stack, client: &Client, prefix: &str, send_welcome: Option<bool>) -> Result<Batches> {
    let batch = |n: usize| client.small_batch(&format!("{prefix}{n}"), SMALL, send_welcome);
    for n in 0..WARM_UP {
        batch(n)?;
    }
    let measured = (WARM_UP..WARM_UP + BATCHES).map(batch).collect::<Result<Vec<_>>>()?;
    let (times, operations): (Vec<_>, Vec<_>) = measured.into_iter().unzip();
    Ok(Batches { p50: median(times), phases: phases(stack, &operations)? })
}

fn ping(stack: &Stack) -> Result<Duration> {
    let mut muster: Command = stack.muster()?;
    let answer: Value = serde_json::from_str(&output_of(muster.args(["ping", "--count", "100", "--json"]))?)?;
    let p50 = answer.get("p50_ms").and_then(Value::as_f64).context("`muster ping` gave no p50_ms")?;
    Ok(Duration::from_secs_f64(p50 / 1000.0))
}

fn mails(stack: &Stack, client: &Client) -> Result<f64> {
    const MAILS: u32 = 20_000;
    let file = stack.home().join("mails.csv");
    data::csv_file(&file, "mails", MAILS as usize)?;
    stack.mail.clear();
    client.import(&file, true)?;
    stack.mail.wait_for(u64::from(MAILS), Duration::from_mins(5))?;
    let span = stack.mail.span().context("no mail came")?;
    Ok(f64::from(MAILS - 1) / span.as_secs_f64())
}
