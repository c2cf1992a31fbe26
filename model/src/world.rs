//! One state of everything: what is durable, what is in somebody's hand, and what is on its way.

use std::collections::BTreeMap;

use crate::bounds::Bounds;
use crate::integration::Integration;
use crate::replica::Replica;
use crate::tables::Tables;
use crate::witness::{Ballot, Witness};

/// One state of everything that the model knows.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct World {
    /// What the log says.
    pub(crate) tables: Tables,
    /// Which of the moments it is.
    pub(crate) moment: usize,
    /// Which policy is in force.
    pub(crate) policy: usize,
    pub(crate) replicas: [Replica; Bounds::REPLICAS],
    pub(crate) integration: Integration,
    pub(crate) crashes: u32,
    pub(crate) witness: Witness,
    /// What was acknowledged and is not in the log yet. Nothing, unless the store is broken so.
    pub(crate) unwritten: Option<Ballot>,
    /// What people saw who are about to vote. Nobody's, unless votes are written over what was seen.
    pub(crate) pages: BTreeMap<&'static str, Tables>,
}

impl World {
    pub(crate) fn new(tables: Tables) -> Self {
        Self {
            tables,
            moment: 0,
            policy: 0,
            replicas: [Replica::Idle; Bounds::REPLICAS],
            integration: Integration::default(),
            crashes: 0,
            witness: Witness::default(),
            unwritten: None,
            pages: BTreeMap::new(),
        }
    }

    pub(crate) fn replica(&self, replica: usize) -> Replica {
        self.replicas.get(replica).copied().unwrap_or_default()
    }

    /// The world in which one server has gone on. Servers are alike, so they are kept in order.
    pub(crate) fn with(mut self, replica: usize, state: Replica) -> Self {
        if let Some(place) = self.replicas.get_mut(replica) {
            *place = state;
        }
        self.replicas.sort_unstable();
        self
    }
}
