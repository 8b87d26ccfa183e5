//! `bench soak`: mixed work at an even pace for a long time. What grows though the work does not is a leak.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use muster_testkit::{
    data,
    process::Program,
    procfs,
    spread::{ascending, median, per_mille},
    stack::Stack,
    tools::{announce, random_uuid},
};
use serde_json::{Value, json};

use super::{
    client::Client,
    report::{line, millis},
};

/// Pauses between two requests of a lane, and between two imports: far from what the machine could do.
const READS_EVERY: Duration = Duration::from_millis(5);
const CREATES_EVERY: Duration = Duration::from_millis(50);
const IMPORTS_EVERY: Duration = Duration::from_secs(10);
/// Users of an import, each with a mail.
const ROWS: usize = 2_000;
/// A window of figures.
const WINDOW: Duration = Duration::from_secs(30);
/// Caches and pools fill at first: one in so many windows does not count.
const WARM_UP: usize = 5;
/// What the last third may be of the first one.
const MAX_GROWTH: f64 = 1.1;
/// A few megabytes are no leak, and neither is a handful of files.
const SLACK_MIB: f64 = 8.0;
const SLACK_FILES: f64 = 8.0;
/// Latency depends on what else the machine does.
const MAX_P99_GROWTH: f64 = 1.5;
const PATIENCE: Duration = Duration::from_mins(5);

/// What was seen in one window.
#[derive(Clone, Copy, Default)]
struct Window {
    api_mib: f64,
    worker_mib: f64,
    api_files: f64,
    worker_files: f64,
    connections: f64,
    reads: usize,
    read_p99: Duration,
    create_p99: Duration,
}

pub(super) struct Figures {
    windows: Vec<Window>,
    users: u64,
    mails: u64,
}

/// What lanes tell.
#[derive(Default)]
struct Told {
    reads: Mutex<Vec<Duration>>,
    creates: Mutex<Vec<Duration>>,
    users: AtomicU64,
    over: AtomicBool,
}

impl Told {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }
}

pub(super) fn measure(stack: &Stack, time: Duration) -> Result<Figures> {
    let api = stack.spawn_ready(Program::Api, "api", &[("RATE_LIMIT_ENABLED", "false"), ("LOG_LEVEL", "warn")])?;
    let worker = stack.spawn_ready(Program::Worker, "worker", &[("LOG_LEVEL", "warn")])?;
    let tenant = random_uuid()?;
    let client = Client::new(&api.url(), &stack.token(&tenant)?);
    announce(&format!("reads, creates, imports and mails for {} minutes", time.as_secs() / 60));
    let told = Told::default();
    let windows = thread::scope(|scope| -> Result<Vec<Window>> {
        let (told, client) = (&told, &client);
        let lanes = [
            scope.spawn(move || read(client, told)),
            scope.spawn(move || create(client, told)),
            scope.spawn(move || import(stack, client, told)),
        ];
        let watch = || -> Result<Vec<Window>> {
            let begin = Instant::now();
            let mut windows = Vec::new();
            while begin.elapsed() < time && !lanes.iter().any(thread::ScopedJoinHandle::is_finished) {
                thread::sleep(WINDOW);
                windows.push(window(stack, api.pid(), worker.pid(), told)?);
            }
            Ok(windows)
        };
        let windows = watch();
        told.over.store(true, Ordering::Relaxed);
        for lane in lanes {
            lane.join().ok().context("a lane panicked")??;
        }
        windows
    })?;
    let users = told.users.load(Ordering::Relaxed);
    stack.mail.wait_for(users, PATIENCE)?;
    let mails = stack.mail.counters().accepted;
    let stored = stack.psql(&format!("select count(*) from users where tenant_id = '{tenant}'"))?;
    ensure!(stored == users.to_string() && mails == users, "{stored} users and {mails} mails instead of {users}");
    Ok(Figures { windows, users, mails })
}

fn read(client: &Client, told: &Told) -> Result<()> {
    let (_, id) = client.create("first", 0)?;
    told.users.fetch_add(1, Ordering::Relaxed);
    let paths = [format!("users/{id}"), "users?limit=20".to_owned(), "operations?limit=5".to_owned()];
    for path in paths.iter().cycle() {
        if !told.goes_on() {
            break;
        }
        let took = client.get(path)?;
        told.reads.lock().unwrap_or_else(PoisonError::into_inner).push(took);
        thread::sleep(READS_EVERY);
    }
    Ok(())
}

