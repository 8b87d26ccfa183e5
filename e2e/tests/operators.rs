//! What operators do with `muster`: look at operations, stop them and take them back, and replay histories.

use std::{fs, process::Output, time::Duration};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{World, test, world::count};
use muster_testkit::{stack::Stack, tools::wait_until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);
const CSV: &str = "email,username\nada@example.com,ada\nno address,bob\neve@example.com,eve\n";

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    fn new(output: Output) -> Result<Self> {
        let code = output.status.code();
        Ok(Self { code, out: String::from_utf8(output.stdout)?, err: String::from_utf8(output.stderr)? })
    }

    fn must(self, code: i32, says: &[&str]) -> Result<Self> {
        ensure!(self.code == Some(code), "it ended with {:?}: {}{}", self.code, self.out, self.err);
        let text = format!("{}{}", self.out, self.err);
        ensure!(says.iter().all(|part| text.contains(part)), "it does not say {says:?}: {text}");
        Ok(self)
    }

    fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.out).with_context(|| format!("{:?} is no JSON", self.out))
    }
}

fn operations(stack: &Stack, world: &World, arguments: &[&str]) -> Result<Ran> {
    let mut command = stack.muster()?;
    command.arg("operations").args(arguments).env("API_URL", world.api.url()).env("TENANT_TOKEN", world.client.token());
    Ran::new(command.output()?)
}

fn import(world: &World) -> Result<String> {
    world.client.import_csv("send_welcome=false", CSV.as_bytes())
}

#[test]
fn operations_are_listed_shown_and_taken_back() {
    test("operations", |stack| {
        let world = World::start(stack)?;
        let first = import(&world)?;
        // They have the same users: whoever comes second has none left.
        world.client.ended(&first, PATIENCE)?;
        let second = import(&world)?;
        operations(stack, &world, &["show", &first, "--watch"])?
            .must(3, &[&first, "partially_succeeded", "3 of 3 done: 2 created, 1 failed", "LINE", "email"])?;
        let json = operations(stack, &world, &["show", &first, "--json"])?.must(0, &[])?.json()?;
        ensure!(json.pointer("/progress/failed") == Some(&1.into()), "{json:#}");
        operations(stack, &world, &["show", &second, "--watch", "--rows", "0"])?.must(4, &["3 of 3 done: 3 failed"])?;

        let list = operations(stack, &world, &["list"])?.must(0, &["ID", "users.import"])?;
        ensure!(list.out.lines().count() == 3, "{}", list.out);
        let page = operations(stack, &world, &["list", "--limit", "1"])?.must(0, &[&second, "--cursor"])?;
        ensure!(!page.out.contains(&first), "{}", page.out);
        let cursor = page.err.trim().rsplit(' ').next().context("no cursor")?.to_owned();
        operations(stack, &world, &["list", "--limit", "1", "--cursor", &cursor])?.must(0, &[&first])?;
        let all = operations(stack, &world, &["list", "--all", "--json"])?.must(0, &[])?.json()?;
        ensure!(all.get("items").and_then(Value::as_array).map(Vec::len) == Some(2), "{all:#}");
        let failed = operations(stack, &world, &["list", "--state", "failed"])?.must(0, &[&second])?;
        ensure!(!failed.out.contains(&first), "{}", failed.out);

        operations(stack, &world, &["pause", &first])?.must(1, &["error: the API refused (409"])?;
        operations(stack, &world, &["show", "018f0000-0000-7000-8000-00000000000a"])?.must(1, &["404"])?;
        operations(stack, &world, &["show", "nonsense"])?.must(2, &[])?;
        operations(stack, &world, &["undo", &first, "--watch"])?.must(0, &["takes back what", "is succeeded"])?;
        ensure!(count(stack, "select count(*) from users where deleted_at is null")? == 0, "users are still there");
        operations(stack, &world, &["show", &first, "--watch"])?.must(0, &["undone"])?;
        Ok(())
    });
}

#[test]
fn operations_are_paused_resumed_and_cancelled() {
    test("operations-control", |stack| {
        // Nobody works, so nothing ends before it is stopped.
        let world = World::start_with(stack, &[], None)?;
        let id = import(&world)?;
        operations(stack, &world, &["pause", &id])?
            .must(0, &[&format!("{id} is paused"), "muster operations resume"])?;
        operations(stack, &world, &["show", &id, "--watch"])?.must(5, &["paused: somebody paused it"])?;
        operations(stack, &world, &["resume", &id])?.must(0, &["goes on: it is queued"])?;
        operations(stack, &world, &["cancel", &id, "--undo"])?.must(0, &["is cancelled", "nothing was done"])?;
        let json = operations(stack, &world, &["cancel", &id, "--json"])?.must(0, &[])?.json()?;
        ensure!(json.get("state") == Some(&"cancelled".into()), "{json:#}");
        operations(stack, &world, &["resume", &id, "--watch"])?.must(1, &["error: the API refused (409"])?;
        Ok(())
    });
}

#[test]
fn a_history_as_temporal_writes_it_replays_until_it_is_of_other_code() {
    test("replay", |stack| {
        let world = World::start(stack)?;
        let id = import(&world)?;
        let workflow = format!("operation/{}/{id}", world.tenant);
        let history = wait_until("the workflow to end", PATIENCE, || {
            let history = stack.temporal.history_json(&workflow)?;
            Ok(history.contains("EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED").then_some(history))
        })?;
        let file = stack.home().join("history.json");
        let replay = |text: &str| {
            fs::write(&file, text)?;
            Ran::new(stack.muster()?.arg("replay").arg(&file).output()?)
        };
        replay(&history)?.must(0, &["ok", "RunOperation"])?;
        // Code that begins with another activity.
        ensure!(history.contains("\"run_range\""), "{history}");
        replay(&history.replace("\"run_range\"", "\"run_something\""))?
            .must(1, &["failed", "event", "run_something"])?;
        replay(&history.replace("\"RunOperation\"", "\"RunNothing\""))?
            .must(1, &["this release has no workflow RunNothing"])?;
        replay("{}")?.must(1, &["failed", "no events"])?;
        Ok(())
    });
}
