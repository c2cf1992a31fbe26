//! Filters of a worker's that may be applied before its expressions run.
//!
//! Only forms that cannot fail are taken: a column that is not masked, compared with a constant of exactly the
//! column's type, and conjunctions and disjunctions of those. They become a [`Predicate`], which the source
//! may use to read less and which the barrier holds against the rows of the slice, after policy and masks. A
//! filter that is taken is still evaluated above the scan, so it can save work and never change an answer.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::scalar::ScalarValue;
use writ_core::policy::{Comparison, Predicate};
use writ_core::value::{Type, Value, ValueRef, ValueSet};

/// The predicate of an expression; nothing where it is not of a form that cannot fail.
///
/// `column_type` gives the type of a column that is exposed and not masked.
pub(crate) fn predicate(expr: &Expr, column_type: &dyn Fn(&str) -> Option<Type>) -> Option<Predicate> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            Some(Predicate::all([predicate(left, column_type)?, predicate(right, column_type)?]))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(Predicate::either([predicate(left, column_type)?, predicate(right, column_type)?]))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), Expr::Literal(literal, _)) => compare(&column.name, *op, literal, column_type),
            (Expr::Literal(literal, _), Expr::Column(column)) => {
                compare(&column.name, op.swap()?, literal, column_type)
            }
            _ => None,
        },
        Expr::InList(list) if !list.negated => {
            let Expr::Column(column) = list.expr.as_ref() else { return None };
            let ty = column_type(&column.name)?;
            let values = list
                .list
                .iter()
                .map(|item| match item {
                    Expr::Literal(literal, _) => constant(literal, &ty),
                    _ => None,
                })
                .collect::<Option<Vec<Value>>>()?;
            let set = ValueSet::collect(values)?;
            Some(Predicate::Among { column: Arc::from(column.name.as_str()), set: Arc::new(set) })
        }
        _ => None,
    }
}

fn compare(
    column: &str,
    op: Operator,
    literal: &ScalarValue,
    column_type: &dyn Fn(&str) -> Option<Type>,
) -> Option<Predicate> {
    let ty = column_type(column)?;
    let value = constant(literal, &ty)?;
    let ordered = ty != Type::Bool;
    let with = |comparison| Predicate::Compare { column: Arc::from(column), comparison, value: value.clone() };
    match op {
        Operator::Eq => Some(with(Comparison::Equal)),
        Operator::NotEq => Some(Predicate::unless(with(Comparison::Equal))),
        Operator::Lt if ordered => Some(with(Comparison::Less)),
        Operator::LtEq if ordered => Some(with(Comparison::LessOrEqual)),
        Operator::Gt if ordered => Some(with(Comparison::Greater)),
        Operator::GtEq if ordered => Some(with(Comparison::GreaterOrEqual)),
        _ => None,
    }
}

/// A literal of exactly the type in which a column of `ty` is handed to the query engine.
fn constant(literal: &ScalarValue, ty: &Type) -> Option<Value> {
    match (literal, ty) {
        (ScalarValue::Boolean(Some(value)), Type::Bool) => Some(Value::Bool(*value)),
        (ScalarValue::Int64(Some(value)), Type::Long) => Some(Value::Long(*value)),
        (ScalarValue::Decimal128(Some(value), 19, 4), Type::Decimal) => i64::try_from(*value).ok().map(Value::Decimal),
        (ScalarValue::Utf8(Some(value)), Type::String) => Some(Value::string(value)),
        (ScalarValue::TimestampMillisecond(Some(value), None), Type::Datetime) => Some(Value::Datetime(*value)),
        _ => None,
    }
}

/// Whether a row satisfies a predicate; nothing where that is unknown because a value is lacking.
///
/// `value` gives a column's value, or nothing where the row has none.
pub(crate) fn holds<'a>(predicate: &Predicate, value: &dyn Fn(&str) -> Option<ValueRef<'a>>) -> Option<bool> {
    match predicate {
        Predicate::Any => Some(true),
        Predicate::Nothing => Some(false),
        Predicate::All(parts) => {
            let mut all = Some(true);
            for part in parts {
                match holds(part, value) {
                    Some(false) => return Some(false),
                    None => all = None,
                    Some(true) => {}
                }
            }
            all
        }
        Predicate::Either(parts) => {
            let mut any = Some(false);
            for part in parts {
                match holds(part, value) {
                    Some(true) => return Some(true),
                    None => any = None,
                    Some(false) => {}
                }
            }
            any
        }
        Predicate::Not(inner) => holds(inner, value).map(|holds| !holds),
        Predicate::Compare { column, comparison, value: constant } => {
            let ordering = order(value(column)?, constant.borrow())?;
            Some(match comparison {
                Comparison::Equal => ordering.is_eq(),
                Comparison::Less => ordering.is_lt(),
                Comparison::LessOrEqual => ordering.is_le(),
                Comparison::Greater => ordering.is_gt(),
                Comparison::GreaterOrEqual => ordering.is_ge(),
            })
        }
        Predicate::Among { column, set } => Some(set.contains(value(column)?)),
        Predicate::Present { column } => Some(value(column).is_some()),
    }
}

fn order(left: ValueRef<'_>, right: ValueRef<'_>) -> Option<Ordering> {
    match (left, right) {
        (ValueRef::Bool(left), ValueRef::Bool(right)) => Some(left.cmp(&right)),
        (ValueRef::Long(left), ValueRef::Long(right))
        | (ValueRef::Decimal(left), ValueRef::Decimal(right))
        | (ValueRef::Datetime(left), ValueRef::Datetime(right)) => Some(left.cmp(&right)),
        (ValueRef::String(left), ValueRef::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use datafusion::prelude::{col, lit};

    use super::*;

    fn types(name: &str) -> Option<Type> {
        match name {
            "n" => Some(Type::Long),
            "s" => Some(Type::String),
            _ => None,
        }
    }

    #[test]
    fn only_forms_that_cannot_fail_are_taken() {
        assert!(predicate(&col("n").eq(lit(5_i64)), &types).is_some());
        assert!(predicate(&lit(5_i64).lt(col("n")).and(col("s").not_eq(lit("x"))), &types).is_some());
        assert!(predicate(&col("n").in_list(vec![lit(1_i64), lit(2_i64)], false), &types).is_some());
        for refused in [
            col("n").eq(lit("5")),
            col("n").eq(lit(5_i32)),
            col("secret").eq(lit("x")),
            (lit(1_i64) / col("n")).gt(lit(0_i64)),
            col("n").in_list(vec![lit(1_i64)], true),
            col("n").eq(col("n")),
            col("n").eq(lit(1_i64)).and((lit(1_i64) / col("n")).gt(lit(0_i64))),
        ] {
            assert!(predicate(&refused, &types).is_none(), "{refused}");
        }
    }

    #[test]
    fn a_lacking_value_is_unknown() {
        let less = predicate(&lit(5_i64).lt(col("n")), &types).unwrap();
        assert_eq!(holds(&less, &|_| Some(ValueRef::Long(6))), Some(true));
        assert_eq!(holds(&less, &|_| Some(ValueRef::Long(5))), Some(false));
        assert_eq!(holds(&less, &|_| None), None);
        assert_eq!(holds(&Predicate::unless(less), &|_| None), None);
    }
}
