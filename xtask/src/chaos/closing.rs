//! The end of a round: whatever is open is brought to its end, as people would.
//!
//! What still waits is rejected. What is unknown is left alone for a while, since what is keyed is sent again; then a
//! voter settles it by what the ledger says. Afterwards everything is signed, and the server ends in order.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::acts::{Case, Heard};
use super::ledger::What;
use super::stage::{Stage, pause, until};

/// How long everything may take to come to an end.
const END_SECONDS_MAX: u64 = 120;
/// How long what may be sent again is left alone.
const RESEND_SECONDS: u64 = 12;
/// How long to wait before the queue is looked at again.
const LOOK_MILLISECONDS: u64 = 50;

/// Brings every decision to its end.
pub(super) async fn settle(stage: &Stage<'_>) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        if let Some(open) = stage.open_decisions().await {
            if open.is_empty() {
                return Ok(());
            }
            let resends = begun.elapsed() < Duration::from_secs(RESEND_SECONDS);
            for decision in &open {
                end(stage, decision, resends).await?;
            }
            if begun.elapsed() > Duration::from_secs(END_SECONDS_MAX) {
                let ids: Vec<&str> = open.iter().filter_map(|open| text(open, "/proposal/decision")).collect();
                let why = format!("after {END_SECONDS_MAX} s these are still open: {}", ids.join(", "));
                return Err(stage.explain(&why).await);
            }
        } else if begun.elapsed() > Duration::from_secs(END_SECONDS_MAX) {
            return Err(stage.explain("the server does not say what is open").await);
        }
        pause(LOOK_MILLISECONDS).await;
    }
}

async fn end(stage: &Stage<'_>, decision: &Value, resends: bool) -> Result<(), String> {
    let of = |pointer: &str| text(decision, pointer).ok_or_else(|| format!("a decision has no `{pointer}`"));
    let case = Case::of(decision).ok_or("a decision shows no id or no digest")?;
    let is_sent_again = resends && of("/proposal/profile")? == "keyed";
    match of("/status")? {
        "pending" => {
            for voter in &stage.cast.voters {
                // Somebody who has voted already cannot; the next one can.
                if stage.vote(voter, &case, false).await == Heard::Done {
                    break;
                }
            }
        }
        "unknown" if !is_sent_again => {
            let key = case.key();
            let happened = stage.ledger()?.iter().any(|entry| entry.is(What::Applied, &key));
            stage.settle(stage.cast.voter(0)?, &case.decision, happened).await;
        }
        _ => {}
    }
    Ok(())
}

/// Waits until a checkpoint is over everything, and ends the server.
pub(super) async fn sign(stage: &Stage<'_>) -> Result<(), String> {
    until("a checkpoint over everything", async || {
        let leaves = stage.ask("/api/health").await?.get("leaves").and_then(Value::as_u64)?;
        let signed = stage.ask("/api/trail/checkpoint").await?;
        let size = signed.get("checkpoint").and_then(Value::as_str)?.lines().nth(1)?.parse::<u64>().ok()?;
        (size == leaves).then_some(())
    })
    .await?;
    stage.end_server().await
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}