fn create(client: &Client, told: &Told) -> Result<()> {
    for n in 0.. {
        if !told.goes_on() {
            break;
        }
        let (took, _) = client.create("one", n)?;
        told.users.fetch_add(1, Ordering::Relaxed);
        told.creates.lock().unwrap_or_else(PoisonError::into_inner).push(took);
        thread::sleep(CREATES_EVERY);
    }
    Ok(())
}

fn import(stack: &Stack, client: &Client, told: &Told) -> Result<()> {
    let file = stack.home().join("users.csv");
    for n in 0.. {
        if !told.goes_on() {
            break;
        }
        let next = Instant::now() + IMPORTS_EVERY;
        data::csv_file(&file, &format!("many{n}"), ROWS)?;
        client.import(&file, true)?;
        told.users.fetch_add(u64::try_from(ROWS)?, Ordering::Relaxed);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

fn window(stack: &Stack, api: u32, worker: u32, told: &Told) -> Result<Window> {
    let take =
        |times: &Mutex<Vec<Duration>>| std::mem::take(&mut *times.lock().unwrap_or_else(PoisonError::into_inner));
    let (reads, creates) = (take(&told.reads), take(&told.creates));
    let mib =
        |pid| -> Result<f64> { Ok(as_f64(usize::try_from(procfs::rss(pid).context("it has ended")?)?) / 1_048_576.0) };
    let files = |pid| -> Result<f64> { Ok(as_f64(procfs::descriptors(pid).context("it has ended")?)) };
    Ok(Window {
        api_mib: mib(api)?,
        worker_mib: mib(worker)?,
        api_files: files(api)?,
        worker_files: files(worker)?,
        connections: stack.psql("select count(*) from pg_stat_activity where usename = 'muster_app'")?.parse()?,
        reads: reads.len(),
        read_p99: p99(reads),
        create_p99: p99(creates),
    })
}

fn p99(times: Vec<Duration>) -> Duration {
    per_mille(&ascending(times), 990)
}

fn as_f64(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

impl Figures {
    /// Medians of the first and the last third of what counts.
    fn ends(&self, of: impl Fn(&Window) -> f64) -> (f64, f64) {
        let skipped = self.windows.len() / WARM_UP;
        let counted: Vec<f64> = self.windows.iter().skip(skipped).map(of).collect();
        let third = counted.len().div_ceil(3);
        let first = counted.iter().take(third).copied().collect();
        let last = counted.iter().rev().take(third).copied().collect();
        (median(first), median(last))
    }

    fn all(&self) -> [(&'static str, (f64, f64), f64, f64); 7] {
        let read = |window: &Window| millis(window.read_p99);
        let create = |window: &Window| millis(window.create_p99);
        [
            ("api, MiB", self.ends(|window| window.api_mib), MAX_GROWTH, SLACK_MIB),
            ("worker, MiB", self.ends(|window| window.worker_mib), MAX_GROWTH, SLACK_MIB),
            ("api, files", self.ends(|window| window.api_files), MAX_GROWTH, SLACK_FILES),
            ("worker, files", self.ends(|window| window.worker_files), MAX_GROWTH, SLACK_FILES),
            ("connections", self.ends(|window| window.connections), MAX_GROWTH, SLACK_FILES),
            ("read p99, ms", self.ends(read), MAX_P99_GROWTH, 0.0),
            ("create p99, ms", self.ends(create), MAX_P99_GROWTH, 0.0),
        ]
    }
}

pub(super) fn json(figures: &Figures) -> Value {
    let windows = figures.windows.iter().map(|window| {
        json!({
            "api_mib": window.api_mib, "worker_mib": window.worker_mib,
            "api_files": window.api_files, "worker_files": window.worker_files,
            "connections": window.connections, "reads": window.reads,
            "read_p99_ms": millis(window.read_p99), "create_p99_ms": millis(window.create_p99),
        })
    });
    json!({
        "window_seconds": WINDOW.as_secs(),
        "users": figures.users,
        "mails": figures.mails,
        "windows": windows.collect::<Vec<_>>(),
    })
}

pub(super) fn print(figures: &Figures) {
    println!(
        "\n{} users, {} mails; {} windows of {} s",
        figures.users,
        figures.mails,
        figures.windows.len(),
        WINDOW.as_secs()
    );
    println!("\nTargets: the last third beside the first\n");
    for (name, (first, last), most, slack) in figures.all() {
        let is_flat = last <= first * most || last <= first + slack;
        line(name, format!("{first:.1} → {last:.1}"), &format!("≤ {most} ×"), is_flat);
    }
}
