//! The log as an outsider gets it: exports and proofs, made without disturbing the server.
//!
//! An [`Archive`] reads the database beside a running server and takes no lock. It gives out nothing that is not
//! under a signed checkpoint.

use std::path::Path;

use writ_core::decision::Decision;
use writ_trail::bundle::Proof;
use writ_trail::checkpoint::Checkpoint;
use writ_trail::export::{self, Report};
use writ_trail::hash::Hash;
use writ_trail::leaf::{Disclosed, Leaf};
use writ_trail::note::Verifier;

use crate::backend::{Database, Entry, Reads};
use crate::read::{ReadError, failed, one};
use crate::sqlite::SqliteReads;

/// How many events, and how many leaves, are fetched at a time.
const EVENTS_AT_ONCE: i64 = 128;
const LEAVES_AT_ONCE: i64 = 16_384;

/// The log, read-only.
#[derive(Debug)]
pub struct Archive {
    reads: Box<dyn Reads>,
    checkpoint: String,
    verifier: Verifier,
    witnesses: Vec<Verifier>,
}

impl Archive {
    /// Opens the log of a store's folder.
    ///
    /// # Errors
    /// [`ReadError`] where there is no store, or its checkpoint is not signed with this key.
    pub fn open(folder: &Path, database: &Database, verifier: Verifier) -> Result<Self, ReadError> {
        let reads: Box<dyn Reads> = match database {
            Database::Sqlite => Box::new(SqliteReads::beside(folder)?),
            Database::Postgres(url) => Box::new(crate::postgres::beside(url)?),
        };
        let checkpoint = std::fs::read_to_string(folder.join("checkpoint")).map_err(failed)?;
        Checkpoint::open(&checkpoint, &verifier).map_err(failed)?;
        Ok(Self { reads, checkpoint, verifier, witnesses: Vec::new() })
    }

    /// The log up to another of its checkpoints, which these witnesses have cosigned.
    ///
    /// # Errors
    /// [`ReadError`] where the log and each of these witnesses have not signed it, or somebody else has, and where it
    /// is over more leaves than the last one. Whether it is over this log's leaves an export or a proof will tell.
    pub fn cosigned(self, checkpoint: String, witnesses: Vec<Verifier>) -> Result<Self, ReadError> {
        let cosigned = Checkpoint::open_exactly(&checkpoint, &self.verifier, &witnesses).map_err(failed)?;
        if i64::try_from(cosigned.size).map_err(failed)? > self.size()? {
            return Err(failed(format!(
                "the cosigned checkpoint is over {} leaves, more than there are",
                cosigned.size
            )));
        }
        Ok(Self { checkpoint, witnesses, ..self })
    }

    /// The last signed checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// Writes an export that can be verified offline, up to the last signed checkpoint.
    ///
    /// # Errors
    /// [`ReadError`], also where the folder is not empty.
    pub fn export(&self, folder: &Path) -> Result<Report, ReadError> {
        let size = self.size()?;
        let (mut next, mut fault) = (0, None);
        let pages = std::iter::from_fn(|| {
            let page = self.reads.entries(next, size, EVENTS_AT_ONCE);
            let page = page.and_then(|page| {
                next = page.last().map_or(size, |entry| entry.seq.saturating_add(1));
                page.into_iter().map(Entry::disclosed).collect::<Result<Vec<_>, _>>()
            });
            page.map_err(|error| fault = Some(error)).ok().filter(|page| !page.is_empty())
        });
        let leaves = pages.flatten().map(Leaf::Kept);
        let report =
            export::write_export(folder, leaves, &self.checkpoint, &self.verifier, &self.witnesses).map_err(failed);
        match fault {
            Some(error) => Err(error),
            None => report,
        }
    }

    /// A self-contained proof of every event of one decision, and of its run's start.
    ///
    /// # Errors
    /// [`ReadError`], also where there is no such decision or its events are newer than the last checkpoint.
    pub fn proof(&self, decision: &str) -> Result<String, ReadError> {
        let found = one::<Decision>(self.reads.decision(decision)?)?
            .ok_or_else(|| failed(format!("there is no decision `{decision}`")))?;
        let size = self.size()?;
        let shown = self.reads.entries_of_decision(decision, &found.proposal.action.run, size)?;
        if shown.len() < 2 {
            return Err(failed(format!("decision `{decision}` is newer than the checkpoint; ask for a later one")));
        }
        self.prove(size, shown)
    }

    /// A self-contained proof of every event of one run up to the last checkpoint.
    ///
    /// # Errors
    /// [`ReadError`], also where there is no such run under the last checkpoint.
    pub fn proof_of_run(&self, run: &str) -> Result<String, ReadError> {
        let size = self.size()?;
        let mut shown = self.reads.rail(run, 0, i64::MAX)?;
        shown.retain(|entry| entry.seq < size);
        if shown.is_empty() {
            return Err(failed(format!("there is no run `{run}` under the last checkpoint")));
        }
        self.prove(size, shown)
    }

    /// How many leaves are under the checkpoint.
    fn size(&self) -> Result<i64, ReadError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, &self.verifier).map_err(failed)?;
        i64::try_from(checkpoint.size).map_err(failed)
    }

    /// The proof of some leaves, as a text.
    fn prove(&self, size: i64, shown: Vec<Entry>) -> Result<String, ReadError> {
        let shown: Result<Vec<Disclosed>, ReadError> = shown.into_iter().map(Entry::disclosed).collect();
        let leaves = self.leaves(size)?;
        let proof = Proof::new(&self.checkpoint, &self.verifier, &self.witnesses, &leaves, shown?).map_err(failed)?;
        Ok(proof.to_text())
    }

    /// Every leaf below a sequence number.
    fn leaves(&self, size: i64) -> Result<Vec<Hash>, ReadError> {
        let mut leaves: Vec<Hash> = Vec::new();
        loop {
            let next = i64::try_from(leaves.len()).map_err(failed)?;
            let page = self.reads.leaves(next, size, LEAVES_AT_ONCE)?;
            if page.is_empty() {
                return Ok(leaves);
            }
            for (seq, leaf) in page {
                if u64::try_from(seq).ok() != Some(leaves.len() as u64) {
                    return Err(failed(format!("leaf {} is missing", leaves.len())));
                }
                leaves.push(Hash::from_bytes(leaf.try_into().map_err(|_| failed("a leaf is damaged"))?));
            }
        }
    }
}
