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

use super::wire::Answer;

const EVERY: Duration = Duration::from_millis(1);
/// Who is woken as much too late has not been let onto the core.
const LATE: Duration = Duration::from_micros(500);

/// What a stall may hold up after it at most, in lengths of itself.
const MOST_AFTER: u32 = 10;

/// A time in which a core ran nothing that it was asked to run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stall {
    from: Instant,
    to: Instant,
}

impl Stall {
    /// With the time after it in which it still held things up: until for once nothing was under way, so that who came next
    /// found no queue. The answers are in the order of their beginning.
    pub(super) fn with_its_queue(self, answers: &[Answer]) -> Self {
        let last = self.to + MOST_AFTER * (self.to - self.from);
        let mut to = self.to;
        for answer in answers.iter().filter(|answer| answer.to >= self.from) {
            if answer.from > to {
                break;
            }
            to = to.max(answer.to);
        }
        Self { to: to.min(last), ..self }
    }

    /// Whether this answer was under way in it.
    pub(super) fn touches(&self, answer: &Answer) -> bool {
        self.from <= answer.to && answer.from <= self.to
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

    fn answers(times: &[(u64, u64)]) -> (Instant, Vec<Answer>) {
        let begin = Instant::now();
        let at = |n| begin + Duration::from_millis(n);
        (begin, times.iter().map(|(from, to)| Answer { from: at(*from), to: at(*to) }).collect())
    }

    #[test]
    fn what_was_under_way_in_a_stall_was_touched_by_it() {
        let (begin, answers) = answers(&[(1, 9), (1, 10), (1, 30), (12, 13), (20, 30), (21, 30)]);
        let stall = Stall { from: begin + Duration::from_millis(10), to: begin + Duration::from_millis(20) };
        let touched: Vec<_> = answers.iter().map(|answer| stall.touches(answer)).collect();
        assert_eq!(touched, [false, true, true, true, true, false]);
    }

    #[test]
    fn a_stall_holds_up_what_queues_behind_it_until_nothing_is_under_way() {
        for (times, until) in [
            (vec![(1, 9), (21, 22)], 20),
            (vec![(1, 9), (12, 25), (24, 31), (30, 33), (34, 90)], 33),
            // A queue that never ends is not its fault.
            (vec![(12, 500), (400, 900)], 120),
        ] {
            let (begin, answers) = answers(&times);
            let at = |n| begin + Duration::from_millis(n);
            let stall = Stall { from: at(10), to: at(20) }.with_its_queue(&answers);
            assert_eq!(stall.to, at(until), "{times:?}");
        }
    }
}
