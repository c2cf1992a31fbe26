//! The load: some connections, each with one call after the other, for a fixed time.
//!
//! A turn has three parts. Connections are opened; calls are made for a while without being counted; then every call
//! that is answered within the span counts, whenever it began. So the rate is what the target answers in that span,
//! and a call that outlasts the span counts for nobody.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use super::call::{Lane, check};
use super::http::Connection;
use super::stage::Target;
use crate::figures::{median, percentile};

/// The bits of a call's number that tell the turn and the connection from others; together they fit into a number that
/// every JSON parser keeps.
const TURN_SHIFT: u32 = 38;
const LANE_SHIFT: u32 = 28;

/// One turn of a target.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// The number of the turn, which no other turn has.
    pub number: u64,
    /// How many connections there are.
    pub connections: usize,
    /// How long calls are made before any counts.
    pub warm_up: Duration,
    /// How long they count.
    pub span: Duration,
}

/// What a turn gave.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// The middle time of a call, in microseconds.
    pub p50_us: f64,
    /// The time that 99 of 100 calls do not pass, in microseconds.
    pub p99_us: f64,
    /// Right answers a second.
    pub per_second: f64,
    /// Answers that were no echo of their request, and calls without an answer.
    pub wrong: usize,
    /// What one of them was.
    pub wrong_example: Option<String>,
}

#[derive(Default)]
struct Counted {
    times: Vec<f64>,
    wrong: usize,
    wrong_example: Option<String>,
}

/// Gives a target one turn.
///
/// # Errors
/// Where the target cannot be connected to, or gave not one right answer in the whole span.
pub fn drive(target: &Target, turn: &Turn) -> Result<Figures, String> {
    let failed = |why: String| format!("{}: {why}", target.name);
    let lanes = target.lanes.get(..turn.connections).ok_or_else(|| failed("too few connections".to_owned()))?;
    let opened = lanes.iter().map(|lane| Connection::open(target.address).map(|connection| (lane, connection)));
    let opened: Result<Vec<_>, _> = opened.collect();
    let opened = opened.map_err(|error| failed(error.to_string()))?;
    let begin = Instant::now() + turn.warm_up;
    let end = begin + turn.span;
    let first = turn.number << TURN_SHIFT;
    let counted: Vec<thread::Result<Result<Counted, String>>> = thread::scope(|scope| {
        let threads: Vec<_> = opened
            .into_iter()
            .zip(0_u64..)
            .map(|((lane, connection), at)| {
                let caller = Caller { lane, address: target.address, connection, next: first | (at << LANE_SHIFT) };
                scope.spawn(move || caller.call_until(begin, end))
            })
            .collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    let mut all = Counted::default();
    for counted in counted {
        let mut counted = counted.map_err(|_| failed("a thread ended".to_owned()))?.map_err(failed)?;
        all.times.append(&mut counted.times);
        all.wrong += counted.wrong;
        all.wrong_example = all.wrong_example.or(counted.wrong_example);
    }
    if all.times.is_empty() {
        return Err(failed(all.wrong_example.unwrap_or_else(|| "no answer within a turn".to_owned())));
    }
    Ok(Figures {
        per_second: all.times.len() as f64 / turn.span.as_secs_f64(),
        p50_us: median(&mut all.times),
        p99_us: percentile(&mut all.times, 0.99),
        wrong: all.wrong,
        wrong_example: all.wrong_example,
    })
}

/// One connection with its calls.
struct Caller<'a> {
    lane: &'a Lane,
    address: SocketAddr,
    connection: Connection,
    next: u64,
}

impl Caller<'_> {
    fn call_until(mut self, begin: Instant, end: Instant) -> Result<Counted, String> {
        let mut counted = Counted::default();
        loop {
            let request = self.lane.request(self.next);
            let started = Instant::now();
            let answer = self.connection.ask(&request);
            let ended = Instant::now();
            let outcome = match &answer {
                Ok(answer) => check(answer, self.next),
                Err(error) => Err(error.to_string()),
            };
            if answer.is_err() {
                self.connection = Connection::open(self.address).map_err(|error| error.to_string())?;
            }
            self.next += 1;
            if ended >= end {
                return Ok(counted);
            }
            match outcome {
                Ok(()) if ended >= begin => counted.times.push(ended.duration_since(started).as_secs_f64() * 1e6),
                Ok(()) => {}
                Err(why) => {
                    counted.wrong += 1;
                    counted.wrong_example.get_or_insert(why);
                }
            }
        }
    }
}
