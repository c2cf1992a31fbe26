//! The model itself: which steps there are in a state, and what each leads to.

use serde_json::{Map, Value as Json, json};
use stateright::{Model, Property};
use writ_core::decision::Decision;
use writ_core::digest::{Action, Digest, IntegrationIdentity, NotCanonical};
use writ_core::event::{EffectProfile, Event, Limits, Milliseconds, Proposal, RunStart};
use writ_core::run::Run;
use writ_store::Commit;

use crate::bounds::{Bounds, DEADLINE, RUN_ENDS, START};
use crate::broken::Broken;
use crate::promises;
use crate::replica::Replica;
use crate::step::Step;
use crate::tables::Tables;
use crate::world::World;

/// The person that all runs act for.
pub(crate) const PERSON: &str = "ana";
/// The digest of bytes that nobody proposed.
pub(crate) const OTHER_BYTES: Digest = Digest([0xee; 32]);

/// The protocol within some bounds: as it is, or with one rule broken.
#[derive(Debug)]
pub struct Protocol {
    bounds: Bounds,
    broken: Option<Broken>,
    plans: Vec<Plan>,
    runs: Vec<String>,
    start: Tables,
}

/// One decision that there can be.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) decision: String,
    pub(crate) run: String,
    /// The proposal as it is under each policy. Its digest is worked out here, once for all the times that a server
    /// would.
    pub(crate) under: Vec<Proposal>,
}

impl Protocol {
    /// The protocol as it is.
    ///
    /// # Errors
    /// [`NotCanonical`], which the actions made here never are.
    pub fn new(bounds: Bounds) -> Result<Self, NotCanonical> {
        Self::made(bounds, None)
    }

    /// The protocol with one rule broken, in the bounds in which that shows soonest.
    ///
    /// # Errors
    /// As [`Protocol::new`].
    pub fn broken(broken: Broken) -> Result<Self, NotCanonical> {
        Self::made(broken.bounds(), Some(broken))
    }

    fn made(bounds: Bounds, broken: Option<Broken>) -> Result<Self, NotCanonical> {
        let runs: Vec<String> = (0..bounds.runs()).map(|run| format!("r-{run}")).collect();
        let mut plans = Vec::new();
        for (number, planned) in bounds.proposals.iter().enumerate() {
            let (decision, run) = (format!("d-{number}"), format!("r-{}", planned.run));
            let mut under = Vec::new();
            for policy in 0..bounds.policies {
                under.push(proposal(&bounds, broken, &decision, action(&run, planned.payment, policy))?);
            }
            plans.push(Plan { decision, run, under });
        }
        let mut start = Tables::default();
        for run in &runs {
            let commit = Commit { run: Some(run.clone()), at: 0, events: vec![started()] };
            start = start.after(commit, None).unwrap_or(start);
        }
        Ok(Self { bounds, broken, plans, runs, start })
    }

