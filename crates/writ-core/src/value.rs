//! Typed values: what policies compare, whatever they were on the wire.
//!
//! JSON arguments, database columns and bound parameters all become a [`Value`] of a declared [`Type`]
//! before a policy sees them, so that a number is never compared as text and money never as a float. A
//! value that does not fit its type is a [`Misfit`], and a misfit refuses the call: nothing is rounded,
//! truncated or guessed. [`Value`] owns its data; [`ValueRef`] borrows it and is what compiled slices read.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher as _, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use foldhash::fast::FixedState;
use serde_json::Value as Json;

/// How many decimal places a [`Type::Decimal`] keeps: Cedar's `decimal` has four.
pub const DECIMAL_PLACES: u32 = 4;
const DECIMAL_SCALE: i128 = 10_000;

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

/// The type and id of a Cedar entity, such as `User::"ana"`, with its hash worked out once: entities are looked up
/// far more often than they are made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntityName {
    hash: u64,
    kind_bytes: usize,
    text: Box<str>,
}

impl EntityName {
    /// An entity of a type (with its namespace: `User`, `shop::orders`) and an id.
    #[must_use]
    pub fn new(kind: &str, id: &str) -> Self {
        let text = format!("{kind}{id}").into_boxed_str();
        // A fixed seed: tables keyed by this are filled by policies alone, never by what a request holds.
        let hash = FixedState::default().hash_one((kind.len(), &text));
        Self { hash, kind_bytes: kind.len(), text }
    }

    /// The entity type.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text.get(..self.kind_bytes).unwrap_or_default()
    }

    /// The entity's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text.get(self.kind_bytes..).unwrap_or_default()
    }
}

impl Hash for EntityName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl fmt::Display for EntityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{:?}", self.kind(), self.id())
    }
}

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
        from_json(json, ty, &mut Vec::new())
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

/// A value that does not fit the type it must have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is not a {expected}: {found}")]
pub struct Misfit {
    /// Where the value stands, as field names joined with dots.
    pub path: String,
    /// The type that it must have.
    pub expected: String,
    /// What was found, in words, without the value itself.
    pub found: String,
}

fn from_json(json: &Json, ty: &Type, path: &mut Vec<String>) -> Result<Value, Misfit> {
    let misfit = |found: &str, path: &[String]| Misfit {
        path: path.join("."),
        expected: ty.to_string(),
        found: found.to_owned(),
    };
    match (ty, json) {
        (Type::Bool, Json::Bool(value)) => Ok(Value::Bool(*value)),
        (Type::Long, Json::Number(number)) => match number.as_i64() {
            Some(value) => Ok(Value::Long(value)),
            None => whole(number).map(Value::Long).ok_or_else(|| misfit("a number that is no 64-bit integer", path)),
        },
        (Type::Decimal, Json::Number(number)) => parse_decimal(&number.to_string())
            .map(Value::Decimal)
            .ok_or_else(|| misfit("a number that does not fit four decimal places", path)),
        (Type::Decimal, Json::String(text)) => {
            parse_decimal(text).map(Value::Decimal).ok_or_else(|| misfit("text that is no decimal number", path))
        }
        (Type::String, Json::String(text)) => Ok(Value::string(text)),
        (Type::Datetime, Json::String(text)) => {
            parse_datetime(text).map(Value::Datetime).ok_or_else(|| misfit("text that is no RFC 3339 time", path))
        }
        (Type::Set(of), Json::Array(items)) => {
            let mut values = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                values.push(from_json(item, of, path)?);
                path.pop();
            }
            ValueSet::collect(values)
                .map(|set| Value::Set(Arc::new(set)))
                .ok_or_else(|| misfit("an array of something else than scalars", path))
        }
        (Type::Record(fields), Json::Object(object)) => {
            let mut values = Vec::with_capacity(fields.len());
            for (name, field) in fields {
                path.push(name.clone());
                match object.get(name) {
                    Some(value) => values.push((Arc::from(name.as_str()), from_json(value, &field.ty, path)?)),
                    None if field.required => return Err(misfit("missing", path)),
                    None => {}
                }
                path.pop();
            }
            Ok(Value::record(values))
        }
        (_, Json::Null) => Err(misfit("null", path)),
        (_, Json::Bool(_)) => Err(misfit("a boolean", path)),
        (_, Json::Number(_)) => Err(misfit("a number", path)),
        (_, Json::String(_)) => Err(misfit("text", path)),
        (_, Json::Array(_)) => Err(misfit("an array", path)),
        (_, Json::Object(_)) => Err(misfit("an object", path)),
    }
}

/// An integer written as a double (`3.0`), which JSON does not tell from `3`.
fn whole(number: &serde_json::Number) -> Option<i64> {
    let scaled = parse_decimal(&number.to_string())?;
    let scale = i64::try_from(DECIMAL_SCALE).ok()?;
    (scaled.checked_rem(scale)? == 0).then(|| scaled.checked_div(scale)).flatten()
}

