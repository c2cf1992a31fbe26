//! Visiting every state, and telling what was found there.

use std::collections::BTreeSet;

use stateright::{Checker as _, Expectation, HasDiscoveries, Model as _};

use crate::protocol::Protocol;
use crate::step::Step;

/// What visiting every state has shown.
#[derive(Debug)]
pub struct Explored {
    /// How many states there are.
    pub states: usize,
    /// How many steps lead from one of them to another, or to the same one by another way.
    pub transitions: usize,
    /// How many promises were held against each state.
    pub promises: usize,
    /// The promises that a state breaks, with the steps that lead there.
    pub broken: Vec<(&'static str, Vec<Step>)>,
    /// What should be reached, and is not.
    pub unreached: Vec<&'static str>,
}

/// Visits every state, on so many threads.
#[must_use]
pub fn explore(protocol: Protocol, threads: usize) -> Explored {
    let checker = protocol.checker().threads(threads).spawn_dfs().join();
    let mut discoveries = checker.discoveries();
    let (mut promises, mut broken, mut unreached) = (0_usize, Vec::new(), Vec::new());
    for property in checker.model().properties() {
        let found = discoveries.remove(property.name);
        if property.expectation == Expectation::Sometimes {
            if found.is_none() {
                unreached.push(property.name);
            }
            continue;
        }
        promises = promises.saturating_add(1);
        broken.extend(found.map(|path| (property.name, path.into_actions())));
    }
    Explored {
        states: checker.unique_state_count(),
        transitions: checker.state_count().saturating_sub(1),
        promises,
        broken,
        unreached,
    }
}

/// The fewest steps by which a promise is broken, if it can be.
#[must_use]
pub fn find(protocol: Protocol, promise: &'static str) -> Option<Vec<Step>> {
    let broken = HasDiscoveries::AnyOf(BTreeSet::from([promise]));
    let checker = protocol.checker().finish_when(broken).spawn_bfs().join();
    checker.discovery(promise).map(|path| path.into_actions())
}
