//! The shop's rows as they are first written, by the seed and by the loader of tau-retail alike.
//!
//! One record is one thing with all that belongs to it, such as an order with its lines. Relies on an open transaction
//! of the caller's. Never reads: the tools have their own views.

use rusqlite::{Connection, Result, ToSql, params};
use serde::{Deserialize, Serialize};

/// A postal address; the fields stand in the order in which the tools show them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) address1: String,
    pub(crate) address2: String,
    pub(crate) city: String,
    pub(crate) country: String,
    pub(crate) state: String,
    pub(crate) zip: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Customer {
    pub(crate) customer_id: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) address: Address,
    pub(crate) payment_methods: Vec<PaymentMethod>,
}

#[derive(Debug, Clone)]
pub(crate) struct PaymentMethod {
    pub(crate) payment_method_id: String,
    pub(crate) source: String,
    pub(crate) brand: Option<String>,
    pub(crate) last_four: Option<String>,
    pub(crate) balance: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Product {
    pub(crate) product_id: String,
    pub(crate) name: String,
    pub(crate) variants: Vec<Variant>,
}

/// `options` is JSON text, as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    pub(crate) item_id: String,
    pub(crate) options: String,
    pub(crate) available: bool,
    pub(crate) price: i64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Order {
    pub(crate) order_id: String,
    pub(crate) customer_id: String,
    pub(crate) status: String,
    pub(crate) placed_at: Option<String>,
    pub(crate) delivered_at: Option<String>,
    pub(crate) address: Address,
    pub(crate) cancel_reason: Option<String>,
    pub(crate) items: Vec<Item>,
    pub(crate) fulfillments: Vec<Fulfillment>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) history: Vec<Transaction>,
}

#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) item_id: String,
    pub(crate) product_id: String,
    pub(crate) name: String,
    pub(crate) price: i64,
    pub(crate) options: String,
}

/// `item_ids` is a JSON list, as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Fulfillment {
    pub(crate) tracking_id: String,
    pub(crate) item_ids: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) payment_id: String,
    pub(crate) payment_method_id: String,
    pub(crate) card_number: Option<String>,
    pub(crate) captured: i64,
    pub(crate) refunded: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Transaction {
    pub(crate) transaction_type: String,
    pub(crate) amount: i64,
    pub(crate) payment_method_id: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) case_id: String,
    pub(crate) customer_id: String,
    pub(crate) order_id: String,
    pub(crate) agent: String,
    pub(crate) subject: String,
    pub(crate) status: String,
    pub(crate) opened_at: String,
}

impl Customer {
    pub(crate) fn insert(&self, conn: &Connection) -> Result<()> {
        let at = &self.address;
        write(
            conn,
            "INSERT INTO customers (customer_id, first_name, last_name, email,
               address1, address2, city, state, country, zip)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                self.customer_id,
                self.first_name,
                self.last_name,
                self.email,
                at.address1,
                at.address2,
                at.city,
                at.state,
                at.country,
                at.zip
            ],
        )?;
        for method in &self.payment_methods {
            write(
                conn,
                "INSERT INTO payment_methods (payment_method_id, customer_id, source, brand,
                   last_four, balance)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    method.payment_method_id,
                    self.customer_id,
                    method.source,
                    method.brand,
                    method.last_four,
                    method.balance
                ],
            )?;
        }
        Ok(())
    }
}

impl Product {
    pub(crate) fn insert(&self, conn: &Connection) -> Result<()> {
        write(conn, "INSERT INTO products (product_id, name) VALUES (?1, ?2)", params![self.product_id, self.name])?;
        for variant in &self.variants {
            write(
                conn,
                "INSERT INTO variants (item_id, product_id, options, available, price)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![variant.item_id, self.product_id, variant.options, variant.available, variant.price],
            )?;
        }
        Ok(())
    }
}

impl Order {
    /// What the order costs: the sum of its lines.
    pub(crate) fn total(&self) -> i64 {
        self.items.iter().map(|item| item.price).sum()
    }

    pub(crate) fn insert(&self, conn: &Connection) -> Result<()> {
        let at = &self.address;
        write(
            conn,
            "INSERT INTO orders (order_id, customer_id, status, total, placed_at, delivered_at,
               address1, address2, city, state, country, zip, cancel_reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            params![
                self.order_id,
                self.customer_id,
                self.status,
                self.total(),
                self.placed_at,
                self.delivered_at,
                at.address1,
                at.address2,
                at.city,
                at.state,
                at.country,
                at.zip,
                self.cancel_reason
            ],
        )?;
        self.insert_lines(conn)?;
        self.insert_money(conn)
    }

    fn insert_lines(&self, conn: &Connection) -> Result<()> {
        for (line, item) in (1_i64..).zip(&self.items) {
            write(
                conn,
                "INSERT INTO order_items (order_id, line, customer_id, item_id, product_id,
                   name, price, options)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    self.order_id,
                    line,
                    self.customer_id,
                    item.item_id,
                    item.product_id,
                    item.name,
                    item.price,
                    item.options
                ],
            )?;
        }
        for parcel in &self.fulfillments {
            write(
                conn,
                "INSERT INTO fulfillments (order_id, customer_id, tracking_id, item_ids)
                 VALUES (?1, ?2, ?3, ?4)",
                params![self.order_id, self.customer_id, parcel.tracking_id, parcel.item_ids],
            )?;
        }
        Ok(())
    }

    fn insert_money(&self, conn: &Connection) -> Result<()> {
        for payment in &self.payments {
            write(
                conn,
                "INSERT INTO payments (payment_id, order_id, customer_id, payment_method_id,
                   card_number, captured, refunded)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    payment.payment_id,
                    self.order_id,
                    self.customer_id,
                    payment.payment_method_id,
                    payment.card_number,
                    payment.captured,
                    payment.refunded
                ],
            )?;
        }
        for (n, entry) in (1_i64..).zip(&self.history) {
            write(
                conn,
                "INSERT INTO history (order_id, customer_id, n, transaction_type, amount,
                   payment_method_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    self.order_id,
                    self.customer_id,
                    n,
                    entry.transaction_type,
                    entry.amount,
                    entry.payment_method_id
                ],
            )?;
        }
        Ok(())
    }
}

impl Case {
    pub(crate) fn insert(&self, conn: &Connection) -> Result<()> {
        write(
            conn,
            "INSERT INTO cases (case_id, customer_id, order_id, agent, subject, status, opened_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                self.case_id,
                self.customer_id,
                self.order_id,
                self.agent,
                self.subject,
                self.status,
                self.opened_at
            ],
        )
    }
}

fn write(conn: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<()> {
    conn.prepare_cached(sql)?.execute(values)?;
    Ok(())
}
