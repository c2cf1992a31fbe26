//! Why some events do not show what they are to show.

use std::fmt::Display;

/// The first thing found wrong with some events, by its leaf.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The body of a leaf is no event.
    #[error("leaf {leaf} is not an event of a trail: {why}")]
    NotAnEvent {
        /// The leaf.
        leaf: u64,
        /// What is wrong with it.
        why: String,
    },
    /// An event says that it is another leaf's.
    #[error("leaf {leaf} holds an event that says it is leaf {said}")]
    Misplaced {
        /// The leaf.
        leaf: u64,
        /// What its event says.
        said: u64,
    },
    /// The first event is not the start of a run.
    #[error("the events do not begin with the start of a run")]
    NoStart,
    /// No proposal follows the start of the run.
    #[error("no proposal follows the start of the run")]
    NoProposal,
    /// An event belongs to another run or another decision.
    #[error("leaf {leaf} is an event of something else")]
    Foreign {
        /// The leaf.
        leaf: u64,
    },
    /// What stands before an event is not what came before it: something is missing, or was put in.
    #[error("leaf {leaf} comes after leaf {previous}, but what stands before it is leaf {found}")]
    Gap {
        /// The leaf.
        leaf: u64,
        /// The one that it comes after.
        previous: u64,
        /// The one that stands before it.
        found: u64,
    },
    /// An event does not say what came before it, as those do not that were recorded before events had links.
    #[error("leaf {leaf} does not say which event came before it")]
    Unlinked {
        /// The leaf.
        leaf: u64,
    },
    /// In a log that is all there, an event names another one before it in its run than there is.
    #[error("leaf {leaf} says that leaf {previous} came before it in its run, and that is not so")]
    Untrue {
        /// The leaf.
        leaf: u64,
        /// The one that it names.
        previous: u64,
    },
    /// An event could not happen after those before it.
    #[error("the event of leaf {leaf} could not happen there: {why}")]
    Illegal {
        /// The leaf.
        leaf: u64,
        /// Why.
        why: String,
    },
}

impl Flaw {
    pub(super) fn illegal(leaf: u64, why: &impl Display) -> Self {
        Self::Illegal { leaf, why: why.to_string() }
    }
}
