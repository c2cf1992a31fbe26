//! Running an inspected query over the slices of a run.
//!
//! A query plans, reads and computes on a task of its own, so that a panic in the query engine is an error of
//! that query, and a reader who goes away or runs out of time stops it. Errors while planning speak of the
//! worker's SQL and the slices' columns and may be told; errors while computing can depend on values and are
//! told as a code alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::common::SchemaError;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SQLOptions;
use datafusion::sql::parser::Statement as PlannedStatement;
use datafusion::sql::sqlparser::ast::{Query, Statement};
use futures::StreamExt as _;
use serde_json::Value as Json;

use crate::barrier::{QueryScope, ScanLimits};
use crate::catalog::CatalogTable;
use crate::clock::{Stop, now};
use crate::error::{QueryError, QueryErrorCode};
use crate::limits::QueryLimits;
use crate::result::{ResultColumn, Rows, Timings, Touched, Withheld, json_column, type_name};
use crate::session::{Engine, RunCatalog};
use crate::source::ScanError;

/// A query that was inspected, and what it is run against.
pub(crate) struct Run {
    pub(crate) query: Box<Query>,
    pub(crate) catalog: RunCatalog,
    /// The tables of the run, for labels and hints.
    pub(crate) tables: Arc<BTreeMap<String, CatalogTable>>,
    pub(crate) limits: QueryLimits,
}

/// Ends a query's task when nobody waits for it any more.
struct Abandoned {
    task: tokio::task::AbortHandle,
    stop: Arc<Stop>,
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}

/// Runs a query to its end.
pub(crate) async fn run(run: Run) -> Result<Withheld, QueryError> {
    let duration_max = run.limits.duration_max;
    let stop = Arc::new(Stop::after(duration_max));
    let task = tokio::spawn(compute(run, Arc::clone(&stop)));
    let _abandoned = Abandoned { task: task.abort_handle(), stop };
    match tokio::time::timeout(duration_max, task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(failed)) => Err(QueryError::hidden(QueryErrorCode::ExecutionFailed, failed.to_string())),
        Err(_) => Err(QueryError::hidden(QueryErrorCode::TimeExceeded, "the time limit was reached")),
    }
}

async fn compute(run: Run, stop: Arc<Stop>) -> Result<Withheld, QueryError> {
    let started = now();
    let limits = run.limits;
    let scan_limits = ScanLimits { rows_max: limits.slice_rows_max, bytes_max: limits.memory_bytes_max };
    let scope = Arc::new(QueryScope::new(scan_limits, stop));
    let engine = Engine::shared()?;
    let state = engine.session(Arc::new(run.catalog), Some(Arc::clone(&scope)), limits.memory_bytes_max);
    let planning = |error: DataFusionError| planning_error(&error, &run.tables);
    let plan = plan(engine, &state, run.query, &planning).await?;
    let touched = touched(&plan, &run.tables);
    let physical = state.query_planner().create_physical_plan(&plan, &state).await.map_err(planning)?;
    let mut rows = Rows { columns: Vec::new(), rows: Vec::new() };
    for field in physical.schema().fields() {
        let ty = type_name(field.data_type()).ok_or_else(|| no_form(field.name()))?;
        rows.columns.push(ResultColumn { name: field.name().clone(), ty });
    }
    let planned = started.elapsed();
    let executing = |error: DataFusionError| execution_error(&error, scope.spent().error);
    let mut batches = execute_stream(physical, state.task_ctx()).map_err(executing)?;
    let mut bytes = 0_usize;
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(executing)?;
        if rows.rows.len().saturating_add(batch.num_rows()) > limits.rows_max {
            let message = format!("the result has more than {} rows: add a `LIMIT` or a filter", limits.rows_max);
            return Err(QueryError::new(QueryErrorCode::TooManyRows, message));
        }
        let mut taken: Vec<Vec<Json>> = vec![Vec::with_capacity(rows.columns.len()); batch.num_rows()];
        for column in batch.columns() {
            let values = json_column(column).map_err(|error| executing(error.into()))?;
            for (row, value) in taken.iter_mut().zip(values) {
                bytes = bytes.saturating_add(text_bytes(&value));
                row.push(value);
            }
        }
        within_bytes(bytes, limits.result_bytes_max)?;
        rows.rows.extend(taken);
    }
    let spent = scope.spent();
    let timings = Timings {
        planning: planned,
        scan: spent.reading,
        policy: spent.deciding,
        execution: started
            .elapsed()
            .saturating_sub(planned)
            .saturating_sub(spent.reading)
            .saturating_sub(spent.deciding),
    };
    let withheld = Withheld::new(rows, touched, spent.failed, timings);
    within_bytes(withheld.bytes(), limits.result_bytes_max)?;
    Ok(withheld)
}

/// Plans and optimizes a query. Reads nothing.
pub(crate) async fn plan(
    engine: &Engine,
    state: &SessionState,
    query: Box<Query>,
    failed: &(dyn Fn(DataFusionError) -> QueryError + Sync),
) -> Result<LogicalPlan, QueryError> {
    let statement = PlannedStatement::Statement(Box::new(Statement::Query(query)));
    let plan = state.statement_to_plan(statement).await.map_err(failed)?;
    let nothing_else = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    nothing_else
        .verify_plan(&plan)
        .map_err(|error| QueryError::new(QueryErrorCode::SqlNotAllowed, first_line(&error.message())))?;
    engine.verify(&plan)?;
    state.optimize(&plan).map_err(failed)
}

/// At least how many bytes of JSON a value is.
fn text_bytes(value: &Json) -> usize {
    match value {
        Json::String(text) => text.len().saturating_add(3),
        _ => 2,
    }
}

