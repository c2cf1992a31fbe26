//! The Decision Queue, as people use it.

use std::sync::Arc;

use writ_core::code::{Code, Refusal};
use writ_core::decision::{Decision, DecisionStatus};
use writ_core::digest::Digest;
use writ_core::event::{Event, Vote};

use super::card;
use crate::engine::Engine;
use crate::executor::unreadable;
use crate::view::{DecisionFilter, DecisionView, PersonAccess};

const PAGE_MAX: usize = 200;
const PAGES_LOOKED_THROUGH_MAX: usize = 20;
const REASON_CHARS_MAX: usize = 2000;

impl Engine {
    /// A page of decisions that the person may see, newest first.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`].
    pub async fn decisions(
        &self,
        who: &PersonAccess,
        filter: DecisionFilter,
        before: Option<String>,
        limit: usize,
    ) -> Result<Vec<DecisionView>, Refusal> {
        let is_final = match filter {
            DecisionFilter::Open => Some(false),
            DecisionFilter::Settled => Some(true),
            DecisionFilter::All => None,
        };
        let limit = limit.min(PAGE_MAX);
        let (mut views, mut before) = (Vec::new(), before);
        // What the person may not see takes no place on the page; further pages are looked through for the rest.
        for _ in 0..PAGES_LOOKED_THROUGH_MAX {
            let found = self.store.decisions(is_final, before.as_deref(), PAGE_MAX).map_err(unreadable)?;
            let exhausted = found.len() < PAGE_MAX;
            for decision in found {
                if views.len() == limit {
                    return Ok(views);
                }
                before = Some(decision.id().to_owned());
                if self.may_see(who, &decision).await {
                    views.push(self.view(who, &decision).await?);
                }
            }
            if exhausted {
                break;
            }
        }
        Ok(views)
    }

    /// One decision.
    ///
    /// # Errors
    /// [`Code::DecisionUnknown`] where there is none, or none that this person may see.
    pub async fn decision(&self, who: &PersonAccess, id: &str) -> Result<DecisionView, Refusal> {
        let decision = self.visible_decision(who, id).await?;
        self.view(who, &decision).await
    }

    async fn visible_decision(&self, who: &PersonAccess, id: &str) -> Result<Arc<Decision>, Refusal> {
        let unknown = || Refusal::new(Code::DecisionUnknown, format!("there is no decision `{id}` that you may see"));
        let decision = self.store.decision(id).map_err(unreadable)?.ok_or_else(unknown)?;
        if self.may_see(who, &decision).await { Ok(decision) } else { Err(unknown()) }
    }

    async fn may_see(&self, who: &PersonAccess, decision: &Decision) -> bool {
        let action = &decision.proposal.action;
        action.person == who.person
            || self.may_on_mission(who, "see", &action.mission).await
            || self.may_decide(&self.current(), &who.person, decision).await.is_ok()
    }

    async fn view(&self, who: &PersonAccess, decision: &Arc<Decision>) -> Result<DecisionView, Refusal> {
        let current = self.current();
        let may_vote = self.may_vote(who, decision).await;
        let action = &decision.proposal.action;
        let name = format!("{}.{}", action.integration.name, action.tool);
        let tool = current.epoch.tools.get(&name);
        let mission = self.mission_version(&action.mission_version.to_string());
        let act = mission.as_ref().and_then(|mission| mission.act_of(&name));
        let canonical = action.canonical().map_err(|error| Refusal::new(Code::Internal, error.to_string()))?;
        Ok(DecisionView {
            headline: card::headline(decision, act.map(AsRef::as_ref), tool.map(AsRef::as_ref)),
            card: card::lines(decision, act.map(AsRef::as_ref), tool.map(AsRef::as_ref)),
            canonical,
            may_vote: may_vote.is_ok(),
            may_not_vote_because: may_vote.err().map(|refusal| refusal.message),
            permitted_by: decision.proposal.permitted_by.clone(),
            decision: Decision::clone(decision),
        })
    }

    async fn may_vote(&self, who: &PersonAccess, decision: &Decision) -> Result<(), Refusal> {
        if decision.status != DecisionStatus::Pending {
            return Err(Refusal::new(Code::DecisionClosed, format!("the decision is {}", decision.status.name())));
        }
        if self.clock.now() >= decision.proposal.expires_at {
            return Err(Refusal::new(Code::DecisionClosed, "the decision's time is up"));
        }
        if decision.votes.iter().any(|vote| vote.by == who.person) {
            return Err(Refusal::new(Code::VoteRefused, "you have voted already"));
        }
        self.may_decide(&self.current(), &who.person, decision).await
    }

