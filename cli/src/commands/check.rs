use std::io::{IsTerminal, stdout};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use muster_bootstrap::Config;
use muster_bootstrap::check::{Finding, Part, Verdict, check};
use serde_json::{Value, json};

const EXIT_CODES: &str = "\
Exit codes:
  0  all is well, or nobody needs to look
  1  something is wrong; each line below it says how to mend it
  2  wrong arguments";

/// Begin and end of green, red and grey on a terminal.
const GREEN: &str = "\u{1b}[32m";
const RED: &str = "\u{1b}[31m";
const GREY: &str = "\u{1b}[90m";
const PLAIN: &str = "\u{1b}[0m";

/// `muster check`
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Check {
    /// Look at these only, with commas between them
    #[arg(long, value_delimiter = ',', value_name = "PARTS", value_parser = part())]
    only: Vec<Part>,
    /// For how many seconds each may keep us waiting
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn part() -> impl TypedValueParser<Value = Part> {
    let names = PossibleValuesParser::new(Part::ALL.map(Part::name));
    names.try_map(|name| Part::ALL.into_iter().find(|part| part.name() == name).ok_or("no part of that name"))
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let (config, problems) = Config::examine(|name| std::env::var(name).ok());
        let parts = if self.only.is_empty() { Part::ALL.to_vec() } else { self.only };
        let patience = Duration::from_secs(self.timeout);
        let findings = super::block_on(async { Ok(Box::pin(check(&config, &problems, &parts, patience)).await) })?;
        let is_well = !findings.iter().any(|finding| matches!(finding.verdict, Verdict::Bad { .. }));
        if self.json {
            println!("{}", json!({ "ok": is_well, "checks": findings.iter().map(as_json).collect::<Vec<_>>() }));
        } else {
            print!("{}", as_text(&findings, is_colourful()));
        }
        Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// As <https://no-color.org> has it.
fn is_colourful() -> bool {
    stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn as_json(finding: &Finding) -> Value {
    let (status, detail, mend) = match &finding.verdict {
        Verdict::Good(what) => ("ok", what, None),
        Verdict::Bad { wrong, mend } => ("failed", wrong, Some(mend)),
        Verdict::Skipped(why) => ("skipped", why, None),
    };
    json!({ "check": finding.name, "status": status, "detail": detail, "mend": mend })
}

fn as_text(findings: &[Finding], is_colourful: bool) -> String {
    let width = findings.iter().map(|finding| finding.name.len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for finding in findings {
        let (status, colour, detail) = match &finding.verdict {
            Verdict::Good(what) => ("ok     ", GREEN, what),
            Verdict::Bad { wrong, .. } => ("failed ", RED, wrong),
            Verdict::Skipped(why) => ("skipped", GREY, why),
        };
        let status = if is_colourful { format!("{colour}{status}{PLAIN}") } else { status.to_owned() };
        lines.push(format!("{status}  {:width$}  {detail}\n", finding.name));
        if let Verdict::Bad { mend, .. } = &finding.verdict {
            lines.push(format!("         {:width$}  mend: {mend}\n", ""));
        }
    }
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_look_is_a_line_and_each_failure_says_how_to_mend_it() {
        let findings = [
            Finding::good("redis", "Redis 7"),
            Finding::bad("migrations", "none has run", "run `muster migrate`"),
            Finding::skipped("smtp", "why not"),
        ];
        let plain = "ok       redis       Redis 7\nfailed   migrations  none has run\n                     mend: run \
                     `muster migrate`\nskipped  smtp        why not\n";
        assert_eq!(as_text(&findings, false), plain);
        let colourful = as_text(&findings, true);
        assert!(colourful.starts_with("\u{1b}[32mok     \u{1b}[0m  redis"), "{colourful}");
        assert!(colourful.contains("\u{1b}[31mfailed"), "{colourful}");
    }
}
