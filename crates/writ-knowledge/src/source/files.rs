//! Tables that are files: CSV, JSON Lines, Parquet and folders of documents.
//!
//! A file is read whole when its source is opened, within fixed limits, and again at the next read after its
//! length or modification time changed. Types are fixed at opening: a later value that does not fit its column
//! is a misfit, and a later file without one of its columns cannot be read. A line that cannot be read is a row
//! of misfits, so that a bad row which nobody may see changes nothing for the others.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use writ_core::definition::Source;
use writ_core::value::Type;

use super::{OpenedTable, ROWS_AT_A_TIME, Reader, Request, ScanError, Sink, definition, documents};
use crate::cell::{Cell, ColumnSpec};
use crate::error::KnowledgeError;
use crate::limits::{FILE_BYTES_MAX, FILE_ROWS_MAX};

mod comma_separated;
mod json_lines;

/// How a table's file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    #[cfg(feature = "parquet")]
    Parquet,
    /// A folder of Markdown documents.
    Documents,
}

/// Rows of cells in the order of the table's columns.
pub(crate) type Rows = Vec<Vec<Cell>>;

/// When a file, or each file of a folder, was last changed: all that is looked at to see a change.
pub(crate) type Stamp = Vec<(String, Option<SystemTime>, u64)>;

/// Why a file cannot be loaded.
#[derive(Debug, Clone)]
pub(crate) enum LoadError {
    /// It cannot be read, or is not what it should be.
    Unreadable(String),
    /// It exceeds a limit.
    TooLarge(String),
}

/// A table held in memory.
pub(crate) struct FileTable {
    path: PathBuf,
    format: Format,
    columns: Vec<ColumnSpec>,
    loaded: Mutex<(Stamp, Arc<Rows>)>,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            #[cfg(feature = "parquet")]
            Self::Parquet => "parquet",
            Self::Documents => "md",
        }
    }
}

/// Opens a folder of files and the tables that the definition names.
pub(crate) fn open(folder: &Path, format: Format, source: &Source) -> Result<Vec<OpenedTable>, KnowledgeError> {
    source
        .tables
        .iter()
        .map(|(name, table)| {
            let full_name = format!("{}.{name}", source.source);
            let stored_as = table.stored_as.as_deref().unwrap_or(name);
            let path = folder.join(format!("{stored_as}.{}", format.extension()));
            if !path.is_file() {
                return Err(KnowledgeError::UnknownTable {
                    table: full_name,
                    hint: format!("there is no file `{stored_as}.{}` in the source's folder", format.extension()),
                });
            }
            let failed = |error: LoadError| error.for_table(&source.source, &full_name);
            let mut columns = discover(&path, format, table).map_err(failed)?;
            definition::unique(&full_name, &columns)?;
            definition::apply(&full_name, &mut columns, table)?;
            FileTable::load(path, format, columns).map(|(table, columns)| opened(name, columns, table)).map_err(failed)
        })
        .collect()
}

fn opened(name: &str, columns: Vec<ColumnSpec>, table: FileTable) -> OpenedTable {
    OpenedTable {
        name: name.to_owned(),
        columns,
        row_identity: Vec::new(),
        documents: false,
        reader: Reader::Files(table),
    }
}

fn discover(path: &Path, format: Format, table: &writ_core::definition::Table) -> Result<Vec<ColumnSpec>, LoadError> {
    match format {
        Format::Csv => comma_separated::discover(path),
        Format::JsonLines => json_lines::discover(path, table),
        #[cfg(feature = "parquet")]
        Format::Parquet => super::parquet::discover(path),
        Format::Documents => Ok(documents::columns()),
    }
}

fn load_rows(path: &Path, format: Format, columns: &[ColumnSpec]) -> Result<Rows, LoadError> {
    match format {
        Format::Csv => comma_separated::load(path, columns),
        Format::JsonLines => json_lines::load(path, columns),
        #[cfg(feature = "parquet")]
        Format::Parquet => super::parquet::load(path, columns),
        Format::Documents => documents::load(path),
    }
}

