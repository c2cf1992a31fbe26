//! Verifying an export: folder and public key in, report or the first fault out.
//!
//! The order of the checks is what makes a fault name the right file. The signature makes the
//! checkpoint true. If the entries give its root, they are true, and whatever disagrees with them
//! is at fault: a tile, a body. If not, the tiles show which entry is at fault. The module relies
//! on [`super::folder`] for every byte. It never hands on a body that the signed tree does not commit
//! to.

use std::path::Path;

use super::error::{Fault, Place, VerifyError};
use super::folder::{self, Lines};
use super::{BODIES, CHECKPOINT, Report, bodies_path, has_file};
use crate::checkpoint::Checkpoint;
use crate::hash::{HASH_BYTES, Hash, leaf_hash};
use crate::leaf::Record;
use crate::note::{NOTE_BYTES_MAX, Verifier};
use crate::tile::{self, ENTRY_FRAME_BYTES, Levels, TILE_WIDTH, Tile};

/// A hash of a tile that is not the one that the entries give.
struct Difference {
    position: u64,
    stated: Hash,
    computed: Hash,
}

/// Verifies an export against the log's public key.
///
/// The checkpoint must carry the log's signature, one by each of the witnesses, and no other. Fails
/// with the first thing that is wrong: a byte that differs, something missing, something that does
/// not belong there.
pub fn verify_export(dir: &Path, log: &Verifier, witnesses: &[Verifier]) -> Result<Report, VerifyError> {
    verify_export_reading(dir, log, witnesses, |_, _| {})
}

/// Verifies an export, and on the way hands on each leaf's number and body, in their order and
/// without the erased ones: one reading, for whoever works something out of a large log.
///
/// A body is handed on once it is the one that the signed tree commits to, but before the bodies
/// after it have been looked at. Fails as [`verify_export`] does, and then what was handed on counts
/// for nothing.
pub fn verify_export_reading(
    dir: &Path,
    log: &Verifier,
    witnesses: &[Verifier],
    visit: impl FnMut(u64, &[u8]),
) -> Result<Report, VerifyError> {
    let (report, _) = verify(dir, log, witnesses, visit)?;
    Ok(report)
}

/// Verifies an export, and then hands on each leaf's number and body, in their order and without
/// the erased ones.
///
/// Fails as [`verify_export`] does, before the first body is handed on. Bodies are read a second
/// time for it; if the folder is changed in between, what is handed on is still only what was
/// committed to.
pub fn verify_export_with(
    dir: &Path,
    log: &Verifier,
    witnesses: &[Verifier],
    visit: impl FnMut(u64, &[u8]),
) -> Result<Report, VerifyError> {
    let (report, levels) = verify(dir, log, witnesses, |_, _| {})?;
    if read_bodies(dir, levels.leaves(), visit)? != report.erased {
        return Err(VerifyError::whole(BODIES, Fault::Changed));
    }
    Ok(report)
}

fn verify(
    dir: &Path,
    log: &Verifier,
    witnesses: &[Verifier],
    visit: impl FnMut(u64, &[u8]),
) -> Result<(Report, Levels), VerifyError> {
    let Checkpoint { origin, size, root } = read_checkpoint(dir, log, witnesses)?;
    folder::check_names(dir, |path| has_file(path, size))?;

    let levels = Levels::new(read_entries(dir, size)?);
    let computed = levels.root();
    if computed != root {
        find_wrong_entry(dir, size, &levels)?;
        return Err(VerifyError::whole(CHECKPOINT, Fault::Root { stated: root, computed }));
    }
    check_tiles(dir, size, &levels)?;
    let erased = read_bodies(dir, levels.leaves(), visit)?;
    Ok((Report { origin, size, root, erased }, levels))
}

fn read_checkpoint(dir: &Path, log: &Verifier, witnesses: &[Verifier]) -> Result<Checkpoint, VerifyError> {
    let refused = |fault| VerifyError::whole(CHECKPOINT, fault);
    let bytes = folder::read_at_most(dir, CHECKPOINT, NOTE_BYTES_MAX)?;
    let note = str::from_utf8(&bytes).map_err(|_| refused(Fault::NotText))?;
    Checkpoint::open_exactly(note, log, witnesses).map_err(|error| refused(Fault::Checkpoint(error)))
}

