//! Whatever lies outside the slices, every query has the same outcome, byte for byte.
//!
//! Each case makes two shops that agree inside the slices and differ arbitrarily outside: hidden rows are added,
//! removed and changed, of any type that SQLite lets in; hidden columns and masked digits change; rows are
//! stored in another order; documents that the run may not read come and go. Then every query runs on both.

use std::fs;
use std::path::Path;

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use rusqlite::params;
use rusqlite::types::Value as Sql;
use writ_core::definition::{Mask, Origin, Table};
use writ_knowledge::{Knowledge, QueryLimits, Slices};

use crate::queries_of_all_kinds;
use crate::support::{SHOP, masked_spec, only, outcome, shop_source, source, spec, under};

/// A row of `orders` that the run may read.
#[derive(Debug, Clone)]
struct Order {
    id: u8,
    status: String,
    total: Option<i64>,
    x: Option<i64>,
    placed_at: Option<u8>,
}

/// What differs between the two shops.
#[derive(Debug, Clone)]
struct Outside {
    orders: Vec<[Sql; 7]>,
    payments: Vec<[Sql; 9]>,
    secrets: Vec<Sql>,
    card_digits: u64,
    documents: Vec<(u8, String)>,
    salaries: u8,
    order_of_storage: u64,
    pushed: bool,
}

fn order() -> impl Strategy<Value = Order> {
    (
        any::<u8>(),
        prop_oneof!["[0-9]{1,2}", "[a-c]{0,3}", Just("open".to_owned()), Just("it's %_".to_owned())],
        prop::option::of(-500_i64..5_000),
        prop::option::of(prop_oneof![-3_i64..10, Just(i64::MAX), Just(i64::MIN)]),
        prop::option::of(0_u8..28),
    )
        .prop_map(|(id, status, total, x, placed_at)| Order { id, status, total, x, placed_at })
}

fn anything() -> impl Strategy<Value = Sql> {
    prop_oneof![
        Just(Sql::Null),
        prop_oneof![-3_i64..10, any::<i64>()].prop_map(Sql::Integer),
        prop_oneof![Just(0.1), Just(1e300), Just(-2.5)].prop_map(Sql::Real),
        prop_oneof!["[a-z0-9]{0,4}", Just("open".to_owned()), Just("5".to_owned()), Just("2026-01-01".to_owned())]
            .prop_map(Sql::Text),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Sql::Blob),
    ]
}

/// The owner of a hidden row: never `c1`.
fn another_customer() -> impl Strategy<Value = Sql> {
    prop_oneof![
        Just(Sql::Null),
        Just(Sql::Text("c2".to_owned())),
        Just(Sql::Text("C1".to_owned())),
        Just(Sql::Text("c1 ".to_owned())),
        Just(Sql::Text(String::new())),
        Just(Sql::Integer(1)),
        Just(Sql::Blob(b"c1".to_vec())),
    ]
}

fn outside() -> impl Strategy<Value = Outside> {
    let hidden_order = (another_customer(), [anything(), anything(), anything(), anything(), anything()]).prop_map(
        |(customer, [status, total, x, placed_at, secret])| [Sql::Null, customer, status, total, x, placed_at, secret],
    );
    let hidden_payment = (another_customer(), [anything(), anything(), anything(), anything(), anything(), anything()])
        .prop_map(|(customer, [amount, captured, refunded, attempts, paid, card])| {
            [Sql::Null, Sql::Text("o1".to_owned()), customer, amount, captured, refunded, attempts, paid, card]
        });
    (
        prop::collection::vec(hidden_order, 0..8),
        prop::collection::vec(hidden_payment, 0..8),
        prop::collection::vec(anything(), 6),
        100_000_000_000_u64..999_999_999_999,
        prop::collection::vec((any::<u8>(), "(refund|secret|merger|apple| |\n){0,12}"), 0..5),
        any::<u8>(),
        any::<u64>(),
        any::<bool>(),
    )
        .prop_map(|(orders, payments, secrets, card_digits, documents, salaries, order_of_storage, pushed)| {
            Outside { orders, payments, secrets, card_digits, documents, salaries, order_of_storage, pushed }
        })
}

