//! Whether a whole log, some of whose bodies may be erased, still has every event of its runs.
//!
//! Each event names the one before it in its run. Where that one is there, it must be the run's last so far; where its
//! body is erased, the run is torn. It holds one number for each run and for each erased leaf, and looks at nothing of
//! an event but what it needs.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::Flaw;

/// The runs of a log, leaf by leaf.
#[derive(Debug, Default)]
pub struct Runs {
    /// The last leaf of each run so far.
    last: HashMap<String, u64>,
    torn: HashSet<String>,
    /// Leaves that were passed over, rising.
    erased: Vec<u64>,
    next: u64,
}

/// What is looked at of an event.
#[derive(Deserialize)]
struct Outline {
    seq: u64,
    #[serde(default)]
    run: Option<String>,
    event: String,
    #[serde(default)]
    previous_in_run: Option<u64>,
}

impl Runs {
    /// Takes the next leaf that has a body into account. Leaves in between that are passed over count as erased.
    ///
    /// # Errors
    /// [`Flaw`] where the body is no event of this leaf, or names one before it that is there and is another one.
    pub fn follow(&mut self, leaf: u64, body: &[u8]) -> Result<(), Flaw> {
        let outline: Outline =
            serde_json::from_slice(body).map_err(|error| Flaw::NotAnEvent { leaf, why: error.to_string() })?;
        if outline.seq != leaf {
            return Err(Flaw::Misplaced { leaf, said: outline.seq });
        }
        self.erased.extend(self.next..leaf);
        self.next = leaf.saturating_add(1);
        let Some(run) = outline.run else { return Ok(()) };
        let found = self.last.insert(run.clone(), leaf);
        match outline.previous_in_run {
            None if found.is_none() && outline.event == "run_started" => Ok(()),
            Some(previous) if found == Some(previous) => Ok(()),
            Some(previous) if self.erased.binary_search(&previous).is_err() => Err(Flaw::Untrue { leaf, previous }),
            _ => {
                self.torn.insert(run);
                Ok(())
            }
        }
    }

    /// How many runs there are of which some event has a body.
    #[must_use]
    pub fn count(&self) -> usize {
        self.last.len()
    }

    /// Of how many of them an event before the last one is erased, or was recorded before events had links.
    #[must_use]
    pub fn torn(&self) -> usize {
        self.torn.len()
    }
}
