//! Tiles are those of the log that is signed, whatever grew meanwhile, and hold commitments alone.

use writ_core::event::Event;
use writ_store::Store;
use writ_trail::checkpoint::Checkpoint;
use writ_trail::commitment::commit as commitment;
use writ_trail::hash::{Hash, leaf_hash};
use writ_trail::tile::{Levels, Tile, decode_entries, entry_bundles, hash_tiles};

use crate::fixture::{claimed, commit, database, open, play, signed, started};

/// Enough for a tile of level 2 that is not empty, and few enough to be recorded in a moment.
const LEAVES: u64 = 256 * 256 + 300;
const AT_ONCE: u64 = 8_192;

/// Grows a log with one run to so many leaves.
async fn grow(store: &Store, from: u64, to: u64) {
    for start in (from..to).step_by(AT_ONCE as usize) {
        let events: Vec<Event> = (start..to.min(start + AT_ONCE))
            .map(|seq| if seq == 0 { started() } else { claimed(&seq.to_string()) })
            .collect();
        play(store, [commit("r-1", events)]).await;
    }
    signed(store, to).await;
}

fn read(store: &Store, tile: &Tile) -> Option<Vec<u8>> {
    store.tile(&tile.path()).unwrap()
}

/// The tree over the leaves, worked out as a whole.
fn levels(folder: &std::path::Path) -> Levels {
    let events = database(folder).salted();
    let leaves: Vec<Hash> = events.iter().map(|(salt, body)| leaf_hash(&commitment(salt, body))).collect();
    Levels::new(leaves)
}

#[tokio::test]
async fn every_tile_is_the_one_of_the_whole_tree() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    grow(&store, 0, 700).await;
    // What was kept of a smaller log serves the larger one.
    let early = levels(folder.path());
    for tile in hash_tiles(700) {
        assert_eq!(read(&store, &tile), early.bytes(&tile), "{}", tile.path());
    }
    grow(&store, 700, LEAVES).await;
    let whole = levels(folder.path());
    let signed = Checkpoint::open(&store.checkpoint(), store.verifier()).unwrap();
    assert_eq!((signed.size, signed.root), (LEAVES, whole.root()));
    for tile in hash_tiles(LEAVES) {
        assert_eq!(read(&store, &tile), whole.bytes(&tile), "{}", tile.path());
    }
    for bundle in entry_bundles(LEAVES) {
        let bytes = read(&store, &bundle).unwrap();
        let hashes: Vec<Hash> = decode_entries(&bytes).map(|entry| leaf_hash(entry.unwrap())).collect();
        let start = usize::try_from(bundle.start()).unwrap();
        assert_eq!(hashes, whole.leaves()[start..start + usize::from(bundle.width())], "{}", bundle.path());
        assert_eq!(bytes.len(), usize::from(bundle.width()) * 34, "commitments and their lengths, and nothing else");
    }
    // Tiles of smaller checkpoints stay.
    for tile in hash_tiles(700) {
        assert_eq!(read(&store, &tile), early.bytes(&tile), "{}", tile.path());
    }
}

#[tokio::test]
async fn nothing_else_is_a_tile() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    grow(&store, 0, 300).await;
    for path in [
        "",
        "tile/0/002.p/1",
        "tile/0/001",
        "tile/0/001.p/45",
        "tile/1/000",
        "tile/1/000.p/2",
        "tile/2/000.p/1",
        "tile/entries/001.p/45",
        "tile/entries/x999/999",
        "tile/0/1",
        "tile/8/000",
        "checkpoint",
    ] {
        assert_eq!(store.tile(path).unwrap(), None, "{path}");
    }
    assert_eq!(store.tile("tile/0/001.p/44").unwrap().unwrap().len(), 44 * 32);
    assert_eq!(store.tile("tile/1/000.p/1").unwrap().unwrap().len(), 32);
}

#[tokio::test]
async fn an_altered_body_is_no_entry() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    grow(&store, 0, 3).await;
    assert!(store.tile("tile/entries/000.p/3").unwrap().is_some());
    database(folder.path()).execute("UPDATE events SET body = x'7b7d' WHERE seq = 1");
    assert!(store.tile("tile/entries/000.p/3").is_err());
}
