//! A [`Predicate`] as a condition of SQLite's, with every constant a parameter.
//!
//! The condition is a superset: where a form has no exact equivalent in the stored representation it becomes
//! "every row", and a negation of such a form does too, so that no row which the policy admits is left out.
//! Text is compared by its bytes whatever collation the column declares, and only where the column's affinity
//! leaves the parameter as it is; a large set is one JSON parameter that SQLite joins with.

use rusqlite::types::Value as SqlValue;
use serde_json::Value as Json;
use writ_core::policy::{Comparison, Predicate};
use writ_core::value::{DECIMAL_PLACES, Type, Value, ValueSet};

use crate::limits::NATIVE_CONDITIONS_MAX;

/// A condition and its parameters, in the order of their question marks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NativeFilter {
    /// A boolean expression of SQL: `1` for every row, `0` for none.
    pub(crate) sql: String,
    pub(crate) parameters: Vec<SqlValue>,
}

/// How SQLite keeps a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NativeColumn {
    /// The qualified and quoted name.
    pub(crate) name: String,
    pub(crate) storage: Storage,
}

/// What may be compared natively.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    /// Booleans as 0 and 1.
    Bool,
    /// 64-bit integers.
    Long,
    /// Decimals as integers of minor units, with so many places.
    Scaled(u32),
    /// Text that no affinity changes; `ordered` where its bytes are UTF-8, so that order is ours too.
    Text {
        /// Whether less and greater mean the same natively.
        ordered: bool,
    },
    /// Anything else: never compared natively.
    Opaque,
}

impl NativeFilter {
    /// Every row.
    pub(crate) fn any() -> Self {
        Self { sql: "1".to_owned(), parameters: Vec::new() }
    }

    /// The condition of a predicate, over the columns that `column` knows.
    pub(crate) fn lower(predicate: &Predicate, column: &dyn Fn(&str) -> Option<NativeColumn>) -> Self {
        let mut lowering = Lowering { column, parameters: Vec::new(), conditions: 0 };
        let sql = lowering.superset(predicate).into_sql();
        Self { sql, parameters: lowering.parameters }
    }

    /// How many bytes its parameters take.
    pub(crate) fn parameter_bytes(&self) -> usize {
        self.parameters.iter().fold(0, |bytes: usize, parameter| {
            bytes.saturating_add(if let SqlValue::Text(text) = parameter { text.len() } else { 8 })
        })
    }
}

enum Lowered {
    Always,
    Never,
    Sql(String),
}

impl Lowered {
    fn into_sql(self) -> String {
        match self {
            Self::Always => "1".to_owned(),
            Self::Never => "0".to_owned(),
            Self::Sql(sql) => sql,
        }
    }

    fn negated(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Sql(sql) => Self::Sql(format!("NOT ({sql})")),
        }
    }
}

struct Lowering<'a> {
    column: &'a dyn Fn(&str) -> Option<NativeColumn>,
    parameters: Vec<SqlValue>,
    conditions: usize,
}

impl Lowering<'_> {
    fn superset(&mut self, predicate: &Predicate) -> Lowered {
        match predicate {
            Predicate::All(parts) => {
                let parts: Vec<Lowered> = parts.iter().map(|part| self.superset(part)).collect();
                conjunction(parts)
            }
            Predicate::Either(parts) => {
                let parts: Vec<Lowered> = parts.iter().map(|part| self.superset(part)).collect();
                disjunction(parts)
            }
            Predicate::Not(_) => {
                let mark = self.parameters.len();
                self.exact(predicate).unwrap_or_else(|| {
                    self.parameters.truncate(mark);
                    Lowered::Always
                })
            }
            leaf => self.leaf(leaf).unwrap_or(Lowered::Always),
        }
    }

    /// The predicate itself, neither more nor less; nothing where it has no exact equivalent.
    fn exact(&mut self, predicate: &Predicate) -> Option<Lowered> {
        match predicate {
            Predicate::All(parts) => {
                parts.iter().map(|part| self.exact(part)).collect::<Option<Vec<Lowered>>>().map(conjunction)
            }
            Predicate::Either(parts) => {
                parts.iter().map(|part| self.exact(part)).collect::<Option<Vec<Lowered>>>().map(disjunction)
            }
            Predicate::Not(inner) => self.exact(inner).map(Lowered::negated),
            leaf => self.leaf(leaf),
        }
    }

    fn leaf(&mut self, predicate: &Predicate) -> Option<Lowered> {
        match predicate {
            Predicate::Any => Some(Lowered::Always),
            Predicate::Nothing => Some(Lowered::Never),
            Predicate::Present { column } => {
                let column = self.next_column(column)?;
                Some(Lowered::Sql(format!("{} IS NOT NULL", column.name)))
            }
            Predicate::Compare { column, comparison, value } => {
                let column = self.next_column(column)?;
                let constant = constant(column.storage, value)?;
                if !comparable(column.storage, *comparison) {
                    return None;
                }
                let sql = format!("{}{} {} ?", column.name, collation(column.storage), operator(*comparison));
                self.parameters.push(constant);
                Some(Lowered::Sql(sql))
            }
            Predicate::Among { column, set } if set.is_empty() => {
                self.next_column(column)?;
                Some(Lowered::Never)
            }
            Predicate::Among { column, set } => {
                let column = self.next_column(column)?;
                let list = json_list(column.storage, set)?;
                self.parameters.push(SqlValue::Text(list));
                Some(Lowered::Sql(format!(
                    "{}{} IN (SELECT value FROM json_each(?))",
                    column.name,
                    collation(column.storage)
                )))
            }
            Predicate::All(_) | Predicate::Either(_) | Predicate::Not(_) => None,
        }
    }

    fn next_column(&mut self, name: &str) -> Option<NativeColumn> {
        self.conditions = self.conditions.saturating_add(1);
        if self.conditions > NATIVE_CONDITIONS_MAX { None } else { (self.column)(name) }
    }
}

