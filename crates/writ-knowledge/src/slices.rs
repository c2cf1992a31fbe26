//! The slices of one run: the whole catalog that its worker has.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use writ_core::definition::Mask;
use writ_core::policy::Predicate;
use writ_core::value::Type;

use crate::barrier::{Scan, ScanLimits, Slice, SliceTable};
use crate::catalog::{CatalogColumn, CatalogTable, listed};
use crate::clock::Stop;
use crate::error::{QueryError, QueryErrorCode};
use crate::limits::QueryLimits;
use crate::query::{self, Run, scan_error};
use crate::result::Withheld;
use crate::search::SearchIndexes;
use crate::session::{Engine, RunCatalog};
use crate::source::ScanError;
use crate::statement;

/// The slices of one run. Making them reads nothing and costs little; they are used behind an [`Arc`].
///
/// Nothing outside the slices has any influence on what a worker can observe through them: rows, their order
/// and number, errors and their texts, search results and their scores. What does depend on other data is how
/// long a read takes, and whether a source can be read at all.
pub struct Slices {
    slices: BTreeMap<String, Arc<Slice>>,
    /// What the slices look like as tables: the exposed columns alone.
    tables: Arc<BTreeMap<String, CatalogTable>>,
    catalog: RunCatalog,
    indexes: SearchIndexes,
}

/// One slice as its worker may see it described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceDescription {
    /// The table, as `source.table`.
    pub table: String,
    /// The columns, in order.
    pub columns: Vec<ColumnDescription>,
    /// The columns that identify a row, where they are exposed.
    pub row_identity: Vec<String>,
    /// Whether the rows are documents, which can be searched by their words.
    pub documents: bool,
}

/// One column of a slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDescription {
    /// The name.
    pub name: String,
    /// The type of what is shown.
    pub ty: Type,
    /// Whether a row may lack a value.
    pub nullable: bool,
    /// What is shown in place of the values.
    pub mask: Option<Mask>,
}

impl fmt::Debug for Slices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.slices.keys()).finish()
    }
}

impl Slices {
    pub(crate) fn new(slices: BTreeMap<String, Arc<Slice>>) -> Self {
        let tables = slices.iter().map(|(name, slice)| (name.clone(), exposed_table(slice))).collect();
        let catalog = RunCatalog::new(slices.values().map(|slice| {
            let entry = &slice.table.entry;
            let table: Arc<dyn TableProvider> = Arc::new(SliceTable::new(Arc::clone(slice)));
            (entry.source.clone(), entry.name.clone(), table)
        }));
        let indexes = SearchIndexes::new(slices.keys());
        Self { slices, tables: Arc::new(tables), catalog, indexes }
    }

    /// Runs one `SELECT` over the slices.
    ///
    /// # Errors
    /// A [`QueryError`] with a fixed code. Its text may be shown to the worker.
    pub async fn query(&self, sql: &str, limits: &QueryLimits) -> Result<Withheld, QueryError> {
        let query = statement::parse(statement::tokens(sql, limits.sql_bytes_max)?)?;
        statement::inspect(&query, Engine::shared()?.functions(), false)?;
        self.run(query, limits).await
    }

    /// Runs a query that was inspected.
    pub(crate) async fn run(
        &self,
        query: Box<datafusion::sql::sqlparser::ast::Query>,
        limits: &QueryLimits,
    ) -> Result<Withheld, QueryError> {
        for table in statement::tables(&query)? {
            self.known(&table)?;
        }
        let run = Run { query, catalog: self.catalog.clone(), tables: Arc::clone(&self.tables), limits: *limits };
        query::run(run).await
    }

