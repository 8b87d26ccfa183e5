//! Memory of the processes during an import, sampled from outside.

use std::{
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use muster_testkit::procfs;

/// How often memory is looked at.
const EVERY: Duration = Duration::from_millis(100);

/// Resident memory of one process, in bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Memory {
    /// The most at any moment.
    pub(super) peak: u64,
    /// Mean of the last half of the samples: where it had settled.
    pub(super) steady: u64,
}

/// Does `work` and gives what each of the processes took meanwhile.
pub(super) fn during<T, const N: usize>(pids: [u32; N], work: impl FnOnce() -> T) -> (T, [Memory; N]) {
    pids.iter().copied().for_each(procfs::reset_peak_rss);
    let (done, ended) = channel::<()>();
    thread::scope(|scope| {
        let watch = scope.spawn(move || {
            let mut samples = pids.map(|_| Vec::new());
            loop {
                for (pid, samples) in pids.iter().zip(&mut samples) {
                    samples.extend(procfs::rss(*pid));
                }
                if ended.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    return samples;
                }
            }
        });
        let result = work();
        drop(done);
        let samples = watch.join().unwrap_or_else(|_| pids.map(|_| Vec::new()));
        let mut peaks = pids.map(|pid| procfs::peak_rss(pid).unwrap_or_default()).into_iter();
        let memories = samples.map(|samples| Memory {
            // The system's own peak sees what falls between two samples.
            peak: samples.iter().copied().max().max(peaks.next()).unwrap_or_default(),
            steady: steady(&samples),
        });
        (result, memories)
    })
}

fn steady(samples: &[u64]) -> u64 {
    let late = samples.get(samples.len() / 2..).unwrap_or_default();
    let count = u64::try_from(late.len()).unwrap_or(u64::MAX).max(1);
    late.iter().sum::<u64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steady_figure_is_the_mean_of_the_last_half() {
        assert_eq!(steady(&[]), 0);
        assert_eq!(steady(&[7]), 7);
        assert_eq!(steady(&[90, 50, 10, 20]), 15);
        assert_eq!(steady(&[90, 50, 10, 20, 30]), 20);
    }

    #[test]
    fn memory_is_sampled_while_the_work_goes_on() {
        let (result, [memory]) = during([std::process::id()], || 5);
        assert_eq!(result, 5);
        assert!(memory.steady > 0 && memory.peak >= memory.steady);
    }
}
