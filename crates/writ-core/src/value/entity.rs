//! Cedar entities by name.

use std::fmt;
use std::hash::{BuildHasher as _, Hash, Hasher};

use foldhash::fast::FixedState;

/// The type and id of a Cedar entity, such as `User::"ana"`, with its hash worked out once: entities are looked up
/// far more often than they are made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntityName {
    hash: u64,
    kind_bytes: usize,
    text: Box<str>,
}

impl EntityName {
    /// An entity of a type (with its namespace: `User`, `shop::orders`) and an id.
    #[must_use]
    pub fn new(kind: &str, id: &str) -> Self {
        let text = format!("{kind}{id}").into_boxed_str();
        // A fixed seed: tables keyed by this are filled by policies alone, never by what a request holds.
        let hash = FixedState::default().hash_one((kind.len(), &text));
        Self { hash, kind_bytes: kind.len(), text }
    }

    /// The entity type.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text.get(..self.kind_bytes).unwrap_or_default()
    }

    /// The entity's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text.get(self.kind_bytes..).unwrap_or_default()
    }
}

impl Hash for EntityName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl fmt::Display for EntityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{:?}", self.kind(), self.id())
    }
}
