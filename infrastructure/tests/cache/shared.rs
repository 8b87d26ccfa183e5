//! Several processes and a Redis that does what it should, except for what it holds.

use std::sync::Arc;

use muster_domain::TenantId;
use muster_domain::users::{FullName, UserReader};
use muster_infrastructure::cache::{BOUND, Invalidate, Touched};
use redis::cmd;
use uuid::Uuid;

use crate::truth::{TENANT, email, id, user, username};
use crate::world::{World, until};

#[tokio::test]
async fn what_one_process_has_loaded_another_one_has_too() {
    let world = World::with_redis().unwrap();
    let (one, other) = (world.process().await.unwrap(), world.process().await.unwrap());
    world.truth.make(TENANT, user(1));
    let ask = async |process: &crate::world::Process| {
        assert_eq!(process.find(1).await.unwrap(), Some(user(1)));
        assert_eq!(process.users.find_by_email(TENANT, &email(1)).await.unwrap(), Some(user(1)));
        assert_eq!(process.users.find_by_username(TENANT, &username(1)).await.unwrap(), Some(user(1)));
    };
    ask(&one).await;
    ask(&other).await;
    assert_eq!(world.truth.loads(), 3);
    assert_eq!((other.cache.counters().misses(), other.cache.counters().hits()), (0, 3));

    let names = world.names().await.unwrap();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.contains(&format!("muster:{TENANT}:user:v1:id:{}", id(1))), "{names:?}");
    assert!(!names.concat().contains("user1"), "personal data in {names:?}");
    for name in names {
        let seconds: i64 = world.ask(cmd("TTL").arg(name)).await.unwrap();
        assert!((200..=300).contains(&seconds), "{seconds}");
    }
}

#[tokio::test]
async fn a_write_is_seen_by_other_processes_at_once() {
    let world = World::with_redis().unwrap();
    let (writer, reader) = (world.process().await.unwrap(), world.process().await.unwrap());
    world.truth.make(TENANT, user(1));
    for n in 0..50 {
        let name = format!("name {n}");
        writer.tell(world.truth.rename(1, &name)).await;
        assert_eq!(writer.name(1).await.unwrap(), name);
        let took = reader.reads(1, &name).await;
        assert!(took.as_millis() < 500, "{took:?}");
    }
    assert_eq!(reader.find(2).await.unwrap(), None);
    world.truth.make(TENANT, user(2));
    writer.tell(Touched::UsersMade { tenant: TENANT }).await;
    until("the new user", async || Ok(reader.find(2).await?.is_some())).await;
}

#[tokio::test]
async fn a_slow_reader_does_not_put_back_what_was_written_meanwhile() {
    let world = World::with_redis().unwrap();
    let (writer, reader) = (world.process().await.unwrap(), world.process().await.unwrap());
    world.truth.make(TENANT, user(1));
    world.truth.hold();
    let users = Arc::clone(&reader.users);
    let slow = tokio::spawn(async move { users.find(TENANT, id(1)).await });
    world.truth.loads_are(1).await;
    writer.tell(world.truth.rename(1, "new")).await;
    world.truth.let_through();
    assert_eq!(slow.await.unwrap().unwrap(), Some(user(1)));
    // A third one has nothing in the process, so it sees what is in Redis.
    let third = world.process().await.unwrap();
    assert_eq!(third.name(1).await.unwrap(), "new");
    assert_eq!(world.truth.loads(), 2);
    // Whoever has seen the tombstone may store again.
    let fourth = world.process().await.unwrap();
    assert_eq!(fourth.name(1).await.unwrap(), "new");
    assert_eq!(world.truth.loads(), 2);
}

#[tokio::test]
async fn what_is_not_ours_is_ignored_and_overwritten() {
    let world = World::with_redis().unwrap();
    world.truth.make(TENANT, user(1));
    world.truth.make(TENANT, user(2));
    let stranger = TenantId::new(Uuid::from_u128(9));
    let mut theirs = user(1);
    theirs.full_name = Some(FullName::from_stored("of another tenant".to_owned()));
    world.truth.make(stranger, theirs);
    let name = |tenant, n| format!("muster:{tenant}:user:v1:id:{}", id(n));
    let first = world.process().await.unwrap();
    first.find(2).await.unwrap();
    first.users.find(stranger, id(1)).await.unwrap();

    let mine = name(TENANT, 1);
    let mut spoilers = vec![
        cmd("SET").arg(&mine).arg("garbage").to_owned(),
        cmd("SET").arg(&mine).arg(vec![b'V'; 40]).to_owned(),
        cmd("SET").arg(&mine).arg(vec![b'?'; 1 << 20]).to_owned(),
        cmd("SET").arg(&mine).arg("").to_owned(),
        cmd("RPUSH").arg(&mine).arg("a list").to_owned(),
        cmd("COPY").arg(name(TENANT, 2)).arg(&mine).arg("REPLACE").to_owned(),
        cmd("COPY").arg(name(stranger, 1)).arg(&mine).arg("REPLACE").to_owned(),
    ];
    // And half of one that was ours.
    first.find(1).await.unwrap();
    let whole: Vec<u8> = world.ask(cmd("GET").arg(&mine)).await.unwrap();
    spoilers.push(cmd("SET").arg(&mine).arg(&whole[..whole.len() / 2]).to_owned());
    for spoil in spoilers {
        world.ask::<()>(cmd("DEL").arg(&mine)).await.unwrap();
        world.ask::<()>(&spoil).await.unwrap();
        let (reader, loads) = (world.process().await.unwrap(), world.truth.loads());
        assert_eq!(reader.find(1).await.unwrap(), Some(user(1)), "{spoil:?}");
        assert_eq!(world.truth.loads(), loads + 1);
        assert_eq!(world.ask::<Vec<u8>>(cmd("GET").arg(&mine)).await.unwrap(), whole, "it is not overwritten");
        reader.cache.leave().await;
    }
}

#[tokio::test]
async fn long_values_are_compressed() {
    let world = World::with_redis().unwrap();
    let mut long = user(1);
    long.full_name = Some(FullName::from_stored("🦀".repeat(255)));
    world.truth.make(TENANT, long.clone());
    let (one, other) = (world.process().await.unwrap(), world.process().await.unwrap());
    assert_eq!(one.find(1).await.unwrap(), Some(long.clone()));
    assert_eq!(other.find(1).await.unwrap(), Some(long));
    assert_eq!(world.truth.loads(), 1);
    let name = world.names().await.unwrap().concat();
    assert!(world.ask::<usize>(cmd("STRLEN").arg(name)).await.unwrap() < 512);
}

#[tokio::test]
async fn a_commit_that_touched_very_many_is_told_by_another_epoch() {
    let world = World::with_redis().unwrap();
    let (writer, reader) = (world.process().await.unwrap(), world.process().await.unwrap());
    world.truth.make(TENANT, user(1));
    assert_eq!(reader.name(1).await.unwrap(), "");
    let mut touched: Vec<_> = (2..2000).map(|n| world.truth.make(TENANT, user(n))).collect();
    touched.push(world.truth.rename(1, "new"));
    writer.cache.invalidate(touched).await;
    assert_eq!(writer.name(1).await.unwrap(), "new");
    assert!(reader.reads(1, "new").await < BOUND);
    assert!(world.epochs.begun() > 0);
}
