//! The checker itself, held against histories that are known: one in which all is well, and one for each way in which
//! it could not be.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use writ_core::digest::{Action, Digest, IntegrationIdentity};
use writ_core::event::{EffectProfile, Event, Limits, Proposal, Recorded, RunStart, Vote};
use writ_store::replay;

use super::check;
use crate::chaos::ledger::{Entry, What};
use crate::chaos::notes::Acknowledged;
use crate::chaos::reader::{History, Stored, StoredDecision, StoredRun};

const DECISION: &str = "d-1";
const KEY: &str = "writ-d-1";
const POLICY: Digest = Digest([3; 32]);
const DEADLINE: i64 = 1_000;

fn arguments() -> Map<String, Value> {
    json!({ "account": "a-1", "amount": 7, "manner": "plain" }).as_object().cloned().unwrap()
}

fn proposal(profile: EffectProfile) -> Proposal {
    let action = Action {
        integration: IntegrationIdentity { name: "keyed".to_owned(), server: "till 1".to_owned() },
        tool: "pay".to_owned(),
        schema_digest: Digest([1; 32]),
        arguments: arguments(),
        run: "r-1".to_owned(),
        mission: "plain".to_owned(),
        mission_version: Digest([2; 32]),
        person: "ana".to_owned(),
        worker: "clerk".to_owned(),
        policy: POLICY,
        facts: Map::new(),
    };
    Proposal {
        decision: DECISION.to_owned(),
        action_digest: action.digest().unwrap(),
        action,
        effect_key: Some("pay:a-1".to_owned()),
        approvals_needed: 1,
        expires_at: DEADLINE,
        profile,
        permitted_by: Vec::new(),
        claim: None,
    }
}

fn epoch(policy: Digest) -> Event {
    Event::EpochOpened { epoch: 1, policy, missions: BTreeMap::new() }
}

fn started() -> Event {
    Event::RunStarted(Box::new(RunStart {
        mission: "plain".to_owned(),
        mission_version: Digest([2; 32]),
        worker: "clerk".to_owned(),
        person: "ana".to_owned(),
        started_by: "ana".to_owned(),
        bound: Map::new(),
        expires_at: 2 * DEADLINE,
        limits: Limits { reads_max: 10, rows_max: 10, proposals_max: 10 },
    }))
}

fn voted(by: &str) -> Event {
    let vote = Vote {
        by: by.to_owned(),
        action_digest: proposal(EffectProfile::Keyed).action_digest,
        approve: true,
        reason: None,
    };
    Event::Voted { decision: DECISION.to_owned(), vote }
}

fn intent(attempt: u32) -> Event {
    let action_digest = proposal(EffectProfile::Keyed).action_digest;
    Event::IntentRecorded { decision: DECISION.to_owned(), action_digest, idempotency_key: KEY.to_owned(), attempt }
}

fn unknown() -> Event {
    Event::OutcomeUnknown { decision: DECISION.to_owned(), why: "no answer".to_owned() }
}

fn succeeded() -> Event {
    let (decision, result) = (DECISION.to_owned(), json!({ "paid": 7 }));
    Event::OutcomeRecorded { decision, succeeded: true, result, labels: Vec::new() }
}

fn entry(what: What) -> Entry {
    Entry { what, key: Some(KEY.to_owned()), action: "keyed.pay".to_owned(), arguments: arguments() }
}

/// A history of these events, with the tables that a replay makes of them, if it makes any.
fn history(events: Vec<Event>, ledger: &[What]) -> History {
    let recorded: Vec<Recorded> = (0..)
        .zip(events)
        .map(|(seq, event)| {
            let run = (!matches!(event, Event::EpochOpened { .. })).then(|| "r-1".to_owned());
            Recorded { seq, at: 1, run, event }
        })
        .collect();
    let trail: Vec<Value> = recorded.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    let mut stored = Stored { events: trail.clone(), ..Stored::default() };
    if let Ok(made) = replay(&recorded) {
        for (id, run) in made.runs {
            let state = (*run).clone();
            stored.runs.insert(id, StoredRun { status: state.status.name().to_owned(), state });
        }
        for (id, decision) in made.decisions {
            let state = (*decision).clone();
            let status = state.status.name().to_owned();
            stored.decisions.insert(id, StoredDecision { status, is_final: state.status.is_final(), state });
        }
        stored.effect_keys = made.effect_keys.into_iter().filter_map(|(key, holder)| Some((key, holder?))).collect();
    }
    let ledger = ledger.iter().map(|what| entry(*what)).collect();
    History { ledger, trail, stored, acknowledged: Vec::new() }
}

