//! Kept: what a task needs is done behind Writ exactly as it is done straight.
//!
//! Each task starts with both shops as they were loaded. Its calls are made straight first; a call that the shop itself
//! refuses is not counted and not made again. Then the worker makes it through Writ: a read must give the same result
//! at once; an effect must wait, be shown to the supervisor as exactly this tool with exactly these arguments, be
//! approved by the digest of what was shown, and then give the same result. A task is kept when all this holds and both
//! shops are the same afterwards.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::client::Answer;
use super::report::NotKept;
use super::shops::Shops;
use super::stage::{Conversation, Stage};
use super::tasks::{Call, Task};
use super::workspace::INTEGRATION;
use crate::progress::say;

/// How long the server may wait within one call.
const WAIT_SECONDS: u64 = 20;
/// How long an approved effect may take altogether.
const OUTCOME_SECONDS_MAX: u64 = 60;
/// The least pause between two questions, should the server answer at once.
const PAUSE_MILLISECONDS: u64 = 20;
/// Where a decision can still change.
const OPEN: [&str; 4] = ["pending", "approved", "sending", "unknown"];
const PROGRESS_TASKS: usize = 10;

/// What came of the tasks.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) not_kept: Vec<NotKept>,
    /// For each task, whether each of its calls succeeds straight.
    pub(crate) succeeds: Vec<Vec<bool>>,
    pub(crate) votes: u64,
    /// What a run reaches for each record that its task needs, summed over the tasks kept.
    pub(crate) reachable_per_needed: f64,
}

/// What came of one task.
#[derive(Debug, Default)]
struct Played {
    why_not: Option<String>,
    succeeds: Vec<bool>,
    votes: u64,
}

/// The result of a call, or why there is none.
type Outcome = Result<Value, String>;

/// Plays all tasks, one after another.
pub(crate) async fn play(stage: &Arc<Stage>, shops: &Shops) -> Result<Kept, String> {
    let mut kept = Kept::default();
    for (number, task) in stage.tasks.iter().enumerate() {
        let played = play_task(stage, shops, task).await.map_err(|error| format!("task {number}: {error}"))?;
        kept.votes += played.votes;
        kept.succeeds.push(played.succeeds);
        match played.why_not {
            None => kept.reachable_per_needed += reach(stage, task),
            Some(why) => {
                say(&format!("task {number} is not kept: {why}"));
                kept.not_kept.push(NotKept { task: number, why });
            }
        }
        if (number + 1).is_multiple_of(PROGRESS_TASKS) {
            say(&format!("{} of {} tasks played", number + 1, stage.tasks.len()));
        }
    }
    let last_is_kept = kept.not_kept.last().is_none_or(|last| last.task + 1 < stage.tasks.len());
    if last_is_kept && !shops.are_equal()? {
        return Err("the shops differ in what their own program tells of them".to_owned());
    }
    shops.restore()?;
    Ok(kept)
}

/// How many of the customer's records a run reaches, for each that the task names.
fn reach(stage: &Stage, task: &Task) -> f64 {
    let records = stage.owners.customer(&task.customer).map_or(0, |customer| customer.records);
    let needed = stage.owners.needed(&task.customer, task.calls.iter().map(|call| &call.arguments));
    records as f64 / needed as f64
}

async fn play_task(stage: &Arc<Stage>, shops: &Shops, task: &Task) -> Result<Played, String> {
    shops.restore()?;
    let conversation = stage.start(&task.customer).await?;
    let mut played = Played::default();
    for call in &task.calls {
        let straight = shops.call_straight(call)?;
        played.succeeds.push(!straight.is_error);
        if straight.is_error {
            continue;
        }
        let outcome = if stage.is_effect(call) {
            propose(stage, &conversation, call, &mut played.votes).await?
        } else {
            read(&conversation, call).await?
        };
        let why_not = match outcome {
            Ok(value) if same(&straight.value, &value) => continue,
            Ok(_) => format!("`{}` gives another result", call.tool),
            Err(why) if stage.owners.names_foreign(&task.customer, &call.arguments) => {
                format!("`{}` names another customer's record, and Writ refuses it: {why}", call.tool)
            }
            Err(why) if !stage.owners.foreign_names(&task.customer, &straight.value).is_empty() => {
                format!("`{}` asks for another customer's record, and Writ refuses it: {why}", call.tool)
            }
            Err(why) => format!("`{}`: {why}", call.tool),
        };
        played.why_not.get_or_insert(why_not);
    }
    let differing = shops.differences()?;
    if !differing.is_empty() {
        played.why_not.get_or_insert_with(|| format!("the shops differ in {}", differing.join(", ")));
    }
    if let Err(why) = conversation.conclude("Served as asked.").await {
        played.why_not.get_or_insert(why);
    }
    Ok(played)
}

