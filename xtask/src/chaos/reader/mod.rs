//! The independent reader: what is left of a round once its server has ended, gathered without it.
//!
//! The trail comes from an export, which the program verifies and this verifies again. The tables come from the
//! database file, opened read-only and asked in SQL of its own. The ledger is the integration's. What was acknowledged
//! is the harness's own notes. Nothing here believes what a server said of itself.

mod sqlite;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tokio::process::Command;
use writ_core::decision::Decision;
use writ_core::run::Run;
use writ_trail::export::verify_export_with;
use writ_trail::note::Verifier;

use super::ledger::Entry;
use super::notes::Acknowledged;
use super::stage::Stage;
use super::{NOT_ON_POSTGRES, Store};
use crate::tau::server;

/// Everything that is known of a round.
#[derive(Debug, Clone)]
pub(super) struct History {
    pub(super) ledger: Vec<Entry>,
    /// Every event of the trail, in order.
    pub(super) trail: Vec<Value>,
    pub(super) stored: Stored,
    pub(super) acknowledged: Vec<Acknowledged>,
}

/// What the database holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Stored {
    pub(super) events: Vec<Value>,
    pub(super) runs: BTreeMap<String, StoredRun>,
    pub(super) decisions: BTreeMap<String, StoredDecision>,
    /// The holder of each effect key.
    pub(super) effect_keys: BTreeMap<String, String>,
}

/// A run's row.
#[derive(Debug, Clone)]
pub(super) struct StoredRun {
    pub(super) status: String,
    pub(super) state: Run,
}

/// A decision's row.
#[derive(Debug, Clone)]
pub(super) struct StoredDecision {
    pub(super) status: String,
    pub(super) is_final: bool,
    pub(super) state: Decision,
}

/// Reads what a round has left. Its server has ended.
pub(super) async fn read(stage: &Stage<'_>) -> Result<History, String> {
    let writ = &stage.cast.writ;
    let desk = word(&stage.desk)?;
    let exported = stage.beside("export");
    let export = word(&exported)?;
    let key = said(writ, &["trail", "key", "--workspace", desk]).await?.trim().to_owned();
    said(writ, &["trail", "export", export, "--workspace", desk, "--json"]).await?;
    let verified = said(writ, &["trail", "verify", export, "--key", &key, "--json"]).await?;
    let verified: Value = serde_json::from_str(&verified).map_err(|error| format!("`trail verify`: {error}"))?;
    let trail = events(&exported, &key)?;
    let leaves = verified.get("leaves").and_then(Value::as_u64);
    if verified.get("verified").and_then(Value::as_bool) != Some(true) || leaves != Some(trail.len() as u64) {
        return Err(format!("the export has {} events, and is verified so: {verified}", trail.len()));
    }
    let stored = match stage.cast.store {
        Store::Sqlite => sqlite::read(&stage.desk.join("data/writ.db"))?,
        Store::Postgres => return Err(NOT_ON_POSTGRES.to_owned()),
    };
    Ok(History { ledger: stage.ledger()?, trail, stored, acknowledged: stage.notes.acknowledged() })
}

/// The events of an export, once it has been verified.
fn events(folder: &Path, key: &str) -> Result<Vec<Value>, String> {
    let key: Verifier = key.parse().map_err(|error| format!("the trail's key: {error}"))?;
    let (mut events, mut unread) = (Vec::new(), None);
    let visit = |seq, body: &[u8]| match serde_json::from_slice(body) {
        Ok(event) => events.push(event),
        Err(error) => unread = Some(format!("event {seq} is not understood: {error}")),
    };
    verify_export_with(folder, &key, &[], visit).map_err(|error| format!("the export does not verify: {error}"))?;
    unread.map_or(Ok(events), Err)
}

/// What the program says on standard output, until it has ended well.
async fn said(writ: &Path, words: &[&str]) -> Result<String, String> {
    let failed = |why: &str| format!("`writ {}`: {why}", words.join(" "));
    let mut command = Command::new(writ);
    command.args(words);
    let said = server::said(command).await.map_err(|why| failed(&why))?;
    String::from_utf8(said).map_err(|_| failed("what it says is not UTF-8"))
}

fn word(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("`{}` is no UTF-8 path", path.display()))
}
