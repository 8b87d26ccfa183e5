//! What the process takes of its machine, under the names that all exporters give it.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Memory, files and time. Read when somebody scrapes; what the system does not say is left out.
#[derive(Debug)]
pub(super) struct ProcessUsage;

/// At one moment.
struct Usage {
    cpu_seconds: f64,
    started_at: f64,
    resident: u64,
    virtual_memory: u64,
    threads: u64,
    open_files: Option<u64>,
    most_files: Option<u64>,
    most_memory: Option<u64>,
}

impl Collector for ProcessUsage {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(usage) = usage() else { return Ok(()) };
        let help = "Seconds of processors that were used";
        let cpu = ConstCounter::new(usage.cpu_seconds);
        cpu.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?)?;
        let help = "When the process began, in seconds since 1970";
        let started = ConstGauge::new(usage.started_at);
        started.encode(encoder.encode_descriptor("process_start_time_seconds", help, None, MetricType::Gauge)?)?;
        for (name, help, value) in [
            ("process_resident_memory_bytes", "Bytes in memory", Some(usage.resident)),
            ("process_virtual_memory_bytes", "Bytes of addresses", Some(usage.virtual_memory)),
            ("process_threads", "Threads", Some(usage.threads)),
            ("process_open_fds", "Open files and connections", usage.open_files),
            ("process_max_fds", "Most open files and connections that there may be", usage.most_files),
            (
                "muster_memory_limit_bytes",
                "Bytes at which the container is ended; none if there is no end",
                usage.most_memory,
            ),
        ] {
            let Some(value) = value else { continue };
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
#[expect(clippy::cast_precision_loss, reason = "seconds need no more than the 53 bits that are exact")]
fn usage() -> Option<Usage> {
    use procfs::process::{LimitValue, Process};

    let process = Process::myself().ok()?;
    let stat = process.stat().ok()?;
    let ticks = procfs::ticks_per_second() as f64;
    let booted_at = procfs::boot_time_secs().ok()?;
    let most_files = process.limits().ok().and_then(|limits| match limits.max_open_files.soft_limit {
        LimitValue::Value(most) => Some(most),
        LimitValue::Unlimited => None,
    });
    Some(Usage {
        cpu_seconds: stat.utime.saturating_add(stat.stime) as f64 / ticks,
        started_at: booted_at as f64 + stat.starttime as f64 / ticks,
        resident: stat.rss.saturating_mul(procfs::page_size()),
        virtual_memory: stat.vsize,
        threads: u64::try_from(stat.num_threads).unwrap_or_default(),
        open_files: process.fd_count().ok().and_then(|files| files.try_into().ok()),
        most_files,
        // `max` where there is no end.
        most_memory: std::fs::read_to_string("/sys/fs/cgroup/memory.max")
            .ok()
            .and_then(|text| text.trim().parse().ok()),
    })
}

#[cfg(not(target_os = "linux"))]
const fn usage() -> Option<Usage> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::SystemTime;

    use super::usage;

    #[test]
    fn this_process_runs_and_takes_memory_and_files() {
        let before = usage().unwrap();
        let file = std::fs::File::open("/proc/self/stat").unwrap();
        let after = usage().unwrap();
        assert!(after.resident > 100_000 && after.virtual_memory >= after.resident, "{}", after.resident);
        assert!(after.threads >= 1 && after.cpu_seconds >= before.cpu_seconds);
        assert!(after.open_files > before.open_files || after.open_files >= Some(4), "{:?}", after.open_files);
        assert!(after.most_files > after.open_files);
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        assert!((now - after.started_at) < 3600.0 && after.started_at <= now + 2.0, "{} {now}", after.started_at);
        drop(file);
    }
}
