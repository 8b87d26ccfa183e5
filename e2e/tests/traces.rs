//! A request is one trace, from the client through the workflow and its activities to the last mail, and logs name it.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    World,
    collector::{Collector, Span, Trace},
    world::test,
};
use muster_testkit::{ports::free_port, stack::Stack, tools::wait_until};
use serde_json::json;

const PATIENCE: Duration = Duration::from_mins(1);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
const USERS: usize = 3;

#[test]
fn a_batch_is_one_trace_from_the_request_to_the_last_mail() {
    test("traces", |stack| {
        let collector = Collector::start()?;
        let url = collector.url();
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str());
        // What the API has recorded leaves it when it ends, and not before.
        let later = ("OTEL_BSP_SCHEDULE_DELAY", "600000");
        let soon = ("OTEL_BSP_SCHEDULE_DELAY", "100");
        let log = ("LOG_LEVEL", "info,sqlx=debug");
        let mut world = World::start_with(stack, &[endpoint, later], Some(&[endpoint, soon, log]))?;
        let client = &world.client;
        let users: Vec<_> = (0..USERS)
            .map(|n| json!({"email": format!("traced{n}@example.com"), "username": format!("traced{n}")}))
            .collect();
        let caller = format!("00-{TRACE}-{CALLER}-01");
        let answer = client.post_json(&[("traceparent", &caller)], &json!({"users": users}))?.must_be(201)?;
        ensure!(answer.header("x-trace-id") == Some(TRACE), "{answer:#?}");
        let operation = answer.operation()?;
        client.mailed(&operation, PATIENCE)?;
        let path = format!("/api/v1/users/{}", answer.text("/created/0/id"));
        client.ask("GET", &path, &[("traceparent", &caller)], &json!(null))?.must_be(200)?;
        // Whoever asks not to be recorded is not.
        let unseen = format!("00-{}-{CALLER}-00", TRACE.replace('0', "1"));
        client.ask("GET", &path, &[("traceparent", &unseen)], &json!(null))?.must_be(200)?;

        world.api.stop()?;
        let trace = wait_until("the whole trace", PATIENCE, || {
            let trace = Trace(collector.spans().into_iter().filter(|span| span.trace == TRACE).collect());
            let ended = trace.named("RunWorkflow:SendWelcomeMails").len() == 1
                && trace.named("RunWorkflow:RunOperation").len() == 1;
            Ok(ended.then_some(trace))
        })?;
        is_one_tree(&trace)?;
        request(&trace, &world.tenant, &operation)?;
        workflow(&trace, &world.tenant, &operation)?;
        mails(&trace)?;
        let lookup = trace.only("GET /api/v1/users/{id}")?;
        ensure!(["GETRANGE", "SELECT", "EVAL"].iter().all(|call| trace.has(lookup, call)), "{}", trace.tree());

        let others = collector.spans();
        ensure!(!others.iter().any(|span| span.trace == TRACE.replace('0', "1")), "recorded all the same");
        ensure!(!others.iter().any(|span| span.name.contains("health")), "probes are recorded");
        logs(stack, &world.tenant, &operation)
    });
}

#[test]
fn a_collector_that_is_away_disturbs_nobody() {
    test("traces-without-collector", |stack| {
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str());
        let soon = ("OTEL_BSP_SCHEDULE_DELAY", "50");
        let world = World::start_with(stack, &[endpoint, soon], Some(&[endpoint]))?;
        let users = json!({"users": [{"email": "untraced@example.com", "username": "untraced"}]});
        let operation = world.client.post_json(&[], &users)?.must_be(201)?.operation()?;
        world.client.mailed(&operation, PATIENCE)?;

        // It is said once, however many batches are lost, and once that it is over.
        let said = |what: &str| -> Result<usize> {
            let log = fs::read_to_string(stack.home().join("log/api.log"))?;
            ensure!(!log.contains("ExportError"), "{log}");
            Ok(log.lines().filter(|line| line.contains(what)).count())
        };
        let ask_until = |what: &str| {
            wait_until(what, PATIENCE, || {
                world.client.ask("GET", "/api/v1/users", &[], &json!(null))?.must_be(200)?;
                Ok((said(what)? > 0).then_some(()))
            })
        };
        ask_until("takes no spans")?;
        let collector = Collector::start_at(port)?;
        ask_until("takes spans again")?;
        ensure!((said("takes no spans")?, said("takes spans again")?) == (1, 1), "more than once");
        ensure!(!collector.spans().is_empty(), "it has taken none");
        drop(collector);

        let World { api, worker, .. } = world;
        for mut program in [api, worker.context("no worker")?] {
            let ended = program.stop()?.context("it did not end")?;
            ensure!(ended.success(), "{ended}");
        }
        Ok(())
    });
}

