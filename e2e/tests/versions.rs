//! Two releases of the workers side by side: what has begun on the old one ends on it, what is new begins on the new one.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    World,
    client::{at, number},
    muster::{Told, muster},
    rows,
    world::{exactly, test},
};
use muster_testkit::{
    mail::{Behaviour, Refusal},
    process::{Program, Service},
    stack::Stack,
    tools::wait_until,
};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);
/// So many that the import is still under way when it is paused.
const USERS: usize = 300_000;

/// A worker of a release.
fn release(stack: &Stack, build_id: &str, queues: &str) -> Result<Service> {
    let name = format!("worker-{build_id}");
    let variables = [
        ("WORKER_DEPLOYMENT", "muster"),
        ("WORKER_BUILD_ID", build_id),
        ("WORKER_QUEUES", queues),
        // One block after another, so that an import can be paused in the middle.
        ("WORKER_SLOTS", "import=1"),
    ];
    stack.spawn_ready(Program::Worker, &name, &variables)
}

const ALL: &str = "control,import,mail,webhooks";

fn promote(stack: &Stack, arguments: &[&str]) -> Result<Told> {
    muster(stack, &[&["workers", "promote"], arguments].concat())
}

/// Promotes a release as soon as Temporal has heard of all its queues.
fn promoted(stack: &Stack, build_id: &str) -> Result<()> {
    wait_until(&format!("release {build_id} to be promoted"), PATIENCE, || {
        let told = promote(stack, &[build_id])?;
        ensure!(told.code == 0 || told.stderr.starts_with("error: "), "{told:#?}");
        Ok((told.code == 0).then_some(()))
    })
}

/// Releases and what becomes of them, in the order of their names.
fn states(stack: &Stack) -> Result<Vec<(String, String)>> {
    let told = muster(stack, &["workers", "--json"])?;
    // Temporal may not answer in time on a machine that is busy.
    let all: Value = if told.code == 1 { Value::Null } else { serde_json::from_str(&told.stdout)? };
    let versions = at(&all, "/deployments/0/versions").as_array().cloned().unwrap_or_default();
    let text = |version: &Value, name| at(version, name).as_str().unwrap_or_default().to_owned();
    let states: BTreeSet<_> = versions.iter().map(|of| (text(of, "/build_id"), text(of, "/state"))).collect();
    Ok(states.into_iter().collect())
}

fn wait_for_states(stack: &Stack, expected: &[(&str, &str)]) -> Result<()> {
    let mut last = Vec::new();
    let waited = wait_until(&format!("releases to be {expected:?}"), PATIENCE, || {
        last = states(stack)?;
        let same = last.iter().map(|(id, state)| (id.as_str(), state.as_str())).eq(expected.iter().copied());
        Ok(same.then_some(()))
    });
    waited.with_context(|| format!("they are {last:?}"))
}

/// On which release a workflow runs, or ended, and whether it stays there.
fn ran_on(stack: &Stack, workflow: &str) -> Result<(String, String)> {
    let described = stack.temporal.cli(&["workflow", "describe", "-w", workflow, "--output", "json"])?;
    let described: Value = serde_json::from_str(&described)?;
    let versioning = at(&described, "/workflowExecutionInfo/versioningInfo");
    let text = |pointer| at(versioning, pointer).as_str().unwrap_or_default().to_owned();
    Ok((text("/deploymentVersion/buildId"), text("/behavior")))
}

fn is_pinned_to(stack: &Stack, workflow: &str, build_id: &str) -> Result<()> {
    let (release, behavior) = ran_on(stack, workflow)?;
    ensure!(
        release == build_id && behavior.to_lowercase().contains("pinned"),
        "{workflow} is on {release} ({behavior})"
    );
    Ok(())
}

/// The workers that did something for a workflow, in any of its runs that the history of the last one tells of.
fn workers_of(stack: &Stack, workflow: &str) -> Result<BTreeSet<String>> {
    let history: Value = serde_json::from_str(&stack.temporal.history_json(workflow)?)?;
    let events = at(&history, "/events").as_array().context("no events")?;
    let started = ["/workflowTaskStartedEventAttributes/identity", "/activityTaskStartedEventAttributes/identity"];
    let identities =
        events.iter().flat_map(|event| started.map(|pointer| at(event, pointer).as_str().map(str::to_owned)));
    Ok(identities.flatten().collect())
}

fn only_of(stack: &Stack, workflow: &str, worker: &Service) -> Result<()> {
    let workers = workers_of(stack, workflow)?;
    let pid = format!(":{}", worker.pid());
    ensure!(
        !workers.is_empty() && workers.iter().all(|name| name.ends_with(&pid)),
        "{workflow} was run by {workers:?}"
    );
    Ok(())
}

fn ask(world: &World, id: &str, what: &str) -> Result<()> {
    world.client.ask("POST", &format!("/api/v1/operations/{id}/{what}"), &[], &Value::Null)?.must_be(200).map(drop)
}

