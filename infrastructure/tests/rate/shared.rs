//! What processes count together.

use std::time::{Duration, Instant};

use muster_application::ports::RateLimiter;
use muster_testkit::contract;
use redis::cmd;

use crate::world::{World, budget, caller};

#[tokio::test]
async fn redis_keeps_the_contract_of_rate_limits() {
    let world = World::new().unwrap();
    let process = world.process().await.unwrap();
    contract::rate_limits(&process.limiter).await.unwrap();
    assert!(process.limiter.is_shared());
}

#[tokio::test]
async fn processes_share_one_budget_and_callers_do_not() {
    let world = World::new().unwrap();
    let (one, other) = (world.process().await.unwrap(), world.process().await.unwrap());
    // So few that nothing grows back while the test runs.
    let (who, few) = (caller(1, "192.0.2.1"), budget("default", 4));
    for (process, left) in [(&one, 3), (&other, 2), (&one, 1), (&other, 0)] {
        let verdict = process.count(&who, few).await;
        assert_eq!((verdict.refused_for, verdict.remaining), (None, left));
        let spent = Duration::from_secs(15) * (4 - left);
        assert!(verdict.whole_after <= spent && verdict.whole_after > spent.saturating_sub(Duration::from_secs(5)));
    }
    for process in [&one, &other] {
        let wait = process.count(&who, few).await.refused_for.unwrap();
        assert!(wait <= Duration::from_secs(15) && wait > Duration::from_secs(5), "{wait:?}");
    }
    for stranger in [caller(2, "192.0.2.1"), caller(1, "192.0.2.2")] {
        assert_eq!(one.count(&stranger, few).await.remaining, 3);
    }
    assert_eq!(one.count(&who, budget("uploads", 2)).await.remaining, 1);
}

#[tokio::test]
async fn no_more_are_let_in_than_the_budget_however_many_ask_at_once() {
    let world = World::new().unwrap();
    let (one, other) = (world.process().await.unwrap(), world.process().await.unwrap());
    let (who, ten) = (caller(1, "192.0.2.1"), budget("default", 10));
    let mut asking = tokio::task::JoinSet::new();
    for n in 0..40 {
        let limiter = if n % 2 == 0 { one.limiter.clone() } else { other.limiter.clone() };
        asking.spawn(async move { limiter.count(&who, ten).await.refused_for.is_none() });
    }
    let admitted = asking.join_all().await.into_iter().filter(|admitted| *admitted).count();
    assert_eq!(admitted, 10);
}

#[tokio::test]
async fn a_budget_grows_back_and_who_waits_as_told_is_let_in() {
    let world = World::new().unwrap();
    let process = world.process().await.unwrap();
    // One every 200 ms.
    let (who, budget) = (caller(1, "192.0.2.1"), budget("default", 300));
    let began = Instant::now();
    let mut admitted = 0;
    let wait = loop {
        match process.count(&who, budget).await.refused_for {
            None => admitted += 1,
            Some(wait) => break wait,
        }
    };
    let grown = u32::try_from(began.elapsed().as_millis() / 200).unwrap();
    assert!((300..=301 + grown).contains(&admitted), "{admitted}");
    assert!(wait <= Duration::from_millis(200));
    tokio::time::sleep(wait).await;
    // The clocks of Redis and of this process need not tick alike to the microsecond.
    let told = process.count(&who, budget).await.refused_for.unwrap_or_default();
    assert!(told < Duration::from_millis(5), "{told:?}");
}

#[tokio::test]
async fn a_refusal_costs_no_call_of_redis() {
    let world = World::new().unwrap();
    let process = world.process().await.unwrap();
    let (who, two) = (caller(1, "192.0.2.1"), budget("default", 2));
    assert_eq!(process.admits(3, &who, two).await, 2);
    let calls = async || {
        let stats: String = world.ask(cmd("INFO").arg("commandstats")).await.unwrap();
        let line = stats.lines().find(|line| line.starts_with("cmdstat_eval:")).unwrap().to_owned();
        line.split_once("calls=").unwrap().1.split(',').next().unwrap().parse::<u32>().unwrap()
    };
    let before = calls().await;
    assert_eq!(process.admits(50, &who, two).await, 0);
    assert_eq!(calls().await, before);
}

#[tokio::test]
async fn a_key_says_nothing_of_anybody_and_goes_when_its_budget_is_whole() {
    let world = World::new().unwrap();
    let process = world.process().await.unwrap();
    process.count(&caller(1, "192.0.2.1"), budget("default", 60)).await;
    let name = world.name().await.unwrap();
    assert!(!name.contains("192.0.2.1") && !name.contains("00000000-0000"), "{name}");
    let left: i64 = world.ask(cmd("PTTL").arg(&name)).await.unwrap();
    assert!((1..=1000).contains(&left), "{left}");
}

#[tokio::test]
async fn what_lies_under_a_key_and_makes_no_sense_locks_nobody_out() {
    let world = World::new().unwrap();
    let (who, few) = (caller(1, "192.0.2.1"), budget("default", 4));
    world.process().await.unwrap().count(&who, few).await;
    let name = world.name().await.unwrap();
    for spoil in [
        cmd("SET").arg(&name).arg("rubbish").to_owned(),
        cmd("SET").arg(&name).arg("").to_owned(),
        cmd("SET").arg(&name).arg("-1").to_owned(),
        cmd("RPUSH").arg(&name).arg("a list").to_owned(),
    ] {
        world.ask::<()>(cmd("DEL").arg(&name)).await.unwrap();
        world.ask::<()>(&spoil).await.unwrap();
        let process = world.process().await.unwrap();
        assert_eq!(process.count(&who, few).await.remaining, 3, "{spoil:?}");
        assert!(process.limiter.is_shared());
    }
    // An instant of a clock that was put back: at most a minute is lost.
    world.ask::<()>(cmd("SET").arg(&name).arg("9000000000000000")).await.unwrap();
    let wait = world.process().await.unwrap().count(&who, few).await.refused_for.unwrap();
    assert_eq!(wait, Duration::from_secs(15));
}
