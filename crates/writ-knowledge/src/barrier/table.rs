//! A slice as a table of the query engine.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use writ_core::policy::Predicate;
use writ_core::value::Type;

use super::exec::SliceExec;
use super::slice::Slice;
use crate::prune;

/// The precision and scale in which a decimal is handed to the query engine: every 64-bit count of
/// ten-thousandths fits.
pub(super) const DECIMAL_PRECISION: u8 = 19;
pub(super) const DECIMAL_SCALE: i8 = 4;

/// The query engine's schema of columns. Datetimes are milliseconds in UTC without a zone, which is how it
/// compares them with text; every column may lack values, so that no plan relies on the source's word.
pub(crate) fn arrow_schema<'a>(columns: impl Iterator<Item = (&'a str, &'a Type)>) -> SchemaRef {
    let fields: Vec<Field> = columns.map(|(name, ty)| Field::new(name, arrow_type(ty), true)).collect();
    Arc::new(Schema::new(fields))
}

fn arrow_type(ty: &Type) -> DataType {
    match ty {
        Type::Bool => DataType::Boolean,
        Type::Long => DataType::Int64,
        Type::Decimal => DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
        Type::Datetime => DataType::Timestamp(TimeUnit::Millisecond, None),
        Type::String | Type::Set(_) | Type::Record(_) => DataType::Utf8,
    }
}

/// A slice, as a query's catalog holds it.
#[derive(Debug)]
pub(crate) struct SliceTable {
    slice: Arc<Slice>,
}

impl SliceTable {
    pub(crate) fn new(slice: Arc<Slice>) -> Self {
        Self { slice }
    }

    fn pruning(&self, filter: &Expr) -> Option<Predicate> {
        prune::predicate(filter, &|name| {
            let (_, column) = self.slice.column(name)?;
            column.mask.is_none().then(|| column.ty.clone())
        })
    }
}

#[async_trait]
impl TableProvider for SliceTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.slice.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let pruning: Option<Vec<Predicate>> = filters.iter().map(|filter| self.pruning(filter)).collect();
        // A filter that was not taken would make a limit wrong; none is ever handed over.
        let limit = if pruning.is_some() { limit } else { None };
        let predicate = pruning.map_or(Predicate::Any, Predicate::all);
        Ok(Arc::new(SliceExec::new(Arc::clone(&self.slice), projection, predicate, limit)?))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| {
                if self.pruning(filter).is_some() {
                    TableProviderFilterPushDown::Inexact
                } else {
                    TableProviderFilterPushDown::Unsupported
                }
            })
            .collect())
    }
}
