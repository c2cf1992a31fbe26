//! Typed values: what policies compare, whatever they were on the wire.
//!
//! JSON arguments, database columns and bound parameters all become a [`Value`] of a declared [`Type`]
//! before a policy sees them, so that a number is never compared as text and money never as a float. A
//! value that does not fit its type is a [`Misfit`], and a misfit refuses the call: nothing is rounded,
//! truncated or guessed. [`Value`] owns its data; [`ValueRef`] borrows it and is what compiled slices read.

mod datetime;
mod decimal;
mod entity;
mod json;
mod set;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::Value as Json;

pub use datetime::{format_datetime, parse_datetime};
pub use decimal::{DECIMAL_PLACES, format_decimal, parse_decimal};
pub use entity::EntityName;
pub use json::Misfit;
pub use set::ValueSet;

/// The type of a value, as Cedar knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A signed 64-bit integer.
    Long,
    /// A fixed-point number of four decimal places (Cedar `decimal`): money.
    Decimal,
    /// Unicode text.
    String,
    /// Milliseconds since 1970-01-01T00:00:00Z (Cedar `datetime`).
    Datetime,
    /// An unordered set of scalars of one type.
    Set(Box<Type>),
    /// Named fields.
    Record(BTreeMap<String, Field>),
}

/// A field of a [`Type::Record`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The field's type.
    pub ty: Type,
    /// Whether a value without this field is a misfit.
    pub required: bool,
}

impl Type {
    /// Whether values of this type can be elements of a set and keys of an index.
    #[must_use]
    pub fn is_scalar(&self) -> bool {
        !matches!(self, Self::Set(_) | Self::Record(_))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Long => f.write_str("long"),
            Self::Decimal => f.write_str("decimal"),
            Self::String => f.write_str("string"),
            Self::Datetime => f.write_str("datetime"),
            Self::Set(of) => write!(f, "set of {of}"),
            Self::Record(_) => f.write_str("record"),
        }
    }
}

/// An owned, typed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A [`Type::Bool`].
    Bool(bool),
    /// A [`Type::Long`].
    Long(i64),
    /// A [`Type::Decimal`], in ten-thousandths.
    Decimal(i64),
    /// A [`Type::String`].
    String(Arc<str>),
    /// A [`Type::Datetime`], in milliseconds since the epoch.
    Datetime(i64),
    /// A length of time in milliseconds (Cedar `duration`); arises only inside conditions.
    Duration(i64),
    /// A Cedar entity.
    Entity(Arc<EntityName>),
    /// A [`Type::Set`].
    Set(Arc<ValueSet>),
    /// A [`Type::Record`], sorted by field name.
    Record(Arc<[(Arc<str>, Value)]>),
}

/// A borrowed value: what a compiled slice reads. Copying it copies no data.
#[derive(Debug, Clone, Copy)]
pub enum ValueRef<'a> {
    /// See [`Value::Bool`].
    Bool(bool),
    /// See [`Value::Long`].
    Long(i64),
    /// See [`Value::Decimal`].
    Decimal(i64),
    /// See [`Value::String`].
    String(&'a str),
    /// See [`Value::Datetime`].
    Datetime(i64),
    /// See [`Value::Duration`].
    Duration(i64),
    /// See [`Value::Entity`].
    Entity(&'a EntityName),
    /// See [`Value::Set`].
    Set(&'a ValueSet),
    /// See [`Value::Record`].
    Record(&'a [(Arc<str>, Value)]),
}

impl Value {
    /// Text as a value.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self::String(Arc::from(text))
    }

    /// A record from its fields, in any order.
    #[must_use]
    pub fn record(fields: impl IntoIterator<Item = (Arc<str>, Value)>) -> Self {
        let mut fields: Vec<_> = fields.into_iter().collect();
        fields.sort_by(|(left, _), (right, _)| left.cmp(right));
        Self::Record(fields.into())
    }

    /// Borrows the value.
    #[must_use]
    pub fn borrow(&self) -> ValueRef<'_> {
        match self {
            Self::Bool(value) => ValueRef::Bool(*value),
            Self::Long(value) => ValueRef::Long(*value),
            Self::Decimal(value) => ValueRef::Decimal(*value),
            Self::String(value) => ValueRef::String(value),
            Self::Datetime(value) => ValueRef::Datetime(*value),
            Self::Duration(value) => ValueRef::Duration(*value),
            Self::Entity(value) => ValueRef::Entity(value),
            Self::Set(value) => ValueRef::Set(value),
            Self::Record(fields) => ValueRef::Record(fields),
        }
    }

    /// The value at a path of field names, or nothing where a field on the way is missing.
    #[must_use]
    pub fn at<S: AsRef<str>>(&self, path: &[S]) -> Option<&Value> {
        path.iter().try_fold(self, |value, name| match value {
            Self::Record(fields) => field(fields, name.as_ref()),
            _ => None,
        })
    }

    /// Reads JSON as a value of a type.
    ///
    /// Numbers go through the shortest decimal text of the IEEE double that RFC 8785 would send, so what is
    /// decided is what is sent. Unknown fields of a record are ignored here: the tool's own JSON Schema says
    /// whether they may be there.
    ///
    /// # Errors
    /// A [`Misfit`] with the path of the offending value.
    pub fn from_json(json: &Json, ty: &Type) -> Result<Self, Misfit> {
        json::from_json(json, ty, &mut Vec::new())
    }

    /// The value as JSON: decimals and datetimes as text, in the form that [`Value::from_json`] reads.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Bool(value) => Json::Bool(*value),
            Self::Long(value) | Self::Duration(value) => Json::from(*value),
            Self::Decimal(value) => Json::String(format_decimal(*value)),
            Self::String(value) => Json::String(value.to_string()),
            Self::Datetime(value) => Json::String(format_datetime(*value)),
            Self::Entity(value) => Json::String(value.to_string()),
            Self::Set(set) => Json::Array(set.values().iter().map(Self::to_json).collect()),
            Self::Record(fields) => {
                Json::Object(fields.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect())
            }
        }
    }
}

