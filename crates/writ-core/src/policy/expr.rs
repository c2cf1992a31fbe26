//! The compiled form of a condition, and how it is evaluated.
//!
//! An [`Expr`] is a tree over [`Slot`]s: places in the request that are read when the condition is asked, such
//! as `context.input.amount`. Its meaning is Cedar's, operator by operator, including which operand is not
//! evaluated after `&&` and `||`; a twin test against Cedar holds it to that. Evaluation allocates nothing.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::subject::Subject;
use crate::value::{EntityName, PathHints, Value, ValueRef};

/// Which of the request's variables a slot starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Root {
    /// `principal`
    Principal,
    /// `resource`
    Resource,
    /// `context`
    Context,
}

/// A place in the request: a variable and a path of attributes from it. An empty path is the entity itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The variable.
    pub root: Root,
    /// The attributes, outermost first.
    pub path: Arc<[Arc<str>]>,
}

/// What of a context is known when a run starts and stays so.
const KNOWN_EARLY: [&str; 2] = ["mission", "person"];

impl Slot {
    /// Whether the place is known when a run starts: the principal, the mission's parameters, the person. The
    /// resource, the arguments, facts, counters and the time are known only when a question is asked.
    #[must_use]
    pub fn is_known_early(&self) -> bool {
        match self.root {
            Root::Principal => true,
            Root::Resource => false,
            Root::Context => self.path.first().is_some_and(|first| KNOWN_EARLY.contains(&&**first)),
        }
    }

    /// The records that the slot hangs on, outermost first, without the variable itself.
    pub(super) fn parents(&self) -> impl Iterator<Item = Slot> + '_ {
        let count = self.path.len().saturating_sub(1);
        (1..=count).map(|length| Slot { root: self.root, path: self.path.iter().take(length).cloned().collect() })
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.root {
            Root::Principal => "principal",
            Root::Resource => "resource",
            Root::Context => "context",
        })?;
        self.path.iter().try_for_each(|name| write!(f, ".{name}"))
    }
}

/// A `like` pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub(super) Vec<PatternPart>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PatternPart {
    Char(char),
    Any,
}

/// A condition or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A value known when the policy was compiled.
    Constant(Value),
    /// A value read from the request; an error where it is missing.
    Slot(Slot),
    /// Whether an attribute is there. An error where what it hangs on is missing.
    Has(Slot),
    /// `!a`
    Not(Box<Expr>),
    /// `-a`
    Negate(Box<Expr>),
    /// `a && b`: `b` is not evaluated where `a` is false.
    And(Box<Expr>, Box<Expr>),
    /// `a || b`: `b` is not evaluated where `a` is true.
    Or(Box<Expr>, Box<Expr>),
    /// `if a then b else c`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// An operator of two operands, both evaluated.
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `set.isEmpty()`
    IsEmpty(Box<Expr>),
    /// `text like "pattern"`
    Like(Box<Expr>, Pattern),
    /// `entity in Group::"id"`
    In(Box<Expr>, Arc<EntityName>),
    /// A part that Cedar has found to err whenever it is evaluated.
    AlwaysErrs,
}

/// An operator of two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `==`
    Equal,
    /// `<`, also `lessThan` of decimals
    Less,
    /// `<=`, also `lessThanOrEqual` of decimals
    LessOrEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `set.contains(a)`
    Contains,
    /// `set.containsAll(set)`
    ContainsAll,
    /// `set.containsAny(set)`
    ContainsAny,
    /// `datetime.offset(duration)`
    Offset,
    /// `datetime.durationSince(datetime)`
    DurationSince,
}

/// Why a condition has no value. Whatever the reason, the call is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// An attribute has no value.
    #[error("`{0}` has no value")]
    Missing(String),
    /// Arithmetic left the 64-bit range.
    #[error("arithmetic overflow")]
    Overflow,
    /// An operand has the wrong type. Strict validation rules this out unless the input is not what was declared.
    #[error("an operand has the wrong type")]
    Type,
    /// Cedar found that this part errs.
    #[error("a part of the condition always errs")]
    Always,
}

