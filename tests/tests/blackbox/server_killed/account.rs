//! The account after the last kill: what was acknowledged, what the trail says, and what really happened.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use writ_core::digest::{Action, Digest};
use writ_tests::Desk;
use writ_tests::trail::Export;

use super::acknowledged::{Acknowledged, Proposal, Read, Vote};

/// Holds everything against everything.
pub(super) async fn holds(desk: &Desk, acknowledged: &Acknowledged) {
    let export = Export::of(desk, "export").await;
    export.verify().await.json();
    let trail = Trail::read(export.events());
    trail.tells_of_each_step_once();
    trail.has(acknowledged);
    let effects = desk.acme.effects();
    assert!(!effects.is_empty(), "something was done at all");
    let mut refunds = 0;
    let mut sent = BTreeSet::new();
    for effect in &effects {
        let key = effect.idempotency_key.as_deref().expect("every effect carries its key");
        let id = key.strip_prefix("writ-").expect("a key of ours");
        assert!(sent.insert(id), "{id} happened twice");
        trail.allowed(id, &effect.tool, &effect.arguments);
        refunds += usize::from(effect.tool == "refund_payment");
    }
    assert!(refunds <= 1, "two runs asked for the same refund");
    for (id, proposed) in &trail.proposed {
        let seen = desk.decision(id).await;
        let expected = if sent.contains(id.as_str()) { "succeeded" } else { "rejected" };
        assert_eq!(seen["status"], expected, "{id}: {seen}");
        assert_eq!(seen["proposal"]["action_digest"], proposed["action_digest"]);
    }
    for read in acknowledged.reads.all().iter().rev().take(3) {
        let on_the_rail = desk.rail(&read.run).await.iter().any(|event| event["statement"] == read.statement.as_str());
        assert!(on_the_rail, "the rail shows what the trail has: {read:?}");
    }
}

/// The trail's events, by what they are about.
struct Trail {
    reads: BTreeSet<(String, String)>,
    proposed: BTreeMap<String, Json>,
    voted: BTreeMap<String, Vec<Json>>,
    intents: BTreeMap<String, Vec<Json>>,
    outcomes: BTreeMap<String, Vec<Json>>,
    /// The events themselves: what was asked for by whom, to see that no step was made twice.
    steps: Vec<(String, String)>,
}

impl Trail {
    fn read(events: Vec<Json>) -> Self {
        let mut trail = Self {
            reads: BTreeSet::new(),
            proposed: BTreeMap::new(),
            voted: BTreeMap::new(),
            intents: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            steps: Vec::new(),
        };
        for (place, event) in events.into_iter().enumerate() {
            assert_eq!(event["seq"].as_u64(), Some(place as u64), "no event is missing");
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            let decision = text("decision");
            match text("event").as_str() {
                "read" => _ = trail.reads.insert((text("run"), text("statement"))),
                "proposed" => {
                    trail.steps.push((text("run"), event["action"]["arguments"].to_string()));
                    assert!(trail.proposed.insert(decision, event).is_none(), "a decision is proposed once");
                }
                "voted" => trail.voted.entry(decision).or_default().push(event),
                "intent_recorded" => trail.intents.entry(decision).or_default().push(event),
                "outcome_recorded" => trail.outcomes.entry(decision).or_default().push(event),
                "alarm" | "decision_voided" | "decision_withdrawn" | "decision_expired" | "outcome_settled" => {
                    panic!("this may not happen here: {event}")
                }
                _ => {}
            }
        }
        trail
    }

    /// However often a call was repeated, it was proposed once, decided once and ended once.
    fn tells_of_each_step_once(&self) {
        let distinct: BTreeSet<_> = self.steps.iter().collect();
        assert_eq!(distinct.len(), self.steps.len(), "a step was made twice");
        for (id, votes) in &self.voted {
            assert_eq!(votes.len(), 1, "one vote was needed for {id}: {votes:?}");
        }
        for (id, outcomes) in &self.outcomes {
            assert_eq!(outcomes.len(), 1, "{id} ended once: {outcomes:?}");
        }
        for (id, intents) in &self.intents {
            let attempts: Vec<u64> = intents.iter().filter_map(|intent| intent["attempt"].as_u64()).collect();
            assert_eq!(attempts, (1..=intents.len() as u64).collect::<Vec<_>>(), "the attempts of {id}");
        }
    }

    /// Nothing is lost that was acknowledged.
    fn has(&self, acknowledged: &Acknowledged) {
        for Read { run, statement } in acknowledged.reads.all() {
            assert!(self.reads.contains(&(run, statement.clone())), "the read `{statement}` is lost");
        }
        for Proposal { run, body, decision } in acknowledged.proposals.all() {
            let proposed = self.proposed.get(&decision).unwrap_or_else(|| panic!("the proposal {decision} is lost"));
            let said = (&proposed["run"], &proposed["action"]["arguments"]["body"]);
            assert_eq!(said, (&Json::from(run), &Json::from(body)));
        }
        for Vote { decision, approve } in acknowledged.votes.all() {
            let votes = self.voted.get(&decision).unwrap_or_else(|| panic!("the vote on {decision} is lost"));
            assert_eq!(votes[0]["vote"]["approve"], approve, "{decision}");
        }
    }

    /// What was done is what was shown, approved and then meant to be sent.
    fn allowed(&self, id: &str, tool: &str, arguments: &Json) {
        let proposed = self.proposed.get(id).unwrap_or_else(|| panic!("{id} was never proposed"));
        let digest = &proposed["action_digest"];
        let action: Action = serde_json::from_value(proposed["action"].clone()).expect("an action");
        assert_eq!(Digest::parse(digest.as_str().unwrap()), action.digest().ok(), "the digest is that of the bytes");
        assert_eq!((action.tool.as_str(), Json::Object(action.arguments)), (tool, arguments.clone()));
        let vote = &self.voted.get(id).unwrap_or_else(|| panic!("nobody approved {id}"))[0]["vote"];
        assert_eq!((&vote["approve"], &vote["action_digest"]), (&Json::Bool(true), digest));
        let intents = self.intents.get(id).unwrap_or_else(|| panic!("{id} was sent before that was recorded"));
        assert!(intents.iter().all(|intent| intent["action_digest"] == *digest), "{intents:?}");
        let outcome = &self.outcomes.get(id).unwrap_or_else(|| panic!("{id} has no outcome"))[0];
        assert_eq!(outcome["succeeded"], true, "{outcome}");
    }
}
