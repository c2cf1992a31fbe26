//! The scenes: each drives a decision or two to one step, and breaks something there.
//!
//! A scene leaves server and integration running, and need not wait for the end of what it has begun: that is the
//! round's. What a scene itself cannot bring about is an error of its step.

mod kills;
mod pauses;
mod races;
mod store;
mod upstream;

use super::acts::{Call, Case};
use super::dice::Dice;
use super::notes::Broken;
use super::plan::{self, Fault};
use super::stage::{Person, Stage};
use super::upstream::Manner;
use super::workspace::{Mission, Profile};
use crate::tau::client::Worker;

/// The largest amount.
const AMOUNT_MAX: u64 = 1_000;

/// One scene on a stage.
#[derive(Debug)]
struct Scene<'s> {
    stage: &'s Stage<'s>,
    /// The step's name in the report.
    step: String,
    number: usize,
    profile: Profile,
    dice: Dice,
    calls: u64,
}

/// Plays the scenes of a round.
pub(super) async fn play(stage: &Stage<'_>, seed: u64, dice: &mut Dice) {
    for (number, (fault, profile)) in plan::of_round(seed).into_iter().enumerate() {
        let step = format!("{}: {} ({})", number + 1, fault.name(), profile.name());
        let mut scene = Scene { stage, step: step.clone(), number, profile, dice: dice.apart(), calls: 0 };
        let (_, kills_before) = stage.notes.faults();
        let played = scene.play(fault).await;
        if stage.notes.faults().1 == kills_before {
            // What killed nobody has broken something else.
            stage.notes.fault();
        }
        if let Err(why) = played {
            let why = stage.explain(&why).await;
            stage.notes.is_broken(&step, Broken::anywhere(format!("the step did not come about: {why}")));
            if let Err(why) = mended(stage).await {
                stage.notes.is_broken(&step, Broken::anywhere(format!("the round cannot go on: {why}")));
                return;
            }
        }
    }
}

/// Has server and integration run again, whatever a scene left.
async fn mended(stage: &Stage<'_>) -> Result<(), String> {
    stage.upstream.lock().await.be_there().await?;
    stage.start_server(None).await
}

impl<'s> Scene<'s> {
    async fn play(&mut self, fault: Fault) -> Result<(), String> {
        match fault {
            Fault::KilledProposing => kills::proposing(self).await,
            Fault::KilledVoting => kills::voting(self).await,
            Fault::KilledOnceApproved => kills::once_approved(self).await,
            Fault::KilledBeforeActing => kills::before_acting(self).await,
            Fault::KilledAfterActing => kills::after_acting(self).await,
            Fault::KilledAtTheAnswer => kills::at_the_answer(self).await,
            Fault::KilledSettling => kills::settling(self).await,
            Fault::KilledStarting => kills::starting(self).await,
            Fault::KilledStopping => kills::stopping(self).await,
            Fault::UpstreamKilledBeforeActing => upstream::killed_before_acting(self).await,
            Fault::UpstreamKilledAfterActing => upstream::killed_after_acting(self).await,
            Fault::UpstreamAway => upstream::away(self).await,
            Fault::PausedVoting => pauses::voting(self).await,
            Fault::PausedOnceApproved => pauses::once_approved(self).await,
            Fault::PausedSending => pauses::sending(self).await,
            Fault::AnswerLost => upstream::behaves(self, Manner::Lose).await,
            Fault::AnswerLate => upstream::behaves(self, Manner::Late).await,
            Fault::AnswerTwice => upstream::behaves(self, Manner::Twice).await,
            Fault::ErrorAfterActing => upstream::behaves(self, Manner::Error).await,
            Fault::FailureAfterActing => upstream::behaves(self, Manner::Fault).await,
            Fault::NoAnswer => upstream::behaves(self, Manner::Never).await,
            Fault::LostBeforeActing => upstream::behaves(self, Manner::LoseBefore).await,
            Fault::Refused => upstream::behaves(self, Manner::Refuse).await,
            Fault::RejectRace => races::rejection(self).await,
            Fault::ExpiryRace => races::expiry(self).await,
            Fault::StopRace => races::stop(self).await,
            Fault::WithdrawalRace => races::withdrawal(self).await,
            Fault::QuorumRace => races::quorum(self).await,
            Fault::PolicyRace => races::policy(self).await,
            Fault::KeyRace => races::effect_key(self).await,
            Fault::WriteFails => store::write(self, true).await,
            Fault::WriteKills => store::write(self, false).await,
        }
    }

    /// A call of this scene, into an account that nothing else is paid into.
    fn call(&mut self, manner: Manner) -> Call {
        self.calls += 1;
        let account = format!("step-{}-{}", self.number + 1, self.calls);
        Call::new(self.profile, &account, 1 + self.dice.below(AMOUNT_MAX), manner)
    }

    /// A proposal of a new run, shown to a voter.
    async fn proposed(&mut self, mission: Mission, manner: Manner) -> Result<(Worker, Case), String> {
        let worker = self.stage.start_run(mission).await?;
        let call = self.call(manner);
        let case = self.stage.proposed(&worker, &self.step, &call).await?;
        Ok((worker, case))
    }

    /// A proposal that has its approval.
    async fn approved(&mut self, manner: Manner) -> Result<Case, String> {
        let (_, case) = self.proposed(Mission::Plain, manner).await?;
        self.stage.approved(self.voter(0)?, &case).await?;
        Ok(case)
    }

    fn voter(&self, number: usize) -> Result<&'s Person, String> {
        self.stage.cast.voter(number)
    }
}
