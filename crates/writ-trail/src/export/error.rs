//! What can be wrong with an export, and where.
//!
//! Everything that verification finds names a file of the folder, the place in it, and what differs
//! there, so that a reader can look for themselves. The module relies on nothing but the types it
//! names. It never holds a body.

use std::error::Error;
use std::fmt;
use std::io;

use crate::checkpoint::CheckpointError;
use crate::hash::Hash;

/// The first thing found wrong with an export.
#[derive(Debug)]
pub struct VerifyError {
    /// The file or folder, relative to the export, with `/` between its parts; `.` is the export
    /// itself.
    pub file: String,
    /// Where in the file.
    pub place: Place,
    /// What is wrong there.
    pub fault: Fault,
}

/// A place within a file of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    Whole,
    /// A line of a bodies file, from 1.
    Line(u64),
    /// A leaf, by its number in the log, from 0.
    Leaf(u64),
    /// A hash of a tile, by its place in that tile, from 0.
    Hash(u64),
}

/// What is wrong at a place of an export.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A file or line that must be there is not.
    #[error("it is missing")]
    Missing,
    /// The operating system does not let it be read.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    /// It is a symbolic link, a device or the like.
    #[error("it is neither a regular file nor a folder")]
    NotRegular,
    /// It is not part of an export of this size: a file too many, or an empty folder.
    #[error("it does not belong in this export")]
    Unexpected,
    /// The file is shorter than it must be.
    #[error("it is shorter than {bytes} bytes")]
    Shorter {
        /// The length it must have, in bytes.
        bytes: usize,
    },
    /// The file is longer than it must be, or than is read at most.
    #[error("it is longer than {bytes} bytes")]
    Longer {
        /// The length it must or may have, in bytes.
        bytes: usize,
    },
    /// It has bytes that are not UTF-8.
    #[error("it is not text")]
    NotText,
    /// The checkpoint is not one, or is not signed as it must be.
    #[error("it is refused")]
    Checkpoint(#[source] CheckpointError),
    /// The checkpoint is another tree's.
    #[error("it states the root {stated}, but the entries give {computed}")]
    Root {
        /// The root that was signed.
        stated: Hash,
        /// The root over the entries in the folder.
        computed: Hash,
    },
    /// A log entry is not 32 bytes, or not said to be.
    #[error("its entry is not one of 32 bytes")]
    EntryLength,
    /// The entries do not give the signed root, and this is the first one that is not in the tree.
    #[error("its entry hashes to {computed}, but the tree has {stated} there")]
    Entry {
        /// The leaf hash in the tile of level 0.
        stated: Hash,
        /// The leaf hash of the entry.
        computed: Hash,
    },
    /// A tile has another hash than the entries give.
    #[error("it is {stated}, but the entries give {computed}")]
    TileHash {
        /// The hash in the tile.
        stated: Hash,
        /// The hash that the entries give.
        computed: Hash,
    },
    /// A line of a bodies file is not one.
    #[error("it is neither `<seq> <salt> <body>` nor `<seq> erased`")]
    Record,
    /// A line of a bodies file is another leaf's.
    #[error("it is not the line of leaf {expected}")]
    Sequence {
        /// The leaf whose line belongs here.
        expected: u64,
    },
    /// Salt and body are not the ones committed to.
    #[error("its salt and body do not give its log entry")]
    Commitment,
    /// Bodies were erased, or came back, between two readings of the folder.
    #[error("it changed while it was being read")]
    Changed,
}

/// Why an export was not written. What lies in its folder by then has no checkpoint, and never
/// verifies.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The checkpoint is refused.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// There is something in the folder already.
    #[error("the folder is not empty")]
    NotEmpty,
    /// The operating system does not let it be written.
    #[error("`{file}` cannot be written")]
    Unwritable {
        /// The file or folder, relative to the export; `.` is the export itself.
        file: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The leaves ended before the checkpoint's size.
    #[error("leaf {seq} is missing: the checkpoint is over more leaves than were given")]
    TooFew {
        /// The first leaf that was not given.
        seq: u64,
    },
    /// There are more leaves than the checkpoint's size.
    #[error("more leaves were given than the {size} that the checkpoint is over")]
    TooMany {
        /// The checkpoint's number of leaves.
        size: u64,
    },
    /// The leaves do not come in their order.
    #[error("leaf {found} was given in the place of leaf {expected}")]
    Sequence {
        /// The number that comes next.
        expected: u64,
        /// The number given.
        found: u64,
    },
    /// A body is longer than the limit, [`crate::leaf::BODY_BYTES_MAX`].
    #[error("the body of leaf {seq} is longer than {} bytes", crate::leaf::BODY_BYTES_MAX)]
    BodyTooLong {
        /// The leaf's number.
        seq: u64,
    },
    /// The leaves are not the ones that the checkpoint is over.
    #[error("the checkpoint states the root {stated}, but the leaves give {computed}")]
    Root {
        /// The root that was signed.
        stated: Hash,
        /// The root over the leaves given.
        computed: Hash,
    },
}

impl VerifyError {
    pub(super) fn new(file: &str, place: Place, fault: Fault) -> Self {
        Self { file: file.to_owned(), place, fault }
    }

    pub(super) fn whole(file: &str, fault: Fault) -> Self {
        Self::new(file, Place::Whole, fault)
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`{}: {}", self.file, self.place, self.fault)
    }
}

impl Error for VerifyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The fault itself is in the message already.
        self.fault.source()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Line(number) => write!(f, ", line {number}"),
            Self::Leaf(number) => write!(f, ", leaf {number}"),
            Self::Hash(number) => write!(f, ", hash {number}"),
        }
    }
}
