//! What happened, counted where it can be trusted: the run and votes from Writ, effects from the shop's own
//! ledger, the trail from an export that is verified as an outsider would.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::process::Command;
use writ_store::{Archive, Database};
use writ_trail::checkpoint::Checkpoint;
use writ_trail::export::verify_export;
use writ_trail::note::Verifier;

use super::{Decide, sibling};
use crate::client::Client;
use crate::{output, wiring};

/// The end of the demo.
pub(super) struct Summary {
    pub(super) json: Json,
    run: String,
}

pub(super) async fn make(lead: &Client, run: &str, folder: &Path, key: &str) -> Result<Summary, String> {
    let view = lead.get(&format!("/api/runs/{run}")).await?;
    let found = lead.get("/api/decisions?show=all").await?;
    let decisions: Vec<Json> = found
        .get("decisions")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .map(|decision| {
            let action =
                decision.get("proposal").and_then(|proposal| proposal.get("action")).cloned().unwrap_or_default();
            json!({ "action": action.get("tool"), "status": decision.get("status"), "votes": decision.get("votes") })
        })
        .collect();
    let leaves = export(folder, key).await?;
    let json = json!({
        "run": { "status": view.get("status"), "verdict": view.get("verdict") },
        "decisions": decisions,
        "effects": effects(folder).await?,
        "refused": view.get("refused"),
        "trail": { "leaves": leaves, "verified": true },
    });
    Ok(Summary { json, run: run.to_owned() })
}

/// Effects as the shop counts them.
async fn effects(folder: &Path) -> Result<u64, String> {
    let ledger = Command::new(sibling("shop")?)
        .args(["ledger", "--json", "--db"])
        .arg(folder.join("data/shop.db"))
        .output()
        .await
        .map_err(|error| error.to_string())?;
    let ledger: Json = serde_json::from_slice(&ledger.stdout).map_err(|error| format!("the shop's ledger: {error}"))?;
    ledger.get("effects").and_then(Json::as_u64).ok_or_else(|| "the shop's ledger counts no effects".to_owned())
}

/// Exports the trail once its last event is under a signed checkpoint, and verifies the export.
async fn export(folder: &Path, key: &str) -> Result<u64, String> {
    const CHECKPOINT_MILLISECONDS_MAX: u64 = 1_500;
    tokio::time::sleep(Duration::from_millis(CHECKPOINT_MILLISECONDS_MAX)).await;
    let verifier = || key.parse::<Verifier>().map_err(|error| error.to_string());
    let archive =
        Archive::open(&folder.join("data"), &Database::Sqlite, verifier()?).map_err(|error| wiring::chain(&error))?;
    let exported = folder.join("trail");
    archive.export(&exported).map_err(|error| wiring::chain(&error))?;
    std::fs::write(folder.join("trail.pub"), format!("{key}\n")).map_err(|error| error.to_string())?;
    let report = verify_export(&exported, &verifier()?, &[]).map_err(|error| wiring::chain(&error))?;
    let checkpoint = Checkpoint::open(archive.checkpoint(), &verifier()?).map_err(|error| wiring::chain(&error))?;
    if report.size != checkpoint.size {
        return Err(format!("{} of {} leaves were verified", report.size, checkpoint.size));
    }
    Ok(report.size)
}

impl Summary {
    /// Whether the run came to its end, with as many effects as the decisions say.
    pub(super) fn is_complete(&self, decide: Option<Decide>) -> bool {
        let concluded = self.json.pointer("/run/status").and_then(Json::as_str) == Some("concluded");
        let effects = self.json.get("effects").and_then(Json::as_u64);
        let expected = match decide {
            Some(Decide::Approve) => effects == Some(2),
            Some(Decide::Reject) => effects == Some(0),
            None => true,
        };
        concluded && expected
    }

    /// Tells a person.
    pub(super) fn tell(&self, folder: &Path) {
        let at = |pointer: &str| self.json.pointer(pointer).cloned().unwrap_or_default();
        output::note("");
        output::data(&format!(
            "run {} is {}: {}",
            self.run,
            at("/run/status").as_str().unwrap_or_default(),
            at("/run/verdict")
        ));
        for decision in at("/decisions").as_array().into_iter().flatten() {
            let text = |name: &str| decision.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
            output::data(&format!("  {:<16} {}", text("action"), text("status")));
        }
        output::data(&format!(
            "{} effects in the shop's own ledger, {} requests refused",
            at("/effects"),
            at("/refused")
        ));
        output::data(&format!("trail verified: {} leaves; do it yourself, offline:", at("/trail/leaves")));
        let (folder, key) = (folder.join("trail"), folder.join("trail.pub"));
        output::data(&format!("  writ trail verify {} --key {}", folder.display(), key.display()));
    }
}
