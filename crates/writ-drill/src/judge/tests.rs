//! Every check holds on what should have been seen, and fails on each thing that should not.

use std::collections::BTreeMap;

use writ_core::code::Reason;
use writ_core::digest::{Action, IntegrationIdentity};
use writ_core::event::{EffectProfile, Proposal, Vote};

use super::*;

fn digest(of: u8) -> Digest {
    Digest([of; 32])
}

fn proposal() -> Proposal {
    let arguments = Map::from_iter([("amount".to_owned(), json!(12.5))]);
    Proposal {
        decision: "d-1".to_owned(),
        action: Action {
            integration: IntegrationIdentity { name: "pay".to_owned(), server: "pay 1.0".to_owned() },
            tool: "refund".to_owned(),
            schema_digest: digest(1),
            arguments,
            run: "r-1".to_owned(),
            mission: "settle".to_owned(),
            mission_version: digest(2),
            person: "ana".to_owned(),
            worker: "desk".to_owned(),
            policy: digest(3),
            facts: Map::new(),
        },
        action_digest: digest(4),
        effect_key: None,
        approvals_needed: 2,
        expires_at: 1_000,
        profile: EffectProfile::Keyed,
        permitted_by: Vec::new(),
        claim: None,
    }
}

fn decision() -> Decision {
    Decision::propose(proposal(), 0, 0)
}

/// What a stub writes down that was sent the decision.
fn sent() -> Entry {
    let action = proposal().action;
    let (integration, tool, arguments) = (action.integration.name, action.tool, action.arguments);
    Entry { integration, tool, arguments, key: Some("writ-d-1".to_owned()) }
}

fn recorded(events: impl IntoIterator<Item = Event>) -> Vec<Recorded> {
    let recorded = |(seq, event)| Recorded { seq, at: 0, run: Some("r-1".to_owned()), event };
    (0..).zip(events).map(recorded).collect()
}

fn vote(by: &str, action_digest: Digest, approve: bool) -> Event {
    Event::Voted { decision: "d-1".to_owned(), vote: Vote { by: by.to_owned(), action_digest, approve, reason: None } }
}

fn intent(action_digest: Digest) -> Event {
    let (decision, idempotency_key) = ("d-1".to_owned(), "writ-d-1".to_owned());
    Event::IntentRecorded { decision, action_digest, idempotency_key, attempt: 1 }
}

fn outcome() -> Event {
    Event::OutcomeRecorded { decision: "d-1".to_owned(), succeeded: true, result: Json::Null, labels: Vec::new() }
}

fn proposed() -> Event {
    Event::Proposed(Box::new(proposal()))
}

fn said(code: Option<&str>) -> Said {
    let content = match code {
        Some(code) => json!({ "refused": { "code": code, "message": "no `x`" } }),
        None => json!({ "pending": { "decision": "d-1" } }),
    };
    Said::to_worker(content)
}

#[test]
fn a_refusal_has_the_expected_code() {
    assert_eq!(refused("it", &said(Some("fact_missing")), &[Code::BadArguments, Code::FactMissing]), Ok(()));
    assert!(refused("it", &said(Some("internal")), &[Code::FactMissing]).is_err());
    assert!(refused("it", &said(None), &[Code::FactMissing]).is_err());
    assert_eq!(said(None).pending(), Some("d-1"));
    let refusal = Refusal::new(Code::VoteRefused, "you may not");
    assert_eq!(refused("it", &Said::of::<()>(Err(refusal)), &[Code::VoteRefused]), Ok(()));
    assert!(refused("it", &Said::of(Ok(())), &[Code::VoteRefused]).is_err());
}

#[test]
fn nothing_done_is_an_empty_ledger() {
    assert_eq!(nothing_done(&[]), Ok(()));
    assert!(nothing_done(&[sent()]).is_err());
}

#[test]
fn only_what_was_approved_is_done_and_as_often_as_expected() {
    assert_eq!(done_as_approved(&[sent()], &decision(), 1), Ok(()));
    assert_eq!(done_as_approved(&[sent(), sent()], &decision(), 2), Ok(()));
    assert!(done_as_approved(&[], &decision(), 1).is_err());
    assert!(done_as_approved(&[sent(), sent()], &decision(), 1).is_err());
    let mut argument = sent();
    argument.arguments.insert("amount".to_owned(), json!(125));
    let without_key = Entry { key: None, ..sent() };
    let other_tool = Entry { tool: "notify".to_owned(), ..sent() };
    let elsewhere = Entry { integration: "mail".to_owned(), ..sent() };
    for other in [argument, without_key, other_tool, elsewhere] {
        assert!(done_as_approved(std::slice::from_ref(&other), &decision(), 1).is_err(), "{other:?}");
        assert!(done_as_approved(&[sent(), other], &decision(), 2).is_err());
    }
}

#[test]
fn a_decision_stands_as_it_stands() {
    assert_eq!(stands(&decision(), DecisionStatus::Pending), Ok(()));
    assert!(stands(&decision(), DecisionStatus::Approved).is_err());
}

