//! `up`: the whole stack with `api` and `worker`.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use muster_testkit::{
    env::{self, Variables},
    pids::{self, Recorded},
    process::{Program, Service, binary},
    provision::dev_dir,
    template,
    tools::{announce, output_of, random_uuid},
};

use crate::{cargo, down, services, services::Services, signals};

const READY: Duration = Duration::from_mins(1);

#[derive(Args)]
pub(crate) struct Options {
    /// Returns when everything is ready; `cargo xtask down` ends it.
    #[arg(long)]
    detach: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if running()?.is_some() {
        println!("It is already up; .dev/stack.env has the addresses, `cargo xtask down` ends it.");
        return Ok(());
    }
    let variables = start()?;
    let value = |name| env::get(&variables, name).unwrap_or_default();
    println!("API          {}  (docs: {}/docs)", value("API_URL"), value("API_URL"));
    println!("Temporal UI  {}", value("TEMPORAL_UI_URL"));
    println!("Mail         {}", value("MAIL_URL"));
    println!("Environment  .dev/stack.env  (set -a; . .dev/stack.env)");
    if options.detach {
        println!("Up. `cargo xtask down` ends it.");
        return Ok(());
    }
    println!("Up. Ctrl-C ends it.");
    stay_and_end()
}

/// Stays until Ctrl-C or SIGTERM, then ends the stack.
pub(crate) fn stay_and_end() -> Result<()> {
    let file = dev_dir()?.join("pids");
    let mut missing: Vec<Recorded> = Vec::new();
    signals::wait_for_end(|| {
        for process in pids::read(&file) {
            if !process.is_running() && !missing.contains(&process) {
                announce(&format!("{} has ended: see .dev/log/{}.log", process.name, process.name));
                missing.push(process);
            }
        }
    })?;
    println!("\nEnding …");
    down::end().map(drop)
}

/// The variables of the stack that is up, or `None`.
pub(crate) fn running() -> Result<Option<Variables>> {
    let dev = dev_dir()?;
    let processes = pids::read(&dev.join("pids"));
    // `stack.env` is written last: without it an `up` was cut short.
    let complete =
        dev.join("stack.env").exists() && !processes.is_empty() && processes.iter().all(Recorded::is_running);
    Ok(if complete { Some(env::read(&dev.join("stack.env"))?) } else { None })
}

/// Starts everything and lets it run on; what runs is in `.dev/pids`, how to reach it in `.dev/stack.env`.
pub(crate) fn start() -> Result<Variables> {
    let dev = dev_dir()?;
    fs::create_dir_all(&dev).with_context(|| format!("cannot create {}", dev.display()))?;
    let lock = File::create(dev.join("up.lock"))?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => bail!("another `cargo xtask up` or `demo` is starting: wait for it"),
        Err(TryLockError::Error(error)) => return Err(error.into()),
        Ok(()) => {}
    }
    let left = down::end()?;
    if !left.is_empty() {
        announce(&format!("ended what a crash had left: {}", left.join(", ")));
    }
    signals::cleaning_up(|| down::end().map(drop), || start_all(&dev))
}

fn start_all(dev: &Path) -> Result<Variables> {
    let missing = services::provision()?;
    let bin = cargo::build_programs(true)?;
    fs::remove_dir_all(dev.join("log")).ok();

    let mut services = Services::start(dev, missing)?;
    let surroundings = &services.surroundings;
    template::migrate(&bin, &surroundings.admin_database_url, &surroundings.database_url)?;
    let tenant = tenant(dev)?;
    let variables = surroundings.variables();
    let token = output_of(
        Command::new(binary(&bin, "muster")?)
            .args(["token", "--tenant", &tenant, "--ttl", "86400"])
            .envs(variables.iter().map(|(name, value)| (name, value))),
    )?;
    let mut worker = Service::spawn(dev, &bin, Program::Worker, "worker", &variables)?;
    let mut api = Service::spawn(dev, &bin, Program::Api, "api", &variables)?;
    worker.wait_ready(READY)?;
    api.wait_ready(READY)?;

    let mut all = variables;
    all.extend(
        [
            ("MUSTER_STACK", dev.display().to_string()),
            ("API_URL", api.url()),
            ("TEMPORAL_UI_URL", services.temporal_ui_url.clone()),
            ("MAIL_DIR", dev.join("mail").display().to_string()),
            ("MAIL_URL", services.mail_url.clone()),
            ("TENANT_ID", tenant),
            ("TENANT_TOKEN", token),
            ("API_PID", api.pid().to_string()),
            ("WORKER_PID", worker.pid().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    env::write(&dev.join("stack.env"), &all)?;
    // From here on `.dev/pids` owns them.
    services.keep();
    worker.keep();
    api.keep();
    Ok(all)
}

/// The development tenant: the same one on every run.
fn tenant(dev: &Path) -> Result<String> {
    let file: PathBuf = dev.join("tenant");
    if let Ok(tenant) = fs::read_to_string(&file) {
        return Ok(tenant.trim().to_owned());
    }
    let tenant = random_uuid()?;
    fs::write(&file, &tenant)?;
    Ok(tenant)
}
