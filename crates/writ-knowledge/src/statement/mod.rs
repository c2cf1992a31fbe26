//! What SQL a run may send: one `SELECT`, of bounded size, in forms that are known.
//!
//! The statement is inspected before anything is planned. Statements of any other kind, table functions,
//! recursion, variables, regular expressions and every form of expression that is not on the list are refused
//! by name. Size is bounded where it could be used against the process: operators nest as deep as they are
//! many, and tables of a `WITH` are planned once for every use.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::common::TableReference;
use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParserBuilder, Statement as PlannedStatement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArguments, Ident, ObjectName, Query, Select, SetExpr, Statement,
    TableFactor, UnaryOperator, Value, Visit as _, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::TokenWithSpan;

pub(crate) use size::tokens;

use crate::error::{QueryError, QueryErrorCode};
use crate::limits::{SQL_DEPTH_MAX, SQL_SCANS_MAX};
use crate::session::FunctionNames;

mod size;

fn not_allowed(what: &str) -> QueryError {
    QueryError::new(QueryErrorCode::SqlNotAllowed, format!("{what} is not open to a run: send one `SELECT`"))
}

fn too_large(what: String) -> QueryError {
    QueryError::new(QueryErrorCode::SqlTooLarge, format!("the SQL {what}: split it into smaller reads"))
}

/// The one query that the tokens say.
pub(crate) fn parse(tokens: Vec<TokenWithSpan>) -> Result<Box<Query>, QueryError> {
    let statements = DFParserBuilder::new(tokens)
        .with_dialect(&GenericDialect {})
        .with_recursion_limit(SQL_DEPTH_MAX)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| syntax_error(&error))?;
    let mut statements = statements.into_iter();
    match (statements.next(), statements.next()) {
        (None, _) => Err(QueryError::new(QueryErrorCode::SqlSyntax, "there is no statement: send one `SELECT`")),
        (Some(_), Some(_)) => Err(not_allowed("more than one statement")),
        (Some(PlannedStatement::Statement(statement)), None) => match *statement {
            Statement::Query(query) => Ok(query),
            _ => Err(not_allowed("this kind of statement")),
        },
        (Some(_), None) => Err(not_allowed("this kind of statement")),
    }
}

fn syntax_error(error: &DataFusionError) -> QueryError {
    match error.find_root() {
        DataFusionError::SQL(parser, _) => match parser.as_ref() {
            ParserError::RecursionLimitExceeded => too_large(format!("nests deeper than {SQL_DEPTH_MAX} levels")),
            ParserError::ParserError(message) | ParserError::TokenizerError(message) => {
                QueryError::new(QueryErrorCode::SqlSyntax, format!("the SQL cannot be read: {message}"))
            }
        },
        _ => QueryError::new(QueryErrorCode::SqlSyntax, "the SQL cannot be read: send one `SELECT`"),
    }
}

/// Refuses a query with anything in it that is not open to a run. `parameters` are open to facts alone.
pub(crate) fn inspect(query: &Query, functions: &FunctionNames, parameters: bool) -> Result<(), QueryError> {
    let mut inspector =
        Inspector { functions, parameters, definitions: HashMap::new(), with_tables: Vec::new(), scans: Vec::new() };
    match query.visit(&mut inspector) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// The tables that a query names, without those of its own `WITH`s.
pub(crate) fn tables(query: &Query) -> Result<Vec<TableReference>, QueryError> {
    let statement = PlannedStatement::Statement(Box::new(Statement::Query(Box::new(query.clone()))));
    resolve_table_references(&statement, true).map(|(tables, _)| tables).map_err(|error| syntax_error(&error))
}

/// A name as SQL reads it: in lower case unless quoted.
pub(crate) fn normalized(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}

struct Inspector<'a> {
    functions: &'a FunctionNames,
    parameters: bool,
    /// The name of the `WITH` table that the query at an address defines.
    definitions: HashMap<usize, String>,
    /// The tables of `WITH`s so far, and how many scans each use of one is.
    with_tables: Vec<(String, u64)>,
    /// How many scans each query that is being visited has so far.
    scans: Vec<u64>,
}

fn address(query: &Query) -> usize {
    std::ptr::from_ref(query).addr()
}

fn check(allowed: bool, what: &str) -> ControlFlow<QueryError> {
    if allowed { ControlFlow::Continue(()) } else { ControlFlow::Break(not_allowed(what)) }
}

