//! What the shop offers over MCP: the list of tools, the check of a call's arguments, and its one way into the database.
//!
//! A read sees one consistent moment; a change and its row in the ledger are one transaction, so that either both are
//! there or neither. Never asks who is calling: that is the business of whoever stands in front.

mod account;
mod arguments;
mod catalogue;
mod delivered;
mod find;
mod payments;
mod pending;
mod refunds;
mod swaps;
mod views;

use rusqlite::{Connection, TransactionBehavior};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::ledger;
use arguments::{Argument, Arguments};
use catalogue::CATALOGUE;

/// The longest idempotency key, in bytes.
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 200;

/// A tool as it is told to a client.
#[derive(Debug, Clone)]
pub struct ToolSpec {
    /// The name it is called by.
    pub name: &'static str,
    /// What it does, and under which rules.
    pub description: &'static str,
    /// The JSON Schema of its arguments.
    pub input_schema: Map<String, Value>,
    /// The JSON Schema of its result, where that is an object.
    pub output_schema: Option<Map<String, Value>>,
    /// It changes nothing and leaves no row in the ledger.
    pub read_only: bool,
    /// It replaces or takes away what was there before.
    pub destructive: bool,
    /// A second call with the same arguments leaves the data as the first did.
    pub idempotent: bool,
    /// It reaches beyond the shop's own data.
    pub open_world: bool,
}

/// The answer to one call.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// An object, or text. For a failed call: what is wrong and what to do.
    pub value: Value,
    /// The call was refused or failed, and changed nothing.
    pub is_error: bool,
    /// The row of the ledger that this call wrote, or that it was answered from.
    pub effect_id: Option<i64>,
    /// The answer was on record under the call's idempotency key; nothing happened again.
    pub replayed: bool,
    /// For whoever runs the shop, where its database failed. Not for the caller.
    pub fault: Option<String>,
}

/// One entry of the catalogue.
struct Tool {
    name: &'static str,
    description: &'static str,
    arguments: &'static [Argument],
    work: Work,
    output: Output,
    hints: Hints,
}

/// What MCP lets a tool say of itself, beside whether it reads or changes.
struct Hints {
    destructive: bool,
    idempotent: bool,
    open_world: bool,
}

/// What a tool runs, with its class.
enum Work {
    Read(Handler),
    Effect(Handler),
}

type Handler = fn(&Connection, &Arguments<'_>) -> Outcome;
type Outcome = Result<Value, ToolError>;

/// The shape of a result: text, or an object that has at least these members of these types.
enum Output {
    Text,
    Object(&'static [(&'static str, &'static str)]),
}

/// Why a call did not happen. What is displayed goes to the caller.
#[derive(Debug, Error)]
enum ToolError {
    #[error("{0}")]
    Refused(String),
    #[error("the shop's database failed; nothing was changed, so the call may be sent again")]
    Database(#[from] rusqlite::Error),
    #[error(
        "the shop's database holds a value that cannot be read; nothing was changed, \
         and a person has to look"
    )]
    Stored(#[from] serde_json::Error),
}

/// A refusal, as the error of a tool.
fn refuse<T>(reason: impl Into<String>) -> Result<T, ToolError> {
    Err(ToolError::Refused(reason.into()))
}

/// Every tool of the shop, in the order in which a client is told of them.
#[must_use]
pub fn tools() -> Vec<ToolSpec> {
    CATALOGUE.iter().map(Tool::spec).collect()
}

/// Runs one tool.
///
/// With an idempotency key, a change that is already on record under it is answered from the record.
pub fn call(
    conn: &mut Connection,
    name: &str,
    arguments: &Map<String, Value>,
    idempotency_key: Option<&str>,
) -> ToolResult {
    match attempt(conn, name, arguments, idempotency_key) {
        Ok(result) => result,
        Err(error) => ToolResult::failed(&error),
    }
}

fn attempt(
    conn: &mut Connection,
    name: &str,
    given: &Map<String, Value>,
    idempotency_key: Option<&str>,
) -> Result<ToolResult, ToolError> {
    let Some(tool) = CATALOGUE.iter().find(|tool| tool.name == name) else {
        return refuse(format!("no tool is called `{name}`; list the tools to see their names"));
    };
    let arguments = Arguments::check(tool, given)?;
    match tool.work {
        Work::Read(run) => {
            let moment = conn.transaction()?;
            let value = run(&moment, &arguments)?;
            moment.commit()?;
            Ok(ToolResult::done(value, None))
        }
        Work::Effect(run) => {
            // Immediate: the check for an earlier call with this key and the change itself see no other writer between.
            let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if let Some(key) = idempotency_key
                && let Some(result) = replay(&change, tool, given, key)?
            {
                return Ok(result);
            }
            let value = run(&change, &arguments)?;
            let effect_id = ledger::record(
                &change,
                tool.name,
                &serde_json::to_string(given)?,
                idempotency_key,
                &serde_json::to_string(&value)?,
            )?;
            change.commit()?;
            Ok(ToolResult::done(value, Some(effect_id)))
        }
    }
}

/// Answers from the ledger, if this key is in it. A key stands for one call, so another call under it is refused.
fn replay(
    conn: &Connection,
    tool: &Tool,
    given: &Map<String, Value>,
    key: &str,
) -> Result<Option<ToolResult>, ToolError> {
    if key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX {
        return refuse(format!("the idempotency key must have 1 to {IDEMPOTENCY_KEY_BYTES_MAX} bytes"));
    }
    let Some(recorded) = ledger::recorded(conn, key)? else {
        return Ok(None);
    };
    let arguments: Map<String, Value> = serde_json::from_str(&recorded.arguments)?;
    if recorded.tool != tool.name || arguments != *given {
        return refuse(format!(
            "the idempotency key `{key}` was used for another call of `{}`; take a new \
             key for a new call",
            recorded.tool
        ));
    }
    let value = serde_json::from_str(&recorded.result)?;
    Ok(Some(ToolResult { replayed: true, ..ToolResult::done(value, Some(recorded.effect_id)) }))
}

impl ToolResult {
    /// This very call changed something.
    #[must_use]
    pub fn is_new_effect(&self) -> bool {
        self.effect_id.is_some() && !self.replayed
    }

    fn done(value: Value, effect_id: Option<i64>) -> Self {
        Self { value, is_error: false, effect_id, replayed: false, fault: None }
    }

    fn failed(error: &ToolError) -> Self {
        let fault = std::error::Error::source(error).map(ToString::to_string);
        Self { value: Value::String(error.to_string()), is_error: true, effect_id: None, replayed: false, fault }
    }
}

impl Tool {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: self.name,
            description: self.description,
            input_schema: arguments::schema(self.arguments),
            output_schema: self.output.schema(),
            read_only: matches!(self.work, Work::Read(_)),
            destructive: self.hints.destructive,
            idempotent: self.hints.idempotent,
            open_world: self.hints.open_world,
        }
    }
}

impl Output {
    fn schema(&self) -> Option<Map<String, Value>> {
        let Self::Object(members) = self else {
            return None;
        };
        let properties: Map<String, Value> =
            members.iter().map(|(name, kind)| ((*name).to_owned(), json!({ "type": kind }))).collect();
        let required: Vec<Value> = members.iter().map(|(name, _)| Value::from(*name)).collect();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), Value::from("object"));
        schema.insert("properties".to_owned(), Value::Object(properties));
        schema.insert("required".to_owned(), Value::Array(required));
        Some(schema)
    }
}
