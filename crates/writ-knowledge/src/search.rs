//! Searching a slice by words, with ranks that depend on the slice alone.
//!
//! The rows of a slice, read through the barrier as any read is, are put into a full-text index in memory
//! (SQLite FTS5), which is kept until they change. Nobody else's rows are in it, so how rare a word is, how long
//! a document is on average, and with them every score, tell nothing of other rows. What is searched for
//! reaches the index as a list of quoted words.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params_from_iter};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use writ_core::policy::Predicate;
use writ_core::value::{Type, Value};

use crate::barrier::{Scan, ScanLimits, Slice, SliceRow, Taken};
use crate::catalog::CatalogTable;
use crate::clock::{Stop, now};
use crate::connection::{GuardedConnection, is_interrupted};
use crate::error::{QueryError, QueryErrorCode};
use crate::limits::{QueryLimits, SEARCH_WORDS_MAX};
use crate::query::within_bytes;
use crate::result::{ResultColumn, Rows, Timings, Touched, Withheld};
use crate::slices::blocking;
use crate::source::ScanError;

/// How much more a word of a document's title counts than one of its body.
const TITLE_WEIGHT: f64 = 4.0;
/// How many words around a find are shown.
const SNIPPET_WORDS: i64 = 24;

/// The index of one slice, and the digest of the rows that are in it.
struct Index {
    rows: [u8; 32],
    connection: GuardedConnection,
}

/// The indexes of a run's slices, each made when it is first needed.
pub(crate) struct SearchIndexes {
    indexes: BTreeMap<String, Arc<Mutex<Option<Index>>>>,
}

/// What a search shows of a row, and where the searched texts stand.
struct Shape {
    /// Positions of the exposed columns that are shown as they are.
    shown: Vec<usize>,
    /// Positions of the exposed columns that are searched, with their weights.
    searched: Vec<(usize, f64)>,
    columns: Vec<ResultColumn>,
    touched: Touched,
}

impl SearchIndexes {
    pub(crate) fn new<'a>(tables: impl Iterator<Item = &'a String>) -> Self {
        Self { indexes: tables.map(|table| (table.clone(), Arc::default())).collect() }
    }

    pub(crate) async fn search(
        &self,
        slice: &Arc<Slice>,
        table: &CatalogTable,
        text: &str,
        limit: usize,
        limits: &QueryLimits,
    ) -> Result<Withheld, QueryError> {
        if text.len() > limits.sql_bytes_max {
            let message = format!("the search is longer than {} bytes: use fewer words", limits.sql_bytes_max);
            return Err(QueryError::new(QueryErrorCode::SqlTooLarge, message));
        }
        let shape = Shape::of(slice, table)?;
        let index = self.indexes.get(&slice.name).cloned().unwrap_or_default();
        let (slice, words, limits) = (Arc::clone(slice), words(text), *limits);
        let limit = limit.min(limits.rows_max);
        let withheld = blocking(move || {
            let stop = Arc::new(Stop::after(limits.duration_max));
            let scan_limits = ScanLimits { rows_max: limits.slice_rows_max, bytes_max: limits.memory_bytes_max };
            let taken = Scan { slice: &slice, prune: &Predicate::Any, limits: scan_limits, stop: &stop, lookup: false }
                .run()?;
            let started = now();
            let rows = find(&index, &shape, &taken.rows, &words, limit, &stop)?;
            let timings = Timings { execution: started.elapsed(), ..spent(&taken) };
            let rows = Rows { columns: shape.columns, rows };
            Ok(Withheld::new(rows, shape.touched, taken.failed, timings))
        })
        .await?;
        within_bytes(withheld.bytes(), limits.result_bytes_max)?;
        Ok(withheld)
    }
}

fn spent(taken: &Taken) -> Timings {
    Timings { scan: taken.reading, policy: taken.deciding, ..Timings::default() }
}

impl Shape {
    fn of(slice: &Slice, table: &CatalogTable) -> Result<Self, QueryError> {
        let text = |name: &str| slice.column(name).filter(|(_, column)| column.ty == Type::String);
        let searched: Vec<(usize, f64)> = slice
            .exposed
            .iter()
            .enumerate()
            .filter(|(_, column)| column.ty == Type::String && column.at.is_some())
            .map(|(at, column)| (at, if table.documents && column.name == "title" { TITLE_WEIGHT } else { 1.0 }))
            .collect();
        if searched.is_empty() {
            let message = format!("table `{}` has no text to search: use a query", slice.name);
            return Err(QueryError::new(QueryErrorCode::SqlNotAllowed, message));
        }
        let shown: Vec<usize> = if table.documents {
            ["path", "title"].into_iter().filter_map(|name| text(name).map(|(at, _)| at)).collect()
        } else {
            table.row_identity.iter().filter_map(|name| slice.column(name).map(|(at, _)| at)).collect()
        };
        let mut columns: Vec<ResultColumn> = shown
            .iter()
            .filter_map(|at| slice.exposed.get(*at))
            .map(|column| ResultColumn { name: column.name.clone(), ty: type_of(&column.ty) })
            .collect();
        columns.extend(["snippet", "score"].map(|name| ResultColumn { name: name.to_owned(), ty: "string" }));
        let mut touched: Vec<String> = searched
            .iter()
            .map(|(at, _)| *at)
            .chain(shown.iter().copied())
            .filter_map(|at| slice.exposed.get(at).map(|column| column.name.clone()))
            .collect();
        touched.sort_unstable();
        touched.dedup();
        let of_columns = touched.iter().filter_map(|name| table.column(name)).flat_map(|column| &column.labels);
        let mut labels: Vec<String> = table.labels.iter().chain(of_columns).cloned().collect();
        labels.sort_unstable();
        labels.dedup();
        let touched = Touched { columns: vec![(slice.name.clone(), touched)], labels };
        Ok(Self { shown, searched, columns, touched })
    }
}