/// What slots are read from.
pub trait Scope {
    /// The value of a slot, or nothing where it is missing.
    fn read<'a>(&'a self, slot: &'a Slot) -> Option<ValueRef<'a>>;

    /// As [`Scope::read`], with a memory of where the place was found last time.
    fn read_hinted<'a>(&'a self, slot: &'a Slot, _: &PathHints) -> Option<ValueRef<'a>> {
        self.read(slot)
    }

    /// The groups that an entity is in, transitively, without itself.
    fn groups(&self, entity: &EntityName) -> Option<&HashSet<EntityName>>;

    /// Whether an entity is in a group, or is it.
    fn is_in(&self, entity: &EntityName, group: &EntityName) -> bool {
        entity == group || self.groups(entity).is_some_and(|groups| groups.contains(group))
    }
}

/// The inputs of one question: the ordinary [`Scope`].
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The principal.
    pub principal: &'a Subject,
    /// The resource's entity.
    pub resource: &'a EntityName,
    /// The resource's attributes: a [`Value::Record`].
    pub attributes: &'a Value,
    /// The context: a [`Value::Record`].
    pub context: &'a Value,
}

impl Scope for Inputs<'_> {
    fn read<'a>(&'a self, slot: &'a Slot) -> Option<ValueRef<'a>> {
        let (entity, record) = match slot.root {
            Root::Principal => (Some(&*self.principal.name), &self.principal.attributes),
            Root::Resource => (Some(self.resource), self.attributes),
            Root::Context => (None, self.context),
        };
        match (slot.path.is_empty(), entity) {
            (true, Some(entity)) => Some(ValueRef::Entity(entity)),
            _ => record.at(&slot.path).map(Value::borrow),
        }
    }

    fn read_hinted<'a>(&'a self, slot: &'a Slot, hints: &PathHints) -> Option<ValueRef<'a>> {
        match slot.root {
            Root::Context => self.context.at_hinted(&slot.path, hints).map(Value::borrow),
            Root::Resource if !slot.path.is_empty() => self.attributes.at_hinted(&slot.path, hints).map(Value::borrow),
            _ => self.read(slot),
        }
    }

    fn groups(&self, entity: &EntityName) -> Option<&HashSet<EntityName>> {
        (*entity == *self.principal.name).then_some(&self.principal.ancestors)
    }
}

impl Expr {
    /// The constant `true` or `false`.
    #[must_use]
    pub fn boolean(value: bool) -> Self {
        Self::Constant(Value::Bool(value))
    }

