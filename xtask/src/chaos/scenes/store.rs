//! A store whose n-th write fails, or ends the server.
//!
//! The server's files may grow to a size that chance chooses, so that some write reaches beyond it: within a record,
//! between two, at the log's checkpoint. What was acknowledged before is there afterwards, and nothing is acknowledged
//! after a write has failed until the server was started again. There must be room for what the database keeps beside
//! its log, which is never smaller than this.

use super::Scene;
use crate::chaos::acts::Proposed;
use crate::chaos::notes::Broken;
use crate::chaos::stage::FileLimit;
use crate::chaos::upstream::Manner;
use crate::chaos::workspace::Mission;

/// The size of the index that SQLite keeps of its write-ahead log.
const INDEX_BYTES: u64 = 32 * 1024;
/// One page in the write-ahead log, with its head.
const FRAME_BYTES: u64 = 4_096 + 24;
/// How many pages are written at most before a write fails.
const FRAMES_MAX: u64 = 60;
/// How many effects are tried at most until then.
const TRIES_MAX: usize = 12;

pub(super) async fn write(scene: &mut Scene<'_>, fails: bool) -> Result<(), String> {
    let stage = scene.stage;
    // The log is empty after a server has ended in order, so that its size counts from here.
    stage.end_server().await?;
    let bytes = INDEX_BYTES + FRAME_BYTES * scene.dice.below(FRAMES_MAX) + scene.dice.below(FRAME_BYTES);
    // It need not come as far as to answer.
    if stage.start_server(Some(FileLimit { bytes, fails })).await.is_ok() {
        for _ in 0..TRIES_MAX {
            if stage.has_stopped().await {
                break;
            }
            pay_once(scene).await?;
        }
        if stage.has_stopped().await && !stage.server_has_ended().await && accepts(scene).await {
            let what = "something was recorded after a write had failed";
            stage.notes.is_broken(&scene.step, Broken::anywhere(what));
        }
        stage.kill_server().await?;
    }
    stage.start_server(None).await
}

/// Tries an effect, each step once.
async fn pay_once(scene: &mut Scene<'_>) -> Result<(), String> {
    let (stage, call) = (scene.stage, scene.call(Manner::Plain));
    let Some(worker) = stage.try_start_run(Mission::Plain).await else { return Ok(()) };
    let Proposed::Open(decision) = stage.propose(&worker, &scene.step, &call).await else { return Ok(()) };
    if let Some(case) = stage.try_shown(&decision).await {
        stage.vote(scene.voter(0)?, &case, true).await;
    }
    Ok(())
}

/// Whether a server that has stopped recording says that it has recorded something.
async fn accepts(scene: &Scene<'_>) -> bool {
    scene.stage.try_start_run(Mission::Plain).await.is_some()
}
