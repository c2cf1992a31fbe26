//! Facts: what compiles, what does not, and that both ways of evaluating them agree.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use writ_core::definition::{ColumnType, Origin};
use writ_core::value::{Type, Value};
use writ_knowledge::{Fact, FactError, Knowledge, QueryLimits, Slices};

use crate::support::{SHOP_ROWS, make_shop, minor_units, only, shop_source, source, spec, table, typed};

fn parameters() -> Vec<(String, Type)> {
    [
        ("input.payment_id", Type::String),
        ("input.amount", Type::Decimal),
        ("input.n", Type::Long),
        ("input.at", Type::Datetime),
        ("mission.customer", Type::String),
        ("case", Type::String),
        ("input.list", Type::Set(Box::new(Type::String))),
    ]
    .map(|(name, ty)| (name.to_owned(), ty))
    .to_vec()
}

fn shop() -> (tempfile::TempDir, Knowledge, Slices) {
    let folder = tempfile::tempdir().unwrap();
    make_shop(folder.path(), SHOP_ROWS);
    let knowledge = Knowledge::open(folder.path(), &[shop_source()]).unwrap();
    let slices = knowledge
        .slices(vec![
            spec(
                "shop.payments",
                &["payment_id", "order_id", "customer_id", "amount", "captured", "refunded", "attempts", "paid"],
                only("customer_id", "c1", true),
            ),
            spec("shop.orders", &["order_id", "status", "total", "x", "placed_at"], only("customer_id", "c1", true)),
        ])
        .unwrap();
    (folder, knowledge, slices)
}

fn given(name: &str) -> Option<Value> {
    Some(match name {
        "input.payment_id" => Value::string("p1"),
        "input.amount" => Value::Decimal(125_000),
        "input.n" => Value::Long(2),
        "input.at" => Value::Datetime(0),
        "mission.customer" => Value::string("c1"),
        "case" => Value::string("x' OR '1' = '1"),
        _ => return None,
    })
}

#[tokio::test]
async fn facts_have_exact_values() {
    let (_folder, knowledge, slices) = shop();
    let limits = QueryLimits::default();
    for (sql, is_lookup, expected) in [
        (
            "SELECT captured - refunded FROM shop.payments WHERE payment_id = $input.payment_id",
            true,
            Value::Decimal(125_000),
        ),
        ("SELECT captured FROM shop.payments WHERE payment_id = $input.payment_id", true, Value::Decimal(125_000)),
        (
            "SELECT p.attempts + 1 FROM shop.payments p WHERE p.payment_id = $input.payment_id AND p.paid = true",
            true,
            Value::Long(2),
        ),
        ("SELECT attempts + amount - 0.5 FROM shop.payments WHERE order_id = 'o1'", true, Value::Decimal(130_000)),
        ("SELECT paid FROM shop.payments WHERE amount = $input.amount", true, Value::Bool(true)),
        (
            "SELECT order_id FROM shop.payments WHERE attempts = $input.n AND customer_id = $mission.customer",
            true,
            Value::string("o2"),
        ),
        ("SELECT COUNT(*) FROM shop.payments WHERE customer_id = $mission.customer", true, Value::Long(2)),
        ("SELECT count(*) FROM shop.payments WHERE customer_id = 'c2'", true, Value::Long(0)),
        ("SELECT count(*) FROM shop.payments WHERE order_id = $case", true, Value::Long(0)),
        (
            "SELECT sum(captured) FROM shop.payments WHERE customer_id = $mission.customer",
            false,
            Value::Decimal(224_900),
        ),
        (
            "SELECT max(placed_at) FROM shop.orders WHERE placed_at > $input.at",
            false,
            Value::Datetime(1_769_904_000_000),
        ),
        ("SELECT $input.amount + 1 FROM shop.payments WHERE payment_id = 'p1'", false, Value::Decimal(135_000)),
        (
            "SELECT o.status FROM shop.orders o JOIN shop.payments p ON o.order_id = p.order_id WHERE p.payment_id = $input.payment_id",
            false,
            Value::string("1"),
        ),
        ("SELECT upper($mission.customer)", false, Value::string("C1")),
    ] {
        let fact = Fact::compile(sql, knowledge.catalog(), &parameters()).unwrap();
        assert_eq!(fact.is_lookup(), is_lookup, "{sql}");
        assert_eq!(fact.evaluate(&slices, &given, &limits).await, Ok(expected.clone()), "{sql}");
        assert_eq!(fact.evaluate_planned(&slices, &given, &limits).await, Ok(expected), "{sql}");
    }
}

