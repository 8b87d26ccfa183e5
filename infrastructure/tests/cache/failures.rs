//! Redis, writers and the database go away at the wrong moment.

use std::time::{Duration, Instant};

use muster_infrastructure::cache::BOUND;
use redis::cmd;

use crate::truth::{TENANT, user};
use crate::world::{Process, World, until};

/// Two processes that know the same user, and Redis knows him too.
async fn two(world: &World) -> anyhow::Result<(Process, Process)> {
    world.truth.make(TENANT, user(1));
    let (one, other) = (world.process().await?, world.process().await?);
    one.find(1).await?;
    other.find(1).await?;
    assert_eq!(world.truth.loads(), 1);
    Ok((one, other))
}

#[tokio::test]
async fn a_redis_that_is_killed_is_missed_by_nobody_and_used_again_when_it_is_back() {
    let mut world = World::with_redis().unwrap();
    let (one, other) = two(&world).await.unwrap();
    world.server.as_mut().unwrap().kill_hard().unwrap();
    one.tell(world.truth.rename(1, "while it was gone")).await;
    assert_eq!(one.name(1).await.unwrap(), "while it was gone");
    assert!(other.reads(1, "while it was gone").await < BOUND);
    world.server.as_mut().unwrap().start_again().unwrap();
    for process in [&one, &other] {
        process.is_shared(true).await;
        assert_eq!(process.name(1).await.unwrap(), "while it was gone");
    }
    assert!(world.epochs.begun() > 0);
    one.tell(world.truth.rename(1, "back")).await;
    assert!(other.reads(1, "back").await.as_millis() < 500);
}

#[tokio::test]
async fn a_redis_that_hangs_delays_one_round_of_requests_only() {
    let world = World::with_redis().unwrap();
    let (one, other) = two(&world).await.unwrap();
    world.server.as_ref().unwrap().pause();
    let began = Instant::now();
    one.tell(world.truth.rename(1, "while it hung")).await;
    for n in 2..50 {
        world.truth.make(TENANT, user(n));
        assert!(one.find(n).await.unwrap().is_some());
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(other.reads(1, "while it hung").await < BOUND);
    world.server.as_ref().unwrap().resume();
    for process in [&one, &other] {
        process.is_shared(true).await;
        assert_eq!(process.name(1).await.unwrap(), "while it hung");
    }
}

#[tokio::test]
async fn a_flushed_redis_begins_another_epoch() {
    let world = World::with_redis().unwrap();
    let (one, other) = two(&world).await.unwrap();
    world.ask::<()>(&cmd("FLUSHALL")).await.unwrap();
    until("another epoch", async || Ok(world.epochs.begun() > 0)).await;
    one.tell(world.truth.rename(1, "new")).await;
    assert!(other.reads(1, "new").await < BOUND);
}

#[tokio::test]
async fn garbage_in_our_own_books_is_cleared_away() {
    let world = World::with_redis().unwrap();
    let (one, other) = two(&world).await.unwrap();
    world.ask::<()>(cmd("SET").arg("muster:cache:v1:writers").arg("garbage")).await.unwrap();
    world.ask::<()>(cmd("PUBLISH").arg("muster:cache:v1").arg("garbage")).await.unwrap();
    until("another epoch", async || Ok(world.epochs.begun() > 0)).await;
    assert!(one.cache.is_shared() && other.cache.is_shared());
    let kind: String = world.ask(cmd("TYPE").arg("muster:cache:v1:writers")).await.unwrap();
    assert_eq!(kind, "zset");
}

#[tokio::test]
async fn a_writer_that_dies_after_its_commit_without_a_word_is_found_out() {
    let world = World::with_redis().unwrap();
    let (writer, reader) = two(&world).await.unwrap();
    world.truth.rename(1, "unsaid");
    drop(writer);
    let took = reader.reads(1, "unsaid").await;
    assert!(took < BOUND, "{took:?}");
    // One who has nothing in the process sees it too.
    assert_eq!(world.process().await.unwrap().name(1).await.unwrap(), "unsaid");
}

#[tokio::test]
async fn a_writer_that_leaves_is_not_taken_for_dead() {
    let world = World::with_redis().unwrap();
    let (writer, reader) = two(&world).await.unwrap();
    writer.cache.leave().await;
    drop(writer);
    let members: usize = world.ask(cmd("ZCARD").arg("muster:cache:v1:writers")).await.unwrap();
    assert_eq!(members, 1);
    // Longer than a lease: until the process has forgotten the user by itself.
    until("a look into Redis", async || {
        let hits = reader.cache.counters().hits();
        reader.find(1).await?;
        Ok(hits > 0 && world.truth.loads() == 1 && elapsed_enough(&world).await?)
    })
    .await;
    assert_eq!(world.epochs.begun(), 0);
}

/// Whether the value in Redis is older than a lease and a tick.
async fn elapsed_enough(world: &World) -> anyhow::Result<bool> {
    let name = world.names().await?.concat();
    let left: u64 = world.ask(cmd("PTTL").arg(name)).await?;
    Ok(left < 300_000 - 3_500)
}

#[tokio::test]
async fn a_writer_that_is_cut_off_from_redis_is_heard_through_the_database() {
    let world = World::with_redis().unwrap();
    let (_other, reader) = two(&world).await.unwrap();
    // One whose Redis does not answer, and one that knows of none.
    // Neither of them is ever missed, as one that is killed would be.
    for (redis, name) in [(Some("redis://127.0.0.1:1"), "cut off"), (None, "without")] {
        let writer = world.process_at(redis).unwrap();
        writer.tell(world.truth.rename(1, name)).await;
        assert!(reader.reads(1, name).await < BOUND);
        let fresh = world.process().await.unwrap();
        assert_eq!(fresh.name(1).await.unwrap(), name);
        fresh.cache.leave().await;
    }
}

#[tokio::test]
async fn a_redis_that_comes_back_with_an_old_state_is_not_believed() {
    let mut world = World::with_redis().unwrap();
    let (one, other) = two(&world).await.unwrap();
    world.ask::<()>(&cmd("SAVE")).await.unwrap();
    one.tell(world.truth.rename(1, "new")).await;
    // It loads what it has saved.
    world.server.as_mut().unwrap().kill_hard().unwrap();
    world.server.as_mut().unwrap().start_again().unwrap();
    assert_eq!(world.names().await.unwrap().len(), 1);
    // Also by one who knows nothing of what was before.
    let fresh = world.process().await.unwrap();
    for process in [&fresh, &one, &other] {
        assert!(process.reads(1, "new").await < BOUND);
    }
}

#[tokio::test]
async fn a_process_that_does_not_look_any_more_leaves_redis_alone() {
    let world = World::with_redis().unwrap();
    let (one, _other) = two(&world).await.unwrap();
    one.stop_looking();
    one.is_shared(false).await;
    let loads = world.truth.loads();
    world.truth.make(TENANT, user(2));
    one.find(2).await.unwrap();
    assert_eq!((world.truth.loads(), world.names().await.unwrap().len()), (loads + 1, 1));
}

#[tokio::test]
async fn redis_is_not_believed_while_the_epoch_cannot_be_learnt() {
    let world = World::with_redis().unwrap();
    let (one, other) = two(&world).await.unwrap();
    world.epochs.fail(true);
    one.is_shared(false).await;
    other.is_shared(false).await;
    world.truth.rename(1, "without a word");
    assert_eq!(one.name(1).await.unwrap(), "without a word");
    world.epochs.fail(false);
    one.is_shared(true).await;
}
