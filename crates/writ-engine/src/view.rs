//! What the outside may see: plain data for the worker's protocol, the console, the API and the command line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use writ_core::code::Reason;
use writ_core::decision::Decision;
use writ_core::event::{Milliseconds, Recorded};
use writ_core::run::Run;

use crate::permit::Continued;
use crate::quarantine::Quarantine;
use crate::upstream::InputRequired;

/// A worker that has proved itself, for one run.
#[derive(Debug, Clone)]
pub struct WorkerAccess {
    pub(crate) run: String,
    pub(crate) worker: String,
}

impl WorkerAccess {
    /// The run that the worker may act in.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The worker.
    #[must_use]
    pub fn worker(&self) -> &str {
        &self.worker
    }
}

/// A person who has proved themselves.
#[derive(Debug, Clone)]
pub struct PersonAccess {
    pub(crate) person: String,
    pub(crate) name: String,
}

impl PersonAccess {
    /// The person's id.
    #[must_use]
    pub fn person(&self) -> &str {
        &self.person
    }

    /// The person's name, for display.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A tool as a worker sees it.
#[derive(Debug, Clone, Serialize)]
pub struct WorkerTool {
    /// The name to call it by: letters, digits and `_`.
    pub name: String,
    /// What it does and what will happen.
    pub description: String,
    /// The JSON Schema of its arguments: an object.
    pub input_schema: Map<String, Json>,
    /// The JSON Schema of its structured result, where one is enforced.
    pub output_schema: Option<Map<String, Json>>,
    /// Whether a call changes nothing in the world.
    pub read_only: bool,
    /// Whether a call may become a task: what waits for a person, and what the integration itself makes one.
    pub may_become_task: bool,
    /// Other members of the server's own definition that pass (`title`, `icons`, `_meta`), in the protocol's form.
    pub more: Map<String, Json>,
}

/// What a run may use beside tools, each definition in the protocol's own form.
#[derive(Debug, Clone, Default, Serialize)]
pub struct WorkerOffers {
    /// Prompts.
    pub prompts: Vec<Map<String, Json>>,
    /// Resources.
    pub resources: Vec<Map<String, Json>>,
    /// Templates of resources.
    pub templates: Vec<Map<String, Json>>,
}

/// One call of a worker.
#[derive(Debug, Clone, Default)]
pub struct WorkerCall {
    /// The tool's or prompt's name, or the resource's address.
    pub name: String,
    /// The arguments.
    pub arguments: Map<String, Json>,
    /// The worker's reason, as it claims, where it is said beside the arguments.
    pub claim: Option<String>,
    /// The worker's answers to what an integration wanted the last time.
    pub continued: Option<Continued>,
}

/// The answer to one call of a worker.
#[derive(Debug, Clone)]
pub enum WorkerAnswer {
    /// Writ's own answer, or a refusal.
    Own {
        /// A JSON object. A refusal is `{"refused": {"code", "message"}}`; a proposal that waits is
        /// `{"pending": {"decision", "status", "expires_at", "hint"}}`.
        content: Json,
        /// Whether the call failed or was refused.
        is_error: bool,
        /// The decision that the call waits for, where it does.
        waits_for: Option<String>,
    },
    /// An integration's answer to a read, in the protocol's own form.
    Passed(Map<String, Json>),
    /// An integration wants something before it goes on. The state is sealed for this run and this call.
    InputRequired(InputRequired),
    /// An integration works on it as a task. Its id is sealed for this run.
    Task(Map<String, Json>),
}

/// How a task of a run stands: a decision seen as a task, or a task of an integration.
#[derive(Debug, Clone, Default)]
pub struct TaskView {
    /// Its id.
    pub task: String,
    /// How it stands.
    pub status: TaskStatus,
    /// In words: who can decide, or why not.
    pub message: Option<String>,
    /// When it was made.
    pub created_at: Milliseconds,
    /// When it last changed.
    pub updated_at: Milliseconds,
    /// How long after it was made it is kept, in milliseconds.
    pub keep_milliseconds: Option<u64>,
    /// How long to wait before asking again, in milliseconds.
    pub poll_milliseconds: u64,
    /// The result of the call, once it is completed: a tool's result in the protocol's own form.
    pub result: Option<Map<String, Json>>,
    /// What an integration's task failed with, in the protocol's own form.
    pub error: Option<Map<String, Json>>,
    /// What an integration's task asks, by key, in the protocol's own form.
    pub asks: Map<String, Json>,
}

/// How a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Under way, or waiting for a person.
    #[default]
    Working,
    /// The worker is asked for something.
    InputRequired,
    /// It has a result, which may say that it failed.
    Completed,
    /// It could not be carried out.
    Failed,
    /// It was taken back, or its time was up.
    Cancelled,
}