async fn read(conversation: &Conversation, call: &Call) -> Result<Outcome, String> {
    let answer = conversation.call_shop(call).await?;
    if answer.is_error || answer.refused().is_some() {
        return Ok(Err(no(&answer)));
    }
    // The shop's own answer: its structured content as it is, or what its text says.
    Ok(Ok(answer.content.get("result").cloned().unwrap_or(answer.content)))
}

async fn propose(stage: &Stage, conversation: &Conversation, call: &Call, votes: &mut u64) -> Result<Outcome, String> {
    let answer = conversation.call_shop(call).await?;
    let Some(decision) = answer.content.pointer("/pending/decision").and_then(Value::as_str) else {
        return Ok(Err(no(&answer)));
    };
    let path = format!("/api/decisions/{decision}");
    let shown = stage.writ.get(&stage.supervisor, &path).await?;
    if let Some(difference) = difference(&shown, conversation, call) {
        return Ok(Err(format!("the decision shows {difference}")));
    }
    let digest = shown.pointer("/proposal/action_digest").ok_or("the decision shows no digest")?;
    let vote = json!({ "action_digest": digest, "approve": true, "reason": null });
    stage.writ.post(&stage.supervisor, &format!("{path}/vote"), &vote).await?;
    *votes += 1;
    outcome(conversation, decision).await
}

/// What a decision shows that is not this call, if there is anything.
fn difference(shown: &Value, conversation: &Conversation, call: &Call) -> Option<String> {
    let at = |path: &str| shown.pointer(path).cloned().unwrap_or_default();
    let arguments = at("/proposal/action/arguments");
    let expected: [(&str, &str); 5] = [
        ("/status", "pending"),
        ("/proposal/action/integration/name", INTEGRATION),
        ("/proposal/action/tool", call.tool.as_str()),
        ("/proposal/action/run", conversation.run()),
        ("/proposal/action/person", conversation.customer()),
    ];
    for (path, expected) in expected {
        if at(path) != expected {
            return Some(format!("`{}` at `{path}` instead of `{expected}`", at(path)));
        }
    }
    (arguments != Value::Object(call.arguments.clone())).then(|| format!("other arguments: {arguments}"))
}

/// Waits until a decision can change no more, and takes its result.
async fn outcome(conversation: &Conversation, decision: &str) -> Result<Outcome, String> {
    let limit = Duration::from_secs(OUTCOME_SECONDS_MAX);
    tokio::time::timeout(limit, ending(conversation, decision))
        .await
        .unwrap_or_else(|_| Ok(Err(format!("decision `{decision}` did not end within {OUTCOME_SECONDS_MAX} s"))))
}

async fn ending(conversation: &Conversation, decision: &str) -> Result<Outcome, String> {
    let mut asked = Map::new();
    asked.insert("decision".to_owned(), Value::from(decision));
    asked.insert("seconds".to_owned(), Value::from(WAIT_SECONDS));
    loop {
        let answer = conversation.call("decision_wait", &asked).await?;
        let about = answer.content.get("decision").or_else(|| answer.content.get("pending"));
        let Some(status) = about.and_then(|about| about.get("status")).and_then(Value::as_str) else {
            return Ok(Err(no(&answer)));
        };
        if status == "succeeded" {
            return Ok(Ok(about.and_then(|about| about.get("result")).cloned().unwrap_or_default()));
        }
        if !OPEN.contains(&status) {
            return Ok(Err(format!("the decision ends as `{status}`: {}", answer.content)));
        }
        tokio::time::sleep(Duration::from_millis(PAUSE_MILLISECONDS)).await;
    }
}

/// Why an answer is not what was expected.
fn no(answer: &Answer) -> String {
    match answer.refused() {
        Some((code, message)) => format!("{code}: {message}"),
        None => format!("unexpected answer {}", answer.content),
    }
}

/// Whether two results say the same. A text may have become the JSON that it is, and a whole number may be written
/// with or without its fraction.
fn same(straight: &Value, through: &Value) -> bool {
    match (straight, through) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, left)| right.get(name).is_some_and(|right| same(left, right)))
        }
        (Value::String(text), right) if !right.is_string() => {
            serde_json::from_str::<Value>(text).is_ok_and(|left| same(&left, right))
        }
        (left, right) => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_compared_by_what_they_say() {
        for (straight, through, expected) in [
            (json!({ "a": 1, "b": ["x"] }), json!({ "b": ["x"], "a": 1.0 }), true),
            (json!("41.64"), json!(41.64), true),
            (json!("mei_kovalev_8020"), json!("mei_kovalev_8020"), true),
            (json!("null"), json!(null), true),
            (json!("41.64"), json!(41.65), false),
            (json!({ "a": 1 }), json!({ "a": 1, "b": 2 }), false),
            (json!([1, 2]), json!([2, 1]), false),
            (json!("1"), json!("1.0"), false),
        ] {
            assert_eq!(same(&straight, &through), expected, "{straight} {through}");
        }
    }
}