fn of(profile: EffectProfile) -> Event {
    Event::Proposed(Box::new(proposal(profile)))
}

/// One payment, approved, sent once and done, with everything acknowledged.
fn good() -> History {
    let events = vec![epoch(POLICY), started(), of(EffectProfile::Keyed), voted("lea"), intent(1), succeeded()];
    let mut history = history(events, &[What::Arrived, What::Applied]);
    let digest = proposal(EffectProfile::Keyed).action_digest.to_string();
    history.acknowledged = vec![
        Acknowledged::Run { run: "r-1".to_owned() },
        Acknowledged::Proposal {
            run: "r-1".to_owned(),
            decision: DECISION.to_owned(),
            action: "keyed.pay".to_owned(),
            arguments: arguments(),
        },
        Acknowledged::Vote { decision: DECISION.to_owned(), by: "lea".to_owned(), digest, approve: true },
        Acknowledged::Outcome { decision: DECISION.to_owned(), succeeded: true },
    ];
    history
}

/// What is wrong with a history.
fn wrong(history: &History) -> Vec<String> {
    check(history).into_iter().map(|broken| broken.what).collect()
}

/// That this is among what is wrong.
fn is_found(history: &History, what: &str) {
    let wrong = wrong(history);
    assert!(wrong.iter().any(|found| found.contains(what)), "`{what}` is not among {wrong:?}");
}

#[test]
fn nothing_is_wrong_with_a_good_history() {
    assert_eq!(wrong(&good()), Vec::<String>::new());
}

#[test]
fn nothing_is_wrong_with_a_key_that_was_recognised() {
    let sent_again = |profile| {
        let events = vec![
            epoch(POLICY),
            started(),
            of(profile),
            voted("lea"),
            intent(1),
            unknown(),
            // What may have happened is sent again whatever is in force now.
            epoch(Digest([9; 32])),
            intent(2),
            succeeded(),
        ];
        history(events, &[What::Arrived, What::Applied, What::Arrived, What::Recognised])
    };
    assert_eq!(wrong(&sent_again(EffectProfile::Keyed)), Vec::<String>::new());
    is_found(&sent_again(EffectProfile::Opaque), "sent again where no key is honoured");
    is_found(&sent_again(EffectProfile::Probeable), "recognised where none is honoured");
}

#[test]
fn an_effect_without_approval_is_found() {
    let mut history = good();
    history.ledger.push(Entry { key: Some("writ-d-2".to_owned()), ..entry(What::Applied) });
    is_found(&history, "a request without a decision");
    history.ledger.push(Entry { key: None, ..entry(What::Applied) });
    assert_eq!(wrong(&history).len(), 2);

    let events = vec![epoch(POLICY), started(), of(EffectProfile::Keyed), intent(1), succeeded()];
    is_found(&self::history(events, &[What::Arrived, What::Applied]), "sent without its approvals");
    let events = vec![epoch(POLICY), started(), of(EffectProfile::Keyed), voted("ana"), intent(1), succeeded()];
    is_found(&self::history(events, &[What::Arrived, What::Applied]), "the person acted for");
}

#[test]
fn an_effect_that_nobody_wrote_down_first_is_found() {
    let events = vec![epoch(POLICY), started(), of(EffectProfile::Keyed), voted("lea")];
    is_found(&history(events, &[What::Arrived]), "were recorded before they were sent");
}

#[test]
fn two_effects_are_found() {
    let mut history = good();
    history.ledger.extend([entry(What::Arrived), entry(What::Applied)]);
    is_found(&history, "it happened 2 times");
}

#[test]
fn an_effect_that_is_said_to_have_happened_is_looked_for() {
    let mut history = good();
    history.ledger.retain(|entry| entry.what == What::Arrived);
    is_found(&history, "said to have happened, and has not");
}