/// A run's start, as a person asks for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartRun {
    /// The mission's name.
    pub mission: String,
    /// The mission's parameters.
    #[serde(default)]
    pub params: serde_json::Map<String, Json>,
    /// The worker. Where it is left out, the mission's own.
    #[serde(default)]
    pub worker: Option<String>,
    /// The person on whose behalf the run acts. Where it is left out, whoever asks.
    #[serde(default)]
    pub person: Option<String>,
}

/// A run that has started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StartedRun {
    /// The run's id.
    pub run: String,
    /// The bearer token with which the worker acts in this run. It is shown once and kept nowhere.
    pub token: String,
    /// When the token ends.
    pub token_expires_at: Milliseconds,
}

/// A run as people see it.
#[derive(Debug, Clone, Serialize)]
pub struct RunView {
    /// The run as its events made it.
    #[serde(flatten)]
    pub run: Run,
    /// The mission's purpose.
    pub purpose: String,
}

/// A decision as people see it.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionView {
    /// The decision as its events made it.
    #[serde(flatten)]
    pub decision: Decision,
    /// The one-line headline, made from the call alone: `Refund $240.00 to card ending 4242`.
    pub headline: String,
    /// What will happen, as label and text, made from the call and facts alone.
    pub card: Vec<CardLine>,
    /// The exact bytes whose SHA-256 is the action digest.
    pub canonical: String,
    /// Whether the person who looks may vote now.
    pub may_vote: bool,
    /// Why not, if not.
    pub may_not_vote_because: Option<String>,
    /// The policies that let the call through and their facts, for people.
    pub permitted_by: Vec<Reason>,
}

/// One line of a decision's card.
#[derive(Debug, Clone, Serialize)]
pub struct CardLine {
    /// What it is: `Amount`.
    pub label: String,
    /// Its value as it is: whoever shows it makes it visible ([`writ_core::visible`]).
    pub text: String,
    /// Whether the value is code, shown in a fixed-width face.
    pub code: bool,
    /// A mark beside it, in words.
    pub mark: Option<Mark>,
}

/// A mark beside a value: never colour alone.
#[derive(Debug, Clone, Serialize)]
pub struct Mark {
    /// The words.
    pub text: String,
    /// What the mark means.
    pub tone: Tone,
}

/// What a mark means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// In order.
    Good,
    /// Look twice.
    Care,
    /// Dangerous or irreversible.
    Bad,
}

/// Which decisions to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionFilter {
    /// Not final.
    #[default]
    Open,
    /// Final.
    Settled,
    /// All.
    All,
}

/// A part of a run's rail.
#[derive(Debug, Clone, Serialize)]
pub struct Rail {
    /// The events, oldest first.
    pub events: Vec<Recorded>,
    /// The sequence number to ask from next.
    pub next: u64,
}

/// How the server is.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    /// Whether it accepts work.
    pub ok: bool,
    /// What is wrong, if something is.
    pub detail: Option<String>,
    /// Leaves in the trail.
    pub leaves: u64,
    /// The present epoch.
    pub epoch: u64,
    /// Each integration and whether it answers.
    pub integrations: BTreeMap<String, String>,
    /// Tools that are not what the operator has pinned.
    pub quarantines: Vec<Quarantine>,
}
