//! A stack of its own for each test, and the processes under test in it.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use muster_testkit::{
    postgres::PostgresOptions,
    process::{self, Program, Service},
    provision,
    stack::{self, Stack, StackOptions},
    temporal::Storage,
    tools::{random_hex, random_uuid, wait_until},
};

use crate::client::Client;

/// Runs a test against a stack of its own; when it fails, logs and workflows are kept (`evidence`).
pub fn test(name: &str, body: impl FnOnce(&mut Stack) -> Result<()>) {
    run(start(name, |_| Storage::Memory), body);
}

/// The same with a Temporal that keeps its state when it is stopped.
pub fn test_durable(name: &str, body: impl FnOnce(&mut Stack) -> Result<()>) {
    run(start(name, |home| Storage::File(home.join("temporal.db"))), body);
}

fn run(stack: Result<Stack>, body: impl FnOnce(&mut Stack) -> Result<()>) {
    match stack {
        // Judged while the stack is there: it keeps its logs when a panic ends it.
        Ok(mut stack) => passed(body(&mut stack)),
        Err(error) => passed(Err(error)),
    }
}

fn passed(outcome: Result<()>) {
    let error = outcome.err().map(|error| format!("{error:#}"));
    assert!(error.is_none(), "{}", error.unwrap_or_default());
}

fn start(name: &str, temporal: impl FnOnce(&Path) -> Storage) -> Result<Stack> {
    let tests = provision::dev_dir()?.join("test");
    fs::create_dir_all(&tests).with_context(|| format!("cannot create {}", tests.display()))?;
    stack::clean_stale(&tests)?;
    let home = tests.join(format!("{name}-{}-{}", std::process::id(), random_hex(2)?));
    Stack::start(StackOptions {
        temporal: temporal(&home),
        fair: true,
        home,
        bin: process::bin_dir()?,
        postgres: PostgresOptions::THROWAWAY,
        cached: true,
        // What was accepted is counted in memory; a hundred thousand files would only wear out the disk.
        mail_dir: None,
    })
}

/// The processes under test, and a client of a new tenant.
#[derive(Debug)]
pub struct World {
    /// The HTTP server.
    pub api: Service,
    /// The worker; none where a test has it come later.
    pub worker: Option<Service>,
    /// A client with a token of `tenant`.
    pub client: Client,
    /// Whose token it is.
    pub tenant: String,
}

impl World {
    /// Starts `api` and `worker`.
    pub fn start(stack: &Stack) -> Result<Self> {
        Self::start_with(stack, &[], Some(&[]))
    }

    /// Starts `api` with these variables, and a `worker` with those, if any; waits until they are ready.
    pub fn start_with(stack: &Stack, api: &[(&str, &str)], worker: Option<&[(&str, &str)]>) -> Result<Self> {
        let mut worker = worker.map(|variables| stack.spawn(Program::Worker, "worker", variables)).transpose()?;
        let api = stack.spawn_ready(Program::Api, "api", api)?;
        if let Some(worker) = &mut worker {
            worker.wait_ready(Duration::from_mins(1))?;
        }
        let tenant = random_uuid()?;
        let client = Client::new(&api.url(), Some(&stack.token(&tenant)?));
        Ok(Self { api, worker, client, tenant })
    }

    /// Kills the API and starts another one; the client talks to that.
    pub fn replace_api(&mut self, stack: &Stack) -> Result<()> {
        self.api.kill_hard()?;
        self.api = stack.spawn_api()?;
        self.client = Client::new(&self.api.url(), Some(self.client.token()));
        Ok(())
    }
}

/// The number that an SQL statement gives.
pub fn count(stack: &Stack, sql: &str) -> Result<u64> {
    let text = stack.psql(sql)?;
    text.parse().with_context(|| format!("{sql} gave {text:?}"))
}

/// Waits until an SQL statement gives this.
pub fn wait_for_sql(stack: &Stack, sql: &str, expected: &str, patience: Duration) -> Result<()> {
    wait_until(&format!("{sql} to give {expected}"), patience, || Ok((stack.psql(sql)? == expected).then_some(())))
}

/// Fails unless exactly `users` users are there, each once, and the ledger says the same.
pub fn exactly(stack: &Stack, users: u64) -> Result<()> {
    let found = stack.psql("select count(*), count(distinct id), count(distinct (tenant_id, email)) from users")?;
    ensure!(found == format!("{users}|{users}|{users}"), "expected {users} users, each once, got {found}");
    let ledger = count(
        stack,
        "select coalesce(sum(b.created), 0) from operation_blocks b join operations o on o.id = b.operation_id and not o.dry_run",
    )?;
    ensure!(ledger == users, "the ledger says {ledger}, but there are {users} users");
    let open = count(stack, "select count(*) from operation_blocks where settled_at is null")?;
    ensure!(open == 0, "{open} blocks have no outcome");
    Ok(())
}

/// Fails unless nothing of an upload is stored.
pub fn nothing_stored(stack: &Stack) -> Result<bool> {
    let all = "select (select count(*) from operations) + (select count(*) from operation_blocks) \
               + (select count(*) from idempotency_keys) + (select count(*) from users)";
    Ok(count(stack, all)? == 0)
}
