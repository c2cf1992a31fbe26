//! How a customer, an order and a product are shown to a caller.
//!
//! The members and their names are those of the retail data that the shop can load, so that both kinds of shop answer
//! alike. An order also lists its payments, which a refund needs; a card's number is never shown here.

use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::{Map, Value, json};

use super::{Outcome, ToolError, refuse};
use crate::money;
use crate::records::Address;

/// Members of an order that are shown once they have a value, as text.
const ORDER_TEXTS: &[&str] = &["placed_at", "delivered_at", "cancel_reason"];
/// The same, for members that are stored as JSON lists.
const ORDER_LISTS: &[&str] = &["exchange_items", "exchange_new_items", "return_items"];
/// The same, for the payment methods of an exchange and of a return.
const ORDER_METHODS: &[&str] = &["exchange_payment_method_id", "return_payment_method_id"];

pub(super) fn customer(conn: &Connection, customer_id: &str) -> Outcome {
    let found = conn
        .prepare_cached("SELECT * FROM customers WHERE customer_id = ?1")?
        .query_and_then([customer_id], customer_head)?
        .next();
    let Some(head) = found else {
        return refuse(format!(
            "no customer has the id `{customer_id}`; find it by e-mail address, or name \
             and zip code"
        ));
    };
    let mut view = head?;
    let methods = collect(
        conn,
        "SELECT payment_method_id, source, brand, last_four, balance FROM payment_methods
         WHERE customer_id = ?1 ORDER BY rowid",
        customer_id,
        payment_method,
    )?;
    view.insert("payment_methods".to_owned(), Value::Object(keyed(methods, "id")));
    let orders =
        collect(conn, "SELECT order_id FROM orders WHERE customer_id = ?1 ORDER BY rowid", customer_id, |row| {
            Ok(Value::String(row.get(0)?))
        })?;
    view.insert("orders".to_owned(), Value::Array(orders));
    Ok(Value::Object(view))
}

pub(super) fn order(conn: &Connection, order_id: &str) -> Outcome {
    let found =
        conn.prepare_cached("SELECT * FROM orders WHERE order_id = ?1")?.query_and_then([order_id], order_head)?.next();
    let Some(head) = found else {
        return refuse(no_order(order_id));
    };
    let (mut view, rest) = head?;
    let items = collect(
        conn,
        "SELECT name, product_id, item_id, price, options FROM order_items
         WHERE order_id = ?1 ORDER BY line",
        order_id,
        item,
    )?;
    view.insert("items".to_owned(), Value::Array(items));
    let fulfillments = collect(
        conn,
        "SELECT tracking_id, item_ids FROM fulfillments WHERE order_id = ?1 ORDER BY rowid",
        order_id,
        fulfillment,
    )?;
    view.insert("fulfillments".to_owned(), Value::Array(fulfillments));
    let history = collect(
        conn,
        "SELECT transaction_type, amount, payment_method_id FROM history
         WHERE order_id = ?1 ORDER BY n",
        order_id,
        transaction,
    )?;
    view.insert("payment_history".to_owned(), Value::Array(history));
    let payments = collect(
        conn,
        "SELECT payment_id, captured, refunded, payment_method_id FROM payments
         WHERE order_id = ?1 ORDER BY rowid",
        order_id,
        payment,
    )?;
    view.insert("payments".to_owned(), Value::Array(payments));
    view.extend(rest);
    Ok(Value::Object(view))
}

pub(super) fn product(conn: &Connection, product_id: &str) -> Outcome {
    let name: Option<String> = conn
        .prepare_cached("SELECT name FROM products WHERE product_id = ?1")?
        .query_row([product_id], |row| row.get(0))
        .optional()?;
    let Some(name) = name else {
        return refuse(format!(
            "no product has the id `{product_id}`; an item's id is another thing, so \
             list the product types to find it"
        ));
    };
    let variants = collect(
        conn,
        "SELECT item_id, options, available, price FROM variants
         WHERE product_id = ?1 ORDER BY rowid",
        product_id,
        variant,
    )?;
    Ok(json!({ "name": name, "product_id": product_id, "variants": keyed(variants, "item_id") }))
}

/// What every tool says of an order that is not there.
pub(super) fn no_order(order_id: &str) -> String {
    format!("no order has the id `{order_id}`; ids look like `#W0000000`, with the `#`")
}

fn customer_head(row: &Row<'_>) -> Result<Map<String, Value>, ToolError> {
    let mut view = Map::new();
    view.insert("user_id".to_owned(), Value::String(row.get("customer_id")?));
    let first_name: String = row.get("first_name")?;
    let last_name: String = row.get("last_name")?;
    view.insert("name".to_owned(), json!({ "first_name": first_name, "last_name": last_name }));
    view.insert("address".to_owned(), address(row)?);
    view.insert("email".to_owned(), Value::String(row.get("email")?));
    Ok(view)
}

