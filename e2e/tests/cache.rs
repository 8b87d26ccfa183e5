//! Two APIs and a worker share a cache. Whatever happens to Redis, no client sees an error, or anything older than the
//! bound of ADR 14.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io::Read as _, io::Write as _, net::TcpStream, thread};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{Chance, Client, World, rows, world::test};
use muster_testkit::{process::Program, stack::Stack, tools::wait_until};
use serde_json::json;

/// The bound that ADR 14 states.
const BOUND: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_mins(1);
const USERS: usize = 6;
const WRITERS: usize = 2;
const READERS: usize = 4;

/// A user whose name is a number that only rises, and when which number was acknowledged.
struct Counter {
    path: String,
    acknowledged: Mutex<Vec<(Instant, u64)>>,
}

impl Counter {
    /// The highest number that was acknowledged by then.
    fn at(&self, time: Instant) -> u64 {
        let acknowledged = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        acknowledged.iter().rev().find(|(then, _)| *then <= time).map_or(0, |(_, number)| *number)
    }

    fn last(&self) -> u64 {
        self.at(Instant::now())
    }

    fn read(&self, client: &Client) -> Result<u64> {
        let answer = client.get(&self.path)?.must_be(200)?;
        answer.text("/full_name").parse().with_context(|| format!("{answer:#?}"))
    }

    /// Counts up by one, and reads it where it was written.
    fn count(&self, client: &Client) -> Result<()> {
        let next = self.last() + 1;
        client.ask("PATCH", &self.path, &[], &json!({ "full_name": next.to_string() }))?.must_be(200)?;
        let now = Instant::now();
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).push((now, next));
        let read = self.read(client)?;
        ensure!(read == next, "the API that wrote {next} reads {read}");
        Ok(())
    }
}

/// What all threads share.
struct Load {
    counters: Vec<Counter>,
    /// Those that share a Redis, and one that does not.
    shared: [Client; 2],
    cut_off: Client,
    over: AtomicBool,
    writes_cut_off: AtomicBool,
    writes: AtomicU64,
    reads: AtomicU64,
    oldest: AtomicU64,
}

