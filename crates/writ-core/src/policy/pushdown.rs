//! From a bound set to the [`Predicate`] that a source may filter by.
//!
//! Two approximations, each the other's mirror: `superset` holds on every row on which the condition holds,
//! `subset` only on such rows. A forbid excludes the rows of its subset; a form without an exact equivalent
//! becomes "perhaps" in the first and "never" in the second. A row on which a condition errs is not in the
//! slice, so it may be lost by either.

use std::sync::Arc;

use super::compiled::CompiledSet;
use super::expr::{Expr, Operator, Root, Slot};
use super::index::RuleIndex;
use super::predicate::{Comparison, Predicate};
use crate::value::Value;

/// A superset of the rows that a bound set permits: by its own rules, or by those that it shares with all runs and
/// finds by a column.
pub(super) fn superset(own: &CompiledSet, shared: Option<&CompiledSet>) -> Predicate {
    if own.defect().is_some() {
        return Predicate::Nothing;
    }
    let permits = own.permits().into_iter().flat_map(RuleIndex::rules);
    let permitted = permits.map(|rule| over(&rule.condition));
    let late = shared.into_iter().flat_map(CompiledSet::permits).flat_map(RuleIndex::late_keys);
    let found = late.map(|(slot, keys)| match column(slot) {
        Some(column) => Predicate::Among { column, set: keys.clone() },
        None => Predicate::Any,
    });
    let forbidden = own.forbids().rules().iter().map(|rule| Predicate::unless(under(&rule.condition)));
    Predicate::all(std::iter::once(Predicate::either(permitted.chain(found))).chain(forbidden))
}

fn over(condition: &Expr) -> Predicate {
    match condition {
        Expr::Constant(Value::Bool(value)) => {
            if *value {
                Predicate::Any
            } else {
                Predicate::Nothing
            }
        }
        Expr::AlwaysErrs => Predicate::Nothing,
        Expr::And(left, right) => Predicate::all([over(left), over(right)]),
        Expr::Or(left, right) => Predicate::either([over(left), over(right)]),
        Expr::Not(inner) => Predicate::unless(under(inner)),
        exact => exactly(exact).unwrap_or(Predicate::Any),
    }
}

fn under(condition: &Expr) -> Predicate {
    match condition {
        Expr::Constant(Value::Bool(true)) => Predicate::Any,
        Expr::And(left, right) => Predicate::all([under(left), under(right)]),
        Expr::Or(left, right) => Predicate::either([under(left), under(right)]),
        exact => exactly(exact).unwrap_or(Predicate::Nothing),
    }
}

fn exactly(condition: &Expr) -> Option<Predicate> {
    match condition {
        Expr::Binary(Operator::Contains, set, element) => match (&**set, &**element) {
            (Expr::Constant(Value::Set(set)), Expr::Slot(slot)) => {
                Some(Predicate::Among { column: column(slot)?, set: set.clone() })
            }
            _ => None,
        },
        Expr::Binary(operator, left, right) => {
            let (slot, value, mirrored) = match (&**left, &**right) {
                (Expr::Slot(slot), Expr::Constant(value)) => (slot, value, false),
                (Expr::Constant(value), Expr::Slot(slot)) => (slot, value, true),
                _ => return None,
            };
            let comparison = match (operator, mirrored) {
                (Operator::Equal, _) => Comparison::Equal,
                (Operator::Less, false) => Comparison::Less,
                (Operator::Less, true) => Comparison::Greater,
                (Operator::LessOrEqual, false) => Comparison::LessOrEqual,
                (Operator::LessOrEqual, true) => Comparison::GreaterOrEqual,
                _ => return None,
            };
            Some(Predicate::Compare { column: column(slot)?, comparison, value: value.clone() })
        }
        Expr::Slot(slot) => {
            Some(Predicate::Compare { column: column(slot)?, comparison: Comparison::Equal, value: Value::Bool(true) })
        }
        Expr::Has(slot) => Some(Predicate::Present { column: column(slot)? }),
        _ => None,
    }
}

fn column(slot: &Slot) -> Option<Arc<str>> {
    match &*slot.path {
        [name] if slot.root == Root::Resource => Some(name.clone()),
        _ => None,
    }
}
