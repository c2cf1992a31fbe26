//! What a source may filter on its own: a superset of the rows that a slice admits.
//!
//! A [`Predicate`] never decides. It lets a database skip rows that the policy would refuse anyway, so that
//! a slice of a large table costs what its own rows cost; every row that comes back is still put to the
//! compiled policy. It may therefore say "perhaps" ([`Predicate::Any`]) wherever a form has no exact
//! equivalent, and must never exclude a row that the policy admits.

use std::sync::Arc;

use crate::value::{Value, ValueSet};

/// A filter over the columns of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Predicate {
    /// Every row may be admitted.
    Any,
    /// No row can be admitted.
    Nothing,
    /// All hold.
    All(Vec<Predicate>),
    /// At least one holds.
    Either(Vec<Predicate>),
    /// The inner predicate, which stands for a subset here, does not hold. Three-valued logic as in SQL.
    Not(Box<Predicate>),
    /// The column compares with a constant of the column's own type.
    Compare {
        /// The column's name.
        column: Arc<str>,
        /// The comparison.
        comparison: Comparison,
        /// The constant.
        value: Value,
    },
    /// The column's value is an element of a set, which may hold tens of thousands.
    Among {
        /// The column's name.
        column: Arc<str>,
        /// The set.
        set: Arc<ValueSet>,
    },
    /// The column has a value.
    Present {
        /// The column's name.
        column: Arc<str>,
    },
}

/// A comparison of a column with a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Predicate {
    /// The conjunction, simplified.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Predicate>) -> Self {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Self::Any => {}
                Self::Nothing => return Self::Nothing,
                Self::All(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        match kept.len() {
            0 => Self::Any,
            1 => kept.pop().unwrap_or(Self::Any),
            _ => Self::All(kept),
        }
    }

    /// The disjunction, simplified.
    #[must_use]
    pub fn either(parts: impl IntoIterator<Item = Predicate>) -> Self {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Self::Nothing => {}
                Self::Any => return Self::Any,
                Self::Either(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        match kept.len() {
            0 => Self::Nothing,
            1 => kept.pop().unwrap_or(Self::Nothing),
            _ => Self::Either(kept),
        }
    }

    /// The negation of a predicate that stands for a subset.
    #[must_use]
    pub fn unless(subset: Predicate) -> Self {
        match subset {
            Self::Any => Self::Nothing,
            Self::Nothing => Self::Any,
            other => Self::Not(Box::new(other)),
        }
    }
}
