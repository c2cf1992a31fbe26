//! What workers and people do: propose, take back, vote, and say what became of an effect.

use writ_core::decision::DecisionStatus;
use writ_core::digest::Digest;
use writ_core::event::{Event, Vote};

use crate::broken::Broken;
use crate::protocol::{OTHER_BYTES, PERSON, Protocol};
use crate::step::{Shown, Step};
use crate::witness::Ballot;
use crate::world::World;

/// A second account of the person that the runs act for, where accounts are counted instead of people.
const SECOND_ACCOUNT: &str = "ana-2";

impl Protocol {
    pub(crate) fn propose(&self, world: &World, decision: usize) -> Option<World> {
        let proposal = self.plan(decision)?.under.get(world.policy)?.clone();
        self.recorded_of(world, decision, Event::Proposed(Box::new(proposal)))
    }

    pub(crate) fn withdraw(&self, world: &World, decision: usize) -> Option<World> {
        self.recorded_of(world, decision, self.withdrawn(decision)?)
    }

    /// The event by which a decision is withdrawn, by whomever.
    pub(crate) fn withdrawn(&self, decision: usize) -> Option<Event> {
        let decision = self.plan(decision)?.decision.clone();
        Some(Event::DecisionWithdrawn { decision, why: String::new() })
    }

    /// The votes that somebody may cast: yes or no to the action, or yes to something else that they were shown.
    pub(crate) fn ballots(&self, world: &World, decision: usize, steps: &mut Vec<Step>) {
        if world.unwritten.is_some() {
            return;
        }
        let ballots = [(Shown::TheAction, true), (Shown::TheAction, false), (Shown::SomethingElse, true)];
        for by in self.bounds().voters.iter().copied() {
            if self.is(Broken::VoteOverwritesWhatWasSeen) && !world.pages.contains_key(by) {
                steps.push(Step::OpenPage { by });
                continue;
            }
            steps.extend(ballots.map(|(shown, approve)| Step::Vote { decision, by, shown, approve }));
        }
        steps.push(Step::Vote { decision, by: PERSON, shown: Shown::TheAction, approve: true });
    }

    pub(crate) fn open_page(&self, world: &World, by: &'static str) -> World {
        let mut next = world.clone();
        next.pages.insert(by, world.tables.clone());
        next
    }

    /// A vote, acknowledged only once it is durable: whoever serves the person may die before, and then they know
    /// nothing.
    pub(crate) fn vote(
        &self,
        world: &World,
        decision: usize,
        by: &'static str,
        shown: Shown,
        approve: bool,
    ) -> Option<World> {
        let own = self.decision(world, decision)?.action_digest();
        let digest = if shown == Shown::TheAction { own } else { OTHER_BYTES };
        let ballot = Ballot { decision, by, digest, approve };
        let seen = world.pages.get(by).cloned();
        let mut next = match seen {
            Some(seen) => self.cast(&World { tables: seen, ..world.clone() }, ballot, own)?,
            None => self.cast(world, ballot, own)?,
        };
        next.pages.remove(by);
        next.witness.acknowledged.insert(ballot);
        if self.is(Broken::AcknowledgedBeforeWritten) {
            return Some(World { tables: world.tables.clone(), unwritten: Some(ballot), ..next });
        }
        Some(next)
    }

    /// What was acknowledged too early reaches the log after all, unless it is not legal any more.
    pub(crate) fn write(&self, world: &World) -> Option<World> {
        let ballot = world.unwritten?;
        let own = self.decision(world, ballot.decision)?.action_digest();
        let written = self.cast(world, ballot, own).unwrap_or_else(|| world.clone());
        Some(World { unwritten: None, ..written })
    }

    fn cast(&self, world: &World, ballot: Ballot, own: Digest) -> Option<World> {
        let action_digest = if self.is(Broken::VoteOnOtherBytesCounts) { own } else { ballot.digest };
        let vote = Vote { by: self.account(ballot.by), action_digest, approve: ballot.approve, reason: None };
        let id = self.plan(ballot.decision)?.decision.clone();
        self.recorded_of(world, ballot.decision, Event::Voted { decision: id, vote })
    }

    /// Under which name a person's vote is counted: their own, whatever their account.
    fn account(&self, by: &str) -> String {
        let second = by == PERSON && self.is(Broken::SecondAccountVotes);
        if second { SECOND_ACCOUNT.to_owned() } else { by.to_owned() }
    }

    /// Whether the log holds a vote, or somebody is still about to write it.
    pub(crate) fn keeps(&self, world: &World, ballot: &Ballot) -> bool {
        let account = self.account(ballot.by);
        let in_log = self.decision(world, ballot.decision).is_some_and(|decision| {
            decision.votes.iter().any(|vote| vote.by == account && vote.approve == ballot.approve)
        });
        in_log || world.unwritten.as_ref() == Some(ballot)
    }

    /// A person who looks for an effect finds the truth. They wait until nothing of it can still be on its way: that is
    /// taken for granted here, and no server can see to it.
    pub(crate) fn may_settle(&self, world: &World, decision: usize, status: DecisionStatus) -> bool {
        let may_still_arrive = world.integration.expects(decision) && !self.is(Broken::SettledTooEarly);
        status == DecisionStatus::Unknown && !may_still_arrive
    }

    pub(crate) fn settle(&self, world: &World, decision: usize) -> Option<World> {
        let event = Event::OutcomeSettled {
            decision: self.plan(decision)?.decision.clone(),
            by: String::new(),
            succeeded: world.integration.has_acted(decision),
            note: String::new(),
        };
        self.recorded_of(world, decision, event)
    }
}