#[test]
fn a_lost_acknowledgement_is_found() {
    let lost = [
        Acknowledged::Run { run: "r-2".to_owned() },
        Acknowledged::Stop { run: "r-1".to_owned() },
        Acknowledged::Look { run: "r-1".to_owned(), note: "hello".to_owned() },
        Acknowledged::Proposal {
            run: "r-1".to_owned(),
            decision: DECISION.to_owned(),
            action: "opaque.pay".to_owned(),
            arguments: arguments(),
        },
        Acknowledged::Vote {
            decision: DECISION.to_owned(),
            by: "lou".to_owned(),
            digest: proposal(EffectProfile::Keyed).action_digest.to_string(),
            approve: true,
        },
        Acknowledged::Settlement { decision: DECISION.to_owned(), by: "lea".to_owned(), succeeded: true },
        Acknowledged::Outcome { decision: DECISION.to_owned(), succeeded: false },
    ];
    for acknowledged in lost {
        let mut history = good();
        history.acknowledged.push(acknowledged.clone());
        assert_eq!(wrong(&history).len(), 1, "{acknowledged:?}");
        is_found(&history, "was acknowledged, and is lost");
    }
}

#[test]
fn altered_bytes_are_found() {
    let mut history = good();
    for entry in &mut history.ledger {
        entry.arguments.insert("amount".to_owned(), json!(8));
    }
    is_found(&history, "something else was sent than was approved");

    let mut history = good();
    history.trail[2]["action"]["arguments"]["amount"] = json!(8);
    is_found(&history, "its digest is not that of the recorded action");
    is_found(&history, "the table of events is not the trail");
}

#[test]
fn what_is_sent_twice_at_once_late_or_under_other_policies_is_found() {
    let opening = || vec![epoch(POLICY), started(), of(EffectProfile::Keyed), voted("lea")];
    let with = |more: Vec<Event>| history([opening(), more].concat(), &[]);
    is_found(&with(vec![intent(1), intent(2)]), "sent while it is under way");
    is_found(&with(vec![epoch(Digest([9; 32])), intent(1)]), "other policies");
    let mut late = with(vec![intent(1), unknown()]);
    late.trail[4]["at"] = json!(DEADLINE);
    is_found(&late, "after the time was up");
    let mut vote = with(Vec::new());
    vote.trail[3]["at"] = json!(DEADLINE);
    is_found(&vote, "a vote after the time was up");
    is_found(&with(vec![voted("lea")]), "a second vote of the same person");
}

#[test]
fn what_is_left_open_is_found() {
    let events = vec![epoch(POLICY), started(), of(EffectProfile::Opaque), voted("lea"), intent(1), unknown()];
    assert_eq!(wrong(&history(events, &[What::Arrived, What::Applied])), ["it has no end"]);
}

#[test]
fn what_is_let_go_after_it_happened_is_found() {
    let opening = vec![epoch(POLICY), started(), of(EffectProfile::Opaque), voted("lea"), intent(1)];
    let not_sent = Event::NotSent { decision: DECISION.to_owned(), why: "nobody listens".to_owned() };
    let withdrawn = Event::DecisionWithdrawn { decision: DECISION.to_owned(), why: "tried enough".to_owned() };
    let events = [opening, vec![not_sent, withdrawn]].concat();
    assert_eq!(wrong(&history(events.clone(), &[])), Vec::<String>::new());
    is_found(&history(events, &[What::Arrived, What::Applied]), "is said not to have been sent");
}

#[test]
fn a_table_that_is_not_its_replay_is_found() {
    let mut history = good();
    history.stored.effect_keys.clear();
    is_found(&history, "effect keys");
    let mut history = good();
    history.stored.decisions.get_mut(DECISION).unwrap().state.attempts += 1;
    is_found(&history, "its row is not what its events make");
    let mut history = good();
    history.stored.runs.get_mut("r-1").unwrap().status = "stopped".to_owned();
    is_found(&history, "the row of run r-1");
    let mut history = good();
    history.stored.runs.clear();
    is_found(&history, "more or fewer rows");
    let mut history = good();
    history.trail.pop();
    is_found(&history, "the table of events is not the trail");
}

#[test]
fn an_alarm_and_a_gap_are_found() {
    let mut history = good();
    history.trail.remove(1);
    is_found(&history, "of the trail has another number");
    let events = vec![epoch(POLICY), started(), Event::Alarm { what: "a mismatch".to_owned() }];
    is_found(&self::history(events, &[]), "an alarm: a mismatch");
}
