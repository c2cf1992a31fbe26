//! How many requests of one run are being worked on.
//!
//! A run that keeps many requests open (waiting for decisions costs nothing else) cannot take the server from the
//! others. A turn is counted until the last copy of it is gone, and a run without turns takes no memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The turns that are out.
pub(super) struct InFlight {
    runs: Mutex<HashMap<String, usize>>,
    max: usize,
}

/// One request's turn.
#[derive(Clone)]
pub(super) struct Turn {
    _held: Arc<Held>,
}

struct Held {
    in_flight: Arc<InFlight>,
    run: String,
}

impl InFlight {
    pub(super) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { runs: Mutex::new(HashMap::new()), max })
    }

    /// A turn for a request of this run, or nothing where it has as many as it may.
    pub(super) fn enter(self: &Arc<Self>, run: &str) -> Option<Turn> {
        let mut runs = self.runs();
        let turns = runs.get(run).copied().unwrap_or_default();
        if turns >= self.max {
            return None;
        }
        runs.insert(run.to_owned(), turns.saturating_add(1));
        drop(runs);
        Some(Turn { _held: Arc::new(Held { in_flight: Arc::clone(self), run: run.to_owned() }) })
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut runs = self.in_flight.runs();
        match runs.get_mut(&self.run) {
            Some(turns) if *turns > 1 => *turns -= 1,
            _ => {
                runs.remove(&self.run);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::InFlight;

    #[test]
    fn a_run_has_its_own_turns_and_gets_them_back() {
        let in_flight = InFlight::new(2);
        let first = in_flight.enter("a").unwrap();
        let second = in_flight.enter("a").unwrap();
        assert!(in_flight.enter("a").is_none());
        assert!(in_flight.enter("b").is_some());
        let copy = second.clone();
        drop(second);
        assert!(in_flight.enter("a").is_none());
        drop(copy);
        assert!(in_flight.enter("a").is_some());
        drop(first);
        assert!(in_flight.runs().is_empty());
    }
}
