//! What a process has used: memory, processor time, files, from `/proc` (nothing where there is none).

use std::fs;

/// Peak resident memory in bytes (`VmHWM`).
pub fn peak_rss(pid: u32) -> Option<u64> {
    status_field(pid, "VmHWM:")
}

/// Resident memory in bytes now (`VmRSS`).
pub fn rss(pid: u32) -> Option<u64> {
    status_field(pid, "VmRSS:")
}

/// Starts a new peak for [`peak_rss`]. Where the system does not allow it the old peak stays.
pub fn reset_peak_rss(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// Processor seconds (user and system) that a process used, with those of its ended children.
pub fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // utime, stime, cutime, cstime are fields 14 to 17; Linux counts them in hundredths of a second.
    let ticks: u64 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(std::time::Duration::from_millis(ticks * 10).as_secs_f64())
}

/// Processor seconds of a process and its living children (Postgres: one backend per connection).
pub fn cpu_seconds_of_family(pid: u32) -> Option<f64> {
    let own = cpu_seconds(pid)?;
    let children: f64 = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|child| cpu_seconds(child.parse().ok()?))
        .sum();
    Some(own + children)
}

/// Files and connections that a process has open.
pub fn descriptors(pid: u32) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}

fn status_field(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}
