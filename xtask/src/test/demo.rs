//! The demo as a black box: the command that a new user types, with both decisions, held to what it must print.

use std::path::Path;

use serde_json::Value as Json;

use crate::command::{cargo, output};
use crate::progress::say;

/// What the lead does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Decide {
    Approve,
    Reject,
}

/// The three things that the demo's worker tries and may not do.
const REFUSED: u64 = 3;
/// The refund and the note to the customer.
const EFFECTS: u64 = 2;

pub(super) fn check(workspace: &Path) -> Result<(), String> {
    for decide in [Decide::Approve, Decide::Reject] {
        let word = decide.word();
        say(&format!("    cargo demo -- --decide {word} --json"));
        let printed = output(&mut cargo(workspace, ["demo", "--", "--decide", word, "--json"]))?;
        let printed = String::from_utf8(printed).map_err(|_| "the demo's output is not UTF-8".to_owned())?;
        holds(&printed, decide).map_err(|why| format!("with `--decide {word}`, {why}; it printed:\n{printed}"))?;
    }
    Ok(())
}

impl Decide {
    fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }
}

/// Whether what the demo printed on standard output is what it promises.
fn holds(printed: &str, decide: Decide) -> Result<(), String> {
    let mut last = None;
    for line in printed.lines() {
        match serde_json::from_str(line) {
            Ok(Json::Object(object)) => last = Some(Json::Object(object)),
            _ => return Err(format!("a line is not a JSON object: {line}")),
        }
    }
    let result = last.ok_or("nothing was printed")?;
    let is = |pointer: &str, expected: Json| match result.pointer(pointer) {
        Some(found) if *found == expected => Ok(()),
        found => Err(format!("`{pointer}` is {}, not {expected}", found.unwrap_or(&Json::Null))),
    };
    is("/run/status", Json::from("concluded"))?;
    is("/refused", Json::from(REFUSED))?;
    is("/trail/verified", Json::from(true))?;
    is("/effects", Json::from(if decide == Decide::Approve { EFFECTS } else { 0 }))?;
    if !result.pointer("/run/verdict").is_some_and(Json::is_object) {
        return Err("the run has no verdict".to_owned());
    }
    if result.pointer("/trail/leaves").and_then(Json::as_u64).unwrap_or(0) == 0 {
        return Err("the trail has no leaves".to_owned());
    }
    let decisions = result.get("decisions").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    decisions_hold(decisions, decide)
}

fn decisions_hold(decisions: &[Json], decide: Decide) -> Result<(), String> {
    let statuses: Vec<&str> =
        decisions.iter().filter_map(|decision| decision.get("status").and_then(Json::as_str)).collect();
    let succeeded = statuses.iter().filter(|status| **status == "succeeded").count();
    let rejected = statuses.iter().filter(|status| **status == "rejected").count();
    let fits = match decide {
        Decide::Approve => succeeded == 2 && statuses.len() == 2,
        Decide::Reject => succeeded == 0 && rejected >= 1,
    };
    if fits && statuses.len() == decisions.len() {
        Ok(())
    } else {
        Err(format!("the decisions stand like this: {statuses:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPROVED: &str = r#"{"progress": "…"}
{"run": {"status": "concluded", "verdict": {"outcome": "refunded"}}, "decisions": [{"action": "shop.refund_payment", "status": "succeeded", "votes": 1}, {"action": "shop.notify_customer", "status": "succeeded", "votes": 1}], "effects": 2, "refused": 3, "trail": {"leaves": 30, "verified": true}}"#;

    #[test]
    fn an_approved_demo_holds() {
        assert_eq!(holds(APPROVED, Decide::Approve), Ok(()));
        let rejected = APPROVED.replace("succeeded", "rejected").replace("\"effects\": 2", "\"effects\": 0");
        assert_eq!(holds(&rejected, Decide::Reject), Ok(()));
    }

    #[test]
    fn each_promise_can_fail() {
        let broken = [
            ("concluded", "stopped"),
            ("{\"outcome\": \"refunded\"}", "null"),
            ("\"effects\": 2", "\"effects\": 3"),
            ("\"refused\": 3", "\"refused\": 2"),
            ("\"verified\": true", "\"verified\": false"),
            ("\"leaves\": 30", "\"leaves\": 0"),
            ("succeeded", "pending"),
            ("{\"progress\": \"…\"}", "Compiling writ"),
        ];
        for (from, to) in broken {
            assert!(APPROVED.contains(from), "{from}");
            assert!(holds(&APPROVED.replace(from, to), Decide::Approve).is_err(), "{from}");
        }
        assert!(holds(APPROVED, Decide::Reject).is_err());
        assert!(holds("", Decide::Approve).is_err());
    }
}
