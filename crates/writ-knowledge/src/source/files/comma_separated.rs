//! CSV files with a header line (RFC 4180). Every column holds text unless the definition says otherwise.

use std::fs::File;
use std::path::Path;

use super::{LoadError, Rows, misfits, room_for_one, text_column};
use crate::cell::{Cell, ColumnSpec};

fn open(path: &Path) -> Result<csv::Reader<File>, LoadError> {
    csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(unreadable)
}

fn unreadable(error: csv::Error) -> LoadError {
    LoadError::Unreadable(error.to_string())
}

/// The columns that the header names.
pub(super) fn discover(path: &Path) -> Result<Vec<ColumnSpec>, LoadError> {
    Ok(open(path)?.headers().map_err(unreadable)?.iter().map(text_column).collect())
}

/// The rows, with their cells in the order of `columns` whatever the order of the header.
pub(super) fn load(path: &Path, columns: &[ColumnSpec]) -> Result<Rows, LoadError> {
    let mut reader = open(path)?;
    let header = reader.headers().map_err(unreadable)?.clone();
    let places = columns
        .iter()
        .map(|column| {
            header
                .iter()
                .position(|name| name == column.name)
                .ok_or_else(|| LoadError::Unreadable(format!("the header has no `{}`", column.name)))
        })
        .collect::<Result<Vec<usize>, LoadError>>()?;
    let mut rows = Rows::new();
    for record in reader.byte_records() {
        let record = record.map_err(unreadable)?;
        room_for_one(&rows)?;
        if record.len() != header.len() {
            rows.push(misfits(columns));
            continue;
        }
        let cell = |column: &ColumnSpec, place: usize| {
            let text = record.get(place).and_then(|bytes| std::str::from_utf8(bytes).ok());
            text.map_or(Cell::Misfit, |text| Cell::from_text(text, column))
        };
        rows.push(columns.iter().zip(&places).map(|(column, place)| cell(column, *place)).collect());
    }
    Ok(rows)
}
