//! The support lead's part.

use std::time::Duration;

use serde_json::{Value as Json, json};
use writ_core::visible::visible_line;

use super::Decide;
use crate::client::Client;
use crate::output;

const POLL_MILLISECONDS: u64 = 200;

/// Announces what waits, and decides it where told to. Ends only with an error.
pub(super) async fn decide(lead: &Client, decide: Option<Decide>) -> String {
    let mut announced: Vec<String> = Vec::new();
    loop {
        let found = match lead.get("/api/decisions?show=open").await {
            Ok(found) => found,
            Err(error) => return error,
        };
        for decision in found.get("decisions").and_then(Json::as_array).into_iter().flatten() {
            let text = |path: &[&str]| {
                path.iter()
                    .try_fold(decision, |value, name| value.get(name))
                    .and_then(Json::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let id = text(&["proposal", "decision"]);
            if announced.contains(&id) || text(&["status"]) != "pending" {
                continue;
            }
            output::note(&format!("  waiting: {}  {}", id, visible_line(&text(&["headline"]))));
            announced.push(id.clone());
            let Some(choice) = decide else { continue };
            let approve = choice == Decide::Approve;
            let digest = text(&["proposal", "action_digest"]);
            let reason =
                if approve { "as the policy says" } else { "not this time: ask the customer for a photo first" };
            let body = json!({ "action_digest": digest, "approve": approve, "reason": reason });
            match lead.post(&format!("/api/decisions/{id}/vote"), &body).await {
                Ok(_) => output::note(&format!(
                    "  lead: {} {id}, digest {digest}",
                    if approve { "approved" } else { "rejected" }
                )),
                Err(error) => return format!("the vote on {id}: {error}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(POLL_MILLISECONDS)).await;
    }
}
