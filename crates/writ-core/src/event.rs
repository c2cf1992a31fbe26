//! The closed list of what can happen, as the trail keeps it.
//!
//! State is what the events say: [`crate::run::Run`] and [`crate::decision::Decision`] are folds over these,
//! and every table of the store is a projection that a replay makes again. Adding a kind of event is a change
//! of the trail's format and of both folds; nothing is recorded in any other way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::code::{Code, Reason};
use crate::definition::Ask;
use crate::digest::{Action, Digest};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Milliseconds = i64;

/// One event with its place in the trail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The leaf's index in the log, from 0.
    pub seq: u64,
    /// When it was recorded.
    pub at: Milliseconds,
    /// The run that it belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
///
/// *Attested* events are what Writ itself saw or did; [`Event::Claimed`], and the `claim` of a proposal, are
/// what a worker said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Definitions came into force.
    EpochOpened {
        /// Counts up from 1.
        epoch: u64,
        /// The digest of the policy sets.
        policy: Digest,
        /// Each mission's version.
        missions: BTreeMap<String, Digest>,
    },
    /// A run started.
    RunStarted(Box<RunStart>),
    /// A worker connected to its run.
    WorkerAttached {
        /// The client's name and version, as it said.
        client: String,
    },
    /// Attested: the worker read from its slices.
    Read(Box<Read>),
    /// Attested: the worker called a tool that the operator has classified as a read, or fetched a prompt or a
    /// resource.
    ToolRead {
        /// The action: `integration.tool`, `integration.prompts/name` or `integration.resources/set`.
        tool: String,
        /// The arguments sent.
        arguments: serde_json::Map<String, Json>,
        /// The digest of the result as it was released.
        result: Digest,
        /// Whether the integration answered with an error.
        is_error: bool,
        /// The labels that the run picked up.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        labels: Vec<String>,
        /// The worker's reason, as it claimed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claim: Option<String>,
    },
    /// Attested: an integration asked the worker something while a read was under way, and got its answer.
    Asked {
        /// The action that was under way.
        tool: String,
        /// What kind of thing it asked.
        ask: Ask,
        /// The digest of the question. Nothing where the worker answered what this server does not know to have
        /// been asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        question: Option<Digest>,
        /// The digest of the answer, where the worker gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<Digest>,
        /// The labels that the run picked up with the question.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        labels: Vec<String>,
    },
    /// A tool, or the server behind it, is not what the operator has pinned: nobody can use it until they have looked.
    ToolQuarantined {
        /// `integration.tool`.
        tool: String,
        /// What has changed.
        reasons: Vec<Reason>,
    },
    /// Attested: a request of the worker, or of a person, was refused.
    Refused {
        /// The person who asked, where it was not the worker.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// What was asked for, in short.
        request: String,
        /// The code that the worker got.
        code: Code,
        /// The whole reason, for people.
        reasons: Vec<Reason>,
    },
    /// Claimed: the worker said something.
    Claimed {
        /// The worker's words.
        text: String,
    },
    /// The worker proposed an effect.
    Proposed(Box<Proposal>),
    /// A person voted.
    Voted {
        /// The decision.
        decision: String,
        /// The vote.
        vote: Vote,
    },
    /// Nobody decided in time.
    DecisionExpired {
        /// The decision.
        decision: String,
    },
    /// The proposal was taken back, or its run ended.
    DecisionWithdrawn {
        /// The decision.
        decision: String,
        /// Why.
        why: String,
    },
    /// What the approval rested on has changed; nothing was sent.
    DecisionVoided {
        /// The decision.
        decision: String,
        /// What changed.
        reasons: Vec<Reason>,
    },
    /// The approval was consumed: the effect may be sent from now on.
    IntentRecorded {
        /// The decision.
        decision: String,
        /// The digest computed again just before sending.
        action_digest: Digest,
        /// The key by which the integration can tell a repeated request.
        idempotency_key: String,
        /// 1 for the first attempt.
        attempt: u32,
    },
    /// The effect was not sent; the same attempt may be made again.
    NotSent {
        /// The decision.
        decision: String,
        /// Why.
        why: String,
    },
    /// The integration answered.
    OutcomeRecorded {
        /// The decision.
        decision: String,
        /// Whether the answer was a success; an error may still be a partial effect.
        succeeded: bool,
        /// The integration's answer, as the worker gets it.
        result: Json,
        /// The labels that the run picked up with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        labels: Vec<String>,
    },
    /// The effect was sent, or may have been, and no answer came.
    OutcomeUnknown {
        /// The decision.
        decision: String,
        /// What is known.
        why: String,
    },
    /// A person found out what happened.
    OutcomeSettled {
        /// The decision.
        decision: String,
        /// Who.
        by: String,
        /// Whether the effect did happen.
        succeeded: bool,
        /// What they found.
        note: String,
    },
    /// The run ended with a verdict.
    RunConcluded {
        /// The verdict, which fits the mission's schema.
        verdict: Json,
    },
    /// A person, or a limit, stopped the run.
    RunStopped {
        /// Who or what.
        by: String,
        /// Why.
        reason: String,
    },
    /// The run's time was up.
    RunExpired {},
    /// A person signed in or got a token.
    SignedIn {
        /// The person.
        person: String,
        /// How.
        how: String,
    },
    /// A person linked an integration: it is used with their own authority in runs that act for them. Recorded before
    /// the tokens are kept, none of which is in the trail.
    IntegrationLinked {
        /// The person.
        person: String,
        /// The integration.
        integration: String,
        /// The scopes that were granted, as far as they can be named.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scopes: Vec<String>,
    },
    /// A person unlinked an integration: their tokens are forgotten.
    IntegrationUnlinked {
        /// The person.
        person: String,
        /// The integration.
        integration: String,
    },
    /// Something that must never happen did, and was refused.
    Alarm {
        /// What.
        what: String,
    },
}

