//! The tasks of tau-retail: whose conversation each is, and the calls that would serve it.
//!
//! Only the customer and the calls are read. A task's wording is not looked at: there is one mission for every
//! conversation with a customer, so nothing has to be chosen by it.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One conversation.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Task {
    /// The customer.
    #[serde(rename = "user_id")]
    pub(crate) customer: String,
    /// The ground truth, in order.
    #[serde(rename = "actions")]
    pub(crate) calls: Vec<Call>,
}

/// One call of a tool.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Call {
    /// The tool's name at the shop.
    #[serde(rename = "name")]
    pub(crate) tool: String,
    /// What it is called with.
    #[serde(rename = "args")]
    pub(crate) arguments: Map<String, Value>,
}

/// Reads the tasks, or the first of them.
pub(crate) fn load(folder: &Path, most: Option<usize>) -> Result<Vec<Task>, String> {
    let path = folder.join("tasks.json");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut tasks: Vec<Task> =
        serde_json::from_str(&text).map_err(|error| format!("{}: not tau-retail's tasks: {error}", path.display()))?;
    tasks.truncate(most.unwrap_or(usize::MAX));
    if tasks.is_empty() { Err(format!("{}: there is no task to play", path.display())) } else { Ok(tasks) }
}
