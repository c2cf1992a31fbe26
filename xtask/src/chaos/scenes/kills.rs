//! `kill -9` of the server, at each step: at a random moment of a request, or at the very moment that the ledger or an
//! answer tells.

use super::Scene;
use crate::chaos::acts::{Heard, Proposed};
use crate::chaos::ledger::What;
use crate::chaos::notes::Broken;
use crate::chaos::stage::pause;
use crate::chaos::upstream::Manner;
use crate::chaos::workspace::{Mission, Profile};

/// Within how many milliseconds a request is hit, most of the time.
const REQUEST_MILLISECONDS: u64 = 25;
/// How long a start is at most left alone.
const START_MILLISECONDS: u64 = 250;
/// How often a start is hit in one scene.
const STARTS: u64 = 3;

pub(super) async fn proposing(scene: &mut Scene<'_>) -> Result<(), String> {
    let stage = scene.stage;
    let worker = stage.start_run(Mission::Plain).await?;
    let (call, after) = (scene.call(Manner::Plain), scene.dice.below(REQUEST_MILLISECONDS));
    let (heard, killed) = tokio::join!(stage.propose(&worker, &scene.step, &call), stage.kill_server_after(after));
    killed?;
    stage.start_server(None).await?;
    let case = stage.proposed(&worker, &scene.step, &call).await?;
    if let Proposed::Open(first) = heard
        && first != case.decision
    {
        let what = format!("the same call has become {} after a restart", case.decision);
        stage.notes.is_broken(&scene.step, Broken::of(&first, what));
    }
    stage.approved(scene.voter(0)?, &case).await
}

pub(super) async fn voting(scene: &mut Scene<'_>) -> Result<(), String> {
    let (_, case) = scene.proposed(Mission::Plain, Manner::Plain).await?;
    let stage = scene.stage;
    let after = scene.dice.below(REQUEST_MILLISECONDS);
    let voter = scene.voter(0)?;
    let (_, killed) = tokio::join!(stage.vote(voter, &case, true), stage.kill_server_after(after));
    killed?;
    stage.start_server(None).await?;
    // Where it was counted, the second one is refused.
    stage.approve(voter, &case).await.map(drop)
}

pub(super) async fn once_approved(scene: &mut Scene<'_>) -> Result<(), String> {
    scene.approved(Manner::Plain).await?;
    let after = scene.dice.below(4);
    scene.stage.kill_server_after(after).await?;
    scene.stage.start_server(None).await
}

pub(super) async fn before_acting(scene: &mut Scene<'_>) -> Result<(), String> {
    let case = scene.approved(Manner::Slow).await?;
    scene.stage.until_written(What::Arrived, &case.key()).await?;
    scene.stage.kill_server().await?;
    // What was asked for happens all the same, while nobody is there.
    scene.stage.until_written(What::Applied, &case.key()).await?;
    scene.stage.start_server(None).await
}

pub(super) async fn after_acting(scene: &mut Scene<'_>) -> Result<(), String> {
    let case = scene.approved(Manner::Never).await?;
    scene.stage.until_written(What::Applied, &case.key()).await?;
    scene.stage.kill_server().await?;
    scene.stage.start_server(None).await
}

pub(super) async fn at_the_answer(scene: &mut Scene<'_>) -> Result<(), String> {
    let case = scene.approved(Manner::Plain).await?;
    scene.stage.until_written(What::Applied, &case.key()).await?;
    let after = scene.dice.below(8);
    scene.stage.kill_server_after(after).await?;
    scene.stage.start_server(None).await
}

pub(super) async fn settling(scene: &mut Scene<'_>) -> Result<(), String> {
    // What is keyed is sent again, and leaves nothing to settle.
    if scene.profile == Profile::Keyed {
        scene.profile = Profile::Opaque;
    }
    let case = scene.approved(Manner::Lose).await?;
    let stage = scene.stage;
    stage.until_status(&case, "unknown").await?;
    let after = scene.dice.below(REQUEST_MILLISECONDS);
    let voter = scene.voter(1)?;
    let settle = stage.settle(voter, &case.decision, true);
    let (heard, killed) = tokio::join!(settle, stage.kill_server_after(after));
    killed?;
    stage.start_server(None).await?;
    let again = stage.settled(voter, &case.decision, true).await?;
    if (heard, again) == (Heard::Done, Heard::Done) {
        let what = "an outcome was settled, and after a restart it could be settled again";
        stage.notes.is_broken(&scene.step, Broken::of(&case.decision, what));
    }
    Ok(())
}

pub(super) async fn starting(scene: &mut Scene<'_>) -> Result<(), String> {
    let stage = scene.stage;
    scene.approved(Manner::Plain).await?;
    stage.kill_server().await?;
    for _ in 0..=scene.dice.below(STARTS) {
        let starting = stage.begin(None)?;
        pause(scene.dice.below(START_MILLISECONDS)).await;
        stage.notes.kill();
        starting.kill().await?;
    }
    stage.start_server(None).await
}

pub(super) async fn stopping(scene: &mut Scene<'_>) -> Result<(), String> {
    let (worker, _) = scene.proposed(Mission::Plain, Manner::Plain).await?;
    let stage = scene.stage;
    let after = scene.dice.below(REQUEST_MILLISECONDS);
    let voter = scene.voter(2)?;
    let (_, killed) = tokio::join!(stage.stop(voter, worker.run()), stage.kill_server_after(after));
    killed?;
    stage.start_server(None).await?;
    stage.stopped(voter, worker.run()).await.map(drop)
}
