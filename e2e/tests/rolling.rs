//! A release that goes out while the service is used: each API and each worker is replaced, again and again.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    Client,
    client::at,
    rows,
    world::{count, test, wait_for_sql},
};
use muster_testkit::{
    http,
    process::{Program, Service},
    stack::Stack,
    tools::{random_uuid, wait_until},
};

/// How long it goes on, and how often each is replaced.
const FOR: Duration = Duration::from_mins(3);
const EVERY: Duration = Duration::from_secs(10);
/// Clients that ask all the time, and rows of each import.
const CLIENTS: usize = 4;
const ROWS: usize = 50_000;
const PATIENCE: Duration = Duration::from_mins(2);
/// Longer than it takes whoever spreads requests to learn that a process is ending.
const API: [(&str, &str); 2] = [("RATE_LIMIT_ENABLED", "false"), ("SHUTDOWN_DELAY_SECONDS", "2")];
const LOOK: Duration = Duration::from_millis(200);

/// Who spreads requests: knows of processes that were ready a moment ago.
#[derive(Default)]
struct Balancer {
    ready: RwLock<BTreeMap<u16, Client>>,
    turn: AtomicU64,
    refused: AtomicU64,
    failed: Mutex<Vec<String>>,
}

impl Balancer {
    fn add(&self, api: &Service, token: &str) {
        let client = Client::new(&api.url(), Some(token));
        self.ready.write().unwrap_or_else(PoisonError::into_inner).insert(api.port(), client);
    }

    /// Takes out who says that it is not ready.
    fn look(&self) {
        let ports: Vec<u16> = self.ready.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect();
        for port in ports {
            if !matches!(http::get(port, "/health/ready"), Ok((200, _))) {
                self.ready.write().unwrap_or_else(PoisonError::into_inner).remove(&port);
            }
        }
    }

    fn next(&self) -> Option<Client> {
        let ready = self.ready.read().unwrap_or_else(PoisonError::into_inner);
        let turn = usize::try_from(self.turn.fetch_add(1, Ordering::Relaxed)).unwrap_or_default();
        ready.values().nth(turn % ready.len().max(1)).cloned()
    }

    /// Asks one of them; a connection that is refused is one to try again elsewhere, and nothing else is.
    fn ask<T>(&self, ask: impl Fn(&Client) -> Result<T>) -> Option<T> {
        loop {
            let Some(client) = self.next() else {
                thread::sleep(LOOK);
                continue;
            };
            match ask(&client) {
                Ok(answer) => return Some(answer),
                Err(error) if is_refused(&error) => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                    failed.push(format!("{}: {error:#}", client.base()));
                    return None;
                }
            }
        }
    }
}

fn is_refused(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ureq::Error::Io(error)) if error.kind() == ErrorKind::ConnectionRefused)
        || matches!(error.downcast_ref(), Some(ureq::Error::ConnectionFailed))
}

/// Makes users, each of whom is read again at once, wherever; gives how many there are.
fn use_it(balancer: &Balancer, lane: usize, goes_on: &AtomicBool) -> u64 {
    let mut made = 0;
    for n in 0.. {
        if !goes_on.load(Ordering::Relaxed) {
            break;
        }
        let user = rows::json_user(&format!("lane{lane}"), n);
        let answer = balancer.ask(|client| client.ask("POST", "/api/v1/users", &[], &user)?.must_be(201));
        let Some(answer) = answer else { continue };
        made += 1;
        let path = format!("/api/v1/users/{}", answer.text("/id"));
        balancer.ask(|client| client.get(&path)?.must_be(200));
        balancer.ask(|client| client.get("/api/v1/users?limit=20")?.must_be(200));
    }
    made
}

/// One import after the other; gives how many.
fn import(balancer: &Balancer, goes_on: &AtomicBool) -> Result<u64> {
    let mut imports = 0;
    while goes_on.load(Ordering::Relaxed) {
        let body = rows::csv(&format!("import{imports}"), ROWS)?;
        let id = balancer.ask(|client| client.import_csv("send_welcome=false", &body)).context("no import")?;
        wait_until("the import", PATIENCE, || {
            let operation = balancer.ask(|client| client.operation(&id)).context("no answer")?;
            let state = at(&operation, "/state").as_str().unwrap_or_default().to_owned();
            ensure!(["receiving", "queued", "running", "succeeded"].contains(&state.as_str()), "{operation:#}");
            Ok((state == "succeeded").then_some(()))
        })?;
        imports += 1;
    }
    Ok(imports)
}

