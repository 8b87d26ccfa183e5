//! The binaries under test: `api`, `worker`, `muster`.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;

use crate::{child::Managed, http, ports::free_port, tools::wait_until};

/// Which service a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The HTTP server.
    Api,
    /// The Temporal worker.
    Worker,
}

impl Program {
    /// Name of the binary.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }
}

/// What the binaries need to know of a stack.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// URL of the service role.
    pub database_url: String,
    /// URL of the owner role.
    pub admin_database_url: String,
    /// URL of Redis, which nothing needs.
    pub redis_url: Option<String>,
    /// `host:port` of Temporal.
    pub temporal_address: String,
    /// URL of the mail server.
    pub smtp_url: String,
    /// Where the development key of the tokens is, or will be made.
    pub jwt_private_key: PathBuf,
}

impl Surroundings {
    /// As environment variables.
    pub fn variables(&self) -> Vec<(String, String)> {
        let namespace = env::var("TEMPORAL_NAMESPACE").unwrap_or_else(|_| "default".to_owned());
        let mut variables = [
            ("APP_ENV", "development".to_owned()),
            ("DATABASE_URL", self.database_url.clone()),
            ("ADMIN_DATABASE_URL", self.admin_database_url.clone()),
            ("TEMPORAL_ADDRESS", self.temporal_address.clone()),
            ("TEMPORAL_NAMESPACE", namespace),
            ("SMTP_URL", self.smtp_url.clone()),
            ("EMAIL_FROM", "Muster <muster@example.com>".to_owned()),
            ("JWT_PRIVATE_KEY_PATH", self.jwt_private_key.display().to_string()),
            ("PARTNER_SECRET_KEY_PATH", self.jwt_private_key.with_file_name("partner.key").display().to_string()),
            ("LOG_LEVEL", env::var("LOG_LEVEL").unwrap_or_else(|_| "info".to_owned())),
            ("HOST", "127.0.0.1".to_owned()),
            ("WORKER_HOST", "127.0.0.1".to_owned()),
            ("PORT", "0".to_owned()),
            ("WORKER_PORT", "0".to_owned()),
            // Tests and benches ask more often than anybody may; those of the limits set their own.
            ("RATE_LIMIT_ENABLED", "false".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        variables.extend(self.redis_url.clone().map(|url| ("REDIS_URL".to_owned(), url)));
        variables
    }
}

/// Folder of the binaries: `MUSTER_BIN_DIR`, else where the running program's profile puts them.
pub fn bin_dir() -> Result<PathBuf> {
    if let Some(dir) = env::var_os("MUSTER_BIN_DIR") {
        return Ok(dir.into());
    }
    let exe = env::current_exe().context("cannot find the running program")?;
    let dir = exe.parent().context("the running program has no folder")?;
    // Tests run from `target/<profile>/deps`.
    let dir = if dir.ends_with("deps") { dir.parent().unwrap_or(dir) } else { dir };
    Ok(dir.to_owned())
}

/// A binary, or one line that says how to get it.
pub fn binary(bin: &Path, name: &str) -> Result<PathBuf> {
    let file = bin.join(name);
    if !file.exists() {
        bail!("{} is missing: run `cargo xtask test`, or build it with `cargo build --bins`", file.display());
    }
    Ok(file)
}

/// A running `api` or `worker`.
#[derive(Debug)]
pub struct Service {
    process: Managed,
    port: u16,
}

impl Service {
    /// Starts one; does not wait until it is ready. Later variables win over earlier ones.
    pub fn spawn(
        home: &Path,
        bin: &Path,
        program: Program,
        name: &str,
        variables: &[(String, String)],
    ) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(binary(bin, program.name())?);
        // That of the shell may be of a stack that is gone.
        command.env_remove("REDIS_URL");
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.env(if program == Program::Api { "PORT" } else { "WORKER_PORT" }, port.to_string());
        Ok(Self { process: Managed::spawn(home, name, command)?, port })
    }

    /// Waits until `GET /health/ready` answers 200; the error shows the answer and the end of the log.
    pub fn wait_ready(&mut self, patience: Duration) -> Result<()> {
        let mut last = "no answer".to_owned();
        let waited = wait_until("/health/ready to be 200", patience, || {
            self.process.must_run()?;
            match http::get(self.port, "/health/ready") {
                Ok((200, _)) => return Ok(Some(())),
                Ok((status, body)) => last = format!("{status} {body}"),
                Err(error) => last = format!("{error:#}"),
            }
            Ok(None)
        });
        waited.with_context(|| {
            let log = self.process.log();
            format!("last answer: {last}; the end of {}:\n{}", log.display(), self.process.log_tail(20))
        })
    }

    /// Status and body of a GET on this process.
    pub fn get(&self, path: &str) -> Result<(u16, String)> {
        http::get(self.port, path)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The last lines of its log.
    pub fn log_tail(&self, lines: usize) -> String {
        self.process.log_tail(lines)
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.process.ended()?.is_none())
    }

    /// The exit status if it has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.process.ended()
    }

    /// Sends a signal and does not wait.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// SIGKILL.
    pub fn kill_hard(&mut self) -> Result<()> {
        self.process.kill_hard().map(drop)
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&mut self) -> Result<Option<ExitStatus>> {
        self.process.stop()
    }

    /// Lets it run on when this value is dropped.
    pub fn keep(&mut self) {
        self.process.keep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_redis_there_is_no_url_of_it() {
        let mut surroundings = Surroundings {
            database_url: "postgres://a@b/c".to_owned(),
            admin_database_url: "postgres://o@b/c".to_owned(),
            redis_url: None,
            temporal_address: "127.0.0.1:7233".to_owned(),
            smtp_url: "smtp://127.0.0.1:1025".to_owned(),
            jwt_private_key: "jwt.pem".into(),
        };
        let named = |surroundings: &Surroundings| crate::env::get(&surroundings.variables(), "REDIS_URL").is_some();
        assert!(!named(&surroundings));
        surroundings.redis_url = Some("redis://127.0.0.1:6379".to_owned());
        assert!(named(&surroundings));
    }
}