/// Reads a decimal number in plain or exponent form as ten-thousandths.
///
/// Nothing where the text is no number, needs more than four places, or does not fit 64 bits: never rounded.
#[must_use]
pub fn parse_decimal(text: &str) -> Option<i64> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (rest, 0),
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if integer.is_empty() || !digits(integer) || !digits(fraction) || (mantissa.contains('.') && fraction.is_empty()) {
        return None;
    }
    let all = format!("{integer}{fraction}");
    let significant = all.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    if significant.len() > 19 {
        return None;
    }
    let trailing = i32::try_from(all.len().checked_sub(all.trim_end_matches('0').len())?).ok()?;
    let fraction_length = i32::try_from(fraction.len()).ok()?;
    // significant × 10^power is the number; it must be a multiple of 10^-4.
    let power = exponent.checked_sub(fraction_length)?.checked_add(trailing)?;
    let shift = power.checked_add(i32::try_from(DECIMAL_PLACES).ok()?)?;
    if !(0..=19).contains(&shift) {
        return None;
    }
    let magnitude = significant.parse::<i128>().ok()?.checked_mul(10_i128.checked_pow(u32::try_from(shift).ok()?)?)?;
    i64::try_from(if negative { magnitude.checked_neg()? } else { magnitude }).ok()
}

/// Writes ten-thousandths as Cedar does: at least one decimal place, at most four.
#[must_use]
pub fn format_decimal(scaled: i64) -> String {
    let magnitude = i128::from(scaled).abs();
    let fraction = format!("{:04}", magnitude % DECIMAL_SCALE);
    let fraction = match fraction.trim_end_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    format!("{}{}.{}", if scaled < 0 { "-" } else { "" }, magnitude / DECIMAL_SCALE, fraction)
}

/// Reads an RFC 3339 time, or a date alone, as milliseconds since the epoch (proleptic Gregorian, no leap seconds).
#[must_use]
pub fn parse_datetime(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let part = bytes.get(from..to)?;
        part.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(part).ok()?.parse().ok()).flatten()
    };
    let is = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    if !is(4, b'-') || !is(7, b'-') || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let midnight = days_from_civil(year, month, day).checked_mul(86_400_000)?;
    if bytes.len() == 10 {
        return Some(midnight);
    }
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(is(10, b'T') || is(10, b' ')) || !is(13, b':') || !is(16, b':') || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut at = 19;
    let mut milliseconds = 0;
    if is(at, b'.') {
        let digits = bytes.iter().skip(20).take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        for place in 0..3 {
            let digit = if place < digits { number(20 + place, 21 + place)? } else { 0 };
            milliseconds = milliseconds * 10 + digit;
        }
        at = 20 + digits;
    }
    let offset_minutes = match bytes.get(at..)? {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    midnight.checked_add(((hour * 60 + minute - offset_minutes) * 60 + second) * 1000 + milliseconds)
}

/// Writes milliseconds since the epoch as an RFC 3339 time in UTC.
#[must_use]
pub fn format_datetime(milliseconds: i64) -> String {
    let (days, rest) = (milliseconds.div_euclid(86_400_000), milliseconds.rem_euclid(86_400_000));
    let (year, month, day) = civil_from_days(days);
    let (seconds, fraction) = (rest / 1000, rest % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction == 0 {
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    } else {
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z")
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01, counted in years that begin in March so that the leap day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn decimals_are_exact_or_refused() {
        for (text, scaled) in [
            ("240", 2_400_000),
            ("240.0", 2_400_000),
            ("-0.0001", -1),
            ("1e2", 1_000_000),
            ("12.5E-1", 12_500),
            ("0", 0),
            ("-0.0", 0),
        ] {
            assert_eq!(parse_decimal(text), Some(scaled), "{text}");
        }
        for text in [
            "",
            ".5",
            "5.",
            "1.00001",
            "1e300",
            "922337203685478",
            "0.30000000000000004",
            "--1",
            "1e",
            "NaN",
            "1_0",
            "+1",
        ] {
            let expected = (text == "922337203685478").then(|| i64::MAX / 10_000 * 10_000 + 0).filter(|_| false);
            if text == "922337203685478" {
                assert_eq!(parse_decimal(text), None, "922337203685478 is one above the largest: {expected:?}");
            } else {
                assert_eq!(parse_decimal(text), None, "{text}");
            }
        }
        assert_eq!(parse_decimal("922337203685477.5807"), Some(i64::MAX));
        assert_eq!(parse_decimal("-922337203685477.5808"), Some(i64::MIN));
        for scaled in [0, 1, -1, 10_000, -15_000, i64::MAX, i64::MIN] {
            assert_eq!(parse_decimal(&format_decimal(scaled)), Some(scaled));
        }
    }

    #[test]
    fn datetimes_round_trip() {
        assert_eq!(parse_datetime("1970-01-01"), Some(0));
        assert_eq!(parse_datetime("2026-11-24T07:42:25Z").map(format_datetime).unwrap(), "2026-11-24T07:42:25Z");
        assert_eq!(
            parse_datetime("2024-02-29T00:00:00.5+02:00").map(format_datetime).unwrap(),
            "2024-02-28T22:00:00.500Z"
        );
        for text in
            ["2023-02-29", "2026-13-01", "2026-11-24T24:00:00Z", "2026-11-24T07:42:25", "2026-11-24T07:42:25.Z", "x"]
        {
            assert_eq!(parse_datetime(text), None, "{text}");
        }
        for days in (-800_000..800_000).step_by(9973) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn a_misfit_names_its_path() {
        let amount = Field { ty: Type::Decimal, required: true };
        let ty = Type::Record(BTreeMap::from([("amount".to_owned(), amount)]));
        let error = Value::from_json(&serde_json::json!({"amount": 1.000_01}), &ty).unwrap_err();
        assert_eq!(error.path, "amount");
        assert!(Value::from_json(&serde_json::json!({}), &ty).is_err());
        assert!(Value::from_json(&serde_json::json!({"amount": null}), &ty).is_err());
    }
}
