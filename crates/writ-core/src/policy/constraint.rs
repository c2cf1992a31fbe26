//! What holds of one argument of every call that a set permits: a part of a [`Narrowing`](super::Narrowing).
//!
//! Constraints are put together by "and" and "or" as the conditions are that they come from. Either may be wider
//! than the two together, and never narrower.

use std::cmp::Ordering;
use std::fmt;

use super::expr::{Pattern, PatternPart, ordered};
use crate::value::{Value, ValueSet};

/// How many values are listed at most. A place that can take more is not narrowed to a list.
const LISTED_VALUES_MAX: usize = 64;

/// How many patterns a text is held to at most, each of which may have as many forms as values may be listed.
const PATTERNS_MAX: usize = 8;

/// What holds of one place. All of it holds at once.
#[derive(Clone, Default, PartialEq)]
pub struct Constraint {
    /// The values that it can take: booleans, integers, decimals or texts. Never empty.
    pub one_of: Option<Vec<Value>>,
    /// The least number that it can be, itself included.
    pub minimum: Option<Value>,
    /// The greatest number that it can be, itself included.
    pub maximum: Option<Value>,
    /// The values that the elements of a set can take. Where it is empty, so is the set.
    pub each: Option<Vec<Value>>,
    /// The text is like one of the patterns in each group.
    like: Vec<Vec<Pattern>>,
}

impl fmt::Debug for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Limits that come from a run's values hold a person's data, so they are not printed.
        f.debug_struct("Constraint").finish_non_exhaustive()
    }
}

impl Constraint {
    pub(super) fn equal(value: Value) -> Self {
        Self { one_of: Some(vec![value]), ..Self::default() }
    }

    pub(super) fn one_of(values: Vec<Value>) -> Self {
        Self { one_of: Some(values), ..Self::default() }
    }

    pub(super) fn each(values: Vec<Value>) -> Self {
        Self { each: Some(values), ..Self::default() }
    }

    pub(super) fn at_least(number: Value) -> Self {
        Self { minimum: Some(number), ..Self::default() }
    }

    pub(super) fn at_most(number: Value) -> Self {
        Self { maximum: Some(number), ..Self::default() }
    }

    pub(super) fn like(pattern: Pattern) -> Self {
        Self { like: vec![vec![pattern]], ..Self::default() }
    }

    /// Whether a value is within the limits.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        let at_least = |least: &Value| ordered(least.borrow(), value.borrow()).is_ok_and(Ordering::is_le);
        let at_most = |most: &Value| ordered(value.borrow(), most.borrow()).is_ok_and(Ordering::is_le);
        let like = |group: &Vec<Pattern>| match value {
            Value::String(text) => group.iter().any(|pattern| pattern.matches(text)),
            _ => false,
        };
        let elements = |each: &Vec<Value>| match value {
            Value::Set(set) => set.values().iter().all(|element| each.contains(element)),
            _ => false,
        };
        self.one_of.as_ref().is_none_or(|listed| listed.contains(value))
            && self.minimum.as_ref().is_none_or(at_least)
            && self.maximum.as_ref().is_none_or(at_most)
            && self.each.as_ref().is_none_or(elements)
            && self.like.iter().all(like)
    }

    /// Regular expressions, each of which the whole text must match. They use what ECMA-262 (with the flag `u`) and
    /// other dialects have in common.
    #[must_use]
    pub fn patterns(&self) -> Vec<String> {
        let groups = self.like.iter().map(|group| {
            let mut forms: Vec<String> = group.iter().map(regular_expression).collect();
            forms.sort();
            match forms.as_slice() {
                [form] => format!("^{form}$"),
                forms => format!("^(?:{})$", forms.join("|")),
            }
        });
        let mut patterns: Vec<String> = groups.collect();
        patterns.sort();
        patterns
    }

    /// What holds where both hold; nothing where no value is left.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        let mut like = self.like;
        for group in other.like {
            if like.len() < PATTERNS_MAX && !like.contains(&group) {
                like.push(group);
            }
        }
        let both = Self {
            one_of: in_both(self.one_of, other.one_of),
            minimum: innermost(self.minimum, other.minimum, Ordering::Greater),
            maximum: innermost(self.maximum, other.maximum, Ordering::Less),
            each: in_both(self.each, other.each),
            like,
        };
        match &both.one_of {
            // A list says everything that a bound or a pattern would add.
            Some(listed) => {
                let left: Vec<Value> = listed.iter().filter(|value| both.accepts(value)).cloned().collect();
                (!left.is_empty()).then(|| Self::one_of(left))
            }
            None => {
                let crossed = both
                    .minimum
                    .as_ref()
                    .zip(both.maximum.as_ref())
                    .is_some_and(|(least, most)| ordered(least.borrow(), most.borrow()).is_ok_and(Ordering::is_gt));
                (!crossed).then_some(both)
            }
        }
    }

    /// What holds where one of them holds; nothing where that is no limit.
    pub(super) fn or(&self, other: &Self) -> Option<Self> {
        let each = in_either(self.each.as_ref(), other.each.as_ref());
        let either = match in_either(self.one_of.as_ref(), other.one_of.as_ref()) {
            Some(values) => Self { one_of: Some(values), each, ..Self::default() },
            None => Self {
                one_of: None,
                minimum: outermost(self.bound(Ordering::Less), other.bound(Ordering::Less), Ordering::Less),
                maximum: outermost(self.bound(Ordering::Greater), other.bound(Ordering::Greater), Ordering::Greater),
                each,
                like: alternatives(&self.groups(), &other.groups()),
            },
        };
        (either != Self::default()).then_some(either)
    }

    /// The least or the greatest number that the place can be.
    fn bound(&self, wanted: Ordering) -> Option<Value> {
        let bound = if wanted == Ordering::Less { &self.minimum } else { &self.maximum };
        let Some(listed) = &self.one_of else { return bound.clone() };
        let (head, rest) = listed.split_first()?;
        if !matches!(head, Value::Long(_) | Value::Decimal(_)) {
            return None;
        }
        rest.iter().try_fold(head.clone(), |best, value| first(&best, value, wanted))
    }

    /// The patterns of a text, where a listed one is a pattern of itself.
    fn groups(&self) -> Vec<Vec<Pattern>> {
        let Some(listed) = &self.one_of else { return self.like.clone() };
        let exact = listed.iter().map(|value| match value {
            Value::String(text) => Some(Pattern(text.chars().map(PatternPart::Char).collect())),
            _ => None,
        });
        exact.collect::<Option<Vec<Pattern>>>().into_iter().collect()
    }
}

