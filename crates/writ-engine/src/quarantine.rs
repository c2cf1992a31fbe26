//! Tools that are not what the operator has pinned.
//!
//! A running server is looked at again and again, and whenever it says that it has changed. A tool whose definition, or
//! whose server's identity, is not that of the plan goes into quarantine: calls of it are refused, its open decisions
//! are voided, and people are told what has changed. It stays there when the server goes back to what it was: a server
//! that changes to and fro is not one to trust. Only new definitions, which an operator has loaded, take it out.
//!
//! A server that cannot be described at present changes nothing; before each effect it is asked once more
//! (`executor`). A connection that is a person's own is looked at when it is used (`worker`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value as Json;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use writ_core::code::{Code, Reason, Refusal};
use writ_core::decision::DecisionStatus;
use writ_core::event::{Event, Milliseconds};
use writ_store::Commit;

use crate::engine::{Current, Engine};
use crate::epoch::{PlanKind, ToolPlan};
use crate::pin;
use crate::upstream::ServerDescription;

/// How often integrations are looked at.
const INSPECTION_INTERVAL_SECONDS: u64 = 30;
/// How long two looks are apart at least, however often servers say that they have changed.
const INSPECTION_PAUSE_MILLISECONDS: u64 = 500;
/// How long one integration may take to describe itself. Longer, and it counts as not available.
pub(crate) const INSPECTION_SECONDS_MAX: u64 = 20;
/// How many integrations are asked at a time.
const INSPECTIONS_AT_A_TIME_MAX: usize = 8;

/// What is kept of a tool in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quarantined {
    since: Milliseconds,
    reasons: Vec<Reason>,
    /// Whether the trail has it, or is about to.
    recorded: bool,
}

/// A tool in quarantine, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quarantine {
    /// `integration.tool`, or `integration.prompts/name`.
    pub tool: String,
    /// Since when.
    pub since: Milliseconds,
    /// What has changed.
    pub reasons: Vec<Reason>,
}

type Tools = BTreeMap<String, Quarantined>;

/// What is not as planned, with the reasons.
type Departed = BTreeMap<String, Vec<Reason>>;

