//! Checkpoints: a log's name, its size and its root, signed as a note (C2SP tlog-checkpoint).
//!
//! The text is three lines: the origin, the number of leaves in decimal, the root in base64. The
//! format allows further lines; this crate writes none and refuses them, for nobody could check
//! what they say. The origin is always the name of the signing key. The module relies on
//! [`crate::note`]. It never decides whether one checkpoint may follow another: that takes a
//! consistency proof, see [`crate::proof`].

use crate::encoding::from_decimal;
use crate::hash::{Hash, empty_root};
use crate::note::{self, NoteError, Signer, Verifier};

/// Why a checkpoint is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The text is not the one of a checkpoint.
    #[error("this is not a checkpoint: {0}")]
    Format(&'static str),
    /// The log named in the text is not the one whose key is held against it.
    #[error("the checkpoint is one of `{origin}`, not of `{key}`")]
    Origin {
        /// The name in the checkpoint's first line.
        origin: String,
        /// The name of the key.
        key: String,
    },
    /// The note around the text is refused.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// What a log says of itself at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, and the name of the key that signs for it.
    pub origin: String,
    /// The number of leaves.
    pub size: u64,
    /// The root over these leaves.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed: three lines.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// Reads the text that [`Self::text`] writes. Fails for every other one, and for an empty tree
    /// with a root that is not the one of no leaves.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let refused = CheckpointError::Format;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), Some(""), None) =
            (lines.next(), lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(refused("it has not three lines"));
        };
        if !note::is_key_name(origin) {
            return Err(refused("its origin cannot name a key"));
        }
        let size = from_decimal(size).ok_or(refused("its size is not a plain decimal number"))?;
        let root = Hash::from_base64(root).ok_or(refused("its root is not base64 of 32 bytes"))?;
        if size == 0 && root != empty_root() {
            return Err(refused("its root is not the one of an empty tree"));
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// Signs the checkpoint. The result is a whole note.
    ///
    /// Fails where the origin is not the signer's name.
    pub fn sign(&self, signer: &Signer) -> Result<String, CheckpointError> {
        self.check_origin(signer.name())?;
        Ok(signer.sign(&self.text())?)
    }

    /// Opens a checkpoint that this log has signed; signatures by others are passed over unchecked.
    ///
    /// Fails where the note is refused (see [`note::open`]), its text is not a checkpoint, or its
    /// origin is not the key's name.
    pub fn open(note: &str, log: &Verifier) -> Result<Self, CheckpointError> {
        let checkpoint = Self::parse(note::open(note, log)?)?;
        checkpoint.check_origin(log.name())?;
        Ok(checkpoint)
    }

    /// Opens a checkpoint that this log and each of these witnesses have signed, and nobody else (see
    /// [`note::open_exactly`]).
    ///
    /// Fails as [`Self::open`] does, for a signature that is missing, and for one that is not expected.
    pub fn open_exactly(note: &str, log: &Verifier, witnesses: &[Verifier]) -> Result<Self, CheckpointError> {
        let checkpoint = Self::parse(note::open_exactly(note, log, witnesses)?)?;
        checkpoint.check_origin(log.name())?;
        Ok(checkpoint)
    }

    fn check_origin(&self, key: &str) -> Result<(), CheckpointError> {
        if self.origin == key {
            Ok(())
        } else {
            Err(CheckpointError::Origin { origin: self.origin.clone(), key: key.to_owned() })
        }
    }
}
