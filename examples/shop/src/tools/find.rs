//! The reads: who a customer is, what they ordered, what the shop sells; and plain arithmetic.
//!
//! Relies on the views for the shape of what is shown. Never changes a row, and leaves none in the ledger.

use rusqlite::Connection;
use serde_json::{Map, Value};

use super::arguments::Arguments;
use super::{Outcome, ToolError, refuse, views};
use crate::arithmetic;

pub(super) fn find_user_id_by_email(conn: &Connection, arguments: &Arguments<'_>) -> Outcome {
    let email = arguments.text("email")?;
    let found =
        customer_ids(conn, "SELECT customer_id FROM customers WHERE email = ?1 COLLATE NOCASE LIMIT 2", &[email])?;
    only_one(found, "this e-mail address; ask for the address of the account, or search by name and zip code")
}

pub(super) fn find_user_id_by_name_zip(conn: &Connection, arguments: &Arguments<'_>) -> Outcome {
    let wanted = [arguments.text("first_name")?, arguments.text("last_name")?, arguments.text("zip")?];
    let found = customer_ids(
        conn,
        "SELECT customer_id FROM customers
         WHERE zip = ?3 AND last_name = ?2 COLLATE NOCASE AND first_name = ?1 COLLATE
         NOCASE LIMIT 2",
        &wanted,
    )?;
    only_one(found, "this name and zip code; check the spelling and the zip code, or search by e-mail address")
}

pub(super) fn get_user_details(conn: &Connection, arguments: &Arguments<'_>) -> Outcome {
    views::customer(conn, arguments.text("user_id")?)
}

pub(super) fn get_order_details(conn: &Connection, arguments: &Arguments<'_>) -> Outcome {
    views::order(conn, arguments.text("order_id")?)
}

pub(super) fn get_product_details(conn: &Connection, arguments: &Arguments<'_>) -> Outcome {
    views::product(conn, arguments.text("product_id")?)
}

pub(super) fn list_all_product_types(conn: &Connection, _: &Arguments<'_>) -> Outcome {
    let mut statement = conn.prepare_cached("SELECT name, product_id FROM products ORDER BY name, product_id")?;
    let mut rows = statement.query([])?;
    let mut types = Map::new();
    while let Some(row) = rows.next()? {
        types.insert(row.get(0)?, Value::String(row.get(1)?));
    }
    Ok(Value::Object(types))
}

pub(super) fn calculate(_: &Connection, arguments: &Arguments<'_>) -> Outcome {
    match arithmetic::evaluate(arguments.text("expression")?) {
        Ok(text) => Ok(Value::String(text)),
        Err(error) => refuse(error.to_string()),
    }
}

fn customer_ids(conn: &Connection, sql: &str, wanted: &[&str]) -> Result<Vec<String>, ToolError> {
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_map(rusqlite::params_from_iter(wanted), |row| row.get::<_, String>(0))?;
    Ok(found.collect::<rusqlite::Result<Vec<String>>>()?)
}

fn only_one(found: Vec<String>, by_what: &str) -> Outcome {
    match found.as_slice() {
        [customer_id] => Ok(Value::String(customer_id.clone())),
        [] => refuse(format!("no customer has {by_what}")),
        _ => refuse(format!("more than one customer has {by_what}")),
    }
}