/// The values of a set, where they can be listed.
pub(super) fn listable(set: &ValueSet) -> Option<Vec<Value>> {
    (set.len() <= LISTED_VALUES_MAX).then(|| set.values()).filter(|values| values.iter().all(is_listable))
}

/// Whether a value has one form in JSON. A time has many, an entity has none.
pub(super) fn is_listable(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Long(_) | Value::Decimal(_) | Value::String(_))
}

fn in_both(left: Option<Vec<Value>>, right: Option<Vec<Value>>) -> Option<Vec<Value>> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.into_iter().filter(|value| right.contains(value)).collect()),
        (left, right) => left.or(right),
    }
}

/// Sorted, so that the order in which policies come does not show.
fn in_either(left: Option<&Vec<Value>>, right: Option<&Vec<Value>>) -> Option<Vec<Value>> {
    let values = ValueSet::collect(left?.iter().chain(right?).cloned())?;
    (values.len() <= LISTED_VALUES_MAX).then(|| values.values())
}

/// The one of two numbers that comes first in the wanted order; nothing where they are of different types.
fn first(left: &Value, right: &Value, wanted: Ordering) -> Option<Value> {
    let order = ordered(left.borrow(), right.borrow()).ok()?;
    Some(if order == wanted { left.clone() } else { right.clone() })
}

fn innermost(left: Option<Value>, right: Option<Value>, wanted: Ordering) -> Option<Value> {
    match (left, right) {
        (Some(left), Some(right)) => first(&left, &right, wanted).or(Some(left)),
        (left, right) => left.or(right),
    }
}

fn outermost(left: Option<Value>, right: Option<Value>, wanted: Ordering) -> Option<Value> {
    first(&left?, &right?, wanted)
}

/// What a text is like that is like all groups of one side or all of the other.
fn alternatives(left: &[Vec<Pattern>], right: &[Vec<Pattern>]) -> Vec<Vec<Pattern>> {
    let pairs = left.iter().flat_map(|left| right.iter().map(move |right| (left, right)));
    let merged = pairs.map(|(left, right)| {
        let added = right.iter().filter(|pattern| !left.contains(pattern));
        left.iter().chain(added).cloned().collect::<Vec<Pattern>>()
    });
    merged.filter(|group| group.len() <= LISTED_VALUES_MAX).take(PATTERNS_MAX).collect()
}

fn regular_expression(pattern: &Pattern) -> String {
    let mut text = String::new();
    let mut before = None;
    for part in &pattern.0 {
        match part {
            PatternPart::Any if before == Some(part) => {}
            PatternPart::Any => text.push_str(r"[\s\S]*"),
            PatternPart::Char(character) => {
                if r"\^$.*+?()[]{}|".contains(*character) {
                    text.push('\\');
                }
                text.push(*character);
            }
        }
        before = Some(part);
    }
    text
}