#[tokio::test]
async fn a_fact_without_one_value_is_an_error() {
    let (_folder, knowledge, slices) = shop();
    let limits = QueryLimits::default();
    for (sql, expected) in [
        ("SELECT captured FROM shop.payments WHERE payment_id = 'p9'", FactError::Missing),
        ("SELECT captured FROM shop.payments WHERE payment_id = 'nosuch'", FactError::Missing),
        ("SELECT captured FROM shop.payments WHERE customer_id = 'c1'", FactError::Several),
        ("SELECT total FROM shop.orders WHERE order_id = 'o3'", FactError::Null),
        ("SELECT x + 1 FROM shop.orders WHERE order_id = 'o3'", FactError::Null),
    ] {
        let fact = Fact::compile(sql, knowledge.catalog(), &parameters()).unwrap();
        assert!(fact.is_lookup(), "{sql}");
        assert_eq!(fact.evaluate(&slices, &given, &limits).await, Err(expected.clone()), "{sql}");
        assert_eq!(fact.evaluate_planned(&slices, &given, &limits).await, Err(expected), "{sql}");
    }
    let fact = Fact::compile(
        "SELECT x + 9223372036854775807 FROM shop.orders WHERE order_id = 'o1'",
        knowledge.catalog(),
        &[],
    )
    .unwrap();
    assert_eq!(fact.evaluate(&slices, &given, &limits).await, Err(FactError::Overflow));
    let fact = Fact::compile(
        "SELECT captured FROM shop.payments WHERE payment_id = $case",
        knowledge.catalog(),
        &parameters(),
    )
    .unwrap();
    let nothing = fact.evaluate(&slices, &|_| None, &limits).await.unwrap_err();
    assert_eq!(nothing.to_string(), "parameter `$case` has no value");
    let wrong = fact.evaluate(&slices, &|_| Some(Value::Long(1)), &limits).await.unwrap_err();
    assert_eq!(wrong.to_string(), "parameter `$case` is not a string");
}

