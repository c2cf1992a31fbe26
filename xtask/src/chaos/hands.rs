//! The hands at work while things break: workers who look and propose, and voters who decide.
//!
//! None of them knows what the scenes do. Each knows that no answer came, and asks again for the same. So whatever a
//! scene breaks hits a request of somebody else's as well, at a moment that nobody has chosen.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::acts::{Call, Case, Proposed};
use super::dice::Dice;
use super::stage::{Person, Stage, pause};
use super::upstream::Manner;
use super::workspace::{Mission, Profile};
use crate::tau::client::Worker;

/// The step under which their decisions are known.
pub(super) const STEP: &str = "traffic";
/// How the accounts begin that they pay into.
const ACCOUNT: &str = "traffic";
/// How many effects a worker proposes in a round at most.
const PROPOSALS_MAX: u64 = 60;
/// How long a worker thinks at most.
const THINK_MILLISECONDS: u64 = 150;
/// How long a voter looks at the queue at least.
const LOOK_MILLISECONDS: u64 = 20;
/// How long nobody asks again where no answer came.
const PAUSE_MILLISECONDS: u64 = 5;
/// One decision in how many is rejected.
const REJECTED_ONE_IN: u64 = 5;
/// One proposal in how many is carried out badly.
const BADLY_ONE_IN: u64 = 6;
/// How that may be. What makes an integration wait for long would have it taken for dead.
const BAD_MANNERS: [Manner; 5] = [Manner::Slow, Manner::Lose, Manner::Twice, Manner::Error, Manner::LoseBefore];

/// A worker's part: looks at something, proposes, and takes up what has become of it.
pub(super) async fn work(stage: &Stage<'_>, number: u64, mut dice: Dice, done: &AtomicBool) {
    let mut worker = None;
    let mut earlier: Option<Call> = None;
    for turn in 0..PROPOSALS_MAX {
        if done.load(Ordering::Relaxed) {
            return;
        }
        let Some(worker) = in_a_run(stage, &mut worker, done).await else { return };
        stage.look(worker, &format!("{number}, turn {turn}")).await;
        if let Some(earlier) = &earlier {
            // Repeating a finished call gives its recorded result.
            stage.propose(worker, STEP, earlier).await;
        }
        let call = call(number, turn, &mut dice);
        while stage.propose(worker, STEP, &call).await == Proposed::Nothing {
            if done.load(Ordering::Relaxed) {
                return;
            }
            pause(PAUSE_MILLISECONDS).await;
        }
        earlier = Some(call);
        pause(dice.below(THINK_MILLISECONDS)).await;
    }
}

/// The worker in its run, which is started where there is none; nothing where it is time to stop.
async fn in_a_run<'w>(stage: &Stage<'_>, worker: &'w mut Option<Worker>, done: &AtomicBool) -> Option<&'w Worker> {
    while worker.is_none() {
        *worker = stage.try_start_run(Mission::Plain).await;
        if worker.is_none() {
            if done.load(Ordering::Relaxed) {
                return None;
            }
            pause(PAUSE_MILLISECONDS).await;
        }
    }
    worker.as_ref()
}

fn call(number: u64, turn: u64, dice: &mut Dice) -> Call {
    let profile = dice.one_of(&Profile::ALL).unwrap_or(Profile::Keyed);
    let badly = dice.below(BADLY_ONE_IN) == 0;
    let manner = dice.one_of(&BAD_MANNERS).filter(|_| badly).unwrap_or(Manner::Plain);
    Call::new(profile, &format!("{ACCOUNT}-{number}-{turn}"), 1 + dice.below(100), manner)
}

/// A voter's part: decides whatever waits of the workers above, most of it with a yes.
pub(super) async fn decide(stage: &Stage<'_>, voter: &Person, mut dice: Dice, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        for decision in stage.open_decisions().await.unwrap_or_default() {
            if let Some(case) = pending(&decision) {
                stage.vote(voter, &case, dice.below(REJECTED_ONE_IN) != 0).await;
            }
        }
        pause(LOOK_MILLISECONDS + dice.below(LOOK_MILLISECONDS)).await;
    }
}

/// A decision of the workers above that waits for a vote.
fn pending(decision: &Value) -> Option<Case> {
    let text = |pointer: &str| decision.pointer(pointer).and_then(Value::as_str);
    let is_ours = text("/proposal/action/arguments/account")?.starts_with(ACCOUNT);
    if is_ours && text("/status") == Some("pending") { Case::of(decision) } else { None }
}
