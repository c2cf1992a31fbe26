//! Conditions that can never hold, as far as their own comparisons tell.
//!
//! Cedar's validator finds conditions that are impossible by their types. This finds those that contradict
//! themselves: one place equal to two constants, or above and below bounds that leave nothing between. It is used
//! for warnings alone; nothing is decided by it.

use super::expr::{Expr, Operator, Slot};
use crate::value::Value;

/// Whether the condition contradicts itself. May say no where it does.
pub(super) fn never_holds(condition: &Expr) -> bool {
    match condition {
        Expr::Constant(Value::Bool(value)) => !value,
        Expr::AlwaysErrs => true,
        Expr::Or(left, right) => never_holds(left) && never_holds(right),
        _ => {
            let mut conjuncts = Vec::new();
            conjuncts_of(condition, &mut conjuncts);
            let nested =
                conjuncts.iter().any(|part| matches!(part, Expr::Or(..) | Expr::AlwaysErrs) && never_holds(part));
            let pairs = conjuncts.iter().enumerate();
            nested
                || pairs.into_iter().any(|(at, left)| conjuncts.iter().skip(at + 1).any(|right| exclude(left, right)))
        }
    }
}

fn conjuncts_of<'a>(condition: &'a Expr, conjuncts: &mut Vec<&'a Expr>) {
    if let Expr::And(left, right) = condition {
        conjuncts_of(left, conjuncts);
        conjuncts_of(right, conjuncts);
    } else {
        conjuncts.push(condition);
    }
}

/// Whether two conjuncts exclude each other.
fn exclude(left: &Expr, right: &Expr) -> bool {
    if matches!(left, Expr::Not(inner) if **inner == *right) || matches!(right, Expr::Not(inner) if **inner == *left) {
        return true;
    }
    match (Bound::of(left), Bound::of(right)) {
        (Some(left), Some(right)) if left.slot == right.slot => {
            left.leaves_nothing(&right) || right.leaves_nothing(&left)
        }
        _ => false,
    }
}

/// A comparison of a place with a constant.
struct Bound<'a> {
    slot: &'a Slot,
    relation: Relation,
    value: &'a Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Is,
    Below { strictly: bool },
    Above { strictly: bool },
}

impl<'a> Bound<'a> {
    fn of(conjunct: &'a Expr) -> Option<Self> {
        let Expr::Binary(operator, left, right) = conjunct else { return None };
        let strictly = *operator == Operator::Less;
        match (operator, &**left, &**right) {
            (Operator::Equal, Expr::Slot(slot), Expr::Constant(value))
            | (Operator::Equal, Expr::Constant(value), Expr::Slot(slot)) => {
                Some(Self { slot, relation: Relation::Is, value })
            }
            (Operator::Less | Operator::LessOrEqual, Expr::Slot(slot), Expr::Constant(value)) => {
                Some(Self { slot, relation: Relation::Below { strictly }, value })
            }
            (Operator::Less | Operator::LessOrEqual, Expr::Constant(value), Expr::Slot(slot)) => {
                Some(Self { slot, relation: Relation::Above { strictly }, value })
            }
            _ => None,
        }
    }

    fn leaves_nothing(&self, other: &Self) -> bool {
        let order = super::expr::ordered(self.value.borrow(), other.value.borrow());
        match (self.relation, other.relation) {
            (Relation::Is, Relation::Is) => self.value != other.value,
            (Relation::Above { strictly }, Relation::Below { strictly: also }) => {
                order.is_ok_and(|order| order.is_gt() || (order.is_eq() && (strictly || also)))
            }
            (Relation::Is, Relation::Below { strictly }) => {
                order.is_ok_and(|order| order.is_gt() || (order.is_eq() && strictly))
            }
            (Relation::Is, Relation::Above { strictly }) => {
                order.is_ok_and(|order| order.is_lt() || (order.is_eq() && strictly))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::expr::Root;
    use super::*;

    fn slot() -> Box<Expr> {
        Box::new(Expr::Slot(Slot { root: Root::Resource, path: Arc::from([Arc::from("x")]) }))
    }

    fn number(value: i64) -> Box<Expr> {
        Box::new(Expr::Constant(Value::Long(value)))
    }

    fn both(left: Expr, right: Expr) -> bool {
        never_holds(&Expr::And(Box::new(left), Box::new(right)))
    }

    #[test]
    fn what_leaves_nothing_is_found() {
        let equal = |value| Expr::Binary(Operator::Equal, slot(), number(value));
        let below = |value| Expr::Binary(Operator::Less, slot(), number(value));
        let at_least = |value| Expr::Binary(Operator::LessOrEqual, number(value), slot());
        assert!(both(equal(1), equal(2)) && !both(equal(1), equal(1)));
        assert!(both(below(1), at_least(1)) && !both(below(2), at_least(1)));
        assert!(both(equal(1), below(1)) && both(equal(0), at_least(1)) && !both(equal(1), at_least(1)));
        assert!(both(equal(1), Expr::Not(Box::new(equal(1)))) && !both(equal(1), Expr::Not(Box::new(equal(2)))));
    }
}