/// Reads every entry bundle, and returns the leaf hashes of the entries.
fn read_entries(dir: &Path, size: u64) -> Result<Vec<Hash>, VerifyError> {
    let mut leaves = Vec::new();
    for bundle in tile::entry_bundles(size) {
        let file = bundle.path();
        let length = usize::from(bundle.width()) * ENTRY_FRAME_BYTES;
        let bytes = folder::read_exactly(dir, &file, length)?;
        for (seq, entry) in (bundle.start()..).zip(tile::decode_entries(&bytes)) {
            let entry = entry.ok_or_else(|| VerifyError::new(&file, Place::Leaf(seq), Fault::EntryLength))?;
            leaves.push(leaf_hash(entry));
        }
    }
    Ok(leaves)
}

/// Fails with the first entry that is not in the tree, going by the tiles of level 0.
fn find_wrong_entry(dir: &Path, size: u64, levels: &Levels) -> Result<(), VerifyError> {
    // Hash tiles begin with those of level 0, of which there are as many as bundles.
    for (bundle, tile) in tile::entry_bundles(size).zip(tile::hash_tiles(size)) {
        if let Some(Difference { position, stated, computed }) = difference(dir, &tile, levels)? {
            let place = Place::Leaf(bundle.start() + position);
            return Err(VerifyError::new(&bundle.path(), place, Fault::Entry { stated, computed }));
        }
    }
    Ok(())
}

/// Checks every hash tile against what the entries give.
fn check_tiles(dir: &Path, size: u64, levels: &Levels) -> Result<(), VerifyError> {
    for tile in tile::hash_tiles(size) {
        if let Some(Difference { position, stated, computed }) = difference(dir, &tile, levels)? {
            let place = Place::Hash(position);
            return Err(VerifyError::new(&tile.path(), place, Fault::TileHash { stated, computed }));
        }
    }
    Ok(())
}

/// The first hash in which a tile differs from what the entries give.
fn difference(dir: &Path, tile: &Tile, levels: &Levels) -> Result<Option<Difference>, VerifyError> {
    // A tile that the entries did not give would be one that must be empty.
    let expected = levels.hashes(tile).unwrap_or_default();
    let bytes = folder::read_exactly(dir, &tile.path(), expected.len() * HASH_BYTES)?;
    let (stated, _) = bytes.as_chunks::<HASH_BYTES>();
    let pairs = stated.iter().map(|bytes| Hash::from_bytes(*bytes)).zip(expected);
    Ok((0..)
        .zip(pairs)
        .find(|(_, (stated, computed))| stated != *computed)
        .map(|(position, (stated, computed))| Difference { position, stated, computed: *computed }))
}

/// Checks every line of the bodies against the leaf hashes, hands on the bodies, and returns how
/// many are erased.
fn read_bodies(dir: &Path, leaves: &[Hash], mut visit: impl FnMut(u64, &[u8])) -> Result<u64, VerifyError> {
    let mut erased = 0;
    let mut seq = 0;
    for (index, leaves) in (0..).zip(leaves.chunks(usize::from(TILE_WIDTH))) {
        let mut lines = Lines::open(dir, &bodies_path(index))?;
        for leaf in leaves {
            let Some(line) = lines.read()? else {
                return Err(lines.fault(Fault::Missing));
            };
            let Some(record) = Record::from_line(line) else {
                return Err(lines.fault(Fault::Record));
            };
            if record.seq() != seq {
                return Err(lines.fault(Fault::Sequence { expected: seq }));
            }
            match record {
                Record::Kept(kept) if kept.leaf_hash() == *leaf => visit(seq, &kept.body),
                Record::Kept(_) => return Err(lines.fault(Fault::Commitment)),
                Record::Erased { .. } => erased += 1,
            }
            seq += 1;
        }
        if lines.read()?.is_some() {
            return Err(lines.fault(Fault::Unexpected));
        }
    }
    Ok(erased)
}
