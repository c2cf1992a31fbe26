//! What every call that a set permits must look like: limits that a worker is shown before it meets them.
//!
//! From a set that is bound to a run, this derives for the arguments (`context.input`) the values that they can
//! take. What a condition says about facts, counters or the time is not known before the call and says nothing here.
//! Nothing is decided by it: the call itself is decided as ever.
//!
//! Invariant: a call that the set permits is never outside. Where a condition has no exact counterpart, the limits
//! are wider than the condition, and forbids are left out of account. A random test holds the two together.

use std::collections::BTreeMap;
use std::fmt;

use super::bound::BoundSet;
use super::compiled::CompiledSet;
use super::constraint::{Constraint, is_listable, listable};
use super::expr::{Expr, Operator, Root, Slot};
use super::index::RuleIndex;
use crate::value::{Value, ValueSet};

/// What holds of the arguments of every call that a set permits.
#[derive(Clone, Default, PartialEq)]
pub struct Narrowing {
    /// Places below `context.input`, as field names, and what holds there. A permitted call has a value at each.
    pub paths: BTreeMap<Vec<String>, Constraint>,
    /// Whether the set permits no call at all, whatever its arguments are.
    pub permits_nothing: bool,
}

impl fmt::Debug for Narrowing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Limits that come from a run's values hold a person's data, so they are counted, not printed.
        f.debug_struct("Narrowing").field("paths", &self.paths.len()).finish_non_exhaustive()
    }
}

impl Narrowing {
    /// Whether arguments are within the limits. One that is left out is not looked at.
    #[must_use]
    pub fn accepts(&self, input: &Value) -> bool {
        let within = |(path, constraint): (&Vec<String>, &Constraint)| {
            input.at(path).is_none_or(|value| constraint.accepts(value))
        };
        !self.permits_nothing && self.paths.iter().all(within)
    }
}

/// What holds of the arguments of every call that a set permits.
#[must_use]
pub fn narrow(set: &BoundSet) -> Narrowing {
    let own = set.own();
    let mut permitted = Region::Nothing;
    if own.defect().is_none() {
        let permits = own.permits().into_iter().flat_map(RuleIndex::rules);
        let regions = permits.map(|rule| region(&rule.condition, true));
        let late = set.shared().into_iter().flat_map(CompiledSet::permits).flat_map(RuleIndex::late_keys);
        for next in regions.chain(late.map(|(slot, keys)| among(slot, keys))) {
            permitted = permitted.or(next);
            if permitted.is_anything() {
                break;
            }
        }
    }
    match permitted {
        Region::Nothing => Narrowing { paths: BTreeMap::new(), permits_nothing: true },
        Region::Within(paths) => Narrowing { paths, permits_nothing: false },
    }
}

/// The arguments with which a condition can have a result: none at all, or those within constraints.
enum Region {
    Nothing,
    Within(BTreeMap<Vec<String>, Constraint>),
}

impl Region {
    fn anything() -> Self {
        Self::Within(BTreeMap::new())
    }

    fn is_anything(&self) -> bool {
        matches!(self, Self::Within(paths) if paths.is_empty())
    }

    /// One place within a constraint, or anything where the place is no argument.
    fn at(slot: &Slot, constraint: Constraint) -> Self {
        match slot.path.split_first() {
            Some((first, rest)) if slot.root == Root::Context && &**first == "input" && !rest.is_empty() => {
                Self::Within(BTreeMap::from([(rest.iter().map(ToString::to_string).collect(), constraint)]))
            }
            _ => Self::anything(),
        }
    }

    fn and(self, other: Self) -> Self {
        let (Self::Within(mut paths), Self::Within(others)) = (self, other) else { return Self::Nothing };
        for (path, other) in others {
            let both = match paths.remove(&path) {
                Some(constraint) => constraint.and(other),
                None => Some(other),
            };
            let Some(both) = both else { return Self::Nothing };
            paths.insert(path, both);
        }
        Self::Within(paths)
    }

