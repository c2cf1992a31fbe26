//! Everything that can happen next, one thing at a time.

/// One step of somebody or something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The clock reaches the next moment that matters.
    TimePasses,
    /// Another policy comes into force.
    PolicyChanges,
    /// The worker proposes.
    Propose {
        /// Which of the planned proposals.
        decision: usize,
    },
    /// The worker takes a proposal back.
    Withdraw {
        /// Which.
        decision: usize,
    },
    /// A person looks at the decision's page. A step of its own only where a vote is written over what was seen.
    OpenPage {
        /// Who.
        by: &'static str,
    },
    /// A person votes, and is told that the vote counts.
    Vote {
        /// On which decision.
        decision: usize,
        /// Who.
        by: &'static str,
        /// What they were shown.
        shown: Shown,
        /// Yes or no.
        approve: bool,
    },
    /// What was acknowledged too early is written.
    Write,
    /// What was acknowledged too early is lost before it is written.
    LoseUnwritten,
    /// Somebody records that a decision's time is up.
    Expire {
        /// Which.
        decision: usize,
    },
    /// A run ends.
    EndRun {
        /// Which.
        run: usize,
        /// By what.
        by: RunEnd,
        /// Whether whoever ends it has seen its open decisions, which are withdrawn with it.
        sees_decisions: bool,
    },
    /// A server takes up what another one has left on its way.
    TakeOver {
        /// Which decision.
        decision: usize,
    },
    /// A person finds out what became of an effect, and says so.
    Settle {
        /// Of which decision.
        decision: usize,
    },
    /// A server sees that something is to be done with a decision.
    Look {
        /// Which server.
        replica: usize,
        /// Which decision.
        decision: usize,
    },
    /// It looks again at everything that the approval rests on.
    Check {
        /// Which server.
        replica: usize,
    },
    /// It records its intent.
    Intend {
        /// Which server.
        replica: usize,
    },
    /// It sends.
    Send {
        /// Which server.
        replica: usize,
    },
    /// It could not send, and is certain of that.
    CannotSend {
        /// Which server.
        replica: usize,
    },
    /// It waits for the answer no longer.
    GiveUpWaiting {
        /// Which server.
        replica: usize,
    },
    /// It records what came of it.
    Record {
        /// Which server.
        replica: usize,
    },
    /// It dies with something in hand, and starts again without.
    Crash {
        /// Which server.
        replica: usize,
    },
    /// Something happens to a request on its way to the integration.
    Arrive {
        /// The decision that it is of.
        decision: usize,
        /// The attempt that it is of.
        attempt: u32,
        /// What happens.
        arrival: Arrival,
    },
}

/// What a person was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// What the decision is on.
    TheAction,
    /// Other bytes.
    SomethingElse,
}

/// By what a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// A person stops it.
    Stopped,
    /// Its time is up.
    Expired,
}

/// What happens to a request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It never arrives.
    Lost,
    /// The effect happens, and no answer arrives.
    ActedSilently,
    /// The effect happens, no answer arrives, and the request arrives once more later.
    ActedAndRepeated,
    /// The effect happens, and the answer says so.
    Acted,
    /// The effect happens, and the answer is an error.
    ActedWithError,
    /// Nothing happens, and the answer is an error.
    Refused,
    /// The key is known: nothing happens, and the answer says what happened the first time.
    KnownKey,
}
