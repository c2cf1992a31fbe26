//! Conditions in the form in which most of them come: a few comparisons, all of which must hold.
//!
//! What is asked a million times a second should lie together in memory. A condition's conjuncts become
//! [`Test`]s, with the places that they read numbered per set; anything else stays an [`Expr`]. The order of
//! evaluation is kept, and with it what can err.

use std::cell::Cell;
use std::cmp::Ordering;
use std::sync::Arc;

use super::expr::{EvalError, Expr, Operator, Scope, Slot};
use crate::value::{EntityName, PathHints, Value, ValueRef};

/// How many of a set's places are remembered while one question is asked.
const REMEMBERED: usize = 8;

/// The places that a set's tests read, by number.
#[derive(Debug, Default)]
pub(super) struct Slots(Vec<(Slot, PathHints)>);

impl Slots {
    /// The number of a place.
    pub(super) fn number(&mut self, slot: &Slot) -> u32 {
        let position = self.0.iter().position(|(known, _)| known == slot).unwrap_or_else(|| {
            self.0.push((slot.clone(), PathHints::default()));
            self.0.len() - 1
        });
        u32::try_from(position).unwrap_or(u32::MAX)
    }

    fn at(&self, number: u32) -> Option<&(Slot, PathHints)> {
        self.0.get(usize::try_from(number).ok()?)
    }
}

/// Reads a question's places, each at most once.
pub(super) struct Reader<'a, S> {
    scope: &'a S,
    slots: &'a Slots,
    known: [Cell<Option<Option<ValueRef<'a>>>>; REMEMBERED],
}

impl<'a, S: Scope> Reader<'a, S> {
    pub(super) fn new(scope: &'a S, slots: &'a Slots) -> Self {
        Self { scope, slots, known: [const { Cell::new(None) }; REMEMBERED] }
    }

    pub(super) fn scope(&self) -> &'a S {
        self.scope
    }

    /// The value at a place.
    ///
    /// # Errors
    /// [`EvalError::Missing`] where there is none.
    pub(super) fn read(&self, number: u32) -> Result<ValueRef<'a>, EvalError> {
        let known = usize::try_from(number).ok().and_then(|number| self.known.get(number));
        let found = match known.and_then(Cell::get) {
            Some(found) => found,
            None => {
                let found = self.slots.at(number).and_then(|(slot, hints)| self.scope.read_hinted(slot, hints));
                if let Some(known) = known {
                    known.set(Some(found));
                }
                found
            }
        };
        found.ok_or_else(|| self.missing(number))
    }

    #[cold]
    fn missing(&self, number: u32) -> EvalError {
        EvalError::Missing(self.slots.at(number).map(|(slot, _)| slot.to_string()).unwrap_or_default())
    }
}

