//! The whole stack for one test or benchmark: private, in a folder of its own, ended and removed when dropped.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::{
    account::remove_home,
    evidence,
    mail::MailServer,
    pids::{self, Recorded},
    postgres::{Postgres, PostgresOptions},
    process::{self, Program, Service, Surroundings, binary},
    provision,
    redis::Redis,
    template::{self, DATABASE},
    temporal::{Storage, Temporal},
    tools::{output_of, random_hex},
};

/// How long a service may take to become ready.
const READY: Duration = Duration::from_mins(1);

/// How a stack is set up.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// Its folder; what is in it is removed at the start.
    pub home: PathBuf,
    /// Folder of the binaries.
    pub bin: PathBuf,
    /// Durable or quick.
    pub postgres: PostgresOptions,
    /// Whether the migrated database is copied from the cache (quick Postgres only) instead of made anew.
    pub cached: bool,
    /// Where Temporal keeps its state.
    pub temporal: Storage,
    /// Whether Temporal shares workers fairly between tenants.
    pub fair: bool,
    /// Where mails are stored; nowhere if `None`.
    pub mail_dir: Option<PathBuf>,
}

/// Postgres, Redis, Temporal and a mail server, and the means to run `api` and `worker` against them.
#[derive(Debug)]
pub struct Stack {
    /// Database server.
    pub postgres: Postgres,
    /// Cache.
    pub redis: Redis,
    /// Workflow engine.
    pub temporal: Temporal,
    /// Mail server.
    pub mail: MailServer,
    home: PathBuf,
    bin: PathBuf,
}

impl Stack {
    /// Starts everything but `api` and `worker`, with the migrated database `muster`.
    pub fn start(options: StackOptions) -> Result<Self> {
        let StackOptions { home, bin, postgres, cached, temporal, fair, mail_dir } = options;
        pids::end_all(&home.join("pids"))?;
        remove_home(&home)?;
        fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
        claim(&home)?;
        if cached {
            template::copy_into(&home, &bin)?;
        }
        // The slow starters side by side.
        let (temporal, postgres) = thread::scope(|scope| {
            let temporal = scope.spawn(|| Temporal::start_with(&home, temporal, fair));
            let postgres = Postgres::start(&home, postgres);
            (temporal.join(), postgres)
        });
        let temporal = temporal.map_err(|_| anyhow::anyhow!("starting Temporal failed"))??;
        let postgres = postgres?;
        if !cached {
            postgres.create_database(DATABASE, None)?;
            template::migrate(&bin, &postgres.owner_url(DATABASE), &postgres.app_url(DATABASE))?;
        }
        Ok(Self { redis: Redis::start(&home)?, mail: MailServer::start(mail_dir)?, postgres, temporal, home, bin })
    }

    /// A stack for one test, in `.dev/test/<name>-<pid>`.
    pub fn for_test(name: &str) -> Result<Self> {
        let tests = provision::dev_dir()?.join("test");
        fs::create_dir_all(&tests).with_context(|| format!("cannot create {}", tests.display()))?;
        clean_stale(&tests)?;
        let home = tests.join(format!("{name}-{}-{}", std::process::id(), random_hex(2)?));
        Self::start(StackOptions {
            mail_dir: Some(home.join("mail")),
            home,
            bin: process::bin_dir()?,
            postgres: PostgresOptions::THROWAWAY,
            cached: true,
            temporal: Storage::Memory,
            fair: true,
        })
    }

    /// Starts an `api` and waits until it is ready.
    pub fn spawn_api(&self) -> Result<Service> {
        self.spawn_ready(Program::Api, "api", &[])
    }

    /// Starts a `worker` and waits until it is ready.
    pub fn spawn_worker(&self) -> Result<Service> {
        self.spawn_ready(Program::Worker, "worker", &[])
    }

    /// Starts a service with further variables under a name for its log, and waits until it is ready.
    pub fn spawn_ready(&self, program: Program, name: &str, variables: &[(&str, &str)]) -> Result<Service> {
        let mut service = self.spawn(program, name, variables)?;
        service.wait_ready(READY)?;
        Ok(service)
    }

    /// Starts a service and does not wait: for tests in which a dependency is down.
    pub fn spawn(&self, program: Program, name: &str, variables: &[(&str, &str)]) -> Result<Service> {
        let mut all = self.surroundings().variables();
        all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Service::spawn(&self.home, &self.bin, program, name, &all)
    }

    /// The `muster` program with the environment of this stack.
    pub fn muster(&self) -> Result<Command> {
        let mut command = Command::new(binary(&self.bin, "muster")?);
        command.envs(self.surroundings().variables());
        Ok(command)
    }

    /// A token for a tenant, good for a day.
    pub fn token(&self, tenant: &str) -> Result<String> {
        output_of(self.muster()?.args(["token", "--tenant", tenant, "--ttl", "86400"]))
    }

    /// Runs SQL in the service's database as the superuser: row level security does not hide anything.
    pub fn psql(&self, sql: &str) -> Result<String> {
        self.postgres.psql(DATABASE, sql)
    }

    /// What the binaries need to know.
    pub fn surroundings(&self) -> Surroundings {
        Surroundings {
            database_url: self.postgres.app_url(DATABASE),
            admin_database_url: self.postgres.owner_url(DATABASE),
            redis_url: Some(self.redis.url()),
            temporal_address: self.temporal.address(),
            smtp_url: self.mail.smtp_url(),
            jwt_private_key: self.home.join("jwt.pem"),
        }
    }

    /// Its folder; logs are in `log/`.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Folder of the binaries.
    pub fn bin(&self) -> &Path {
        &self.bin
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if thread::panicking() {
            match provision::dev_dir().and_then(|dev| evidence::keep(&self.home, &self.temporal, &dev.join("failed"))) {
                Ok(kept) => eprintln!("logs and workflows of the failed test: {}", kept.display()),
                Err(error) => eprintln!("what the failed test left is not kept: {error:#}"),
            }
        }
        // Errors have no reader here; what is left is cleaned by the next start.
        let _ = self.temporal.stop();
        let _ = self.redis.stop();
        let _ = self.postgres.stop();
        if !thread::panicking() {
            let _ = remove_home(&self.home);
        }
    }
}

/// Notes that this process uses a folder, for [`clean_stale`].
pub fn claim(home: &Path) -> Result<()> {
    let me = Recorded::of("owner", std::process::id()).context("cannot read our own start time")?;
    pids::record(&home.join("owner"), &me)
}

/// Ends and removes the stacks below a folder whose process is gone: it crashed or was killed.
pub fn clean_stale(tests: &Path) -> Result<()> {
    let lock = File::create(tests.join("lock"))?;
    lock.lock()?;
    for entry in fs::read_dir(tests)?.flatten().filter(|entry| entry.path().is_dir()) {
        let home = entry.path();
        let owners = pids::read(&home.join("owner"));
        // No owner yet: another test makes it at this moment.
        if !owners.is_empty() && !owners.iter().any(Recorded::is_running) {
            pids::end_all(&home.join("pids"))?;
            remove_home(&home)?;
        }
    }
    Ok(())
}