    /// Whether this is the constant `true` or `false`, and which.
    #[must_use]
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Constant(Value::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    /// Evaluates a condition.
    ///
    /// # Errors
    /// [`EvalError`], which refuses the call.
    pub fn holds<S: Scope>(&self, scope: &S) -> Result<bool, EvalError> {
        match self {
            Self::And(left, right) => Ok(left.holds(scope)? && right.holds(scope)?),
            Self::Or(left, right) => Ok(left.holds(scope)? || right.holds(scope)?),
            Self::Not(inner) => Ok(!inner.holds(scope)?),
            Self::Binary(Operator::Equal, left, right) => Ok(left.value(scope)?.equals(right.value(scope)?)),
            _ => match self.value(scope)? {
                ValueRef::Bool(value) => Ok(value),
                _ => Err(EvalError::Type),
            },
        }
    }

    /// Evaluates to a value.
    ///
    /// # Errors
    /// [`EvalError`], which refuses the call.
    pub fn value<'a, S: Scope>(&'a self, scope: &'a S) -> Result<ValueRef<'a>, EvalError> {
        match self {
            Self::Constant(value) => Ok(value.borrow()),
            Self::Slot(slot) => scope.read(slot).ok_or_else(|| EvalError::Missing(slot.to_string())),
            Self::Has(slot) => has(slot, scope),
            Self::Not(_) | Self::And(..) | Self::Or(..) => self.holds(scope).map(ValueRef::Bool),
            Self::Negate(inner) => match inner.value(scope)? {
                ValueRef::Long(value) => value.checked_neg().map(ValueRef::Long).ok_or(EvalError::Overflow),
                _ => Err(EvalError::Type),
            },
            Self::If(condition, then, otherwise) => {
                if condition.holds(scope)? {
                    then.value(scope)
                } else {
                    otherwise.value(scope)
                }
            }
            Self::Binary(operator, left, right) => operator.apply(left.value(scope)?, right.value(scope)?),
            Self::IsEmpty(inner) => match inner.value(scope)? {
                ValueRef::Set(set) => Ok(ValueRef::Bool(set.is_empty())),
                _ => Err(EvalError::Type),
            },
            Self::Like(inner, pattern) => match inner.value(scope)? {
                ValueRef::String(text) => Ok(ValueRef::Bool(pattern.matches(text))),
                _ => Err(EvalError::Type),
            },
            Self::In(inner, group) => match inner.value(scope)? {
                ValueRef::Entity(entity) => Ok(ValueRef::Bool(scope.is_in(entity, group))),
                _ => Err(EvalError::Type),
            },
            Self::AlwaysErrs => Err(EvalError::Always),
        }
    }
}

/// `has` on something that is itself missing errs, as reading it would.
fn has<'a, S: Scope>(slot: &'a Slot, scope: &'a S) -> Result<ValueRef<'a>, EvalError> {
    if scope.read(slot).is_some() {
        return Ok(ValueRef::Bool(true));
    }
    match slot.parents().find(|parent| scope.read(parent).is_none()) {
        Some(parent) => Err(EvalError::Missing(parent.to_string())),
        None => Ok(ValueRef::Bool(false)),
    }
}

impl Operator {
    pub(super) fn apply<'a>(self, left: ValueRef<'a>, right: ValueRef<'a>) -> Result<ValueRef<'a>, EvalError> {
        use ValueRef::{Datetime, Duration, Long, Set};
        match (self, left, right) {
            (Self::Equal, left, right) => Ok(ValueRef::Bool(left.equals(right))),
            (Self::Less, left, right) => ordered(left, right).map(|order| ValueRef::Bool(order.is_lt())),
            (Self::LessOrEqual, left, right) => ordered(left, right).map(|order| ValueRef::Bool(order.is_le())),
            (Self::Add, Long(left), Long(right)) => checked(left.checked_add(right), Long),
            (Self::Subtract, Long(left), Long(right)) => checked(left.checked_sub(right), Long),
            (Self::Multiply, Long(left), Long(right)) => checked(left.checked_mul(right), Long),
            (Self::Offset, Datetime(left), Duration(right)) => checked(left.checked_add(right), Datetime),
            (Self::DurationSince, Datetime(left), Datetime(right)) => checked(left.checked_sub(right), Duration),
            (Self::Contains, Set(set), element) => Ok(ValueRef::Bool(set.contains(element))),
            (Self::ContainsAll, Set(left), Set(right)) => Ok(ValueRef::Bool(left.contains_all(right))),
            (Self::ContainsAny, Set(left), Set(right)) => Ok(ValueRef::Bool(left.contains_any(right))),
            _ => Err(EvalError::Type),
        }
    }
}

pub(super) fn ordered(left: ValueRef<'_>, right: ValueRef<'_>) -> Result<Ordering, EvalError> {
    match (left, right) {
        (ValueRef::Long(left), ValueRef::Long(right))
        | (ValueRef::Decimal(left), ValueRef::Decimal(right))
        | (ValueRef::Datetime(left), ValueRef::Datetime(right))
        | (ValueRef::Duration(left), ValueRef::Duration(right)) => Ok(left.cmp(&right)),
        _ => Err(EvalError::Type),
    }
}

fn checked<'a>(value: Option<i64>, wrap: impl Fn(i64) -> ValueRef<'a>) -> Result<ValueRef<'a>, EvalError> {
    value.map(wrap).ok_or(EvalError::Overflow)
}

