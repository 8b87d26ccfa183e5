//! Shows the figures of `bench import`, each beside its target.

use std::time::Duration;

use serde_json::{Value, json};

use super::import::{Figures, Size};

const MAX_RATIO: f64 = 1.8;
const MAX_EVENTS: usize = 150;
const MAX_MIB: f64 = 128.0;
/// Growth from 100 000 rows to a million that still counts as flat.
const MAX_GROWTH: f64 = 1.15;
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
            "ratio": self.ratio(),
            "copy_rows_per_second": self.rate(self.copy),
            "import_rows_per_second": self.per_second(),
            "upload_seconds": self.upload.as_secs_f64(),
            "phase_seconds": {"receive": self.phases.receive, "queue": self.phases.queue, "import": self.phases.import},
            "cpu_seconds": {"api": self.cpu.api, "worker": self.cpu.worker, "postgres": self.cpu.postgres},
            "api_peak_mib": mib(self.api_peak),
            "worker_peak_mib": mib(self.worker_peak),
            "history_events": self.events,
            "workflow_runs": self.workflows,
        })
    }
}

impl Figures {
    fn pings(&self) -> f64 {
        self.batch_p50.as_secs_f64() / self.ping_p50.as_secs_f64()
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "imports": self.sizes.iter().map(Size::json).collect::<Vec<_>>(),
            "batch_of_100_p50_ms": millis(self.batch_p50),
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
        for (name, peak, before) in [
            ("api peak memory", last.api_peak, middle.api_peak),
            ("worker peak memory", last.worker_peak, middle.worker_peak),
        ] {
            let (peak, before) = (mib(peak), mib(before));
            line(name, format!("{peak:.0} MiB"), &format!("≤ {MAX_MIB:.0} MiB"), peak <= MAX_MIB);
            let growth = peak / before;
            let figure = format!("× {growth:.2} from {} to {}", middle.rows, last.rows);
            line("  flat", figure, &format!("≤ × {MAX_GROWTH}"), growth <= MAX_GROWTH);
        }
    }
    let pings = figures.pings();
    let (batch, ping) = (millis(figures.batch_p50), millis(figures.ping_p50));
    line(
        "100 users, p50",
        format!("{batch:.1} ms, {pings:.1} × {ping:.1} ms"),
        &format!("≤ {MAX_PINGS} ×"),
        pings <= MAX_PINGS,
    );
    let mails = figures.mails_per_second;
    line("mails", format!("{mails:.0}/s"), &format!("≥ {MIN_MAILS:.0}/s"), mails >= MIN_MAILS);
}

fn line(name: &str, figure: impl std::fmt::Display, target: &str, ok: bool) {
    let figure = figure.to_string();
    println!("{name:<20} {figure:<34} {target:<12} {}", if ok { "ok" } else { "over" });
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn mib(bytes: u64) -> f64 {
    // In KiB first, which fit into a u32 for any process there is.
    f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0
}
