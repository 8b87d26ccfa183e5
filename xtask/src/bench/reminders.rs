//! `bench reminders`: how late mails about tasks come while a million others sleep, what a look costs, and what reminders
//! cost those who insert tasks in bulk.

use std::{
    fs,
    ops::RangeInclusive,
    time::{Duration, Instant, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use muster_testkit::{
    spread::{ascending, median, per_mille},
    stack::Stack,
    tools::{announce, wait_until},
};
use serde_json::{Value, json};

use super::{
    reminded_import,
    report::{line, millis},
};

/// Rows of a statement, as in an import.
const BLOCK: usize = 10_000;
/// Rows of a bulk insert, and how often it is done each way; the median counts.
const BULK: usize = 100_000;
const ROUNDS: usize = 3;
/// The dates of those that are due come within so many seconds.
const WITHIN: usize = 60;
/// Seconds until the first of them: longer than it takes to insert them.
const AHEAD: usize = 20;
const PATIENCE: Duration = Duration::from_mins(10);
const MAX_P99_SECONDS: f64 = 20.0;
const MAX_RATIO: f64 = 1.2;

/// What is measured.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    /// Tasks that sleep.
    pub(super) sleeping: usize,
    /// Tasks that are due within a minute.
    pub(super) due: usize,
    /// Tenants among whom everything is spread evenly.
    pub(super) tenants: usize,
}

/// What was measured.
pub(super) struct Figures {
    tenants: usize,
    sleeping: usize,
    due: usize,
    /// The median of the bulk inserts, with reminders and without.
    with: Duration,
    without: Duration,
    /// The same of imports over HTTP.
    import_with: Duration,
    import_without: Duration,
    /// Of the index on which those that sleep have a line each.
    index_bytes: String,
    /// One look for tenants with something that is due, when there is none.
    look_ms: f64,
    /// From the date to the mail server, in seconds, ascending.
    late: Vec<f64>,
    /// Workflows that sent them.
    batches: usize,
}

impl Figures {
    fn ratio(&self) -> f64 {
        self.with.as_secs_f64() / self.without.as_secs_f64()
    }

    fn import_ratio(&self) -> f64 {
        self.import_with.as_secs_f64() / self.import_without.as_secs_f64()
    }
}

pub(super) fn measure(stack: &Stack, asked: Asked) -> Result<Figures> {
    let Asked { sleeping, due, tenants } = asked;
    announce(&format!("{sleeping} tasks of {tenants} tenants that remind later than today"));
    in_blocks(sleeping, |from, to| insert(stack, tenants, from..=to, "sleeping", true))?;
    stack.psql("vacuum analyze tasks")?;
    let index_bytes = stack.psql("select pg_size_pretty(pg_relation_size('tasks_reminders'))")?;

    announce(&format!("{BULK} more, with reminders and without, {ROUNDS} times each"));
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(bulk(stack, tenants, false)?);
        with.push(bulk(stack, tenants, true)?);
    }
    stack.psql("vacuum analyze tasks")?;
    let look_ms = look(stack)?;
    let (import_with, import_without) = reminded_import::measure(stack)?;

    announce(&format!("{due} that remind within {WITHIN} seconds"));
    let worker = stack.spawn_worker()?;
    let begin = make_due(stack, tenants, due)?;
    stack.mail.wait_for(u64::try_from(due)?, PATIENCE)?;
    let left = "select count(*) from reminder_mails";
    wait_until("the last record", PATIENCE, || Ok((stack.psql(left)? == "0").then_some(())))?;
    let late = lateness(stack, due, begin)?;
    let list = ["workflow", "list", "--limit", "100000", "--query", "WorkflowType='SendReminders'", "--output", "json"];
    let list: Vec<Value> = serde_json::from_str(&stack.temporal.cli(&list)?)?;
    drop(worker);
    Ok(Figures {
        tenants,
        sleeping,
        due,
        with: median(with),
        without: median(without),
        import_with,
        import_without,
        index_bytes,
        look_ms,
        late,
        batches: list.len(),
    })
}

