//! What happens when something changes: between an approval and its send, and while a run is open.

use writ_core::code::Code;
use writ_core::decision::{Decision, DecisionStatus};
use writ_engine::workspace::Workspace;

use crate::ground::{Ground, Running};
use crate::judge::{Holds, Stop, failed, nothing_done, refused};
use crate::site::{Effect, Site};
use crate::stub::Held;

/// An effect that is approved, and whose executor is held just before it looks at everything again.
struct Approved<'a> {
    effect: &'a Effect,
    ground: Ground,
    run: Running,
    decision: Decision,
    held: Held,
}

impl<'a> Approved<'a> {
    async fn of(site: &'a Site) -> Result<Self, Stop> {
        let (effect, ground) = (site.effect()?, site.ground().await?);
        let run = ground.start(&effect.start).await?;
        let decision = ground.propose(&run, effect).await?;
        let mut held = ground.stub.hold_next_look();
        ground.approve(effect, &decision).await?;
        held.arrived().await?;
        Ok(Self { effect, ground, run, decision, held })
    }

    /// The executor goes on. The decision must end so, and nothing may be done.
    async fn ends_as(self, wanted: DecisionStatus) -> Holds {
        let Self { ground, run, decision, held, .. } = self;
        drop(held);
        ground.swept_until(&run, decision.id(), wanted).await?;
        ground.quiet().await;
        nothing_done(&ground.stub.ledger())
    }
}

pub(crate) async fn drifted_before_send(site: &Site) -> Holds {
    let approved = Approved::of(site).await?;
    let (integration, name) = approved.effect.parts();
    approved.ground.stub.redescribe(integration, name);
    approved.ends_as(DecisionStatus::Voided).await
}

pub(crate) async fn other_server_before_send(site: &Site) -> Holds {
    let approved = Approved::of(site).await?;
    approved.ground.stub.replace_server(approved.effect.parts().0);
    approved.ends_as(DecisionStatus::Voided).await
}

pub(crate) async fn policy_before_send(site: &Site) -> Holds {
    let mut approved = Approved::of(site).await?;
    approved.ground.reload(|workspace| workspace.approvals.text.push_str("\n// A remark of the drill.\n")).await?;
    approved.ends_as(DecisionStatus::Voided).await
}

pub(crate) async fn approver_before_send(site: &Site) -> Holds {
    let mut approved = Approved::of(site).await?;
    let approver = approved.effect.approvers.first().cloned().unwrap_or_default();
    approved.ground.reload(|workspace| disable(workspace, &approver)).await?;
    approved.ends_as(DecisionStatus::Voided).await
}

pub(crate) async fn person_before_send(site: &Site) -> Holds {
    let mut approved = Approved::of(site).await?;
    let person = approved.effect.start.person.clone();
    approved.ground.reload(|workspace| disable(workspace, &person)).await?;
    let said = approved.ground.call(&approved.run, &approved.effect.exposed, &approved.effect.arguments).await;
    refused("a call for somebody who was revoked", &said, &[Code::NotPermitted])?;
    approved.ends_as(DecisionStatus::Voided).await
}

fn disable(workspace: &mut Workspace, person: &str) {
    if let Some(definition) = workspace.people.value.people.get_mut(person) {
        definition.disabled = true;
    }
}

pub(crate) async fn stopped_before_send(site: &Site) -> Holds {
    let approved = Approved::of(site).await?;
    approved.ground.stop(&approved.run).await?;
    approved.ends_as(DecisionStatus::Withdrawn).await
}

pub(crate) async fn expired_before_send(site: &Site) -> Holds {
    let approved = Approved::of(site).await?;
    let expires_at = approved.decision.proposal.expires_at;
    approved.ground.pass(expires_at.saturating_sub(approved.ground.now()));
    approved.ends_as(DecisionStatus::Expired).await
}

pub(crate) async fn drifted_tool(site: &Site) -> Holds {
    let (effect, ground) = (site.effect()?, site.ground().await?);
    let run = ground.start(&effect.start).await?;
    let (integration, name) = effect.parts();
    ground.stub.redescribe(integration, name);
    ground.engine.inspect_integrations().await;
    let said = ground.call(&run, &effect.exposed, &effect.arguments).await;
    refused("a call of a tool that has changed", &said, &[Code::ToolQuarantined])?;
    nothing_done(&ground.stub.ledger())
}

/// The example's call after a change of the definitions, in a run that was open before. It must be refused.
async fn refused_after(site: &Site, change: impl FnOnce(&mut Workspace, &Effect), what: &str, codes: &[Code]) -> Holds {
    let effect = site.effect()?;
    let mut ground = site.ground().await?;
    let run = ground.start(&effect.start).await?;
    ground.reload(|workspace| change(workspace, effect)).await?;
    let said = ground.call(&run, &effect.exposed, &effect.arguments).await;
    refused(what, &said, codes)?;
    nothing_done(&ground.stub.ledger())
}

pub(crate) async fn worker_revoked(site: &Site) -> Holds {
    let change = |workspace: &mut Workspace, effect: &Effect| {
        if let Some(worker) = workspace.people.value.workers.get_mut(&effect.start.mission.worker) {
            worker.disabled = true;
        }
    };
    refused_after(site, change, "a call of a worker that was revoked", &[Code::NotPermitted]).await
}

pub(crate) async fn new_guardrail(site: &Site) -> Holds {
    let change = |workspace: &mut Workspace, effect: &Effect| forbid(workspace, effect, "true");
    refused_after(site, change, "a call that a new guardrail forbids", &[Code::NotPermitted]).await
}

pub(crate) async fn erring_guardrail(site: &Site) -> Holds {
    // Arithmetic that leaves the range of 64 bits for any number of reads but very many.
    let errs = "context.run.reads - 9223372036854775807 - 2 > 0";
    let change = |workspace: &mut Workspace, effect: &Effect| forbid(workspace, effect, errs);
    refused_after(site, change, "a call on which a guardrail errs", &[Code::NotPermitted]).await
}

fn forbid(workspace: &mut Workspace, effect: &Effect, condition: &str) {
    let action = effect.tool.escape_default();
    workspace.guardrails.text.push_str(&format!(
        "\n@id(\"drill-forbids\")\nforbid (principal, action == Action::\"{action}\", resource is Tool)\nwhen {{ {condition} }};\n"
    ));
}

pub(crate) async fn no_guardrail(site: &Site) -> Holds {
    let change = |workspace: &mut Workspace, _: &Effect| workspace.guardrails.text.clear();
    // Without a guardrail that permits reading there is no fact either.
    let codes = [Code::NotPermitted, Code::FactMissing];
    refused_after(site, change, "a call without any guardrail that permits", &codes).await
}

pub(crate) async fn broken_definitions(site: &Site) -> Holds {
    let effect = site.effect()?;
    let mut ground = site.ground().await?;
    let run = ground.start(&effect.start).await?;
    let broken = |workspace: &mut Workspace| workspace.guardrails.text.push_str("\nthis is no policy\n");
    if ground.try_reload(broken).await?.is_ok() {
        return failed("definitions that do not parse came into force");
    }
    // The old ones stay in force.
    ground.propose(&run, effect).await?;
    nothing_done(&ground.stub.ledger())
}
