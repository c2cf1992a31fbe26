//! How a server carries a decision out: what the engine's executor does, in the same order, one step at a time.
//!
//! What is to be done, and what may be recorded, is asked of `writ-core`. Between any two steps everybody else may go
//! on, and the server may die.

use writ_core::event::Event;
use writ_core::next_step::NextStep;

use crate::bounds::START;
use crate::broken::Broken;
use crate::integration::Request;
use crate::protocol::{OTHER_BYTES, Protocol};
use crate::replica::{Ending, Replica, Work};
use crate::step::Step;
use crate::witness::Wrong;
use crate::world::World;

impl Protocol {
    /// What a server may do next.
    pub(crate) fn work(&self, world: &World, replica: usize, steps: &mut Vec<Step>) {
        let state = world.replica(replica);
        match state {
            Replica::Idle => {
                let proposed = (0..self.plans().len()).filter(|number| self.decision(world, *number).is_some());
                steps.extend(proposed.map(|decision| Step::Look { replica, decision }));
            }
            Replica::Looked(_) => steps.push(Step::Check { replica }),
            Replica::Checked(_) if self.is(Broken::SentBeforeIntent) => steps.push(Step::Send { replica }),
            Replica::Checked(_) | Replica::SentUnrecorded(_) => steps.push(Step::Intend { replica }),
            Replica::Intended(_) => steps.extend([Step::Send { replica }, Step::CannotSend { replica }]),
            Replica::Waiting(_) => steps.push(Step::GiveUpWaiting { replica }),
            Replica::Ended(..) => steps.push(Step::Record { replica }),
        }
        if state != Replica::Idle && world.crashes < self.bounds().crashes_max {
            steps.push(Step::Crash { replica });
        }
    }

    pub(crate) fn look(&self, world: &World, replica: usize, number: usize) -> Option<World> {
        let decision = self.decision(world, number)?;
        let now = if self.is(Broken::DeadlineIgnored) { START } else { self.now(world) };
        let step = decision.next_step(now, self.bounds().attempts_max, || self.run_is_open(world, number));
        let again = match step {
            NextStep::Send => false,
            NextStep::SendAgain => true,
            // Expiring, taking back and asking a person are steps of their own, which somebody may take at any time.
            NextStep::Nothing | NextStep::Expire | NextStep::TakeBack | NextStep::AskPerson => return None,
        };
        let attempt = decision.attempts.saturating_add(1);
        Some(world.clone().with(replica, Replica::Looked(Work { decision: number, attempt, again })))
    }

    /// Looks at the run and the policy again. What may have happened already is not decided again.
    pub(crate) fn check(&self, world: &World, replica: usize) -> Option<World> {
        let work = world.replica(replica).work()?;
        let valid =
            work.again || self.run_is_open(world, work.decision) && self.digest_is_the_same(world, work.decision)?;
        if valid {
            return Some(world.clone().with(replica, Replica::Checked(work)));
        }
        let id = self.plan(work.decision)?.decision.clone();
        let voided =
            self.recorded_of(world, work.decision, Event::DecisionVoided { decision: id, reasons: Vec::new() });
        Some(voided.unwrap_or_else(|| world.clone()).with(replica, Replica::Idle))
    }

    /// Records the intent. Where the state machines do not take it, somebody was faster, and nothing is sent.
    pub(crate) fn intend(&self, world: &World, replica: usize) -> Option<World> {
        let state = world.replica(replica);
        let work = state.work()?;
        let (before, run) = (self.decision(world, work.decision)?, self.run_of(world, work.decision)?);
        let event = Event::IntentRecorded {
            decision: before.id().to_owned(),
            action_digest: self.digest_of(&before.proposal.action)?,
            idempotency_key: before.idempotency_key(),
            attempt: work.attempt,
        };
        let at = if self.is(Broken::DeadlineIgnored) { START } else { self.now(world) };
        let Some(mut next) = self.recorded(world, &run.id, at, vec![event]) else {
            return Some(world.clone().with(replica, Replica::Idle));
        };
        let same_policy = self.is_under_the_policy(world, work.decision)?;
        next.witness.judge(before, run, self.now(world), same_policy);
        let sent = matches!(state, Replica::SentUnrecorded(_));
        Some(next.with(replica, if sent { Replica::Waiting(work) } else { Replica::Intended(work) }))
    }

    pub(crate) fn send(&self, world: &World, replica: usize) -> Option<World> {
        let state = world.replica(replica);
        let work = state.work()?;
        let decision = self.decision(world, work.decision)?;
        let mut next = world.clone();
        if decision.attempts < work.attempt {
            next.witness.wrongs.insert(Wrong::SentUnrecorded);
        }
        let key = decision.idempotency_key();
        let key = if self.is(Broken::KeyOfTheAttempt) { format!("{key}-{}", work.attempt) } else { key };
        let own = self.digest_of(&decision.proposal.action)?;
        let digest = if self.is(Broken::OtherBytesSent) { OTHER_BYTES } else { own };
        let (decision, attempt) = (work.decision, work.attempt);
        next.integration.on_the_way.insert(Request { decision, attempt, key, digest });
        let unrecorded = matches!(state, Replica::Checked(_));
        Some(next.with(replica, if unrecorded { Replica::SentUnrecorded(work) } else { Replica::Waiting(work) }))
    }

    pub(crate) fn cannot_send(&self, world: &World, replica: usize) -> Option<World> {
        let work = world.replica(replica).work()?;
        Some(world.clone().with(replica, Replica::Ended(work, Ending::NotSent)))
    }

    pub(crate) fn give_up_waiting(&self, world: &World, replica: usize) -> Option<World> {
        let work = world.replica(replica).work()?;
        Some(world.clone().with(replica, Replica::Ended(work, Ending::NoAnswer)))
    }

    /// Records what came of it. Where the state machines do not take it, somebody has taken the decision over.
    pub(crate) fn record(&self, world: &World, replica: usize) -> Option<World> {
        let Replica::Ended(work, ending) = world.replica(replica) else { return None };
        let decision = self.plan(work.decision)?.decision.clone();
        let event = match ending {
            Ending::NotSent => Event::NotSent { decision, why: String::new() },
            Ending::NoAnswer if self.is(Broken::NoAnswerIsNotSent) => Event::NotSent { decision, why: String::new() },
            Ending::NoAnswer => Event::OutcomeUnknown { decision, why: String::new() },
            Ending::Success | Ending::Error => Event::OutcomeRecorded {
                decision,
                succeeded: ending == Ending::Success,
                result: serde_json::Value::Null,
                labels: Vec::new(),
            },
        };
        let recorded = self.recorded_of(world, work.decision, event);
        Some(recorded.unwrap_or_else(|| world.clone()).with(replica, Replica::Idle))
    }

    fn run_is_open(&self, world: &World, decision: usize) -> bool {
        let open = self.run_of(world, decision).is_some_and(|run| run.status.is_open());
        open || self.is(Broken::StopIgnored)
    }

    /// Whether the action, put together again as things are now, has the digest that was approved.
    fn digest_is_the_same(&self, world: &World, decision: usize) -> Option<bool> {
        Some(self.is(Broken::PolicyNotCheckedAgain) || self.is_under_the_policy(world, decision)?)
    }

    fn is_under_the_policy(&self, world: &World, decision: usize) -> Option<bool> {
        let again = self.plan(decision)?.under.get(world.policy)?;
        Some(again.action_digest == self.decision(world, decision)?.action_digest())
    }
}
