//! JSON Lines files: one object a line.
//!
//! A field becomes a column where all values of it that are found have one scalar type, or where the
//! definition gives a type. Fields that hold arrays or objects are no columns.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value as Json};
use writ_core::definition::Table;
use writ_core::value::Type;

use super::{LoadError, Rows, misfits, room_for_one, text_column};
use crate::cell::{Cell, ColumnSpec};
use crate::source::definition::gives_type;

/// What is known of a field so far.
enum Seen {
    /// It has had no value yet.
    Nothing,
    /// All its values have this type.
    One(Type),
    /// Its values are not all scalars of one type.
    Mixed,
}

impl Seen {
    fn with(self, json: &Json) -> Self {
        let ty = match json {
            Json::Null => return self,
            Json::Bool(_) => Type::Bool,
            Json::Number(number) if number.is_i64() => Type::Long,
            Json::Number(_) => Type::Decimal,
            Json::String(_) => Type::String,
            Json::Array(_) | Json::Object(_) => return Self::Mixed,
        };
        match self {
            Self::Nothing => Self::One(ty),
            Self::One(known) if known == ty => Self::One(known),
            Self::One(Type::Long | Type::Decimal) if matches!(ty, Type::Long | Type::Decimal) => {
                Self::One(Type::Decimal)
            }
            Self::One(_) | Self::Mixed => Self::Mixed,
        }
    }
}

/// The columns, in the order in which the file first names them.
pub(super) fn discover(path: &Path, table: &Table) -> Result<Vec<ColumnSpec>, LoadError> {
    let mut fields: Vec<(String, Seen)> = Vec::new();
    each_line(path, |object| {
        for (name, value) in object.unwrap_or_default() {
            let at = fields.iter().position(|(field, _)| field == &name).unwrap_or(fields.len());
            if at == fields.len() {
                fields.push((name, Seen::Nothing));
            }
            if let Some((_, seen)) = fields.get_mut(at) {
                *seen = std::mem::replace(seen, Seen::Nothing).with(&value);
            }
        }
        Ok(())
    })?;
    if fields.is_empty() {
        // A file without a line says nothing; the definition is all there is to go by.
        return Ok(table.columns.keys().filter(|name| gives_type(table, name)).map(|name| text_column(name)).collect());
    }
    Ok(fields
        .into_iter()
        .filter_map(|(name, seen)| match seen {
            Seen::One(ty) => Some(ColumnSpec { ty, ..text_column(&name) }),
            Seen::Nothing | Seen::Mixed => gives_type(table, &name).then(|| text_column(&name)),
        })
        .collect())
}

/// The rows, with their cells in the order of `columns`.
pub(super) fn load(path: &Path, columns: &[ColumnSpec]) -> Result<Rows, LoadError> {
    let mut rows = Rows::new();
    each_line(path, |object| {
        room_for_one(&rows)?;
        rows.push(match object {
            Some(object) => columns.iter().map(|column| Cell::from_json(object.get(&column.name), column)).collect(),
            None => misfits(columns),
        });
        Ok(())
    })?;
    Ok(rows)
}

/// Hands over the object of each line that is not empty, or nothing where the line is no object.
fn each_line(
    path: &Path,
    mut take: impl FnMut(Option<Map<String, Json>>) -> Result<(), LoadError>,
) -> Result<(), LoadError> {
    let bytes = fs::read(path).map_err(|error| LoadError::Unreadable(error.to_string()))?;
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        take(serde_json::from_slice(line).ok())?;
    }
    Ok(())
}