impl Visitor for Inspector<'_> {
    type Break = QueryError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        check(!query.with.as_ref().is_some_and(|with| with.recursive), "`WITH RECURSIVE`")?;
        check(query.locks.is_empty() && query.for_clause.is_none(), "`FOR`")?;
        check(query.settings.is_none() && query.format_clause.is_none(), "`SETTINGS` or `FORMAT`")?;
        check(query.pipe_operators.is_empty(), "`|>`")?;
        check(is_read(&query.body), "a statement inside a query")?;
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.definitions.insert(address(&table.query), normalized(&table.alias.name));
        }
        self.scans.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        let scans = self.scans.pop().unwrap_or(0);
        if scans > SQL_SCANS_MAX {
            return ControlFlow::Break(too_large(format!("reads tables more than {SQL_SCANS_MAX} times")));
        }
        if let Some(name) = self.definitions.get(&address(query)) {
            self.with_tables.push((name.clone(), scans));
        } else if let Some(outer) = self.scans.last_mut() {
            *outer = outer.saturating_add(scans);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<QueryError> {
        check(select.into.is_none(), "`SELECT INTO`")?;
        check(select.lateral_views.is_empty() && select.prewhere.is_none(), "`LATERAL VIEW` or `PREWHERE`")?;
        check(select.connect_by.is_empty(), "`CONNECT BY`")?;
        check(
            select.cluster_by.is_empty() && select.distribute_by.is_empty() && select.sort_by.is_empty(),
            "`CLUSTER BY`, `DISTRIBUTE BY` or `SORT BY`",
        )?;
        check(select.top.is_none() && select.value_table_mode.is_none(), "`TOP` or a value table")
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<QueryError> {
        let name = match relation.0.as_slice() {
            [part] => part.as_ident().map(normalized),
            _ => None,
        };
        let uses = self.with_tables.iter().filter(|(known, _)| Some(known) == name.as_ref()).map(|(_, scans)| *scans);
        let scans = uses.max().unwrap_or(1).max(1);
        if let Some(count) = self.scans.last_mut() {
            *count = count.saturating_add(scans);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<QueryError> {
        let plain = match table {
            TableFactor::Table {
                args: None,
                with_hints,
                version: None,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample: None,
                index_hints,
                ..
            } => with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty(),
            TableFactor::Derived { lateral: false, sample: None, .. } | TableFactor::NestedJoin { .. } => true,
            _ => false,
        };
        check(plain, "a table function, sample, pivot or lateral query")
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<QueryError> {
        match expr {
            Expr::Function(function) => self.function(function),
            Expr::Ceil { .. } => self.named("ceil"),
            Expr::Floor { .. } => self.named("floor"),
            Expr::Value(value) => match &value.value {
                Value::Placeholder(_) => check(self.parameters, "a parameter"),
                _ => ControlFlow::Continue(()),
            },
            other => check(is_open(other), "this operator or form of expression"),
        }
    }
}

impl Inspector<'_> {
    fn function(&self, function: &Function) -> ControlFlow<QueryError> {
        check(function.parameters == FunctionArguments::None, "a function with parameters")?;
        check(!function.uses_odbc_syntax, "`{fn ...}`")?;
        match function.name.0.as_slice() {
            [part] => match part.as_ident() {
                Some(ident) => self.named(&normalized(ident)),
                None => check(false, "a function for a name"),
            },
            _ => self.named(&function.name.to_string()),
        }
    }

    fn named(&self, name: &str) -> ControlFlow<QueryError> {
        if self.functions.contains(name) {
            return ControlFlow::Continue(());
        }
        let message = format!("there is no function `{name}`: there is {}", self.functions.listed());
        ControlFlow::Break(QueryError::new(QueryErrorCode::SqlUnknownName, message))
    }
}

fn is_read(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => true,
        SetExpr::SetOperation { left, right, .. } => is_read(left) && is_read(right),
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) | SetExpr::Table(_) => false,
    }
}

/// The forms of expression that are open to a run, beside values and functions.
fn is_open(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(ident) => !ident.value.starts_with('@') || ident.quote_style.is_some(),
        Expr::CompoundIdentifier(idents) => !idents.iter().any(|ident| ident.value.starts_with('@')),
        Expr::BinaryOp { op, .. } => matches!(
            op,
            BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::Modulo
                | BinaryOperator::StringConcat
                | BinaryOperator::Gt
                | BinaryOperator::Lt
                | BinaryOperator::GtEq
                | BinaryOperator::LtEq
                | BinaryOperator::Eq
                | BinaryOperator::NotEq
                | BinaryOperator::And
                | BinaryOperator::Or
        ),
        Expr::UnaryOp { op, .. } => matches!(op, UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::Not),
        Expr::Cast { array, format, .. } => !array && format.is_none(),
        Expr::Like { any, .. } | Expr::ILike { any, .. } => !any,
        Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::Between { .. }
        | Expr::AnyOp { .. }
        | Expr::AllOp { .. }
        | Expr::Extract { .. }
        | Expr::Position { .. }
        | Expr::Substring { .. }
        | Expr::Trim { .. }
        | Expr::Nested(_)
        | Expr::TypedString(_)
        | Expr::Case { .. }
        | Expr::Exists { .. }
        | Expr::Subquery(_)
        | Expr::GroupingSets(_)
        | Expr::Cube(_)
        | Expr::Rollup(_)
        | Expr::Interval(_) => true,
        _ => false,
    }
}
