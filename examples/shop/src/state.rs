//! Everything in a shop as one JSON object, so that two databases can be compared.
//!
//! Tables and rows stand in a fixed order, by primary key. The ledger is left out: it tells how often something
//! happened and when, not how things are.

use rusqlite::Connection;
use rusqlite::types::Value as Stored;
use serde_json::{Map, Value};

use crate::ShopError;

/// Every table that counts, with its primary key.
const TABLES: &[(&str, &str)] = &[
    ("customers", "customer_id"),
    ("payment_methods", "customer_id, payment_method_id"),
    ("products", "product_id"),
    ("variants", "item_id"),
    ("orders", "order_id"),
    ("order_items", "order_id, line"),
    ("fulfillments", "order_id, tracking_id"),
    ("payments", "payment_id"),
    ("history", "order_id, n"),
    ("cases", "case_id"),
    ("messages", "message_id"),
];

/// The number of rows of every table.
///
/// # Errors
///
/// When the database cannot be read.
pub fn counts(conn: &Connection) -> Result<Vec<(&'static str, i64)>, ShopError> {
    TABLES
        .iter()
        .map(|(table, _)| -> Result<(&str, i64), ShopError> {
            let rows = conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
            Ok((*table, rows))
        })
        .collect()
}

/// The number of rows and the rows themselves, as `{"counts": {…}, "tables": {…}}`.
///
/// # Errors
///
/// When the database cannot be read.
pub fn dump(conn: &Connection) -> Result<Value, ShopError> {
    let moment = conn.unchecked_transaction()?;
    let counts = counts(&moment)?.into_iter().map(|(table, rows)| (table.to_owned(), Value::from(rows)));
    let mut state = Map::new();
    state.insert("counts".to_owned(), Value::Object(counts.collect()));
    let mut tables = Map::new();
    for (table, key) in TABLES {
        tables.insert((*table).to_owned(), Value::Array(rows(&moment, table, key)?));
    }
    state.insert("tables".to_owned(), Value::Object(tables));
    Ok(Value::Object(state))
}

fn rows(conn: &Connection, table: &str, key: &str) -> Result<Vec<Value>, ShopError> {
    let mut statement = conn.prepare(&format!("SELECT * FROM {table} ORDER BY {key}"))?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = statement.query([])?;
    let mut list = Vec::new();
    while let Some(row) = found.next()? {
        let mut members = Map::new();
        for (index, column) in columns.iter().enumerate() {
            members.insert(column.clone(), as_json(row.get(index)?));
        }
        list.push(Value::Object(members));
    }
    Ok(list)
}

fn as_json(stored: Stored) -> Value {
    match stored {
        Stored::Integer(number) => Value::from(number),
        Stored::Text(text) => Value::String(text),
        // The schema is strict and has neither of the other two.
        Stored::Null | Stored::Real(_) | Stored::Blob(_) => Value::Null,
    }
}
