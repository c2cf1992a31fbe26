//! Loads tau-retail's `users.json`, `products.json` and `orders.json` into the shop's tables.
//!
//! Rows are written in the order of the files, so that a customer's orders are listed as they are there. The data knows
//! no payments of their own: each `payment` in an order's history becomes one. Never fills in what the data does not
//! say: there are no moments, no card numbers and no cases.

use std::path::Path;

use rusqlite::Connection;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use crate::records::{
    Address, Customer, Fulfillment, Item, Order, Payment, PaymentMethod, Product, Transaction, Variant,
};
use crate::{ShopError, money};

#[derive(Deserialize)]
struct TauUser {
    name: TauName,
    address: Address,
    email: String,
    payment_methods: Map<String, Value>,
}

#[derive(Deserialize)]
struct TauName {
    first_name: String,
    last_name: String,
}

#[derive(Deserialize)]
struct TauMethod {
    source: String,
    brand: Option<String>,
    last_four: Option<String>,
    balance: Option<Number>,
}

#[derive(Deserialize)]
struct TauProduct {
    name: String,
    variants: Map<String, Value>,
}

#[derive(Deserialize)]
struct TauVariant {
    options: Map<String, Value>,
    available: bool,
    price: Number,
}

#[derive(Deserialize)]
struct TauOrder {
    user_id: String,
    address: Address,
    items: Vec<TauItem>,
    fulfillments: Vec<TauFulfillment>,
    status: String,
    payment_history: Vec<TauTransaction>,
}

#[derive(Deserialize)]
struct TauItem {
    name: String,
    product_id: String,
    item_id: String,
    price: Number,
    options: Map<String, Value>,
}

#[derive(Deserialize)]
struct TauFulfillment {
    tracking_id: Vec<String>,
    item_ids: Vec<String>,
}

#[derive(Deserialize)]
struct TauTransaction {
    transaction_type: String,
    amount: Number,
    payment_method_id: String,
}

/// Where a value comes from, for the messages.
struct Source {
    file: String,
}

/// Loads a folder of tau-retail's data into an empty shop.
///
/// # Errors
///
/// When a file is missing or has another form, or the database refuses a row.
pub fn load(conn: &mut Connection, folder: &Path) -> Result<(), ShopError> {
    let change = conn.transaction()?;
    let (users, source) = Source::read(folder, "users.json")?;
    for (user_id, user) in users {
        source.customer(user_id, source.form(user)?)?.insert(&change)?;
    }
    let (products, source) = Source::read(folder, "products.json")?;
    for (product_id, product) in products {
        source.product(product_id, source.form(product)?)?.insert(&change)?;
    }
    let (orders, source) = Source::read(folder, "orders.json")?;
    for (order_id, order) in orders {
        source.order(order_id, source.form(order)?)?.insert(&change)?;
    }
    change.commit()?;
    Ok(())
}

impl Source {
    fn read(folder: &Path, name: &str) -> Result<(Map<String, Value>, Self), ShopError> {
        let path = folder.join(name);
        let source = Self { file: path.display().to_string() };
        match std::fs::read_to_string(&path) {
            Ok(text) => match serde_json::from_str(&text) {
                Ok(content) => Ok((content, source)),
                Err(error) => Err(ShopError::Form { file: source.file, source: error }),
            },
            Err(error) => Err(ShopError::File { file: source.file, source: error }),
        }
    }

    fn form<T: DeserializeOwned>(&self, value: Value) -> Result<T, ShopError> {
        serde_json::from_value(value).map_err(|source| ShopError::Form { file: self.file.clone(), source })
    }

    fn cents(&self, number: &Number) -> Result<i64, ShopError> {
        money::from_number(number).map_err(|error| self.problem(error.to_string()))
    }

    fn problem(&self, problem: String) -> ShopError {
        ShopError::Content { file: self.file.clone(), problem }
    }

    fn customer(&self, customer_id: String, user: TauUser) -> Result<Customer, ShopError> {
        let mut payment_methods = Vec::new();
        for (payment_method_id, method) in user.payment_methods {
            let method: TauMethod = self.form(method)?;
            payment_methods.push(PaymentMethod {
                payment_method_id,
                source: method.source,
                brand: method.brand,
                last_four: method.last_four,
                balance: method.balance.map(|balance| self.cents(&balance)).transpose()?,
            });
        }
        Ok(Customer {
            customer_id,
            first_name: user.name.first_name,
            last_name: user.name.last_name,
            email: user.email,
            address: user.address,
            payment_methods,
        })
    }

    fn product(&self, product_id: String, product: TauProduct) -> Result<Product, ShopError> {
        let mut variants = Vec::new();
        for (item_id, variant) in product.variants {
            let variant: TauVariant = self.form(variant)?;
            variants.push(Variant {
                item_id,
                options: serde_json::to_string(&variant.options)?,
                available: variant.available,
                price: self.cents(&variant.price)?,
            });
        }
        Ok(Product { product_id, name: product.name, variants })
    }

    fn order(&self, order_id: String, order: TauOrder) -> Result<Order, ShopError> {
        let (payments, history) = self.money(&order_id, order.payment_history)?;
        let mut items = Vec::new();
        for item in order.items {
            items.push(Item {
                item_id: item.item_id,
                product_id: item.product_id,
                name: item.name,
                price: self.cents(&item.price)?,
                options: serde_json::to_string(&item.options)?,
            });
        }
        let mut fulfillments = Vec::new();
        for parcel in order.fulfillments {
            let item_ids = serde_json::to_string(&parcel.item_ids)?;
            for tracking_id in parcel.tracking_id {
                fulfillments.push(Fulfillment { tracking_id, item_ids: item_ids.clone() });
            }
        }
        Ok(Order {
            order_id,
            customer_id: order.user_id,
            status: order.status,
            address: order.address,
            items,
            fulfillments,
            payments,
            history,
            ..Order::default()
        })
    }

    /// An order's payments, each with what was given back of it, and its history.
    fn money(
        &self,
        order_id: &str,
        entries: Vec<TauTransaction>,
    ) -> Result<(Vec<Payment>, Vec<Transaction>), ShopError> {
        let digits: String = order_id.chars().filter(char::is_ascii_digit).collect();
        let mut payments: Vec<Payment> = Vec::new();
        let mut history = Vec::new();
        for (n, entry) in (1_i64..).zip(entries) {
            let amount = self.cents(&entry.amount)?;
            let method = entry.payment_method_id;
            if entry.transaction_type == "payment" {
                payments.push(Payment {
                    payment_id: format!("pay_{digits}_{n}"),
                    payment_method_id: method.clone(),
                    card_number: None,
                    captured: amount,
                    refunded: 0,
                });
            } else {
                let given_back = payments.iter_mut().find(|payment| {
                    payment.payment_method_id == method && payment.captured - payment.refunded >= amount
                });
                let Some(payment) = given_back else {
                    return Err(self.problem(format!("order `{order_id}` gives back what was not paid by `{method}`")));
                };
                payment.refunded += amount;
            }
            history.push(Transaction { transaction_type: entry.transaction_type, amount, payment_method_id: method });
        }
        Ok((payments, history))
    }
}
