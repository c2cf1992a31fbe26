//! The log as an outsider gets it: exports and proofs, made without disturbing the server.
//!
//! An [`Archive`] reads the database beside a running server and takes no lock. It gives out nothing that is not
//! under a signed checkpoint.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Params, Row, params};
use writ_core::decision::Decision;
use writ_trail::bundle::Proof;
use writ_trail::checkpoint::Checkpoint;
use writ_trail::export::{self, Report};
use writ_trail::hash::Hash;
use writ_trail::leaf::{Disclosed, Leaf};
use writ_trail::note::Verifier;

use crate::read::{ReadError, failed, one};

/// The log, read-only.
#[derive(Debug)]
pub struct Archive {
    connection: Connection,
    checkpoint: String,
    verifier: Verifier,
    witnesses: Vec<Verifier>,
}

impl Archive {
    /// Opens the log of a store's folder.
    ///
    /// # Errors
    /// [`ReadError`] where there is no store, or its checkpoint is not signed with this key.
    pub fn open(folder: &Path, verifier: Verifier) -> Result<Self, ReadError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(folder.join("writ.db"), flags).map_err(failed)?;
        connection.busy_timeout(std::time::Duration::from_secs(10)).map_err(failed)?;
        let checkpoint = std::fs::read_to_string(folder.join("checkpoint")).map_err(failed)?;
        Checkpoint::open(&checkpoint, &verifier).map_err(failed)?;
        Ok(Self { connection, checkpoint, verifier, witnesses: Vec::new() })
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
        let checkpoint = Checkpoint::open(&self.checkpoint, &self.verifier).map_err(failed)?;
        {
            let connection = &self.connection;
            let size = i64::try_from(checkpoint.size).map_err(failed)?;
            let sql = "SELECT seq, salt, body FROM events WHERE seq < ?1 ORDER BY seq";
            let mut statement = connection.prepare(sql).map_err(failed)?;
            let mut fault = None;
            let rows = statement.query_map([size], disclosed).map_err(failed)?;
            let leaves = rows.map_while(|row| row.map(Leaf::Kept).map_err(|error| fault = Some(error)).ok());
            let report =
                export::write_export(folder, leaves, &self.checkpoint, &self.verifier, &self.witnesses).map_err(failed);
            match fault {
                Some(error) => Err(failed(error)),
                None => report,
            }
        }
    }

    /// A self-contained proof of every event of one decision, and of its run's start.
    ///
    /// # Errors
    /// [`ReadError`], also where there is no such decision or its events are newer than the last checkpoint.
    pub fn proof(&self, decision: &str) -> Result<String, ReadError> {
        let found = one::<Decision>(&self.connection, "SELECT state FROM decisions WHERE decision = ?1", decision)?
            .ok_or_else(|| failed(format!("there is no decision `{decision}`")))?;
        let sql = "SELECT seq, salt, body FROM events
                   WHERE seq < ?1 AND (decision = ?2 OR (run = ?3 AND kind = 'run_started')) ORDER BY seq";
        let size = self.size()?;
        let shown = self.disclosed(sql, params![size, decision, found.proposal.action.run])?;
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
        let sql = "SELECT seq, salt, body FROM events WHERE seq < ?1 AND run = ?2 ORDER BY seq";
        let size = self.size()?;
        let shown = self.disclosed(sql, params![size, run])?;
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

    fn disclosed(&self, sql: &str, parameters: impl Params) -> Result<Vec<Disclosed>, ReadError> {
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let rows = statement.query_map(parameters, disclosed).map_err(failed)?;
        rows.map(|row| row.map_err(failed)).collect()
    }

    /// The proof of some leaves, as a text.
    fn prove(&self, size: i64, shown: Vec<Disclosed>) -> Result<String, ReadError> {
        let sql = "SELECT leaf FROM events WHERE seq < ?1 ORDER BY seq";
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let rows = statement.query_map([size], |row| row.get::<_, Vec<u8>>(0)).map_err(failed)?;
        let leaves: Result<Vec<Hash>, ReadError> = rows
            .map(|leaf| {
                Ok(Hash::from_bytes(leaf.map_err(failed)?.try_into().map_err(|_| failed("a leaf is damaged"))?))
            })
            .collect();
        let proof = Proof::new(&self.checkpoint, &self.verifier, &self.witnesses, &leaves?, shown).map_err(failed)?;
        Ok(proof.to_text())
    }
}

fn disclosed(row: &Row<'_>) -> rusqlite::Result<Disclosed> {
    let (seq, salt, body): (i64, Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let out_of_range = || rusqlite::Error::IntegralValueOutOfRange(0, seq);
    Ok(Disclosed {
        seq: u64::try_from(seq).map_err(|_| out_of_range())?,
        salt: salt.try_into().map_err(|_| out_of_range())?,
        body,
    })
}
