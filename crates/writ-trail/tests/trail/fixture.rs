//! What the tests share: a log's key, leaves, and a temporary folder that goes away again.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use writ_trail::checkpoint::Checkpoint;
use writ_trail::export::write_export;
use writ_trail::hash::{Hash, leaf_hash};
use writ_trail::leaf::{Disclosed, Leaf};
use writ_trail::note::Signer;
use writ_trail::tree::Tree;

/// A folder of this process's own, removed when dropped. Not made yet: an export makes it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("writ-trail-{}-{name}", process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn signer() -> Signer {
    Signer::new("example.com/trail", &[7; 32]).unwrap()
}

pub(crate) fn kept(seq: u64) -> Disclosed {
    let body = format!("event {seq}").into_bytes();
    // Bodies of every length from none on, so that base64 ends in each of its ways.
    let body = body.into_iter().take(seq as usize % 10).collect();
    Disclosed { seq, salt: *leaf_hash(&seq.to_be_bytes()).as_bytes(), body }
}

/// Leaves of which every `kept_every`-th, from the first, is kept and the others are erased.
pub(crate) fn leaves(count: u64, kept_every: u64) -> Vec<Leaf> {
    let leaf = |seq| match kept(seq) {
        kept if seq.is_multiple_of(kept_every) => Leaf::Kept(kept),
        erased => Leaf::Erased { seq, commitment: erased.commitment() },
    };
    (0..count).map(leaf).collect()
}

pub(crate) fn hashes(leaves: &[Leaf]) -> Vec<Hash> {
    leaves.iter().map(|leaf| leaf_hash(&leaf.commitment())).collect()
}

/// The checkpoint over these leaves, signed by [`signer`].
pub(crate) fn signed(leaves: &[Leaf]) -> String {
    let tree = Tree::from_leaves(hashes(leaves));
    let origin = signer().name().to_owned();
    Checkpoint { origin, size: tree.len(), root: tree.root() }.sign(&signer()).unwrap()
}

/// Writes the export of these leaves.
pub(crate) fn write(dir: &Path, leaves: Vec<Leaf>) {
    let checkpoint = signed(&leaves);
    write_export(dir, leaves, &checkpoint, &signer().verifier(), &[]).unwrap();
}
