//! The laws that every step must keep, in other words than the machines' own.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Map;
use writ_core::decision::{Decision, DecisionStatus};
use writ_core::digest::Digest;
use writ_core::event::{EffectProfile, Event, Limits, Milliseconds, Proposal, Recorded, RunStart};
use writ_core::next_step::NextStep;
use writ_core::run::{Run, RunStatus};

use crate::events::{PERSON, RUN, RUN_ENDS, recorded};

/// A decision, with how often it was sent for good: an attempt that was certainly not sent does not count.
#[derive(Clone)]
pub(crate) struct Followed {
    pub(crate) decision: Decision,
    sends: u32,
    successes: u32,
}

impl Followed {
    pub(crate) fn new(proposal: Proposal) -> Self {
        Self { decision: Decision::propose(proposal, 0, 0), sends: 0, successes: 0 }
    }

    /// The decision after the event; nothing where the event was refused, which must have left no trace.
    pub(crate) fn after(&self, recorded: &Recorded) -> Option<Self> {
        let mut next = self.clone();
        if next.decision.apply(recorded).is_err() {
            assert_eq!(next.decision, self.decision, "a refused event left a trace: {recorded:?}");
            return None;
        }
        match &recorded.event {
            Event::IntentRecorded { .. } => next.sends += 1,
            Event::NotSent { .. } => next.sends -= 1,
            _ => {}
        }
        next.successes += u32::from(next.decision.status == DecisionStatus::Succeeded);
        next.keeps_the_law(self, recorded);
        Some(next)
    }

    fn keeps_the_law(&self, before: &Self, recorded: &Recorded) {
        use DecisionStatus::{Approved, Failed, Sending, Succeeded, Unknown};
        let may_have_happened = matches!(self.decision.status, Sending | Succeeded | Failed | Unknown);
        assert!(self.sends == 0 || may_have_happened, "sent, and yet {:?}", self.decision.status);
        let (before, after) = (&before.decision, &self.decision);
        let digest = after.proposal.action_digest;
        assert!(!before.status.is_final(), "{:?} became {:?} by {recorded:?}", before.status, after.status);
        assert_eq!(before.proposal, after.proposal, "what was proposed never changes");
        assert!(after.votes.starts_with(&before.votes), "a vote stays");
        assert_eq!(after.version, recorded.seq);
        let voters: BTreeSet<&str> = after.votes.iter().map(|vote| vote.by.as_str()).collect();
        assert_eq!(voters.len(), after.votes.len(), "one vote a person");
        assert!(!voters.contains(PERSON), "the person acted for decided their own");
        assert!(after.votes.iter().all(|vote| vote.action_digest == digest), "a vote on something else counted");
        if matches!(after.status, Approved | Sending | Succeeded | Failed | Unknown) {
            assert!(after.approvals() >= after.proposal.approvals_needed.max(1) as usize, "too few approvals");
            assert!(after.votes.iter().all(|vote| vote.approve), "a no did not end it");
        }
        if after.status == Sending {
            let again = before.status == Unknown && after.proposal.profile == EffectProfile::Keyed;
            assert!(before.status == Approved || again, "sent from {:?}", before.status);
            assert!(again || recorded.at < after.proposal.expires_at, "sent after its time");
            let Event::IntentRecorded { action_digest, attempt, .. } = &recorded.event else { panic!("no intent") };
            assert_eq!((*action_digest, *attempt), (digest, before.attempts + 1));
        }
        assert!(self.successes <= 1, "two successes");
        assert!(self.sends <= 1 || after.proposal.profile == EffectProfile::Keyed, "sent twice without a key");
    }

    /// What is to be done next can be recorded, and an effect is begun only where that is what is to be done next.
    pub(crate) fn next_step_can_be_taken(&self, at: Milliseconds, attempts_max: u32) {
        let decision = &self.decision;
        let id = || decision.id().to_owned();
        let takes = |event: Event| decision.clone().apply(&recorded(1, at, event)).is_ok();
        let can_begin = takes(Event::IntentRecorded {
            decision: id(),
            action_digest: decision.action_digest(),
            idempotency_key: decision.idempotency_key(),
            attempt: decision.attempts + 1,
        });
        match decision.next_step(at, attempts_max, || true) {
            NextStep::Nothing => assert!(!can_begin),
            NextStep::Expire => assert!(!can_begin && takes(Event::DecisionExpired { decision: id() })),
            NextStep::Send | NextStep::SendAgain => assert!(can_begin && decision.attempts < attempts_max),
            NextStep::TakeBack => assert!(takes(Event::DecisionWithdrawn { decision: id(), why: "unsent".to_owned() })),
            NextStep::AskPerson => {
                let (by, note) = ("lea".to_owned(), "looked".to_owned());
                assert!(takes(Event::OutcomeSettled { decision: id(), by, succeeded: true, note }));
            }
        }
        assert_ne!(decision.next_step(at, attempts_max, || false), NextStep::SendAgain, "sent again for an ended run");
    }

