//! Writing an export: leaves in, folder out.
//!
//! The module relies on a checkpoint that is signed already, and writes it last, so that a folder
//! that is not complete never verifies. It never signs anything, and holds one leaf at a time
//! besides the leaf hashes.

use std::path::Path;

use super::error::WriteError;
use super::folder::{self, NewFile};
use super::{CHECKPOINT, Report, bodies_path};
use crate::checkpoint::Checkpoint;
use crate::hash::{Hash, leaf_hash};
use crate::leaf::{BODY_BYTES_MAX, Leaf};
use crate::note::Verifier;
use crate::tile::{self, Levels, Tile};

/// Writes an export into a new or empty folder, and returns what is in it.
///
/// `leaves` are all leaves of the log up to the checkpoint, in their order. `checkpoint` is the
/// signed note; it is written as it stands, so it must be signed by `log`, by each of these
/// witnesses, and by nobody else.
///
/// Fails where the checkpoint is refused, the folder is not empty, the leaves are not exactly those
/// that the checkpoint is over, a body is too long, or a file cannot be written. What was written
/// until then stays, without a checkpoint.
pub fn write_export(
    dir: &Path,
    leaves: impl IntoIterator<Item = Leaf>,
    checkpoint: &str,
    log: &Verifier,
    witnesses: &[Verifier],
) -> Result<Report, WriteError> {
    let Checkpoint { origin, size, root } = Checkpoint::open_exactly(checkpoint, log, witnesses)?;
    folder::prepare(dir)?;

    let mut leaves = leaves.into_iter();
    let mut hashes = Vec::new();
    let mut erased = 0;
    for bundle in tile::entry_bundles(size) {
        erased += write_bundle(dir, &bundle, &mut leaves, &mut hashes)?;
    }
    if leaves.next().is_some() {
        return Err(WriteError::TooMany { size });
    }

    let levels = Levels::new(hashes);
    let computed = levels.root();
    if computed != root {
        return Err(WriteError::Root { stated: root, computed });
    }
    for tile in tile::hash_tiles(size) {
        folder::write(dir, &tile.path(), &levels.bytes(&tile).unwrap_or_default())?;
    }
    folder::write(dir, CHECKPOINT, checkpoint.as_bytes())?;
    Ok(Report { origin, size, root, erased })
}

/// Writes one entry bundle and its bodies, appends their leaf hashes, and returns how many leaves
/// were erased.
fn write_bundle(
    dir: &Path,
    bundle: &Tile,
    leaves: &mut impl Iterator<Item = Leaf>,
    hashes: &mut Vec<Hash>,
) -> Result<u64, WriteError> {
    let mut erased = 0;
    let mut entries = Vec::new();
    let mut bodies = NewFile::create(dir, &bodies_path(bundle.index()))?;
    for seq in (bundle.start()..).take(usize::from(bundle.width())) {
        let leaf = leaves.next().ok_or(WriteError::TooFew { seq })?;
        if leaf.seq() != seq {
            return Err(WriteError::Sequence { expected: seq, found: leaf.seq() });
        }
        match &leaf {
            Leaf::Kept(kept) if kept.body.len() > BODY_BYTES_MAX => {
                return Err(WriteError::BodyTooLong { seq });
            }
            Leaf::Kept(_) => {}
            Leaf::Erased { .. } => erased += 1,
        }
        bodies.write(leaf.to_line().as_bytes())?;
        bodies.write(b"\n")?;
        let entry = leaf.commitment();
        hashes.push(leaf_hash(&entry));
        entries.push(entry);
    }
    bodies.finish()?;
    folder::write(dir, &bundle.path(), &tile::encode_entries(&entries))?;
    Ok(erased)
}
