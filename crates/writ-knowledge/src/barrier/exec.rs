//! A slice as a leaf of a query's plan: one partition, nothing known of its rows before it runs.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::memory::MemoryStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties, ReplaceChildrenOptions,
    SendableRecordBatchStream,
};
use futures::{TryStreamExt as _, stream};
use writ_core::policy::Predicate;
use writ_core::value::Type;

use super::batch::batches;
use super::scan::{Scan, ScanLimits};
use super::slice::Slice;
use crate::clock::Stop;
use crate::source::ScanError;

/// What all scans of one query share: its limits, when it must end, and what it came to.
#[derive(Debug)]
pub(crate) struct QueryScope {
    pub(crate) limits: ScanLimits,
    pub(crate) stop: Arc<Stop>,
    spent: Mutex<Spent>,
}

/// What the scans of a query came to so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spent {
    pub(crate) failed: u64,
    pub(crate) reading: Duration,
    pub(crate) deciding: Duration,
    /// The first scan that failed.
    pub(crate) error: Option<ScanError>,
}

impl QueryScope {
    pub(crate) fn new(limits: ScanLimits, stop: Arc<Stop>) -> Self {
        Self { limits, stop, spent: Mutex::default() }
    }

    /// The scope of the query that a task runs.
    pub(crate) fn of(context: &TaskContext) -> Result<Arc<Self>> {
        context
            .session_config()
            .get_extension::<Self>()
            .ok_or_else(|| DataFusionError::Internal("a slice is read within a query".to_owned()))
    }

    /// The error of a query that was stopped.
    pub(crate) fn stopped(&self) -> DataFusionError {
        self.failed(ScanError::Stopped)
    }

    fn failed(&self, error: ScanError) -> DataFusionError {
        self.add(|spent| _ = spent.error.get_or_insert_with(|| error.clone()));
        DataFusionError::External(Box::new(error))
    }

    pub(crate) fn spent(&self) -> Spent {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, add: impl FnOnce(&mut Spent)) {
        add(&mut self.spent.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The leaf.
#[derive(Debug)]
pub(super) struct SliceExec {
    slice: Arc<Slice>,
    /// Indices of the exposed columns that the plan needs.
    columns: Vec<usize>,
    prune: Predicate,
    rows_max: Option<usize>,
    properties: Arc<PlanProperties>,
}

impl SliceExec {
    pub(super) fn new(
        slice: Arc<Slice>,
        projection: Option<&Vec<usize>>,
        prune: Predicate,
        rows_max: Option<usize>,
    ) -> Result<Self> {
        let columns = projection.cloned().unwrap_or_else(|| (0..slice.exposed.len()).collect());
        let schema: SchemaRef = match projection {
            Some(projection) => Arc::new(slice.schema.project(projection)?),
            None => Arc::clone(&slice.schema),
        };
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        ));
        Ok(Self { slice, columns, prune, rows_max, properties })
    }

    fn reading(&self) -> Reading {
        Reading {
            slice: Arc::clone(&self.slice),
            columns: self.columns.clone(),
            prune: self.prune.clone(),
            rows_max: self.rows_max,
            schema: self.schema(),
        }
    }
}

impl DisplayAs for SliceExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SliceExec: table={}", self.slice.name)
    }
}

impl ExecutionPlan for SliceExec {
    fn name(&self) -> &'static str {
        "SliceExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return Err(DataFusionError::Internal("a slice has one partition".to_owned()));
        }
        let scope = QueryScope::of(&context)?;
        let pool = Arc::clone(context.memory_pool());
        let reading = self.reading();
        let rows = stream::once(async move {
            tokio::task::spawn_blocking(move || reading.run(&scope, &pool))
                .await
                .map_err(|error| DataFusionError::Execution(error.to_string()))?
        })
        .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// What one execution needs, on a thread that may block.
struct Reading {
    slice: Arc<Slice>,
    columns: Vec<usize>,
    prune: Predicate,
    rows_max: Option<usize>,
    schema: Arc<Schema>,
}

impl Reading {
    fn run(&self, scope: &QueryScope, pool: &Arc<dyn MemoryPool>) -> Result<MemoryStream> {
        let scan =
            Scan { slice: &self.slice, prune: &self.prune, limits: scope.limits, stop: &scope.stop, lookup: false };
        let taken = scan.run().map_err(|error| scope.failed(error))?;
        scope.add(|spent| {
            spent.failed = spent.failed.saturating_add(taken.failed);
            spent.reading = spent.reading.saturating_add(taken.reading);
            spent.deciding = spent.deciding.saturating_add(taken.deciding);
        });
        let reservation = MemoryConsumer::new("slice").register(pool);
        reservation.try_grow(taken.bytes)?;
        let rows = taken.rows.get(..self.rows_max.unwrap_or(usize::MAX).min(taken.rows.len())).unwrap_or_default();
        let columns: Vec<(usize, &Type)> =
            self.columns.iter().filter_map(|at| self.slice.exposed.get(*at).map(|column| (*at, &column.ty))).collect();
        let batches = batches(rows, &columns, &self.schema)?;
        Ok(MemoryStream::try_new(batches, Arc::clone(&self.schema), None)?.with_reservation(reservation))
    }
}