pub(crate) fn within_bytes(bytes: usize, bytes_max: usize) -> Result<(), QueryError> {
    if bytes > bytes_max {
        let message = format!("the result is longer than {bytes_max} bytes: ask for fewer rows or columns");
        return Err(QueryError::new(QueryErrorCode::ResultTooLarge, message));
    }
    Ok(())
}

fn no_form(column: &str) -> QueryError {
    let message = format!("column `{column}` of the result has a type that has no text: cast it or leave it out");
    QueryError::new(QueryErrorCode::SqlType, message)
}

/// What the scans of an optimized plan read, and the labels of that.
fn touched(plan: &LogicalPlan, tables: &BTreeMap<String, CatalogTable>) -> Touched {
    let mut columns: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut labels: BTreeSet<String> = BTreeSet::new();
    // The walk itself cannot fail: the closure does not.
    let _ = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let name = match scan.table_name.schema() {
                Some(source) => format!("{source}.{}", scan.table_name.table()),
                None => scan.table_name.table().to_owned(),
            };
            let table = tables.get(&name);
            labels.extend(table.iter().flat_map(|table| table.labels.iter().cloned()));
            let read = columns.entry(name).or_default();
            let projected = scan.projected_schema.fields().iter().map(|field| field.name().clone());
            let filtered = scan
                .filters
                .iter()
                .flat_map(|filter| filter.column_refs().into_iter().map(|column| column.name.clone()));
            for column in projected.chain(filtered) {
                if let Some(column) = table.and_then(|table| table.column(&column)) {
                    labels.extend(column.labels.iter().cloned());
                }
                read.insert(column);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    Touched {
        columns: columns.into_iter().map(|(table, columns)| (table, columns.into_iter().collect())).collect(),
        labels: labels.into_iter().collect(),
    }
}

/// An error before anything was read: it may quote the SQL and the slices' columns.
pub(crate) fn planning_error(error: &DataFusionError, tables: &BTreeMap<String, CatalogTable>) -> QueryError {
    match error.find_root() {
        DataFusionError::SchemaError(schema, _) => schema_error(schema, tables),
        DataFusionError::SQL(parser, _) => {
            QueryError::new(QueryErrorCode::SqlSyntax, format!("the SQL cannot be read: {parser}"))
        }
        DataFusionError::NotImplemented(what) => {
            let message = format!("this form of SQL is not open to a run: {}", in_words(&first_line(what)));
            QueryError::new(QueryErrorCode::SqlNotAllowed, message)
        }
        DataFusionError::ResourcesExhausted(what) => QueryError::hidden(QueryErrorCode::MemoryExceeded, what.clone()),
        root @ (DataFusionError::Plan(_) | DataFusionError::Execution(_) | DataFusionError::ArrowError(..)) => {
            QueryError::new(QueryErrorCode::SqlType, format!("the SQL does not fit: {}", first_line(&root.message())))
        }
        _ => QueryError::hidden(QueryErrorCode::ExecutionFailed, error.strip_backtrace()),
    }
}

/// The engine's own words up to where it prints its insides, such as `Exists(Exists { … })`.
fn in_words(what: &str) -> &str {
    what.find(['(', '{']).and_then(|end| what.get(..end)).unwrap_or(what).trim_end()
}

fn schema_error(error: &SchemaError, tables: &BTreeMap<String, CatalogTable>) -> QueryError {
    match error {
        SchemaError::FieldNotFound { field, .. } => {
            let known: Vec<String> = tables
                .iter()
                .map(|(name, table)| {
                    let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
                    format!("`{name}` ({})", columns.join(", "))
                })
                .collect();
            let message = format!("there is no column `{}`: there is {}", field.flat_name(), known.join(", "));
            QueryError::new(QueryErrorCode::SqlUnknownName, message)
        }
        SchemaError::AmbiguousReference { field } => {
            let message = format!("column `{}` is ambiguous: put its table's name before it", field.flat_name());
            QueryError::new(QueryErrorCode::SqlType, message)
        }
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            let message = format!("column `{name}` is there twice: give one of them another name");
            QueryError::new(QueryErrorCode::SqlType, message)
        }
    }
}

/// An error while computing: a code for the worker, the rest for operators.
fn execution_error(error: &DataFusionError, scan: Option<ScanError>) -> QueryError {
    if let Some(scan) = scan {
        return scan_error(scan);
    }
    let code = match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => QueryErrorCode::MemoryExceeded,
        _ => QueryErrorCode::ExecutionFailed,
    };
    QueryError::hidden(code, error.strip_backtrace())
}

/// A scan's failure as a query's.
pub(crate) fn scan_error(error: ScanError) -> QueryError {
    let code = match error {
        ScanError::TooManyRows => QueryErrorCode::SliceTooLarge,
        ScanError::TooMuchMemory => QueryErrorCode::MemoryExceeded,
        ScanError::Stopped => QueryErrorCode::TimeExceeded,
        ScanError::Source(_) => QueryErrorCode::SourceUnavailable,
    };
    QueryError::hidden(code, error.to_string())
}

/// The first line of a message of the query engine's, with types in our words.
fn first_line(message: &str) -> String {
    const LENGTH_MAX: usize = 400;
    let line = message.lines().next().unwrap_or_default();
    let words = [
        ("LargeUtf8", "string"),
        ("Utf8View", "string"),
        ("Utf8", "string"),
        ("UInt64", "long"),
        ("Int64", "long"),
        ("Boolean", "bool"),
        ("Float64", "double"),
        ("Timestamp(ms)", "datetime"),
        ("Decimal128(19, 4)", "decimal"),
    ];
    let plain = words.iter().fold(line.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours));
    plain.chars().take(LENGTH_MAX).collect()
}
