use std::process::ExitCode;

use clap::Args;
use muster_bootstrap::Config;
use muster_bootstrap::config::settings::{Effective, Origin, effective, template};
use serde_json::{Value, json};

use crate::table::table;

const EXIT_CODES: &str = "\
Exit codes:
  0  every setting can be read
  1  some cannot: they are named on stderr
  2  wrong arguments";

/// `muster config`
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Settings {
    /// Only what somebody has set
    #[arg(long)]
    set: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print a file with every setting, its default and what it means, to begin with
    #[arg(long, conflicts_with_all = ["set", "json"])]
    template: bool,
}

impl Settings {
    pub(crate) fn run(self) -> ExitCode {
        if self.template {
            print!("{}", template());
            return ExitCode::SUCCESS;
        }
        let environment = |name: &str| std::env::var(name).ok();
        let (settings, unreadable) = effective(environment);
        let settings: Vec<_> =
            settings.into_iter().filter(|setting| !self.set || setting.origin != Origin::Default).collect();
        if self.json {
            println!("{}", Value::Array(settings.iter().map(as_json).collect()));
        } else {
            let rows = settings.iter().map(|setting| {
                let value = setting.value.clone().unwrap_or_default();
                vec![setting.name.to_owned(), value, from(&setting.origin)]
            });
            println!("{}", table(&["setting", "value", "from"], rows.collect()));
        }
        let mut problems = Config::examine(environment).1;
        problems.extend(unreadable.into_iter().filter(|problem| !problems.contains(problem)).collect::<Vec<_>>());
        for problem in &problems {
            eprintln!("wrong: {problem}");
        }
        if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn from(origin: &Origin) -> String {
    match origin {
        Origin::Variable(name) => name.clone(),
        Origin::File(path) => path.display().to_string(),
        Origin::Default => "default".to_owned(),
    }
}

fn as_json(setting: &Effective) -> Value {
    let (kind, place) = match &setting.origin {
        Origin::Variable(name) => ("variable", Some(name.clone())),
        Origin::File(path) => ("file", Some(path.display().to_string())),
        Origin::Default => ("default", None),
    };
    json!({ "name": setting.name, "value": setting.value, "from": kind, "place": place })
}
