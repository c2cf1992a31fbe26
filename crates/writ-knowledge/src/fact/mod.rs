//! Facts: single values that an operator's SQL looks up in the slices, for a condition to compare.
//!
//! A fact is one `SELECT` of one expression, with parameters such as `$input.payment_id` or `$case`. It is
//! written by an operator and still planned under the same rules as a worker's SQL, over the slices it is
//! evaluated with. Parameters are bound as values and are never part of a text. The common shape, a column or
//! a sum of columns found by a key, takes a way of its own ([`lookup`]); everything else is planned, and both
//! ways give the same value. No value is rounded: one that does not fit is an error, and an error refuses.

mod lookup;
mod parameters;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::ast::{Query, SetExpr};
use futures::FutureExt as _;
use serde_json::Value as Json;
use writ_core::value::{Type, Value, format_datetime};

use crate::barrier::arrow_schema;
use crate::catalog::{Catalog, CatalogTable, listed};
use crate::error::{FactError, QueryError, QueryErrorCode};
use crate::limits::QueryLimits;
use crate::query;
use crate::session::{Engine, RunCatalog, SchemaOnlyTable};
use crate::slices::Slices;
use crate::statement;

/// The longest SQL of a fact, in bytes.
const FACT_BYTES_MAX: usize = 8 * 1024;
/// How much memory planning a fact may use, in bytes.
const PLANNING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A compiled fact. It holds for every run: what it reads is said when it is evaluated.
#[derive(Debug, Clone)]
pub struct Fact {
    query: Box<Query>,
    /// The parameters that the SQL uses, with their types.
    parameters: Vec<(String, Type)>,
    result_type: Type,
    tables: Vec<String>,
    lookup: Option<lookup::Lookup>,
}

impl Fact {
    /// Checks a fact against the tables that there are and the parameters that it may use, which are given
    /// without the dollar sign: `input.payment_id`.
    ///
    /// # Errors
    /// A [`FactError`] that says what to change.
    pub fn compile(sql: &str, catalog: &Catalog, parameters: &[(String, Type)]) -> Result<Self, FactError> {
        let engine = Engine::shared()?;
        let query = parameters::parse(sql, FACT_BYTES_MAX)?;
        statement::inspect(&query, engine.functions(), true)?;
        if !matches!(*query.body, SetExpr::Select(_)) {
            return Err(FactError::NotOneExpression { reason: "this is a union or a list of values".to_owned() });
        }
        let used = used_parameters(&query, parameters)?;
        let tables = known_tables(&query, catalog)?;
        let result_type = result_type(engine, &query, &used, &tables)?;
        let lookup = match tables.as_slice() {
            [table] => lookup::Lookup::detect(&query, table, &used),
            _ => None,
        };
        let tables = tables.iter().map(|table| table.full_name()).collect();
        Ok(Self { query, parameters: used, result_type, tables, lookup })
    }

    /// The type of the value.
    #[must_use]
    pub fn result_type(&self) -> &Type {
        &self.result_type
    }

    /// The tables that are read, as `source.table`.
    #[must_use]
    pub fn tables(&self) -> &[String] {
        &self.tables
    }

    /// The parameters that are used, without the dollar sign, with their types.
    #[must_use]
    pub fn parameters(&self) -> &[(String, Type)] {
        &self.parameters
    }

    /// Whether the fact is looked up by a key, without planning a query.
    #[must_use]
    pub fn is_lookup(&self) -> bool {
        self.lookup.is_some()
    }

    /// The fact's value over some slices, with values for its parameters.
    ///
    /// # Errors
    /// A [`FactError`] where there is not exactly one row with a value that fits the fact's type.
    pub fn evaluate<'a>(
        &'a self,
        slices: &'a Slices,
        parameters: &dyn Fn(&str) -> Option<Value>,
        limits: &'a QueryLimits,
    ) -> impl Future<Output = Result<Value, FactError>> + Send + use<'a> {
        let bound = self.bind(parameters);
        async move {
            let bound = bound?;
            if let Some(lookup) = &self.lookup
                && let Some(slice) = slices.slice(lookup.table())
                && lookup.fits(slice)
            {
                return lookup.evaluate(slice, &bound, limits).await;
            }
            self.plan_and_run(slices, &bound, limits).await
        }
    }

    /// The value by way of the query engine, whatever the shape: what the look-up must agree with.
    ///
    /// # Errors
    /// As [`Fact::evaluate`].
    pub fn evaluate_planned<'a>(
        &'a self,
        slices: &'a Slices,
        parameters: &dyn Fn(&str) -> Option<Value>,
        limits: &'a QueryLimits,
    ) -> impl Future<Output = Result<Value, FactError>> + Send + use<'a> {
        let bound = self.bind(parameters);
        async move { self.plan_and_run(slices, &bound?, limits).await }
    }

    fn bind(&self, given: &dyn Fn(&str) -> Option<Value>) -> Result<Vec<Value>, FactError> {
        self.parameters
            .iter()
            .map(|(name, ty)| match given(name) {
                None => Err(FactError::MissingParameter { name: name.clone() }),
                Some(value) if is_of(&value, ty) => Ok(value),
                Some(_) => Err(FactError::ParameterType { name: name.clone(), expected: ty.to_string() }),
            })
            .collect()
    }

    async fn plan_and_run(&self, slices: &Slices, bound: &[Value], limits: &QueryLimits) -> Result<Value, FactError> {
        let query = parameters::substitute(&self.query, &|name| {
            let at = self.parameters.iter().position(|(known, _)| known == name)?;
            bound.get(at)
        })?;
        let limits = QueryLimits { rows_max: 1, ..*limits };
        let withheld = slices.run(query, &limits).await.map_err(|error| match error.code() {
            QueryErrorCode::TooManyRows => FactError::Several,
            _ => FactError::Query(error),
        })?;
        let value = match withheld.open().rows.pop() {
            None => return Err(FactError::Missing),
            Some(mut row) => row.pop().unwrap_or(Json::Null),
        };
        if value.is_null() {
            return Err(FactError::Null);
        }
        let fitting = Value::from_json(&value, &self.result_type).map_err(|_| FactError::Overflow)?;
        match (&fitting, &value) {
            (Value::Datetime(exact), Json::String(text)) if &format_datetime(*exact) != text => {
                Err(FactError::Overflow)
            }
            _ => Ok(fitting),
        }
    }
}

