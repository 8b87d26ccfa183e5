//! A thousand clients follow operations of one API: what that costs, and that each is told.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    World, rows,
    world::{count, test},
};
use muster_testkit::{procfs, stack::Stack, tools::wait_until};
use serde_json::Value;

const WATCHERS: usize = 1_000;
/// How much more memory the API may use for them.
const MEMORY: u64 = 64 << 20;
/// For how long transactions are counted; longer than a heartbeat takes.
const WINDOW: Duration = Duration::from_secs(20);
const SOON: Duration = Duration::from_secs(10);
/// Sessions flush their counts at their next transaction, a second apart at least.
const TRANSACTIONS: &str = "select xact_commit from pg_stat_database where datname = current_database()";

/// One stream of events.
struct Stream {
    socket: TcpStream,
    text: String,
}

impl Stream {
    fn open(world: &World, operation: &str) -> Result<Self> {
        let mut socket = TcpStream::connect(world.api.url().trim_start_matches("http://"))?;
        socket.set_read_timeout(Some(SOON))?;
        let token = world.client.token();
        let request = format!(
            "GET /api/v1/operations/{operation}/events HTTP/1.1\r\nhost: muster\r\nx-tenant-token: {token}\r\n\r\n"
        );
        socket.write_all(request.as_bytes())?;
        Ok(Self { socket, text: String::new() })
    }

    /// Reads until this was sent.
    fn must_say(&mut self, expected: &str) -> Result<()> {
        let mut buffer = [0; 4096];
        while !self.text.contains(expected) {
            let read = self.socket.read(&mut buffer).with_context(|| format!("no {expected:?} in {:?}", self.text))?;
            ensure!(read > 0, "the stream ended without {expected:?}: {:?}", self.text);
            self.text.push_str(&String::from_utf8_lossy(buffer.get(..read).unwrap_or_default()));
        }
        Ok(())
    }
}

/// Transactions of the window, and resident memory at its end.
fn costs(stack: &Stack, world: &World) -> Result<(u64, u64)> {
    let before = count(stack, TRANSACTIONS)?;
    sleep(WINDOW);
    let transactions = count(stack, TRANSACTIONS)? - before;
    Ok((transactions, procfs::rss(world.api.pid()).context("no /proc")?))
}

fn cancel(world: &World, operation: &str) -> Result<()> {
    world.client.ask("POST", &format!("/api/v1/operations/{operation}/cancel"), &[], &Value::Null)?.must_be(200)?;
    Ok(())
}

#[test]
#[ignore = "takes a minute, for the sake of its figures"]
fn a_thousand_watchers_cost_little_memory_and_no_question_each() {
    test("watchers", |stack| {
        // Without a worker, so that what is counted is the API's.
        let world = World::start_with(stack, &[], None)?;
        let mut operations = Vec::new();
        for n in 0..101 {
            operations.push(world.client.import_csv("", &rows::csv(&format!("w{n}"), 2)?)?);
        }
        // What the imports did is counted late.
        costs(stack, &world)?;
        let (idle, quiet) = costs(stack, &world)?;
        println!("nobody follows: {idle} transactions in {WINDOW:?}, {} KiB resident", quiet >> 10);
        for followed in [1, 100] {
            let begin = Instant::now();
            let followed_now = operations.iter().rev().take(followed);
            let mut streams = Vec::new();
            for operation in followed_now.cycle().take(WATCHERS) {
                streams.push(Stream::open(&world, operation)?);
            }
            for stream in &mut streams {
                stream.must_say("event: progress")?;
            }
            let joined = begin.elapsed();
            let (transactions, resident) = costs(stack, &world)?;
            let more = resident.saturating_sub(quiet);
            println!(
                "{WATCHERS} follow {followed}: all were told within {joined:.1?}; {transactions} transactions in {WINDOW:?}, \
                 {} KiB more resident ({} KiB each)",
                more >> 10,
                (more >> 10) / u64::try_from(WATCHERS)?,
            );
            ensure!(more < MEMORY, "{more} bytes more for {WATCHERS} watchers");
            let most = idle + 2 * WINDOW.as_secs();
            ensure!(transactions <= most, "{transactions} transactions, and {idle} while nobody follows");
            let last = operations.pop().context("no operation")?;
            let begin = Instant::now();
            cancel(&world, &last)?;
            let told = streams.iter_mut().filter(|stream| stream.text.contains(&last));
            let mut ends = 0;
            for stream in told {
                stream.must_say("event: end")?;
                ensure!(stream.text.contains("\n:\n") || stream.text.contains(":\n\n"), "no heartbeat");
                ends += 1;
            }
            ensure!(ends == WATCHERS / followed, "{ends} followed it");
            println!("{ends} were told of the end within {:.1?}", begin.elapsed());
        }
        // All have gone.
        wait_until("the watchers to be forgotten", Duration::from_mins(1), || {
            let before = count(stack, TRANSACTIONS)?;
            sleep(Duration::from_secs(5));
            Ok((count(stack, TRANSACTIONS)? - before <= 3 + idle / 4).then_some(()))
        })
    });
}

#[test]
fn streams_end_with_the_api_and_go_on_at_the_next() {
    test("streams", |stack| {
        let mut world = World::start_with(stack, &[], None)?;
        let operation = world.client.import_csv("", &rows::csv("s", 2)?)?;
        let mut stream = Stream::open(&world, &operation)?;
        stream.must_say("event: progress")?;
        let begin = Instant::now();
        let status = world.api.stop()?.context("it had not run")?;
        ensure!(status.code() == Some(0) && begin.elapsed() < SOON, "{status} after {:?}", begin.elapsed());
        let mut rest = String::new();
        stream.socket.read_to_string(&mut rest)?;
        ensure!(rest.ends_with("0\r\n\r\n") && !rest.contains("event: end"), "{rest:?}");
        world.replace_api(stack)?;
        let mut stream = Stream::open(&world, &operation)?;
        stream.must_say("event: progress")?;
        cancel(&world, &operation)?;
        stream.must_say("event: end")
    });
}
