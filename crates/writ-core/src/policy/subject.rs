//! A principal: a worker or a person, with attributes and the groups that it is in.

use std::collections::HashSet;
use std::sync::Arc;

use crate::value::{EntityName, Value};

/// A principal, as policies see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The Cedar entity: `User::"ana"` or `Worker::"support-desk"`.
    pub name: Arc<EntityName>,
    /// Its attributes: a [`Value::Record`].
    pub attributes: Value,
    /// The entities that it is in, transitively, without itself.
    pub ancestors: HashSet<EntityName>,
}

impl Subject {
    /// A subject without attributes or groups.
    #[must_use]
    pub fn new(kind: &str, id: &str) -> Self {
        Self { name: Arc::new(EntityName::new(kind, id)), attributes: Value::record([]), ancestors: HashSet::new() }
    }

    /// The subject in a group as well.
    #[must_use]
    pub fn in_group(mut self, kind: &str, id: &str) -> Self {
        self.ancestors.insert(EntityName::new(kind, id));
        self
    }

    /// The subject with these attributes.
    #[must_use]
    pub fn with_attributes(mut self, attributes: Value) -> Self {
        self.attributes = attributes;
        self
    }
}