impl Load {
    fn writer(&self, number: usize) -> Result<()> {
        let mine: Vec<_> = self.counters.iter().skip(number).step_by(WRITERS).collect();
        for turn in 0.. {
            if self.over.load(Ordering::Relaxed) {
                break;
            }
            let through = if self.writes_cut_off.load(Ordering::Relaxed) { &self.cut_off } else { self.any(turn) };
            if let Some(counter) = mine.get(turn % mine.len()) {
                counter.count(through)?;
            }
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn reader(&self, number: usize) -> Result<()> {
        let mut chance = Chance::new()?;
        for turn in number.. {
            if self.over.load(Ordering::Relaxed) {
                break;
            }
            let which = usize::try_from(chance.within(0, u64::try_from(self.counters.len())?))?;
            let Some(counter) = self.counters.get(which) else { continue };
            let began = Instant::now();
            let read = counter.read(self.any(turn))?;
            let must = began.checked_sub(BOUND).map_or(0, |then| counter.at(then));
            ensure!(read >= must, "{read} was read, but {must} was acknowledged more than {BOUND:?} before");
            self.note_age(counter, read, began);
            self.reads.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Keeps the age of the oldest answer, for whoever reads the output of the test.
    fn note_age(&self, counter: &Counter, read: u64, began: Instant) {
        let acknowledged = counter.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        let next = acknowledged.iter().find(|(_, number)| *number > read).map(|(then, _)| *then);
        let age = next.map_or(Duration::ZERO, |then| began.saturating_duration_since(then));
        self.oldest.fetch_max(u64::try_from(age.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn any(&self, turn: usize) -> &Client {
        let [one, other] = &self.shared;
        if turn.is_multiple_of(2) { one } else { other }
    }

    /// Waits until so much more was written and read.
    fn goes_on(&self, writes: u64, reads: u64) -> Result<()> {
        let now = || (self.writes.load(Ordering::Relaxed), self.reads.load(Ordering::Relaxed));
        let (written, read) = now();
        let is_done = || now().0 >= written + writes && now().1 >= read + reads;
        wait_until("writers and readers to go on", PATIENCE, || {
            ensure!(!self.over.load(Ordering::Relaxed), "a writer or reader has failed");
            Ok(is_done().then_some(()))
        })
    }

    fn until_over(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        let done = work();
        self.over.store(true, Ordering::Relaxed);
        done
    }
}

#[test]
fn no_client_sees_an_error_or_an_old_user_whatever_happens_to_redis() {
    test("cache", |stack| {
        let world = World::start(stack)?;
        let second = stack.spawn_ready(Program::Api, "api-2", &[])?;
        let third = stack.spawn_ready(Program::Api, "api-3", &[("REDIS_URL", "redis://127.0.0.1:1")])?;
        let client = |url: String| Client::new(&url, Some(world.client.token()));
        let load = Load {
            counters: (0..USERS).map(|n| counter(&world.client, n)).collect::<Result<_>>()?,
            shared: [world.client.clone(), client(second.url())],
            cut_off: client(third.url()),
            over: AtomicBool::new(false),
            writes_cut_off: AtomicBool::new(false),
            writes: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            oldest: AtomicU64::new(0),
        };
        thread::scope(|scope| {
            let load = &load;
            let writers = (0..WRITERS).map(|n| scope.spawn(move || load.until_over(|| load.writer(n))));
            let writers: Vec<_> = writers.collect();
            let readers = (0..READERS).map(|n| scope.spawn(move || load.until_over(|| load.reader(n))));
            let all: Vec<_> = writers.into_iter().chain(readers.collect::<Vec<_>>()).collect();
            let told = load.until_over(|| disturb(stack, load));
            for thread in all {
                thread.join().map_err(|_| anyhow::anyhow!("a thread has panicked"))??;
            }
            told
        })?;
        for counter in &load.counters {
            for api in &load.shared {
                let caught_up = || Ok((counter.read(api)? == counter.last()).then_some(()));
                wait_until("the last number", BOUND, caught_up)?;
            }
        }
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        println!(
            "{} writes, {} reads, the oldest answer {} ms behind",
            count(&load.writes),
            count(&load.reads),
            count(&load.oldest)
        );
        Ok(())
    });
}

fn counter(client: &Client, n: usize) -> Result<Counter> {
    let made = client.ask(
        "POST",
        "/api/v1/users",
        &[],
        &json!({ "email": format!("cache-{n}@example.com"), "username": format!("cache-{n}"), "full_name": "0" }),
    )?;
    let id = made.must_be(201)?.text("/id").to_owned();
    Ok(Counter { path: format!("/api/v1/users/{id}"), acknowledged: Mutex::default() })
}

/// All that may happen to Redis, and to one writer, while the load goes on.
fn disturb(stack: &mut Stack, load: &Load) -> Result<()> {
    load.goes_on(50, 200)?;
    redis_is_used(stack)?;
    for _ in 0..3 {
        tell_redis(stack, "FLUSHALL")?;
        load.goes_on(10, 50)?;
    }
    // Garbage; every value under the key of another one; and our own books.
    let garbage = "for _, k in ipairs(redis.call('KEYS', 'muster:*')) do redis.call('SET', k, 'garbage') end return 1";
    let mixed = "local k = redis.call('KEYS', 'muster:*:user:*') for i = 2, #k do redis.call('COPY', k[i - 1], k[i], \
                 'REPLACE') end return 1";
    for script in [garbage, mixed, garbage, mixed] {
        tell_redis(stack, &format!("EVAL \"{script}\" 0"))?;
        load.goes_on(10, 50)?;
    }
    for milliseconds in [20, 100, 400] {
        tell_redis(stack, &format!("CLIENT PAUSE {milliseconds} ALL"))?;
        load.goes_on(10, 50)?;
    }
    stack.redis.pause();
    load.goes_on(30, 100)?;
    stack.redis.resume();
    load.goes_on(30, 100)?;
    stack.redis.kill_hard()?;
    load.goes_on(30, 100)?;
    stack.redis.start_again()?;
    redis_is_used(stack)?;
    load.goes_on(30, 100)?;
    // One of three APIs, and only that, does not reach Redis, and all writes go through it.
    load.writes_cut_off.store(true, Ordering::Relaxed);
    load.goes_on(50, 200)?;
    load.writes_cut_off.store(false, Ordering::Relaxed);
    made_by_the_worker(load)?;
    // Whatever was stored wrongly by now shows for so long.
    let quiet = Instant::now();
    while quiet.elapsed() < BOUND {
        load.goes_on(1, 1)?;
    }
    Ok(())
}

/// Users of an import are there for both APIs when it has ended, and gone for both when they are deleted.
fn made_by_the_worker(load: &Load) -> Result<()> {
    let [one, other] = &load.shared;
    let id = one.import_csv("send_welcome=false", &rows::csv("cached", 20)?)?;
    one.ended(&id, PATIENCE)?;
    let rows = one.get(&format!("/api/v1/operations/{id}/rows?status=all"))?.must_be(200)?;
    let user = format!("/api/v1/users/{}", rows.text("/items/0/user_id"));
    for api in [one, other] {
        api.get(&user)?.must_be(200)?;
    }
    one.ask("DELETE", &user, &[], &json!(null))?.must_be(204)?;
    one.get(&user)?.must_be(404)?;
    wait_until("the other API to know that the user is gone", BOUND, || {
        Ok((other.get(&user)?.status == 404).then_some(()))
    })
}

/// Waits until there are users in Redis: without them this test shows nothing.
fn redis_is_used(stack: &Stack) -> Result<()> {
    let count = "EVAL \"return #redis.call('KEYS', 'muster:*:user:v1:id:*')\" 0";
    wait_until("users in Redis", PATIENCE, || Ok((!tell_redis(stack, count)?.starts_with(":0")).then_some(())))
}

/// Sends one command as a line of text; gives the answer.
fn tell_redis(stack: &Stack, command: &str) -> Result<String> {
    let mut stream = TcpStream::connect(stack.redis.url().trim_start_matches("redis://"))?;
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(!answer.starts_with('-'), "{command}: {answer}");
    Ok(answer)
}