fn stamp(path: &Path, format: Format) -> Result<Stamp, LoadError> {
    if format == Format::Documents {
        return documents::stamp(path);
    }
    let file = fs::metadata(path).map_err(|error| LoadError::Unreadable(error.to_string()))?;
    if file.len() > FILE_BYTES_MAX {
        return Err(LoadError::TooLarge(format!("its file is longer than {FILE_BYTES_MAX} bytes")));
    }
    Ok(vec![(String::new(), file.modified().ok(), file.len())])
}

impl std::fmt::Debug for FileTable {
    /// The place alone, without the rows.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileTable").field("path", &self.path).finish_non_exhaustive()
    }
}

impl FileTable {
    /// Loads the rows, and settles which columns may lack a value: those that do in some row.
    pub(crate) fn load(
        path: PathBuf,
        format: Format,
        mut columns: Vec<ColumnSpec>,
    ) -> Result<(Self, Vec<ColumnSpec>), LoadError> {
        let stamp = stamp(&path, format)?;
        let rows = load_rows(&path, format, &columns)?;
        for (at, column) in columns.iter_mut().enumerate() {
            column.nullable = rows.iter().any(|row| matches!(row.get(at), Some(Cell::Null)));
        }
        let table = Self { path, format, columns: columns.clone(), loaded: Mutex::new((stamp, Arc::new(rows))) };
        Ok((table, columns))
    }

    fn current(&self) -> Result<Arc<Rows>, ScanError> {
        let failed = |error: LoadError| ScanError::Source(error.to_string());
        let seen = stamp(&self.path, self.format).map_err(failed)?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.0 != seen {
            let rows = load_rows(&self.path, self.format, &self.columns).map_err(failed)?;
            *loaded = (seen, Arc::new(rows));
        }
        Ok(Arc::clone(&loaded.1))
    }

    pub(crate) fn read(&self, request: &Request<'_>, sink: &mut Sink<'_>) -> Result<(), ScanError> {
        let rows = self.current()?;
        let mut batch: Rows = Vec::new();
        for row in rows.iter() {
            batch
                .push(request.columns.iter().map(|column| row.get(*column).cloned().unwrap_or(Cell::Misfit)).collect());
            if batch.len() >= ROWS_AT_A_TIME {
                if request.stop.is_reached() {
                    return Err(ScanError::Stopped);
                }
                sink(&mut batch)?;
            }
        }
        sink(&mut batch)
    }

    pub(crate) fn count(&self) -> Result<u64, ScanError> {
        Ok(u64::try_from(self.current()?.len()).unwrap_or(u64::MAX))
    }
}

impl LoadError {
    /// The error as the opening of a source reports it.
    pub(crate) fn for_table(self, source: &str, table: &str) -> KnowledgeError {
        match self {
            Self::Unreadable(reason) => {
                KnowledgeError::SourceUnavailable { name: source.to_owned(), reason: format!("`{table}`: {reason}") }
            }
            Self::TooLarge(limit) => KnowledgeError::TooLarge { table: table.to_owned(), limit },
        }
    }
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(reason) | Self::TooLarge(reason) => f.write_str(reason),
        }
    }
}

/// Refuses one row more than a file may have.
fn room_for_one(rows: &Rows) -> Result<(), LoadError> {
    if rows.len() < FILE_ROWS_MAX {
        Ok(())
    } else {
        Err(LoadError::TooLarge(format!("it has more than {FILE_ROWS_MAX} rows")))
    }
}

/// A row of which nothing can be read.
fn misfits(columns: &[ColumnSpec]) -> Vec<Cell> {
    columns.iter().map(|_| Cell::Misfit).collect()
}

/// A column of text, as far as nothing else is known.
fn text_column(name: &str) -> ColumnSpec {
    ColumnSpec { name: name.to_owned(), ty: Type::String, scale: None, nullable: true, labels: Vec::new() }
}
