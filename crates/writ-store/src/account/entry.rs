//! One event as its leaf's body holds it.

use serde::de::DeserializeOwned;
use writ_core::event::Recorded;

use super::Flaw;
use crate::links::Links;

/// One event of the trail, with its links.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The event.
    pub recorded: Recorded,
    /// The leaves of the events before it.
    pub links: Links,
}

impl Entry {
    /// Reads the body of a leaf.
    ///
    /// # Errors
    /// [`Flaw::NotAnEvent`], and [`Flaw::Misplaced`] where the event says that it is another leaf's.
    pub fn read(leaf: u64, body: &[u8]) -> Result<Self, Flaw> {
        let entry = Self { recorded: part(leaf, body)?, links: part(leaf, body)? };
        if entry.leaf() == leaf { Ok(entry) } else { Err(Flaw::Misplaced { leaf, said: entry.leaf() }) }
    }

    /// The leaf that holds the event.
    #[must_use]
    pub fn leaf(&self) -> u64 {
        self.recorded.seq
    }

    /// Checks that the event before it is the one that stands before it here.
    pub(super) fn follows(&self, previous: Option<u64>, found: u64) -> Result<(), Flaw> {
        match previous {
            Some(previous) if previous == found => Ok(()),
            Some(previous) => Err(Flaw::Gap { leaf: self.leaf(), previous, found }),
            None => Err(Flaw::Unlinked { leaf: self.leaf() }),
        }
    }
}

/// What a type knows of a body. It passes over what it does not know.
fn part<T: DeserializeOwned>(leaf: u64, body: &[u8]) -> Result<T, Flaw> {
    serde_json::from_slice(body).map_err(|error| Flaw::NotAnEvent { leaf, why: error.to_string() })
}
