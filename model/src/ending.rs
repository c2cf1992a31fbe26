//! How decisions and runs end without an effect: by time, by a person, or because whoever sent something is gone.

use writ_core::decision::{Decision, DecisionStatus};
use writ_core::event::Event;

use crate::broken::Broken;
use crate::protocol::Protocol;
use crate::replica::Replica;
use crate::step::{RunEnd, Step};
use crate::world::World;

impl Protocol {
    /// What may end a decision, besides votes and its own effect.
    pub(crate) fn endings(&self, world: &World, number: usize, decision: &Decision, steps: &mut Vec<Step>) {
        if matches!(decision.status, DecisionStatus::Pending | DecisionStatus::Approved) {
            steps.extend([Step::Withdraw { decision: number }, Step::Expire { decision: number }]);
        }
        if decision.status == DecisionStatus::Sending && self.may_be_taken_over(world, number, decision) {
            steps.push(Step::TakeOver { decision: number });
        }
        if self.may_settle(world, number, decision.status) {
            steps.push(Step::Settle { decision: number });
        }
    }

    pub(crate) fn expire(&self, world: &World, decision: usize) -> Option<World> {
        let id = self.plan(decision)?.decision.clone();
        self.recorded_of(world, decision, Event::DecisionExpired { decision: id })
    }

    pub(crate) fn ends_of_runs(&self, world: &World, steps: &mut Vec<Step>) {
        for (run, id) in self.runs().iter().enumerate() {
            let Some(found) = world.tables.run(id).filter(|found| found.status.is_open()) else { continue };
            for by in [RunEnd::Stopped, RunEnd::Expired] {
                steps.push(Step::EndRun { run, by, sees_decisions: true });
                if !found.open_decisions.is_empty() {
                    steps.push(Step::EndRun { run, by, sees_decisions: false });
                }
            }
        }
    }

    /// Ends a run. With it goes, in the same commit, what has not been sent; but a decision that came after the look at
    /// them stays.
    pub(crate) fn end_run(&self, world: &World, run: usize, by: RunEnd, sees_decisions: bool) -> Option<World> {
        let id = self.runs().get(run)?.as_str();
        let mut events = vec![match by {
            RunEnd::Stopped => Event::RunStopped { by: String::new(), reason: String::new() },
            RunEnd::Expired => Event::RunExpired {},
        }];
        for (number, plan) in self.plans().iter().enumerate() {
            let unsent = world
                .tables
                .decision(&plan.decision)
                .is_some_and(|decision| matches!(decision.status, DecisionStatus::Pending | DecisionStatus::Approved));
            if sees_decisions && plan.run == id && unsent {
                events.push(self.withdrawn(number)?);
            }
        }
        self.recorded(world, id, self.now(world), events)
    }

    /// A server takes up what is on its way in another's hand only once that one is gone, or can do nothing with it any
    /// more. From whoever is about to send nothing is taken: no store can hold a request back that is leaving.
    fn may_be_taken_over(&self, world: &World, number: usize, decision: &Decision) -> bool {
        let about_to_send =
            |replica: &Replica| matches!(replica, Replica::Intended(_)) && replica.holds(number, decision.attempts);
        !world.replicas.iter().any(about_to_send) || self.is(Broken::TakenFromWhoeverSends)
    }

    pub(crate) fn take_over(&self, world: &World, decision: usize) -> Option<World> {
        let attempt = self.decision(world, decision)?.attempts;
        let event = Event::OutcomeUnknown { decision: self.plan(decision)?.decision.clone(), why: String::new() };
        let mut next = self.recorded_of(world, decision, event)?;
        if !self.is(Broken::RecordsAfterTakeOver) {
            for replica in &mut next.replicas {
                if replica.holds(decision, attempt) && !matches!(replica, Replica::Intended(_)) {
                    *replica = Replica::Idle;
                }
            }
            next.replicas.sort_unstable();
        }
        Some(next)
    }
}