impl Pattern {
    /// Whether the whole text matches. Linear in the text for each wildcard, without recursion.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut part) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(part) {
                Some(PatternPart::Any) => {
                    retry = Some((part, at));
                    part += 1;
                }
                Some(PatternPart::Char(expected)) if text.get(at) == Some(expected) => {
                    at += 1;
                    part += 1;
                }
                _ => match retry {
                    Some((wildcard, from)) => {
                        retry = Some((wildcard, from + 1));
                        at = from + 1;
                        part = wildcard + 1;
                    }
                    None => return false,
                },
            }
        }
        self.0.iter().skip(part).all(|part| *part == PatternPart::Any)
    }
}

impl Expr {
    /// Every slot that the condition can read, in order.
    pub fn slots<'a>(&'a self, into: &mut Vec<&'a Slot>) {
        match self {
            Self::Constant(_) | Self::AlwaysErrs => {}
            Self::Slot(slot) | Self::Has(slot) => into.push(slot),
            Self::Not(inner)
            | Self::Negate(inner)
            | Self::IsEmpty(inner)
            | Self::Like(inner, _)
            | Self::In(inner, _) => {
                inner.slots(into);
            }
            Self::And(left, right) | Self::Or(left, right) | Self::Binary(_, left, right) => {
                left.slots(into);
                right.slots(into);
            }
            Self::If(condition, then, otherwise) => {
                condition.slots(into);
                then.slots(into);
                otherwise.slots(into);
            }
        }
    }

    /// The condition with every slot that the binding knows replaced by its value.
    ///
    /// `Has` of a known slot becomes a constant; a slot that is known to be missing becomes an error.
    #[must_use]
    pub fn bind(&self, binding: &dyn Binding) -> Self {
        let bind = |inner: &Self| Box::new(inner.bind(binding));
        match self {
            Self::Constant(_) | Self::AlwaysErrs => self.clone(),
            Self::Slot(slot) => match binding.known(slot) {
                Known::Value(value) => Self::Constant(value),
                Known::Missing => Self::AlwaysErrs,
                Known::Later => self.clone(),
            },
            Self::Has(slot) => match binding.known(slot) {
                Known::Value(_) => Self::boolean(true),
                Known::Missing if slot.parents().any(|parent| binding.known(&parent) == Known::Missing) => {
                    Self::AlwaysErrs
                }
                Known::Missing => Self::boolean(false),
                Known::Later => self.clone(),
            },
            Self::Not(inner) => Self::Not(bind(inner)),
            Self::Negate(inner) => Self::Negate(bind(inner)),
            Self::IsEmpty(inner) => Self::IsEmpty(bind(inner)),
            Self::Like(inner, pattern) => Self::Like(bind(inner), pattern.clone()),
            Self::In(inner, group) => match *bind(inner) {
                Self::Constant(Value::Entity(entity)) => Self::boolean(binding.is_in(&entity, group)),
                inner => Self::In(Box::new(inner), group.clone()),
            },
            Self::And(left, right) => Self::And(bind(left), bind(right)),
            Self::Or(left, right) => Self::Or(bind(left), bind(right)),
            Self::Binary(operator, left, right) => Self::Binary(*operator, bind(left), bind(right)),
            Self::If(condition, then, otherwise) => Self::If(bind(condition), bind(then), bind(otherwise)),
        }
    }
}

/// What is known when a condition is bound.
pub trait Binding {
    /// What is known of a slot.
    fn known(&self, slot: &Slot) -> Known;

    /// Whether an entity is in a group, or is it.
    fn is_in(&self, entity: &EntityName, group: &EntityName) -> bool;
}

/// What is known of a slot when a condition is bound.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    /// Its value.
    Value(Value),
    /// That it has none.
    Missing,
    /// Nothing yet.
    Later,
}
