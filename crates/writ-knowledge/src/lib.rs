//! Knowledge: SQL and search over the slices of a run, and nothing else.
//!
//! A [`Knowledge`] opens a workspace's sources. From it, each run gets its [`Slices`]: rows admitted by policy,
//! columns named, masks applied. A worker, assumed hostile, sends SQL to [`Slices::query`] and words to
//! [`Slices::search`]; operators' [`Fact`]s read single values. Every read comes back [`Withheld`] until its
//! record is durable.
//!
//! Architecture invariants:
//!
//! - **No row outside a slice influences anything observable**: no row, order, count, score, error or error
//!   text. A condition over a view would not be enough, because a query engine evaluates predicates in any
//!   order; so policy and masks are applied inside the scan, below every expression of a worker's (`barrier`),
//!   and the tests compare databases that differ only outside the slice.
//! - **The engine can read slices and nothing else**: no files, statements, table functions, information schema,
//!   clock or randomness (`session`, `statement`).
//! - **Constants never become SQL text**: native queries and facts bind them (`native_sql`, `fact`).
//! - This crate decides nothing: a [`writ_core::policy::RowPolicy`] does. It is the only crate that knows Arrow.

mod barrier;
mod catalog;
mod cell;
mod clock;
mod connection;
mod error;
mod fact;
mod knowledge;
mod limits;
mod mask;
mod native_sql;
mod prune;
mod query;
mod result;
mod search;
mod session;
mod slices;
mod source;
mod statement;

pub use barrier::{SliceColumn, SliceSpec};
pub use catalog::{Catalog, CatalogColumn, CatalogTable};
pub use error::{FactError, KnowledgeError, QueryError, QueryErrorCode};
pub use fact::Fact;
pub use knowledge::Knowledge;
pub use limits::{
    DOCUMENT_FOLDERS_DEEP_MAX, DOCUMENTS_MAX, FILE_BYTES_MAX, FILE_ROWS_MAX, QueryLimits, TEXT_BYTES_MAX,
};
pub use result::{ResultColumn, Rows, Timings, Withheld};
pub use slices::{ColumnDescription, SliceDescription, Slices};
