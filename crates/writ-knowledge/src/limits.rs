//! Every limit of this crate, named with its unit last.
//!
//! What a run may vary stands in [`QueryLimits`]; what protects the process whatever a run says is a
//! constant. Nothing here is measured on data outside a slice, so reaching a limit tells nothing of it.

use std::time::Duration;

/// The longest text that a cell may hold, in bytes; a longer one does not fit its column.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;
/// The largest file of a `csv`, `json` or `parquet` source, in bytes.
pub const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The most rows of one such file.
pub const FILE_ROWS_MAX: usize = 1_000_000;
/// The most documents of one collection.
pub const DOCUMENTS_MAX: usize = 10_000;
/// The deepest folder of a collection of documents.
pub const DOCUMENT_FOLDERS_DEEP_MAX: usize = 16;

/// The most tokens of one SQL statement.
pub(crate) const SQL_TOKENS_MAX: usize = 8_000;
/// The most operators of one SQL statement: they nest as deep as they are many.
pub(crate) const SQL_OPERATORS_MAX: usize = 200;
/// The most `SELECT`s of one SQL statement.
pub(crate) const SQL_SELECTS_MAX: usize = 24;
/// The most `WITH`s of one SQL statement.
pub(crate) const SQL_WITHS_MAX: usize = 6;
/// The most scans that one SQL statement becomes once every `WITH` table is put in its places.
pub(crate) const SQL_SCANS_MAX: u64 = 24;
/// How deep a SQL statement may nest.
pub(crate) const SQL_DEPTH_MAX: usize = 40;

/// The rows of one batch. Small, because a join repeats texts, and a batch is what memory must hold at once.
pub(crate) const BATCH_ROWS: usize = 256;
/// The most conditions that are put into a source's native query.
pub(crate) const NATIVE_CONDITIONS_MAX: usize = 200;
/// The most words of one search.
pub(crate) const SEARCH_WORDS_MAX: usize = 32;

/// What one read may cost at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryLimits {
    /// The most rows of a result.
    pub rows_max: usize,
    /// How long a read may take.
    pub duration_max: Duration,
    /// The most memory that the rows of slices, joins, groups and sorts may hold together, in bytes.
    pub memory_bytes_max: usize,
    /// The longest SQL text, in bytes.
    pub sql_bytes_max: usize,
    /// The longest result, in bytes of its JSON.
    pub result_bytes_max: usize,
    /// The most rows of one slice that one read may take in.
    pub slice_rows_max: usize,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            rows_max: 1_000,
            duration_max: Duration::from_secs(10),
            memory_bytes_max: 64 * 1024 * 1024,
            sql_bytes_max: 16 * 1024,
            result_bytes_max: 1024 * 1024,
            slice_rows_max: 50_000,
        }
    }
}
