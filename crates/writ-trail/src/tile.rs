//! Tiles: the tree as files of up to 256 hashes, and its entries in bundles of the same width (C2SP
//! tlog-tiles).
//!
//! A tile of level 0 holds leaf hashes; each hash of a higher one is the root over a full tile of
//! the level below. Only the last tile of a level may be partial, and then says so in its path. The
//! module relies on [`crate::tree`]. It never touches a file: it names paths and works out bytes.

use std::mem;

use crate::commitment::ENTRY_BYTES;
use crate::encoding::from_decimal;
use crate::hash::{Hash, empty_root};
use crate::tree::{Tree, root_of};

/// How many hashes a full tile holds, and how many entries a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// What each entry takes up in a bundle, in bytes: a length of two bytes and the entry.
pub const ENTRY_FRAME_BYTES: usize = 2 + ENTRY_BYTES;

const WIDTH: usize = TILE_WIDTH as usize;

/// How many levels of tiles a tree of 2^64 leaves has.
const LEVELS: u8 = 8;

/// What stands before every entry: its length in bytes, 32, in big-endian order.
const ENTRY_LENGTH: [u8; 2] = [0, ENTRY_BYTES as u8];

/// What a tile is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileKind {
    /// Hashes: of leaves at level 0, of full tiles of the level below at levels 1 to 7.
    Hashes {
        /// The level, from 0.
        level: u8,
    },
    /// Log entries.
    Entries,
}

/// One tile or entry bundle of a log: which one, not what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    kind: TileKind,
    /// Never so large that a leaf of the tile had a number beyond 64 bits.
    index: u64,
    /// 1 to 256.
    width: u16,
}

/// The hashes of every level of tiles over a list of leaf hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels(Vec<Vec<Hash>>);

impl Tile {
    /// What the tile is made of.
    pub fn kind(&self) -> TileKind {
        self.kind
    }

    /// The tile's place within its level, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries are in it: 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// The place of its first hash or entry within the level, from 0.
    pub fn start(&self) -> u64 {
        self.index * u64::from(TILE_WIDTH)
    }

    /// The tile's path below the log's prefix, such as `tile/0/x001/x234/067` or
    /// `tile/entries/000.p/7`.
    pub fn path(&self) -> String {
        let index = index_path(self.index);
        let path = match self.kind {
            TileKind::Hashes { level } => format!("tile/{level}/{index}"),
            TileKind::Entries => format!("tile/entries/{index}"),
        };
        if self.width < TILE_WIDTH { format!("{path}.p/{}", self.width) } else { path }
    }

    /// Reads the path that [`Self::path`] writes; `None` for every other text.
    pub fn from_path(path: &str) -> Option<Self> {
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes { level: from_decimal(level)?.try_into().ok()? },
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, from_decimal(width)?.try_into().ok()?),
            None => (rest, TILE_WIDTH),
        };
        let index = index_from_path(index)?;
        let tile = Self { kind, index, width };
        let has_level = matches!(kind, TileKind::Entries | TileKind::Hashes { level: 0..LEVELS });
        let is_sound = has_level && width > 0 && index <= u64::MAX / u64::from(TILE_WIDTH);
        (is_sound && tile.path() == path).then_some(tile)
    }

    /// The hash tile of a tree of `size` leaves that has the hash of this place within this level, and
    /// the hash's place in that tile. The tree must have that hash.
    pub(crate) fn holding(level: u8, position: u64, size: u64) -> (Self, usize) {
        let index = position / u64::from(TILE_WIDTH);
        let start = index * u64::from(TILE_WIDTH);
        let width = hashes_at(level, size).saturating_sub(start).min(u64::from(TILE_WIDTH)) as u16;
        (Self { kind: TileKind::Hashes { level }, index, width }, (position - start) as usize)
    }

    /// Whether a tree of `size` leaves holds everything in this tile, be it in a wider one.
    pub fn is_within(&self, size: u64) -> bool {
        let hashes = self.available(size);
        let start = self.start();
        start < hashes && hashes - start >= u64::from(self.width)
    }

    /// Whether a tree of `size` leaves has this very tile, of this width.
    pub fn belongs_to(&self, size: u64) -> bool {
        let hashes = self.available(size);
        let start = self.start();
        start < hashes && (hashes - start).min(u64::from(TILE_WIDTH)) == u64::from(self.width)
    }

    /// How many hashes or entries a tree of `size` leaves has of this kind.
    fn available(&self, size: u64) -> u64 {
        match self.kind {
            TileKind::Entries => size,
            TileKind::Hashes { level } => hashes_at(level, size),
        }
    }
}

