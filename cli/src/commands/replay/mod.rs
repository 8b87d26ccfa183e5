mod history;
mod proto_json;
mod proto_names;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use muster_bootstrap::{config, data_converter};
use muster_workflows::{
    DeliverWebhook, Ping, ProcessPartnerEvent, RunOperation, RunSchedule, SendDueReminders, SendReminders,
    SendWelcomeBatch, SendWelcomeMails, Sweep,
};
use serde_json::{Value, json};
use temporalio_common::WorkflowDefinition;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_sdk::workflow_replayer::{WorkflowReplayFailure, WorkflowReplayer, WorkflowReplayerOptions};

use self::history::Recorded;

const EXIT_CODES: &str = "\
Exit codes:
  0  every history replays: workflows that run go on with this release
  1  one does not, or cannot be read
  2  wrong arguments";

/// `muster replay`
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Replay {
    /// Histories, as the UI of Temporal or `temporal workflow show --output json` gives them; of a folder all its .json
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What came of a file.
struct Replayed {
    path: PathBuf,
    workflow: Option<String>,
    diverged: Option<Diverged>,
}

/// Where, and how, the code wants something else than was recorded.
struct Diverged {
    event: Option<i64>,
    why: String,
}

/// The workflows of this build, each by the name that histories know it by.
fn workflows() -> anyhow::Result<(WorkflowReplayer, Vec<String>)> {
    let mut names = Vec::new();
    let mut options = WorkflowReplayerOptions::new().build();
    macro_rules! register {
        ($($workflow:ident),+ $(,)?) => {
            $(
                options.register_workflow::<$workflow>()?;
                names.push($workflow::run.name().to_owned());
            )+
        };
    }
    register!(
        DeliverWebhook,
        Ping,
        ProcessPartnerEvent,
        RunOperation,
        RunSchedule,
        SendDueReminders,
        SendReminders,
        SendWelcomeBatch,
        SendWelcomeMails,
        Sweep,
    );
    // Histories may have been recorded before there were keys, and since.
    options.data_converter = data_converter(&config::payload_keys()?);
    Ok((WorkflowReplayer::new(options)?, names))
}

impl Replay {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let files = files(&self.files)?;
        let (replayer, known) = workflows()?;
        let mut failed = 0_usize;
        super::block_on(async {
            for path in files {
                let outcome = replay(&replayer, &known, path).await;
                failed += usize::from(outcome.diverged.is_some());
                println!("{}", if self.json { as_json(&outcome).to_string() } else { as_text(&outcome) });
            }
            Ok(())
        })?;
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The files, and those in the folders, in the order of their names.
fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let cannot = || format!("cannot read {}", path.display());
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).with_context(cannot)? {
            inside.push(entry.with_context(cannot)?.path());
        }
        inside.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        if inside.is_empty() {
            bail!("{} has no .json file in it", path.display());
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

async fn replay(replayer: &WorkflowReplayer, known: &[String], path: PathBuf) -> Replayed {
    let recorded = match Recorded::read(&path) {
        Ok(recorded) => recorded,
        Err(error) => {
            let why = muster_bootstrap::lifecycle::one_line(&error);
            return Replayed { path, workflow: None, diverged: Some(Diverged { event: None, why }) };
        }
    };
    let workflow = recorded.workflow.clone();
    let diverged = if known.contains(&workflow) {
        diverged(replayer, recorded).await
    } else {
        Some(Diverged { event: Some(1), why: format!("this release has no workflow {workflow}") })
    };
    Replayed { path, workflow: Some(workflow), diverged }
}

async fn diverged(replayer: &WorkflowReplayer, recorded: Recorded) -> Option<Diverged> {
    match replayer.replay_workflows([recorded.history]).await {
        Ok(results) => match results.into_iter().next() {
            Some(result) => result.replay_failure.map(|failure| Diverged::of(&failure, result.history.events())),
            None => Some(Diverged { event: None, why: "the SDK gave no result".to_owned() }),
        },
        Err(error) => Some(Diverged { event: None, why: error.to_string() }),
    }
}

impl Diverged {
    fn of(failure: &WorkflowReplayFailure, events: &[HistoryEvent]) -> Self {
        let why = failure.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        Self { event: event(&why, events), why }
    }
}

/// The event that the SDK's message is about: its number, in either of two forms, or the only one that schedules what is named.
fn event(why: &str, events: &[HistoryEvent]) -> Option<i64> {
    let number = |before: &str| {
        let (_, rest) = why.split_once(before)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let numbered = number("HistoryEvent(id: ").or_else(|| number("event_id: "));
    numbered.or_else(|| {
        let (_, rest) = why.split_once("event '")?;
        let (named, _) = rest.split_once('\'')?;
        let mut scheduling = events.iter().filter(|event| schedules(event, named));
        let event = scheduling.next()?;
        scheduling.next().is_none().then_some(event.event_id)
    })
}

fn schedules(event: &HistoryEvent, name: &str) -> bool {
    match &event.attributes {
        Some(Attributes::ActivityTaskScheduledEventAttributes(activity)) => {
            activity.activity_id == name || activity.activity_type.as_ref().is_some_and(|kind| kind.name == name)
        }
        Some(Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(child)) => {
            child.workflow_id == name || child.workflow_type.as_ref().is_some_and(|kind| kind.name == name)
        }
        _ => false,
    }
}

fn as_text(replayed: &Replayed) -> String {
    let place = place(&replayed.path, replayed.workflow.as_deref());
    match &replayed.diverged {
        None => format!("ok      {place}"),
        Some(Diverged { event: Some(event), why }) => format!("failed  {place}: event {event}: {why}"),
        Some(Diverged { event: None, why }) => format!("failed  {place}: {why}"),
    }
}

fn place(path: &Path, workflow: Option<&str>) -> String {
    workflow.map_or_else(|| path.display().to_string(), |workflow| format!("{} ({workflow})", path.display()))
}

/// A line of JSON for each file: many come one after another.
fn as_json(replayed: &Replayed) -> Value {
    json!({
        "file": replayed.path.display().to_string(),
        "workflow": replayed.workflow,
        "ok": replayed.diverged.is_none(),
        "event": replayed.diverged.as_ref().and_then(|diverged| diverged.event),
        "message": replayed.diverged.as_ref().map(|diverged| &diverged.why),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use temporalio_common::protos::temporal::api::history::v1::History;

    use super::*;

    /// A change that breaks one of these would strand what runs in production. Record new ones with `cargo xtask
    /// histories`, and keep the old ones.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_recorded_history_replays_and_each_workflow_has_one() {
        let (replayer, known) = workflows().unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows/histories");
        let mut seen = BTreeSet::new();
        for path in files(&[folder]).unwrap() {
            let outcome = replay(&replayer, &known, path).await;
            assert!(outcome.diverged.is_none(), "{}", as_text(&outcome));
            seen.extend(outcome.workflow);
        }
        assert_eq!(seen, known.into_iter().collect(), "a workflow has no recorded history");
    }

    #[test]
    fn the_event_is_named_where_the_message_tells_it() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows/histories");
        let text = std::fs::read_to_string(folder.join("SendWelcomeMails-1.json")).unwrap();
        let history: History = serde_json::from_str(&text).unwrap();
        let event = |why: &str| event(why, &history.events);
        assert_eq!(event("it does not handle this event: HistoryEvent(id: 17, TimerStarted)"), Some(17));
        assert_eq!(event("no matching command for it: HistoryEvent { event_id: 18, x: 1 }"), Some(18));
        assert_eq!(event("Activity type of scheduled event 'send_mails' does not match 'x'"), Some(5));
        assert_eq!(event("Activity type of scheduled event 'nothing' does not match 'x'"), None);
        assert_eq!(event("no event is named"), None);
    }
}