#[test]
fn what_has_begun_ends_on_the_old_release_while_the_new_one_takes_what_is_new() {
    test("versions", |stack| {
        let world = World::start_with(stack, &[], None)?;
        let operation = |id: &str| format!("operation/{}/{id}", world.tenant);
        let mut old = release(stack, "a", ALL)?;
        // Nothing goes to a release that nobody has promoted.
        let long = world.client.import_csv("send_welcome=false", &rows::csv("long", USERS)?)?;
        wait_until("the backlog", PATIENCE, || {
            let told = muster(stack, &["workers"])?;
            Ok((told.code == 3 && told.stderr.contains("no release is current: promote one")).then_some(()))
        })?;
        promoted(stack, "a")?;
        wait_until("the import to be under way", PATIENCE, || {
            Ok((number(&world.client.operation(&long)?, "/progress/rows_done") > 0).then_some(()))
        })?;
        ask(&world, &long, "pause")?;
        ensure!(at(&world.client.operation(&long)?, "/state") == "paused", "it was over too soon");
        is_pinned_to(stack, &operation(&long), "a")?;
        wait_for_states(stack, &[("a", "current")])?;

        // The new release gets nothing until it is promoted, and then all that begins.
        let new = release(stack, "b", ALL)?;
        wait_for_states(stack, &[("a", "current"), ("b", "inactive")])?;
        stack.mail.behave(Behaviour::temporary(Refusal::Always));
        let before = world.client.import_csv("", &rows::csv("before", 3)?)?;
        wait_until("a mail to be put off", PATIENCE, || Ok((stack.mail.counters().temporary > 0).then_some(())))?;
        is_pinned_to(stack, &operation(&before), "a")?;
        promoted(stack, "b")?;
        stack.mail.behave(Behaviour::accept());
        let after = world.client.import_csv("", &rows::csv("after", 3)?)?;
        world.client.mailed(&after, PATIENCE)?;
        is_pinned_to(stack, &operation(&after), "b")?;
        only_of(stack, &operation(&after), &new)?;
        only_of(stack, &format!("mail/{}/{after}", world.tenant), &new)?;
        wait_for_states(stack, &[("a", "draining"), ("b", "current")])?;

        // Mails that had to wait are those of the old release, although their operation has long ended.
        world.client.mailed(&before, PATIENCE)?;
        only_of(stack, &format!("mail/{}/{before}", world.tenant), &old)?;
        // What was paused goes on as a new run of its workflow, and is still done by the old release.
        ask(&world, &long, "resume")?;
        world.client.ended(&long, PATIENCE * 2)?;
        is_pinned_to(stack, &operation(&long), "a")?;
        only_of(stack, &operation(&long), &old)?;
        exactly(stack, u64::try_from(USERS + 6)?)?;
        wait_for_states(stack, &[("a", "drained"), ("b", "current")])?;
        let status = old.stop()?.context("it had not run")?;
        ensure!(status.code() == Some(0), "ended with {status}");
        let last = world.client.import_csv("send_welcome=false", &rows::csv("last", 3)?)?;
        world.client.ended(&last, PATIENCE)?;
        is_pinned_to(stack, &operation(&last), "b")
    });
}

#[test]
fn a_release_that_would_leave_work_undone_is_promoted_by_force_only_and_can_be_rolled_back() {
    test("rollback", |stack| {
        let world = World::start_with(stack, &[], None)?;
        let _whole = release(stack, "whole", ALL)?;
        promoted(stack, "whole")?;
        let import = |name: &str| -> Result<String> {
            let id = world.client.import_csv("send_welcome=false", &rows::csv(name, 3)?)?;
            world.client.ended(&id, PATIENCE)?;
            Ok(format!("operation/{}/{id}", world.tenant))
        };
        is_pinned_to(stack, &import("first")?, "whole")?;
        let told = promote(stack, &["nowhere"])?;
        ensure!(told.code == 1 && told.stderr.contains("no worker of this release"), "{told:#?}");

        let _half = release(stack, "half", "control")?;
        wait_for_states(stack, &[("half", "inactive"), ("whole", "current")])?;
        let told = promote(stack, &["half"])?;
        ensure!(told.code == 1 && told.stderr.contains("--force") && told.stderr.lines().count() == 1, "{told:#?}");
        ensure!(states(stack)?.contains(&("whole".to_owned(), "current".to_owned())), "it was promoted all the same");

        // A share of nothing, and then everything, back and forth.
        let told = promote(stack, &["half", "--ramp", "0", "--force"])?;
        ensure!(told.code == 0 && told.stdout.contains("0 %"), "{told:#?}");
        wait_for_states(stack, &[("half", "ramping"), ("whole", "current")])?;
        is_pinned_to(stack, &import("second")?, "whole")?;
        ensure!(promote(stack, &["half", "--force"])?.code == 0, "not by force");
        wait_until("the new release to be current", PATIENCE, || {
            Ok(states(stack)?.contains(&("half".to_owned(), "current".to_owned())).then_some(()))
        })?;
        promoted(stack, "whole")?;
        is_pinned_to(stack, &import("third")?, "whole")?;
        exactly(stack, 9)
    });
}
