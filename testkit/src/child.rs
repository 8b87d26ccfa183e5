//! A child process with a log file, known by pid and start time, ended when dropped.

use std::{
    fs::{self, OpenOptions},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::Signal;

use crate::{
    pids::{self, Recorded},
    tools::wait_until,
};

/// Held while a process is started and recorded; `true` once no more may be.
static CLOSED: Mutex<bool> = Mutex::new(false);

/// Refuses to start any more processes: from here on the `pids` files name all there are.
pub fn close() {
    *CLOSED.lock().unwrap_or_else(PoisonError::into_inner) = true;
}

/// A running program of a stack.
#[derive(Debug)]
pub struct Managed {
    child: Child,
    recorded: Recorded,
    log: PathBuf,
    stop_signal: Signal,
    kept: bool,
}

impl Managed {
    /// Starts `command` with its output appended to `<home>/log/<name>.log` and its pid written to `<home>/pids`.
    ///
    /// It gets a process group of its own, so that Ctrl-C in a terminal reaches us first and we end things in order.
    pub fn spawn(home: &Path, name: &str, mut command: Command) -> Result<Self> {
        let log = home.join("log").join(format!("{name}.log"));
        fs::create_dir_all(home.join("log")).with_context(|| format!("cannot create {}/log", home.display()))?;
        let out = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let program = command.get_program().to_string_lossy().into_owned();
        let closed = CLOSED.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(!*closed, "interrupted");
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("cannot start {program}: is it built and executable?"))?;
        let Some(recorded) = Recorded::of(name, child.id()) else {
            let status = child.wait()?;
            bail!("{name} ended at once with {status}; see {}\n{}", log.display(), tail(&log, 20));
        };
        pids::record(&home.join("pids"), &recorded)?;
        drop(closed);
        Ok(Self { child, recorded, log, stop_signal: Signal::SIGTERM, kept: false })
    }

    /// Uses another signal than SIGTERM for an orderly stop.
    #[must_use]
    pub fn stopping_with(mut self, signal: Signal) -> Self {
        self.stop_signal = signal;
        self
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.recorded.pid
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The last `lines` lines of its output.
    pub fn log_tail(&self, lines: usize) -> String {
        tail(&self.log, lines)
    }

    /// The exit status if it has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Fails with the end of its log if it has ended: to be called while waiting for it to become ready.
    pub fn must_run(&mut self) -> Result<()> {
        if let Some(status) = self.ended()? {
            bail!(
                "{} ended with {status}; the end of {}:\n{}",
                self.recorded.name,
                self.log.display(),
                self.log_tail(20)
            );
        }
        Ok(())
    }

    /// Sends a signal and does not wait.
    pub fn signal(&self, signal: Signal) {
        self.recorded.signal(signal);
    }

    /// Asks it to end and waits; after 20 s it is killed.
    pub fn stop(&mut self) -> Result<Option<ExitStatus>> {
        self.end_with(self.stop_signal, Duration::from_secs(20))
    }

    /// SIGKILL, without any warning.
    pub fn kill_hard(&mut self) -> Result<Option<ExitStatus>> {
        self.end_with(Signal::SIGKILL, Duration::from_secs(10))
    }

    /// Sends `signal`, waits up to `patience`, then kills.
    pub fn end_with(&mut self, signal: Signal, patience: Duration) -> Result<Option<ExitStatus>> {
        if let Some(status) = self.ended()? {
            return Ok(Some(status));
        }
        self.signal(signal);
        let name = self.recorded.name.clone();
        let status = wait_until(&format!("{name} to end"), patience, || Ok(self.child.try_wait()?));
        if status.is_err() {
            self.child.kill()?;
            return Ok(Some(self.child.wait()?));
        }
        status.map(Some)
    }

    /// Lets it run on when this value is dropped.
    pub fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing useful can be done about an error here; a later start cleans up what is left.
            let _ = self.stop();
        }
    }
}

/// The last `lines` lines of a file, indented; empty if it cannot be read.
pub fn tail(file: &Path, lines: usize) -> String {
    let text = fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    all.iter().skip(from).map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