/// The first members of an object, and those that come last.
type Ends = (Map<String, Value>, Map<String, Value>);

/// The first members of an order's view, and those that come last.
fn order_head(row: &Row<'_>) -> Result<Ends, ToolError> {
    let mut head = Map::new();
    head.insert("order_id".to_owned(), Value::String(row.get("order_id")?));
    head.insert("user_id".to_owned(), Value::String(row.get("customer_id")?));
    head.insert("status".to_owned(), Value::String(row.get("status")?));
    head.insert("total".to_owned(), money::to_value(row.get("total")?));
    head.insert("address".to_owned(), address(row)?);
    let mut rest = Map::new();
    for name in ORDER_TEXTS.iter().chain(ORDER_METHODS) {
        if let Some(text) = row.get::<_, Option<String>>(*name)? {
            rest.insert((*name).to_owned(), Value::String(text));
        }
    }
    for name in ORDER_LISTS {
        if let Some(list) = row.get::<_, Option<String>>(*name)? {
            rest.insert((*name).to_owned(), serde_json::from_str(&list)?);
        }
    }
    if let Some(difference) = row.get::<_, Option<i64>>("exchange_price_difference")? {
        rest.insert("exchange_price_difference".to_owned(), money::to_value(difference));
    }
    Ok((head, rest))
}

fn address(row: &Row<'_>) -> Outcome {
    let address = Address {
        address1: row.get("address1")?,
        address2: row.get("address2")?,
        city: row.get("city")?,
        country: row.get("country")?,
        state: row.get("state")?,
        zip: row.get("zip")?,
    };
    Ok(serde_json::to_value(address)?)
}

fn payment_method(row: &Row<'_>) -> Outcome {
    let mut method = Map::new();
    method.insert("source".to_owned(), Value::String(row.get(1)?));
    for (column, name) in [(2, "brand"), (3, "last_four")] {
        if let Some(text) = row.get::<_, Option<String>>(column)? {
            method.insert(name.to_owned(), Value::String(text));
        }
    }
    if let Some(balance) = row.get::<_, Option<i64>>(4)? {
        method.insert("balance".to_owned(), money::to_value(balance));
    }
    method.insert("id".to_owned(), Value::String(row.get(0)?));
    Ok(Value::Object(method))
}

fn item(row: &Row<'_>) -> Outcome {
    let (name, product_id, item_id): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let price = money::to_value(row.get(3)?);
    let options = stored(row, 4)?;
    Ok(json!({
        "name": name,
        "product_id": product_id,
        "item_id": item_id,
        "price": price,
        "options": options
    }))
}

fn fulfillment(row: &Row<'_>) -> Outcome {
    let tracking_id: String = row.get(0)?;
    let item_ids = stored(row, 1)?;
    Ok(json!({ "tracking_id": [tracking_id], "item_ids": item_ids }))
}

fn transaction(row: &Row<'_>) -> Outcome {
    let (kind, method): (String, String) = (row.get(0)?, row.get(2)?);
    let amount = money::to_value(row.get(1)?);
    Ok(json!({ "transaction_type": kind, "amount": amount, "payment_method_id": method }))
}

fn payment(row: &Row<'_>) -> Outcome {
    let (payment_id, method): (String, String) = (row.get(0)?, row.get(3)?);
    let (captured, refunded) = (money::to_value(row.get(1)?), money::to_value(row.get(2)?));
    Ok(json!({
        "payment_id": payment_id,
        "captured": captured,
        "refunded": refunded,
        "payment_method_id": method
    }))
}

fn variant(row: &Row<'_>) -> Outcome {
    let item_id: String = row.get(0)?;
    let available: bool = row.get(2)?;
    let options = stored(row, 1)?;
    let price = money::to_value(row.get(3)?);
    Ok(json!({ "item_id": item_id, "options": options, "available": available, "price": price }))
}

/// A column that holds JSON text.
fn stored(row: &Row<'_>, column: usize) -> Outcome {
    let text: String = row.get(column)?;
    Ok(serde_json::from_str(&text)?)
}

fn collect(conn: &Connection, sql: &str, id: &str, shape: fn(&Row<'_>) -> Outcome) -> Result<Vec<Value>, ToolError> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_and_then([id], shape)?;
    rows.collect()
}

/// Makes a list of objects into one object, by one of their members.
fn keyed(list: Vec<Value>, member: &str) -> Map<String, Value> {
    list.into_iter()
        .filter_map(|value| {
            let key = value.get(member)?.as_str()?.to_owned();
            Some((key, value))
        })
        .collect()
}
