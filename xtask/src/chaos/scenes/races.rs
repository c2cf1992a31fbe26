//! Two things at once, of which one may win, and never both.

use rustix::process::Signal;

use super::Scene;
use crate::chaos::acts::Proposed;
use crate::chaos::notes::Broken;
use crate::chaos::stage::{pause, until};
use crate::chaos::upstream::Manner;
use crate::chaos::workspace::{self, BRIEF_SECONDS, Mission};

/// By how many milliseconds one of two is ahead of the other at most.
const AHEAD_MILLISECONDS: u64 = 6;
/// How long before its time is up a decision is voted on at most.
const BEFORE_EXPIRY_MILLISECONDS: u64 = 80;

pub(super) async fn rejection(scene: &mut Scene<'_>) -> Result<(), String> {
    let (_, case) = scene.proposed(Mission::Plain, Manner::Plain).await?;
    let stage = scene.stage;
    let (yes, no) = (scene.voter(0)?, scene.voter(1)?);
    tokio::join!(stage.vote(yes, &case, true), stage.vote(no, &case, false));
    Ok(())
}

pub(super) async fn expiry(scene: &mut Scene<'_>) -> Result<(), String> {
    let (_, case) = scene.proposed(Mission::Brief, Manner::Plain).await?;
    let stage = scene.stage;
    pause(BRIEF_SECONDS * 1_000 - scene.dice.below(BEFORE_EXPIRY_MILLISECONDS)).await;
    stage.vote(scene.voter(0)?, &case, true).await;
    Ok(())
}

pub(super) async fn stop(scene: &mut Scene<'_>) -> Result<(), String> {
    let (worker, case) = scene.proposed(Mission::Plain, Manner::Slow).await?;
    let stage = scene.stage;
    let (ahead, by) = (scene.dice.below(AHEAD_MILLISECONDS), scene.voter(1)?);
    let stop = async {
        pause(ahead).await;
        stage.stop(by, worker.run()).await
    };
    tokio::join!(stage.vote(scene.voter(0)?, &case, true), stop);
    // It is stopped in the end, whichever came first.
    stage.stopped(by, worker.run()).await.map(drop)
}

pub(super) async fn withdrawal(scene: &mut Scene<'_>) -> Result<(), String> {
    let (worker, case) = scene.proposed(Mission::Plain, Manner::Plain).await?;
    let stage = scene.stage;
    let ahead = scene.dice.below(AHEAD_MILLISECONDS);
    let writ = stage.writ();
    let withdraw = async {
        pause(ahead).await;
        writ.withdraw(&worker, &case.decision).await
    };
    let (_, withdrawn) = tokio::join!(stage.vote(scene.voter(0)?, &case, true), withdraw);
    withdrawn.map(drop)
}

pub(super) async fn quorum(scene: &mut Scene<'_>) -> Result<(), String> {
    let (_, case) = scene.proposed(Mission::Quorum, Manner::Plain).await?;
    let stage = scene.stage;
    stage.approved(scene.voter(0)?, &case).await?;
    let (second, third) = (scene.voter(1)?, scene.voter(2)?);
    tokio::join!(stage.vote(second, &case, true), stage.vote(third, &case, true));
    Ok(())
}

pub(super) async fn policy(scene: &mut Scene<'_>) -> Result<(), String> {
    let stage = scene.stage;
    let worker = stage.start_run(Mission::Plain).await?;
    let call = scene.call(Manner::Plain);
    let case = stage.proposed(&worker, &scene.step, &call).await?;
    let epoch = async || stage.ask("/api/health").await?.get("epoch").and_then(serde_json::Value::as_u64);
    let before = until("the server says how it is", async || epoch().await).await?;
    workspace::forbid(&stage.desk, call.account())?;
    let ahead = scene.dice.below(AHEAD_MILLISECONDS);
    let reload = async {
        pause(ahead).await;
        stage.signal(Signal::HUP).await
    };
    let (_, reloaded) = tokio::join!(stage.vote(scene.voter(0)?, &case, true), reload);
    reloaded?;
    until("the new policies are in force", async || epoch().await.filter(|epoch| *epoch > before)).await.map(drop)
}

pub(super) async fn effect_key(scene: &mut Scene<'_>) -> Result<(), String> {
    let stage = scene.stage;
    let (one, other) = (stage.start_run(Mission::Plain).await?, stage.start_run(Mission::Plain).await?);
    let call = scene.call(Manner::Plain);
    let step = &scene.step;
    let both = tokio::join!(stage.propose(&one, step, &call), stage.propose(&other, step, &call));
    let decision = match both {
        (Proposed::Open(decision), Proposed::Refused(_)) | (Proposed::Refused(_), Proposed::Open(decision)) => decision,
        (Proposed::Open(first), Proposed::Open(second)) => {
            let what = format!("{second} waits for the same effect at the same time");
            stage.notes.is_broken(step, Broken::of(&first, what));
            first
        }
        both => return Err(format!("two proposals of the same effect: {both:?}")),
    };
    let case = stage.shown(&decision).await?;
    stage.approved(scene.voter(0)?, &case).await
}
