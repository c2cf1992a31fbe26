//! Error codes: one name for each way in which Writ says no, with a page under `docs/errors/`.
//!
//! A [`Refusal`] carries two messages: one for whoever asked, which says what to do and tells nothing that the
//! asker may not know, and the reasons for people, which name the policy set, the policy and the value.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// What kind of refusal or failure this is. The name is stable: scripts and agents may match on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Code {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant,)+
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// The stable name, such as `not_permitted`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

codes! {
    /// Mission, entitlements and guardrails together do not allow this call.
    NotPermitted = "not_permitted",
    /// The tool or table is not part of this mission, or does not exist: the two look alike.
    UnknownName = "unknown_name",
    /// The arguments do not fit the tool's input schema or a declared type.
    BadArguments = "bad_arguments",
    /// The message is not one of the protocol's, or does not fit its own headers.
    MalformedMessage = "malformed_message",
    /// A fact that the mission needs has no value, several values, or could not be read.
    FactMissing = "fact_missing",
    /// A limit of the run is used up.
    LimitReached = "limit_reached",
    /// The run has ended, or never existed.
    RunNotOpen = "run_not_open",
    /// The mission does not exist, or this person may not start it with these parameters by this worker.
    StartRefused = "start_refused",
    /// The token is missing, malformed, expired or meant for something else.
    NotAuthenticated = "not_authenticated",
    /// The same proposal was rejected before in this run.
    RejectedBefore = "rejected_before",
    /// Another decision with the same effect key is in flight or has succeeded.
    EffectKeyTaken = "effect_key_taken",
    /// The decision does not exist, or this person may not see it.
    DecisionUnknown = "decision_unknown",
    /// The decision is not open to votes any more.
    DecisionClosed = "decision_closed",
    /// The vote names another digest than the decision's.
    DigestMismatch = "digest_mismatch",
    /// The person may not vote on this decision.
    VoteRefused = "vote_refused",
    /// Something that the approval rested on changed before the effect was sent.
    ApprovalVoid = "approval_void",
    /// The integration could not be reached, and nothing was sent.
    NotSent = "not_sent",
    /// The effect may or may not have happened: a person must look.
    OutcomeUnknown = "outcome_unknown",
    /// The tool's definition, or its server, is not what the operator has pinned: nobody can use it until they have looked.
    ToolQuarantined = "tool_quarantined",
    /// The person has not linked this integration with an account of their own.
    NotLinked = "not_linked",
    /// The integration's answer is not what the mission or the tool's own schema lets through.
    ResultWithheld = "result_withheld",
    /// The integration answered with an error.
    UpstreamError = "upstream_error",
    /// The SQL text is not well-formed.
    SqlSyntax = "sql_syntax",
    /// The SQL uses a statement or function that workers may not use.
    SqlNotAllowed = "sql_not_allowed",
    /// The SQL names a table, column or function that this run does not have.
    SqlUnknownName = "sql_unknown_name",
    /// The SQL compares or combines types that do not go together.
    SqlType = "sql_type",
    /// The query failed while it ran.
    ExecutionFailed = "execution_failed",
    /// The query took too long.
    TimeExceeded = "time_exceeded",
    /// The query needed too much memory.
    MemoryExceeded = "memory_exceeded",
    /// The result has too many rows.
    TooManyRows = "too_many_rows",
    /// The slice itself is larger than a query may read.
    SliceTooLarge = "slice_too_large",
    /// The result has too many bytes.
    ResultTooLarge = "result_too_large",
    /// The SQL text is too long.
    SqlTooLarge = "sql_too_large",
    /// A source cannot be read at present.
    SourceUnavailable = "source_unavailable",
    /// The verdict does not fit the mission's schema.
    BadVerdict = "bad_verdict",
    /// A definition in the workspace folder is wrong.
    BadDefinition = "bad_definition",
    /// The store cannot be written, so nothing is accepted until a person has looked.
    StoreUnavailable = "store_unavailable",
    /// The compiled policy and Cedar disagreed: the call is refused and an alarm is recorded.
    PolicyMismatch = "policy_mismatch",
    /// The trail, or an export of it, does not verify.
    TrailInvalid = "trail_invalid",
    /// A fault of our own. The correlation id leads to the server's log.
    Internal = "internal",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a policy set said no, for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// The policy set (`mission`, `entitlements`, `guardrails`, `approvals`) or the check that refused.
    pub set: String,
    /// The policy's id, where one policy refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What was found, with the values that mattered.
    pub detail: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.policy {
            Some(policy) => write!(f, "{} `{policy}`: {}", self.set, self.detail),
            None => write!(f, "{}: {}", self.set, self.detail),
        }
    }
}

/// A clear no: nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of refusal this is.
    pub code: Code,
    /// For whoever asked: what was wrong and what to do. Tells nothing that the asker may not know.
    pub message: String,
    /// For people who operate or audit: which set, which policy, which value.
    pub reasons: Vec<Reason>,
}

impl Refusal {
    /// A refusal without reasons beyond its message.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), reasons: Vec::new() }
    }

    /// The refusal with reasons for people.
    #[must_use]
    pub fn because(mut self, reasons: impl IntoIterator<Item = Reason>) -> Self {
        self.reasons.extend(reasons);
        self
    }
}
