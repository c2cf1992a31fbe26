//! The trail's cryptography: what makes an append-only log verifiable by somebody who does not
//! trust its owner.
//!
//! Every event of the trail becomes a *leaf*. What the log holds of it is a salted commitment of 32
//! bytes; its body and its salt live beside the log and can be erased without hurting a single
//! proof. Leaves are hashed into an RFC 6962 Merkle tree, its root is signed as a C2SP checkpoint,
//! and the tree is laid out as C2SP tiles.
//!
//! From the bottom up:
//!
//! | module | what it holds |
//! |---|---|
//! | [`hash`] | leaf and node hashes (RFC 6962, RFC 9162) |
//! | [`commitment`] | a body and its salt, committed to in 32 bytes |
//! | [`leaf`] | a leaf, kept or erased, and its line of text |
//! | [`tree`] | the growing tree and its root |
//! | [`proof`] | inclusion and consistency proofs, made and checked |
//! | [`note`] | signed notes with Ed25519 (C2SP signed-note) |
//! | [`checkpoint`] | a signed root (C2SP tlog-checkpoint) |
//! | [`tile`] | tile paths and bytes, entry bundles (C2SP tlog-tiles) |
//! | [`tiled`] | consistency proofs from tiles, for a witness |
//! | [`export`] | a folder that can be verified offline |
//! | [`bundle`] | a few chosen leaves with their proofs, in one text file |
//!
//! The crate relies on SHA-256, Ed25519 and base64 from elsewhere, and on nothing else of ours. It
//! has no clock and no randomness: salts and keys come in as values. Only [`export`] touches a
//! file. Reading is strict everywhere: what a writer here would not have written is refused, so
//! that no byte of a verified file is without meaning.
//!
//! # Example
//!
//! Three events are logged, and one of them is shown to somebody who holds the log's public key
//! alone.
//!
//! ```
//! use writ_trail::bundle::{self, Proof};
//! use writ_trail::checkpoint::Checkpoint;
//! use writ_trail::hash::Hash;
//! use writ_trail::leaf::Disclosed;
//! use writ_trail::note::Signer;
//! use writ_trail::tree;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let signer = Signer::new("example.com/trail", &[7; 32])?;
//! let mut leaves = Vec::new();
//! for (seq, event) in (0..).zip(["run started", "refund approved", "refund sent"]) {
//!     let body = event.as_bytes().to_vec();
//!     leaves.push(Disclosed { seq, salt: [42; 32], body }); // real salts are random
//! }
//!
//! let hashes: Vec<Hash> = leaves.iter().map(Disclosed::leaf_hash).collect();
//! let checkpoint = Checkpoint {
//!     origin: signer.name().to_owned(),
//!     size: 3,
//!     root: tree::root_of(&hashes),
//! };
//! let note = checkpoint.sign(&signer)?;
//!
//! let chosen = vec![leaves.remove(1)];
//! let file = Proof::new(&note, &signer.verifier(), &[], &hashes, chosen)?.to_text();
//!
//! let shown = bundle::verify(&file, &signer.verifier())?;
//! assert_eq!(shown, [(1, b"refund approved".to_vec())]);
//! # Ok(())
//! # }
//! ```

pub mod bundle;
pub mod checkpoint;
pub mod commitment;
mod encoding;
pub mod export;
pub mod hash;
pub mod leaf;
pub mod note;
pub mod proof;
pub mod tile;
pub mod tiled;
pub mod tree;
