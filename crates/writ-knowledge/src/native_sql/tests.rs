//! The lowered condition holds for every row that the predicate holds for, whatever the row.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::sync::Arc;

use proptest::option::of as some;
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use rusqlite::{Connection, params_from_iter};
use writ_core::policy::{Comparison, Predicate};
use writ_core::value::{Value, ValueRef, ValueSet};

use super::{NativeColumn, NativeFilter, Storage};
use crate::prune::holds;

fn column(name: &str) -> Option<NativeColumn> {
    let storage = match name {
        "n" => Storage::Long,
        "cents" => Storage::Scaled(2),
        "flag" => Storage::Bool,
        "s" => Storage::Text { ordered: true },
        "opaque" => Storage::Opaque,
        _ => return None,
    };
    Some(NativeColumn { name: format!("t.\"{name}\""), storage })
}

/// A row of a table that keeps `cents` as minor units and `opaque` as text that stands for a long.
#[derive(Debug, Clone)]
struct Row {
    n: Option<i64>,
    cents: Option<i64>,
    flag: Option<bool>,
    s: Option<String>,
    opaque: Option<i64>,
}

fn value(column: &'static str) -> impl Strategy<Value = Value> {
    match column {
        "n" | "opaque" => (-3_i64..4).prop_map(Value::Long).boxed(),
        "cents" => (-300_i64..300).prop_map(|value| Value::Decimal(value * 50)).boxed(),
        "flag" => any::<bool>().prop_map(Value::Bool).boxed(),
        _ => prop_oneof!["[aAbB]{0,2}", Just("é".to_owned()), Just("a\0b".to_owned())]
            .prop_map(|text| Value::string(&text))
            .boxed(),
    }
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let column = prop_oneof![Just("n"), Just("cents"), Just("flag"), Just("s"), Just("opaque")];
    let leaf = column.prop_flat_map(|column| {
        let comparison = prop_oneof![
            Just(Comparison::Equal),
            Just(Comparison::Less),
            Just(Comparison::LessOrEqual),
            Just(Comparison::Greater),
            Just(Comparison::GreaterOrEqual)
        ];
        prop_oneof![
            (comparison, value(column)).prop_map(move |(comparison, value)| Predicate::Compare {
                column: Arc::from(column),
                comparison,
                value
            }),
            prop::collection::vec(value(column), 0..4).prop_map(move |values| Predicate::Among {
                column: Arc::from(column),
                set: Arc::new(ValueSet::collect(values).unwrap())
            }),
            Just(Predicate::Present { column: Arc::from(column) }),
            Just(Predicate::Any),
            Just(Predicate::Nothing),
        ]
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Predicate::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Predicate::Either),
            inner.prop_map(|inner| Predicate::Not(Box::new(inner))),
        ]
    })
}

fn row() -> impl Strategy<Value = Row> {
    (
        some(-3_i64..4),
        some(-150_i64..150),
        some(any::<bool>()),
        some(prop_oneof!["[aAbB]{0,2}", Just("é".to_owned()), Just("a\0b".to_owned())]),
        some(-3_i64..4),
    )
        .prop_map(|(n, cents, flag, s, opaque)| Row { n, cents, flag, s, opaque })
}

fn admitted(predicate: &Predicate, row: &Row) -> bool {
    holds(predicate, &|column| match column {
        "n" => row.n.map(ValueRef::Long),
        "cents" => row.cents.map(|units| ValueRef::Decimal(units * 100)),
        "flag" => row.flag.map(ValueRef::Bool),
        "s" => row.s.as_deref().map(ValueRef::String),
        _ => row.opaque.map(ValueRef::Long),
    }) == Some(true)
}

#[test]
fn no_admitted_row_is_left_out() {
    let database = Connection::open_in_memory().unwrap();
    database
        .execute_batch(
            "CREATE TABLE r (id INTEGER, n INTEGER, cents INTEGER, flag BOOLEAN, s TEXT COLLATE NOCASE, opaque TEXT)",
        )
        .unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(proptest::test_runner::Config {
        cases: 400,
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    });
    runner
        .run(&(predicate(), prop::collection::vec(row(), 1..12)), |(predicate, rows)| {
            database.execute_batch("DELETE FROM r").unwrap();
            for (id, row) in rows.iter().enumerate() {
                database
                    .execute(
                        "INSERT INTO r VALUES (?, ?, ?, ?, ?, ?)",
                        (
                            id as i64,
                            row.n,
                            row.cents,
                            row.flag,
                            row.s.as_deref(),
                            row.opaque.map(|value| value.to_string()),
                        ),
                    )
                    .unwrap();
            }
            let filter = NativeFilter::lower(&predicate, &column);
            let mut statement = database.prepare(&format!("SELECT t.id FROM r AS t WHERE {}", filter.sql)).unwrap();
            let found: Vec<i64> = statement
                .query_map(params_from_iter(filter.parameters.iter()), |row| row.get(0))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            for (id, row) in rows.iter().enumerate() {
                assert!(!admitted(&predicate, row) || found.contains(&(id as i64)), "{filter:?} leaves out {row:?}");
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn exact_forms_are_exact_and_constants_are_parameters() {
    let lower = |predicate: &Predicate| NativeFilter::lower(predicate, &column);
    let equal = |column: &str, value: Value| Predicate::Compare {
        column: Arc::from(column),
        comparison: Comparison::Equal,
        value,
    };
    assert_eq!(lower(&equal("s", Value::string("x' OR 1"))).sql, "t.\"s\" COLLATE BINARY = ?");
    assert_eq!(lower(&equal("cents", Value::Decimal(12_300))).parameters, vec![rusqlite::types::Value::Integer(123)]);
    // Half a cent has no stored form, so nothing is left out, also when negated.
    assert_eq!(lower(&equal("cents", Value::Decimal(50))).sql, "1");
    assert_eq!(lower(&Predicate::Not(Box::new(equal("cents", Value::Decimal(50))))).sql, "1");
    assert_eq!(lower(&Predicate::Not(Box::new(equal("n", Value::Long(1))))).sql, "NOT (t.\"n\" = ?)");
    assert_eq!(lower(&Predicate::unless(Predicate::Any)).sql, "0");
}