    /// Votes. The digest is that of what was shown; where it is not the decision's own, nothing happens.
    ///
    /// # Errors
    /// [`Code::DigestMismatch`], [`Code::DecisionClosed`], [`Code::VoteRefused`], [`Code::DecisionUnknown`].
    pub async fn vote(
        self: &Arc<Self>,
        who: &PersonAccess,
        id: &str,
        action_digest: Digest,
        approve: bool,
        reason: Option<String>,
    ) -> Result<DecisionView, Refusal> {
        let decision = self.visible_decision(who, id).await?;
        match self.cast(who, &decision, action_digest, approve, reason).await {
            Ok(()) => self.decision(who, id).await,
            Err(refusal) => {
                let request = format!("vote on {id}, digest {action_digest}, approve {approve}");
                Err(self.refuse(Some(&decision.proposal.action.run), Some(&who.person), &request, refusal).await)
            }
        }
    }

    async fn cast(
        self: &Arc<Self>,
        who: &PersonAccess,
        decision: &Decision,
        action_digest: Digest,
        approve: bool,
        reason: Option<String>,
    ) -> Result<(), Refusal> {
        let reason = reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
        if reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON_CHARS_MAX) {
            return Err(Refusal::new(
                Code::BadArguments,
                format!("the reason has more than {REASON_CHARS_MAX} characters"),
            ));
        }
        if !approve && reason.is_none() {
            return Err(Refusal::new(Code::BadArguments, "a rejection needs a reason: the worker reads it"));
        }
        if action_digest != decision.action_digest() {
            return Err(Refusal::new(
                Code::DigestMismatch,
                format!(
                    "you voted on {action_digest}, but the decision is on {}; look at it again",
                    decision.action_digest()
                ),
            ));
        }
        self.may_vote(who, decision).await?;
        let vote = Vote { by: who.person.clone(), action_digest, approve, reason };
        let event = Event::Voted { decision: decision.id().to_owned(), vote };
        let durable = self.record(&decision.proposal.action.run, vec![event]).await?;
        if durable.decision().is_some_and(|decision| decision.status == DecisionStatus::Approved) {
            self.execute_later(decision.id());
        }
        Ok(())
    }

    /// Records what a person found out about an effect whose outcome was unknown.
    ///
    /// # Errors
    /// [`Code::DecisionClosed`] where the outcome is not unknown, [`Code::VoteRefused`] where the person may not
    /// decide it.
    pub async fn settle(
        &self,
        who: &PersonAccess,
        id: &str,
        succeeded: bool,
        note: &str,
    ) -> Result<DecisionView, Refusal> {
        let decision = self.visible_decision(who, id).await?;
        match self.try_settle(who, &decision, succeeded, note).await {
            Ok(()) => self.decision(who, id).await,
            Err(refusal) => {
                let request = format!("settle {id}, succeeded {succeeded}");
                let run = &decision.proposal.action.run;
                Err(self.refuse(Some(run), Some(&who.person), &request, refusal).await)
            }
        }
    }

    async fn try_settle(
        &self,
        who: &PersonAccess,
        decision: &Decision,
        succeeded: bool,
        note: &str,
    ) -> Result<(), Refusal> {
        let note = note.trim();
        if note.is_empty() || note.chars().count() > REASON_CHARS_MAX {
            return Err(Refusal::new(
                Code::BadArguments,
                format!("say in at most {REASON_CHARS_MAX} characters what you found"),
            ));
        }
        self.may_decide(&self.current(), &who.person, decision).await?;
        if decision.status != DecisionStatus::Unknown {
            return Err(Refusal::new(
                Code::DecisionClosed,
                format!("the outcome is not unknown: the decision is {}", decision.status.name()),
            ));
        }
        let event = Event::OutcomeSettled {
            decision: decision.id().to_owned(),
            by: who.person.clone(),
            succeeded,
            note: note.to_owned(),
        };
        self.record(&decision.proposal.action.run, vec![event]).await.map(|_| ())
    }
}
