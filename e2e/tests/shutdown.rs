//! A process that is asked to end does so soon and in good order.

use std::{
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    World,
    client::{at, number},
    rows,
    world::{exactly, test, wait_for_sql},
};
use muster_testkit::{
    mail::Behaviour,
    process::{Program, Service},
    stack::Stack,
    tools::wait_until,
};
use nix::sys::signal::Signal;

const SOON: Duration = Duration::from_secs(15);

fn ends_well(service: &mut Service) -> Result<()> {
    let begin = Instant::now();
    let status = service.stop()?.context("it had not run")?;
    let took = begin.elapsed();
    ensure!(status.code() == Some(0), "ended with {status}; the end of its log:\n{}", service.log_tail(20));
    ensure!(took < SOON, "took {took:.1?} to end");
    println!("ended after {took:.1?}");
    Ok(())
}

#[test]
fn a_worker_ends_within_seconds_and_another_one_finishes_its_work() {
    test("drain", |stack| {
        let mut world = World::start(stack)?;
        let progress = |world: &World, id: &str, name: &str| -> Result<u64> {
            Ok(number(&world.client.operation(id)?, &format!("/progress/{name}")))
        };
        // Slow enough that there is something left to send whenever it is asked to end.
        stack.mail.behave(Behaviour::slow(Duration::from_millis(5)));
        let id = world.client.import_csv("", &rows::csv("drain", 40_000)?)?;
        for step in ["rows_done", "mails_sent"] {
            wait_until(step, Duration::from_mins(1), || Ok((progress(&world, &id, step)? > 0).then_some(())))?;
            let mut old = world.worker.replace(stack.spawn_worker()?).context("no worker")?;
            ends_well(&mut old)?;
        }
        stack.mail.behave(Behaviour::accept());
        let operation = world.client.mailed(&id, Duration::from_mins(2))?;
        ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
        exactly(stack, 40_000)?;
        let accepted = stack.mail.counters().accepted;
        ensure!(accepted == 40_000, "{accepted} mails instead of 40 000: nobody was killed, so none is repeated");
        Ok(())
    });
}

#[test]
fn the_api_ends_when_its_last_request_is_answered() {
    test("api-stop", |stack| {
        let mut world = World::start_with(stack, &[], None)?;
        // A client that keeps its connection, and one that has not said anything yet.
        world.client.get("/health")?.must_be(200)?;
        let _silent = TcpStream::connect(world.api.url().trim_start_matches("http://"))?;
        let client = world.client.clone();
        thread::scope(|scope| -> Result<()> {
            let waiting = scope.spawn(move || client.post_json(&[("Prefer", "wait=3")], &rows::json_body("wait", 3)));
            wait_for_sql(stack, "select state from operations", "queued", Duration::from_secs(20))?;
            ends_well(&mut world.api)?;
            let answer = waiting.join().ok().context("the request panicked")??.must_be(202)?;
            ensure!(answer.text("/state") == "queued", "{answer:#?}");
            Ok(())
        })
    });
}

/// Imports a few users, and waits until a mail of theirs is being sent to a server that says nothing.
fn stuck_in_a_mail(stack: &Stack, world: &World) -> Result<String> {
    stack.mail.behave(Behaviour::slow(Duration::from_mins(1)));
    let id = world.client.import_csv("", &rows::csv("stuck", 3)?)?;
    wait_until("a mail", Duration::from_mins(1), || Ok((stack.mail.counters().connections > 0).then_some(())))?;
    Ok(id)
}

/// Asks a worker to end, and waits until it says that it is about to.
fn begin_to_drain(worker: &mut Service, signal: Signal) -> Result<()> {
    worker.wait_ready(SOON)?;
    worker.signal(signal);
    wait_until("the worker to drain", SOON, || {
        let (status, body) = worker.get("/health/ready")?;
        ensure!(worker.get("/health/live")?.0 == 200, "a worker that drains is alive");
        Ok((status == 503 && body.contains("draining")).then_some(()))
    })
}

#[test]
fn a_worker_that_drains_is_not_ready_and_hands_back_what_does_not_end_in_time() {
    const GRACE: Duration = Duration::from_secs(5);
    test("hand-back", |stack| {
        let mut world = World::start_with(stack, &[], Some(&[("WORKER_GRACE_SECONDS", "5")]))?;
        let id = stuck_in_a_mail(stack, &world)?;
        let mut worker = world.worker.take().context("no worker")?;
        let begin = Instant::now();
        begin_to_drain(&mut worker, Signal::SIGTERM)?;
        let status = wait_until("the worker to end", SOON, || worker.ended())?;
        let took = begin.elapsed();
        ensure!(status.code() == Some(0), "ended with {status}; the end of its log:\n{}", worker.log_tail(20));
        ensure!(took > GRACE / 2 && took < GRACE + Duration::from_secs(1), "took {took:.1?} to end");
        ensure!(worker.log_tail(20).contains("an activity is handed back"), "{}", worker.log_tail(20));
        // Whoever comes next need not wait until the first one is missed.
        stack.mail.behave(Behaviour::accept());
        world.worker = Some(stack.spawn_worker()?);
        world.client.mailed(&id, Duration::from_mins(1))?;
        let accepted = stack.mail.counters().accepted;
        ensure!(accepted == 3, "{accepted} mails instead of 3");
        Ok(())
    });
}

#[test]
fn a_second_signal_ends_a_worker_at_once() {
    test("second-signal", |stack| {
        let grace = [("WORKER_GRACE_SECONDS", "60")];
        let mut world = World::start_with(stack, &[], Some(&grace))?;
        stuck_in_a_mail(stack, &world)?;
        for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130)] {
            let mut worker = world.worker.take().context("no worker")?;
            begin_to_drain(&mut worker, signal)?;
            let begin = Instant::now();
            worker.signal(signal);
            let status = wait_until("the worker to end", SOON, || worker.ended())?;
            ensure!(status.code() == Some(code), "ended with {status}; the end of its log:\n{}", worker.log_tail(20));
            ensure!(begin.elapsed() < Duration::from_secs(2), "took {:.1?} to end", begin.elapsed());
            let connections = stack.mail.counters().connections;
            world.worker = Some(stack.spawn_ready(Program::Worker, "worker", &grace)?);
            // The next one is stuck in the same mail once Temporal has missed the one before.
            wait_until("the mail", Duration::from_mins(1), || {
                Ok((stack.mail.counters().connections > connections).then_some(()))
            })?;
        }
        world.worker.take().context("no worker")?.kill_hard()
    });
}

#[test]
fn a_second_signal_ends_the_api_at_once() {
    test("api-second-signal", |stack| {
        let mut world = World::start_with(stack, &[], None)?;
        let client = world.client.clone();
        thread::scope(|scope| -> Result<()> {
            let waiting = scope.spawn(move || client.post_json(&[("Prefer", "wait=60")], &rows::json_body("wait", 3)));
            wait_for_sql(stack, "select state from operations", "queued", Duration::from_secs(20))?;
            world.api.signal(Signal::SIGTERM);
            let port = world.api.port();
            wait_until("the API to take no more requests", SOON, || {
                Ok(TcpStream::connect(("127.0.0.1", port)).is_err().then_some(()))
            })?;
            ensure!(world.api.is_running()?, "the request that runs was not waited for");
            world.api.signal(Signal::SIGTERM);
            let status = wait_until("the API to end", Duration::from_secs(2), || world.api.ended())?;
            ensure!(status.code() == Some(143), "ended with {status}");
            ensure!(waiting.join().ok().context("the request panicked")?.is_err(), "it was answered all the same");
            Ok(())
        })
    });
}
