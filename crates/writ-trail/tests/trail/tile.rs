//! Tiles and bundles: paths, shapes and bytes.

use proptest::prelude::*;
use writ_trail::tile::{Levels, Tile, TileKind, decode_entries, encode_entries, entry_bundles, hash_tiles};
use writ_trail::tree::root_of;

use crate::tree::some_leaves;

#[test]
fn paths_have_one_spelling() {
    for path in [
        "tile/0/000",
        "tile/7/000.p/1",
        "tile/3/x001/x234/067",
        "tile/0/x001/000.p/255",
        "tile/entries/999.p/9",
        "tile/entries/x072/x057/x594/x037/x927/935",
    ] {
        assert_eq!(Tile::from_path(path).unwrap().path(), path);
    }
    for wrong in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/067",
        "tile/0/001/067",
        "tile/0/x001/x067",
        "tile/0/x001//067",
        "tile/0/+67",
        "tile/00/067",
        "tile/-1/067",
        "tile/8/067",
        "tile/300/067",
        "tile/entry/067",
        "tile/0/067.p",
        "tile/0/067.p/",
        "tile/0/067.p/0",
        "tile/0/067.p/01",
        "tile/0/067.p/256",
        "tile/0/067.p/300",
        "tile/0/067.p/70000",
        "/tile/0/067",
        "tile/0/067/",
        "tile/entries/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(Tile::from_path(wrong), None, "{wrong:?}");
    }
}

#[test]
fn seventy_thousand_leaves_make_the_tiles_of_the_specification() {
    let shape = |level| {
        let tiles = hash_tiles(70_000).filter(move |tile| tile.kind() == TileKind::Hashes { level });
        let widths: Vec<u16> = tiles.map(|tile| tile.width()).collect();
        let full = widths.iter().filter(|width| **width == 256).count();
        (full, widths.len() - full, widths.last().copied())
    };
    assert_eq!(shape(0), (273, 1, Some(112)));
    assert_eq!(shape(1), (1, 1, Some(17)));
    assert_eq!(shape(2), (0, 1, Some(1)));
    assert_eq!(shape(3), (0, 0, None));
    assert_eq!(entry_bundles(70_000).count(), 274);
    assert_eq!(hash_tiles(0).count(), 0);
    let paths: Vec<String> = hash_tiles(256).map(|tile| tile.path()).collect();
    assert_eq!(paths, ["tile/0/000", "tile/1/000.p/1"]);
}

#[test]
fn a_narrower_tile_is_within_a_larger_tree() {
    let is_within = |path: &str, size| Tile::from_path(path).unwrap().is_within(size);
    assert!(is_within("tile/0/001.p/13", 269) && is_within("tile/0/001.p/13", 70_000));
    assert!(!is_within("tile/0/001.p/13", 268) && !is_within("tile/0/001.p/13", 0));
    assert!(is_within("tile/0/001", 512) && !is_within("tile/0/001", 511));
    assert!(is_within("tile/1/000.p/1", 256) && !is_within("tile/1/000.p/1", 255));
    assert!(is_within("tile/entries/000.p/7", 7) && !is_within("tile/entries/000.p/7", 6));
    assert!(!is_within("tile/7/000.p/1", u64::MAX >> 8) && is_within("tile/7/000.p/1", u64::MAX));
}

#[test]
fn higher_tiles_hold_the_roots_of_full_lower_ones() {
    let leaves = some_leaves(70_000);
    let levels = Levels::new(leaves.clone());
    assert_eq!(levels.leaves(), leaves);
    assert_eq!(levels.root(), root_of(&leaves));
    let tile = |path| levels.hashes(&Tile::from_path(path).unwrap()).unwrap();
    assert_eq!(tile("tile/0/001"), &leaves[256..512]);
    assert_eq!(tile("tile/1/000")[3], root_of(&leaves[768..1024]));
    assert_eq!(tile("tile/1/001.p/17")[16], root_of(&leaves[69_632..69_888]));
    assert_eq!(tile("tile/2/000.p/1"), [root_of(&leaves[..65_536])]);
    assert_eq!(levels.hashes(&Tile::from_path("tile/0/274").unwrap()), None);
    assert_eq!(levels.hashes(&Tile::from_path("tile/entries/000").unwrap()), None);
    let first = Tile::from_path("tile/0/000").unwrap();
    assert_eq!(levels.bytes(&first).unwrap().len(), 8192);
}

#[test]
fn bundles_are_read_as_they_are_written() {
    let entries = [[1; 32], [2; 32]];
    let mut bundle = encode_entries(&entries);
    assert_eq!(bundle.len(), 68);
    assert_eq!(bundle[..3], [0, 32, 1]);
    let read: Vec<_> = decode_entries(&bundle).collect();
    assert_eq!(read, [Some(&entries[0]), Some(&entries[1])]);

    bundle[34] = 1;
    let read: Vec<_> = decode_entries(&bundle).collect();
    assert_eq!(read, [Some(&entries[0]), None]);
    bundle.pop();
    assert_eq!(decode_entries(&bundle).last(), Some(None));
}

proptest! {
    #[test]
    fn a_tree_has_its_own_tiles_and_no_others(size in 0..200_000u64, other in 0..200_000u64) {
        for tile in hash_tiles(size).chain(entry_bundles(size)) {
            prop_assert!(tile.belongs_to(size));
            prop_assert_eq!(Tile::from_path(&tile.path()), Some(tile));
        }
        let shared = hash_tiles(other).filter(|tile| tile.belongs_to(size)).count();
        let expected = hash_tiles(other).filter(|tile| hash_tiles(size).any(|own| own == *tile));
        if size < 5_000 && other < 5_000 {
            prop_assert_eq!(shared, expected.count());
        }
    }

    #[test]
    fn levels_have_the_root_of_the_tree(size in 0..1_500u64) {
        let leaves = some_leaves(size);
        let root = root_of(&leaves);
        prop_assert_eq!(Levels::new(leaves).root(), root);
    }
}
