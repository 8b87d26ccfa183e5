//! `bench http`: the API under load, each kind of request beside a bare handler on the same server, turn by turn.

mod load;
mod report;
mod stalls;
mod wire;

use std::{
    io::{BufWriter, Write as _},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};
use muster_testkit::{
    child::Managed,
    ports::free_port,
    process::Program,
    procfs,
    spread::{median, per_mille},
    stack::Stack,
    template::DATABASE,
    tools::{announce, wait_until},
};

use self::load::{Ask, Load, Pressure, Request};
pub(super) use self::report::{json, print};
use self::stalls::Watch;

/// The tenant that the baseline reads as well.
const TENANT: &str = "6b1f6a52-8f5b-4d6e-9d5e-0c7f3c1d2e4f";
/// Users of the tenant: so many that a page by offset has a total that is not counted each time.
const USERS: usize = 50_000;
const CONNECTIONS: u32 = 64;
/// At half load: so many that a request which waits for the disk does not keep the next from being sent in time.
const CALM_CONNECTIONS: u32 = 32;
/// Connections of the bare handlers to Postgres: commits that wait for the disk together share one write of it. The API has as
/// many as it has by default.
const POOL: &str = "48";
const REPEATS: usize = 3;
/// Turns at half load.
const CALM_REPEATS: usize = 5;
const WARM_UP: Duration = Duration::from_secs(2);
/// Before each turn at half load, at the same pace.
const SETTLE: Duration = Duration::from_millis(250);

/// One kind of request: medians over the turns.
pub(super) struct Figures {
    name: &'static str,
    target: Target,
    per_second: f64,
    baseline_per_second: f64,
    /// Each turn's share of the baseline of that turn.
    ratios: Vec<f64>,
    /// CPU seconds of a thousand requests.
    cpu: Cpu,
    baseline_cpu: Cpu,
    half: Latencies,
    /// Of the baseline at half of what that can do: how much of it is the machine's.
    baseline_half: Latencies,
}

/// What is wanted.
#[derive(Clone, Copy)]
struct Target {
    ratio: f64,
    per_second: f64,
}

#[derive(Clone, Copy, Default)]
struct Cpu {
    server: f64,
    postgres: f64,
}

/// At half of what the server can do: of a turn, or the medians of several.
struct Latencies {
    p50: Duration,
    /// Of the answers that no stall of the machine has held up.
    p99: Duration,
    /// Of all.
    all_p99: Duration,
    /// How many of a hundred a stall has held up.
    held_up: f64,
    /// In each turn, how many times p50 is p99.
    spreads: Vec<f64>,
}

struct Side<'a> {
    ask: Ask<'a>,
    pid: u32,
}