#[test]
fn without_a_collector_workers_still_know_whose_trace_it_is() {
    test("traces-off", |stack| {
        let mut world = World::start_with(stack, &[], Some(&[("LOG_LEVEL", "info,sqlx=debug")]))?;
        let users = json!({"users": [{"email": "unrecorded@example.com", "username": "unrecorded"}]});
        let caller = format!("00-{TRACE}-{CALLER}-01");
        let answer = world.client.post_json(&[("traceparent", &caller)], &users)?.must_be(201)?;
        let operation = answer.operation()?;
        world.client.mailed(&operation, PATIENCE)?;
        world.worker.take().context("no worker")?.stop()?;
        logs(stack, &world.tenant, &operation)
    });
}

fn is_one_tree(trace: &Trace) -> Result<()> {
    let known = |parent: &str| parent == CALLER || trace.0.iter().any(|span| span.id == parent);
    let lost: Vec<_> = trace.0.iter().filter(|span| !known(&span.parent)).collect();
    ensure!(lost.is_empty(), "nobody knows the parents of {lost:#?}\n{}", trace.tree());
    Ok(())
}

fn attribute<'a>(span: &'a Span, name: &str) -> &'a str {
    span.attributes.get(name).map_or("", String::as_str)
}

fn request(trace: &Trace, tenant: &str, operation: &str) -> Result<()> {
    let request = trace.only("POST /api/v1/users/batch")?;
    ensure!(request.parent == CALLER && request.service == "muster-api", "{request:#?}");
    ensure!(attribute(request, "http.response.status_code") == "201", "{request:#?}");
    ensure!(attribute(request, "muster.tenant.id") == tenant, "{request:#?}");
    ensure!(attribute(request, "muster.operation.id") == operation, "{request:#?}");
    for call in ["SELECT", "INSERT", "COMMIT", "StartWorkflow:RunOperation"] {
        ensure!(trace.has(request, call), "there is no {call} in the request:\n{}", trace.tree());
    }
    let insert = trace.named("INSERT").into_iter().find(|span| span.parent == request.id).context("no INSERT")?;
    let text = attribute(insert, "db.query.text");
    ensure!(text.contains("insert into") && text.contains("$1"), "{insert:#?}");
    Ok(())
}

fn workflow(trace: &Trace, tenant: &str, operation: &str) -> Result<()> {
    let started = trace.only("StartWorkflow:RunOperation")?;
    let run = trace.only("RunWorkflow:RunOperation")?;
    ensure!(run.parent == started.id && run.service == "muster-worker", "{run:#?}");
    ensure!(attribute(run, "temporalWorkflowID") == format!("operation/{tenant}/{operation}"), "{run:#?}");
    let scheduled = trace.only("StartActivity:run_range")?;
    let range = trace.only("RunActivity:run_range")?;
    ensure!(scheduled.parent == run.id && range.parent == scheduled.id, "{}", trace.tree());
    for call in ["SELECT", "INSERT", "COMMIT", "SET PUBLISH"] {
        ensure!(trace.has(range, call), "there is no {call} in the activity:\n{}", trace.tree());
    }
    Ok(())
}

fn mails(trace: &Trace) -> Result<()> {
    let started = trace.only("StartChildWorkflow:SendWelcomeMails")?;
    let run = trace.only("RunWorkflow:SendWelcomeMails")?;
    ensure!(run.parent == started.id, "{}", trace.tree());
    let activity = trace.only("RunActivity:send_mails")?;
    let sent = trace.named("SMTP").into_iter().filter(|span| span.parent == activity.id && !span.failed).count();
    ensure!(sent == USERS, "{sent} mails:\n{}", trace.tree());
    Ok(())
}

/// Lines of an activity name its trace and all else that it is part of.
fn logs(stack: &Stack, tenant: &str, operation: &str) -> Result<()> {
    let log = fs::read_to_string(stack.home().join("log/worker.log"))?;
    let wanted = [
        format!("trace_id={TRACE}"),
        format!("workflow.id=\"operation/{tenant}/{operation}\""),
        "activity.id=".to_owned(),
        "activity.type=\"run_range\"".to_owned(),
        format!("tenant.id={tenant}"),
        format!("operation.id={operation}"),
    ];
    let api = fs::read_to_string(stack.home().join("log/api.log"))?;
    let asked = [format!("trace_id=\"{TRACE}\""), format!("tenant.id={tenant}"), format!("operation.id={operation}")];
    ensure!(api.lines().any(|line| asked.iter().all(|asked| line.contains(asked))), "no line with {asked:?}: {api}");
    let line = log.lines().find(|line| wanted.iter().all(|wanted| line.contains(wanted)));
    line.map(drop).with_context(|| {
        let about: Vec<_> = log.lines().filter(|line| line.contains("run_range")).take(3).collect();
        format!("no line with {wanted:?} among {about:#?}")
    })
}
