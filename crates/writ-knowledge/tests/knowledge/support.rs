//! A shop to read from, policies to read it under, and outcomes as text.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use writ_core::definition::{Column, ColumnType, Mask, Origin, Source, Table};
use writ_core::policy::{Admission, Comparison, Predicate, RowPolicy};
use writ_core::value::{Value, ValueRef};
use writ_knowledge::{Knowledge, QueryError, SliceColumn, SliceSpec, Slices, Withheld};

type Admits = dyn Fn(&[Option<ValueRef<'_>>]) -> Admission + Send + Sync;

/// A policy that is a function.
pub(crate) struct TestPolicy {
    columns: Vec<Arc<str>>,
    predicate: Predicate,
    admits: Box<Admits>,
}

impl fmt::Debug for TestPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestPolicy").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl RowPolicy for TestPolicy {
    fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }

    fn admits(&self, row: &[Option<ValueRef<'_>>]) -> Admission {
        if row.len() == self.columns.len() { (self.admits)(row) } else { Admission::Failed }
    }

    fn predicate(&self) -> &Predicate {
        &self.predicate
    }
}

pub(crate) fn policy(
    columns: &[&str],
    predicate: Predicate,
    admits: impl Fn(&[Option<ValueRef<'_>>]) -> Admission + Send + Sync + 'static,
) -> Arc<dyn RowPolicy> {
    Arc::new(TestPolicy {
        columns: columns.iter().map(|column| Arc::from(*column)).collect(),
        predicate,
        admits: Box::new(admits),
    })
}

/// Everybody's rows.
pub(crate) fn everything() -> Arc<dyn RowPolicy> {
    policy(&[], Predicate::Any, |_| Admission::Admitted)
}

pub(crate) fn equals(column: &str, value: Value) -> Predicate {
    Predicate::Compare { column: Arc::from(column), comparison: Comparison::Equal, value }
}

/// The rows whose text column has a value. A row without one cannot be decided.
pub(crate) fn only(column: &str, value: &str, pushed: bool) -> Arc<dyn RowPolicy> {
    let predicate = if pushed { equals(column, Value::string(value)) } else { Predicate::Any };
    let value = value.to_owned();
    policy(&[column], predicate, move |row| match row {
        [Some(ValueRef::String(found))] if *found == value => Admission::Admitted,
        [Some(_)] => Admission::Hidden,
        _ => Admission::Failed,
    })
}

/// Documents whose path begins with a prefix.
pub(crate) fn under(prefix: &'static str) -> Arc<dyn RowPolicy> {
    policy(&["path"], Predicate::Any, move |row| match row {
        [Some(ValueRef::String(path))] if path.starts_with(prefix) => Admission::Admitted,
        [Some(_)] => Admission::Hidden,
        _ => Admission::Failed,
    })
}

pub(crate) fn typed(ty: ColumnType) -> Column {
    Column { ty: Some(ty), ..Column::default() }
}

pub(crate) fn minor_units(scale: u32) -> Column {
    Column { ty: Some(ColumnType::Decimal), scale: Some(scale), labels: Vec::new() }
}

pub(crate) fn table(columns: &[(&str, Column)]) -> Table {
    Table {
        columns: columns.iter().map(|(name, column)| ((*name).to_owned(), column.clone())).collect(),
        ..Table::default()
    }
}

pub(crate) fn source(name: &str, from: Origin, tables: &[(&str, Table)]) -> Source {
    Source {
        source: name.to_owned(),
        from,
        tables: tables.iter().map(|(name, table)| ((*name).to_owned(), table.clone())).collect::<BTreeMap<_, _>>(),
        labels: Vec::new(),
    }
}

pub(crate) fn spec(table: &str, columns: &[&str], policy: Arc<dyn RowPolicy>) -> SliceSpec {
    masked_spec(table, &columns.iter().map(|column| (*column, None)).collect::<Vec<_>>(), policy)
}

pub(crate) fn masked_spec(table: &str, columns: &[(&str, Option<Mask>)], policy: Arc<dyn RowPolicy>) -> SliceSpec {
    SliceSpec {
        table: table.to_owned(),
        columns: columns.iter().map(|(name, mask)| SliceColumn { name: (*name).to_owned(), mask: *mask }).collect(),
        policy,
        hash_key: [7; 32],
    }
}

pub(crate) const SHOP: &str = "
    CREATE TABLE orders (
        order_id TEXT PRIMARY KEY, customer_id TEXT, status TEXT, total INTEGER, x INTEGER, placed_at TEXT, secret TEXT
    );
    CREATE INDEX orders_customer ON orders (customer_id);
    CREATE TABLE payments (
        payment_id TEXT PRIMARY KEY, order_id TEXT, customer_id TEXT, amount INTEGER, captured NUMERIC,
        refunded NUMERIC, attempts INTEGER, paid BOOLEAN, card_number TEXT
    );
    CREATE TABLE salaries (person TEXT, salary INTEGER);
";

/// The definition of the shop's database, `shop.db` in the workspace.
pub(crate) fn shop_source() -> Source {
    source(
        "shop",
        Origin::Sqlite("shop.db".into()),
        &[
            ("orders", table(&[("total", minor_units(2)), ("placed_at", typed(ColumnType::Datetime))])),
            ("payments", table(&[("amount", minor_units(2))])),
            ("salaries", table(&[])),
        ],
    )
}

/// Makes `shop.db` in a folder, with some rows.
pub(crate) fn make_shop(folder: &Path, rows: &str) -> Connection {
    let database = Connection::open(folder.join("shop.db")).unwrap();
    database.execute_batch(SHOP).unwrap();
    database.execute_batch(rows).unwrap();
    database
}

pub(crate) const SHOP_ROWS: &str = "
    INSERT INTO orders VALUES
        ('o1', 'c1', '1', 1250, 6, '2026-01-02T03:04:05Z', 'topsecret'),
        ('o2', 'c1', '2', 999, 7, '2026-02-01', NULL),
        ('o3', 'c1', '3', NULL, NULL, NULL, 'x'),
        ('h1', 'c2', 'not a number', 100, 5, '2026-01-01', '5'),
        ('h2', 'c2', 'neither', 'no price', 5, 'never', 'abc'),
        ('h3', NULL, 'lost', 1, 5, '2026-01-01', '5');
    INSERT INTO payments VALUES
        ('p1', 'o1', 'c1', 1250, 12.5, 0, 1, 1, '4111111111111111'),
        ('p2', 'o2', 'c1', 999, '9.99', 1.5, 2, 0, '5500000000000004'),
        ('p9', 'h1', 'c2', 1, 1, 0, 9, 1, '340000000000009');
    INSERT INTO salaries VALUES ('ana', 100000);
";

/// What the worker of customer `c1` gets of the shop.
pub(crate) fn shop_slices(knowledge: &Knowledge, pushed: bool) -> Slices {
    knowledge
        .slices(vec![
            spec(
                "shop.orders",
                &["order_id", "customer_id", "status", "total", "x", "placed_at"],
                only("customer_id", "c1", pushed),
            ),
            masked_spec(
                "shop.payments",
                &[
                    ("payment_id", None),
                    ("order_id", None),
                    ("amount", None),
                    ("attempts", None),
                    ("paid", None),
                    ("card_number", Some(Mask::Last4)),
                ],
                only("customer_id", "c1", pushed),
            ),
        ])
        .unwrap()
}

/// A shop in a folder of its own, and its slices.
pub(crate) fn shop() -> (tempfile::TempDir, Slices) {
    let folder = tempfile::tempdir().unwrap();
    make_shop(folder.path(), SHOP_ROWS);
    let knowledge = Knowledge::open(folder.path(), &[shop_source()]).unwrap();
    let slices = shop_slices(&knowledge, true);
    (folder, slices)
}

/// Everything that a worker can see of an outcome, and what its record says.
pub(crate) fn outcome(result: Result<Withheld, QueryError>) -> String {
    match result {
        Ok(withheld) => {
            let seen = format!("{:?} {:?} {:?}", withheld.columns_touched(), withheld.labels(), withheld.digest());
            format!("{} {seen}", withheld.open().to_json())
        }
        Err(error) => format!("{}: {error}", error.code()),
    }
}

/// The rows of a result as JSON text.
pub(crate) fn rows(result: Result<Withheld, QueryError>) -> String {
    match result {
        Ok(withheld) => {
            serde_json::Value::Array(withheld.open().rows.into_iter().map(serde_json::Value::Array).collect())
                .to_string()
        }
        Err(error) => panic!("{}: {error} ({:?})", error.code(), error.operator_detail()),
    }
}

pub(crate) fn code(result: Result<Withheld, QueryError>) -> &'static str {
    match result {
        Ok(withheld) => panic!("{}", withheld.open().to_json()),
        Err(error) => error.code().as_str(),
    }
}