fn conjunction(parts: Vec<Lowered>) -> Lowered {
    joined(parts, " AND ", |part| matches!(part, Lowered::Never), Lowered::Never, Lowered::Always)
}

fn disjunction(parts: Vec<Lowered>) -> Lowered {
    joined(parts, " OR ", |part| matches!(part, Lowered::Always), Lowered::Always, Lowered::Never)
}

/// Joins parts with an operator. Parts that decide the whole keep their parameters bound, so they stay in the
/// text instead of being dropped.
fn joined(
    parts: Vec<Lowered>,
    operator: &str,
    decides: impl Fn(&Lowered) -> bool,
    decided: Lowered,
    neutral: Lowered,
) -> Lowered {
    if parts.iter().any(decides) && !parts.iter().any(|part| matches!(part, Lowered::Sql(_))) {
        return decided;
    }
    let texts: Vec<String> = parts
        .into_iter()
        .filter(|part| std::mem::discriminant(part) != std::mem::discriminant(&neutral))
        .map(Lowered::into_sql)
        .collect();
    match texts.len() {
        0 => neutral,
        _ => Lowered::Sql(format!("({})", texts.join(operator))),
    }
}

fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

fn comparable(storage: Storage, comparison: Comparison) -> bool {
    match storage {
        Storage::Bool | Storage::Text { ordered: false } => comparison == Comparison::Equal,
        Storage::Long | Storage::Scaled(_) | Storage::Text { ordered: true } => true,
        Storage::Opaque => false,
    }
}

fn collation(storage: Storage) -> &'static str {
    if matches!(storage, Storage::Text { .. }) { " COLLATE BINARY" } else { "" }
}

/// A constant in the stored representation; nothing where it has no exact form there.
fn constant(storage: Storage, value: &Value) -> Option<SqlValue> {
    match (storage, value) {
        (Storage::Bool, Value::Bool(value)) => Some(SqlValue::Integer(i64::from(*value))),
        (Storage::Long, Value::Long(value)) => Some(SqlValue::Integer(*value)),
        (Storage::Scaled(scale), Value::Decimal(value)) => minor_units(*value, scale).map(SqlValue::Integer),
        (Storage::Text { .. }, Value::String(value)) => Some(SqlValue::Text(value.to_string())),
        _ => None,
    }
}

fn minor_units(scaled: i64, scale: u32) -> Option<i64> {
    let factor = 10_i64.checked_pow(DECIMAL_PLACES.checked_sub(scale)?)?;
    (scaled.checked_rem(factor)? == 0).then(|| scaled.checked_div(factor)).flatten()
}

/// A set as one JSON array; nothing where an element has no exact form.
fn json_list(storage: Storage, set: &ValueSet) -> Option<String> {
    let values = set
        .values()
        .iter()
        .map(|value| match constant(storage, value)? {
            SqlValue::Integer(value) => Some(Json::from(value)),
            // SQLite ends a JSON text at a NUL character.
            SqlValue::Text(text) if !text.contains('\0') => Some(Json::String(text)),
            _ => None,
        })
        .collect::<Option<Vec<Json>>>()?;
    Some(Json::Array(values).to_string())
}

/// A name as SQLite reads it whatever it contains.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// How a column of `ty` is kept, from its declared type in the database.
pub(crate) fn storage(ty: &Type, scale: Option<u32>, declared: &str, text_is_utf8: bool) -> Storage {
    match (ty, scale) {
        (Type::Bool, _) => Storage::Bool,
        (Type::Long, _) => Storage::Long,
        (Type::Decimal, Some(scale)) => Storage::Scaled(scale),
        (Type::String, _) if keeps_text(declared) => Storage::Text { ordered: text_is_utf8 },
        _ => Storage::Opaque,
    }
}

/// Whether the affinity of a declared type (SQLite, "Datatypes", section 3.1) is TEXT or BLOB, so that a text
/// parameter is compared as text.
fn keeps_text(declared: &str) -> bool {
    let declared = declared.to_ascii_uppercase();
    let has = |part: &str| declared.contains(part);
    !has("INT") && (has("CHAR") || has("CLOB") || has("TEXT") || has("BLOB") || declared.is_empty())
}

#[cfg(test)]
mod tests;
