//! An integration that is killed, is away, or behaves badly.

use super::Scene;
use crate::chaos::ledger::What;
use crate::chaos::stage::pause;
use crate::chaos::upstream::Manner;
use crate::chaos::workspace::Mission;

/// How long it is away at most.
const AWAY_MILLISECONDS: u64 = 1_500;

pub(super) async fn killed_before_acting(scene: &mut Scene<'_>) -> Result<(), String> {
    let case = scene.approved(Manner::Slow).await?;
    killed_once(scene, What::Arrived, &case.key()).await
}

pub(super) async fn killed_after_acting(scene: &mut Scene<'_>) -> Result<(), String> {
    let case = scene.approved(Manner::Never).await?;
    killed_once(scene, What::Applied, &case.key()).await
}

async fn killed_once(scene: &Scene<'_>, what: What, key: &str) -> Result<(), String> {
    scene.stage.until_written(what, key).await?;
    scene.stage.notes.kill();
    let mut upstream = scene.stage.upstream.lock().await;
    upstream.kill().await?;
    upstream.be_there().await
}

pub(super) async fn away(scene: &mut Scene<'_>) -> Result<(), String> {
    let (_, case) = scene.proposed(Mission::Plain, Manner::Plain).await?;
    let stage = scene.stage;
    stage.notes.kill();
    stage.upstream.lock().await.kill().await?;
    stage.approved(scene.voter(0)?, &case).await?;
    pause(scene.dice.below(AWAY_MILLISECONDS)).await;
    stage.upstream.lock().await.be_there().await
}

pub(super) async fn behaves(scene: &mut Scene<'_>, manner: Manner) -> Result<(), String> {
    let case = scene.approved(manner).await?;
    scene.stage.until_written(What::Arrived, &case.key()).await
}
