//! What may still be done to an order that has not left: cancel it, send it elsewhere, pay it otherwise, change its items.
//!
//! All of it asks for the status `pending` to the letter, so an order whose items were changed is closed to all four.
//! Relies on the money rules next door. Never asks whose order it is.

use rusqlite::{Connection, params};

use super::arguments::Arguments;
use super::payments::{Method, Order, charge, give_back, give_back_from_order, open_payments};
use super::swaps::{Plan, Swap};
use super::{Outcome, ToolError, refuse, views};

/// The only reasons for which the shop cancels.
pub(super) const CANCEL_REASONS: &[&str] = &["no longer needed", "ordered by mistake"];

pub(super) fn cancel_pending_order(conn: &Connection, arguments: &Arguments<'_>) -> Outcome {
    let order = Order::find(conn, arguments.text("order_id")?)?;
    order.require("pending", "cancelled")?;
    for payment in open_payments(conn, &order)? {
        give_back(conn, &order, &payment.payment_id, payment.left, &payment.payment_method_id)?;
    }
    conn.prepare_cached("UPDATE orders SET status = 'cancelled', cancel_reason = ?2 WHERE order_id = ?1")?
        .execute([order.order_id.as_str(), arguments.text("reason")?])?;
    views::order(conn, &order.order_id)
}

pub(super) fn modify_pending_order_address(conn: &Connection, arguments: &Arguments<'_>) -> Outcome {
    let order = Order::find(conn, arguments.text("order_id")?)?;
    order.require("pending", "sent to another address")?;
    conn.prepare_cached(
        "UPDATE orders
         SET address1 = ?2, address2 = ?3, city = ?4, state = ?5, country = ?6, zip = ?7
         WHERE order_id = ?1",
    )?
    .execute([
        order.order_id.as_str(),
        arguments.text("address1")?,
        arguments.text("address2")?,
        arguments.text("city")?,
        arguments.text("state")?,
        arguments.text("country")?,
        arguments.text("zip")?,
    ])?;
    views::order(conn, &order.order_id)
}

pub(super) fn modify_pending_order_payment(conn: &Connection, arguments: &Arguments<'_>) -> Outcome {
    let order = Order::find(conn, arguments.text("order_id")?)?;
    order.require("pending", "paid in another way")?;
    let method = Method::find(conn, &order, arguments.text("payment_method_id")?)?;
    let transactions: i64 = conn
        .prepare_cached("SELECT count(*) FROM history WHERE order_id = ?1")?
        .query_row([order.order_id.as_str()], |row| row.get(0))?;
    let open = open_payments(conn, &order)?;
    let ([payment], 1) = (open.as_slice(), transactions) else {
        return refuse(format!(
            "order `{}` does not have exactly one payment any more, so its payment \
             method can no longer be changed",
            order.order_id
        ));
    };
    if payment.payment_method_id == method.payment_method_id {
        return refuse(format!(
            "order `{}` is paid by `{}` already; choose another payment method",
            order.order_id, method.payment_method_id
        ));
    }
    charge(conn, &order, &method, payment.left)?;
    give_back(conn, &order, &payment.payment_id, payment.left, &payment.payment_method_id)?;
    views::order(conn, &order.order_id)
}

pub(super) fn modify_pending_order_items(conn: &Connection, arguments: &Arguments<'_>) -> Outcome {
    let order = Order::find(conn, arguments.text("order_id")?)?;
    order.require("pending", "changed")?;
    let plan = Plan::of_call(conn, &order, arguments)?;
    if plan.difference > 0 {
        charge(conn, &order, &plan.method, plan.difference)?;
    } else if plan.difference < 0 {
        give_back_from_order(conn, &order, -plan.difference, &plan.method.payment_method_id)?;
    }
    for swap in &plan.swaps {
        replace(conn, &order, swap)?;
    }
    conn.prepare_cached(
        "UPDATE orders SET status = 'pending (item modified)', total = total + ?2
         WHERE order_id = ?1",
    )?
    .execute(params![order.order_id, plan.difference])?;
    views::order(conn, &order.order_id)
}

fn replace(conn: &Connection, order: &Order, swap: &Swap) -> Result<(), ToolError> {
    conn.prepare_cached(
        "UPDATE order_items SET item_id = ?3, price = ?4, options = ?5
         WHERE order_id = ?1 AND line = ?2",
    )?
    .execute(params![order.order_id, swap.line, swap.new_item_id, swap.new_price, swap.new_options])?;
    Ok(())
}
