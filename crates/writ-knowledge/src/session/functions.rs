//! The functions that SQL may call: deterministic, bounded, and about values alone.
//!
//! Left out on purpose: anything that tells the time, the version, a type's inner form or a random number;
//! anything that makes a text of arbitrary length, or an array, from little; anything that makes rows. What
//! grows a text is replaced by a bounded function of our own.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{AggregateUDF, Expr, LogicalPlan, ScalarUDF, WindowUDF};
use datafusion::{functions, functions_aggregate, functions_window};

use super::operators;
use crate::catalog::listed;
use crate::error::{QueryError, QueryErrorCode};

const SCALAR: &[&str] = &[
    "ascii",
    "bit_length",
    "btrim",
    "character_length",
    "chr",
    "coalesce",
    "contains",
    "date_bin",
    "date_part",
    "date_trunc",
    "ends_with",
    "from_unixtime",
    "greatest",
    "initcap",
    "least",
    "left",
    "lower",
    "ltrim",
    "make_date",
    "nullif",
    "nvl",
    "nvl2",
    "octet_length",
    "reverse",
    "right",
    "rtrim",
    "split_part",
    "starts_with",
    "strpos",
    "substr",
    "to_date",
    "to_hex",
    "to_timestamp",
    "to_timestamp_micros",
    "to_timestamp_millis",
    "to_timestamp_nanos",
    "to_timestamp_seconds",
    "to_unixtime",
    "translate",
    "upper",
    // Present only where the query engine is built with more of its functions.
    "abs",
    "ceil",
    "floor",
    "round",
    "trunc",
];

const AGGREGATE: &[&str] = &[
    "avg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "first_value",
    "grouping",
    "last_value",
    "max",
    "median",
    "min",
    "stddev",
    "stddev_pop",
    "sum",
    "var",
    "var_pop",
    "var_samp",
];

const WINDOW: &[&str] = &[
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

/// The scalar functions.
pub(super) fn scalar() -> Vec<Arc<ScalarUDF>> {
    let mut allowed: Vec<Arc<ScalarUDF>> =
        functions::all_default_functions().into_iter().filter(|function| SCALAR.contains(&function.name())).collect();
    allowed.extend(operators::functions());
    allowed
}

/// The aggregate functions.
pub(super) fn aggregate() -> Vec<Arc<AggregateUDF>> {
    functions_aggregate::all_default_aggregate_functions()
        .into_iter()
        .filter(|function| AGGREGATE.contains(&function.name()))
        .collect()
}

/// The window functions.
pub(super) fn window() -> Vec<Arc<WindowUDF>> {
    functions_window::all_default_window_functions()
        .into_iter()
        .filter(|function| WINDOW.contains(&function.name()))
        .collect()
}

/// The names, aliases included, by which SQL may call functions.
pub(crate) struct FunctionNames {
    callable: BTreeSet<String>,
}

impl FunctionNames {
    pub(super) fn of(state: &SessionState) -> Self {
        let callable = state
            .scalar_functions()
            .keys()
            .chain(state.aggregate_functions().keys())
            .chain(state.window_functions().keys())
            .cloned()
            .collect();
        Self { callable }
    }

    /// Whether SQL may call a function of this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.callable.contains(name)
    }

    /// The names, for a hint.
    pub(crate) fn listed(&self) -> String {
        listed(self.callable.iter().map(String::as_str))
    }

    /// Refuses a plan with a node or a function that no inspected statement should have become.
    pub(super) fn verify(&self, plan: &LogicalPlan) -> Result<(), QueryError> {
        let mut refused: Option<String> = None;
        let walked = plan.apply_with_subqueries(|node| {
            if !is_read(node) {
                refused = Some(node.display().to_string());
                return Ok(TreeNodeRecursion::Stop);
            }
            node.apply_expressions(|expr| {
                expr.apply(|expr| {
                    if self.is_allowed(expr) {
                        Ok(TreeNodeRecursion::Continue)
                    } else {
                        refused = Some(expr.to_string());
                        Ok(TreeNodeRecursion::Stop)
                    }
                })
            })
        });
        match (refused, walked) {
            (None, Ok(_)) => Ok(()),
            (Some(what), _) => {
                Err(QueryError::new(QueryErrorCode::SqlNotAllowed, format!("`{what}` is not open to a run")))
            }
            (None, Err(error)) => Err(QueryError::hidden(QueryErrorCode::ExecutionFailed, error.to_string())),
        }
    }

    fn is_allowed(&self, expr: &Expr) -> bool {
        match expr {
            Expr::ScalarFunction(function) => self.contains(function.name()) || operators::is_operator(function.name()),
            Expr::AggregateFunction(function) => self.contains(function.func.name()),
            Expr::WindowFunction(function) => self.contains(function.fun.name()),
            Expr::ScalarVariable(..)
            | Expr::Placeholder(_)
            | Expr::SimilarTo(_)
            | Expr::Unnest(_)
            | Expr::HigherOrderFunction(_)
            | Expr::Lambda(_)
            | Expr::LambdaVariable(_) => false,
            _ => true,
        }
    }
}

fn is_read(node: &LogicalPlan) -> bool {
    matches!(
        node,
        LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::Window(_)
            | LogicalPlan::Aggregate(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Join(_)
            | LogicalPlan::Union(_)
            | LogicalPlan::TableScan(_)
            | LogicalPlan::EmptyRelation(_)
            | LogicalPlan::Subquery(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Values(_)
            | LogicalPlan::Distinct(_)
    )
}
