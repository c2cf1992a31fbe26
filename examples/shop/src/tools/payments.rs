//! How money moves: what an order may be charged to, and how a payment, a refund and a gift card's balance go together.
//!
//! Every movement is written twice, as a line of the order's history and on a payment's own row, and both are kept in
//! step here alone. Relies on the caller's transaction. Never lets a payment give back more than it captured.

use rusqlite::{Connection, OptionalExtension, params};

use super::{ToolError, refuse, views};
use crate::money;

/// An order, as far as the rules need it.
pub(super) struct Order {
    pub(super) order_id: String,
    pub(super) customer_id: String,
    pub(super) status: String,
}

/// One of a customer's ways to pay.
pub(super) struct Method {
    pub(super) payment_method_id: String,
    source: String,
    balance: i64,
}

/// A payment with something left to give back.
pub(super) struct OpenPayment {
    pub(super) payment_id: String,
    pub(super) payment_method_id: String,
    pub(super) left: i64,
}

/// The two kinds of lines in an order's history.
#[derive(Clone, Copy)]
enum Direction {
    Payment,
    Refund,
}

impl Order {
    pub(super) fn find(conn: &Connection, order_id: &str) -> Result<Self, ToolError> {
        let found = conn
            .prepare_cached("SELECT order_id, customer_id, status FROM orders WHERE order_id = ?1")?
            .query_row([order_id], |row| {
                Ok(Self { order_id: row.get(0)?, customer_id: row.get(1)?, status: row.get(2)? })
            })
            .optional()?;
        found.ok_or_else(|| ToolError::Refused(views::no_order(order_id)))
    }

    /// Refuses unless the order's status is exactly the wanted one.
    pub(super) fn require(&self, status: &str, act: &str) -> Result<(), ToolError> {
        if self.status == status {
            return Ok(());
        }
        refuse(format!("order `{}` is `{}`; only a `{status}` order can be {act}", self.order_id, self.status))
    }
}

impl Method {
    pub(super) fn find(conn: &Connection, order: &Order, payment_method_id: &str) -> Result<Self, ToolError> {
        let found = conn
            .prepare_cached(
                "SELECT payment_method_id, source, coalesce(balance, 0) FROM payment_methods
                 WHERE customer_id = ?1 AND payment_method_id = ?2",
            )?
            .query_row([order.customer_id.as_str(), payment_method_id], |row| {
                Ok(Self { payment_method_id: row.get(0)?, source: row.get(1)?, balance: row.get(2)? })
            })
            .optional()?;
        found.ok_or_else(|| {
            ToolError::Refused(format!(
                "`{payment_method_id}` is no payment method of the customer of order `{}`; \
                 look at the customer's own",
                order.order_id
            ))
        })
    }

    pub(super) fn is_gift_card(&self) -> bool {
        self.source == "gift_card"
    }

    /// Refuses if this is a gift card with too little on it; other methods have no limit that the shop knows.
    pub(super) fn require_cover(&self, amount: i64) -> Result<(), ToolError> {
        if !self.is_gift_card() || self.balance >= amount {
            return Ok(());
        }
        refuse(format!(
            "gift card `{}` holds {} and {} is needed; choose another payment method",
            self.payment_method_id,
            money::to_text(self.balance),
            money::to_text(amount)
        ))
    }
}

/// The payments of an order that are not given back in full, oldest first.
pub(super) fn open_payments(conn: &Connection, order: &Order) -> Result<Vec<OpenPayment>, ToolError> {
    let mut statement = conn.prepare_cached(
        "SELECT payment_id, payment_method_id, captured - refunded FROM payments
         WHERE order_id = ?1 AND captured > refunded ORDER BY rowid",
    )?;
    let found = statement.query_map([order.order_id.as_str()], |row| {
        Ok(OpenPayment { payment_id: row.get(0)?, payment_method_id: row.get(1)?, left: row.get(2)? })
    })?;
    Ok(found.collect::<rusqlite::Result<Vec<OpenPayment>>>()?)
}

