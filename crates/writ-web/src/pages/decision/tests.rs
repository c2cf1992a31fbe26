//! The page with hostile text in every place that a worker can fill.

use askama::Template;
use serde_json::json;
use writ_core::code::{Code, Reason};
use writ_core::decision::Decision;
use writ_core::digest::{Action, Digest, IntegrationIdentity};
use writ_core::event::{EffectProfile, Event, Proposal, Recorded};
use writ_engine::view::{CardLine, DecisionView, Mark, Tone};

use super::{made, short};
use crate::frame::Frame;

const HOSTILE: &str =
    "</p></section><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}\"'<button name=vote>Approve</button>";

fn view(may_vote: bool) -> DecisionView {
    let zero = Digest([0; 32]);
    let mut arguments = serde_json::Map::new();
    arguments.insert("note".to_owned(), json!(HOSTILE));
    let action = Action {
        integration: IntegrationIdentity { name: "shop".to_owned(), server: HOSTILE.to_owned() },
        tool: "notify_customer".to_owned(),
        schema_digest: zero,
        arguments: arguments.clone(),
        run: HOSTILE.to_owned(),
        mission: "refund".to_owned(),
        mission_version: zero,
        person: HOSTILE.to_owned(),
        worker: HOSTILE.to_owned(),
        policy: zero,
        facts: arguments,
    };
    let canonical = format!("{{\"note\":{}}}", json!(HOSTILE));
    let proposal = Proposal {
        decision: "d-1/../../sign-out?x".to_owned(),
        action,
        action_digest: zero,
        effect_key: None,
        approvals_needed: 2,
        expires_at: 13_260_000,
        profile: EffectProfile::Opaque,
        permitted_by: Vec::new(),
        claim: Some(HOSTILE.repeat(30)),
    };
    DecisionView {
        decision: Decision::propose(proposal, 0, 3),
        headline: HOSTILE.to_owned(),
        card: vec![CardLine {
            label: "Message".to_owned(),
            text: HOSTILE.to_owned(),
            code: true,
            mark: Some(Mark { text: HOSTILE.to_owned(), tone: Tone::Care }),
        }],
        canonical,
        may_vote,
        may_not_vote_because: Some(HOSTILE.to_owned()),
        permitted_by: vec![Reason { set: "mission".to_owned(), policy: None, detail: HOSTILE.to_owned() }],
    }
}

fn events() -> Vec<Recorded> {
    let said = Event::Claimed { text: HOSTILE.to_owned() };
    let reason = Reason { set: "mission".to_owned(), policy: Some(HOSTILE.to_owned()), detail: HOSTILE.to_owned() };
    let refused =
        Event::Refused { by: None, request: HOSTILE.to_owned(), code: Code::UnknownName, reasons: vec![reason] };
    [said, refused].into_iter().zip(0..).map(|(event, seq)| Recorded { seq, at: 0, run: None, event }).collect()
}

fn html(may_vote: bool) -> String {
    made(Frame::outside("Decision"), &view(may_vote), &events(), 0).render().unwrap_or_default()
}

#[test]
fn hostile_text_cannot_act() {
    for may_vote in [true, false] {
        let html = html(may_vote);
        assert!(html.contains("<h1>"), "the page is made");
        for act in ["<script", "<img", "<button name=vote>", "\u{202e}"] {
            assert!(!html.contains(act), "{act} is on the page");
        }
        assert_eq!(html.matches("value=\"approve\"").count(), usize::from(may_vote));
        assert_eq!(html.matches("</section>").count(), 5);
        assert!(html.contains("\\u{202e}"));
    }
}

#[test]
fn the_forms_name_what_is_shown() {
    let html = html(true);
    let digest = "0".repeat(64);
    assert_eq!(html.matches(&format!("name=\"digest\" value=\"{digest}\"")).count(), 2);
    assert_eq!(html.matches("action=\"/decisions/d-1%2F..%2F..%2Fsign-out%3Fx/vote\"").count(), 2);
    assert!(html.contains("3h 41m left"));
    assert!(html.contains("2 votes needed"));
}

#[test]
fn a_reader_without_a_vote_gets_no_form() {
    let html = html(false);
    assert!(!html.contains("/vote"));
    assert!(html.contains("No vote from you"));
}

#[test]
fn what_the_worker_says_stands_below_what_will_happen() {
    let html = html(true);
    let places: Vec<_> = [
        "What will happen",
        "Why it is allowed to ask",
        "What the worker says",
        "What Writ saw",
        "Exactly this",
        "class=\"acts\"",
    ]
    .iter()
    .map(|heading| html.find(heading))
    .collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
}

#[test]
fn a_digest_is_short_in_fours() {
    assert_eq!(short("9f3a61c0ffff"), "9f3a 61c0");
    assert_eq!(short("9f"), "9f ");
}
