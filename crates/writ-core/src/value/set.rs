//! Sets of scalars.

use std::collections::HashSet;
use std::sync::Arc;

use super::{EntityName, Value, ValueRef};

/// A set of scalars of one type. Membership is one hash look-up, whatever the size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ValueSet {
    /// No element; fits every element type.
    #[default]
    Empty,
    /// Booleans.
    Bools(HashSet<bool>),
    /// Integers.
    Longs(HashSet<i64>),
    /// Decimals, in ten-thousandths.
    Decimals(HashSet<i64>),
    /// Datetimes, in milliseconds since the epoch.
    Datetimes(HashSet<i64>),
    /// Text.
    Strings(HashSet<Arc<str>>),
    /// Entities.
    Entities(HashSet<Arc<EntityName>>),
}

impl ValueSet {
    /// Collects scalars; nothing where they are not all scalars of one type.
    #[must_use]
    pub fn collect(values: impl IntoIterator<Item = Value>) -> Option<Self> {
        let mut set = Self::Empty;
        for value in values {
            match (&mut set, value) {
                (Self::Empty, Value::Bool(value)) => set = Self::Bools(HashSet::from([value])),
                (Self::Empty, Value::Long(value)) => set = Self::Longs(HashSet::from([value])),
                (Self::Empty, Value::Decimal(value)) => set = Self::Decimals(HashSet::from([value])),
                (Self::Empty, Value::Datetime(value)) => set = Self::Datetimes(HashSet::from([value])),
                (Self::Empty, Value::String(value)) => set = Self::Strings(HashSet::from([value])),
                (Self::Empty, Value::Entity(value)) => set = Self::Entities(HashSet::from([value])),
                (Self::Bools(set), Value::Bool(value)) => _ = set.insert(value),
                (Self::Longs(set), Value::Long(value))
                | (Self::Decimals(set), Value::Decimal(value))
                | (Self::Datetimes(set), Value::Datetime(value)) => _ = set.insert(value),
                (Self::Strings(set), Value::String(value)) => _ = set.insert(value),
                (Self::Entities(set), Value::Entity(value)) => _ = set.insert(value),
                _ => return None,
            }
        }
        Some(set)
    }

    /// Whether a value is an element.
    #[must_use]
    pub fn contains(&self, value: ValueRef<'_>) -> bool {
        match (self, value) {
            (Self::Bools(set), ValueRef::Bool(value)) => set.contains(&value),
            (Self::Longs(set), ValueRef::Long(value))
            | (Self::Decimals(set), ValueRef::Decimal(value))
            | (Self::Datetimes(set), ValueRef::Datetime(value)) => set.contains(&value),
            (Self::Strings(set), ValueRef::String(value)) => set.contains(value),
            (Self::Entities(set), ValueRef::Entity(value)) => set.contains(value),
            _ => false,
        }
    }

    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Bools(set) => set.len(),
            Self::Longs(set) | Self::Decimals(set) | Self::Datetimes(set) => set.len(),
            Self::Strings(set) => set.len(),
            Self::Entities(set) => set.len(),
        }
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements, sorted, so that every listing of one set is the same.
    #[must_use]
    pub fn values(&self) -> Vec<Value> {
        fn sorted<T: Ord + Clone>(set: &HashSet<T>, wrap: impl Fn(T) -> Value) -> Vec<Value> {
            let mut values: Vec<T> = set.iter().cloned().collect();
            values.sort();
            values.into_iter().map(wrap).collect()
        }
        match self {
            Self::Empty => Vec::new(),
            Self::Bools(set) => sorted(set, Value::Bool),
            Self::Longs(set) => sorted(set, Value::Long),
            Self::Decimals(set) => sorted(set, Value::Decimal),
            Self::Datetimes(set) => sorted(set, Value::Datetime),
            Self::Strings(set) => sorted(set, Value::String),
            Self::Entities(set) => sorted(set, Value::Entity),
        }
    }

    /// Whether two sets hold the same elements; empty sets are equal whatever their element type.
    #[must_use]
    pub fn same_elements(&self, other: &Self) -> bool {
        (self.is_empty() && other.is_empty()) || self == other
    }

    /// Whether every element of `other` is in this set.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        other.is_empty() || (other.len() <= self.len() && other.any_or_all(|value| self.contains(value), false))
    }

    /// Whether some element of `other` is in this set.
    #[must_use]
    pub fn contains_any(&self, other: &Self) -> bool {
        other.any_or_all(|value| self.contains(value), true)
    }

    fn any_or_all(&self, test: impl Fn(ValueRef<'_>) -> bool, any: bool) -> bool {
        fn go<T>(set: &HashSet<T>, any: bool, test: impl Fn(&T) -> bool) -> bool {
            if any { set.iter().any(test) } else { set.iter().all(test) }
        }
        match self {
            Self::Empty => !any,
            Self::Bools(set) => go(set, any, |value| test(ValueRef::Bool(*value))),
            Self::Longs(set) => go(set, any, |value| test(ValueRef::Long(*value))),
            Self::Decimals(set) => go(set, any, |value| test(ValueRef::Decimal(*value))),
            Self::Datetimes(set) => go(set, any, |value| test(ValueRef::Datetime(*value))),
            Self::Strings(set) => go(set, any, |value| test(ValueRef::String(value))),
            Self::Entities(set) => go(set, any, |value| test(ValueRef::Entity(value))),
        }
    }
}
