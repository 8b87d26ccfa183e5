//! Shows the figures of `bench import`, each beside its target.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    import::{Batches, Figures, Phases, Size},
    memory::Memory,
};

const MAX_RATIO: f64 = 1.8;
const MAX_EVENTS: usize = 150;
const MAX_MIB: f64 = 128.0;
/// Growth of the settled memory from 100 000 rows to a million that still counts as flat: by so much, or by
/// [`SLACK_MIB`]. Peaks are held to [`MAX_MIB`] only: a short import ends before its memory has settled.
const MAX_GROWTH: f64 = 1.15;
/// Of small figures a few buffers are more than [`MAX_GROWTH`].
const SLACK_MIB: f64 = 8.0;
const MAX_PINGS: f64 = 10.0;
const MIN_MAILS: f64 = 2_000.0;

impl Size {
    fn per_second(&self) -> f64 {
        self.rate(self.total)
    }

    fn rate(&self, time: Duration) -> f64 {
        // More rows than a u32 holds are not accepted anyway.
        f64::from(u32::try_from(self.rows).unwrap_or(u32::MAX)) / time.as_secs_f64()
    }

    fn ratio(&self) -> f64 {
        self.total.as_secs_f64() / self.copy.as_secs_f64()
    }

    fn json(&self) -> Value {
        json!({
            "rows": self.rows,
            "copy_seconds": self.copy.as_secs_f64(),
            "import_seconds": self.total.as_secs_f64(),
            "import_seconds_of_each_run": self.totals,
            "ratio": self.ratio(),
            "copy_rows_per_second": self.rate(self.copy),
            "import_rows_per_second": self.per_second(),
            "upload_seconds": self.upload.as_secs_f64(),
            "phase_seconds": self.phases.json(),
            "cpu_seconds": {"api": self.cpu.api, "worker": self.cpu.worker, "postgres": self.cpu.postgres},
            "api_mib": self.api.json(),
            "worker_mib": self.worker.json(),
            "history_events": self.events,
            "workflow_runs": self.workflows,
        })
    }
}

impl Phases {
    fn json(self) -> Value {
        json!({"receive": self.receive, "queue": self.queue, "import": self.import})
    }
}

impl Memory {
    fn json(self) -> Value {
        json!({"peak": mib(self.peak), "steady": mib(self.steady)})
    }
}

impl Batches {
    fn json(&self) -> Value {
        json!({"p50_ms": millis(self.p50), "phase_seconds": self.phases.json()})
    }

    /// What the client waits for besides what the server's clock sees: the request, the answer, being woken.
    fn rest_ms(&self) -> f64 {
        millis(self.p50) - (self.phases.receive + self.phases.queue + self.phases.import) * 1000.0
    }
}

impl Figures {
    fn pings(&self) -> f64 {
        self.batches.p50.as_secs_f64() / self.ping_p50.as_secs_f64()
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "imports": self.sizes.iter().map(Size::json).collect::<Vec<_>>(),
            "batch_of_100": self.batches.json(),
            "batch_of_100_without_mail": self.batches_without_mail.json(),
            "empty_workflow_p50_ms": millis(self.ping_p50),
            "batch_to_empty_workflow": self.pings(),
            "mails_per_second": self.mails_per_second,
        })
    }
}

