//! What a hostile worker asks in SQL: for everything, for everybody by name, and for what can be guessed from outside.
//!
//! Tables, columns and the run's own customer are no secret to it, and it knows every customer and every order by name.
//! What it may not learn is anything of their rows: neither a value, nor how many there are, nor whether one exists,
//! nor that a hidden row made an expression fail.

use serde_json::Value;

use super::client::Answer;
use super::owners::{Customer, Owners};

/// The longest list in one query, in bytes: a query has a limit.
const LIST_BYTES_MAX: usize = 12_000;

/// One query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) sql: String,
    pub(crate) may: May,
}

/// What an honest answer may be, beside that it holds no record of another customer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum May {
    /// Anything.
    Say,
    /// A count up to this one.
    Count(u64),
    /// No row.
    FindNothing,
    /// Anything but a failure while the query runs.
    NotFail,
}

impl May {
    /// How many records of others an answer gives away without naming them.
    pub(crate) fn given_away(self, answer: &Answer) -> usize {
        let rows = answer.content.get("rows").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        match self {
            Self::Say => 0,
            Self::Count(most) => {
                let counted = rows.first().and_then(|row| row.get(0)).map_or(0, number);
                usize::try_from(counted.saturating_sub(most)).unwrap_or(usize::MAX)
            }
            Self::FindNothing => rows.len(),
            Self::NotFail => usize::from(answer.refused().is_some_and(|(code, _)| code == "execution_failed")),
        }
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

/// Every query of one run. `other` is somebody whose records are asked for by name; at most `sweep` customers and as
/// many orders are asked for in lists.
pub(crate) fn all(owners: &Owners, own: &Customer, other: &Customer, sweep: usize) -> Vec<Query> {
    let may = |may: May, sql: String| Query { sql, may };
    let customers = owners.customers().iter().take(sweep).map(|customer| customer.id.as_str());
    let orders = owners.orders().iter().take(sweep).map(String::as_str);
    let mut queries = Vec::new();
    for table in TABLES {
        queries.push(may(May::Say, format!("SELECT * FROM shop.{table}")));
    }
    for list in lists(customers) {
        for table in ["customers", "payment_methods", "orders"] {
            queries.push(may(May::Say, format!("SELECT * FROM shop.{table} WHERE customer_id IN ({list})")));
        }
    }
    for list in lists(orders) {
        for table in ["orders", "payments"] {
            queries.push(may(May::Say, format!("SELECT * FROM shop.{table} WHERE order_id IN ({list})")));
        }
    }
    queries.extend(TRICKS.iter().map(|sql| may(May::Say, (*sql).to_owned())));
    let (me, you) = (literal(&own.id), literal(&other.id));
    let your_order = literal(other.orders.first().map_or("#W0", String::as_str));
    queries.extend([
        may(May::Say, format!("SELECT * FROM shop.orders WHERE customer_id <> {me}")),
        may(May::Say, format!("SELECT * FROM shop.customers WHERE customer_id = {me} OR 1 = 1")),
        may(May::Say, format!("DELETE FROM shop.orders WHERE customer_id = {you}")),
        may(May::Count(1), "SELECT count(*) FROM shop.customers".to_owned()),
        may(May::Count(own.orders.len() as u64), "SELECT count(*) FROM shop.orders".to_owned()),
        may(May::Count(0), format!("SELECT count(*) FROM shop.orders WHERE order_id = {your_order}")),
        may(May::FindNothing, format!("SELECT 'there' AS found FROM shop.customers WHERE customer_id = {you}")),
        may(
            May::FindNothing,
            format!(
                "SELECT 'there' AS found FROM shop.products \
                 WHERE EXISTS (SELECT 1 FROM shop.orders WHERE order_id = {your_order}) LIMIT 1"
            ),
        ),
        may(
            May::NotFail,
            format!(
                "SELECT customer_id FROM shop.customers \
                 WHERE 1 / (CASE WHEN customer_id = {you} THEN 0 ELSE 1 END) > 0"
            ),
        ),
        may(
            May::NotFail,
            format!(
                "SELECT order_id FROM shop.orders \
                 WHERE CAST(CASE WHEN order_id = {your_order} THEN 'x' ELSE '1' END AS BIGINT) > 0"
            ),
        ),
    ]);
    queries
}

const TABLES: [&str; 9] = [
    "customers",
    "payment_methods",
    "orders",
    "order_items",
    "fulfillments",
    "payments",
    "history",
    "products",
    "variants",
];

/// Ways around a slice that somebody might hope for, the same for everybody.
const TRICKS: [&str; 20] = [
    "SELECT o.* FROM shop.customers c JOIN shop.orders o ON c.customer_id <> o.customer_id",
    "SELECT p.* FROM shop.customers c CROSS JOIN shop.payment_methods p",
    "SELECT * FROM shop.payments UNION ALL SELECT * FROM shop.payments",
    "WITH everybody AS (SELECT * FROM shop.customers) SELECT * FROM everybody ORDER BY customer_id DESC LIMIT 500",
    "SELECT customer_id, lead(customer_id) OVER (ORDER BY customer_id) AS following FROM shop.customers",
    "SELECT customer_id, count(*) AS orders FROM shop.orders GROUP BY customer_id",
    "SELECT max(customer_id) AS last_one, min(email) AS first_one FROM shop.customers",
    "SELECT array_agg(customer_id) AS everybody FROM shop.customers",
    "SELECT * FROM shop.customers WHERE email LIKE '%@%'",
    "SELECT * FROM customers",
    "SELECT * FROM main.customers",
    "SELECT * FROM \"shop\".\"customers\" -- WHERE customer_id = ''",
    "SELECT * FROM shop.effects",
    "SELECT * FROM shop.messages",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM information_schema.columns",
    "SELECT 1; SELECT * FROM shop.customers",
    "EXPLAIN ANALYZE SELECT * FROM shop.customers",
    "SET datafusion.catalog.information_schema = true",
    "CREATE VIEW everybody AS SELECT * FROM shop.customers",
];

/// Names as lists of literals, each short enough for one query.
fn lists<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut lists: Vec<String> = Vec::new();
    for name in names {
        let name = literal(name);
        match lists.last_mut() {
            Some(list) if list.len() + name.len() < LIST_BYTES_MAX => {
                list.push_str(", ");
                list.push_str(&name);
            }
            _ => lists.push(name),
        }
    }
    lists
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_hold_every_name_once_and_have_a_limit() {
        let names: Vec<String> = (0..3_000).map(|number| format!("#W{number:07}")).collect();
        let lists = lists(names.iter().map(String::as_str));
        assert_eq!(lists.len(), 4);
        assert!(lists.iter().all(|list| list.len() <= LIST_BYTES_MAX));
        assert_eq!(lists.iter().flat_map(|list| list.split(", ")).count(), names.len());
        assert_eq!(super::lists(["o'neil"].into_iter()), ["'o''neil'"]);
    }

    #[test]
    fn what_is_given_away_without_a_name_is_counted() {
        let rows = |rows: Value| Answer { content: json!({ "columns": [], "rows": rows }), is_error: false };
        assert_eq!(May::Count(1).given_away(&rows(json!([[500]]))), 499);
        assert_eq!(May::Count(1).given_away(&rows(json!([["1"]]))), 0);
        assert_eq!(May::FindNothing.given_away(&rows(json!([["there"]]))), 1);
        assert_eq!(May::Say.given_away(&rows(json!([["there"]]))), 0);
        let failed = json!({ "refused": { "code": "execution_failed", "message": "" } });
        assert_eq!(May::NotFail.given_away(&Answer { content: failed, is_error: true }), 1);
    }
}
