//! Whose every record of the shop is, and whose records an answer speaks of.
//!
//! A record is known by a name that no other record has: a customer's id and e-mail address, the id of a payment method,
//! an order or a payment, the number of a parcel. An answer is searched for names as text, wherever they stand in it,
//! so that nothing depends on the form of the answer. Products and variants are nobody's.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

/// For each table with rows of customers, the columns that name a row.
const NAMED_BY: [(&str, &[&str]); 5] = [
    ("customers", &["customer_id", "email"]),
    ("payment_methods", &["payment_method_id"]),
    ("orders", &["order_id"]),
    ("fulfillments", &["tracking_id"]),
    ("payments", &["payment_id"]),
];
/// The tables whose rows count as records for how far a run reaches.
const REACHED: [&str; 3] = ["customers", "payment_methods", "orders"];
/// The arguments that name a record of such a table.
const NEEDED_BY: [&str; 3] = ["user_id", "payment_method_id", "order_id"];

/// A customer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) zip: String,
    /// The ids of the orders.
    pub(crate) orders: Vec<String>,
    /// Account, payment methods and orders.
    pub(crate) records: u64,
}

/// Whose everything is.
#[derive(Debug)]
pub(crate) struct Owners {
    by_name: HashMap<String, Arc<str>>,
    customers: Vec<Customer>,
    orders: Vec<String>,
}

impl Owners {
    /// Reads a shop's state, as the shop's own program tells it.
    pub(crate) fn of(state: &Value) -> Result<Self, String> {
        let rows = |table: &str| {
            let rows = state.get("tables").and_then(|tables| tables.get(table)).and_then(Value::as_array);
            rows.ok_or_else(|| format!("the shop has no table `{table}`"))
        };
        let mut customers = Vec::new();
        let mut positions = HashMap::new();
        for row in rows("customers")? {
            let customer = Customer {
                id: text(row, "customer_id")?,
                first_name: text(row, "first_name")?,
                last_name: text(row, "last_name")?,
                email: text(row, "email")?,
                zip: text(row, "zip")?,
                ..Customer::default()
            };
            positions.insert(customer.id.clone(), customers.len());
            customers.push(customer);
        }
        let (mut by_name, mut orders) = (HashMap::new(), Vec::new());
        for (table, columns) in NAMED_BY {
            for row in rows(table)? {
                let owner: Arc<str> = text(row, "customer_id")?.into();
                for column in columns {
                    by_name.insert(text(row, column)?, Arc::clone(&owner));
                }
                let position = positions.get(&*owner).copied();
                let customer = position.and_then(|position| customers.get_mut(position));
                let customer = customer.ok_or_else(|| format!("`{owner}` in `{table}` is no customer"))?;
                if REACHED.contains(&table) {
                    customer.records += 1;
                }
                if table == "orders" {
                    let order = text(row, "order_id")?;
                    customer.orders.push(order.clone());
                    orders.push(order);
                }
            }
        }
        Ok(Self { by_name, customers, orders })
    }

    /// The customers, by id.
    pub(crate) fn customers(&self) -> &[Customer] {
        &self.customers
    }

    /// The ids of all orders.
    pub(crate) fn orders(&self) -> &[String] {
        &self.orders
    }

    /// A customer.
    pub(crate) fn customer(&self, id: &str) -> Option<&Customer> {
        self.customers.iter().find(|customer| customer.id == id)
    }

    /// Whose the record of this name is.
    pub(crate) fn owner(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(|owner| &**owner)
    }

    /// The names of other customers' records that stand in a value, each once.
    pub(crate) fn foreign_names<'v>(&self, customer: &str, value: &'v Value) -> BTreeSet<&'v str> {
        let mut found = BTreeSet::new();
        for_each_text(value, &mut |text: &'v str| {
            for name in names(text) {
                if self.owner(name).is_some_and(|owner| owner != customer) {
                    found.insert(name);
                }
            }
        });
        found
    }

    /// Whether a call names a record of another customer's.
    pub(crate) fn names_foreign(&self, customer: &str, arguments: &Map<String, Value>) -> bool {
        arguments.values().any(|value| !self.foreign_names(customer, value).is_empty())
    }

    /// The customer's own records that calls with these arguments name: the part of what is reached that is needed.
    /// The account is always one of them, since every conversation starts with it.
    pub(crate) fn needed<'c>(&self, customer: &str, calls: impl Iterator<Item = &'c Map<String, Value>>) -> u64 {
        let mut needed = BTreeSet::from([customer]);
        for arguments in calls {
            let named = NEEDED_BY.iter().filter_map(|name| arguments.get(*name)?.as_str());
            needed.extend(named.filter(|name| self.owner(name) == Some(customer)));
        }
        needed.len() as u64
    }
}

fn text(row: &Value, column: &str) -> Result<String, String> {
    let value = row.get(column).and_then(Value::as_str).map(str::to_owned);
    value.ok_or_else(|| format!("a row of the shop has no text in `{column}`"))
}

/// Every text in a value, the names of members included.
fn for_each_text<'v>(value: &'v Value, visit: &mut impl FnMut(&'v str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(values) => values.iter().for_each(|value| for_each_text(value, visit)),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            visit(name.as_str());
            for_each_text(value, visit);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The words of a text that could be a record's name. Each of those has a digit in it.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let inside = |character: char| character.is_ascii_alphanumeric() || "_#@.-".contains(character);
    text.split(move |character: char| !inside(character))
        .map(|word| word.trim_end_matches(['.', '-']))
        .filter(|word| word.bytes().any(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owners() -> Owners {
        let customer = |id: &str, email: &str| {
            let name = "Ana";
            json!({ "customer_id": id, "first_name": name, "last_name": name, "email": email, "zip": "12345" })
        };
        let state = json!({ "tables": {
            "customers": [customer("ana_1", "ana.b1@example.com"), customer("ben_2", "ben.b2@example.com")],
            "payment_methods": [{ "customer_id": "ana_1", "payment_method_id": "paypal_1" }],
            "orders": [{ "customer_id": "ana_1", "order_id": "#W1" }, { "customer_id": "ben_2", "order_id": "#W2" }],
            "fulfillments": [],
            "payments": [],
        }});
        Owners::of(&state).unwrap()
    }

    #[test]
    fn foreign_names_are_found_wherever_they_stand() {
        let owners = owners();
        let answer = json!({ "text": "order `#W2` of ben_2.", "own": ["#W1", "ana_1"], "ben.b2@example.com": 5 });
        let found: Vec<&str> = owners.foreign_names("ana_1", &answer).into_iter().collect();
        assert_eq!(found, ["#W2", "ben.b2@example.com", "ben_2"]);
        assert!(owners.foreign_names("ben_2", &json!("nothing of #W22 or ana_11 is known")).is_empty());
    }

    #[test]
    fn what_is_needed_is_part_of_what_is_reached() {
        let owners = owners();
        assert_eq!(owners.customer("ana_1").map(|customer| customer.records), Some(3));
        let calls = [
            json!({ "order_id": "#W1", "payment_method_id": "paypal_1" }),
            json!({ "order_id": "#W2" }),
            json!({ "order_id": "#W1", "user_id": "ana_1" }),
        ];
        assert_eq!(owners.needed("ana_1", calls.iter().filter_map(Value::as_object)), 3);
        assert!(owners.names_foreign("ana_1", calls[1].as_object().unwrap()));
        assert!(!owners.names_foreign("ana_1", calls[0].as_object().unwrap()));
    }
}