pub(super) fn print(figures: &Figures) {
    println!(
        "\n{:>10} {:>10} {:>10} {:>7} {:>12} {:>12}",
        "rows", "COPY s", "import s", "ratio", "COPY rows/s", "rows/s"
    );
    for size in &figures.sizes {
        println!(
            "{:>10} {:>10.2} {:>10.2} {:>7.2} {:>12.0} {:>12.0}",
            size.rows,
            size.copy.as_secs_f64(),
            size.total.as_secs_f64(),
            size.ratio(),
            size.rate(size.copy),
            size.per_second()
        );
    }
    for size in figures.sizes.iter().filter(|size| size.totals.len() > 1) {
        let totals: Vec<String> = size.totals.iter().map(|seconds| format!("{seconds:.2}")).collect();
        println!("{:>10} is the median of {} s", size.rows, totals.join(", "));
    }
    println!("\nWhere the time goes (s)\n");
    println!(
        "{:>10} {:>9} {:>9} {:>9} {:>9}  {:>9} {:>9} {:>9}",
        "rows", "upload", "receive", "queue", "import", "api cpu", "work. cpu", "pg cpu"
    );
    for size in &figures.sizes {
        let (phases, cpu) = (size.phases, size.cpu);
        println!(
            "{:>10} {:>9.2} {:>9.2} {:>9.2} {:>9.2}  {:>9.2} {:>9.2} {:>9.2}",
            size.rows,
            size.upload.as_secs_f64(),
            phases.receive,
            phases.queue,
            phases.import,
            cpu.api,
            cpu.worker,
            cpu.postgres
        );
    }
    println!("\nTargets\n");
    if let Some(last) = figures.sizes.last() {
        line("import to COPY", format!("{:.2}", last.ratio()), &format!("≤ {MAX_RATIO}"), last.ratio() <= MAX_RATIO);
        let runs = format!("{} in {} runs", last.events, last.workflows);
        line("history events", runs, &format!("≤ {MAX_EVENTS}"), last.events <= MAX_EVENTS && last.workflows > 0);
        let middle = figures.sizes.iter().rev().nth(1).unwrap_or(last);
        for (name, memory, before) in [("api", last.api, middle.api), ("worker", last.worker, middle.worker)] {
            let (peak, steady, before) = (mib(memory.peak), mib(memory.steady), mib(before.steady));
            line(
                &format!("{name} memory, peak"),
                format!("{peak:.0} MiB"),
                &format!("≤ {MAX_MIB:.0} MiB"),
                peak <= MAX_MIB,
            );
            let figure = format!("{before:.0} to {steady:.0} MiB, × {:.2}", steady / before);
            let target = format!("≤ × {MAX_GROWTH} or + {SLACK_MIB:.0} MiB");
            line("  settled", figure, &target, is_flat(before, steady));
        }
        println!("  settled: mean of the last half of an import, of {} and of {} rows", middle.rows, last.rows);
    }
    let pings = figures.pings();
    let (batch, ping) = (millis(figures.batches.p50), millis(figures.ping_p50));
    line(
        "100 users, p50",
        format!("{batch:.1} ms, {pings:.1} × {ping:.1} ms"),
        &format!("≤ {MAX_PINGS} ×"),
        pings <= MAX_PINGS,
    );
    for (name, batches) in [("default", &figures.batches), ("no mail", &figures.batches_without_mail)] {
        let Phases { receive, queue, import } = batches.phases;
        println!(
            "  {name}: {:.1} ms = receive {:.1} + queue {:.1} + import {:.1} + rest {:.1} (medians)",
            millis(batches.p50),
            receive * 1000.0,
            queue * 1000.0,
            import * 1000.0,
            batches.rest_ms()
        );
    }
    let mails = figures.mails_per_second;
    line("mails", format!("{mails:.0}/s"), &format!("≥ {MIN_MAILS:.0}/s"), mails >= MIN_MAILS);
}

/// One target: what was measured, what was wanted, and whether it holds.
pub(super) fn line(name: &str, figure: impl std::fmt::Display, target: &str, ok: bool) {
    let figure = figure.to_string();
    println!("{name:<20} {figure:<34} {target:<22} {}", if ok { "ok" } else { "over" });
}

fn is_flat(before: f64, after: f64) -> bool {
    after <= before * MAX_GROWTH || after <= before + SLACK_MIB
}

pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn mib(bytes: u64) -> f64 {
    // In KiB first, which fit into a u32 for any process there is.
    f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::is_flat;

    #[test]
    fn a_little_growth_is_flat_in_one_measure_or_the_other() {
        assert!(is_flat(100.0, 114.0));
        assert!(is_flat(20.0, 28.0));
        assert!(!is_flat(100.0, 116.0));
        assert!(!is_flat(20.0, 29.0));
        assert!(is_flat(50.0, 40.0));
    }
}
