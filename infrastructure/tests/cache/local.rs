//! One process.

use std::sync::Arc;

use muster_domain::RepositoryError;
use muster_domain::users::{EmailAddress, User, UserReader};
use muster_infrastructure::cache::Touched;

use crate::truth::{TENANT, email, id, user, username};
use crate::world::{World, until};

#[tokio::test]
async fn all_who_ask_at_once_cause_one_load() {
    let world = World::without_redis();
    let process = world.process().await.unwrap();
    world.truth.make(TENANT, user(1));
    world.truth.hold();
    let asked: Vec<_> = (0..200)
        .map(|_| {
            let users = Arc::clone(&process.users);
            tokio::spawn(async move { users.find(TENANT, id(1)).await })
        })
        .collect();
    world.truth.loads_are(1).await;
    world.truth.let_through();
    for asked in asked {
        assert_eq!(asked.await.unwrap().unwrap(), Some(user(1)));
    }
    assert_eq!(process.find(1).await.unwrap(), Some(user(1)));
    assert_eq!(world.truth.loads(), 1);
    assert_eq!((process.cache.counters().misses(), process.cache.counters().hits()), (1, 200));
}

#[tokio::test]
async fn a_failed_load_fails_those_who_waited_and_the_next_one_loads_again() {
    let world = World::without_redis();
    let process = world.process().await.unwrap();
    world.truth.make(TENANT, user(1));
    world.truth.fail(true);
    world.truth.hold();
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let users = Arc::clone(&process.users);
            tokio::spawn(async move { users.find(TENANT, id(1)).await })
        })
        .collect();
    world.truth.loads_are(1).await;
    world.truth.let_through();
    for waiting in waiting {
        let error = waiting.await.unwrap().unwrap_err();
        assert!(matches!(&error, RepositoryError::Unavailable(source) if source.to_string() == "the database is down"));
    }
    world.truth.fail(false);
    assert_eq!(process.find(1).await.unwrap(), Some(user(1)));
}

#[tokio::test]
async fn when_the_one_who_loads_goes_away_another_loads() {
    let world = World::without_redis();
    let process = world.process().await.unwrap();
    world.truth.make(TENANT, user(1));
    world.truth.hold();
    let ask = || {
        let users = Arc::clone(&process.users);
        tokio::spawn(async move { users.find(TENANT, id(1)).await })
    };
    let first = ask();
    world.truth.loads_are(1).await;
    let second = ask();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    world.truth.loads_are(2).await;
    world.truth.let_through();
    assert_eq!(second.await.unwrap().unwrap(), Some(user(1)));
}

#[tokio::test]
async fn what_was_loaded_before_a_write_is_seen_by_nobody_who_comes_after_it() {
    let world = World::without_redis();
    let process = world.process().await.unwrap();
    world.truth.make(TENANT, user(1));
    world.truth.hold();
    let users = Arc::clone(&process.users);
    let early = tokio::spawn(async move { users.find(TENANT, id(1)).await });
    world.truth.loads_are(1).await;
    process.tell(world.truth.rename(1, "new")).await;
    // Comes while the early one still waits, and does not wait with it.
    let users = Arc::clone(&process.users);
    let late = tokio::spawn(async move { users.find(TENANT, id(1)).await });
    world.truth.loads_are(2).await;
    world.truth.let_through();
    assert_eq!(early.await.unwrap().unwrap(), Some(user(1)));
    assert_eq!(late.await.unwrap().unwrap().unwrap().version, 2);
    assert_eq!(process.name(1).await.unwrap(), "new");
    assert_eq!(world.truth.loads(), 2);
}

#[tokio::test]
async fn a_write_makes_old_and_new_keys_out_of_date_and_no_others() {
    let world = World::without_redis();
    let process = world.process().await.unwrap();
    for n in [1, 2] {
        process.tell(world.truth.make(TENANT, user(n))).await;
        assert_eq!(process.users.find_by_email(TENANT, &email(n)).await.unwrap(), Some(user(n)));
        assert_eq!(process.users.find_by_username(TENANT, &username(n)).await.unwrap(), Some(user(n)));
    }
    assert_eq!(process.users.find_by_email(TENANT, &email(3)).await.unwrap(), None);
    let loads = world.truth.loads();
    let move_to = |user: &mut User| user.email = EmailAddress::from_stored(email(3));
    process.tell(world.truth.change(1, move_to)).await;
    assert_eq!(process.users.find_by_email(TENANT, &email(1)).await.unwrap(), None);
    assert_eq!(process.users.find_by_email(TENANT, &email(3)).await.unwrap().unwrap().id, id(1));
    assert_eq!(process.users.find_by_username(TENANT, &username(1)).await.unwrap().unwrap().version, 2);
    assert_eq!(world.truth.loads(), loads + 3);
    process.users.find_by_email(TENANT, &email(2)).await.unwrap();
    assert_eq!(world.truth.loads(), loads + 3, "another user was forgotten");
    process.tell(world.truth.remove(1)).await;
    assert_eq!(process.users.find_by_email(TENANT, &email(3)).await.unwrap(), None);
}

#[tokio::test]
async fn that_there_is_nobody_is_remembered_shortly_and_until_somebody_is_made() {
    let world = World::without_redis();
    let process = world.process().await.unwrap();
    for _ in 0..10 {
        assert_eq!(process.find(1).await.unwrap(), None);
    }
    assert_eq!(world.truth.loads(), 1);
    world.truth.make(TENANT, user(1));
    process.tell(Touched::UsersMade { tenant: TENANT }).await;
    assert_eq!(process.find(1).await.unwrap(), Some(user(1)));
    // And without a word of it.
    assert_eq!(process.find(2).await.unwrap(), None);
    world.truth.make(TENANT, user(2));
    until("the second to be seen", async || Ok(process.find(2).await?.is_some())).await;
}

#[tokio::test]
async fn who_comes_after_somebody_was_made_does_not_wait_for_a_look_from_before() {
    let world = World::without_redis();
    let process = world.process().await.unwrap();
    world.truth.hold();
    let ask = || {
        let users = Arc::clone(&process.users);
        tokio::spawn(async move { users.find(TENANT, id(1)).await })
    };
    let early = ask();
    world.truth.loads_are(1).await;
    world.truth.make(TENANT, user(1));
    process.tell(Touched::UsersMade { tenant: TENANT }).await;
    let late = ask();
    // One thread: the late one now waits for the early one's load.
    tokio::task::yield_now().await;
    world.truth.let_through();
    assert_eq!(early.await.unwrap().unwrap(), None);
    assert_eq!(late.await.unwrap().unwrap(), Some(user(1)));
}

#[tokio::test]
async fn without_redis_other_processes_see_a_write_within_the_bound() {
    let world = World::without_redis();
    let (writer, reader) = (world.process().await.unwrap(), world.process().await.unwrap());
    world.truth.make(TENANT, user(1));
    assert_eq!(reader.name(1).await.unwrap(), "");
    writer.tell(world.truth.rename(1, "new")).await;
    assert_eq!(writer.name(1).await.unwrap(), "new");
    assert!(reader.reads(1, "new").await < muster_infrastructure::cache::BOUND);
    until("another epoch", async || Ok(world.epochs.begun() > 0)).await;
}