#[test]
fn what_is_no_fact_does_not_compile() {
    let (_folder, knowledge, _) = shop();
    let compile = |sql: &str| Fact::compile(sql, knowledge.catalog(), &parameters());
    for sql in [
        "SELECT a, b FROM shop.payments",
        "SELECT captured, refunded FROM shop.payments",
        "SELECT * FROM shop.payments",
        "SELECT 1 UNION ALL SELECT 2",
        "SELECT nosuch FROM shop.payments",
        "SELECT captured FROM shop.nosuch",
        "SELECT captured FROM payments",
        "SELECT captured FROM shop.payments WHERE payment_id = $nosuch",
        "SELECT captured FROM shop.payments WHERE payment_id = $input.nosuch",
        "SELECT captured FROM shop.payments WHERE payment_id = $input.list",
        "SELECT avg(attempts) FROM shop.payments",
        "SELECT random()",
        "DELETE FROM shop.payments",
        "SELECT 1; SELECT 2",
        "",
    ] {
        assert!(compile(sql).is_err(), "{sql}");
    }
    let fact = compile("SELECT captured FROM shop.payments WHERE payment_id = $input.payment_id").unwrap();
    assert_eq!(fact.result_type(), &Type::Decimal);
    assert_eq!(fact.tables(), ["shop.payments"]);
    assert_eq!(fact.parameters(), [("input.payment_id".to_owned(), Type::String)]);
    let error = compile("SELECT captured FROM shop.payments WHERE payment_id = $input.nosuch").unwrap_err();
    assert!(
        error.to_string().starts_with("there is no parameter `$input.nosuch`: there is `input.payment_id`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_fact_reads_the_slices_that_it_is_given() {
    let (_folder, knowledge, _) = shop();
    let fact =
        Fact::compile("SELECT captured FROM shop.payments WHERE payment_id = 'p1'", knowledge.catalog(), &[]).unwrap();
    let limits = QueryLimits::default();
    let without_column =
        knowledge.slices(vec![spec("shop.payments", &["payment_id"], only("customer_id", "c1", true))]).unwrap();
    let error = fact.evaluate(&without_column, &|_| None, &limits).await.unwrap_err();
    assert!(matches!(&error, FactError::Query(error) if error.code().as_str() == "sql_unknown_name"), "{error}");
    let without_table = knowledge.slices(Vec::new()).unwrap();
    assert!(fact.evaluate(&without_table, &|_| None, &limits).await.is_err());
    let of_another = knowledge
        .slices(vec![spec("shop.payments", &["payment_id", "captured"], only("customer_id", "c2", true))])
        .unwrap();
    assert_eq!(fact.evaluate(&of_another, &|_| None, &limits).await, Err(FactError::Missing));
}

/// A row: an id, a key, two integers, two decimals.
type Numbers = (u8, Option<i64>, Option<i64>, Option<i64>, Option<String>);

fn numbers() -> impl Strategy<Value = Numbers> {
    let long = || prop::option::of(prop_oneof![-3_i64..4, Just(i64::MAX), Just(i64::MIN), any::<i64>()]);
    let decimal = prop::option::of(prop_oneof![
        (-99_999_i64..99_999).prop_map(|units| format!("{}.{:02}", units / 100, units.abs() % 100)),
        Just("922337203685477.5807".to_owned()),
        Just("-922337203685477.5808".to_owned()),
        Just("0.00001".to_owned()),
    ]);
    (0_u8..4, long(), long(), prop::option::of(-9_999_i64..9_999), decimal)
}

#[test]
fn a_look_up_agrees_with_a_planned_query() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(folder.path().join("n.db")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE n (id INTEGER PRIMARY KEY, k INTEGER NOT NULL, a INTEGER, b INTEGER, c INTEGER, d TEXT)",
        )
        .unwrap();
    let columns = [("c", minor_units(2)), ("d", typed(ColumnType::Decimal))];
    let source = source("s", Origin::Sqlite("n.db".into()), &[("n", table(&columns))]);
    let knowledge = Knowledge::open(folder.path(), &[source]).unwrap();
    let slices =
        knowledge.slices(vec![spec("s.n", &["id", "k", "a", "b", "c", "d"], crate::support::everything())]).unwrap();
    let key = [("k".to_owned(), Type::Long), ("d".to_owned(), Type::Decimal)];
    let facts: Vec<Fact> = [
        "SELECT a FROM s.n WHERE k = $k",
        "SELECT a + b FROM s.n WHERE k = $k",
        "SELECT a - b - 1 FROM s.n WHERE k = $k",
        "SELECT c + d FROM s.n WHERE k = $k",
        "SELECT c - (d - a) FROM s.n WHERE k = $k",
        "SELECT a + 0.5 FROM s.n WHERE k = $k AND a = 1",
        "SELECT d FROM s.n WHERE $k = k AND d = $d",
        "SELECT d - d + 0.0001 FROM s.n WHERE id = $k",
        "SELECT count(*) FROM s.n WHERE k = $k",
        "SELECT c FROM s.n WHERE c = 1.5",
    ]
    .map(|sql| Fact::compile(sql, knowledge.catalog(), &key).unwrap())
    .to_vec();
    assert!(facts.iter().all(Fact::is_lookup));
    let limits = QueryLimits::default();
    let mut runner =
        TestRunner::new(Config { cases: 40, max_shrink_iters: 64, failure_persistence: None, ..Config::default() });
    runner
        .run(&(prop::collection::vec(numbers(), 0..6), 0_i64..4, -30_000_i64..30_000), |(rows, k, d)| {
            database.execute_batch("DELETE FROM n").unwrap();
            for (id, (k, a, b, c, d)) in rows.iter().enumerate() {
                database.execute("INSERT INTO n VALUES (?, ?, ?, ?, ?, ?)", (id as i64, k, a, b, c, d)).unwrap();
            }
            let given = |name: &str| Some(if name == "k" { Value::Long(k) } else { Value::Decimal(d) });
            runtime.block_on(async {
                for fact in &facts {
                    let quick = fact.evaluate(&slices, &given, &limits).await;
                    let planned = fact.evaluate_planned(&slices, &given, &limits).await;
                    match (&quick, &planned) {
                        (Ok(_), _) | (_, Ok(_)) => assert_eq!(quick, planned, "{fact:?}"),
                        // An integer that does not fit is an overflow here and a failed query there, where it
                        // is worked out before the rows are counted.
                        (Err(FactError::Overflow | FactError::Several), Err(FactError::Query(_))) => {}
                        (quick, planned) => assert_eq!(quick, planned, "{fact:?}"),
                    }
                }
            });
            Ok(())
        })
        .unwrap();
}
