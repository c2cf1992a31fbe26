//! What can be recorded about a run and its decisions: the unlawful with the lawful.

use std::collections::BTreeMap;

use serde_json::{Map, json};
use writ_core::definition::Ask;
use writ_core::digest::{Action, Digest, IntegrationIdentity};
use writ_core::event::{EffectProfile, Event, Milliseconds, Proposal, Read, Recorded, Vote};

/// The person that the run acts for.
pub(crate) const PERSON: &str = "ana";
pub(crate) const RUN: &str = "r-1";
/// When a run without a proposal ends, and how long it is.
pub(crate) const RUN_ENDS: Milliseconds = 50;
/// When a proposal ends.
pub(crate) const DEADLINE: Milliseconds = 100;
/// Just before, and at, each end: a proposal moves the run's own to `DEADLINE + RUN_ENDS`.
pub(crate) const TIMES: [Milliseconds; 5] = [10, RUN_ENDS, DEADLINE - 1, DEADLINE, DEADLINE + RUN_ENDS];
/// The digest of something else.
pub(crate) const WRONG: Digest = Digest([9; 32]);
pub(crate) const PROFILES: [EffectProfile; 3] = [EffectProfile::Keyed, EffectProfile::Probeable, EffectProfile::Opaque];

pub(crate) fn proposal(decision: &str, call: &str, approvals_needed: u32, profile: EffectProfile) -> Proposal {
    let action = Action {
        integration: IntegrationIdentity { name: "shop".to_owned(), server: "shop 1".to_owned() },
        tool: "refund".to_owned(),
        schema_digest: Digest([1; 32]),
        arguments: Map::from_iter([("payment_id".to_owned(), json!(call))]),
        run: RUN.to_owned(),
        mission: "refund".to_owned(),
        mission_version: Digest([2; 32]),
        person: PERSON.to_owned(),
        worker: "desk".to_owned(),
        policy: Digest([3; 32]),
        facts: Map::new(),
    };
    Proposal {
        decision: decision.to_owned(),
        action_digest: action.digest().unwrap(),
        action,
        effect_key: None,
        approvals_needed,
        expires_at: DEADLINE,
        profile,
        permitted_by: Vec::new(),
        claim: None,
    }
}

/// Everything that can be recorded about one decision, the unlawful with the lawful.
pub(crate) fn decision_events(decision: &str, digest: Digest) -> Vec<Event> {
    let id = || decision.to_owned();
    let digests = [digest, WRONG];
    let mut events = vec![
        Event::DecisionExpired { decision: id() },
        Event::DecisionWithdrawn { decision: id(), why: "taken back".to_owned() },
        Event::DecisionVoided { decision: id(), reasons: Vec::new() },
        Event::NotSent { decision: id(), why: "nobody listens".to_owned() },
        Event::OutcomeUnknown { decision: id(), why: "no answer".to_owned() },
        Event::DecisionWithdrawn { decision: "another".to_owned(), why: String::new() },
    ];
    for yes in [true, false] {
        events.push(Event::OutcomeRecorded {
            decision: id(),
            succeeded: yes,
            result: json!({ "done": yes }),
            labels: Vec::new(),
        });
        let (by, note) = ("lea".to_owned(), "looked".to_owned());
        events.push(Event::OutcomeSettled { decision: id(), by, succeeded: yes, note });
        for (by, action_digest) in [PERSON, "lea", "lou"].into_iter().flat_map(|by| digests.map(|digest| (by, digest)))
        {
            let vote = Vote { by: by.to_owned(), action_digest, approve: yes, reason: None };
            events.push(Event::Voted { decision: id(), vote });
        }
    }
    for (attempt, action_digest) in (1..=3).flat_map(|attempt| digests.map(|digest| (attempt, digest))) {
        let idempotency_key = format!("writ-{decision}");
        events.push(Event::IntentRecorded { decision: id(), action_digest, idempotency_key, attempt });
    }
    events
}

pub(crate) fn recorded(seq: u64, at: Milliseconds, event: Event) -> Recorded {
    Recorded { seq, at, run: Some(RUN.to_owned()), event }
}

/// What a run can go through. `all` adds what only counts up or only looks, for walks that need not come back.
pub(crate) fn run_events(proposals: &[Proposal], all: bool) -> Vec<Event> {
    let read = |rows| {
        let statement = "SELECT 1".to_owned();
        Read { statement, columns: BTreeMap::new(), rows, result: Digest([4; 32]), labels: Vec::new(), claim: None }
    };
    let mut events = vec![
        Event::Read(Box::new(read(1))),
        Event::Read(Box::new(read(2))),
        Event::RunConcluded { verdict: json!({}) },
        Event::RunStopped { by: "lea".to_owned(), reason: "enough".to_owned() },
        Event::RunExpired {},
        Event::SignedIn { person: PERSON.to_owned(), how: "ticket".to_owned() },
    ];
    if all {
        let (tool, arguments) = ("shop.look".to_owned(), Map::new());
        let result = Digest([4; 32]);
        let ask = Event::Asked {
            tool: tool.clone(),
            ask: Ask::Roots,
            question: Some(result),
            answer: None,
            labels: Vec::new(),
        };
        let labels = vec!["untrusted".to_owned()];
        events.push(Event::ToolRead { tool, arguments, result, is_error: false, labels, claim: None });
        events.push(ask);
        events.push(Event::Claimed { text: "I looked".to_owned() });
        events.push(Event::WorkerAttached { client: "test".to_owned() });
        events.push(Event::Alarm { what: "a test".to_owned() });
        let (person, integration) = (PERSON.to_owned(), "shop".to_owned());
        events.push(Event::IntegrationUnlinked { person, integration });
    }
    for proposal in proposals {
        events.push(Event::Proposed(Box::new(proposal.clone())));
        events.extend(decision_events(&proposal.decision, proposal.action_digest));
    }
    events
}
