//! The life of one decision: a pure state machine over [`Event`]s.
//!
//! ```text
//! pending ─┬─ approved ── sending ─┬─ succeeded
//!          ├─ rejected             ├─ failed
//!          ├─ expired              ├─ approved      (never left; unknown, where an earlier attempt may have)
//!          ├─ withdrawn            └─ unknown ── succeeded | failed   (settled)
//!          └─ voided     (also from approved)
//! ```
//!
//! Architecture invariant: only [`Decision::apply`] changes a decision, the store calls it inside the
//! transaction that records the event, and an event that is not legal in the present state is not recorded.
//! `sending` is reached from `approved` alone, with a digest equal to the approved one, and once for each
//! attempt: this is what makes an effect happen at most once.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::code::Reason;
use crate::digest::Digest;
use crate::event::{EffectProfile, Event, Milliseconds, Proposal, Recorded, Vote};

/// Where a decision stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionStatus {
    /// Open to votes.
    Pending,
    /// Enough people said yes; the effect has not been sent.
    Approved,
    /// A person said no.
    Rejected,
    /// Nobody decided in time.
    Expired,
    /// Taken back, or its run ended.
    Withdrawn,
    /// What the approval rested on changed.
    Voided,
    /// The approval is consumed and the effect may be on its way.
    Sending,
    /// The integration said yes.
    Succeeded,
    /// The integration said no.
    Failed,
    /// Nobody knows whether the effect happened.
    Unknown,
}

impl DecisionStatus {
    /// The status as one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Voided => "voided",
            Self::Sending => "sending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing more can happen to the decision.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Approved | Self::Sending | Self::Unknown)
    }

    /// Whether the decision holds its effect key against others: the effect may happen, or has.
    #[must_use]
    pub fn holds_effect_key(self) -> bool {
        matches!(self, Self::Pending | Self::Approved | Self::Sending | Self::Unknown | Self::Succeeded)
    }
}

/// A decision as its events made it.
#[derive(Debug, Clone, PartialEq, Hash, Serialize, Deserialize)]
pub struct Decision {
    /// The proposal.
    pub proposal: Proposal,
    /// When it was proposed.
    pub proposed_at: Milliseconds,
    /// Where it stands.
    pub status: DecisionStatus,
    /// The votes, in order; one a person.
    pub votes: Vec<Vote>,
    /// How often sending was begun.
    pub attempts: u32,
    /// Whether an attempt may have reached the integration: from then on only an answer, or a person, settles it.
    #[serde(default)]
    pub maybe_sent: bool,
    /// The integration's answer, where there is one.
    pub result: Option<Json>,
    /// Why it was rejected, withdrawn, voided, not sent or is unknown.
    pub note: Option<String>,
    /// The trail's sequence number of the last event: a version for whoever looks.
    pub version: u64,
}

/// An event that is not legal in the present state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IllegalDecision {
    /// The decision is not in a state in which this can happen.
    #[error("the decision is {}", .0.name())]
    Status(DecisionStatus),
    /// The digest is not the one that was proposed.
    #[error("the digest is not the decision's own")]
    Digest,
    /// The decision's time is up.
    #[error("the decision has expired")]
    Expired,
    /// The person the run acts for, or somebody who voted before.
    #[error("{0}")]
    Voter(&'static str),
    /// The decision's time is not up yet.
    #[error("the decision has not expired")]
    NotExpired,
    /// The attempt is not the next one.
    #[error("the attempt is not the next one")]
    Attempt,
    /// The event is not about this decision.
    #[error("the event is not about this decision")]
    Foreign,
}

impl Decision {
    /// The decision that a proposal makes.
    #[must_use]
    pub fn propose(proposal: Proposal, at: Milliseconds, seq: u64) -> Self {
        Self {
            proposal,
            proposed_at: at,
            status: DecisionStatus::Pending,
            votes: Vec::new(),
            attempts: 0,
            maybe_sent: false,
            result: None,
            note: None,
            version: seq,
        }
    }

