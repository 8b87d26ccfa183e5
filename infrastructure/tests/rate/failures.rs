//! Redis goes away at the wrong moment.

use std::time::{Duration, Instant};

use muster_application::ports::RateLimiter;
use muster_infrastructure::rate::Limiter;
use muster_testkit::contract;
use redis::cmd;

use crate::world::{World, budget, caller};

#[tokio::test]
async fn a_process_alone_keeps_the_contract_of_rate_limits() {
    contract::rate_limits(&Limiter::new(None)).await.unwrap();
}

#[tokio::test]
async fn without_redis_each_process_counts_for_itself() {
    let limiter = Limiter::new(None);
    limiter.clone().run().await;
    assert!(!limiter.is_shared());
    let (who, few) = (caller(1, "192.0.2.1"), budget("default", 4));
    for left in (0..4).rev() {
        assert_eq!(limiter.count(&who, few).await.remaining, left);
    }
    assert!(limiter.count(&who, few).await.refused_for.is_some());
    assert_eq!(limiter.count(&caller(2, "192.0.2.1"), few).await.remaining, 3);
}

#[tokio::test]
async fn a_redis_that_is_killed_gives_nobody_a_fresh_budget_and_counts_again_when_it_is_back() {
    let mut world = World::new().unwrap();
    let (one, other) = (world.process().await.unwrap(), world.process().await.unwrap());
    let (who, six) = (caller(1, "192.0.2.1"), budget("default", 6));
    assert_eq!(one.admits(3, &who, six).await, 3);
    assert_eq!(other.admits(1, &who, six).await, 1);
    world.server.kill_hard().unwrap();
    // Each goes on from what it was told last.
    assert_eq!(one.admits(10, &who, six).await, 3);
    assert_eq!(other.admits(10, &who, six).await, 2);
    assert!(!one.limiter.is_shared());
    world.server.start_again().unwrap();
    one.is_shared(true).await;
    other.is_shared(true).await;
    let stranger = caller(2, "192.0.2.1");
    assert_eq!(one.admits(4, &stranger, six).await + other.admits(10, &stranger, six).await, 6);
}

#[tokio::test]
async fn a_redis_that_hangs_delays_the_requests_of_one_moment_only() {
    let world = World::new().unwrap();
    let process = world.process().await.unwrap();
    let (who, many) = (caller(1, "192.0.2.1"), budget("default", 1000));
    world.server.pause();
    let began = Instant::now();
    assert_eq!(process.admits(500, &who, many).await, 500);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    world.server.resume();
    process.is_shared(true).await;
}

#[tokio::test]
async fn a_redis_that_takes_no_writes_is_left_alone_until_it_does() {
    let world = World::new().unwrap();
    let process = world.process().await.unwrap();
    let (who, six) = (caller(1, "192.0.2.1"), budget("default", 6));
    world.ask::<()>(cmd("CONFIG").arg("SET").arg("maxmemory").arg("1")).await.unwrap();
    assert_eq!(process.admits(10, &who, six).await, 6);
    process.is_shared(false).await;
    world.ask::<()>(cmd("CONFIG").arg("SET").arg("maxmemory").arg("0")).await.unwrap();
    process.is_shared(true).await;
}

#[tokio::test]
async fn a_redis_that_was_emptied_forgets_and_goes_on() {
    let world = World::new().unwrap();
    let (one, other) = (world.process().await.unwrap(), world.process().await.unwrap());
    let (who, six) = (caller(1, "192.0.2.1"), budget("default", 6));
    assert_eq!(one.admits(6, &who, six).await, 6);
    world.ask::<()>(&cmd("FLUSHALL")).await.unwrap();
    assert_eq!(other.admits(7, &who, six).await, 6);
    assert!(other.limiter.is_shared());
}
