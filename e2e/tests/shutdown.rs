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
use muster_testkit::{mail::Behaviour, process::Service, tools::wait_until};

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