    /// The decision's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.proposal.decision
    }

    /// The digest that votes must name.
    #[must_use]
    pub fn action_digest(&self) -> Digest {
        self.proposal.action_digest
    }

    /// How many approvals it has.
    #[must_use]
    pub fn approvals(&self) -> usize {
        self.votes.iter().filter(|vote| vote.approve).count()
    }

    /// The key by which the integration can tell a repeated request: made from the decision's id alone.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        format!("writ-{}", self.id())
    }

    /// What may follow when this decision's answer was lost.
    #[must_use]
    pub fn may_resend(&self) -> bool {
        self.status == DecisionStatus::Unknown && self.proposal.profile == EffectProfile::Keyed
    }

    /// Takes one event into account.
    ///
    /// # Errors
    /// [`IllegalDecision`] where the event cannot happen now; the decision is unchanged then.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), IllegalDecision> {
        if recorded.event.decision() != Some(self.id()) {
            return Err(IllegalDecision::Foreign);
        }
        match &recorded.event {
            Event::Voted { vote, .. } => self.vote(vote, recorded.at)?,
            Event::DecisionExpired { .. } => {
                self.must_be(&[DecisionStatus::Pending, DecisionStatus::Approved])?;
                if recorded.at < self.proposal.expires_at {
                    return Err(IllegalDecision::NotExpired);
                }
                self.status = DecisionStatus::Expired;
            }
            Event::DecisionWithdrawn { why, .. } => {
                self.must_be(&[DecisionStatus::Pending, DecisionStatus::Approved])?;
                self.close(DecisionStatus::Withdrawn, why);
            }
            Event::DecisionVoided { reasons, .. } => {
                self.must_be(&[DecisionStatus::Pending, DecisionStatus::Approved])?;
                let why: Vec<String> = reasons.iter().map(Reason::to_string).collect();
                self.close(DecisionStatus::Voided, &why.join("; "));
            }
            Event::IntentRecorded { action_digest, attempt, .. } => {
                self.intend(*action_digest, *attempt, recorded.at)?
            }
            Event::NotSent { why, .. } => {
                self.must_be(&[DecisionStatus::Sending])?;
                self.close(if self.maybe_sent { DecisionStatus::Unknown } else { DecisionStatus::Approved }, why);
            }
            Event::OutcomeRecorded { succeeded, result, .. } => {
                self.must_be(&[DecisionStatus::Sending])?;
                self.status = outcome(*succeeded);
                self.result = Some(result.clone());
                self.note = None;
            }
            Event::OutcomeUnknown { why, .. } => {
                self.must_be(&[DecisionStatus::Sending])?;
                self.maybe_sent = true;
                self.close(DecisionStatus::Unknown, why);
            }
            Event::OutcomeSettled { succeeded, note, .. } => {
                self.must_be(&[DecisionStatus::Unknown])?;
                self.close(outcome(*succeeded), note);
            }
            _ => return Err(IllegalDecision::Foreign),
        }
        self.version = recorded.seq;
        Ok(())
    }

    fn vote(&mut self, vote: &Vote, at: Milliseconds) -> Result<(), IllegalDecision> {
        self.must_be(&[DecisionStatus::Pending])?;
        if vote.action_digest != self.proposal.action_digest {
            return Err(IllegalDecision::Digest);
        }
        if at >= self.proposal.expires_at {
            return Err(IllegalDecision::Expired);
        }
        if vote.by == self.proposal.action.person {
            return Err(IllegalDecision::Voter("the person the run acts for cannot vote"));
        }
        if self.votes.iter().any(|earlier| earlier.by == vote.by) {
            return Err(IllegalDecision::Voter("this person has voted already"));
        }
        self.votes.push(vote.clone());
        if !vote.approve {
            self.close(DecisionStatus::Rejected, vote.reason.as_deref().unwrap_or("no reason given"));
        } else if self.approvals() >= usize::try_from(self.proposal.approvals_needed.max(1)).unwrap_or(usize::MAX) {
            self.status = DecisionStatus::Approved;
        }
        Ok(())
    }

    fn intend(&mut self, digest: Digest, attempt: u32, at: Milliseconds) -> Result<(), IllegalDecision> {
        let resend = self.may_resend();
        if !resend {
            self.must_be(&[DecisionStatus::Approved])?;
            if at >= self.proposal.expires_at {
                return Err(IllegalDecision::Expired);
            }
        }
        if digest != self.proposal.action_digest {
            return Err(IllegalDecision::Digest);
        }
        if Some(attempt) != self.attempts.checked_add(1) {
            return Err(IllegalDecision::Attempt);
        }
        self.attempts = attempt;
        self.status = DecisionStatus::Sending;
        Ok(())
    }

    fn must_be(&self, allowed: &[DecisionStatus]) -> Result<(), IllegalDecision> {
        if allowed.contains(&self.status) { Ok(()) } else { Err(IllegalDecision::Status(self.status)) }
    }

    fn close(&mut self, status: DecisionStatus, note: &str) {
        self.status = status;
        self.note = Some(note.to_owned());
    }
}

fn outcome(succeeded: bool) -> DecisionStatus {
    if succeeded { DecisionStatus::Succeeded } else { DecisionStatus::Failed }
}
