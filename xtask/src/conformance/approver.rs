//! A person who approves everything, through the API: what the gated set needs.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::tau::client::Writ;

/// How often the queue is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// Approves every decision that appears, by the digest of what is shown, for as long as this is polled.
pub(super) async fn approve_all(writ: Arc<Writ>, token: String) {
    loop {
        // A server that is busy or about to end is asked again: the suite sees whether anything is missing.
        if let Ok(found) = writ.get(&token, "/api/decisions?show=open").await {
            let decisions = found.get("decisions").and_then(Value::as_array).cloned().unwrap_or_default();
            for decision in decisions.iter().filter(|decision| decision.get("status").is_some_and(|it| it == "pending"))
            {
                // A decision that was taken back meanwhile cannot be approved, which is as it should be.
                let _ = approve(&writ, &token, decision).await;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn approve(writ: &Writ, token: &str, decision: &Value) -> Result<(), String> {
    let of = |pointer: &str| decision.pointer(pointer).and_then(Value::as_str);
    let id = of("/proposal/decision").ok_or("a decision has no id")?;
    let digest = of("/proposal/action_digest").ok_or("a decision has no digest")?;
    let vote = json!({ "action_digest": digest, "approve": true, "reason": null });
    writ.post(token, &format!("/api/decisions/{id}/vote"), &vote).await.map(drop)
}
