//! A server that carries decisions out, and how far it is. What it has in hand is what it saw a while ago.

/// How far a server is with one decision. Two servers are alike, so the model keeps them in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Replica {
    /// Nothing in hand.
    #[default]
    Idle,
    /// Has seen that something is to be done.
    Looked(Work),
    /// Has found everything as it was.
    Checked(Work),
    /// Has recorded the intent, and sends next.
    Intended(Work),
    /// Has sent before the intent was recorded. No server does, unless it is broken so.
    SentUnrecorded(Work),
    /// Waits for the answer.
    Waiting(Work),
    /// Knows what came of it, and records that next.
    Ended(Work, Ending),
}

/// What a server has in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Work {
    pub(crate) decision: usize,
    /// The attempt that comes next by what was seen.
    pub(crate) attempt: u32,
    /// Whether it may have been sent before.
    pub(crate) again: bool,
}

/// What came of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Ending {
    NotSent,
    NoAnswer,
    Success,
    Error,
}

impl Replica {
    pub(crate) fn work(self) -> Option<Work> {
        match self {
            Self::Idle => None,
            Self::Looked(work)
            | Self::Checked(work)
            | Self::Intended(work)
            | Self::SentUnrecorded(work)
            | Self::Waiting(work)
            | Self::Ended(work, _) => Some(work),
        }
    }

    /// Whether it holds this attempt between its intent and its outcome.
    pub(crate) fn holds(self, decision: usize, attempt: u32) -> bool {
        let under_way = matches!(self, Self::Intended(_) | Self::Waiting(_) | Self::Ended(..));
        under_way && self.work().is_some_and(|work| work.decision == decision && work.attempt == attempt)
    }
}
