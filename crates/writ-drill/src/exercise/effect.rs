//! What becomes of an approved effect whose outcome is not known, and what its integration may want meanwhile.

use writ_core::decision::{Decision, DecisionStatus};
use writ_core::event::EffectProfile;

use crate::ground::{Ground, Running, copy_store};
use crate::judge::{Holds, done_as_approved, failed, stands};
use crate::site::{Effect, Site};
use crate::stub::{Play, gate};

/// After an unknown outcome: sent again with the same bytes and the same key where the integration honours it, and
/// otherwise left to a person.
async fn is_not_sent_blindly(ground: &Ground, run: &Running, effect: &Effect, decision: &Decision) -> Holds {
    if effect.profile == EffectProfile::Keyed {
        ground.swept_until(run, decision.id(), DecisionStatus::Succeeded).await?;
        return done_as_approved(&ground.stub.ledger(), decision, 2);
    }
    ground.until(run, decision.id(), DecisionStatus::Unknown).await?;
    ground.quiet().await;
    stands(&ground.decision(run, decision.id()).await?, DecisionStatus::Unknown)?;
    done_as_approved(&ground.stub.ledger(), decision, 1)
}

pub(crate) async fn lost_answer(site: &Site) -> Holds {
    let (effect, ground) = (site.effect()?, site.ground().await?);
    let run = ground.start(&effect.start).await?;
    let decision = ground.propose(&run, effect).await?;
    ground.stub.will(Play::Lost);
    ground.approve(effect, &decision).await?;
    is_not_sent_blindly(&ground, &run, effect, &decision).await
}

pub(crate) async fn power_lost(site: &Site) -> Holds {
    let (effect, before) = (site.effect()?, site.ground().await?);
    let run = before.start(&effect.start).await?;
    let decision = before.propose(&run, effect).await?;
    let (gate, mut held) = gate();
    before.stub.will(Play::Waits(gate));
    before.approve(effect, &decision).await?;
    held.arrived().await?;
    let folder = site.new_folder();
    let (from, to) = (before.data(), folder.join(&before.workspace.config.data));
    if let Err(error) = copy_store(&from, &to) {
        return failed(format!("the temporary folder: {error}"));
    }
    // What another server finds that starts on what is on disk at this moment.
    let after = site.again(folder, &before).await?;
    let found = after.decision(&run, decision.id()).await?;
    stands(&found, DecisionStatus::Unknown)?;
    is_not_sent_blindly(&after, &run, effect, &decision).await
}

pub(crate) async fn asks_for_more(site: &Site) -> Holds {
    let (effect, ground) = (site.effect()?, site.ground().await?);
    let run = ground.start(&effect.start).await?;
    let decision = ground.propose(&run, effect).await?;
    ground.stub.will(Play::AsksForMore);
    ground.approve(effect, &decision).await?;
    ground.until(&run, decision.id(), DecisionStatus::Unknown).await?;
    if ground.stub.was_answered() {
        return failed("an integration was answered while it carried out what was approved");
    }
    done_as_approved(&ground.stub.ledger(), &decision, 1)
}
