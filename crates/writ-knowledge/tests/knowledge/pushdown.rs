//! A naive twin: a predicate in the source's own query changes how much is read, and nothing else.

use std::collections::HashSet;
use std::sync::Arc;

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use writ_core::definition::{ColumnType, Origin};
use writ_core::policy::{Admission, Comparison, Predicate, RowPolicy};
use writ_core::value::{Value, ValueRef, ValueSet};
use writ_knowledge::{Knowledge, QueryLimits, Slices};

use crate::support::{minor_units, outcome, policy, source, spec, table, typed};

const COLUMNS: [&str; 5] = ["n", "s", "price", "flag", "since"];

#[derive(Debug, Clone)]
struct Row {
    n: Option<i64>,
    s: Option<String>,
    cents: Option<i64>,
    flag: Option<bool>,
    day: Option<u8>,
}

fn row() -> impl Strategy<Value = Row> {
    (
        prop::option::of(-2_i64..5),
        prop::option::of("[aAbé]{0,2}"),
        prop::option::of(-3_i64..3),
        prop::option::of(any::<bool>()),
        prop::option::of(0_u8..5),
    )
        .prop_map(|(n, s, cents, flag, day)| Row { n, s, cents, flag, day })
}

fn constant(column: usize) -> impl Strategy<Value = Value> {
    match column {
        0 => (-2_i64..5).prop_map(Value::Long).boxed(),
        1 => "[aAbé]{0,2}".prop_map(|text: String| Value::string(&text)).boxed(),
        // Also halves of a cent, which no row has.
        2 => (-6_i64..6).prop_map(|halves| Value::Decimal(halves * 50)).boxed(),
        3 => any::<bool>().prop_map(Value::Bool).boxed(),
        _ => (0_i64..5).prop_map(|day| Value::Datetime(day * 86_400_000)).boxed(),
    }
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let leaf = (0_usize..5).prop_flat_map(|column| {
        let comparison = if column == 3 {
            Just(Comparison::Equal).boxed()
        } else {
            prop_oneof![
                Just(Comparison::Equal),
                Just(Comparison::Less),
                Just(Comparison::LessOrEqual),
                Just(Comparison::Greater),
                Just(Comparison::GreaterOrEqual)
            ]
            .boxed()
        };
        let name: Arc<str> = Arc::from(COLUMNS[column]);
        let (compared, among) = (Arc::clone(&name), Arc::clone(&name));
        prop_oneof![
            (comparison, constant(column)).prop_map(move |(comparison, value)| Predicate::Compare {
                column: Arc::clone(&compared),
                comparison,
                value
            }),
            prop::collection::vec(constant(column), 0..4).prop_map(move |values| Predicate::Among {
                column: Arc::clone(&among),
                set: Arc::new(ValueSet::collect(values).unwrap())
            }),
            Just(Predicate::Present { column: name }),
        ]
    });
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Predicate::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Predicate::Either),
            inner.prop_map(|inner| Predicate::Not(Box::new(inner))),
        ]
    })
}

