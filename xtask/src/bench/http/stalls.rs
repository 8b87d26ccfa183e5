//! When the machine itself stood still: a virtual machine loses its cores to its host for milliseconds, and a kernel that is
//! not preempted keeps one to itself. Of answers that take a quarter of a millisecond, the slowest of a hundred are near that.

use std::{
    fs,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

const EVERY: Duration = Duration::from_millis(1);
/// Who is woken as much too late has not been let onto the core.
const LATE: Duration = Duration::from_micros(500);

/// A time in which a core ran nothing that it was asked to run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stall {
    from: Instant,
    to: Instant,
}

impl Stall {
    pub(super) fn touches(&self, from: Instant, to: Instant) -> bool {
        self.from <= to && from <= self.to
    }
}

/// A thread on each core that is to run before any other process whenever its time has come, once in a millisecond. When it is
/// late, nothing that runs there could have done anything about it.
pub(super) struct Watch {
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Stall>>>,
}

impl Watch {
    /// # Errors
    /// When this process may not have real-time threads, for which it must be root.
    pub(super) fn start() -> Result<Self> {
        let mut watch = Self { is_over: Arc::default(), threads: Vec::new() };
        for core in 0..thread::available_parallelism()?.get() {
            let is_over = Arc::clone(&watch.is_over);
            let (says, ready) = mpsc::sync_channel(1);
            watch.threads.push(thread::spawn(move || {
                let begun = go_first(core);
                let is_ready = begun.is_ok();
                // Nobody listens any more only if another core has failed.
                says.send(begun).ok();
                if is_ready { look(&is_over) } else { Vec::new() }
            }));
            ready.recv()??;
        }
        Ok(watch)
    }

    /// All stalls of all cores since it began.
    pub(super) fn end(mut self) -> Result<Vec<Stall>> {
        self.is_over.store(true, Ordering::Relaxed);
        let mut stalls = Vec::new();
        for thread in self.threads.drain(..) {
            let Ok(seen) = thread.join() else { bail!("a watch panicked") };
            stalls.extend(seen);
        }
        Ok(stalls)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Puts this thread onto one core, before all others there.
fn go_first(core: usize) -> Result<()> {
    let link = fs::read_link("/proc/thread-self")?;
    let thread = link.file_name().context("/proc/thread-self names no thread")?;
    // Of util-linux.
    for (program, arguments) in [("taskset", ["-p", "-c", &core.to_string()]), ("chrt", ["-f", "-p", "50"])] {
        let done = Command::new(program).args(arguments).arg(thread).stdout(Stdio::null()).output();
        let done = done.with_context(|| format!("{program} does not run"))?;
        ensure!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(())
}

fn look(is_over: &AtomicBool) -> Vec<Stall> {
    let mut stalls = Vec::new();
    let mut due = Instant::now();
    while !is_over.load(Ordering::Relaxed) {
        due += EVERY;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let woken = Instant::now();
        if woken.duration_since(due) > LATE {
            stalls.push(Stall { from: due, to: woken });
            due = woken;
        }
    }
    stalls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_under_way_in_a_stall_was_touched_by_it() {
        let begin = Instant::now();
        let at = |n| begin + Duration::from_millis(n);
        let stall = Stall { from: at(10), to: at(20) };
        for (from, to, is_touched) in
            [(1, 9, false), (1, 10, true), (1, 30, true), (12, 13, true), (20, 30, true), (21, 30, false)]
        {
            assert_eq!(stall.touches(at(from), at(to)), is_touched, "{from} to {to}");
        }
    }
}