impl Levels {
    /// Works out every level over the leaf hashes of a tree: one pass, a 256th of the memory on
    /// top.
    pub fn new(leaves: Vec<Hash>) -> Self {
        let mut levels = Vec::new();
        let mut level = leaves;
        while !level.is_empty() {
            let (tiles, _) = level.as_chunks::<WIDTH>();
            let above = tiles.iter().map(|tile| root_of(tile)).collect();
            levels.push(mem::replace(&mut level, above));
        }
        Self(levels)
    }

    /// The leaf hashes, in their order.
    pub fn leaves(&self) -> &[Hash] {
        self.0.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        // What no full tile covers is the tree's right edge; each level's part stands left of the
        // one below.
        let right_edge = self.0.iter().fold(None, |right, level| {
            let (_, partial) = level.as_chunks::<WIDTH>();
            Tree::from_leaves(partial.iter().copied()).joined_with(right)
        });
        right_edge.unwrap_or_else(empty_root)
    }

    /// The hashes of one tile; `None` where the tree has no such tile, and for an entry bundle.
    pub fn hashes(&self, tile: &Tile) -> Option<&[Hash]> {
        let TileKind::Hashes { level } = tile.kind else {
            return None;
        };
        let start = usize::try_from(tile.start()).ok()?;
        self.0.get(usize::from(level))?.get(start..start.checked_add(usize::from(tile.width))?)
    }

    /// The bytes of one tile: its hashes one after the other. `None` as for [`Self::hashes`].
    pub fn bytes(&self, tile: &Tile) -> Option<Vec<u8>> {
        Some(self.hashes(tile)?.iter().flat_map(|hash| *hash.as_bytes()).collect())
    }
}

/// Every hash tile of a tree of `size` leaves, the lowest level first, each from left to right.
pub fn hash_tiles(size: u64) -> impl Iterator<Item = Tile> {
    (0..LEVELS).flat_map(move |level| tiles(TileKind::Hashes { level }, hashes_at(level, size)))
}

/// Every entry bundle of a tree of `size` leaves, from left to right.
pub fn entry_bundles(size: u64) -> impl Iterator<Item = Tile> {
    tiles(TileKind::Entries, size)
}

/// The bytes of a bundle: each entry after its length.
pub fn encode_entries(entries: &[[u8; ENTRY_BYTES]]) -> Vec<u8> {
    entries.iter().flat_map(|entry| ENTRY_LENGTH.into_iter().chain(*entry)).collect()
}

/// The entries of a bundle, in their order; `None` in the place of one that is not 32 bytes long
/// and said to be.
pub fn decode_entries(bundle: &[u8]) -> impl Iterator<Item = Option<&[u8; ENTRY_BYTES]>> {
    bundle.chunks(ENTRY_FRAME_BYTES).map(|frame| frame.strip_prefix(&ENTRY_LENGTH)?.try_into().ok())
}

/// The path of the `index`-th tile or bundle within its kind: three digits an element, `x` before
/// all but the last.
pub(crate) fn index_path(index: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

/// Reads the path that [`index_path`] writes, and nothing else.
pub(crate) fn index_from_path(path: &str) -> Option<u64> {
    let digits: String = path.chars().filter(char::is_ascii_digit).collect();
    let index = digits.parse().ok()?;
    (index_path(index) == path).then_some(index)
}

fn tiles(kind: TileKind, hashes: u64) -> impl Iterator<Item = Tile> {
    let full = hashes / u64::from(TILE_WIDTH);
    let partial = (hashes % u64::from(TILE_WIDTH)) as u16;
    let last = (partial > 0).then_some(Tile { kind, index: full, width: partial });
    (0..full).map(move |index| Tile { kind, index, width: TILE_WIDTH }).chain(last)
}

/// How many hashes a level has over `size` leaves.
fn hashes_at(level: u8, size: u64) -> u64 {
    if level < LEVELS { size >> (8 * u32::from(level)) } else { 0 }
}