    /// How far this goes.
    #[must_use]
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(crate) fn is(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    pub(crate) fn plan(&self, decision: usize) -> Option<&Plan> {
        self.plans.get(decision)
    }

    pub(crate) fn plans(&self) -> &[Plan] {
        &self.plans
    }

    pub(crate) fn decision<'a>(&self, world: &'a World, decision: usize) -> Option<&'a Decision> {
        world.tables.decision(&self.plan(decision)?.decision)
    }

    pub(crate) fn run_of<'a>(&self, world: &'a World, decision: usize) -> Option<&'a Run> {
        world.tables.run(&self.plan(decision)?.run)
    }

    pub(crate) fn runs(&self) -> &[String] {
        &self.runs
    }

    pub(crate) fn now(&self, world: &World) -> Milliseconds {
        self.bounds.moments.get(world.moment).copied().unwrap_or(START)
    }

    /// The digest of an action, as `writ-core` works it out: once for each action that there is.
    pub(crate) fn digest_of(&self, action: &Action) -> Option<Digest> {
        let mut known = self.plans.iter().flat_map(|plan| &plan.under);
        let known = known.find(|proposal| proposal.action == *action).map(|proposal| proposal.action_digest);
        known.or_else(|| action.digest().ok())
    }

    /// The world after a commit, where the state machines take it.
    pub(crate) fn recorded(&self, world: &World, run: &str, at: Milliseconds, events: Vec<Event>) -> Option<World> {
        let tables = world.tables.after(Commit { run: Some(run.to_owned()), at, events }, self.broken)?;
        Some(World { tables, ..world.clone() })
    }

    /// The world after one event about a decision, now.
    pub(crate) fn recorded_of(&self, world: &World, decision: usize, event: Event) -> Option<World> {
        self.recorded(world, &self.plan(decision)?.run, self.now(world), vec![event])
    }

    /// A new policy waits for whoever is between the last check and the intent, as the engine's own lock makes it wait.
    fn policy_may_change(&self, world: &World) -> bool {
        let checked = world.replicas.iter().any(|replica| matches!(replica, Replica::Checked(_)));
        world.policy.saturating_add(1) < self.bounds.policies && (!checked || self.is(Broken::PolicyDoesNotWait))
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.start.clone())]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        if world.moment.saturating_add(1) < self.bounds.moments.len() {
            steps.push(Step::TimePasses);
        }
        if self.policy_may_change(world) {
            steps.push(Step::PolicyChanges);
        }
        for number in 0..self.plans.len() {
            match self.decision(world, number) {
                None => steps.push(Step::Propose { decision: number }),
                // Nothing can happen to it any more, by its own account.
                Some(decision) if decision.status.is_final() => {}
                Some(decision) => {
                    self.ballots(world, number, steps);
                    self.endings(world, number, decision, steps);
                }
            }
        }
        self.ends_of_runs(world, steps);
        for replica in 0..Bounds::REPLICAS {
            self.work(world, replica, steps);
        }
        self.arrivals(world, steps);
        if world.unwritten.is_some() {
            steps.extend([Step::Write, Step::LoseUnwritten]);
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        match step {
            Step::TimePasses => Some(World { moment: world.moment.saturating_add(1), ..world.clone() }),
            Step::PolicyChanges => Some(World { policy: world.policy.saturating_add(1), ..world.clone() }),
            Step::Propose { decision } => self.propose(world, decision),
            Step::Withdraw { decision } => self.withdraw(world, decision),
            Step::OpenPage { by } => Some(self.open_page(world, by)),
            Step::Vote { decision, by, shown, approve } => self.vote(world, decision, by, shown, approve),
            Step::Write => self.write(world),
            Step::LoseUnwritten => Some(World { unwritten: None, ..world.clone() }),
            Step::Expire { decision } => self.expire(world, decision),
            Step::EndRun { run, by, sees_decisions } => self.end_run(world, run, by, sees_decisions),
            Step::TakeOver { decision } => self.take_over(world, decision),
            Step::Settle { decision } => self.settle(world, decision),
            Step::Look { replica, decision } => self.look(world, replica, decision),
            Step::Check { replica } => self.check(world, replica),
            Step::Intend { replica } => self.intend(world, replica),
            Step::Send { replica } => self.send(world, replica),
            Step::CannotSend { replica } => self.cannot_send(world, replica),
            Step::GiveUpWaiting { replica } => self.give_up_waiting(world, replica),
            Step::Record { replica } => self.record(world, replica),
            Step::Crash { replica } => {
                let crashes = world.crashes.saturating_add(1);
                Some(World { crashes, ..world.clone() }.with(replica, Replica::Idle))
            }
            Step::Arrive { decision, attempt, arrival } => self.arrive(world, decision, attempt, arrival),
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        promises::properties()
    }
}

fn proposal(bounds: &Bounds, broken: Option<Broken>, decision: &str, action: Action) -> Result<Proposal, NotCanonical> {
    let one_is_enough = broken == Some(Broken::OneApprovalIsEnough);
    let said_to_be_keyed = broken == Some(Broken::OpaqueSentAgain);
    let payment = action.arguments.get("payment_id").and_then(Json::as_str).unwrap_or_default();
    Ok(Proposal {
        decision: decision.to_owned(),
        action_digest: action.digest()?,
        effect_key: bounds.effect_keys.then(|| format!("refund:{payment}")),
        approvals_needed: if one_is_enough { 1 } else { bounds.approvals_needed },
        expires_at: DEADLINE,
        profile: if said_to_be_keyed { EffectProfile::Keyed } else { bounds.profile },
        permitted_by: Vec::new(),
        claim: None,
        action,
    })
}

fn action(run: &str, payment: &str, policy: usize) -> Action {
    let policy = u8::try_from(policy).unwrap_or(u8::MAX);
    Action {
        integration: IntegrationIdentity { name: "shop".to_owned(), server: "shop 1".to_owned() },
        tool: "refund".to_owned(),
        schema_digest: Digest([1; 32]),
        arguments: Map::from_iter([("payment_id".to_owned(), json!(payment))]),
        run: run.to_owned(),
        mission: "refund".to_owned(),
        mission_version: Digest([2; 32]),
        person: PERSON.to_owned(),
        worker: "desk".to_owned(),
        policy: Digest([policy; 32]),
        facts: Map::new(),
    }
}

fn started() -> Event {
    Event::RunStarted(Box::new(RunStart {
        mission: "refund".to_owned(),
        mission_version: Digest([2; 32]),
        worker: "desk".to_owned(),
        person: PERSON.to_owned(),
        started_by: PERSON.to_owned(),
        bound: Map::new(),
        expires_at: RUN_ENDS,
        limits: Limits { reads_max: 0, rows_max: 0, proposals_max: 8 },
    }))
}
