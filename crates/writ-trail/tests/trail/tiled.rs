//! Proofs from tiles are the ones that all leaves give, and wrong tiles give none that hold.

use writ_trail::hash::Hash;
use writ_trail::proof::{consistency_proof, verify_consistency};
use writ_trail::tile::{Levels, Tile};
use writ_trail::tiled::{self, TiledError, consistency_tiles};
use writ_trail::tree::root_of;

use crate::tree::some_leaves;

/// What a follower fetches.
fn fetched(levels: &Levels, old: u64, new: u64) -> Vec<(Tile, Vec<u8>)> {
    let tile = |tile: Tile| (tile, levels.bytes(&tile).unwrap_or_else(|| panic!("no `{}`", tile.path())));
    consistency_tiles(old, new).into_iter().map(tile).collect()
}

fn is_the_naive_one(leaves: &[Hash], old: u64) {
    let levels = Levels::new(leaves.to_vec());
    let new = leaves.len() as u64;
    let tiles = fetched(&levels, old, new);
    assert!(tiles.iter().all(|(tile, _)| tile.belongs_to(new)), "only tiles that this tree has");
    let proof = tiled::consistency_proof(old, new, &tiles).unwrap();
    assert_eq!(proof, consistency_proof(leaves, old).unwrap(), "{old} of {new}");
    let old_root = root_of(&leaves[..old as usize]);
    verify_consistency(old, &old_root, new, &root_of(leaves), &proof).unwrap();
}

#[test]
fn the_proof_is_the_one_of_all_leaves() {
    let leaves = some_leaves(70);
    for new in 0..=leaves.len() {
        for old in 0..=new {
            is_the_naive_one(&leaves[..new], old as u64);
        }
    }
    for new in [255, 256, 257, 511, 512, 513, 777] {
        let leaves = some_leaves(new);
        for old in (0..=new).step_by(7).chain([254, 255, 256, 257, 510, 511, 512]).filter(|old| *old <= new) {
            is_the_naive_one(&leaves, old);
        }
    }
}

#[test]
fn large_trees_take_few_tiles() {
    let leaves = some_leaves(140_000);
    for old in [1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 70_000, 131_072, 139_999, 140_000] {
        is_the_naive_one(&leaves, old);
        let tiles = consistency_tiles(old, 140_000);
        assert!(tiles.len() <= 6, "{old}: {}", tiles.len());
    }
    assert!(consistency_tiles(1 << 40, u64::MAX).len() < 20);
}

#[test]
fn nothing_is_needed_where_there_is_nothing_to_show() {
    for (old, new) in [(0, 0), (0, 500), (500, 500), (501, 500)] {
        assert_eq!(consistency_tiles(old, new), []);
        assert_eq!(tiled::consistency_proof(old, new, &[]), Ok(Vec::new()));
    }
}

#[test]
fn other_tiles_prove_nothing() {
    let leaves = some_leaves(700);
    let levels = Levels::new(leaves.clone());
    let (old_root, new_root) = (root_of(&leaves[..300]), root_of(&leaves));
    let tiles = fetched(&levels, 300, 700);
    let holds = |tiles: &[(Tile, Vec<u8>)]| {
        let proof = tiled::consistency_proof(300, 700, tiles).unwrap();
        verify_consistency(300, &old_root, 700, &new_root, &proof).is_ok()
    };
    assert!(holds(&tiles));
    for changed in 0..tiles.len() {
        let mut others = tiles.clone();
        // The first hash of each of these tiles is one that the proof stands on.
        *others[changed].1.first_mut().unwrap() ^= 1;
        assert!(!holds(&others), "{}", others[changed].0.path());

        let path = tiles[changed].0.path();
        let mut fewer = tiles.clone();
        fewer.remove(changed);
        assert_eq!(tiled::consistency_proof(300, 700, &fewer), Err(TiledError::Missing { path: path.clone() }));
        let mut shorter = tiles.clone();
        let bytes = shorter[changed].1.len();
        shorter[changed].1.pop();
        assert_eq!(tiled::consistency_proof(300, 700, &shorter), Err(TiledError::Length { path, bytes }));
    }
}
