//! Whatever was acknowledged is in the trail.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Lives, is, kind, text};
use crate::chaos::notes::{Acknowledged, Broken};
use crate::chaos::reader::History;
use crate::chaos::workspace::{LOOK, Profile};

pub(super) fn check(history: &History, lives: &Lives<'_>) -> Vec<Broken> {
    let of_kind = |wanted: &'static str| history.trail.iter().filter(move |event| kind(event) == wanted);
    let started: BTreeSet<&str> = of_kind("run_started").map(|event| text(event, "run")).collect();
    let stopped: BTreeSet<&str> = of_kind("run_stopped").map(|event| text(event, "run")).collect();
    let looked: BTreeSet<(&str, &str)> = of_kind("tool_read").filter_map(look).collect();
    let mut broken = Vec::new();
    let mut holds = |it_is_so: bool, decision: Option<&String>, what: &str| {
        if !it_is_so {
            broken.push(Broken { decision: decision.cloned(), what: format!("{what} was acknowledged, and is lost") });
        }
    };
    for acknowledged in &history.acknowledged {
        match acknowledged {
            Acknowledged::Run { run } => holds(started.contains(run.as_str()), None, &format!("the start of {run}")),
            Acknowledged::Stop { run } => holds(stopped.contains(run.as_str()), None, &format!("the stop of {run}")),
            Acknowledged::Look { run, note } => {
                let what = format!("a look of {run} at `{note}`");
                holds(looked.contains(&(run.as_str(), note.as_str())), None, &what);
            }
            Acknowledged::Proposal { run, decision, action, arguments } => {
                let proposed = lives
                    .get(decision.as_str())
                    .is_some_and(|life| text(life.proposed, "run") == run && life.is_of(action, arguments));
                holds(proposed, Some(decision), "the proposal");
            }
            Acknowledged::Vote { decision, by, digest, approve } => {
                let voted = lives.get(decision.as_str()).is_some_and(|life| {
                    life.of_kind("voted").filter_map(|event| event.get("vote")).any(|vote| {
                        text(vote, "by") == by
                            && text(vote, "action_digest") == digest
                            && is(vote, "approve") == *approve
                    })
                });
                holds(voted, Some(decision), &format!("a vote of {by}"));
            }
            Acknowledged::Settlement { decision, by, succeeded } => {
                let settled = lives.get(decision.as_str()).is_some_and(|life| {
                    life.of_kind("outcome_settled")
                        .any(|event| text(event, "by") == by && is(event, "succeeded") == *succeeded)
                });
                holds(settled, Some(decision), &format!("a settlement by {by}"));
            }
            Acknowledged::Outcome { decision, succeeded } => {
                let ended = lives.get(decision.as_str()).is_some_and(|life| life.has_succeeded() == *succeeded);
                holds(ended, Some(decision), "its outcome");
            }
        }
    }
    broken
}

/// The run of a look, and what it looked at.
fn look(event: &Value) -> Option<(&str, &str)> {
    let is_look = text(event, "tool") == format!("{}.{LOOK}", Profile::Keyed.name());
    is_look.then(|| (text(event, "run"), event.get("arguments").map_or("", |arguments| text(arguments, "note"))))
}