/// Starts another one before this one is asked to end; it must end well.
fn replace(
    stack: &Stack,
    program: Program,
    name: &str,
    variables: &[(&str, &str)],
    old: &mut Service,
    ready: impl Fn(&Service),
) -> Result<()> {
    let new = stack.spawn_ready(program, name, variables)?;
    ready(&new);
    let mut old = std::mem::replace(old, new);
    let status = old.stop()?.context("it had ended by itself")?;
    ensure!(status.code() == Some(0), "{name} ended with {status}: {}", old.log_tail(20));
    Ok(())
}

#[test]
fn a_release_that_goes_out_under_load_fails_no_request_and_loses_nothing() {
    test("rolling", |stack| {
        let (token, tenant) = {
            let tenant = random_uuid()?;
            (stack.token(&tenant)?, tenant)
        };
        let balancer = Balancer::default();
        let mut apis =
            [stack.spawn_ready(Program::Api, "api-a-0", &API)?, stack.spawn_ready(Program::Api, "api-b-0", &API)?];
        let mut workers = [stack.spawn_worker()?, stack.spawn_ready(Program::Worker, "worker-b-0", &[])?];
        for api in &apis {
            balancer.add(api, &token);
        }
        let (goes_on, looks) = (AtomicBool::new(true), AtomicBool::new(true));
        let (made, imports, rounds) = thread::scope(|scope| -> Result<_> {
            let (balancer, goes_on, looks) = (&balancer, &goes_on, &looks);
            scope.spawn(move || {
                while looks.load(Ordering::Relaxed) {
                    balancer.look();
                    thread::sleep(LOOK);
                }
            });
            let lanes: Vec<_> = (0..CLIENTS).map(|lane| scope.spawn(move || use_it(balancer, lane, goes_on))).collect();
            let importing = scope.spawn(move || import(balancer, goes_on));
            let rolled = roll(stack, balancer, &token, &mut apis, &mut workers);
            goes_on.store(false, Ordering::Relaxed);
            let mut made = 0;
            for lane in lanes {
                made += lane.join().ok().context("a client panicked")?;
            }
            let imports = importing.join().ok().context("the import panicked")?;
            looks.store(false, Ordering::Relaxed);
            Ok((made, imports?, rolled?))
        })?;
        let failed = balancer.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = balancer.refused.load(Ordering::Relaxed);
        println!("{made} users made one by one, {imports} imports, {rounds} rounds, {refused} connections refused");
        ensure!(
            failed.is_empty(),
            "{} requests failed: {:#?}",
            failed.len(),
            failed.iter().take(9).collect::<Vec<_>>()
        );
        ensure!(rounds >= 10 && made > 100 && imports > 1, "that was no test");
        let rows = imports * u64::try_from(ROWS)?;
        let all = format!("select count(*), count(distinct email) from users where tenant_id = '{tenant}'");
        ensure!(
            stack.psql(&all)? == format!("{0}|{0}", made + rows),
            "{} instead of {made} and {rows}",
            stack.psql(&all)?
        );
        let ledger = "select sum(b.created) from operation_blocks b join operations o on o.id = b.operation_id";
        ensure!(count(stack, &format!("{ledger} where o.kind = 'users.import'"))? == rows);
        // Nobody was killed, so each who was made alone has one mail, and no more.
        wait_for_sql(stack, "select count(*) from welcome_mails", "0", PATIENCE)?;
        let counters = stack.mail.counters();
        ensure!(counters.accepted == made, "{} mails for {made} users", counters.accepted);
        Ok(())
    });
}

/// Replaces one API and one worker at a time; gives how often.
fn roll(
    stack: &Stack,
    balancer: &Balancer,
    token: &str,
    apis: &mut [Service; 2],
    workers: &mut [Service; 2],
) -> Result<usize> {
    let begin = Instant::now();
    let mut round = 0;
    while begin.elapsed() < FOR {
        let until = Instant::now() + EVERY;
        for (n, api) in apis.iter_mut().enumerate() {
            replace(stack, Program::Api, &format!("api-{n}-{round}"), &API, api, |new| balancer.add(new, token))?;
        }
        for (n, worker) in workers.iter_mut().enumerate() {
            replace(stack, Program::Worker, &format!("worker-{n}-{round}"), &[], worker, |_| {})?;
        }
        round += 1;
        thread::sleep(until.saturating_duration_since(Instant::now()));
    }
    Ok(round)
}