/// Where the fields of a path were found last time. Records of one type have their fields at the same places, so
/// the next look-up mostly needs one comparison of names for each step.
#[derive(Debug, Default)]
pub struct PathHints([AtomicU8; PATH_HINTS]);

/// How many steps of a path are remembered.
const PATH_HINTS: usize = 3;

impl Value {
    /// As [`Value::at`], looking first where the path led last time.
    #[must_use]
    pub fn at_hinted(&self, path: &[Arc<str>], hints: &PathHints) -> Option<&Value> {
        let mut value = self;
        for (step, name) in path.iter().enumerate() {
            let Self::Record(fields) = value else { return None };
            let Some(hint) = hints.0.get(step) else { return value.at(path.get(step..)?) };
            let hinted = fields.get(usize::from(hint.load(Ordering::Relaxed)));
            value = match hinted.filter(|(field, _)| field == name) {
                Some((_, found)) => found,
                None => {
                    let position = fields.binary_search_by(|(field, _)| field.as_ref().cmp(name)).ok()?;
                    hint.store(u8::try_from(position).unwrap_or(0), Ordering::Relaxed);
                    fields.get(position).map(|(_, found)| found)?
                }
            };
        }
        Some(value)
    }
}

fn field<'a>(fields: &'a [(Arc<str>, Value)], name: &str) -> Option<&'a Value> {
    let index = fields.binary_search_by(|(field, _)| field.as_ref().cmp(name)).ok()?;
    fields.get(index).map(|(_, value)| value)
}

impl<'a> ValueRef<'a> {
    /// An owned copy.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(value),
            Self::Long(value) => Value::Long(value),
            Self::Decimal(value) => Value::Decimal(value),
            Self::String(value) => Value::string(value),
            Self::Datetime(value) => Value::Datetime(value),
            Self::Duration(value) => Value::Duration(value),
            Self::Entity(value) => Value::Entity(Arc::new(value.clone())),
            Self::Set(value) => Value::Set(Arc::new(value.clone())),
            Self::Record(fields) => Value::Record(fields.into()),
        }
    }

    /// Whether two values are equal. Values of different types are not, as in Cedar.
    #[must_use]
    pub fn equals(self, other: ValueRef<'_>) -> bool {
        match (self, other) {
            (Self::Bool(left), ValueRef::Bool(right)) => left == right,
            (Self::Long(left), ValueRef::Long(right))
            | (Self::Decimal(left), ValueRef::Decimal(right))
            | (Self::Datetime(left), ValueRef::Datetime(right))
            | (Self::Duration(left), ValueRef::Duration(right)) => left == right,
            (Self::String(left), ValueRef::String(right)) => left == right,
            (Self::Entity(left), ValueRef::Entity(right)) => left == right,
            (Self::Set(left), ValueRef::Set(right)) => left.same_elements(right),
            (Self::Record(left), ValueRef::Record(right)) => left == right,
            _ => false,
        }
    }
}