    pub(crate) fn key(&self) -> String {
        let Decision { status, attempts, votes, .. } = &self.decision;
        let votes: Vec<_> = votes.iter().map(|vote| (&vote.by, vote.approve)).collect();
        format!("{status:?} {attempts} {votes:?} {} {}", self.sends, self.successes)
    }
}

/// A run and its decisions, put together as a store does: the decision first, then the run.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) run: Run,
    pub(crate) decisions: BTreeMap<String, Followed>,
}

impl World {
    pub(crate) fn new(limits: Limits) -> Self {
        let start = RunStart {
            mission: "refund".to_owned(),
            mission_version: Digest([2; 32]),
            worker: "desk".to_owned(),
            person: PERSON.to_owned(),
            started_by: PERSON.to_owned(),
            bound: Map::new(),
            expires_at: RUN_ENDS,
            limits,
        };
        Self { run: Run::start(RUN, start, 0, 0), decisions: BTreeMap::new() }
    }

    pub(crate) fn after(&self, recorded: &Recorded) -> Option<Self> {
        let mut next = self.clone();
        if let Some(id) = recorded.event.decision() {
            let followed = match (&recorded.event, self.decisions.get(id)) {
                (Event::Proposed(proposal), None) => Followed::new((**proposal).clone()),
                (Event::Proposed(_), Some(_)) | (_, None) => return None,
                (_, Some(followed)) => followed.after(recorded)?,
            };
            next.decisions.insert(id.to_owned(), followed);
        }
        let decisions = &next.decisions;
        let status_of = |id: &str| decisions.get(id).map(|followed| followed.decision.status);
        if next.run.apply(recorded, status_of).is_err() {
            assert_eq!(next.run, self.run, "a refused event left a trace: {recorded:?}");
            return None;
        }
        next.keeps_the_law(self, recorded);
        Some(next)
    }

    fn keeps_the_law(&self, before: &Self, recorded: &Recorded) {
        let (was, run) = (&before.run, &self.run);
        let limits = run.start.limits;
        assert!(run.reads <= limits.reads_max && run.rows <= limits.rows_max && run.proposals <= limits.proposals_max);
        assert!(run.reads >= was.reads && run.rows >= was.rows && run.proposals >= was.proposals);
        assert!(run.expires_at >= was.expires_at, "a run's end came nearer");
        let worked = run.reads > was.reads || run.proposals > was.proposals || run.status == RunStatus::Concluded;
        if worked && was.status.is_open() {
            assert!(recorded.at < was.expires_at, "done after the run's time: {recorded:?}");
        }
        if !was.status.is_open() {
            let fixed = |run: &Run| {
                let counts = (run.reads, run.rows, run.proposals, run.expires_at);
                (run.status, counts, run.calls.clone(), run.labels.clone(), run.verdict.clone())
            };
            assert_eq!(fixed(was), fixed(run), "an ended run changed by {recorded:?}");
            assert!(!matches!(recorded.event, Event::IntentRecorded { .. }), "an ended run sent something");
        }
        let open = self.decisions.iter().filter(|(_, followed)| !followed.decision.status.is_final());
        let open: BTreeSet<String> = open.map(|(id, _)| id.clone()).collect();
        assert_eq!(run.open_decisions, open);
        if run.status.is_open() {
            assert_eq!(run.status == RunStatus::Waiting, !open.is_empty());
        }
        assert_eq!(run.verdict.is_some(), run.status == RunStatus::Concluded);
        assert!(run.status != RunStatus::Concluded || open.is_empty(), "concluded with an open decision");
        let mut standing = HashSet::new();
        for followed in self.decisions.values() {
            use DecisionStatus::{Expired, Voided, Withdrawn};
            let call = followed.decision.proposal.action.call_digest().unwrap();
            if !matches!(followed.decision.status, Expired | Withdrawn | Voided) {
                assert!(standing.insert(call), "the same call stands twice");
            }
        }
    }

    pub(crate) fn key(&self) -> String {
        let Run { status, reads, rows, proposals, expires_at, calls, .. } = &self.run;
        let decisions: Vec<String> = self.decisions.iter().map(|(id, followed)| id.clone() + &followed.key()).collect();
        format!("{status:?} {reads} {rows} {proposals} {expires_at} {calls:?} {decisions:?}")
    }
}
