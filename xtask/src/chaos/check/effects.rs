//! What really happened, as the integration's ledger has it, against what was decided.

use std::collections::BTreeMap;

use serde_json::Value;

use super::decision::Life;
use super::{Lives, text};
use crate::chaos::ledger::{Entry, What};
use crate::chaos::notes::Broken;

/// How often each thing happened under one key.
#[derive(Debug, Default)]
struct Count {
    arrived: usize,
    applied: usize,
    recognised: usize,
}

pub(super) fn check(ledger: &[Entry], lives: &Lives<'_>) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for entry in ledger {
        let id = entry.key.as_deref().and_then(|key| key.strip_prefix("writ-"));
        let Some(life) = id.and_then(|id| lives.get(id)) else {
            let what =
                format!("a request without a decision: {} {}", entry.action, Value::from(entry.arguments.clone()));
            broken.push(Broken::anywhere(what));
            continue;
        };
        if !life.is_of(&entry.action, &entry.arguments) {
            broken.push(Broken::of(life.id, "something else was sent than was approved"));
        }
        let count = counts.entry(life.id).or_default();
        match entry.what {
            What::Arrived => count.arrived += 1,
            What::Applied => count.applied += 1,
            What::Recognised => count.recognised += 1,
        }
    }
    for life in lives.values() {
        let none = Count::default();
        let whats = of_decision(life, counts.get(life.id).unwrap_or(&none));
        broken.extend(whats.into_iter().map(|what| Broken::of(life.id, what)));
    }
    broken.extend(twice_under_one_key(lives));
    broken
}

fn of_decision(life: &Life<'_>, count: &Count) -> Vec<String> {
    let mut whats = Vec::new();
    let mut holds = |it_is_so: bool, otherwise: String| {
        if !it_is_so {
            whats.push(otherwise);
        }
    };
    let intents = life.of_kind("intent_recorded").count();
    let is_keyed = life.profile() == "keyed";
    let Count { arrived, applied, recognised } = *count;
    holds(arrived <= intents, format!("{arrived} requests arrived, and {intents} were recorded before they were sent"));
    holds(applied <= arrived, format!("it happened {applied} times, and was asked for {arrived} times"));
    holds(applied <= 1, format!("it happened {applied} times"));
    holds(is_keyed || arrived <= 1, format!("it was asked for {arrived} times where no key is honoured"));
    holds(is_keyed || recognised == 0, "a key was recognised where none is honoured".to_owned());
    // An error may be a partial effect, and a person may be wrong; but what was never sent did not happen.
    let was_let_go = ["decision_expired", "decision_withdrawn", "decision_voided"];
    let was_let_go = was_let_go.into_iter().any(|kind| life.of_kind(kind).next().is_some());
    holds(!(was_let_go && applied > 0), "it happened, and is said not to have been sent".to_owned());
    holds(!(life.is_told_succeeded() && applied == 0), "it is said to have happened, and has not".to_owned());
    whats
}

/// Decisions that count as done under the effect key of another one that is done.
fn twice_under_one_key(lives: &Lives<'_>) -> Vec<Broken> {
    let mut done: BTreeMap<&str, &str> = BTreeMap::new();
    let mut broken = Vec::new();
    for life in lives.values().filter(|life| life.has_succeeded()) {
        let effect_key = text(life.proposed, "effect_key");
        if !effect_key.is_empty()
            && let Some(other) = done.insert(effect_key, life.id)
        {
            broken.push(Broken::of(life.id, format!("`{effect_key}` was done by {other} as well")));
        }
    }
    broken
}
