//! Reads, on their way to an integration.
//!
//! Connections of everybody are looked at all the time (`quarantine`). One that is a person's own can be looked at on
//! behalf of that person alone, so that is done when they read: a read leaves on it only after what its server offers
//! has been compared with the plan since the connection opened, since the server last said that it has changed, since
//! definitions were loaded, and within the time in which other connections are looked at once. Which edition that was
//! stands in the permit, and whoever sends holds it against the connection that it sends on. Between two looks a read
//! costs a look into a map more. A server that cannot be asked is sent nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use writ_core::code::{Code, Reason, Refusal};
use writ_core::event::Milliseconds;

use super::Call;
use super::act::Decided;
use crate::engine::Engine;
use crate::epoch::Act;
use crate::permit::{Permit, Request};
use crate::quarantine::INSPECTION_SECONDS_MAX;
use crate::upstream::{Caller, Sent, UpstreamUnavailable};

/// How old a comparison may be.
const COMPARISON_MILLISECONDS_MAX: Milliseconds = 30_000;
/// How often a read is tried while its server says again and again that it has changed.
const ATTEMPTS_MAX: usize = 3;

/// The last comparison for each person of each integration. There are no more than the definitions have people and
/// integrations.
#[derive(Default)]
pub(crate) struct Comparisons(RwLock<HashMap<String, HashMap<String, Arc<Place>>>>);

/// One person's place at one integration.
#[derive(Default)]
struct Place {
    /// One look at a time.
    looking: tokio::sync::Mutex<()>,
    last: Mutex<Option<Arc<Comparison>>>,
}

/// What came of one comparison.
struct Comparison {
    at: Milliseconds,
    /// The definitions that it was made with.
    epoch: u64,
    /// The edition of what the server offers.
    edition: u64,
    /// The tools and prompts that are not as planned, or not there.
    departed: BTreeMap<String, Vec<Reason>>,
}

impl Comparisons {
    /// Forgets all of them, since the definitions are others now.
    pub(crate) fn forget(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn last(&self, integration: &str, person: &str) -> Option<Arc<Comparison>> {
        let places = self.0.read().unwrap_or_else(PoisonError::into_inner);
        places.get(integration)?.get(person)?.last()
    }

    fn place(&self, integration: &str, person: &str) -> Arc<Place> {
        let mut places = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(places.entry(integration.to_owned()).or_default().entry(person.to_owned()).or_default())
    }
}

impl Place {
    fn last(&self) -> Option<Arc<Comparison>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, comparison: Comparison) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(comparison));
    }
}

impl Engine {
    /// Sends a read that policy allows, once.
    ///
    /// # Errors
    /// [`Code::ToolQuarantined`], or [`Code::NotSent`] where the person is not offered what was planned. The request
    /// has not left then.
    pub(super) async fn send_read(
        self: &Arc<Self>,
        call: &Call,
        act: &Act,
        decided: &Decided,
        request: impl Fn() -> Request,
        caller: Arc<dyn Caller>,
    ) -> Result<Sent, Refusal> {
        let (integration, person) = (act.tool.identity.name.as_str(), call.run.start.person.as_str());
        for _ in 0..ATTEMPTS_MAX {
            let last = self.comparisons.last(integration, person).filter(|last| self.holds(last, call));
            if let Some(reasons) = last.as_ref().and_then(|last| last.departed.get(&act.tool.full_name)) {
                return Err(self.departed(act, person, reasons));
            }
            let compared = last.map(|last| last.edition);
            let permit = Permit::for_read(integration, request(), &call.run, &decided.allowed, compared);
            match self.upstream.send(permit, Arc::clone(&caller)).await {
                Sent::NotCompared => {}
                sent => return Ok(sent),
            }
            match self.look(call, integration, compared).await {
                Ok(()) => {}
                Err(unavailable) if unavailable.not_linked => return Ok(Sent::NotLinked),
                Err(unavailable) => return Ok(Sent::NotSent(unavailable.to_string())),
            }
        }
        Ok(Sent::NotSent("its server says all the time that what it offers has changed".to_owned()))
    }

    /// Whether a comparison is good for a call.
    fn holds(&self, comparison: &Comparison, call: &Call) -> bool {
        let age = self.clock.now().saturating_sub(comparison.at);
        comparison.epoch == call.current.number && age < COMPARISON_MILLISECONDS_MAX
    }

    /// Compares what a server offers the call's person with the plan. `refused` is the edition that would not do.
    async fn look(
        self: &Arc<Self>,
        call: &Call,
        integration: &str,
        refused: Option<u64>,
    ) -> Result<(), UpstreamUnavailable> {
        let person = call.run.start.person.as_str();
        let unavailable = |why: &str| UpstreamUnavailable {
            integration: integration.to_owned(),
            detail: why.to_owned(),
            not_linked: false,
        };
        let place = self.comparisons.place(integration, person);
        let described = async {
            let turn = place.looking.lock().await;
            // Somebody else may have looked while this call waited.
            if place.last().is_some_and(|last| self.holds(&last, call) && Some(last.edition) != refused) {
                return Ok(None);
            }
            let server = self.upstream.describe(integration, Some(person)).await?;
            Ok::<_, UpstreamUnavailable>(Some((turn, server)))
        };
        let limit = Duration::from_secs(INSPECTION_SECONDS_MAX);
        let described = tokio::time::timeout(limit, described).await;
        let described = described.unwrap_or_else(|_| Err(unavailable("what it offers was not listed in time")))?;
        let Some((_turn, server)) = described else { return Ok(()) };
        let Some(edition) = server.edition else {
            return Err(unavailable("it is not known which connection its description is of"));
        };
        // The worker may go away meanwhile; what was seen is recorded all the same.
        let (engine, current, name) = (Arc::clone(self), Arc::clone(&call.current), integration.to_owned());
        let comparing = tokio::spawn(async move { engine.compare(&current, &name, &server).await });
        let departed = comparing.await.map_err(|_| unavailable("it could not be compared with what was pinned"))?;
        place.keep(Comparison { at: self.clock.now(), epoch: call.current.number, edition, departed });
        Ok(())
    }

    /// What is said of something that is not as planned. What one person alone is not offered is not in quarantine.
    fn departed(&self, act: &Act, person: &str, reasons: &[Reason]) -> Refusal {
        let name = &act.tool.full_name;
        self.quarantine_of(name).unwrap_or_else(|| {
            let message = format!("`{name}` is not offered to `{person}`, in whose name this run reads");
            Refusal::new(Code::NotSent, message).because(reasons.to_vec())
        })
    }
}
