//! tau-retail's own ground truth, played through the tools.
//!
//! Its 115 tasks hold 582 calls. By the policy and the data, counted apart from this code, 24 of them cannot succeed: 20
//! reads look for what is not there (10 for a customer, 6 for a product by an item's id, 4 for an order), and 4 changes
//! break a rule (two returns to a method that the order was not paid with, an exchange of an order that is still
//! pending, an exchange that a gift card does not cover).

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use shop::{call, dump, load, open, tools};

use crate::bench::Bench;

const TASKS: usize = 115;
const CALLS: usize = 582;
const READS_IN_VAIN: usize = 20;
const CHANGES_REFUSED: usize = 4;

/// The data's folder, or nothing where it is not on this machine; on a build server it has to be.
fn data() -> Option<PathBuf> {
    let shared = match std::env::var_os("WRIT_SHARED") {
        Some(shared) => PathBuf::from(shared),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    };
    let data = shared.join("data/tau-retail");
    if data.is_dir() {
        return Some(data);
    }
    assert!(std::env::var_os("CI").is_none(), "tau-retail is not at {}", data.display());
    println!("skipped: tau-retail is not at {}; set WRIT_SHARED to the folder that holds data/", data.display());
    None
}

#[test]
fn the_data_is_loaded_whole_and_the_same_each_time() {
    let Some(data) = data() else { return };
    let (mut first, mut second) = (Bench::empty(), Bench::empty());
    load(&mut first.conn, &data).unwrap();
    load(&mut second.conn, &data).unwrap();
    assert_eq!(dump(&first.conn).unwrap(), dump(&second.conn).unwrap());
    for (table, rows) in [("customers", 500), ("orders", 1_000), ("products", 50), ("variants", 591), ("cases", 0)] {
        assert_eq!(first.number(&format!("SELECT count(*) FROM {table}")), rows, "{table}");
    }
    let unpaid = "SELECT count(*) FROM orders AS o
        WHERE total <> (SELECT sum(captured) FROM payments AS p WHERE p.order_id = o.order_id)";
    assert_eq!(first.number(unpaid), 0);
}

#[test]
fn orders_are_shown_as_in_the_data() {
    let Some(data) = data() else { return };
    let mut bench = Bench::empty();
    load(&mut bench.conn, &data).unwrap();
    let orders: Map<String, Value> = read(&data.join("orders.json"));
    for (order_id, expected) in &orders {
        let mut arguments = Map::new();
        arguments.insert("order_id".to_owned(), Value::from(order_id.as_str()));
        let shown = bench.done("get_order_details", Value::Object(arguments));
        for (member, value) in expected.as_object().unwrap() {
            assert_eq!(with_plain_numbers(&shown[member]), with_plain_numbers(value), "{order_id}.{member}");
        }
    }
}

#[test]
fn the_ground_truth_of_every_task_can_be_played() {
    let Some(data) = data() else { return };
    let mut bench = Bench::empty();
    load(&mut bench.conn, &data).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (loaded, copy) = (folder.path().join("loaded.db"), folder.path().join("copy.db"));
    bench.conn.execute("VACUUM INTO ?1", [loaded.to_str().unwrap()]).unwrap();

    let tasks: Vec<Value> = read(&data.join("tasks.json"));
    assert_eq!(tasks.len(), TASKS);
    let known = tools();
    let (mut calls, mut reads_in_vain, mut changes_refused, mut effects) = (0, 0, 0, 0);
    for (number, task) in tasks.iter().enumerate() {
        // Every task starts from the same shop.
        fs::copy(&loaded, &copy).unwrap();
        let mut conn = open(&copy).unwrap();
        for action in task["actions"].as_array().unwrap() {
            let name = action["name"].as_str().unwrap();
            let tool = known.iter().find(|tool| tool.name == name).unwrap_or_else(|| panic!("{name} is missing"));
            let result = call(&mut conn, name, action["args"].as_object().unwrap(), None);
            calls += 1;
            assert_eq!(result.fault, None, "task {number}, {name}: {}", result.value);
            match (result.is_error, tool.read_only) {
                (false, true) => {}
                (false, false) => effects += 1,
                (true, true) => reads_in_vain += 1,
                (true, false) => changes_refused += 1,
            }
            if result.is_error {
                println!("task {number}: {name}: {}", result.value);
            }
        }
        drop(conn);
    }
    println!("{calls} calls: {effects} changes made, {changes_refused} refused, {reads_in_vain} reads in vain");
    assert_eq!((calls, reads_in_vain, changes_refused), (CALLS, READS_IN_VAIN, CHANGES_REFUSED));
    assert!(changes_refused <= 12);
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Writes every number in the same way, so that `51.0` and `51` are the same price.
fn with_plain_numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64().unwrap().to_string()),
        Value::Array(items) => items.iter().map(with_plain_numbers).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), with_plain_numbers(value)))
            .collect::<Map<String, Value>>()
            .into(),
        other => other.clone(),
    }
}
