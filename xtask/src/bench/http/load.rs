//! A load loop: connections that are kept, each with one request under way. Blocking sockets, a thread each: no runtime
//! takes part of what is measured.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use muster_testkit::spread::ascending;

use super::stalls::Stall;

/// The request with this number, as it goes over the wire.
pub(super) type Request<'a> = &'a (dyn Fn(u64) -> Vec<u8> + Sync);

/// What is asked, again and again.
pub(super) struct Ask<'a> {
    pub(super) port: u16,
    /// The status that each answer must have.
    pub(super) status: u16,
    pub(super) request: Request<'a>,
}

/// How hard.
#[derive(Clone, Copy)]
pub(super) struct Pressure {
    pub(super) connections: u32,
    pub(super) time: Duration,
    /// Requests per second of all connections; as many as go if `None`.
    pub(super) rate: Option<f64>,
}

/// What came of it.
pub(super) struct Load {
    pub(super) requests: u64,
    pub(super) took: Duration,
    answers: Vec<Answer>,
}

/// When it was asked for, and when it was there.
#[derive(Clone, Copy)]
struct Answer {
    from: Instant,
    to: Instant,
}

impl Load {
    pub(super) fn per_second(&self) -> f64 {
        f64::from(u32::try_from(self.requests).unwrap_or(u32::MAX)) / self.took.as_secs_f64()
    }

    /// How long the answers took that none of these stalls has touched, ascending.
    pub(super) fn latencies(&self, stalls: &[Stall]) -> Vec<Duration> {
        let calm =
            self.answers.iter().filter(|answer| !stalls.iter().any(|stall| stall.touches(answer.from, answer.to)));
        ascending(calm.map(|answer| answer.to.duration_since(answer.from)).collect())
    }
}

/// Numbers of requests go on from run to run, so that no two requests of a benchmark have the same.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Asks until the time is over. An answer with another status ends everything.
pub(super) fn run(ask: &Ask, pressure: Pressure) -> Result<Load> {
    let begin = Instant::now();
    let lanes = thread::scope(|scope| {
        let lanes: Vec<_> =
            (0..pressure.connections).map(|lane| scope.spawn(move || self::lane(ask, pressure, begin, lane))).collect();
        lanes
            .into_iter()
            .map(|lane| lane.join().unwrap_or_else(|_| bail!("a lane panicked")))
            .collect::<Result<Vec<_>>>()
    })?;
    let took = begin.elapsed();
    let answers = lanes.concat();
    Ok(Load { requests: u64::try_from(answers.len())?, took, answers })
}

fn lane(ask: &Ask, pressure: Pressure, begin: Instant, lane: u32) -> Result<Vec<Answer>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, ask.port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut buffer = vec![0; 256 * 1024];
    let mut answers = Vec::new();
    // How late this thread was woken the last time it slept: the wait of the load loop for a core, not for the server.
    let mut overslept = Duration::ZERO;
    for turn in 0_u32.. {
        let mut from = Instant::now();
        if let Some(rate) = pressure.rate {
            let place = f64::from(turn) * f64::from(pressure.connections) + f64::from(lane);
            let due = begin + Duration::from_secs_f64(place / rate);
            if let Some(wait) = due.checked_duration_since(from) {
                thread::sleep(wait);
                from = Instant::now();
                overslept = from - due;
            } else {
                // Late because the answer before was: that counts as well.
                from = from.min(due + overslept);
            }
        }
        if begin.elapsed() >= pressure.time {
            break;
        }
        stream.write_all(&(ask.request)(NUMBER.fetch_add(1, Ordering::Relaxed)))?;
        let status = answer(&mut stream, &mut buffer)?;
        if status != ask.status {
            bail!("an answer had the status {status} instead of {}: {}", ask.status, shown(&buffer));
        }
        answers.push(Answer { from, to: Instant::now() });
    }
    Ok(answers)
}

/// Reads one whole answer and gives its status.
fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<u16> {
    let mut have = 0;
    let mut want = None;
    loop {
        let room = buffer.get_mut(have..).filter(|room| !room.is_empty()).context("an answer is too long")?;
        let read = stream.read(room)?;
        if read == 0 {
            bail!("the server closed the connection");
        }
        have += read;
        let got = buffer.get(..have).unwrap_or_default();
        if want.is_none() {
            want = head(got);
        }
        if let Some((status, length)) = want
            && have >= length
        {
            return Ok(status);
        }
    }
}

/// Status and length of the whole answer, once its head is there.
fn head(got: &[u8]) -> Option<(u16, usize)> {
    let end = got.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(got.get(..end)?).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some((status, end + length.unwrap_or(0)))
}

fn shown(buffer: &[u8]) -> String {
    String::from_utf8_lossy(buffer).trim_end_matches('\0').chars().take(2_000).collect()
}

#[cfg(test)]
mod tests {
    use super::head;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        assert_eq!(head(b"HTTP/1.1 200 OK\r\ncontent-"), None);
        assert_eq!(head(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), Some((200, 43)));
        assert_eq!(head(b"HTTP/1.1 204 No Content\r\nx: y\r\n\r\n"), Some((204, 33)));
    }
}