fn build(folder: &Path, inside: &[Order], outside: &Outside) -> Slices {
    let database = rusqlite::Connection::open(folder.join("shop.db")).unwrap();
    database.execute_batch(SHOP).unwrap();
    let mut orders: Vec<[Sql; 7]> = Vec::new();
    let mut payments: Vec<[Sql; 9]> = Vec::new();
    for (at, order) in inside.iter().enumerate() {
        let id = format!("o{}{at}", order.id);
        let secret = outside.secrets[at % outside.secrets.len()].clone();
        let number = |value: Option<i64>| value.map_or(Sql::Null, Sql::Integer);
        orders.push([
            Sql::Text(id.clone()),
            Sql::Text("c1".to_owned()),
            Sql::Text(order.status.clone()),
            number(order.total),
            number(order.x),
            order.placed_at.map_or(Sql::Null, |day| Sql::Text(format!("2026-03-{:02}T00:00:00Z", day + 1))),
            secret.clone(),
        ]);
        payments.push([
            Sql::Text(format!("p{at}")),
            Sql::Text(id),
            Sql::Text("c1".to_owned()),
            number(order.total),
            secret.clone(),
            secret,
            number(order.x),
            Sql::Integer(i64::from(at % 2 == 0)),
            // The same length and the same last digits: what the mask shows is the same.
            Sql::Text(format!("{}{:04}", outside.card_digits, at)),
        ]);
    }
    for (at, row) in outside.orders.iter().enumerate() {
        let mut row = row.clone();
        row[0] = Sql::Text(format!("h{at}"));
        orders.push(row);
    }
    for (at, row) in outside.payments.iter().enumerate() {
        let mut row = row.clone();
        row[0] = Sql::Text(format!("q{at}"));
        payments.push(row);
    }
    shuffle(&mut orders, outside.order_of_storage);
    shuffle(&mut payments, outside.order_of_storage.rotate_left(7));
    for row in &orders {
        database
            .execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", rusqlite::params_from_iter(row.iter()))
            .unwrap();
    }
    for row in &payments {
        database
            .execute("INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rusqlite::params_from_iter(row.iter()))
            .unwrap();
    }
    for at in 0..outside.salaries {
        database.execute("INSERT INTO salaries VALUES (?, ?)", params![format!("person {at}"), at]).unwrap();
    }

    let policies = folder.join("policies");
    fs::create_dir_all(policies.join("refunds")).unwrap();
    fs::create_dir_all(policies.join("board")).unwrap();
    for (name, text) in [
        ("late", "# Late refunds\nA refund is due within 30 days."),
        ("fruit", "# Fruit\nAn apple may be returned, a pear not."),
    ] {
        fs::write(policies.join("refunds").join(format!("{name}.md")), text).unwrap();
    }
    for (name, text) in &outside.documents {
        fs::write(policies.join("board").join(format!("{name}.md")), text).unwrap();
    }

    let desk = source("desk", Origin::Documents(".".into()), &[("policies", Table::default())]);
    let knowledge = Knowledge::open(folder, &[shop_source(), desk]).unwrap();
    let customer = || only("customer_id", "c1", outside.pushed);
    knowledge
        .slices(vec![
            spec("shop.orders", &["order_id", "customer_id", "status", "total", "x", "placed_at"], customer()),
            masked_spec(
                "shop.payments",
                &[
                    ("payment_id", None),
                    ("order_id", None),
                    ("amount", None),
                    ("attempts", None),
                    ("paid", None),
                    ("card_number", Some(Mask::Last4)),
                    ("captured", Some(Mask::Null)),
                ],
                customer(),
            ),
            spec("desk.policies", &["path", "title", "body"], under("refunds/")),
        ])
        .unwrap()
}

/// Fisher and Yates, with a generator that is good enough to disorder a dozen rows.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed | 1;
    for at in (1..items.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(at, usize::try_from((state >> 33) % (at as u64 + 1)).unwrap());
    }
}

#[test]
fn nothing_outside_the_slices_shows() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner =
        TestRunner::new(Config { cases: 24, max_shrink_iters: 64, failure_persistence: None, ..Config::default() });
    let limits = QueryLimits { rows_max: 500, slice_rows_max: 200, ..QueryLimits::default() };
    let case = (prop::collection::vec(order(), 1..7), outside(), outside());
    runner
        .run(&case, |(inside, left, right)| {
            let (left_folder, right_folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let left = build(left_folder.path(), &inside, &left);
            let right = build(right_folder.path(), &inside, &right);
            runtime.block_on(async {
                for sql in queries_of_all_kinds::ORDINARY.iter().chain(queries_of_all_kinds::HOSTILE) {
                    let one = outcome(left.query(sql, &limits).await);
                    let other = outcome(right.query(sql, &limits).await);
                    assert_eq!(one, other, "{sql}");
                }
                for words in ["refund", "apple pear", "merger secret", "\"refund\" OR *", "days NOT late", ""] {
                    let one = outcome(left.search("desk.policies", words, 10, &limits).await);
                    let other = outcome(right.search("desk.policies", words, 10, &limits).await);
                    assert_eq!(one, other, "{words}");
                    let one = outcome(left.search("shop.orders", words, 10, &limits).await);
                    let other = outcome(right.search("shop.orders", words, 10, &limits).await);
                    assert_eq!(one, other, "{words}");
                }
                assert_eq!(left.row_counts(&limits).await, right.row_counts(&limits).await);
                assert_eq!(left.describe(), right.describe());
            });
            Ok(())
        })
        .unwrap();
}

/// The queries that are meant to work do, so that the comparison above compares answers and not refusals.
#[test]
fn ordinary_queries_succeed() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let inside: Vec<Order> = (0..5)
        .map(|at| Order {
            id: at,
            status: format!("{at}"),
            total: Some(i64::from(at) * 100),
            x: Some(i64::from(at) + 6),
            placed_at: Some(at),
        })
        .collect();
    let outside = Outside {
        orders: Vec::new(),
        payments: Vec::new(),
        secrets: vec![Sql::Null],
        card_digits: 411_111_111_111,
        documents: Vec::new(),
        salaries: 0,
        order_of_storage: 0,
        pushed: true,
    };
    let slices = build(folder.path(), &inside, &outside);
    let refused: Vec<String> = runtime.block_on(async {
        let mut refused = Vec::new();
        for sql in queries_of_all_kinds::ORDINARY {
            if let Err(error) = slices.query(sql, &QueryLimits::default()).await {
                refused.push(format!("{sql}: {} {error} {:?}", error.code(), error.operator_detail()));
            }
        }
        refused
    });
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}
