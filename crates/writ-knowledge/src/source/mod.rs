//! Sources: where rows come from, before anybody's policy is put to them.
//!
//! A reader hands over every row that may be admitted, cell by cell, each made into a value of its column's
//! type or marked as a misfit. It relies on the barrier to decide; it never decides itself, and nothing but
//! the barrier and the operator's own checks may call it.

pub(crate) mod definition;
pub(crate) mod documents;
pub(crate) mod files;
#[cfg(feature = "parquet")]
mod parquet;
pub(crate) mod sqlite;

use std::path::Path;
use std::sync::Arc;

use writ_core::definition::{Origin, Source};
use writ_core::policy::Predicate;

use crate::cell::{Cell, ColumnSpec};
use crate::clock::Stop;
use crate::error::KnowledgeError;
use crate::native_sql::NativeFilter;

/// How many rows are handed over at a time.
pub(crate) const ROWS_AT_A_TIME: usize = 256;

/// Why rows could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScanError {
    /// The slice has more rows than the read may take in.
    #[error("the slice has more rows than the read may take in")]
    TooManyRows,
    /// The slice's rows take more memory than the read may use.
    #[error("the slice's rows take more memory than the read may use")]
    TooMuchMemory,
    /// The read took too long, or nobody waits for it any more.
    #[error("the read was stopped")]
    Stopped,
    /// The source failed; the text is for operators.
    #[error("{0}")]
    Source(String),
}

/// One table, opened.
#[derive(Debug)]
pub(crate) struct OpenedTable {
    pub(crate) name: String,
    pub(crate) columns: Vec<ColumnSpec>,
    pub(crate) row_identity: Vec<String>,
    pub(crate) documents: bool,
    pub(crate) reader: Reader,
}

/// What to read of a table.
pub(crate) struct Request<'a> {
    /// Indices of the table's columns, in the order of the cells.
    pub(crate) columns: &'a [usize],
    /// The policy's predicate in the source's own terms; nothing to read every row.
    pub(crate) policy: Option<&'a NativeFilter>,
    /// What else the rows must satisfy.
    pub(crate) prune: &'a Predicate,
    /// When to give up.
    pub(crate) stop: &'a Arc<Stop>,
}

/// Takes rows, a few at a time, and leaves the list empty.
pub(crate) type Sink<'a> = dyn FnMut(&mut Vec<Vec<Cell>>) -> Result<(), ScanError> + 'a;

/// A table's reader.
#[derive(Debug)]
pub(crate) enum Reader {
    /// A table of an SQLite database.
    Sqlite(sqlite::SqliteTable),
    /// Rows held in memory and read again when their file changes.
    Files(files::FileTable),
}

impl Reader {
    /// Hands every row that may satisfy the request to `sink`. Blocks.
    pub(crate) fn read(&self, request: &Request<'_>, sink: &mut Sink<'_>) -> Result<(), ScanError> {
        match self {
            Self::Sqlite(table) => table.read(request, sink),
            Self::Files(table) => table.read(request, sink),
        }
    }

    /// A policy's predicate in the source's own terms.
    pub(crate) fn native(&self, predicate: &Predicate) -> NativeFilter {
        match self {
            Self::Sqlite(table) => table.native(predicate),
            Self::Files(_) => NativeFilter::any(),
        }
    }

    /// How many rows the table has. Blocks.
    pub(crate) fn count(&self, stop: &Arc<Stop>) -> Result<u64, ScanError> {
        match self {
            Self::Sqlite(table) => table.count(stop),
            Self::Files(table) => table.count(),
        }
    }
}

/// Opens a source and every table that its definition names.
pub(crate) fn open(workspace: &Path, source: &Source) -> Result<Vec<OpenedTable>, KnowledgeError> {
    match &source.from {
        Origin::Sqlite(path) => sqlite::open(&workspace.join(path), source),
        Origin::Csv(folder) => files::open(&workspace.join(folder), files::Format::Csv, source),
        Origin::Json(folder) => files::open(&workspace.join(folder), files::Format::JsonLines, source),
        Origin::Documents(folder) => documents::open(&workspace.join(folder), source),
        #[cfg(feature = "parquet")]
        Origin::Parquet(folder) => files::open(&workspace.join(folder), files::Format::Parquet, source),
        #[cfg(not(feature = "parquet"))]
        Origin::Parquet(_) => {
            Err(KnowledgeError::NotBuiltIn { name: source.source.clone(), feature: "parquet".to_owned() })
        }
    }
}