fn is_of(value: &Value, ty: &Type) -> bool {
    matches!(
        (value, ty),
        (Value::Bool(_), Type::Bool)
            | (Value::Long(_), Type::Long)
            | (Value::Decimal(_), Type::Decimal)
            | (Value::String(_), Type::String)
            | (Value::Datetime(_), Type::Datetime)
    )
}

fn used_parameters(query: &Query, given: &[(String, Type)]) -> Result<Vec<(String, Type)>, FactError> {
    parameters::names(query)
        .into_iter()
        .map(|name| match given.iter().find(|(known, _)| known == &name) {
            None => {
                let known = listed(given.iter().map(|(name, _)| name.as_str()));
                Err(FactError::UnknownParameter { name, known })
            }
            Some((_, ty)) if ty.is_scalar() => Ok((name, ty.clone())),
            Some(_) => Err(FactError::ParameterType { name, expected: "single value".to_owned() }),
        })
        .collect()
}

fn known_tables<'a>(query: &Query, catalog: &'a Catalog) -> Result<Vec<&'a CatalogTable>, FactError> {
    statement::tables(query)?
        .into_iter()
        .map(|table| {
            let name = match &table {
                TableReference::Partial { schema, table } => format!("{schema}.{table}"),
                other => other.to_string(),
            };
            catalog.table(&name).filter(|_| matches!(table, TableReference::Partial { .. })).ok_or_else(|| {
                let message = format!("there is no table `{name}`: there is {}", catalog.names());
                FactError::Query(QueryError::new(QueryErrorCode::SqlUnknownName, message))
            })
        })
        .collect()
}

fn result_type(
    engine: &Engine,
    query: &Query,
    used: &[(String, Type)],
    tables: &[&CatalogTable],
) -> Result<Type, FactError> {
    let samples: BTreeMap<&str, Value> = used.iter().map(|(name, ty)| (name.as_str(), sample(ty))).collect();
    let query = parameters::substitute(query, &|name| samples.get(name))?;
    let catalog = RunCatalog::new(tables.iter().map(|table| {
        let schema = arrow_schema(table.columns.iter().map(|column| (column.name.as_str(), &column.ty)));
        let provider: Arc<dyn TableProvider> = Arc::new(SchemaOnlyTable::new(schema));
        (table.source.clone(), table.name.clone(), provider)
    }));
    let state = engine.session(Arc::new(catalog), None, PLANNING_BYTES_MAX);
    let described: BTreeMap<String, CatalogTable> =
        tables.iter().map(|table| (table.full_name(), (*table).clone())).collect();
    let failed = |error: DataFusionError| query::planning_error(&error, &described);
    // Planning waits for nothing: every table is in memory.
    let planned = query::plan(engine, &state, query, &failed).now_or_never();
    let plan = planned.ok_or_else(|| QueryError::hidden(QueryErrorCode::ExecutionFailed, "planning waits"))??;
    match plan.schema().fields().iter().map(|field| field.data_type()).collect::<Vec<_>>().as_slice() {
        [ty] => scalar(ty).ok_or_else(|| FactError::ResultType { found: format!("of type {ty}") }),
        columns => Err(FactError::NotOneExpression { reason: format!("this selects {}", columns.len()) }),
    }
}

fn sample(ty: &Type) -> Value {
    match ty {
        Type::Bool => Value::Bool(false),
        Type::Long => Value::Long(0),
        Type::Decimal => Value::Decimal(0),
        Type::Datetime => Value::Datetime(0),
        Type::String | Type::Set(_) | Type::Record(_) => Value::string(""),
    }
}

/// The type of a fact whose expression has a type of the query engine's; nothing for doubles and the like,
/// which no condition compares exactly.
fn scalar(ty: &DataType) -> Option<Type> {
    match crate::result::type_name(ty)? {
        "bool" => Some(Type::Bool),
        "long" => Some(Type::Long),
        "decimal" => Some(Type::Decimal),
        "string" => Some(Type::String),
        "datetime" => Some(Type::Datetime),
        _ => None,
    }
}
