//! Which processes are ours: a pid alone may be someone else's by now, so it is recorded with its start time.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::tools::wait_until;

/// A process as it was when it was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What it is for (`postgres`, `api`, …).
    pub name: String,
    /// Its process id.
    pub pid: u32,
    /// When it started, in the system's own notation.
    pub start: String,
}

impl Recorded {
    /// The running process with this pid, or `None` when there is none.
    pub fn of(name: &str, pid: u32) -> Option<Self> {
        Some(Self { name: name.to_owned(), pid, start: start_time(pid)? })
    }

    /// Whether that very process still runs.
    pub fn is_running(&self) -> bool {
        start_time(self.pid).is_some_and(|start| start == self.start)
    }

    /// Sends `signal` if that very process still runs.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.pid).ok().filter(|_| self.is_running()) {
            // It may end between the check and here: then there is nothing left to do.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// Ends the process: `signal` first, SIGKILL once `patience` ran out.
    pub fn end(&self, signal: Signal, patience: Duration) -> Result<()> {
        self.signal(signal);
        let gone = |patience| {
            wait_until(&format!("{} (pid {}) to end", self.name, self.pid), patience, || {
                Ok((!self.is_running()).then_some(()))
            })
        };
        gone(patience).or_else(|_| {
            self.signal(Signal::SIGKILL);
            gone(Duration::from_secs(5))
        })
    }
}

/// Start time of a process; `None` when it is gone or only waits to be reaped.
pub fn start_time(pid: u32) -> Option<String> {
    if Path::new("/proc/self/stat").exists() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in brackets may hold blanks: count from the last bracket. State is field 3, start time field 22.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        if matches!(fields.next()?, "Z" | "X") {
            return None;
        }
        return fields.nth(18).map(str::to_owned);
    }
    let output = Command::new("ps").args(["-o", "state=,lstart=", "-p", &pid.to_string()]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let (state, start) = text.split_once(' ')?;
    (!state.starts_with('Z')).then(|| start.trim().to_owned())
}

/// Adds a process to the `pids` file of a stack.
pub fn record(file: &Path, process: &Recorded) -> Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut out| out.write_all(format!("{} {} {}\n", process.name, process.pid, process.start).as_bytes()))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// Reads a `pids` file, oldest first; no file means no processes.
pub fn read(file: &Path) -> Vec<Recorded> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, ' ');
            Some(Recorded {
                name: parts.next()?.to_owned(),
                pid: parts.next()?.parse().ok()?,
                start: parts.next()?.to_owned(),
            })
        })
        .collect()
}

/// Ends what the file names, youngest first, and removes the file. Postgres gets its own kind of signal.
///
/// Returns the names of those that still ran.
pub fn end_all(file: &Path) -> Result<Vec<String>> {
    let mut ended = Vec::new();
    for process in read(file).iter().rev().filter(|process| process.is_running()) {
        let signal = if process.name == "postgres" { Signal::SIGINT } else { Signal::SIGTERM };
        process.end(signal, Duration::from_secs(20))?;
        ended.push(process.name.clone());
    }
    if file.exists() {
        fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_with_another_start_time_is_not_ours() {
        let me = Recorded::of("me", std::process::id()).unwrap();
        assert!(me.is_running());
        let other = Recorded { start: "1".to_owned(), ..me };
        assert!(!other.is_running());
    }

    #[test]
    fn what_is_recorded_is_read_back_and_ended() {
        let dir = std::env::temp_dir().join(format!("muster-pids-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let file = dir.join("pids");
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let recorded = Recorded::of("sleeper", child.id()).unwrap();
        record(&file, &recorded).unwrap();
        assert_eq!(read(&file), [recorded]);
        assert_eq!(end_all(&file).unwrap(), ["sleeper"]);
        assert!(!child.wait().unwrap().success());
        assert!(!file.exists());
        fs::remove_dir_all(dir).unwrap();
    }
}
