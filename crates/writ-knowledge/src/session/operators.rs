//! Operators of SQL that are planned as functions of our own: `||`, and `+`, `-`, `*` of integers.
//!
//! The query engine lets a joined text grow without bound and an integer wrap round. Here both fail instead,
//! and the query with them.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::functions::datetime::planner::DatetimeFunctionPlanner;
use datafusion::functions::unicode::planner::UnicodeFunctionPlanner;
use datafusion::functions_aggregate::planner::AggregateFunctionPlanner;
use datafusion::functions_window::planner::WindowFunctionPlanner;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable as _, ScalarUDF};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::arithmetic::{CheckedLong, Operation};
use super::text::{Concat, Replace};

static JOIN: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::new_from_impl(Concat::operator())));
static ADD: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| checked(Operation::Add));
static SUBTRACT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| checked(Operation::Subtract));
static MULTIPLY: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| checked(Operation::Multiply));

fn checked(operation: Operation) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(CheckedLong::new(operation)))
}

/// The planners of a session, ours before the query engine's.
pub(super) fn planners() -> Vec<Arc<dyn ExprPlanner>> {
    vec![
        Arc::new(BoundedOperators),
        Arc::new(DatetimeFunctionPlanner),
        Arc::new(UnicodeFunctionPlanner),
        Arc::new(AggregateFunctionPlanner),
        Arc::new(WindowFunctionPlanner),
    ]
}

/// Functions of ours that SQL may call by name.
pub(super) fn functions() -> [Arc<ScalarUDF>; 2] {
    [Arc::new(ScalarUDF::new_from_impl(Concat::function())), Arc::new(ScalarUDF::new_from_impl(Replace::new()))]
}

/// Whether a function is what one of the operators is planned as.
pub(super) fn is_operator(name: &str) -> bool {
    let operators: [&Arc<ScalarUDF>; 4] = [&JOIN, &ADD, &SUBTRACT, &MULTIPLY];
    operators.iter().any(|function| function.name() == name)
}

#[derive(Debug)]
struct BoundedOperators;

impl ExprPlanner for BoundedOperators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let long = |side: &Expr| side.get_type(schema).is_ok_and(|ty| ty == DataType::Int64);
        let longs = || long(&expr.left) && long(&expr.right);
        let function: Option<&Arc<ScalarUDF>> = match expr.op {
            BinaryOperator::StringConcat => Some(&JOIN),
            BinaryOperator::Plus if longs() => Some(&ADD),
            BinaryOperator::Minus if longs() => Some(&SUBTRACT),
            BinaryOperator::Multiply if longs() => Some(&MULTIPLY),
            _ => None,
        };
        let Some(function) = function else { return Ok(PlannerResult::Original(expr)) };
        let call = ScalarFunction::new_udf(Arc::clone(function), vec![expr.left, expr.right]);
        Ok(PlannerResult::Planned(Expr::ScalarFunction(call)))
    }
}