impl Engine {
    /// Looks at the integrations for as long as the engine lives: every now and then, and whenever `changed` counts up.
    pub async fn inspect_forever(self: Arc<Self>, mut changed: watch::Receiver<u64>) {
        let mut ticks = tokio::time::interval(Duration::from_secs(INSPECTION_INTERVAL_SECONDS));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first one comes at once, when the plan is as old as the server.
        ticks.tick().await;
        let mut hears = true;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                heard = changed.changed(), if hears => hears = heard.is_ok(),
            }
            self.inspect_integrations().await;
            tokio::time::sleep(Duration::from_millis(INSPECTION_PAUSE_MILLISECONDS)).await;
        }
    }

    /// Looks at every integration once. What is not as planned afterwards is in quarantine.
    pub async fn inspect_integrations(self: &Arc<Self>) {
        let current = self.current();
        let names: BTreeSet<String> = current.epoch.tools.values().map(|plan| plan.identity.name.clone()).collect();
        let turns = Arc::new(Semaphore::new(INSPECTIONS_AT_A_TIME_MAX));
        let mut inspections = JoinSet::new();
        for integration in names {
            let (engine, turns) = (self.clone(), turns.clone());
            inspections.spawn(async move {
                let Ok(_turn) = turns.acquire_owned().await else { return };
                engine.inspect(&integration).await;
            });
        }
        while let Some(ended) = inspections.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a look at an integration did not end");
            }
        }
        // What could not be recorded before, and what was proposed in the meantime.
        self.enforce_quarantines().await;
    }

    async fn inspect(&self, integration: &str) {
        let current = self.current();
        let limit = Duration::from_secs(INSPECTION_SECONDS_MAX);
        match tokio::time::timeout(limit, self.upstream.describe(integration, None)).await {
            Ok(Ok(server)) => {
                self.compare(&current, integration, &server).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "an integration cannot be looked at"),
            Err(_) => tracing::debug!(integration, "an integration cannot be looked at in time"),
        }
    }

    /// Puts into quarantine what a server describes otherwise than it was planned, and gives all that departs from its
    /// plan. `current` is what was in force before the server was asked: its answer says nothing of definitions that
    /// have come since.
    pub(crate) async fn compare(&self, current: &Current, integration: &str, server: &ServerDescription) -> Departed {
        let plans = current.epoch.tools.values().filter(|plan| plan.identity.name == integration);
        let (mut departed, mut for_all) = (Departed::new(), Departed::new());
        for plan in plans {
            let reasons = departures(plan, server);
            if reasons.is_empty() {
                continue;
            }
            if concerns_everybody(plan, server) {
                for_all.insert(plan.full_name.clone(), reasons.clone());
            }
            departed.insert(plan.full_name.clone(), reasons);
        }
        self.quarantine(current, for_all).await;
        departed
    }

    /// Puts tools into quarantine, unless other definitions than `current` are in force by now.
    async fn quarantine(&self, current: &Current, departed: Departed) {
        if departed.is_empty() {
            return;
        }
        // New definitions wait until this is done.
        let _no_definitions_change = self.execution.read().await;
        if self.current().number != current.number {
            return;
        }
        for (tool, reasons) in departed {
            let new = Quarantined { since: self.clock.now(), reasons, recorded: false };
            self.in_quarantine().entry(tool).or_insert(new);
        }
        self.enforce_quarantines().await;
    }

    /// New definitions are in force: in quarantine is what was not as pinned when they were checked, and nothing else.
    pub(crate) async fn quarantine_from_the_start(&self) {
        let current = self.current();
        let now = self.clock.now();
        {
            let mut quarantined = self.in_quarantine();
            let earlier = std::mem::take(&mut *quarantined);
            for (tool, reasons) in &current.epoch.quarantined {
                let same = earlier.get(tool).filter(|earlier| earlier.reasons == *reasons).cloned();
                let new = || Quarantined { since: now, reasons: reasons.clone(), recorded: false };
                quarantined.insert(tool.clone(), same.unwrap_or_else(new));
            }
        }
        self.enforce_quarantines().await;
    }

    /// Records each quarantine once, and voids the decisions that rest on what a tool was.
    async fn enforce_quarantines(&self) {
        let quarantined: Vec<(String, Vec<Reason>)> =
            self.in_quarantine().iter().map(|(tool, entry)| (tool.clone(), entry.reasons.clone())).collect();
        for (tool, reasons) in quarantined {
            if self.set_recorded(&tool, true) {
                tracing::warn!(tool, reasons = listed(&reasons), "a tool is in quarantine");
                let event = Event::ToolQuarantined { tool: tool.clone(), reasons: reasons.clone() };
                let commit = Commit { run: None, at: self.clock.now(), events: vec![event] };
                if let Err(error) = self.store.commit(commit).await {
                    tracing::error!(%error, tool, "the quarantine could not be recorded; it holds all the same");
                    self.set_recorded(&tool, false);
                }
            }
            self.void_decisions(&tool, &reasons).await;
        }
    }

    /// Notes whether the trail has a quarantine; tells whether that is news.
    fn set_recorded(&self, tool: &str, recorded: bool) -> bool {
        let mut quarantined = self.in_quarantine();
        let before = quarantined.get_mut(tool).map(|entry| std::mem::replace(&mut entry.recorded, recorded));
        before.is_some_and(|before| before != recorded)
    }

    async fn void_decisions(&self, tool: &str, reasons: &[Reason]) {
        for decision in self.store.open_decisions() {
            let action = &decision.proposal.action;
            let is_of_tool = tool.strip_prefix(&action.integration.name).and_then(|tool| tool.strip_prefix('.'))
                == Some(action.tool.as_str());
            if !is_of_tool || !matches!(decision.status, DecisionStatus::Pending | DecisionStatus::Approved) {
                continue;
            }
            let event = Event::DecisionVoided { decision: decision.id().to_owned(), reasons: reasons.to_vec() };
            // It may have moved on in the meantime; then there is nothing to void.
            if let Err(refusal) = self.record(&action.run, vec![event]).await {
                tracing::warn!(%refusal, decision = decision.id(), "the decision could not be voided");
            }
        }
    }

    /// Why a tool (`integration.tool`) cannot be used at present, where it is in quarantine. The message is fit for a
    /// worker; the reasons, with the server's own words made visible, are for people.
    #[must_use]
    pub fn quarantine_of(&self, tool: &str) -> Option<Refusal> {
        let found = self.in_quarantine().get(tool).map(|entry| entry.reasons.clone());
        // While definitions are being replaced, the new ones' own quarantine holds already.
        let reasons = found.or_else(|| self.current().epoch.quarantined.get(tool).cloned())?;
        let message = format!(
            "`{tool}` is not what the operator has pinned, so nobody can use it until they have looked \
             (`writ integration diff`)"
        );
        Some(Refusal::new(Code::ToolQuarantined, message).because(reasons))
    }

    /// What is in quarantine, in the order of names.
    #[must_use]
    pub fn quarantines(&self) -> Vec<Quarantine> {
        let quarantined = self.in_quarantine();
        let shown = quarantined.iter().map(|(tool, Quarantined { since, reasons, .. })| Quarantine {
            tool: tool.clone(),
            since: *since,
            reasons: reasons.clone(),
        });
        shown.collect()
    }

    fn in_quarantine(&self) -> MutexGuard<'_, Tools> {
        self.quarantined.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a server departs from a plan.
fn departures(plan: &ToolPlan, server: &ServerDescription) -> Vec<Reason> {
    let planned = (plan.identity.server.as_str(), &plan.definition, plan.schema_digest);
    pin::departures(&plan.tool, planned, &server.server, offered(plan, server))
}

/// What a server offers now by the name of a plan.
fn offered<'a>(plan: &'a ToolPlan, server: &'a ServerDescription) -> Option<&'a Json> {
    match plan.kind {
        PlanKind::Tool => server.tools.iter().find(|tool| tool.name == plan.tool).map(|tool| &tool.definition),
        PlanKind::Prompt => {
            server.prompts.iter().find(|prompt| prompt.name == plan.tool).map(|prompt| &prompt.definition)
        }
        // A set of resources is the operator's own words; the server's part in it is its identity.
        PlanKind::Resource(_) => Some(&plan.definition),
    }
}

/// Whether a departure is one for everybody. What is missing on a connection of one person's own may be what that
/// person may not use, and is kept from them alone.
fn concerns_everybody(plan: &ToolPlan, server: &ServerDescription) -> bool {
    server.edition.is_none() || server.server != plan.identity.server || offered(plan, server).is_some()
}

fn listed(reasons: &[Reason]) -> String {
    reasons.iter().map(|reason| reason.detail.as_str()).collect::<Vec<_>>().join("; ")
}