/// One conjunct.
#[derive(Debug)]
pub(super) enum Test {
    /// A place compares with a number.
    Number { slot: u32, kind: NumberKind, holds: Holds, value: i64 },
    /// A place is a text.
    Text { slot: u32, value: Arc<str> },
    /// A place is an entity.
    Entity { slot: u32, value: Arc<EntityName> },
    /// Two places compare.
    Places { left: u32, holds: Holds, right: u32 },
    /// A place is `true`.
    True { slot: u32 },
    /// An entity at a place is in a group.
    In { slot: u32, group: Arc<EntityName> },
    /// Anything else.
    Other(Box<Expr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberKind {
    Long,
    Decimal,
    Datetime,
}

/// For which order of its operands a comparison holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Holds {
    fn of(operator: Operator) -> Option<Self> {
        match operator {
            Operator::Equal => Some(Self::Equal),
            Operator::Less => Some(Self::Less),
            Operator::LessOrEqual => Some(Self::LessOrEqual),
            _ => None,
        }
    }

    fn mirrored(self) -> Self {
        match self {
            Self::Equal => Self::Equal,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }

    fn for_order(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl Test {
    /// The test of one conjunct.
    pub(super) fn new(conjunct: &Expr, slots: &mut Slots) -> Self {
        let special = match conjunct {
            Expr::Slot(slot) => Some(Self::True { slot: slots.number(slot) }),
            Expr::In(inner, group) => match &**inner {
                Expr::Slot(slot) => Some(Self::In { slot: slots.number(slot), group: group.clone() }),
                _ => None,
            },
            Expr::Binary(operator, left, right) => {
                Holds::of(*operator).and_then(|holds| Self::comparison(holds, left, right, slots))
            }
            _ => None,
        };
        special.unwrap_or_else(|| Self::Other(Box::new(conjunct.clone())))
    }

    fn comparison(holds: Holds, left: &Expr, right: &Expr, slots: &mut Slots) -> Option<Self> {
        match (left, right) {
            (Expr::Slot(left), Expr::Slot(right)) => {
                Some(Self::Places { left: slots.number(left), holds, right: slots.number(right) })
            }
            (Expr::Slot(slot), Expr::Constant(value)) => Self::with_constant(slot, holds, value, slots),
            (Expr::Constant(value), Expr::Slot(slot)) => Self::with_constant(slot, holds.mirrored(), value, slots),
            _ => None,
        }
    }

    fn with_constant(slot: &Slot, holds: Holds, value: &Value, slots: &mut Slots) -> Option<Self> {
        let number = |kind, value: &i64, slots: &mut Slots| {
            Some(Self::Number { slot: slots.number(slot), kind, holds, value: *value })
        };
        match value {
            Value::Long(value) => number(NumberKind::Long, value, slots),
            Value::Decimal(value) => number(NumberKind::Decimal, value, slots),
            Value::Datetime(value) => number(NumberKind::Datetime, value, slots),
            Value::String(value) if holds == Holds::Equal => {
                Some(Self::Text { slot: slots.number(slot), value: value.clone() })
            }
            Value::Entity(value) if holds == Holds::Equal => {
                Some(Self::Entity { slot: slots.number(slot), value: value.clone() })
            }
            _ => None,
        }
    }

    /// Whether the conjunct holds.
    ///
    /// # Errors
    /// [`EvalError`].
    pub(super) fn holds<S: Scope>(&self, reader: &Reader<'_, S>) -> Result<bool, EvalError> {
        match self {
            Self::Number { slot, kind, holds, value } => {
                let found = match (kind, reader.read(*slot)?) {
                    (NumberKind::Long, ValueRef::Long(found))
                    | (NumberKind::Decimal, ValueRef::Decimal(found))
                    | (NumberKind::Datetime, ValueRef::Datetime(found)) => found,
                    // Equality of different types is false, as in Cedar; an order between them is an error.
                    _ if *holds == Holds::Equal => return Ok(false),
                    _ => return Err(EvalError::Type),
                };
                Ok(holds.for_order(found.cmp(value)))
            }
            Self::Text { slot, value } => match reader.read(*slot)? {
                ValueRef::String(found) => Ok(found == &**value),
                _ => Ok(false),
            },
            Self::Entity { slot, value } => match reader.read(*slot)? {
                ValueRef::Entity(found) => Ok(found == &**value),
                _ => Ok(false),
            },
            Self::Places { left, holds: Holds::Equal, right } => Ok(reader.read(*left)?.equals(reader.read(*right)?)),
            Self::Places { left, holds, right } => {
                let (left, right) = (reader.read(*left)?, reader.read(*right)?);
                super::expr::ordered(left, right).map(|order| holds.for_order(order))
            }
            Self::True { slot } => match reader.read(*slot)? {
                ValueRef::Bool(found) => Ok(found),
                _ => Err(EvalError::Type),
            },
            Self::In { slot, group } => match reader.read(*slot)? {
                ValueRef::Entity(entity) => Ok(reader.scope().is_in(entity, group)),
                _ => Err(EvalError::Type),
            },
            Self::Other(expr) => expr.holds(reader.scope()),
        }
    }
}
