//! The integration, and the way there: requests that are lost, late, repeated, or answered with an error although the
//! effect has happened. It sees what it is sent and nothing of Writ's; a `keyed` one never acts twice on one key.

use std::collections::BTreeSet;

use writ_core::digest::Digest;
use writ_core::event::EffectProfile;

use crate::protocol::Protocol;
use crate::replica::{Ending, Replica};
use crate::step::{Arrival, Step};
use crate::world::World;

/// What the integration has done, and what is on its way to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Integration {
    /// Sent, and neither arrived nor lost for good.
    pub(crate) on_the_way: BTreeSet<Request>,
    /// What has happened, in the world and not in Writ. In order, since it makes no difference which came first.
    pub(crate) effects: Vec<Effect>,
    /// The keys under which it was asked before.
    keys: BTreeSet<String>,
    /// The decisions of which it told a server that they failed.
    pub(crate) said_no: BTreeSet<usize>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Request {
    pub(crate) decision: usize,
    pub(crate) attempt: u32,
    pub(crate) key: String,
    /// The digest of what was sent.
    pub(crate) digest: Digest,
}

/// One effect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Effect {
    pub(crate) decision: usize,
    pub(crate) key: String,
    pub(crate) digest: Digest,
}

impl Integration {
    pub(crate) fn has_acted(&self, decision: usize) -> bool {
        self.effects.iter().any(|effect| effect.decision == decision)
    }

    pub(crate) fn expects(&self, decision: usize) -> bool {
        self.on_the_way.iter().any(|request| request.decision == decision)
    }

    fn act(&mut self, request: &Request) {
        let Request { decision, key, digest, .. } = request.clone();
        self.effects.push(Effect { decision, key, digest });
        self.effects.sort_unstable();
    }
}

impl Protocol {
    pub(crate) fn arrivals(&self, world: &World, steps: &mut Vec<Step>) {
        let keyed = self.bounds().profile == EffectProfile::Keyed;
        for request in &world.integration.on_the_way {
            let (decision, attempt) = (request.decision, request.attempt);
            let awaited = world.replicas.iter().any(|replica| is_waiting(*replica, request));
            let known = keyed && world.integration.keys.contains(&request.key);
            let may_happen: &[(Arrival, bool)] = &[
                (Arrival::Lost, true),
                (Arrival::KnownKey, known && awaited),
                (Arrival::ActedSilently, !known),
                (Arrival::ActedAndRepeated, !known && keyed),
                (Arrival::Acted, !known && awaited),
                (Arrival::ActedWithError, !known && awaited),
                (Arrival::Refused, !known && awaited),
            ];
            let happening = may_happen.iter().filter(|(_, may)| *may);
            steps.extend(happening.map(|(arrival, _)| Step::Arrive { decision, attempt, arrival: *arrival }));
        }
    }

    pub(crate) fn arrive(&self, world: &World, decision: usize, attempt: u32, arrival: Arrival) -> Option<World> {
        let on_the_way = &world.integration.on_the_way;
        let request = on_the_way.iter().find(|sent| sent.decision == decision && sent.attempt == attempt)?.clone();
        let mut next = world.clone();
        if arrival != Arrival::ActedAndRepeated {
            next.integration.on_the_way.remove(&request);
        }
        if !matches!(arrival, Arrival::Lost | Arrival::KnownKey) && self.bounds().profile == EffectProfile::Keyed {
            next.integration.keys.insert(request.key.clone());
        }
        let answer = match arrival {
            Arrival::Lost => None,
            Arrival::KnownKey => {
                let acted = next.integration.effects.iter().any(|effect| effect.key == request.key);
                Some(if acted { Ending::Success } else { Ending::Error })
            }
            Arrival::Refused => Some(Ending::Error),
            Arrival::ActedSilently | Arrival::ActedAndRepeated => {
                next.integration.act(&request);
                None
            }
            Arrival::Acted => {
                next.integration.act(&request);
                Some(Ending::Success)
            }
            Arrival::ActedWithError => {
                next.integration.act(&request);
                Some(Ending::Error)
            }
        };
        let Some(ending) = answer else { return Some(next) };
        if ending == Ending::Error {
            next.integration.said_no.insert(decision);
        }
        let replica = next.replicas.iter().position(|replica| is_waiting(*replica, &request))?;
        let work = next.replica(replica).work()?;
        Some(next.with(replica, Replica::Ended(work, ending)))
    }
}

fn is_waiting(replica: Replica, request: &Request) -> bool {
    matches!(replica, Replica::Waiting(work) if work.decision == request.decision && work.attempt == request.attempt)
}
