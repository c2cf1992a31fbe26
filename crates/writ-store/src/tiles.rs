//! The log as C2SP tlog-tiles: hash tiles and entry bundles, as far as they are under the last signed checkpoint.
//!
//! Leaf hashes and entries are read from the log by their places. Each hash of a higher level is the root over a full
//! tile of the level below; it never changes, and is kept in memory once it was worked out: one byte for eight leaves.
//! So a tile costs 256 rows, and the first one above level 0 after a start one reading of the log, 256 rows at a time.
//! What is given out is commitments and hashes: never a body, a salt, or a leaf that is not signed yet.

use std::sync::PoisonError;

use writ_trail::checkpoint::Checkpoint;
use writ_trail::commitment::ENTRY_BYTES;
use writ_trail::hash::Hash;
use writ_trail::tile::{TILE_WIDTH, Tile, TileKind, encode_entries};
use writ_trail::tree::root_of;

use crate::backend::Entry;
use crate::open::Store;
use crate::read::{ReadError, failed};

const WIDTH: usize = TILE_WIDTH as usize;

/// The hashes of the levels above the leaves, level 1 first, as far as somebody has asked for them.
#[derive(Debug, Default)]
pub(crate) struct Upper(Vec<Vec<Hash>>);

impl Upper {
    /// How many full tiles of leaf hashes have been taken into account.
    fn tiles(&self) -> u64 {
        self.0.first().map_or(0, |roots| roots.len() as u64)
    }

    /// Takes the root over the next full tile of leaf hashes into account, and whatever it completes above.
    fn push(&mut self, root: Hash) {
        let mut carried = Some(root);
        let mut level = 0;
        while let Some(hash) = carried {
            if self.0.len() == level {
                self.0.push(Vec::new());
            }
            let Some(hashes) = self.0.get_mut(level) else { return };
            hashes.push(hash);
            let full = hashes.len().is_multiple_of(WIDTH);
            carried = hashes.last_chunk::<WIDTH>().filter(|_| full).map(|tile| root_of(tile));
            level = level.saturating_add(1);
        }
    }

    fn hashes(&self, tile: &Tile, level: u8) -> Option<&[Hash]> {
        let start = usize::try_from(tile.start()).ok()?;
        let end = start.checked_add(usize::from(tile.width()))?;
        self.0.get(usize::from(level).checked_sub(1)?)?.get(start..end)
    }
}

impl Store {
    /// The bytes of a hash tile or an entry bundle, by its path below the log's prefix, such as `tile/0/x001/067`.
    /// Nothing where the log has none of this path under its last signed checkpoint.
    ///
    /// Blocks while it reads.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn tile(&self, path: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(tile) = Tile::from_path(path) else { return Ok(None) };
        let signed = Checkpoint::open(&self.checkpoint(), &self.verifier).map_err(failed)?.size;
        if !tile.is_within(signed) {
            return Ok(None);
        }
        match tile.kind() {
            TileKind::Entries => self.entries(&tile),
            TileKind::Hashes { level: 0 } => self.leaf_hashes(tile.start(), tile.width()).map(|hashes| bytes(&hashes)),
            TileKind::Hashes { level } => self.upper_hashes(&tile, level),
        }
        .map(Some)
    }

    fn upper_hashes(&self, tile: &Tile, level: u8) -> Result<Vec<u8>, ReadError> {
        let mut upper = self.upper.lock().unwrap_or_else(PoisonError::into_inner);
        // Each hash of this level stands over so many full tiles of leaf hashes.
        let below = 1_u64.checked_shl(8 * u32::from(level.saturating_sub(1))).unwrap_or(u64::MAX);
        let needed = tile.start().saturating_add(u64::from(tile.width())).saturating_mul(below);
        while upper.tiles() < needed {
            let start = upper.tiles().saturating_mul(u64::from(TILE_WIDTH));
            let root = root_of(&self.leaf_hashes(start, TILE_WIDTH)?);
            upper.push(root);
        }
        upper.hashes(tile, level).map(bytes).ok_or_else(|| failed("a tile is missing"))
    }

    fn leaf_hashes(&self, start: u64, count: u16) -> Result<Vec<Hash>, ReadError> {
        let (from, below) = places(start, count)?;
        let mut hashes = Vec::new();
        for (_, leaf) in self.reads.leaves(from, below, i64::from(count))? {
            hashes.push(Hash::from_bytes(leaf.try_into().map_err(|_| failed("a leaf is damaged"))?));
        }
        whole(hashes, count)
    }

    fn entries(&self, tile: &Tile) -> Result<Vec<u8>, ReadError> {
        let (from, below) = places(tile.start(), tile.width())?;
        let events = self.reads.entries(from, below, i64::from(tile.width()))?;
        let entries: Result<Vec<[u8; ENTRY_BYTES]>, ReadError> = events.iter().map(Entry::committed).collect();
        Ok(encode_entries(&whole(entries?, tile.width())?))
    }
}

/// The places of some leaves, as the database counts them: the first, and the one after the last.
fn places(start: u64, count: u16) -> Result<(i64, i64), ReadError> {
    let end = start.saturating_add(u64::from(count));
    Ok((i64::try_from(start).map_err(failed)?, i64::try_from(end).map_err(failed)?))
}

fn whole<T>(found: Vec<T>, count: u16) -> Result<Vec<T>, ReadError> {
    if found.len() == usize::from(count) { Ok(found) } else { Err(failed("leaves are missing")) }
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}
