//! Shows the figures of `bench http`, each beside its target.

use std::time::Duration;

use muster_testkit::spread::median;
use serde_json::{Value, json};

use super::super::report::{line, millis};
use super::{CONNECTIONS, Cpu, Figures, Latencies};

/// Most that the slowest request of a hundred may take, in medians, at half load.
const MAX_SPREAD: f64 = 5.0;

impl Figures {
    fn ratio(&self) -> f64 {
        median(self.ratios.clone())
    }
}

impl Latencies {
    /// Of the turns the middle one's: how fast the machine is differs from turn to turn, and p50 and p99 of two of them say
    /// nothing together.
    fn spread(&self) -> f64 {
        median(self.spreads.clone())
    }

    /// The middle of each, of several turns.
    pub(super) fn median(turns: &[Self]) -> Self {
        let of = |what: fn(&Self) -> Duration| median(turns.iter().map(what).collect());
        Self {
            p50: of(|turn| turn.p50),
            p99: of(|turn| turn.p99),
            all_p99: of(|turn| turn.all_p99),
            held_up: median(turns.iter().map(|turn| turn.held_up).collect()),
            spreads: turns.iter().flat_map(|turn| turn.spreads.clone()).collect(),
        }
    }

    fn json(&self) -> Value {
        json!({
            "p50_ms": millis(self.p50),
            "p99_ms": millis(self.p99),
            "all_p99_ms": millis(self.all_p99),
            "held_up_by_stalls_percent": self.held_up,
            "spreads": self.spreads,
        })
    }
}

fn cpu(cpu: Cpu) -> Value {
    json!({"server": cpu.server, "postgres": cpu.postgres})
}

pub(in super::super) fn json(figures: &[Figures]) -> Value {
    let all = figures.iter().map(|figures| {
        json!({
            "kind": figures.name,
            "per_second": figures.per_second,
            "baseline_per_second": figures.baseline_per_second,
            "ratio": figures.ratio(),
            "ratios": figures.ratios,
            "cpu_seconds_per_thousand": cpu(figures.cpu),
            "baseline_cpu_seconds_per_thousand": cpu(figures.baseline_cpu),
            "half_load": figures.half.json(),
            "baseline_half_load": figures.baseline_half.json(),
        })
    });
    all.collect()
}

pub(in super::super) fn print(figures: &[Figures]) {
    println!("\n{CONNECTIONS} connections; medians of all turns; CPU seconds of a thousand requests\n");
    println!(
        "{:<12} {:>10} {:>10} {:>9} {:>9} {:>10} {:>10}",
        "", "per s", "bare per s", "api cpu", "pg cpu", "bare cpu", "bare pg"
    );
    for figures in figures {
        println!(
            "{:<12} {:>10.0} {:>10.0} {:>9.3} {:>9.3} {:>10.3} {:>10.3}",
            figures.name,
            figures.per_second,
            figures.baseline_per_second,
            figures.cpu.server,
            figures.cpu.postgres,
            figures.baseline_cpu.server,
            figures.baseline_cpu.postgres
        );
    }
    println!("\nTargets\n");
    for figures in figures {
        let (ratio, target) = (figures.ratio(), figures.target);
        line(
            figures.name,
            format!("{ratio:.2} of bare ({})", each(&figures.ratios, 2)),
            &format!("≥ {}", target.ratio),
            ratio >= target.ratio,
        );
        let rate = figures.per_second;
        line("", format!("{rate:.0}/s"), &format!("≥ {:.0}/s", target.per_second), rate >= target.per_second);
        let (half, bare) = (&figures.half, &figures.baseline_half);
        let spread = half.spread();
        line(
            "  at half load",
            format!("p99 = {spread:.1} × p50 ({})", each(&half.spreads, 1)),
            &format!("≤ {MAX_SPREAD} ×"),
            spread <= MAX_SPREAD,
        );
        println!(
            "{:<20} bare {:.1} × ({}); p50 {:.2} ms, p99 {:.2} ms (bare {:.2} ms, {:.2} ms)",
            "",
            bare.spread(),
            each(&bare.spreads, 1),
            millis(half.p50),
            millis(half.p99),
            millis(bare.p50),
            millis(bare.p99)
        );
        let (all, bare) = (millis(half.all_p99), millis(figures.baseline_half.all_p99));
        println!(
            "{:<20} stalls of the machine held up {:.1} % of them; with those, p99 {all:.2} ms (bare {:.1} %, {bare:.2} ms)",
            "", half.held_up, figures.baseline_half.held_up
        );
    }
}

fn each(turns: &[f64], digits: usize) -> String {
    let turns: Vec<String> = turns.iter().map(|turn| format!("{turn:.digits$}")).collect();
    turns.join(", ")
}
