//! Consistency proofs from tiles, for whoever follows a log without having its leaves (C2SP
//! tlog-tiles).
//!
//! Each hash of such a proof is the root over a range of leaves, and a range is made of perfect
//! subtrees, each of which stands in one tile. The module relies on [`crate::tile`]. It never
//! fetches a tile, and need not believe one: what wrong tiles give leads to no root, see
//! [`crate::proof::verify_consistency`].

use std::ops::Range;

use crate::hash::{HASH_BYTES, Hash, node_hash};
use crate::tile::Tile;
use crate::tree::root_of;

/// Why a proof cannot be made from tiles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TiledError {
    /// A tile that is needed is not there.
    #[error("`{path}` is missing")]
    Missing {
        /// The tile's path.
        path: String,
    },
    /// A tile has more or fewer hashes than its path says.
    #[error("`{path}` is not {bytes} bytes long")]
    Length {
        /// The tile's path.
        path: String,
        /// The length that it must have.
        bytes: usize,
    },
}

/// A perfect subtree: it stands over 2^`height` leaves, the first of which is `index` * 2^`height`.
struct Subtree {
    height: u32,
    index: u64,
}

impl Subtree {
    /// The tile of a tree of `size` leaves in which this subtree is whole, and its hashes there: one,
    /// or the ones whose root it is.
    fn place(&self, size: u64) -> (Tile, Range<usize>) {
        let count = 1_u64 << (self.height % 8);
        let (tile, position) = Tile::holding((self.height / 8) as u8, self.index * count, size);
        (tile, position..position + count as usize)
    }
}

/// The tiles of a tree of `new_size` leaves from which [`consistency_proof`] makes its proof, each
/// once.
pub fn consistency_tiles(old_size: u64, new_size: u64) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for range in ranges(old_size, new_size) {
        for subtree in subtrees(range) {
            let (tile, _) = subtree.place(new_size);
            if !tiles.contains(&tile) {
                tiles.push(tile);
            }
        }
    }
    tiles
}

/// The proof that the tree over the first `old_size` leaves is the beginning of the one over
/// `new_size`, from the bytes of its tiles. It is the one of [`crate::proof::consistency_proof`].
///
/// Fails where a tile is missing or has another length. Whether the proof holds is for
/// [`crate::proof::verify_consistency`] to say.
pub fn consistency_proof(old_size: u64, new_size: u64, tiles: &[(Tile, Vec<u8>)]) -> Result<Vec<Hash>, TiledError> {
    ranges(old_size, new_size).into_iter().map(|range| root_over(range, new_size, tiles)).collect()
}

/// The root over a range of leaves.
fn root_over(range: Range<u64>, size: u64, tiles: &[(Tile, Vec<u8>)]) -> Result<Hash, TiledError> {
    let mut root = None;
    for subtree in subtrees(range).into_iter().rev() {
        let (tile, places) = subtree.place(size);
        let path = || tile.path();
        let (_, bytes) =
            tiles.iter().find(|(known, _)| *known == tile).ok_or_else(|| TiledError::Missing { path: path() })?;
        let length = usize::from(tile.width()) * HASH_BYTES;
        let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
        if bytes.len() != length || !rest.is_empty() {
            return Err(TiledError::Length { path: path(), bytes: length });
        }
        let hashes: Vec<Hash> = hashes.iter().take(places.end).skip(places.start).map(|hash| (*hash).into()).collect();
        let left = root_of(&hashes);
        root = Some(root.map_or(left, |right| node_hash(&left, &right)));
    }
    // A range of a proof has at least one leaf.
    Ok(root.unwrap_or_else(|| root_of(&[])))
}

/// The ranges of leaves that the hashes of a consistency proof stand over, in the proof's order: none
/// for an empty older tree, for two trees of one size, and for an older one that is larger.
fn ranges(old_size: u64, new_size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    if 0 < old_size && old_size < new_size {
        subproof(0..new_size, old_size, true, &mut ranges);
    }
    ranges
}

/// SUBPROOF of RFC 9162 section 2.1.4.1, for the first `old` of these leaves. `known` tells that the
/// verifier holds the root over exactly these already.
fn subproof(leaves: Range<u64>, old: u64, known: bool, ranges: &mut Vec<Range<u64>>) {
    let count = leaves.end - leaves.start;
    if old == count {
        if !known {
            ranges.push(leaves);
        }
        return;
    }
    let middle = leaves.start + (1 << (count - 1).ilog2());
    let left = middle - leaves.start;
    if old <= left {
        subproof(leaves.start..middle, old, known, ranges);
        ranges.push(middle..leaves.end);
    } else {
        subproof(middle..leaves.end, old - left, false, ranges);
        ranges.push(leaves.start..middle);
    }
}

/// The perfect subtrees that a range is made of, from left to right. A range of a proof starts at a
/// multiple of the largest of them.
fn subtrees(range: Range<u64>) -> Vec<Subtree> {
    let mut subtrees = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let height = (range.end - start).ilog2();
        subtrees.push(Subtree { height, index: start >> height });
        start += 1 << height;
    }
    subtrees
}