fn in_blocks(rows: usize, mut insert: impl FnMut(usize, usize) -> Result<()>) -> Result<()> {
    (0..rows).step_by(BLOCK).try_for_each(|from| insert(from, (from + BLOCK).min(rows) - 1))
}

/// A bulk insert into the table as it is by then, which is as it was before afterwards.
fn bulk(stack: &Stack, tenants: usize, reminders: bool) -> Result<Duration> {
    stack.psql("checkpoint")?;
    let begin = Instant::now();
    in_blocks(BULK, |from, to| insert(stack, tenants, from..=to, "bulk", reminders))?;
    let took = begin.elapsed();
    stack.psql("delete from tasks where tags = '{bulk}'")?;
    stack.psql("vacuum tasks")?;
    Ok(took)
}

/// Tasks that are due on a day of the next months and remind twice before, or do not remind at all. By Postgres alone: the
/// columns are those that the repository writes, made by the statement itself.
fn insert(stack: &Stack, tenants: usize, rows: RangeInclusive<usize>, tag: &str, reminders: bool) -> Result<()> {
    let (from, to) = (rows.start(), rows.end());
    let (dates, next) = if reminders {
        ("array[due - interval '1 day', due - interval '1 hour']", "due - interval '1 day'")
    } else {
        ("'{}'", "null")
    };
    stack
        .psql(&format!(
            "insert into tasks (
                 tenant_id, id, title, status, priority, assignee_id, creator_id, due_at, remind_at, tags, version,
                 created_at, updated_at, reminded_through, next_reminder_at
             )
             select {tenant}, gen_random_uuid(), 'Task ' || n, 'todo', 1, gen_random_uuid(), gen_random_uuid(), due, {dates},
                    '{{{tag}}}', 1, now(), now(), now(), {next}
             from (
                 select n, now() + interval '2 days' + n % 7776000 * interval '1 second' as due
                 from generate_series({from}, {to}) n
             ) made",
            tenant = tenant("n", tenants),
        ))
        .map(drop)
}

fn tenant(n: &str, tenants: usize) -> String {
    format!("format('00000000-0000-4000-8000-%s', lpad(({n} % {tenants})::text, 12, '0'))::uuid")
}

/// What Postgres takes to find that nothing is due.
fn look(stack: &Stack) -> Result<f64> {
    let sql = "explain (analyze, format json)
               select * from muster_due_reminders(now(), '00000000-0000-0000-0000-000000000000', 100)";
    let mut times = Vec::new();
    for _ in 0..5 {
        let plan: Value = serde_json::from_str(&stack.psql(sql)?)?;
        ensure!(plan.pointer("/0/Plan/Actual Rows").and_then(Value::as_f64) == Some(0.0), "something is due: {plan}");
        times.push(plan.pointer("/0/Execution Time").and_then(Value::as_f64).context("no time in the plan")?);
    }
    Ok(median(times))
}

/// Makes users and a task of each; gives the first date in seconds since 1970.
fn make_due(stack: &Stack, tenants: usize, due: usize) -> Result<f64> {
    let begin: f64 = stack.psql(&format!("select extract(epoch from now()) + {AHEAD}"))?.parse()?;
    in_blocks(due, |from, to| {
        stack
            .psql(&format!(
                "with made as (
                     select n, {tenant} as tenant_id, gen_random_uuid() as user_id,
                            to_timestamp({begin}) + n * interval '{WITHIN} seconds' / {due} as at
                     from generate_series({from}, {to}) n
                 ), users as (
                     insert into users (tenant_id, id, email, username, created_at, updated_at)
                     select tenant_id, user_id, 'due' || n || '@example.com', 'due' || n, now(), now() from made
                 )
                 insert into tasks (
                     tenant_id, id, title, status, priority, assignee_id, remind_at, version, created_at, updated_at,
                     reminded_through, next_reminder_at
                 )
                 select tenant_id, gen_random_uuid(), 'Due', 'todo', 1, user_id, array[at], 1, now(), now(), now(), at
                 from made",
                tenant = tenant("n", tenants),
            ))
            .map(drop)
    })?;
    let behind = stack.psql(&format!("select extract(epoch from now()) < {begin}"))?;
    ensure!(behind == "t", "it took longer to insert them than until the first is due");
    Ok(begin)
}