#[test]
fn an_effect_rests_on_enough_votes_of_different_people_on_its_digest() {
    let (lea, lou) = (|| vote("lea", digest(4), true), || vote("lou", digest(4), true));
    let holds = |events: Vec<Event>| rests_on_approvals(&recorded(events), "d-1");
    assert_eq!(holds(vec![proposed(), lea(), lou(), intent(digest(4)), outcome()]), Ok(()));
    let bad = [
        vec![],
        vec![proposed(), lea(), lou(), intent(digest(4))],
        vec![proposed(), lea(), lou(), outcome()],
        vec![proposed(), lea(), intent(digest(4)), lou(), outcome()],
        vec![proposed(), intent(digest(4)), outcome()],
        vec![proposed(), lea(), lea(), intent(digest(4)), outcome()],
        vec![proposed(), lea(), vote("lou", digest(4), false), intent(digest(4)), outcome()],
        vec![proposed(), lea(), vote("ana", digest(4), true), intent(digest(4)), outcome()],
        vec![proposed(), lea(), vote("lou", digest(9), true), intent(digest(4)), outcome()],
        vec![proposed(), lea(), lou(), intent(digest(9)), outcome()],
        vec![lea(), proposed(), lou(), intent(digest(4)), outcome()],
    ];
    for events in bad {
        let told = format!("{events:?}");
        assert!(holds(events).is_err(), "{told}");
    }
    assert!(rests_on_approvals(&recorded([proposed(), lea(), lou(), intent(digest(4)), outcome()]), "d-2").is_err());
}

#[test]
fn a_refusal_is_recorded_with_its_reasons() {
    let refusal = |code, reasons| Event::Refused { by: None, request: "x".to_owned(), code, reasons };
    let reason = || Reason { set: "mission".to_owned(), policy: None, detail: "no".to_owned() };
    let holds = |event| refusal_is_recorded(&recorded([event]), Code::UnknownName);
    assert_eq!(holds(refusal(Code::UnknownName, vec![reason()])), Ok(()));
    assert!(holds(refusal(Code::UnknownName, vec![])).is_err());
    assert!(holds(refusal(Code::Internal, vec![reason()])).is_err());
    assert!(refusal_is_recorded(&[], Code::UnknownName).is_err());
}

#[test]
fn a_read_is_recorded_as_it_was_released() {
    let answered = json!({ "columns": [{ "name": "a", "type": "long" }], "rows": [[1], [2]] });
    let read = |statement: &str, rows, result| {
        let (statement, columns) = (statement.to_owned(), BTreeMap::new());
        Event::Read(Box::new(Read { statement, columns, rows, result, labels: Vec::new(), claim: None }))
    };
    let right = Digest::of_bytes(answered.to_string().as_bytes());
    let holds = |events: Vec<Event>| read_is_recorded(&recorded(events), "SELECT a", &answered);
    assert_eq!(holds(vec![read("SELECT a", 2, right)]), Ok(()));
    assert!(holds(vec![]).is_err());
    assert!(holds(vec![read("SELECT b", 2, right)]).is_err());
    assert!(holds(vec![read("SELECT a", 1, right)]).is_err());
    assert!(holds(vec![read("SELECT a", 2, digest(0))]).is_err());
    assert!(holds(vec![read("SELECT a", 2, right), read("SELECT b", 0, right)]).is_err(), "the last one counts");
}

#[test]
fn two_refusals_look_alike_but_for_names() {
    let of = |code: &str, name: &str| {
        Said::to_worker(json!({ "refused": { "code": code, "message": format!("there is no `{name}`") } }))
    };
    assert_eq!(look_alike((&of("unknown_name", "one"), "one"), (&of("unknown_name", "other"), "other")), Ok(()));
    assert!(look_alike((&of("unknown_name", "one"), "one"), (&of("not_permitted", "other"), "other")).is_err());
    let told = Said::to_worker(json!({ "refused": { "code": "unknown_name", "message": "you may not use `one`" } }));
    assert!(look_alike((&told, "one"), (&of("unknown_name", "other"), "other")).is_err());
}

#[test]
fn a_masked_value_is_seen_when_it_is_not() {
    let good = [
        (Mask::Last4, json!("************4242")),
        (Mask::Last4, json!("****")),
        (Mask::Last4, json!("*2345")),
        (Mask::Partial, json!("a**@example.com")),
        (Mask::Partial, json!("*")),
        (Mask::Hash, json!("b0344c61d8db38535ca8afceaf0bf12b")),
        (Mask::Null, Json::Null),
        (Mask::Last4, Json::Null),
    ];
    for (mask, value) in good {
        assert_eq!(masked(mask, std::slice::from_ref(&value)), Ok(()), "{value}");
    }
    let bad = [
        (Mask::Last4, json!("4242424242424242")),
        (Mask::Last4, json!("4242")),
        (Mask::Last4, json!("***********24242")),
        (Mask::Partial, json!("ana@example.com")),
        (Mask::Partial, json!("Zoe")),
        (Mask::Hash, json!("ana@example.com")),
        (Mask::Null, json!("ana")),
        (Mask::Null, json!(5)),
    ];
    for (mask, value) in bad {
        assert!(masked(mask, &[Json::Null, value.clone()]).is_err(), "{value}");
    }
}
