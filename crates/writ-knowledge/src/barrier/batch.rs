//! Rows of a slice as the query engine's columns.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Int64Array, StringArray, TimestampMillisecondArray,
};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::error::{DataFusionError, Result};
use writ_core::value::{Type, Value};

use super::SliceRow;
use super::table::{DECIMAL_PRECISION, DECIMAL_SCALE};
use crate::limits::BATCH_ROWS;

/// The rows as batches of the columns `columns`, which are indices into a row, with their types.
pub(super) fn batches(rows: &[SliceRow], columns: &[(usize, &Type)], schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
    rows.chunks(BATCH_ROWS)
        .map(|rows| {
            let arrays = columns.iter().map(|(at, ty)| array(rows, *at, ty)).collect::<Result<Vec<ArrayRef>>>()?;
            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            Ok(RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?)
        })
        .collect()
}

fn array(rows: &[SliceRow], at: usize, ty: &Type) -> Result<ArrayRef> {
    let values = || rows.iter().map(|row| row.get(at).and_then(Option::as_ref));
    Ok(match ty {
        Type::Bool => Arc::new(
            values()
                .map(|value| if let Some(Value::Bool(value)) = value { Some(*value) } else { None })
                .collect::<BooleanArray>(),
        ),
        Type::Long => Arc::new(
            values()
                .map(|value| if let Some(Value::Long(value)) = value { Some(*value) } else { None })
                .collect::<Int64Array>(),
        ),
        Type::Decimal => Arc::new(
            values()
                .map(|value| if let Some(Value::Decimal(value)) = value { Some(i128::from(*value)) } else { None })
                .collect::<Decimal128Array>()
                .with_precision_and_scale(DECIMAL_PRECISION, DECIMAL_SCALE)?,
        ),
        Type::String => Arc::new(
            values()
                .map(|value| if let Some(Value::String(value)) = value { Some(&**value) } else { None })
                .collect::<StringArray>(),
        ),
        Type::Datetime => Arc::new(
            values()
                .map(|value| if let Some(Value::Datetime(value)) = value { Some(*value) } else { None })
                .collect::<TimestampMillisecondArray>(),
        ),
        Type::Set(_) | Type::Record(_) => {
            return Err(DataFusionError::Internal("a column holds scalars".to_owned()));
        }
    })
}
