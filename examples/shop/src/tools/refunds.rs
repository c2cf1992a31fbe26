//! Giving back money for one payment, as a person in support would: by the payment's id and an amount.
//!
//! The only rule is that a payment never gives back more than it captured. Never asks who is calling or why.

use rusqlite::{Connection, OptionalExtension};
use serde_json::json;

use super::arguments::Arguments;
use super::payments::{Order, give_back};
use super::{Outcome, refuse};
use crate::money;

pub(super) fn refund_payment(conn: &Connection, arguments: &Arguments<'_>) -> Outcome {
    let payment_id = arguments.text("payment_id")?;
    let amount = arguments.amount("amount")?;
    let found: Option<(String, String, i64, i64)> = conn
        .prepare_cached(
            "SELECT order_id, payment_method_id, captured, refunded FROM payments
             WHERE payment_id = ?1",
        )?
        .query_row([payment_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((order_id, payment_method_id, captured, refunded)) = found else {
        return refuse(format!("no payment has the id `{payment_id}`; the details of an order list its payments"));
    };
    let left = captured - refunded;
    if amount > left {
        return refuse(format!(
            "payment `{payment_id}` has {} left to give back ({} captured, {} given \
             back), so {} is too much",
            money::to_text(left),
            money::to_text(captured),
            money::to_text(refunded),
            money::to_text(amount)
        ));
    }
    let order = Order::find(conn, &order_id)?;
    give_back(conn, &order, payment_id, amount, &payment_method_id)?;
    Ok(json!({
        "payment_id": payment_id,
        "order_id": order_id,
        "payment_method_id": payment_method_id,
        "amount": money::to_value(amount),
        "captured": money::to_value(captured),
        "refunded": money::to_value(refunded + amount),
        "refundable": money::to_value(left - amount)
    }))
}