/// How long after its date each mail was there: the number of its user says which date that was.
fn lateness(stack: &Stack, due: usize, begin: f64) -> Result<Vec<f64>> {
    let step = as_f64(WITHIN)? / as_f64(due)?;
    let mut late = Vec::with_capacity(due);
    for file in fs::read_dir(stack.home().join("mail"))? {
        let path = file?.path();
        let text = fs::read_to_string(&path)?;
        let Some((_, rest)) = text.split_once("To: due") else { continue };
        let number = rest.split('@').next().unwrap_or_default();
        let number: usize = number.parse().with_context(|| format!("no number in {}", path.display()))?;
        let arrived = path.metadata()?.modified()?.duration_since(UNIX_EPOCH)?.as_secs_f64();
        late.push(arrived - begin - step * as_f64(number)?);
    }
    ensure!(late.len() == due, "{} mails instead of {due}", late.len());
    let late = ascending(late);
    ensure!(late.first().is_some_and(|first| *first >= 0.0), "a mail came before its date: {late:?}");
    Ok(late)
}

fn as_f64(n: usize) -> Result<f64> {
    Ok(f64::from(u32::try_from(n)?))
}

pub(super) fn json(figures: &Figures) -> Value {
    json!({
        "sleeping": figures.sleeping,
        "due": figures.due,
        "tenants": figures.tenants,
        "bulk_rows": BULK,
        "bulk_seconds_with_reminders": figures.with.as_secs_f64(),
        "bulk_seconds_without": figures.without.as_secs_f64(),
        "bulk_ratio": figures.ratio(),
        "import_seconds_with_reminders": figures.import_with.as_secs_f64(),
        "import_seconds_without": figures.import_without.as_secs_f64(),
        "import_ratio": figures.import_ratio(),
        "index": figures.index_bytes,
        "look_ms": figures.look_ms,
        "batches": figures.batches,
        "late_seconds": {
            "p50": per_mille(&figures.late, 500), "p99": per_mille(&figures.late, 990), "most": per_mille(&figures.late, 1000),
        },
    })
}

pub(super) fn print(figures: &Figures) {
    let Figures { sleeping, due, index_bytes, look_ms, batches, .. } = figures;
    println!(
        "\n{sleeping} sleep; the index of reminders has {index_bytes}; a look that finds nothing takes {look_ms:.1} ms"
    );
    println!("{due} mails of {batches} workflows; the latest was {:.1} s late", per_mille(&figures.late, 1000));
    println!(
        "{BULK} tasks were inserted in {:.0} ms with reminders, in {:.0} ms without; imported over HTTP in {:.0} ms and \
         {:.0} ms\n\nTargets\n",
        millis(figures.with),
        millis(figures.without),
        millis(figures.import_with),
        millis(figures.import_without)
    );
    let (p50, p99) = (per_mille(&figures.late, 500), per_mille(&figures.late, 990));
    let limit = format!("p99 ≤ {MAX_P99_SECONDS:.0} s");
    line("lateness", format!("p50 {p50:.1} s, p99 {p99:.1} s"), &limit, p99 <= MAX_P99_SECONDS);
    for (name, ratio) in [("bulk insert", figures.ratio()), ("import", figures.import_ratio())] {
        line(name, format!("{ratio:.2} × without"), &format!("≤ {MAX_RATIO} ×"), ratio <= MAX_RATIO);
    }
}