impl Event {
    /// The decision that the event is about, if it is about one.
    #[must_use]
    pub fn decision(&self) -> Option<&str> {
        match self {
            Self::Proposed(proposal) => Some(&proposal.decision),
            Self::Voted { decision, .. }
            | Self::DecisionExpired { decision }
            | Self::DecisionWithdrawn { decision, .. }
            | Self::DecisionVoided { decision, .. }
            | Self::IntentRecorded { decision, .. }
            | Self::NotSent { decision, .. }
            | Self::OutcomeRecorded { decision, .. }
            | Self::OutcomeUnknown { decision, .. }
            | Self::OutcomeSettled { decision, .. } => Some(decision),
            _ => None,
        }
    }

    /// The stable name of this kind of event, as it stands in the trail.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::EpochOpened { .. } => "epoch_opened",
            Self::RunStarted(_) => "run_started",
            Self::WorkerAttached { .. } => "worker_attached",
            Self::Read(_) => "read",
            Self::ToolRead { .. } => "tool_read",
            Self::Asked { .. } => "asked",
            Self::ToolQuarantined { .. } => "tool_quarantined",
            Self::Refused { .. } => "refused",
            Self::Claimed { .. } => "claimed",
            Self::Proposed(_) => "proposed",
            Self::Voted { .. } => "voted",
            Self::DecisionExpired { .. } => "decision_expired",
            Self::DecisionWithdrawn { .. } => "decision_withdrawn",
            Self::DecisionVoided { .. } => "decision_voided",
            Self::IntentRecorded { .. } => "intent_recorded",
            Self::NotSent { .. } => "not_sent",
            Self::OutcomeRecorded { .. } => "outcome_recorded",
            Self::OutcomeUnknown { .. } => "outcome_unknown",
            Self::OutcomeSettled { .. } => "outcome_settled",
            Self::RunConcluded { .. } => "run_concluded",
            Self::RunStopped { .. } => "run_stopped",
            Self::RunExpired {} => "run_expired",
            Self::SignedIn { .. } => "signed_in",
            Self::IntegrationLinked { .. } => "integration_linked",
            Self::IntegrationUnlinked { .. } => "integration_unlinked",
            Self::Alarm { .. } => "alarm",
        }
    }
}

/// What a run is: fixed at its start.
#[derive(Debug, Clone, PartialEq, Hash, Serialize, Deserialize)]
pub struct RunStart {
    /// The mission's name.
    pub mission: String,
    /// The mission's version: the digest of its definition.
    pub mission_version: Digest,
    /// The worker.
    pub worker: String,
    /// The person on whose behalf the run acts.
    pub person: String,
    /// Who started it.
    pub started_by: String,
    /// The parameters as given, and the values bound from them.
    pub bound: serde_json::Map<String, Json>,
    /// When the run's time is up.
    pub expires_at: Milliseconds,
    /// The run's limits.
    pub limits: Limits,
}

/// The limits of a run, which are part of its scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// How many reads (queries, searches, tool reads) the run may make.
    pub reads_max: u64,
    /// How many rows all its reads together may return.
    pub rows_max: u64,
    /// How many effects it may propose.
    pub proposals_max: u64,
}

/// An attested read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// The SQL text, or the words searched for.
    pub statement: String,
    /// The columns touched, by table.
    pub columns: BTreeMap<String, Vec<String>>,
    /// How many rows were returned.
    pub rows: u64,
    /// The digest of the result as it was released.
    pub result: Digest,
    /// The labels that the run picked up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The worker's reason, as it claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
}

/// A proposed effect.
#[derive(Debug, Clone, PartialEq, Hash, Serialize, Deserialize)]
pub struct Proposal {
    /// The decision's id.
    pub decision: String,
    /// Everything that an approval would rest on.
    pub action: Action,
    /// The action's digest.
    pub action_digest: Digest,
    /// The business identity of the effect, where the mission names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect_key: Option<String>,
    /// How many approvals are needed.
    pub approvals_needed: u32,
    /// Until when.
    pub expires_at: Milliseconds,
    /// What the integration says of a repeated or lost request.
    pub profile: EffectProfile,
    /// Why it may be asked, for people: the policies that let it through.
    pub permitted_by: Vec<Reason>,
    /// The worker's reason, as it claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
}

/// What can be done when an effect's answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EffectProfile {
    /// The integration honours the idempotency key: the same request may be sent again.
    Keyed,
    /// A read tool can tell whether the effect happened.
    Probeable,
    /// Nobody can tell but a person.
    #[default]
    Opaque,
}

/// One person's vote.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Vote {
    /// Who.
    pub by: String,
    /// The digest of what was shown to them.
    pub action_digest: Digest,
    /// Yes or no.
    pub approve: bool,
    /// Why; for a no, the worker reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
