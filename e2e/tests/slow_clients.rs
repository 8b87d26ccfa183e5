//! A thousand clients that take all the time there is, beside a few who want to work.

use std::{
    io::Write as _,
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{Client, Upload, World, world::test};
use muster_testkit::spread::{ascending, median, per_mille};

/// Who is slow: most with the heads of their requests, some with bodies of uploads, and some say nothing.
const HEADS: usize = 500;
const BODIES: usize = 250;
const SILENT: usize = 250;
/// Who is not.
const CLIENTS: usize = 4;
const ROUNDS: usize = 3;
const FOR: Duration = Duration::from_secs(4);
/// Most that the slowest of a hundred requests may take of what it takes when nobody is slow.
const MOST: u32 = 2;
/// Below that it is the machine that is measured.
const NOTICEABLE: Duration = Duration::from_millis(10);

/// They are connected; each gives a byte now and then.
struct Slow {
    heads: Vec<TcpStream>,
    bodies: Vec<Upload>,
    _silent: Vec<TcpStream>,
}

impl Slow {
    fn connect(client: &Client) -> Result<Self> {
        let address = client.base().trim_start_matches("http://");
        let connect =
            |count: usize| -> Result<Vec<TcpStream>> { (0..count).map(|_| Ok(TcpStream::connect(address)?)).collect() };
        let mut heads = connect(HEADS)?;
        for stream in &mut heads {
            stream.write_all(b"GET /api/v1/users HTTP/1.1\r\nhost: x\r\nx-slow: ")?;
        }
        let mut bodies = (0..BODIES)
            .map(|_| Upload::begin(client, "text/csv", &[]))
            .collect::<Result<Vec<_>>>()
            .context("an upload was not begun")?;
        for body in &mut bodies {
            body.send(b"email,username\n")?;
        }
        Ok(Self { heads, bodies, _silent: connect(SILENT)? })
    }

    /// A byte of each, until it is enough; who was cut off meanwhile is gone.
    fn trickle(&mut self, goes_on: &AtomicBool) {
        while goes_on.load(Ordering::Relaxed) {
            for stream in &mut self.heads {
                let _ = stream.write_all(b"x");
            }
            for body in &mut self.bodies {
                let _ = body.send(b"x");
            }
            thread::sleep(Duration::from_millis(500));
        }
    }
}

/// What the slowest of a hundred reads takes.
fn p99(client: &Client, path: &str) -> Result<Duration> {
    let took = thread::scope(|scope| {
        let lanes: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| -> Result<Vec<Duration>> {
                    let (end, mut took) = (Instant::now() + FOR, Vec::new());
                    while Instant::now() < end {
                        let begin = Instant::now();
                        client.get(path)?.must_be(200)?;
                        took.push(begin.elapsed());
                    }
                    Ok(took)
                })
            })
            .collect();
        lanes.into_iter().map(|lane| lane.join().ok().context("a client panicked")?).collect::<Result<Vec<_>>>()
    })?
    .concat();
    ensure!(took.len() > 100, "{} reads are too few", took.len());
    Ok(per_mille(&ascending(took), 990))
}

#[test]
fn a_thousand_slow_clients_do_not_disturb_others() {
    test("slow-clients", |stack| {
        let world = World::start_with(stack, &[("RATE_LIMIT_ENABLED", "false")], None)?;
        let path = format!("/api/v1/users/{}", world.client.create("ada")?);
        let (mut calm, mut beside) = (Vec::new(), Vec::new());
        p99(&world.client, &path)?;
        for _ in 0..ROUNDS {
            calm.push(p99(&world.client, &path)?);
            let mut slow = Slow::connect(&world.client)?;
            let goes_on = AtomicBool::new(true);
            let took = thread::scope(|scope| {
                scope.spawn(|| slow.trickle(&goes_on));
                let took = p99(&world.client, &path);
                goes_on.store(false, Ordering::Relaxed);
                took
            })?;
            beside.push(took);
        }
        let (calm, beside) = (median(calm), median(beside));
        println!("p99 of a read: {calm:.1?}, and {beside:.1?} beside a thousand slow clients");
        ensure!(beside <= (calm * MOST).max(NOTICEABLE), "{beside:.1?} instead of {calm:.1?}");
        Ok(())
    });
}
