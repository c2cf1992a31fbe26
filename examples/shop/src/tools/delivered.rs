//! What may be done to an order that has arrived: send items back, or exchange them.
//!
//! Both are requests: goods and money move later, outside this program, so only the order's own row changes. An order
//! takes one such request. Never asks whose order it is.

use rusqlite::{Connection, OptionalExtension, params};

use super::arguments::Arguments;
use super::payments::{Method, Order};
use super::swaps::{Plan, claim};
use super::{Outcome, ToolError, refuse, views};

pub(super) fn return_delivered_order_items(conn: &Connection, arguments: &Arguments<'_>) -> Outcome {
    let order = Order::find(conn, arguments.text("order_id")?)?;
    order.require("delivered", "returned")?;
    let method = Method::find(conn, &order, arguments.text("payment_method_id")?)?;
    if !method.is_gift_card() && original_method(conn, &order)?.as_ref() != Some(&method.payment_method_id) {
        return refuse(format!(
            "the refund for order `{}` can go to the payment method it was paid with, \
             or to a gift card, not to `{}`",
            order.order_id, method.payment_method_id
        ));
    }
    let item_ids = arguments.texts("item_ids")?;
    claim(conn, &order, &item_ids)?;
    conn.prepare_cached(
        "UPDATE orders SET status = 'return requested', return_items = ?2,
           return_payment_method_id = ?3
         WHERE order_id = ?1",
    )?
    .execute(params![order.order_id, sorted_list(item_ids)?, method.payment_method_id])?;
    views::order(conn, &order.order_id)
}

pub(super) fn exchange_delivered_order_items(conn: &Connection, arguments: &Arguments<'_>) -> Outcome {
    let order = Order::find(conn, arguments.text("order_id")?)?;
    order.require("delivered", "exchanged")?;
    let plan = Plan::of_call(conn, &order, arguments)?;
    conn.prepare_cached(
        "UPDATE orders SET status = 'exchange requested', exchange_items = ?2,
           exchange_new_items = ?3, exchange_payment_method_id = ?4, exchange_price_difference = ?5
         WHERE order_id = ?1",
    )?
    .execute(params![
        order.order_id,
        sorted_list(arguments.texts("item_ids")?)?,
        sorted_list(arguments.texts("new_item_ids")?)?,
        plan.method.payment_method_id,
        plan.difference
    ])?;
    views::order(conn, &order.order_id)
}

/// What the order was first paid with.
fn original_method(conn: &Connection, order: &Order) -> Result<Option<String>, ToolError> {
    let found = conn
        .prepare_cached(
            "SELECT payment_method_id FROM history
             WHERE order_id = ?1 AND transaction_type = 'payment' ORDER BY n LIMIT 1",
        )?
        .query_row([order.order_id.as_str()], |row| row.get(0))
        .optional()?;
    Ok(found)
}

fn sorted_list(mut item_ids: Vec<&str>) -> Result<String, ToolError> {
    item_ids.sort_unstable();
    Ok(serde_json::to_string(&item_ids)?)
}
