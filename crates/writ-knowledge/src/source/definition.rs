//! What a definition adds to the columns that a source declares: types, scales and labels.
//!
//! A definition may name only what is there, so that a typing error in a file is found before a run, not as a
//! column that no row ever has. It never adds or hides a column.

use writ_core::definition::Table;
use writ_core::value::{DECIMAL_PLACES, Type};

use crate::catalog::listed;
use crate::cell::ColumnSpec;
use crate::error::KnowledgeError;

/// Puts a definition's types and labels on the columns that were discovered.
pub(crate) fn apply(table: &str, columns: &mut [ColumnSpec], definition: &Table) -> Result<(), KnowledgeError> {
    for (name, given) in &definition.columns {
        let known = listed(columns.iter().map(|column| column.name.as_str()));
        let Some(column) = columns.iter_mut().find(|column| &column.name == name) else {
            return Err(KnowledgeError::UnknownColumn { table: table.to_owned(), column: name.clone(), known });
        };
        let bad = |reason: String| KnowledgeError::BadColumn { table: table.to_owned(), column: name.clone(), reason };
        if let Some(ty) = given.ty {
            column.ty = Type::from(ty);
        } else if given.scale.is_some() {
            column.ty = Type::Decimal;
        }
        if let Some(scale) = given.scale {
            if column.ty != Type::Decimal {
                return Err(bad(format!("is a {}: only a decimal has a `scale`", column.ty)));
            }
            if scale > DECIMAL_PLACES {
                return Err(bad(format!("has `scale: {scale}`: a decimal keeps at most {DECIMAL_PLACES} places")));
            }
            column.scale = Some(scale);
        }
        column.labels = sorted(given.labels.iter().cloned());
    }
    Ok(())
}

/// Whether a definition says what type a column has.
pub(crate) fn gives_type(definition: &Table, column: &str) -> bool {
    definition.columns.get(column).is_some_and(|column| column.ty.is_some() || column.scale.is_some())
}

/// Refuses two columns of one name.
pub(crate) fn unique(table: &str, columns: &[ColumnSpec]) -> Result<(), KnowledgeError> {
    let mut names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    names.sort_unstable();
    for (name, next) in names.iter().zip(names.iter().skip(1)) {
        if name == next {
            return Err(KnowledgeError::Duplicate { name: format!("{table}.{name}") });
        }
    }
    Ok(())
}

/// Labels, each once and in order.
pub(crate) fn sorted(labels: impl Iterator<Item = String>) -> Vec<String> {
    let mut labels: Vec<String> = labels.collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}
