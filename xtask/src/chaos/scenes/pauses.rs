//! A server that stands still (SIGSTOP) for longer than a decision may wait, or than an answer may take.

use rustix::process::Signal;

use super::Scene;
use crate::chaos::ledger::What;
use crate::chaos::stage::pause;
use crate::chaos::upstream::Manner;
use crate::chaos::workspace::{ANSWER_SECONDS, BRIEF_SECONDS, Mission};

/// How long it stands still beyond the time that matters.
const BEYOND_MILLISECONDS: u64 = 400;

pub(super) async fn voting(scene: &mut Scene<'_>) -> Result<(), String> {
    let (_, case) = scene.proposed(Mission::Brief, Manner::Plain).await?;
    let stage = scene.stage;
    stage.signal(Signal::STOP).await?;
    let goes_on = async {
        pause(BRIEF_SECONDS * 1_000 + BEYOND_MILLISECONDS).await;
        stage.signal(Signal::CONT).await
    };
    let voter = scene.voter(0)?;
    // The vote comes in time, and is read when it is too late.
    let (_, went_on) = tokio::join!(stage.vote(voter, &case, true), goes_on);
    went_on
}

pub(super) async fn once_approved(scene: &mut Scene<'_>) -> Result<(), String> {
    let (_, case) = scene.proposed(Mission::Brief, Manner::Plain).await?;
    let stage = scene.stage;
    // A machine that is busy may bring the vote too late; then there is nothing more to see.
    stage.approve(scene.voter(0)?, &case).await?;
    stage.signal(Signal::STOP).await?;
    pause(BRIEF_SECONDS * 1_000 + BEYOND_MILLISECONDS).await;
    stage.signal(Signal::CONT).await
}

pub(super) async fn sending(scene: &mut Scene<'_>) -> Result<(), String> {
    let case = scene.approved(Manner::Slow).await?;
    let stage = scene.stage;
    stage.until_written(What::Arrived, &case.key()).await?;
    stage.signal(Signal::STOP).await?;
    pause(ANSWER_SECONDS * 1_000 + BEYOND_MILLISECONDS).await;
    stage.signal(Signal::CONT).await
}
