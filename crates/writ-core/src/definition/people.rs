//! `people.yaml`: people, groups, workers, and what is looked up about people.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::source::ColumnType;

/// `people.yaml`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// Groups, each with the groups that it belongs to itself.
    #[serde(default)]
    pub groups: BTreeMap<String, Vec<String>>,
    /// Attributes of every person, looked up in sources.
    #[serde(default)]
    pub attributes: BTreeMap<String, Attribute>,
    /// People by id.
    #[serde(default)]
    pub people: BTreeMap<String, Person>,
    /// Workers by id.
    #[serde(default)]
    pub workers: BTreeMap<String, Worker>,
}

/// An attribute of people.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// The type of the value, or of each value.
    #[serde(rename = "type")]
    pub ty: ColumnType,
    /// Whether it is a set of values.
    #[serde(default)]
    pub many: bool,
    /// A query over the sources, with `$person` for the person's id; one column.
    pub sql: String,
}

/// A person.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name to show.
    pub name: String,
    /// The groups that the person is in.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Whether the person may do nothing.
    #[serde(default)]
    pub disabled: bool,
}

/// A worker.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// What it is, for people.
    #[serde(default)]
    pub purpose: String,
    /// Whether it may do nothing.
    #[serde(default)]
    pub disabled: bool,
}
