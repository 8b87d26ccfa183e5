//! What the process takes of its machine, under the names that all exporters give it. Read from `/proc` by ourselves: it is
//! little, and the crate for it has features of others rebuilt on which all of Temporal's SDK depends.

use std::fmt;
use std::fs;

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

/// Ticks in which the kernel tells times, in a second: the same on every machine that we build for.
const TICKS: f64 = 100.0;

/// None where there is no `/proc`.
fn usage() -> Option<Usage> {
    let read = |file: &str| fs::read_to_string(file).ok();
    let (stat, status) = (read("/proc/self/stat")?, read("/proc/self/status")?);
    // After the name of the program, which may hold anything: the third field is the first one here.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let seconds = |number: usize| Some(fields.get(number - 3)?.parse::<f64>().ok()? / TICKS);
    let of_status = |name: &str| number(line(&status, name)?);
    let most_files = read("/proc/self/limits").and_then(|limits| number(line(&limits, "Max open files")?));
    Some(Usage {
        cpu_seconds: seconds(14)? + seconds(15)?,
        started_at: line(&read("/proc/stat")?, "btime")?.trim().parse::<f64>().ok()? + seconds(22)?,
        resident: of_status("VmRSS:")?.saturating_mul(1024),
        virtual_memory: of_status("VmSize:")?.saturating_mul(1024),
        threads: of_status("Threads:")?,
        open_files: fs::read_dir("/proc/self/fd").ok().and_then(|files| files.count().try_into().ok()),
        most_files,
        // `max` where there is no end.
        most_memory: read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok()),
    })
}

/// What follows a name at the beginning of a line.
fn line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name))
}

/// The first word, if it is a number.
fn number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
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
