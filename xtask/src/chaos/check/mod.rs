//! The checker: a round's history held against what was promised.
//!
//! It is a function of what the reader has gathered, and shares no code with the server but the replay that it is to
//! be compared with: digests are computed again from the recorded bytes, and a decision's life is followed by rules
//! written down anew. Every promise can be broken in a test.

mod acknowledged;
mod decision;
mod effects;
mod projections;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use super::notes::Broken;
use super::reader::History;
use decision::Life;

/// A decision's life, by its id.
type Lives<'h> = BTreeMap<&'h str, Life<'h>>;

/// Everything that is wrong with a history.
pub(super) fn check(history: &History) -> Vec<Broken> {
    let mut broken = trail(&history.trail);
    let lives = decision::lives(&history.trail, &mut broken);
    for life in lives.values() {
        broken.extend(life.check());
    }
    broken.extend(effects::check(&history.ledger, &lives));
    broken.extend(acknowledged::check(history, &lives));
    broken.extend(projections::check(history));
    broken
}

/// How many decisions a history has.
pub(super) fn decisions(history: &History) -> u64 {
    history.trail.iter().filter(|event| kind(event) == "proposed").count() as u64
}

fn trail(trail: &[Value]) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (place, event) in trail.iter().enumerate() {
        if event.get("seq").and_then(Value::as_u64) != Some(place as u64) {
            broken.push(Broken::anywhere(format!("the event at place {place} of the trail has another number")));
        }
        if kind(event) == "alarm" {
            broken.push(Broken::anywhere(format!("an alarm: {}", text(event, "what"))));
        }
    }
    broken
}

fn kind(event: &Value) -> &str {
    text(event, "event")
}

/// A text in an object; the empty one where there is none.
fn text<'v>(object: &'v Value, name: &str) -> &'v str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A number in an object; 0 where there is none.
fn number(object: &Value, name: &str) -> u64 {
    object.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// A yes in an object.
fn is(object: &Value, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool) == Some(true)
}