/// Takes a further payment for an order. A gift card pays from its balance.
pub(super) fn charge(conn: &Connection, order: &Order, method: &Method, amount: i64) -> Result<(), ToolError> {
    method.require_cover(amount)?;
    let n = note(conn, order, Direction::Payment, amount, &method.payment_method_id)?;
    let digits: String = order.order_id.chars().filter(char::is_ascii_digit).collect();
    // The shop keeps the number of a card that this customer has paid with before.
    conn.prepare_cached(
        "INSERT INTO payments (payment_id, order_id, customer_id, payment_method_id,
           card_number, captured, refunded)
         VALUES (?1, ?2, ?3, ?4,
           (SELECT card_number FROM payments
            WHERE customer_id = ?3 AND payment_method_id = ?4 AND card_number IS NOT NULL LIMIT 1),
           ?5, 0)",
    )?
    .execute(params![
        format!("pay_{digits}_{n}"),
        order.order_id,
        order.customer_id,
        method.payment_method_id,
        amount
    ])?;
    move_balance(conn, order, &method.payment_method_id, -amount)
}

/// Gives back part of one payment, to the method that is named. A gift card has it at once.
pub(super) fn give_back(
    conn: &Connection,
    order: &Order,
    payment_id: &str,
    amount: i64,
    payment_method_id: &str,
) -> Result<(), ToolError> {
    settle(conn, payment_id, amount)?;
    note(conn, order, Direction::Refund, amount, payment_method_id)?;
    move_balance(conn, order, payment_method_id, amount)
}

/// Gives back an amount of a whole order as one refund, drawn from its payments in the order in which they were made.
pub(super) fn give_back_from_order(
    conn: &Connection,
    order: &Order,
    amount: i64,
    payment_method_id: &str,
) -> Result<(), ToolError> {
    let open = open_payments(conn, order)?;
    let left: i64 = open.iter().map(|payment| payment.left).sum();
    if left < amount {
        return refuse(format!(
            "order `{}` has only {} left to give back, and {} would be due",
            order.order_id,
            money::to_text(left),
            money::to_text(amount)
        ));
    }
    let mut due = amount;
    for payment in &open {
        let part = due.min(payment.left);
        settle(conn, &payment.payment_id, part)?;
        due -= part;
    }
    note(conn, order, Direction::Refund, amount, payment_method_id)?;
    move_balance(conn, order, payment_method_id, amount)
}

fn settle(conn: &Connection, payment_id: &str, amount: i64) -> Result<(), ToolError> {
    conn.prepare_cached("UPDATE payments SET refunded = refunded + ?2 WHERE payment_id = ?1")?
        .execute(params![payment_id, amount])?;
    Ok(())
}

/// Adds a line to the order's history and returns its number.
fn note(
    conn: &Connection,
    order: &Order,
    direction: Direction,
    amount: i64,
    payment_method_id: &str,
) -> Result<i64, ToolError> {
    let transaction_type = match direction {
        Direction::Payment => "payment",
        Direction::Refund => "refund",
    };
    let n = conn
        .prepare_cached(
            "INSERT INTO history (order_id, customer_id, n,
               transaction_type, amount, payment_method_id)
             VALUES (?1, ?2, (SELECT coalesce(max(n), 0) + 1 FROM history WHERE order_id = ?1),
               ?3, ?4, ?5)
             RETURNING n",
        )?
        .query_row(params![order.order_id, order.customer_id, transaction_type, amount, payment_method_id], |row| {
            row.get(0)
        })?;
    Ok(n)
}

/// Changes a gift card's balance; for any other method there is nothing to do.
fn move_balance(conn: &Connection, order: &Order, payment_method_id: &str, change: i64) -> Result<(), ToolError> {
    conn.prepare_cached(
        "UPDATE payment_methods SET balance = coalesce(balance, 0) + ?3
         WHERE customer_id = ?1 AND payment_method_id = ?2 AND source = 'gift_card'",
    )?
    .execute(params![order.customer_id, payment_method_id, change])?;
    Ok(())
}
