//! A load loop: connections that are kept, each with one request under way. A thread for each core shares them out and sleeps
//! meanwhile; a thread for each connection would take more of the cores than what is measured. At a pace it is woken for what
//! it has to send only: the kernel notes when an answer comes, so it can be read with the next request, and whoever answers
//! does not have to wake anybody.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use muster_testkit::spread::ascending;
use nix::sys::{
    epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags},
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};

use super::{
    stalls::Stall,
    wire::{Answer, Connection},
};

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
    /// In the order of their beginning.
    answers: Vec<Answer>,
}

impl Load {
    pub(super) fn per_second(&self) -> f64 {
        f64::from(u32::try_from(self.requests).unwrap_or(u32::MAX)) / self.took.as_secs_f64()
    }

    /// How long the answers took that none of these stalls has held up, ascending.
    pub(super) fn latencies(&self, stalls: &[Stall]) -> Vec<Duration> {
        let stalls: Vec<_> = stalls.iter().map(|stall| stall.with_its_queue(&self.answers)).collect();
        let calm = self.answers.iter().filter(|answer| !stalls.iter().any(|stall| stall.touches(answer)));
        ascending(calm.map(|answer| answer.to.duration_since(answer.from)).collect())
    }
}

/// Numbers of requests go on from run to run, so that no two requests of a benchmark have the same.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// An answer that takes longer than this is none.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until the time is over. An answer with another status ends everything.
pub(super) fn run(ask: &Ask, pressure: Pressure) -> Result<Load> {
    let count = u32::try_from(thread::available_parallelism()?.get())?.min(pressure.connections);
    let lanes: Vec<_> = (0..count).map(|number| Lane::open(ask, pressure, number, count)).collect::<Result<_>>()?;
    let begin = Instant::now();
    let answers = thread::scope(|scope| {
        let threads: Vec<_> = lanes.into_iter().map(|lane| scope.spawn(move || lane.run(begin))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a lane panicked")))
            .collect::<Result<Vec<_>>>()
    })?;
    let took = begin.elapsed();
    let mut answers = answers.concat();
    answers.sort_by_key(|answer| answer.from);
    Ok(Load { requests: u64::try_from(answers.len())?, took, answers })
}

/// What one thread does.
struct Lane<'a> {
    ask: &'a Ask<'a>,
    pressure: Pressure,
    connections: Vec<Connection>,
    /// Connections with nothing under way, that which waits longest first.
    idle: VecDeque<usize>,
    pace: Option<Pace>,
    epoll: Epoll,
}

/// When a lane sends.
struct Pace {
    /// After the beginning; the lanes take turns.
    next: Duration,
    every: Duration,
    /// Ends a wait each time that something is due.
    timer: TimerFd,
}

impl Pace {
    fn new(rate: f64, number: u32, lanes: u32) -> Result<Self> {
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC)?;
        let every = Duration::from_secs_f64(f64::from(lanes) / rate);
        Ok(Self { next: every * number / lanes, every, timer })
    }

    /// To be called when the lane begins.
    fn start(&self) -> Result<()> {
        let first = self.next.max(Duration::from_nanos(1));
        Ok(self.timer.set(Expiration::IntervalDelayed(first.into(), self.every.into()), TimerSetTimeFlags::empty())?)
    }
}

/// Milliseconds after which it is looked whether anybody answers at all.
const LOOK: u16 = 1000;

impl<'a> Lane<'a> {
    /// The lane with this number, of so many, with its share of the connections.
    fn open(ask: &'a Ask, pressure: Pressure, number: u32, lanes: u32) -> Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let mut connections = Vec::new();
        for number in (number..pressure.connections).step_by(usize::try_from(lanes)?) {
            let connection = Connection::open(ask.port)?;
            epoll.add(&connection, EpollEvent::new(EpollFlags::EPOLLIN, u64::from(number / lanes)))?;
            connections.push(connection);
        }
        let idle = (0..connections.len()).collect();
        let pace = pressure.rate.map(|rate| Pace::new(rate, number, lanes)).transpose()?;
        Ok(Self { ask, pressure, connections, idle, pace, epoll })
    }

    fn run(mut self, begin: Instant) -> Result<Vec<Answer>> {
        let mut answers = Vec::new();
        let mut events = [EpollEvent::empty(); 64];
        // Whether a request may have found no connection: then the server is what it has waited for.
        let mut is_short = false;
        if let Some(pace) = &self.pace {
            pace.start()?;
        }
        loop {
            let elapsed = begin.elapsed();
            if elapsed < self.pressure.time {
                self.send(begin, is_short)?;
            } else if self.idle.len() == self.connections.len() {
                return Ok(answers);
            }
            ensure!(elapsed < self.pressure.time + PATIENCE, "there was no answer in {} s", PATIENCE.as_secs());
            is_short = self.idle.is_empty();
            let patience = match &self.pace {
                Some(pace) if !is_short && elapsed < self.pressure.time => {
                    pace.timer.wait()?;
                    0
                }
                _ => LOOK,
            };
            let ready = self.epoll.wait(&mut events, patience)?;
            for event in events.iter().take(ready) {
                let number = usize::try_from(event.data())?;
                let connection = self.connections.get_mut(number).context("no such connection")?;
                if let Some(answer) = connection.receive(self.ask.status)? {
                    answers.push(answer);
                    self.idle.push_back(number);
                }
            }
        }
    }

    /// Sends what is due, as far as there are connections.
    fn send(&mut self, begin: Instant, is_short: bool) -> Result<()> {
        while let Some(number) = self.idle.front() {
            let now = Instant::now();
            let due = self.pace.as_ref().map_or(now, |pace| begin + pace.next);
            if due > now {
                break;
            }
            let request = (self.ask.request)(NUMBER.fetch_add(1, Ordering::Relaxed));
            let connection = self.connections.get_mut(*number).context("no such connection")?;
            // When this loop itself is late, because it waited for a core, that is not the server's.
            connection.send(&request, if is_short { due } else { now })?;
            self.idle.pop_front();
            if let Some(pace) = &mut self.pace {
                pace.next += pace.every;
            }
        }
        Ok(())
    }
}
