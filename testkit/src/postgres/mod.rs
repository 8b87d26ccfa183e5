//! A private Postgres cluster: own folder, own port, own passwords, with the roles that Muster expects.

mod cluster;

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;

pub use self::cluster::Credentials;
use crate::{
    account::{Account, reachable},
    child::Managed,
    ports::free_port,
    provision::{self, PostgresPrograms},
    tools::{output_of, wait_until},
};

/// How a cluster is set up.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Whether commits reach the disk. Off is for tests only.
    pub fsync: bool,
    /// Memory for pages, in MiB.
    pub shared_buffers_mb: u32,
}

impl PostgresOptions {
    /// As for real: durable, with memory for an import.
    pub const DURABLE: Self = Self { fsync: true, shared_buffers_mb: 256 };
    /// For tests: quick, and gone after a power cut.
    pub const THROWAWAY: Self = Self { fsync: false, shared_buffers_mb: 64 };
}

/// A cluster that this process started.
#[derive(Debug)]
pub struct Postgres {
    programs: PostgresPrograms,
    account: Option<Account>,
    home: PathBuf,
    data: PathBuf,
    credentials: Credentials,
    options: PostgresOptions,
    port: u16,
    process: Option<Managed>,
}

impl Postgres {
    /// Starts the cluster in `<home>/postgres`, which is made and given its roles when it is not there yet.
    pub fn start(home: &Path, options: PostgresOptions) -> Result<Self> {
        let programs = provision::postgres()?;
        let account = Account::if_root()?;
        std::fs::create_dir_all(home).with_context(|| format!("cannot create {}", home.display()))?;
        let data = reachable(account, home, &home.join("postgres"))?;
        let (credentials, fresh) = cluster::open(&programs, account, &data, options.fsync)?;
        let mut this = Self {
            programs,
            account,
            home: home.to_owned(),
            data,
            credentials,
            options,
            port: free_port()?,
            process: None,
        };
        this.start_again()?;
        if fresh {
            cluster::create_roles(&this)?;
            this.credentials.save(&this.data)?;
        }
        Ok(this)
    }

    /// Starts it again, on the same port, after [`Self::stop`] or [`Self::kill_hard`].
    pub fn start_again(&mut self) -> Result<()> {
        if self.process.is_some() {
            return Ok(());
        }
        let on = |on: bool| if on { "on" } else { "off" };
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            // No socket in a shared folder: the port is private, a socket path may be too long.
            "unix_socket_directories=".to_owned(),
            format!("port={}", self.port),
            format!("shared_buffers={}MB", self.options.shared_buffers_mb),
            "max_connections=200".to_owned(),
            "max_wal_size=4GB".to_owned(),
            "checkpoint_timeout=15min".to_owned(),
            "synchronous_commit=on".to_owned(),
            format!("fsync={}", on(self.options.fsync)),
            format!("full_page_writes={}", on(self.options.fsync)),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
        ];
        let mut command = Command::new(self.programs.bin.join("postgres"));
        command.arg("-D").arg(&self.data).current_dir(&self.data);
        for setting in settings {
            command.arg("-c").arg(setting);
        }
        if let Some(account) = self.account {
            account.apply(&mut command);
        }
        // SIGINT is the fast shutdown: clients are cut off, the data is left clean.
        let mut process = Managed::spawn(&self.home, "postgres", command)?.stopping_with(Signal::SIGINT);
        wait_until("Postgres", Duration::from_mins(1), || {
            process.must_run()?;
            Ok(self.psql("postgres", "select 1").ok())
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops it in good order.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.stop().map(drop))
    }

    /// Ends it at once, as a crash would: nothing is written any more, the next start recovers from the log.
    pub fn kill_hard(&mut self) -> Result<()> {
        // SIGQUIT makes the server end its children too; SIGKILL would leave them behind with the memory they share.
        self.process
            .take()
            .map_or(Ok(()), |mut process| process.end_with(Signal::SIGQUIT, Duration::from_secs(10)).map(drop))
    }

    /// Pid of the server while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Managed::pid)
    }

    /// Lets it run on when this value is dropped.
    pub fn keep(&mut self) {
        if let Some(process) = &mut self.process {
            process.keep();
        }
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// URL of the superuser.
    pub fn admin_url(&self, db: &str) -> String {
        self.url("postgres", &self.credentials.admin, db)
    }

    /// URL of the role that owns the databases and runs migrations.
    pub fn owner_url(&self, db: &str) -> String {
        self.url("muster_owner", &self.credentials.owner, db)
    }

    /// URL of the role that the service connects as.
    pub fn app_url(&self, db: &str) -> String {
        self.url("muster_app", &self.credentials.app, db)
    }

    fn url(&self, role: &str, password: &str, db: &str) -> String {
        format!("postgres://{role}:{password}@127.0.0.1:{}/{db}", self.port)
    }

    /// Runs SQL as the superuser; gives the rows, one per line, columns separated by `|`.
    pub fn psql(&self, db: &str, sql: &str) -> Result<String> {
        output_of(self.psql_command("postgres", &self.credentials.admin, db).arg("-c").arg(sql))
    }

    /// Runs SQL as the superuser, one psql command (`\copy` …) or statement per element, in one session.
    pub fn psql_script(&self, db: &str, commands: &[String]) -> Result<String> {
        let mut command = self.psql_command("postgres", &self.credentials.admin, db);
        for line in commands {
            command.arg("-c").arg(line);
        }
        output_of(&mut command)
    }

    /// Runs a file of SQL as the owner.
    pub fn psql_file_as_owner(&self, db: &str, file: &Path) -> Result<()> {
        output_of(self.psql_command("muster_owner", &self.credentials.owner, db).arg("-1").arg("-f").arg(file))
            .with_context(|| format!("{} does not run", file.display()))?;
        Ok(())
    }

    fn psql_command(&self, role: &str, password: &str, db: &str) -> Command {
        let mut command = Command::new(&self.programs.psql);
        command
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", role, "-d", db])
            .args(["-p", &self.port.to_string()])
            .env("PGPASSWORD", password)
            .env("PGCONNECT_TIMEOUT", "5")
            .env_remove("PGOPTIONS")
            .env_remove("PGSERVICE");
        command
    }

    /// Creates a database that belongs to the owner role, from a template when one is named.
    pub fn create_database(&self, name: &str, template: Option<&str>) -> Result<()> {
        let template = template.unwrap_or("template0");
        self.psql("postgres", &format!(r#"create database "{name}" owner muster_owner template "{template}""#))?;
        Ok(())
    }

    /// Whether there is a database of this name.
    pub fn has_database(&self, name: &str) -> Result<bool> {
        Ok(!self.psql("postgres", &format!("select 1 from pg_database where datname = '{name}'"))?.is_empty())
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }
}