pub(super) fn measure(stack: &Stack, baseline: PathBuf, time: Duration) -> Result<Vec<Figures>> {
    // The worker would send mails and index users meanwhile, on the same two cores.
    let variables = [("RATE_LIMIT_ENABLED", "false"), ("LOG_LEVEL", "warn")];
    let api = stack.spawn_ready(Program::Api, "api", &variables)?;
    let token = stack.token(TENANT)?;
    fill(stack)?;
    let id = stack.psql(&format!("select id from users where tenant_id = '{TENANT}' order by id limit 1"))?;
    let (bare, beside) = start_baseline(stack, baseline)?;

    let head = |method: &str, path: &str| format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    let api_head = |method: &str, path: &str| format!("{}authorization: Bearer {token}\r\n", head(method, path));
    let fixed = |head: String| move |_: u64| format!("{head}\r\n").into_bytes();
    let get = fixed(api_head("GET", &format!("/api/v1/users/{id}")));
    let list = fixed(api_head("GET", "/api/v1/users?limit=20"));
    let post = create(api_head("POST", "/api/v1/users"));
    let (bare_get, bare_list) = (fixed(head("GET", "/static")), fixed(head("GET", "/users")));
    let bare_post = create(head("POST", "/users"));

    let kinds: [(&'static str, Target, u16, Request, Request); 3] = [
        ("get, hot", Target { ratio: 0.6, per_second: 30_000.0 }, 200, &get, &bare_get),
        ("list of 20", Target { ratio: 0.4, per_second: 8_000.0 }, 200, &list, &bare_list),
        ("create", Target { ratio: 0.6, per_second: 7_000.0 }, 201, &post, &bare_post),
    ];
    if let Err(error) = Watch::start() {
        announce(&format!("stalls of the machine count as those of the service: {error:#}"));
    }
    let mut all = Vec::new();
    for (name, target, status, request, bare_request) in kinds {
        announce(&format!("{name}: {REPEATS} turns of {} s, each beside its baseline", time.as_secs()));
        let api = Side { ask: Ask { port: api.port(), status, request }, pid: api.pid() };
        let bare = Side { ask: Ask { port: beside, status, request: bare_request }, pid: bare.pid() };
        all.push(kind(stack, name, target, &api, &bare, time)?);
    }
    Ok(all)
}

fn kind(stack: &Stack, name: &'static str, target: Target, api: &Side, bare: &Side, time: Duration) -> Result<Figures> {
    let full = Pressure { connections: CONNECTIONS, time, rate: None };
    for side in [api, bare] {
        load::run(&side.ask, Pressure { time: WARM_UP, ..full })?;
    }
    let mut turns = Vec::new();
    for _ in 0..REPEATS {
        stack.psql("checkpoint")?;
        let ours = costed(stack, api, full)?;
        stack.psql("checkpoint")?;
        turns.push((ours, costed(stack, bare, full)?));
    }
    let per_second = median(turns.iter().map(|((load, _), _)| load.per_second()).collect());
    let baseline_per_second = median(turns.iter().map(|(_, (load, _))| load.per_second()).collect());
    let cpu = |of: &dyn Fn(&Turn) -> Cpu| Cpu {
        server: median(turns.iter().map(|turn| of(turn).server).collect()),
        postgres: median(turns.iter().map(|turn| of(turn).postgres).collect()),
    };
    let mut calm = Vec::new();
    for _ in 0..CALM_REPEATS {
        let ours = at_half_load(stack, api, per_second, time)?;
        calm.push((ours, at_half_load(stack, bare, baseline_per_second, time)?));
    }
    let (half, baseline_half): (Vec<_>, Vec<_>) = calm.into_iter().unzip();
    Ok(Figures {
        name,
        target,
        per_second,
        baseline_per_second,
        ratios: turns.iter().map(|((ours, _), (bare, _))| ours.per_second() / bare.per_second()).collect(),
        cpu: cpu(&|turn| turn.0.1),
        baseline_cpu: cpu(&|turn| turn.1.1),
        half: Latencies::median(&half),
        baseline_half: Latencies::median(&baseline_half),
    })
}

fn at_half_load(stack: &Stack, side: &Side, per_second: f64, time: Duration) -> Result<Latencies> {
    stack.psql("checkpoint")?;
    let half = Pressure { connections: CALM_CONNECTIONS, time, rate: Some(per_second / 2.0) };
    // The pace has to set in first: what was idle until now is not in the caches of the cores.
    load::run(&side.ask, Pressure { time: SETTLE, ..half })?;
    let watch = Watch::start().ok();
    let load = load::run(&side.ask, half)?;
    let stalls = watch.map(Watch::end).transpose()?.unwrap_or_default();
    let (all, calm) = (load.latencies(&[]), load.latencies(&stalls));
    let share = |answers: usize| f64::from(u32::try_from(answers).unwrap_or(u32::MAX));
    let (p50, p99) = (per_mille(&calm, 500), per_mille(&calm, 990));
    Ok(Latencies {
        p50,
        p99,
        spreads: vec![p99.as_secs_f64() / p50.as_secs_f64()],
        all_p99: per_mille(&all, 990),
        held_up: 100.0 * (1.0 - share(calm.len()) / share(all.len())),
    })
}

type Turn = ((Load, Cpu), (Load, Cpu));

/// A run, and what a thousand of its requests cost.
fn costed(stack: &Stack, side: &Side, pressure: Pressure) -> Result<(Load, Cpu)> {
    let used = || Cpu {
        server: procfs::cpu_seconds(side.pid).unwrap_or_default(),
        postgres: stack.postgres.pid().and_then(procfs::cpu_seconds_of_family).unwrap_or_default(),
    };
    let before = used();
    let load = load::run(&side.ask, pressure)?;
    let after = used();
    let thousands = load.per_second() * load.took.as_secs_f64() / 1000.0;
    let cpu = Cpu {
        server: (after.server - before.server) / thousands,
        postgres: (after.postgres - before.postgres) / thousands,
    };
    Ok((load, cpu))
}

/// Requests that each make another user.
fn create(head: String) -> impl Fn(u64) -> Vec<u8> + Sync {
    move |n| {
        let body = format!(
            r#"{{"email":"bench.{n}@example.com","username":"bench_{n}","full_name":"Ada Lovelace the {n}th"}}"#
        );
        let length = body.len();
        format!("{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
    }
}

/// Users for lists and reads, and the table that the baseline inserts into: same columns, same indexes, nothing else.
fn fill(stack: &Stack) -> Result<()> {
    let rows = stack.home().join("users.csv");
    let mut out = BufWriter::new(std::fs::File::create(&rows)?);
    for n in 0..USERS {
        let user = muster_testkit::data::user("http", n);
        writeln!(
            out,
            "{TENANT},0199aaaa-0000-7000-8000-{n:012x},{},{},{},2026-01-01 00:00:{:02}Z,2026-01-01 00:00:00Z",
            user.email.to_lowercase(),
            user.username,
            user.full_name,
            n % 60
        )?;
    }
    out.flush()?;
    drop(out);
    let columns = "tenant_id, id, email, username, full_name, created_at, updated_at";
    stack.postgres.psql_script(
        DATABASE,
        &[
            format!("\\copy users ({columns}) from '{}' with (format csv)", rows.display()),
            "create table plain_users (like users including all)".to_owned(),
            "vacuum analyze users".to_owned(),
        ],
    )?;
    Ok(())
}

/// The bare handlers, as the superuser: no row level security either.
fn start_baseline(stack: &Stack, program: PathBuf) -> Result<(Managed, u16)> {
    let port = free_port()?;
    let mut command = Command::new(program);
    command.env("DATABASE_URL", stack.postgres.admin_url(DATABASE)).env("PORT", port.to_string());
    command.env("DATABASE_POOL_SIZE", POOL);
    let mut process = Managed::spawn(stack.home(), "baseline", command)?;
    wait_until("the baseline", Duration::from_secs(30), || {
        process.must_run()?;
        Ok(std::net::TcpStream::connect(("127.0.0.1", port)).ok())
    })
    .context("the baseline does not start")?;
    Ok((process, port))
}
