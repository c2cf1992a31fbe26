//! What both phases play on, and the conversation in which a worker acts for one customer.
//!
//! Every answer to a worker passes through [`Conversation::call`], which looks for records of other customers in it: an
//! answer that is no refusal may hold none, and a refusal may say no name that its request did not say first. So a
//! leak is found in whatever is asked, whether it was meant as an attack or not.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};

use super::client::{Answer, Worker, Writ};
use super::owners::Owners;
use super::tasks::{Call, Task};
use super::workspace::{MISSION, TOOL_PREFIX};

/// The effect that names nobody's record: it hands the conversation to a person.
const HAND_OVER: &str = "transfer_to_human_agents";

/// The tasks, the data and the server.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) tasks: Vec<Task>,
    pub(crate) owners: Owners,
    pub(crate) writ: Writ,
    /// The token of whoever approves.
    pub(crate) supervisor: String,
    /// The tokens of the tasks' customers.
    pub(crate) tokens: HashMap<String, String>,
    /// The shop's tools that change something.
    pub(crate) effects: BTreeSet<&'static str>,
    /// Records of other customers that were read.
    pub(crate) foreign_read: AtomicU64,
}

/// One run.
#[derive(Debug)]
pub(crate) struct Conversation {
    stage: Arc<Stage>,
    customer: String,
    worker: Worker,
}

impl Stage {
    /// Whether a call changes something.
    pub(crate) fn is_effect(&self, call: &Call) -> bool {
        self.effects.contains(call.tool.as_str())
    }

    /// Whether a call changes somebody's record.
    pub(crate) fn changes_a_record(&self, call: &Call) -> bool {
        self.is_effect(call) && call.tool != HAND_OVER
    }

    /// Starts a run on behalf of a customer.
    pub(crate) async fn start(self: &Arc<Self>, customer: &str) -> Result<Conversation, String> {
        let token = self.tokens.get(customer).ok_or_else(|| format!("`{customer}` has no token"))?;
        let worker = self.writ.start(token, MISSION).await?;
        Ok(Conversation { stage: Arc::clone(self), customer: customer.to_owned(), worker })
    }

    /// Counts records of other customers that were read.
    pub(crate) fn note_foreign(&self, records: usize) {
        self.foreign_read.fetch_add(records as u64, Ordering::Relaxed);
    }
}

impl Conversation {
    /// The customer for whom the run acts.
    pub(crate) fn customer(&self) -> &str {
        &self.customer
    }

    /// The run's id.
    pub(crate) fn run(&self) -> &str {
        self.worker.run()
    }

    /// Calls a tool of the shop.
    pub(crate) async fn call_shop(&self, call: &Call) -> Result<Answer, String> {
        self.call(&format!("{TOOL_PREFIX}{}", call.tool), &call.arguments).await
    }

    /// Calls a tool, and counts the records of others that its answer holds.
    pub(crate) async fn call(&self, tool: &str, arguments: &Map<String, Value>) -> Result<Answer, String> {
        let answer = self.stage.writ.call(&self.worker, tool, arguments).await?;
        self.stage.note_foreign(self.foreign_records(&answer, arguments));
        Ok(answer)
    }

    fn foreign_records(&self, answer: &Answer, arguments: &Map<String, Value>) -> usize {
        let mut names = self.stage.owners.foreign_names(&self.customer, &answer.content);
        if !names.is_empty() && answer.refused().is_some() {
            let asked = Value::Object(arguments.clone()).to_string();
            names.retain(|name| !asked.contains(*name));
        }
        names.len()
    }

    /// Ends the run with its verdict.
    pub(crate) async fn conclude(&self, summary: &str) -> Result<(), String> {
        let verdict = json!({ "verdict": { "summary": summary } });
        let arguments = verdict.as_object().cloned().unwrap_or_default();
        let answer = self.call("conclude", &arguments).await?;
        match answer.refused() {
            None => Ok(()),
            Some((code, message)) => Err(format!("the run is not concluded: {code}: {message}")),
        }
    }
}