    /// Finds rows of a slice by their words, best first.
    ///
    /// Of documents the result has `path`, `title`, `snippet` and `score`; of any other table with text the
    /// columns that identify a row, where they are exposed, then `snippet` and `score`. Scores are BM25 over
    /// the rows of the slice alone; ties are in the order of the rows' values. Words are compared by their
    /// stems, without regard to case and accents, and one of them is enough.
    ///
    /// # Errors
    /// A [`QueryError`] with a fixed code. Its text may be shown to the worker.
    pub async fn search(
        &self,
        table: &str,
        text: &str,
        limit: usize,
        limits: &QueryLimits,
    ) -> Result<Withheld, QueryError> {
        let slice = self.slices.get(table).ok_or_else(|| self.unknown_table(table))?;
        let described = self.tables.get(table).ok_or_else(|| self.unknown_table(table))?;
        self.indexes.search(slice, described, text, limit, limits).await
    }

    /// What the slices are.
    #[must_use]
    pub fn describe(&self) -> Vec<SliceDescription> {
        self.slices
            .values()
            .map(|slice| SliceDescription {
                table: slice.name.clone(),
                columns: slice
                    .exposed
                    .iter()
                    .map(|column| ColumnDescription {
                        name: column.name.clone(),
                        ty: column.ty.clone(),
                        nullable: column.nullable || column.mask == Some(Mask::Null),
                        mask: column.mask,
                    })
                    .collect(),
                row_identity: self.tables.get(&slice.name).map(|table| table.row_identity.clone()).unwrap_or_default(),
                documents: slice.table.entry.documents,
            })
            .collect()
    }

    /// How many rows each slice has, by table: what the run could read at most. Rows are counted and not kept,
    /// so of the limits only the duration holds.
    ///
    /// # Errors
    /// A [`QueryError`] where a source cannot be read in time.
    pub async fn row_counts(&self, limits: &QueryLimits) -> Result<Vec<(String, u64)>, QueryError> {
        let stop = Arc::new(Stop::after(limits.duration_max));
        let mut counts = Vec::with_capacity(self.slices.len());
        for (name, slice) in &self.slices {
            let (slice, stop) = (Arc::clone(slice), Arc::clone(&stop));
            let count = blocking(move || {
                let limits = ScanLimits { rows_max: usize::MAX, bytes_max: usize::MAX };
                Scan { slice: &slice, prune: &Predicate::Any, limits, stop: &stop, lookup: false }.count()
            })
            .await?;
            counts.push((name.clone(), count));
        }
        Ok(counts)
    }

    /// The slice of a table.
    pub(crate) fn slice(&self, table: &str) -> Option<&Arc<Slice>> {
        self.slices.get(table)
    }

    fn known(&self, table: &TableReference) -> Result<(), QueryError> {
        let name = match table {
            TableReference::Partial { schema, table } => format!("{schema}.{table}"),
            other => other.to_string(),
        };
        let is_known = matches!(table, TableReference::Partial { .. }) && self.slices.contains_key(&name);
        if is_known { Ok(()) } else { Err(self.unknown_table(&name)) }
    }

    pub(crate) fn unknown_table(&self, table: &str) -> QueryError {
        let message =
            format!("there is no table `{table}`: there is {}", listed(self.slices.keys().map(String::as_str)));
        QueryError::new(QueryErrorCode::SqlUnknownName, message)
    }
}

/// Runs work that blocks, and makes a query's error of a failed scan.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ScanError> + Send + 'static,
) -> Result<T, QueryError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome.map_err(scan_error),
        Err(failed) => Err(QueryError::hidden(QueryErrorCode::ExecutionFailed, failed.to_string())),
    }
}

fn exposed_table(slice: &Slice) -> CatalogTable {
    let entry = &slice.table.entry;
    CatalogTable {
        columns: slice
            .exposed
            .iter()
            .map(|column| CatalogColumn {
                name: column.name.clone(),
                ty: column.ty.clone(),
                nullable: column.nullable,
                labels: entry.column(&column.name).map(|column| column.labels.clone()).unwrap_or_default(),
            })
            .collect(),
        row_identity: entry.row_identity.iter().filter(|name| slice.column(name).is_some()).cloned().collect(),
        source: entry.source.clone(),
        name: entry.name.clone(),
        labels: entry.labels.clone(),
        documents: entry.documents,
    }
}
