//! What an approval is good for: once, for exactly what was shown, in its time, and from somebody else.

use serde_json::{Map, Value as Json};
use writ_core::code::Code;
use writ_core::decision::{Decision, DecisionStatus};
use writ_core::definition::Need;
use writ_engine::workspace::Workspace;

use crate::ground::{Ground, Running};
use crate::judge::{Holds, Stop, done_as_approved, failed, nothing_done, refused, rests_on_approvals, stands};
use crate::site::{Effect, Site};

/// Lets everybody decide everything.
const EVERYBODY_DECIDES: &str = "\n@id(\"drill-everybody-decides\")\npermit (principal, action, resource);\n";

/// An effect that waits for a person.
struct Waiting<'a> {
    effect: &'a Effect,
    ground: Ground,
    run: Running,
    decision: Decision,
}

impl<'a> Waiting<'a> {
    async fn of(site: &'a Site) -> Result<Self, Stop> {
        Self::on(site.effect()?, site.ground().await?).await
    }

    async fn on(effect: &'a Effect, ground: Ground) -> Result<Self, Stop> {
        let run = ground.start(&effect.start).await?;
        let decision = ground.propose(&run, effect).await?;
        Ok(Self { effect, ground, run, decision })
    }

    /// It is approved, and carried out.
    async fn carried_out(site: &'a Site) -> Result<Self, Stop> {
        let mut waiting = Self::of(site).await?;
        waiting.carry_out().await?;
        Ok(waiting)
    }

    async fn carry_out(&mut self) -> Holds {
        self.ground.approve(self.effect, &self.decision).await?;
        self.decision = self.ground.until(&self.run, self.decision.id(), DecisionStatus::Succeeded).await?;
        Ok(())
    }

    /// The decision stands so, and nothing was done.
    async fn nothing_follows(&self, status: DecisionStatus) -> Holds {
        self.ground.quiet().await;
        stands(&self.ground.decision(&self.run, self.decision.id()).await?, status)?;
        nothing_done(&self.ground.stub.ledger())
    }

    /// What was approved was done once, and nothing else was.
    async fn nothing_more_follows(&self) -> Holds {
        self.ground.quiet().await;
        done_as_approved(&self.ground.stub.ledger(), &self.decision, 1)
    }

    /// A vote of somebody that must be refused, after which the decision is open as before.
    async fn vote_is_refused(&self, who: &str, what: &str, codes: &[Code]) -> Holds {
        let said = self.ground.vote(who, self.decision.id(), self.decision.action_digest(), true).await?;
        refused(what, &said, codes)?;
        self.nothing_follows(DecisionStatus::Pending).await
    }

    fn first_approver(&self) -> Result<&'a str, Stop> {
        let first = self.effect.approvers.first().map(String::as_str);
        first.ok_or_else(|| Stop::NotApplicable("nobody may approve the example".to_owned()))
    }
}

pub(crate) async fn waits(site: &Site) -> Holds {
    Waiting::of(site).await?.nothing_follows(DecisionStatus::Pending).await
}

pub(crate) async fn carried_out_once(site: &Site) -> Holds {
    let done = Waiting::carried_out(site).await?;
    done.nothing_more_follows().await?;
    rests_on_approvals(&done.ground.rail(&done.run).await?, done.decision.id())
}

pub(crate) async fn mutated_approval(site: &Site) -> Holds {
    let waiting = Waiting::of(site).await?;
    let mut digest = waiting.decision.action_digest();
    digest.0.iter_mut().take(1).for_each(|byte| *byte ^= 1);
    let said = waiting.ground.vote(waiting.first_approver()?, waiting.decision.id(), digest, true).await?;
    refused("a vote on another digest", &said, &[Code::DigestMismatch])?;
    waiting.nothing_follows(DecisionStatus::Pending).await
}

pub(crate) async fn mutated_call(site: &Site) -> Holds {
    let effect =
        site.effect_where(|effect| other(&effect.arguments).is_some(), "no effect has an argument to change")?;
    let mut done = Waiting::on(effect, site.ground().await?).await?;
    done.carry_out().await?;
    let arguments = other(&effect.arguments).unwrap_or_default();
    let said = done.ground.call(&done.run, &effect.exposed, &arguments).await;
    if [said.pending(), said.settled()].contains(&Some(done.decision.id())) {
        return failed("another call is answered with the decision on the approved one");
    }
    done.nothing_more_follows().await
}

/// The same arguments but for one.
fn other(arguments: &Map<String, Json>) -> Option<Map<String, Json>> {
    let mut other = arguments.clone();
    let changed = other.values_mut().find(|value| value.is_string() || value.is_number())?;
    *changed = match changed.as_f64() {
        Some(number) => Json::from(number / 2.0),
        None => Json::from(format!("{} too", changed.as_str().unwrap_or_default())),
    };
    Some(other)
}

pub(crate) async fn replayed_vote(site: &Site) -> Holds {
    let done = Waiting::carried_out(site).await?;
    let digest = done.decision.action_digest();
    let said = done.ground.vote(done.first_approver()?, done.decision.id(), digest, true).await?;
    refused("an approval that was given before", &said, &[Code::DecisionClosed, Code::VoteRefused])?;
    done.nothing_more_follows().await
}

pub(crate) async fn replayed_call(site: &Site) -> Holds {
    let done = Waiting::carried_out(site).await?;
    let said = done.ground.call(&done.run, &done.effect.exposed, &done.effect.arguments).await;
    if said.settled() != Some(done.decision.id()) {
        return failed(format!("the same call does not find its decision again: {}", said.content));
    }
    done.nothing_more_follows().await
}