/// SQL's three-valued logic, written down once more.
fn holds(predicate: &Predicate, row: &[Option<ValueRef<'_>>]) -> Option<bool> {
    let value = |column: &str| row[COLUMNS.iter().position(|name| *name == column).unwrap()];
    match predicate {
        Predicate::Any => Some(true),
        Predicate::Nothing => Some(false),
        Predicate::All(parts) => {
            let parts: HashSet<Option<bool>> = parts.iter().map(|part| holds(part, row)).collect();
            if parts.contains(&Some(false)) {
                Some(false)
            } else if parts.contains(&None) {
                None
            } else {
                Some(true)
            }
        }
        Predicate::Either(parts) => {
            let parts: HashSet<Option<bool>> = parts.iter().map(|part| holds(part, row)).collect();
            if parts.contains(&Some(true)) {
                Some(true)
            } else if parts.contains(&None) {
                None
            } else {
                Some(false)
            }
        }
        Predicate::Not(inner) => holds(inner, row).map(|holds| !holds),
        Predicate::Present { column } => Some(value(column).is_some()),
        Predicate::Among { column, set } => value(column).map(|value| set.contains(value)),
        Predicate::Compare { column, comparison, value: constant } => {
            let value = value(column)?;
            let ordering = match (value, constant) {
                (ValueRef::Long(left), Value::Long(right))
                | (ValueRef::Decimal(left), Value::Decimal(right))
                | (ValueRef::Datetime(left), Value::Datetime(right)) => left.cmp(right),
                (ValueRef::Bool(left), Value::Bool(right)) => left.cmp(right),
                (ValueRef::String(left), Value::String(right)) => left.as_bytes().cmp(right.as_bytes()),
                other => panic!("{other:?}"),
            };
            Some(match comparison {
                Comparison::Equal => ordering.is_eq(),
                Comparison::Less => ordering.is_lt(),
                Comparison::LessOrEqual => ordering.is_le(),
                Comparison::Greater => ordering.is_gt(),
                Comparison::GreaterOrEqual => ordering.is_ge(),
            })
        }
    }
}

fn policy_of(predicate: &Predicate, pushed: bool) -> Arc<dyn RowPolicy> {
    let decides = predicate.clone();
    let pushed = if pushed { predicate.clone() } else { Predicate::Any };
    policy(&COLUMNS, pushed, move |row| match holds(&decides, row) {
        Some(true) => Admission::Admitted,
        Some(false) => Admission::Hidden,
        None => Admission::Failed,
    })
}

fn slices(knowledge: &Knowledge, policy: Arc<dyn RowPolicy>) -> Slices {
    knowledge.slices(vec![spec("twin.items", &["id", "n", "s", "price", "flag", "since"], policy)]).unwrap()
}

#[test]
fn a_pushed_predicate_changes_no_answer() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(folder.path().join("twin.db")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE items (id INTEGER PRIMARY KEY, n INTEGER, s TEXT COLLATE NOCASE, price INTEGER, flag BOOLEAN, since TEXT);
             CREATE INDEX items_n ON items (n); CREATE INDEX items_s ON items (s);",
        )
        .unwrap();
    let columns = [("price", minor_units(2)), ("since", typed(ColumnType::Datetime))];
    let source = source("twin", Origin::Sqlite("twin.db".into()), &[("items", table(&columns))]);
    let knowledge = Knowledge::open(folder.path(), &[source]).unwrap();
    let limits = QueryLimits::default();
    let mut runner =
        TestRunner::new(Config { cases: 60, max_shrink_iters: 64, failure_persistence: None, ..Config::default() });
    runner
        .run(&(predicate(), prop::collection::vec(row(), 0..20)), |(predicate, rows)| {
            database.execute_batch("DELETE FROM items").unwrap();
            let mut expected = 0_i64;
            for (id, row) in rows.iter().enumerate() {
                let at = row.day.map(|day| format!("1970-01-{:02}", day + 1));
                database
                    .execute(
                        "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)",
                        (id as i64, row.n, row.s.as_deref(), row.cents, row.flag, at),
                    )
                    .unwrap();
                let values = [
                    row.n.map(ValueRef::Long),
                    row.s.as_deref().map(ValueRef::String),
                    row.cents.map(|cents| ValueRef::Decimal(cents * 100)),
                    row.flag.map(ValueRef::Bool),
                    row.day.map(|day| ValueRef::Datetime(i64::from(day) * 86_400_000)),
                ];
                expected += i64::from(holds(&predicate, &values) == Some(true));
            }
            let pushed = slices(&knowledge, policy_of(&predicate, true));
            let naive = slices(&knowledge, policy_of(&predicate, false));
            runtime.block_on(async {
                let count = pushed.query("SELECT count(*) FROM twin.items", &limits).await.unwrap().open();
                assert_eq!(count.rows[0][0], expected, "{predicate:?}");
                for sql in [
                    "SELECT * FROM twin.items",
                    "SELECT id FROM twin.items WHERE n = 1",
                    "SELECT id FROM twin.items WHERE n > 1 AND s = 'a'",
                    "SELECT id FROM twin.items WHERE s < 'b' OR price >= 0.01",
                    "SELECT id FROM twin.items WHERE price IN (0.01, 0.02, 0.005, -0.01)",
                    "SELECT id FROM twin.items WHERE NOT (s = 'A')",
                    "SELECT id FROM twin.items WHERE since >= '1970-01-03' AND flag",
                    "SELECT s, count(*), sum(price) FROM twin.items GROUP BY s",
                ] {
                    let one = outcome(pushed.query(sql, &limits).await);
                    let other = outcome(naive.query(sql, &limits).await);
                    assert_eq!(one, other, "{sql} under {predicate:?}");
                }
            });
            Ok(())
        })
        .unwrap();
}

/// A worker's filter that is taken down gives the rows that the same filter gives where it is not.
#[tokio::test]
async fn a_pruned_scan_gives_the_rows_of_a_filter() {
    let folder = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(folder.path().join("twin.db")).unwrap();
    database.execute_batch("CREATE TABLE items (id INTEGER PRIMARY KEY, n INTEGER, s TEXT COLLATE NOCASE)").unwrap();
    for id in 0..40_i64 {
        let text = ["a", "A", "b", "", "é"][usize::try_from(id % 5).unwrap()];
        database.execute("INSERT INTO items VALUES (?, ?, ?)", (id, (id % 7 > 0).then_some(id % 7), text)).unwrap();
    }
    let source = source("twin", Origin::Sqlite("twin.db".into()), &[("items", table(&[]))]);
    let knowledge = Knowledge::open(folder.path(), &[source]).unwrap();
    let slices = knowledge.slices(vec![spec("twin.items", &["id", "n", "s"], crate::support::everything())]).unwrap();
    let limits = QueryLimits::default();
    for filter in [
        "n = 3",
        "n <> 3",
        "n < 3",
        "3 <= n",
        "n IN (1, 2, 9)",
        "n IN (1, 2, 3, 4, 9)",
        "s = 'a'",
        "s >= 'b'",
        "s IN ('A', 'é')",
        "n = 3 AND s = 'A'",
        "n = 3 OR s = 'A'",
        "n > 1 AND (s = 'a' OR s < 'B')",
    ] {
        let pruned = format!("SELECT id FROM twin.items WHERE {filter}");
        // A sum with nothing keeps the filter from being taken down.
        let kept = format!("SELECT id FROM (SELECT id, n + 0 AS n, s || '' AS s FROM twin.items) t WHERE {filter}");
        let pruned = slices.query(&pruned, &limits).await.unwrap().open().rows;
        let kept = slices.query(&kept, &limits).await.unwrap().open().rows;
        assert_eq!(pruned, kept, "{filter}");
    }
}
