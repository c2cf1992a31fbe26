//! Parquet files (cargo feature `parquet`): read whole, like any other file.
//!
//! Columns that hold lists, structures or bytes are no columns here, unless the definition gives them a type, in
//! which case their values are misfits.

use std::fs::File;
use std::path::Path;

use datafusion::arrow::array::Array as _;
use datafusion::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use serde_json::Value as Json;
use writ_core::value::Type;

use super::files::{LoadError, Rows};
use crate::cell::{Cell, ColumnSpec};
use crate::limits::FILE_ROWS_MAX;
use crate::result::{json_column, type_name};

fn unreadable(error: impl std::fmt::Display) -> LoadError {
    LoadError::Unreadable(error.to_string())
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, LoadError> {
    ParquetRecordBatchReaderBuilder::try_new(File::open(path).map_err(unreadable)?).map_err(unreadable)
}

/// The columns that the file's schema names and whose values have a scalar type.
pub(super) fn discover(path: &Path) -> Result<Vec<ColumnSpec>, LoadError> {
    let file = open(path)?;
    let column = |name: &str, ty: Type| ColumnSpec {
        name: name.to_owned(),
        ty,
        scale: None,
        nullable: true,
        labels: Vec::new(),
    };
    Ok(file
        .schema()
        .fields()
        .iter()
        .filter_map(|field| {
            let ty = match type_name(field.data_type())? {
                "bool" => Type::Bool,
                "long" => Type::Long,
                "decimal" | "double" => Type::Decimal,
                "datetime" | "date" => Type::Datetime,
                "string" => Type::String,
                _ => return None,
            };
            Some(column(field.name(), ty))
        })
        .collect())
}

/// The rows, with their cells in the order of `columns`.
pub(super) fn load(path: &Path, columns: &[ColumnSpec]) -> Result<Rows, LoadError> {
    let batches: ParquetRecordBatchReader = open(path)?.build().map_err(unreadable)?;
    let mut rows = Rows::new();
    for batch in batches {
        let batch = batch.map_err(unreadable)?;
        if rows.len().saturating_add(batch.num_rows()) > FILE_ROWS_MAX {
            return Err(LoadError::TooLarge(format!("it has more than {FILE_ROWS_MAX} rows")));
        }
        let mut taken: Rows = vec![Vec::with_capacity(columns.len()); batch.num_rows()];
        for column in columns {
            let array = batch
                .column_by_name(&column.name)
                .ok_or_else(|| LoadError::Unreadable(format!("the file has no `{}`", column.name)))?;
            let values = json_column(array).unwrap_or_else(|_| vec![Json::Array(Vec::new()); array.len()]);
            for (row, value) in taken.iter_mut().zip(&values) {
                row.push(Cell::from_json(Some(value), column));
            }
        }
        rows.extend(taken);
    }
    Ok(rows)
}