pub(crate) async fn past_expiry(site: &Site) -> Holds {
    let waiting = Waiting::of(site).await?;
    waiting.ground.pass(waiting.decision.proposal.expires_at.saturating_sub(waiting.ground.now()));
    let digest = waiting.decision.action_digest();
    let said = waiting.ground.vote(waiting.first_approver()?, waiting.decision.id(), digest, true).await?;
    refused("an approval after the decision's time", &said, &[Code::DecisionClosed])?;
    waiting.ground.swept_until(&waiting.run, waiting.decision.id(), DecisionStatus::Expired).await?;
    waiting.nothing_follows(DecisionStatus::Expired).await
}

pub(crate) async fn own_vote(site: &Site) -> Holds {
    let waiting = Waiting::of(site).await?;
    let person = &waiting.effect.start.person;
    waiting.vote_is_refused(person, "a vote of the person acted for", &[Code::VoteRefused]).await
}

pub(crate) async fn own_vote_though_allowed(site: &Site) -> Holds {
    let effect = site.effect()?;
    let ground = site.ground_with(|workspace| workspace.approvals.text.push_str(EVERYBODY_DECIDES)).await?;
    let waiting = Waiting::on(effect, ground).await?;
    let what = "a vote of the person acted for, whom the rules allow to decide";
    waiting.vote_is_refused(&effect.start.person, what, &[Code::VoteRefused]).await
}

pub(crate) async fn strangers_vote(site: &Site) -> Holds {
    let effect = site.effect()?;
    let known = site.workspace().people.value.people.iter().filter(|(_, definition)| !definition.disabled);
    let mut known = known.map(|(id, _)| id).take(crate::search::PEOPLE_MAX);
    let stranger = known.find(|id| **id != effect.start.person && !effect.approvers.contains(id));
    let Some(stranger) = stranger else {
        return Err(Stop::NotApplicable("everybody else may approve the example".to_owned()));
    };
    let waiting = Waiting::of(site).await?;
    let codes = [Code::DecisionUnknown, Code::VoteRefused];
    waiting.vote_is_refused(stranger, "a vote of somebody who may not decide", &codes).await
}

pub(crate) async fn one_vote_each(site: &Site) -> Holds {
    let effect = site.effect()?;
    let ground = site.ground_with(|workspace| needs_one_more(workspace, effect)).await?;
    let waiting = Waiting::on(effect, ground).await?;
    let needed = usize::try_from(waiting.decision.proposal.approvals_needed).unwrap_or(usize::MAX);
    waiting.ground.approve_by(effect, &waiting.decision, needed.saturating_sub(1)).await?;
    let codes = [Code::VoteRefused];
    waiting.vote_is_refused(waiting.first_approver()?, "a second vote of the same person", &codes).await
}

/// One approval more than the mission asks for.
fn needs_one_more(workspace: &mut Workspace, effect: &Effect) {
    let missions = workspace.missions.iter_mut().map(|defined| &mut defined.value);
    for mission in missions.filter(|mission| mission.mission == effect.start.mission.mission) {
        for act in mission.act.iter_mut().filter(|act| act.tool.as_ref() == Some(&effect.tool)) {
            let need = act.need.get_or_insert_with(|| Need { approvals: 1, within: "4h".to_owned() });
            need.approvals = need.approvals.max(1).saturating_add(1);
        }
    }
}

pub(crate) async fn rejected(site: &Site) -> Holds {
    let waiting = Waiting::of(site).await?;
    let digest = waiting.decision.action_digest();
    let said = waiting.ground.vote(waiting.first_approver()?, waiting.decision.id(), digest, false).await?;
    if said.refused.is_some() {
        return failed(format!("a rejection is refused: {}", said.content));
    }
    let said = waiting.ground.call(&waiting.run, &waiting.effect.exposed, &waiting.effect.arguments).await;
    refused("the call that was rejected", &said, &[Code::RejectedBefore])?;
    waiting.nothing_follows(DecisionStatus::Rejected).await
}

pub(crate) async fn second_effect_of_a_key(site: &Site) -> Holds {
    let effect = site.effect_where(|effect| effect.act.effect_key.is_some(), "no effect has an effect key")?;
    let mut done = Waiting::on(effect, site.ground().await?).await?;
    let other = done.ground.start(&effect.start).await?;
    let said = done.ground.call(&other, &effect.exposed, &effect.arguments).await;
    refused("a proposal while another one holds its effect key", &said, &[Code::EffectKeyTaken])?;
    done.carry_out().await?;
    let said = done.ground.call(&other, &effect.exposed, &effect.arguments).await;
    refused("a proposal after an effect of its key", &said, &[Code::EffectKeyTaken])?;
    done.nothing_more_follows().await
}

pub(crate) async fn proposals_limit(site: &Site) -> Holds {
    let effect = site.effect()?;
    let change = |workspace: &mut Workspace| {
        for mission in &mut workspace.missions {
            mission.value.limits.proposals = 0;
        }
    };
    let ground = site.ground_with(change).await?;
    let run = ground.start(&effect.start).await?;
    let said = ground.call(&run, &effect.exposed, &effect.arguments).await;
    refused("a proposal past the run's limit", &said, &[Code::LimitReached])?;
    nothing_done(&ground.stub.ledger())
}
