//! What stands in the trail, and what becomes of a trail that somebody has changed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value as Json};
use writ_core::decision::{Decision, DecisionStatus};
use writ_core::event::Recorded;
use writ_store::{Archive, Database};
use writ_trail::checkpoint::Checkpoint;
use writ_trail::note::Verifier;
use writ_trail::{bundle, export};

use crate::ground::{Ground, copy_store, opens, signer};
use crate::judge::{Holds, Stop, failed, rests_on_approvals};
use crate::site::Site;
use crate::stub::Sabotage;

/// How often, and how far apart, to look whether the last event is under a signed checkpoint.
const LOOKS_MAX: usize = 400;
const LOOK_EVERY_MILLISECONDS: u64 = 25;
/// How many bytes of a proof are changed, one at a time.
const CHANGES: usize = 32;

/// A trail with a whole decision in it, under a signed checkpoint.
struct Story {
    ground: Ground,
    decision: Decision,
    key: Verifier,
}

impl Story {
    async fn of(site: &Site) -> Result<Self, Stop> {
        let (effect, ground) = (site.effect()?, site.ground().await?);
        let run = ground.start(&effect.start).await?;
        let decision = ground.propose(&run, effect).await?;
        ground.approve(effect, &decision).await?;
        let decision = ground.until(&run, decision.id(), DecisionStatus::Succeeded).await?;
        let key = signed(&ground).await?;
        Ok(Self { ground, decision, key })
    }

    fn archive(&self) -> Result<Archive, Stop> {
        let opened = Archive::open(&self.ground.data(), &Database::Sqlite, self.key.clone());
        opened.map_err(|error| Stop::Failed(format!("the trail cannot be read: {error}")))
    }

    /// An export of it.
    fn export(&self) -> Result<PathBuf, Stop> {
        let folder = self.ground.beside("export");
        match self.archive()?.export(&folder) {
            Ok(_) => Ok(folder),
            Err(error) => failed(format!("the trail cannot be exported: {error}")),
        }
    }

    /// Events that were verified show what the decision rests on.
    fn is_shown<'a>(&self, of: &str, bodies: impl Iterator<Item = &'a [u8]>) -> Holds {
        let events: Result<Vec<Recorded>, _> = bodies.map(serde_json::from_slice).collect();
        match events {
            Ok(events) => rests_on_approvals(&events, self.decision.id()),
            Err(error) => failed(format!("an event of the {of} cannot be read: {error}")),
        }
    }
}

/// Waits until everything that is recorded is under a signed checkpoint; gives back the key to verify it with.
async fn signed(ground: &Ground) -> Result<Verifier, Stop> {
    let key = signer(&ground.workspace).map_err(Stop::Failed)?.verifier();
    let recorded = *ground.engine.follow().borrow();
    for _ in 0..LOOKS_MAX {
        let note = ground.engine.checkpoint().await.map_err(|refusal| Stop::Failed(refusal.to_string()))?;
        match Checkpoint::open(&note, &key) {
            Ok(checkpoint) if checkpoint.size >= recorded => return Ok(key),
            Ok(_) => tokio::time::sleep(Duration::from_millis(LOOK_EVERY_MILLISECONDS)).await,
            Err(error) => return failed(format!("the trail's own checkpoint is refused: {error}")),
        }
    }
    failed("what was recorded is not signed in time")
}

pub(crate) async fn verifies(site: &Site) -> Holds {
    let story = Story::of(site).await?;
    let folder = story.export()?;
    if site.sabotage() == Sabotage::AltersExports
        && let Some(first) = files(&folder).map_err(scratch)?.first()
    {
        flip(first).map_err(scratch)?;
    }
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    let visit = |_: u64, body: &[u8]| bodies.push(body.to_vec());
    if let Err(error) = export::verify_export_with(&folder, &story.key, &[], visit) {
        return failed(format!("an export of the trail does not verify: {error}"));
    }
    story.is_shown("trail", bodies.iter().map(Vec::as_slice))
}

pub(crate) async fn altered_export(site: &Site) -> Holds {
    let story = Story::of(site).await?;
    let folder = story.export()?;
    let files = files(&folder).map_err(scratch)?;
    if files.is_empty() {
        return failed("an export has no files");
    }
    for file in files {
        let bytes = flip(&file).map_err(scratch)?;
        if site.sabotage() == Sabotage::RepairsExports {
            std::fs::write(&file, &bytes).map_err(scratch)?;
        }
        if export::verify_export(&folder, &story.key, &[]).is_ok() {
            let name = file.strip_prefix(&folder).unwrap_or(&file);
            return failed(format!("a changed byte of `{}` is not found", name.display()));
        }
        std::fs::write(&file, bytes).map_err(scratch)?;
    }
    Ok(())
}

/// Every file under a folder.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut open, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { open.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    files.sort();
    Ok(files)
}

/// Changes one byte of a file; gives back what was in it before.
fn flip(file: &Path) -> io::Result<Vec<u8>> {
    let bytes = std::fs::read(file)?;
    let mut changed = bytes.clone();
    let middle = changed.len() / 2;
    changed.iter_mut().skip(middle).take(1).for_each(|byte| *byte ^= 1);
    std::fs::write(file, changed)?;
    Ok(bytes)
}

fn scratch(error: io::Error) -> Stop {
    Stop::Failed(format!("the temporary folder: {error}"))
}

pub(crate) async fn proves_a_decision(site: &Site) -> Holds {
    let story = Story::of(site).await?;
    let proof = match story.archive()?.proof(story.decision.id()) {
        Ok(proof) => proof,
        Err(error) => return failed(format!("there is no proof of the decision: {error}")),
    };
    let shown = match bundle::verify(&proof, &story.key) {
        Ok(shown) => shown,
        Err(error) => return failed(format!("the proof of the decision does not verify: {error}")),
    };
    story.is_shown("proof", shown.iter().map(|(_, body)| body.as_slice()))?;
    for change in 0..CHANGES {
        let at = proof.len().saturating_mul(change) / CHANGES;
        let mut bytes = proof.clone().into_bytes();
        bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
        if String::from_utf8(bytes).is_ok_and(|changed| bundle::verify(&changed, &story.key).is_ok()) {
            return failed(format!("a proof whose byte {at} was changed still verifies"));
        }
    }
    Ok(())
}

pub(crate) async fn older_database(site: &Site) -> Holds {
    let (example, ground) = (site.start()?, site.ground().await?);
    let run = ground.start(example).await?;
    signed(&ground).await?;
    let image = ground.beside("image");
    copy_store(&ground.data(), &image).map_err(scratch)?;
    if !opens(&image, &ground.workspace)? {
        return failed("a whole copy of the store is refused");
    }
    ground.call(&run, "observe", &Map::from_iter([("text".to_owned(), Json::from("the drill"))])).await;
    signed(&ground).await?;
    std::fs::copy(ground.data().join("checkpoint"), image.join("checkpoint")).map_err(scratch)?;
    if opens(&image, &ground.workspace)? {
        return failed("a database that is older than its last signed checkpoint is taken");
    }
    Ok(())
}
