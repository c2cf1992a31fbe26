//! The export: a folder with the whole trail, which anybody can verify offline with the log's
//! public key alone.
//!
//! | path | what it holds |
//! |---|---|
//! | `checkpoint` | the signed checkpoint |
//! | `tile/<level>/<n>` | the tree's hashes, as C2SP tlog-tiles lays them out |
//! | `tile/entries/<n>` | the log entries, 256 commitments a bundle, likewise |
//! | `bodies/<n>` | one line a leaf, 256 lines a file: `<seq> <salt> <body>`, or `<seq> erased` |
//!
//! Verification starts from the signature and accounts for every byte: the entries must give the
//! signed root, the tiles must be the ones of these entries, every salt and body must open its
//! entry, and nothing else may lie in the folder. The one thing that it cannot tell is *why* a leaf
//! is erased: a line may be replaced by `erased` without breaking a proof, and is counted. Whether
//! each erasure is an event of the trail is for a reader of the bodies to check.
//!
//! The module relies on the rest of the crate, and is the only one that touches files, in its
//! `folder`. It holds the leaf hashes and one file or line at a time, never all bodies. It never
//! follows a symbolic link inside the folder, but does not defend against somebody who changes the
//! folder while it is being read, other than by never handing on a body that is not the one
//! committed to.

mod error;
mod folder;
mod verify;
mod write;

pub use error::{Fault, Place, VerifyError, WriteError};
pub use verify::{verify_export, verify_export_reading, verify_export_with};
pub use write::write_export;

use crate::hash::Hash;
use crate::tile::{TILE_WIDTH, Tile, index_from_path, index_path};

const CHECKPOINT: &str = "checkpoint";
const BODIES: &str = "bodies";

/// What an export holds, once it is verified or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// The number of leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// How many of the leaves are erased: provable, but without salt and body.
    pub erased: u64,
}

/// The path of the `index`-th bodies file.
fn bodies_path(index: u64) -> String {
    format!("{BODIES}/{}", index_path(index))
}

/// Whether an export of `size` leaves has a file of this path.
fn has_file(path: &str, size: u64) -> bool {
    if path == CHECKPOINT {
        return true;
    }
    if let Some(tile) = Tile::from_path(path) {
        return tile.belongs_to(size);
    }
    let bodies = path.strip_prefix(BODIES).and_then(|path| path.strip_prefix('/'));
    let index = bodies.and_then(index_from_path);
    index.is_some_and(|index| index < size.div_ceil(u64::from(TILE_WIDTH)))
}
