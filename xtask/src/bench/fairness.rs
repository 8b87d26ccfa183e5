//! The measurements of `bench fairness`.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow};
use muster_testkit::{
    data,
    stack::Stack,
    tools::{announce, random_uuid},
};
use serde_json::{Value, json};

use super::{client::Client, report::line};

/// Users of one request of the small tenant.
const SMALL: usize = 10;
/// Users of a request that is no small operation any more: it queues with the blocks of others.
const LARGER: usize = 2_000;
const WARM_UP: usize = 20;
/// Requests that are measured at rest, and at most beside the imports.
const IDLE: usize = 100;
const MOST: usize = 400;
/// Files that the large tenant sends at once when it does not send one.
const FILES: usize = 20;
/// What is promised of the small tenant's p95 beside the large one.
const MAX_RATIO: f64 = 3.0;

/// Times of the small tenant's requests, ascending.
pub(super) struct Times(Vec<Duration>);

/// What was measured on one stack.
pub(super) struct Figures {
    pub(super) fair: bool,
    pub(super) idle: Times,
    /// Beside one file with all users.
    pub(super) one_file: Times,
    /// Beside as many users in several files at once.
    pub(super) files: Times,
    /// Of larger requests, at rest.
    pub(super) larger_idle: Times,
    /// Of larger requests, beside several files.
    pub(super) larger_files: Times,
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    fn percent(&self, percent: usize) -> f64 {
        let at = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }
}

pub(super) fn measure(stack: &Stack, users: usize, fair: bool) -> Result<Figures> {
    let _worker = stack.spawn_worker()?;
    let api = stack.spawn_api()?;
    let client = |tenant: &str| -> Result<Client> { Ok(Client::new(&api.url(), &stack.token(tenant)?)) };
    let (large, small) = (random_uuid()?, random_uuid()?);
    let small = client(&small)?;
    announce(&format!("fairness {}: {IDLE} requests at rest", if fair { "on" } else { "off" }));
    for n in 0..WARM_UP {
        small.timed_batch(&format!("warm{n}"), SMALL)?;
    }
    let larger_idle = (0..WARM_UP).map(|n| small.timed_batch(&format!("larger{n}"), LARGER)).collect::<Result<_>>()?;
    let idle = (0..IDLE).map(|n| small.timed_batch(&format!("idle{n}"), SMALL)).collect::<Result<_>>()?;
    let beside = |name: &str, files: usize, count: usize| -> Result<Times> {
        announce(&format!("requests of {count} beside {users} users in {files} file(s)"));
        let paths: Vec<_> =
            (0..files).map(|n| csv(stack.home(), &format!("{name}{n}"), users / files)).collect::<Result<_>>()?;
        let clients = paths.iter().map(|_| client(&large)).collect::<Result<Vec<_>>>()?;
        beside(&small, name, count, &clients, &paths)
    };
    let one_file = beside("one", 1, SMALL)?;
    let files = beside("many", FILES, SMALL)?;
    let larger_files = beside("more", FILES, LARGER)?;
    let (idle, larger_idle) = (Times::of(idle), Times::of(larger_idle));
    Ok(Figures { fair, idle, one_file, files, larger_idle, larger_files })
}

fn csv(home: &Path, name: &str, users: usize) -> Result<PathBuf> {
    let file = home.join(format!("{name}.csv"));
    data::csv_file(&file, name, users)?;
    Ok(file)
}

/// Requests of the small tenant, one after another, for as long as the imports of the large one go on.
fn beside(small: &Client, name: &str, count: usize, large: &[Client], files: &[PathBuf]) -> Result<Times> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let imports = scope.spawn(|| {
            let imports = thread::scope(|scope| {
                let begun: Vec<_> =
                    large.iter().zip(files).map(|(client, file)| scope.spawn(|| client.import(file, false))).collect();
                begun.into_iter().map(|import| import.join().map_err(|_| anyhow!("an import panicked"))?).collect()
            });
            over.store(true, Ordering::Relaxed);
            imports
        });
        let mut times = Vec::new();
        while !over.load(Ordering::Relaxed) && times.len() < MOST {
            times.push(small.timed_batch(&format!("{name}-{}", times.len()), count)?);
        }
        let imports: Result<Vec<_>> = imports.join().map_err(|_| anyhow!("the imports panicked"))?;
        imports.context("the large tenant")?;
        Ok(Times::of(times))
    })
}

pub(super) fn print(figures: &[Figures]) {
    println!(
        "\n{:<9} {:<8} {:<9} {:>9} {:>9} {:>9} {:>9} {:>10}",
        "fairness", "users", "beside", "requests", "p50 ms", "p95 ms", "max ms", "p95 ratio"
    );
    for measured in figures {
        for (users, beside, times, idle) in rows(measured) {
            println!(
                "{:<9} {users:<8} {beside:<9} {:>9} {:>9.1} {:>9.1} {:>9.1} {:>10.2}",
                if measured.fair { "on" } else { "off" },
                times.0.len(),
                times.percent(50),
                times.percent(95),
                times.percent(100),
                times.percent(95) / idle.percent(95)
            );
        }
    }
    println!("\nTargets\n");
    for measured in figures.iter().filter(|measured| measured.fair) {
        let ratio = measured.one_file.percent(95) / measured.idle.percent(95);
        line("p95 beside one file", format!("{ratio:.2} × idle"), &format!("≤ {MAX_RATIO:.1} ×"), ratio <= MAX_RATIO);
    }
}

/// Users of a request, what it was beside, its times, and those at rest.
const fn rows(figures: &Figures) -> [(usize, &'static str, &Times, &Times); 5] {
    let Figures { idle, one_file, files, larger_idle, larger_files, .. } = figures;
    [
        (SMALL, "nothing", idle, idle),
        (SMALL, "one file", one_file, idle),
        (SMALL, "20 files", files, idle),
        (LARGER, "nothing", larger_idle, larger_idle),
        (LARGER, "20 files", larger_files, larger_idle),
    ]
}

pub(super) fn json(figures: &[Figures]) -> Value {
    let times = |times: &Times| json!({"requests": times.0.len(), "p50_ms": times.percent(50), "p95_ms": times.percent(95), "max_ms": times.percent(100)});
    let one = |figures: &Figures| {
        json!({
            "fairness": figures.fair,
            "idle": times(&figures.idle),
            "one_file": times(&figures.one_file),
            "files": times(&figures.files),
            "larger_idle": times(&figures.larger_idle),
            "larger_files": times(&figures.larger_files),
        })
    };
    figures.iter().map(one).collect()
}