    fn or(self, other: Self) -> Self {
        let (paths, others) = match (self, other) {
            (Self::Nothing, region) | (region, Self::Nothing) => return region,
            (Self::Within(paths), Self::Within(others)) => (paths, others),
        };
        let either = paths.into_iter().filter_map(|(path, constraint)| {
            let either = constraint.or(others.get(&path)?)?;
            Some((path, either))
        });
        Self::Within(either.collect())
    }
}

/// A region outside which the condition is never `wanted`: it is the opposite, or it errs.
fn region(condition: &Expr, wanted: bool) -> Region {
    let both = |left: &Expr, right: &Expr| region(left, wanted).and(region(right, wanted));
    let either = |left: &Expr, right: &Expr| region(left, wanted).or(region(right, wanted));
    match condition {
        Expr::Constant(Value::Bool(value)) if *value == wanted => Region::anything(),
        Expr::Constant(_) | Expr::AlwaysErrs => Region::Nothing,
        Expr::Not(inner) => region(inner, !wanted),
        Expr::And(left, right) if wanted => both(left, right),
        Expr::Or(left, right) if !wanted => both(left, right),
        Expr::And(left, right) | Expr::Or(left, right) | Expr::If(_, left, right) => either(left, right),
        Expr::Slot(slot) => Region::at(slot, Constraint::equal(Value::Bool(wanted))),
        Expr::Binary(operator, left, right) => compared(*operator, left, right, wanted),
        Expr::Like(inner, pattern) if wanted => match &**inner {
            Expr::Slot(slot) => Region::at(slot, Constraint::like(pattern.clone())),
            _ => Region::anything(),
        },
        _ => Region::anything(),
    }
}

fn compared(operator: Operator, left: &Expr, right: &Expr, wanted: bool) -> Region {
    let (slot, value, mirrored) = match (left, right) {
        (Expr::Slot(slot), Expr::Constant(value)) => (slot, value, false),
        (Expr::Constant(value), Expr::Slot(slot)) => (slot, value, true),
        _ => return Region::anything(),
    };
    match (operator, value) {
        (Operator::Equal, Value::Bool(value)) => Region::at(slot, Constraint::equal(Value::Bool(*value == wanted))),
        (Operator::Equal, Value::Set(set)) if wanted => elements(slot, set),
        (Operator::Equal, value) if wanted && is_listable(value) => Region::at(slot, Constraint::equal(value.clone())),
        (Operator::Contains, Value::Set(set)) if wanted && mirrored => among(slot, set),
        (Operator::ContainsAll, Value::Set(set)) if wanted && mirrored => elements(slot, set),
        (Operator::Less | Operator::LessOrEqual, value) => {
            bounded(slot, value, wanted != mirrored, (operator == Operator::Less) == wanted)
        }
        _ => Region::anything(),
    }
}

/// A place that is below (or above) a number.
fn bounded(slot: &Slot, value: &Value, below: bool, strictly: bool) -> Region {
    // The numbers of both types have neighbours: strictly below one is at most the one before.
    let step = match (strictly, below) {
        (false, _) => 0,
        (true, true) => -1,
        (true, false) => 1,
    };
    let bound = match value {
        Value::Long(number) => number.checked_add(step).map(Value::Long),
        Value::Decimal(number) => number.checked_add(step).map(Value::Decimal),
        _ => return Region::anything(),
    };
    match bound {
        Some(bound) if below => Region::at(slot, Constraint::at_most(bound)),
        Some(bound) => Region::at(slot, Constraint::at_least(bound)),
        None => Region::Nothing,
    }
}

/// A place that is one of these values.
fn among(slot: &Slot, set: &ValueSet) -> Region {
    if set.is_empty() {
        return Region::Nothing;
    }
    listable(set).map_or_else(Region::anything, |values| Region::at(slot, Constraint::one_of(values)))
}

/// A place that is a set of none but these values.
fn elements(slot: &Slot, set: &ValueSet) -> Region {
    listable(set).map_or_else(Region::anything, |values| Region::at(slot, Constraint::each(values)))
}
