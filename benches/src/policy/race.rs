//! Timing calls, on one thread or several that share what they ask.
//!
//! Reading a clock twice takes about as long as a small part of one decision. So the middle is taken over batches,
//! where two readings are spread over many calls; the slow end is taken call by call, with both readings in it, which
//! errs to the high side. The rate comes from a pass that looks at the clock once in a while.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// How many calls a thread makes between two looks at the clock while the rate is taken.
const CALLS_BETWEEN_LOOKS: usize = 256;
/// Threads start at different requests.
const APART: usize = 389;

/// How long calls took, in nanoseconds each, and how many were made in a second by all threads together.
#[derive(Debug, Default)]
pub struct Times {
    /// One figure a batch: its time divided by its calls.
    pub nanoseconds: Vec<f64>,
    /// Calls a second.
    pub per_second: f64,
}

/// A way to answer, on a number of threads for a length of time.
#[derive(Debug, Clone, Copy)]
pub struct Race<W> {
    /// Answers the request of a number.
    pub way: W,
    /// How many threads ask at once.
    pub threads: usize,
    /// How long each of them asks.
    pub span: Duration,
}

impl<W: Fn(usize) -> bool + Sync> Race<W> {
    /// Takes the time of batches of `batch` calls.
    #[must_use]
    pub fn times(&self, batch: usize) -> Times {
        let runs = self.on_threads(|thread| {
            let mut number = thread * APART;
            let mut times = Times::default();
            let started = Instant::now();
            let mut before = started;
            while before.duration_since(started) < self.span {
                let from = Instant::now();
                for _ in 0..batch {
                    black_box((self.way)(black_box(number)));
                    number = number.wrapping_add(1);
                }
                before = Instant::now();
                times.nanoseconds.push(before.duration_since(from).as_nanos() as f64 / batch as f64);
            }
            let calls = times.nanoseconds.len() * batch;
            times.per_second = calls as f64 / before.duration_since(started).as_secs_f64();
            times
        });
        runs.into_iter().fold(Times::default(), |mut all, run| {
            all.nanoseconds.extend(run.nanoseconds);
            all.per_second += run.per_second;
            all
        })
    }

    /// Takes the rate alone: calls a second of all threads together.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let rates = self.on_threads(|thread| {
            let mut number = thread * APART;
            let mut calls = 0_usize;
            let started = Instant::now();
            loop {
                for _ in 0..CALLS_BETWEEN_LOOKS {
                    black_box((self.way)(black_box(number)));
                    number = number.wrapping_add(1);
                }
                calls += CALLS_BETWEEN_LOOKS;
                let elapsed = started.elapsed();
                if elapsed >= self.span {
                    return calls as f64 / elapsed.as_secs_f64();
                }
            }
        });
        rates.into_iter().sum()
    }

    /// Does the same on every thread, from the same moment on.
    fn on_threads<T: Send>(&self, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let start = Barrier::new(self.threads);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.threads)
                .map(|thread| {
                    let (start, work) = (&start, &work);
                    scope.spawn(move || {
                        start.wait();
                        work(thread)
                    })
                })
                .collect();
            let joined = threads.into_iter().map(|thread| match thread.join() {
                Ok(outcome) => outcome,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            joined.collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_call_is_counted() {
        let calls = AtomicUsize::new(0);
        let way = |_: usize| calls.fetch_add(1, Ordering::Relaxed) > 0;
        let race = Race { way: &way, threads: 2, span: Duration::from_millis(5) };
        let times = race.times(16);
        assert_eq!(times.nanoseconds.len() * 16, calls.load(Ordering::Relaxed));
        assert!(times.per_second > 0.0 && race.rate() > 0.0);
    }
}