fn type_of(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::Long => "long",
        Type::Decimal => "decimal",
        Type::Datetime => "datetime",
        Type::String | Type::Set(_) | Type::Record(_) => "string",
    }
}

/// The words of a text: runs of letters and digits, each once.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        if words.len() < SEARCH_WORDS_MAX && !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

fn find(
    index: &Mutex<Option<Index>>,
    shape: &Shape,
    rows: &[SliceRow],
    words: &[String],
    limit: usize,
    stop: &Arc<Stop>,
) -> Result<Vec<Vec<Json>>, ScanError> {
    if words.is_empty() || rows.is_empty() {
        return Ok(Vec::new());
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let digest = digest(rows);
    let mut index = index.lock().unwrap_or_else(PoisonError::into_inner);
    if index.as_ref().is_none_or(|index| index.rows != digest) {
        *index = None;
        let mut connection = GuardedConnection::open_in_memory().map_err(failed)?;
        connection.until(stop, |connection| fill(connection, shape, rows)).map_err(failed)?;
        *index = Some(Index { rows: digest, connection });
    }
    let Some(index) = index.as_mut() else { return Ok(Vec::new()) };
    let query = quoted.join(" OR ");
    let found = index.connection.until(stop, |connection| ranked(connection, shape, &query, limit)).map_err(failed)?;
    Ok(found.into_iter().filter_map(|found| shown(shape, rows, found)).collect())
}

struct Found {
    /// The row's place in the slice.
    at: usize,
    snippet: String,
    score: f64,
}

fn shown(shape: &Shape, rows: &[SliceRow], found: Found) -> Option<Vec<Json>> {
    let row = rows.get(found.at)?;
    let value = |at: &usize| row.get(*at).and_then(Option::as_ref).map_or(Json::Null, Value::to_json);
    let mut values: Vec<Json> = shape.shown.iter().map(value).collect();
    values.push(Json::String(found.snippet));
    values.push(Json::String(format!("{:.9}", found.score)));
    Some(values)
}

/// Makes the index. Rows keep their place, counted from one.
fn fill(connection: &mut Connection, shape: &Shape, rows: &[SliceRow]) -> Result<(), rusqlite::Error> {
    let columns: Vec<String> = (0..shape.searched.len()).map(|at| format!("c{at}")).collect();
    connection.execute_batch(&format!(
        "CREATE VIRTUAL TABLE slice USING fts5({}, tokenize = 'porter unicode61 remove_diacritics 2')",
        columns.join(", ")
    ))?;
    let marks = vec!["?"; shape.searched.len().saturating_add(1)].join(", ");
    let transaction = connection.transaction()?;
    {
        let sql = format!("INSERT INTO slice (rowid, {}) VALUES ({marks})", columns.join(", "));
        let mut insert = transaction.prepare(&sql)?;
        for (at, row) in rows.iter().enumerate() {
            let place = i64::try_from(at).unwrap_or(i64::MAX).saturating_add(1);
            let texts = shape.searched.iter().map(|(column, _)| match row.get(*column) {
                Some(Some(Value::String(text))) => rusqlite::types::Value::Text(text.to_string()),
                _ => rusqlite::types::Value::Null,
            });
            insert.execute(params_from_iter(std::iter::once(rusqlite::types::Value::Integer(place)).chain(texts)))?;
        }
    }
    transaction.commit()
}

fn ranked(
    connection: &mut Connection,
    shape: &Shape,
    query: &str,
    limit: usize,
) -> Result<Vec<Found>, rusqlite::Error> {
    let weights: Vec<String> = shape.searched.iter().map(|(_, weight)| format!("{weight:.1}")).collect();
    let rank = format!("bm25(slice, {})", weights.join(", "));
    let mut statement = connection.prepare_cached(&format!(
        "SELECT rowid, {rank}, snippet(slice, -1, '[', ']', '…', {SNIPPET_WORDS}) FROM slice \
         WHERE slice MATCH ?1 ORDER BY {rank}, rowid LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    statement
        .query_map(rusqlite::params![query, limit], |row| {
            let place: i64 = row.get(0)?;
            let rank: f64 = row.get(1)?;
            Ok(Found {
                at: usize::try_from(place.saturating_sub(1)).unwrap_or(usize::MAX),
                snippet: row.get(2)?,
                score: -rank,
            })
        })?
        .collect()
}

/// A digest of rows, each value with its type and length before it.
fn digest(rows: &[SliceRow]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut put = |tag: u8, bytes: &[u8]| {
        hasher.update([tag]);
        hasher.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(bytes);
    };
    for value in rows.iter().flatten() {
        match value {
            None => put(0, &[]),
            Some(Value::String(text)) => put(1, text.as_bytes()),
            Some(Value::Long(value)) => put(2, &value.to_be_bytes()),
            Some(Value::Decimal(value)) => put(3, &value.to_be_bytes()),
            Some(Value::Datetime(value)) => put(4, &value.to_be_bytes()),
            Some(Value::Bool(value)) => put(5, &[u8::from(*value)]),
            Some(_) => put(6, &[]),
        }
    }
    hasher.finalize().into()
}

fn failed(error: rusqlite::Error) -> ScanError {
    if is_interrupted(&error) { ScanError::Stopped } else { ScanError::Source(error.to_string()) }
}
