//! `missions/*.yaml`: one task each.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::source::{ColumnType, Mask};
use crate::digest::Digest;

/// One mission: what a worker may read and propose for one task.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MissionDefinition {
    /// The mission's name: a Cedar identifier.
    pub mission: String,
    /// What it is for, in one sentence for people.
    pub purpose: String,
    /// The worker that may carry it.
    pub worker: String,
    /// What must be given when a run starts.
    #[serde(default)]
    pub params: BTreeMap<String, ColumnType>,
    /// Values looked up once at the start, under the person's own entitlements. `$name` is a parameter,
    /// `$person` the person's id; each query gives exactly one value.
    #[serde(default)]
    pub bind: BTreeMap<String, String>,
    /// What the run may read.
    #[serde(default)]
    pub read: Vec<ReadSpec>,
    /// What the run may call.
    #[serde(default)]
    pub act: Vec<Act>,
    /// The JSON Schema of the verdict, or `{ $ref: file }` relative to the mission's file.
    pub verdict: Json,
    /// The run's limits.
    pub limits: MissionLimits,
}

/// A slice of one table, or of one collection of documents.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadSpec {
    /// The table, as `source.table`. Either this or `docs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The collection of documents, as `source.collection`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
    /// The columns that the worker sees. For documents: all, where nothing is named.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Columns shown masked.
    #[serde(default)]
    pub mask: BTreeMap<String, Mask>,
    /// The rows: a Cedar condition over `resource` and `context`. Everything that the person may read, where
    /// nothing is said.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

impl ReadSpec {
    /// The table or collection, as `source.name`.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match (&self.table, &self.docs) {
            (Some(name), None) | (None, Some(name)) => Some(name),
            _ => None,
        }
    }
}

/// A tool that the run may call, or a prompt or a set of resources that it may fetch. It names exactly one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// The tool, as `integration.tool`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The prompt, as `integration.prompt`. Its arguments are texts in `context.input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The set of resources, as `integration.set`. The address asked for is `context.input.uri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The name by which the worker calls it: `integration_tool`, where nothing is said.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Values read for each call over the slice's rows, with columns that the worker need not see:
    /// `$input.…`, `$mission.…`, `$person`. Each query gives exactly one value.
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
    /// The condition, in Cedar over `context`.
    pub when: String,
    /// What an effect needs; reads need nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<Need>,
    /// The effect's business identity, with `{input.…}`: `refund:{input.payment_id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect_key: Option<String>,
    /// Lines for the decision's card beside the arguments: a label, and text with `{input.…}` and `{facts.…}`.
    #[serde(default)]
    pub show: BTreeMap<String, String>,
    /// The decision's headline, where the tool's own does not say enough; may use `{facts.…}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headline: Option<String>,
    /// What must hold of a read's result before it is released, in Cedar: `context.result` beside everything that
    /// `when` can speak of. An answer of which it does not hold is withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ensure: Option<String>,
    /// The fields of a read's result that pass, as dotted names: `items.name`. All, where nothing is named.
    #[serde(default)]
    pub project: Vec<String>,
}

impl Act {
    /// The action, as Cedar names it: `integration.tool`, `integration.prompts/name` or
    /// `integration.resources/set`. Nothing where not exactly one thing is named.
    #[must_use]
    pub fn action(&self) -> Option<String> {
        let of = |name: &str, kind: &str| {
            name.split_once('.').map(|(integration, name)| format!("{integration}.{kind}/{name}"))
        };
        match (&self.tool, &self.prompt, &self.resource) {
            (Some(tool), None, None) => Some(tool.clone()),
            (None, Some(prompt), None) => of(prompt, "prompts"),
            (None, None, Some(resource)) => of(resource, "resources"),
            _ => None,
        }
    }

    /// What is named, as the author wrote it.
    #[must_use]
    pub fn written(&self) -> &str {
        self.tool.as_deref().or(self.prompt.as_deref()).or(self.resource.as_deref()).unwrap_or_default()
    }
}

/// The action under which a mission's condition over a result is asked.
#[must_use]
pub fn result_action(action: &str) -> String {
    format!("{action} result")
}

/// What an effect needs before it is sent.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// How many people must approve.
    pub approvals: u32,
    /// How long the proposal may wait, such as `4h`.
    pub within: String,
}

/// A run's limits.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MissionLimits {
    /// How long a run may last, such as `30m`. Time in which a proposal waits does not count.
    #[serde(rename = "for")]
    pub duration: String,
    /// How many reads.
    pub reads: u64,
    /// How many rows altogether.
    pub rows: u64,
    /// How many proposals.
    pub proposals: u64,
}

impl MissionDefinition {
    /// The mission's version: the digest of its definition with the verdict's schema written out.
    #[must_use]
    pub fn version(&self) -> Digest {
        let json = serde_json::to_value(self).unwrap_or_default();
        Digest::of_json(&json).unwrap_or(Digest([0; 32]))
    }

    /// The mission as a Cedar policy set: one permit for each slice and each tool. Conditions stand on lines of
    /// their own; [`MissionDefinition::statements`] tells where.
    #[must_use]
    pub fn policies(&self) -> String {
        self.statements().into_iter().map(|statement| statement.text).collect()
    }

    /// The statements of [`MissionDefinition::policies`], with the place of each one's condition.
    #[must_use]
    pub fn statements(&self) -> Vec<MissionStatement> {
        let worker = cedar_string(&self.worker);
        let reads = self.read.iter().enumerate().filter_map(|(index, read)| {
            let name = read.name()?;
            let head = format!(
                "@id({}) permit(principal == Worker::{worker}, action == Action::\"read\", resource is {}) when {{\n",
                cedar_string(&format!("mission read {name}")),
                name.replace('.', "::"),
            );
            Some((Part::Read(index), head, read.condition.clone().unwrap_or_else(|| "true".to_owned())))
        });
        let acts = self.act.iter().enumerate().filter_map(|(index, act)| {
            let action = act.action()?;
            let calls = (Part::Act(index), act_head(&worker, &action), act.when.clone());
            let results = act
                .ensure
                .as_ref()
                .map(|ensure| (Part::Ensure(index), act_head(&worker, &result_action(&action)), ensure.clone()));
            Some(std::iter::once(calls).chain(results))
        });
        let mut at = 0;
        let statements = reads.chain(acts.flatten()).map(|(part, head, condition)| {
            let (starts_at, condition_at) = (at, at + head.len());
            let text = format!("{head}{condition}\n}};\n");
            at += text.len();
            MissionStatement { part, text, starts_at, condition_at, condition_length: condition.len() }
        });
        statements.collect()
    }
}

/// Which part of a mission a statement comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `read`, by position.
    Read(usize),
    /// `act`, by position.
    Act(usize),
    /// `ensure` of an `act`, by position.
    Ensure(usize),
}

/// One Cedar statement made from a mission.
#[derive(Debug, Clone)]
pub struct MissionStatement {
    /// Where it comes from.
    pub part: Part,
    /// The statement.
    pub text: String,
    /// Where the statement starts in the whole set's text, in bytes.
    pub starts_at: usize,
    /// Where the author's condition starts in the whole set's text, in bytes.
    pub condition_at: usize,
    /// How long it is, in bytes.
    pub condition_length: usize,
}

fn act_head(worker: &str, action: &str) -> String {
    format!(
        "@id({}) permit(principal == Worker::{worker}, action == Action::{}, resource is Tool) when {{\n",
        cedar_string(&format!("mission act {action}")),
        cedar_string(action),
    )
}

/// A string literal of Cedar.
fn cedar_string(text: &str) -> String {
    format!("\"{}\"", text.escape_default())
}
