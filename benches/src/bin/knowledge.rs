//! Reading ten rows out of a million: a query written by hand, the slice of one run, and the whole query through it.
//!
//! By hand means a prepared statement with an index, on a connection that stays open, all columns read. The slice's
//! scan is what stands between a source and a query: reading, policy, masks. The query adds the worker's SQL: planning
//! and execution. A record is one durable event, as every read leaves one. All take turns, over a few customers.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, Row, Statement, params};
use serde_json::json;
use tokio::runtime::Runtime;
use writ_bench::company::{Company, WORKER};
use writ_bench::figures::{Report, finish, median, rounded};
use writ_core::definition::{Column, ColumnType, Origin, Source, Table};
use writ_core::digest::Digest;
use writ_core::event::{Event, Limits, Read, RunStart};
use writ_core::policy::{RowSlice, Subject};
use writ_core::value::Value;
use writ_knowledge::{Knowledge, QueryLimits, SliceColumn, SliceSpec, Slices, Timings};
use writ_store::{Commit, Database, Options, Store};
use writ_trail::note::Signer;

const ROWS: i64 = 1_000_000;
const ROWS_PER_CUSTOMER: i64 = 10;
const CUSTOMERS: i64 = ROWS / ROWS_PER_CUSTOMER;
/// Runs that take turns, each for another customer.
const RUNS: i64 = 40;
const ROUNDS: usize = 400;
const TABLE: &str = "shop.orders";
const COLUMNS: [&str; 7] = ["order_id", "customer_id", "region", "status", "total", "frozen", "placed_at"];
const RUN: &str = "bench";
const DAY_MILLISECONDS: i64 = 86_400_000;

const ENTITLEMENTS: &str = r#"permit(principal in Group::"g0", action == Action::"read", resource is shop::orders);"#;

/// Measures where the time of a small query goes.
#[derive(Parser)]
struct Cli {
    /// Write one JSON object
    #[arg(long)]
    json: bool,
}

/// What was measured, in microseconds.
#[derive(Default)]
struct Samples {
    by_hand: Vec<f64>,
    slice_scan: Vec<f64>,
    query: Vec<f64>,
    planning: Vec<f64>,
    scan: Vec<f64>,
    policy: Vec<f64>,
    execution: Vec<f64>,
    record: Vec<f64>,
}

fn main() -> ExitCode {
    finish(run(Report::new(Cli::parse().json)))
}

fn run(report: Report) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| format!("a folder for the data: {error}"))?;
    report.note(&format!("making {ROWS} rows, {ROWS_PER_CUSTOMER} a customer, with an index"));
    let database = folder.path().join("shop.db");
    make(&database).map_err(|error| format!("the data: {error}"))?;
    let mut samples = Samples::default();
    measure(folder.path(), &database, &mut samples)?;
    let by_hand = median(&mut samples.by_hand);
    let slice_scan = median(&mut samples.slice_scan);
    report.note(&format!("medians of {ROUNDS} rounds, in turns; slice_scan_us is reading, policy and masks together"));
    report.row(&json!({
        "rows_total": ROWS,
        "slice_rows": ROWS_PER_CUSTOMER,
        "by_hand_us": rounded(by_hand),
        "slice_scan_us": rounded(slice_scan),
        "slice_scan_per_by_hand": rounded(slice_scan / by_hand),
        "query_us": rounded(median(&mut samples.query)),
        "planning_us": rounded(median(&mut samples.planning)),
        "scan_us": rounded(median(&mut samples.scan)),
        "policy_us": rounded(median(&mut samples.policy)),
        "execution_us": rounded(median(&mut samples.execution)),
        "record_us": rounded(median(&mut samples.record)),
    }))
}

fn measure(folder: &Path, database: &Path, samples: &mut Samples) -> Result<(), String> {
    let runtime = Runtime::new().map_err(|error| format!("the runtime: {error}"))?;
    let runs = runs(folder)?;
    let store = store(folder, &runtime)?;
    let connection = Connection::open(database).map_err(|error| format!("the connection by hand: {error}"))?;
    let by_hand_sql = format!("SELECT {} FROM orders WHERE customer_id = ?1", COLUMNS.join(", "));
    let mut by_hand = connection.prepare(&by_hand_sql).map_err(|error| format!("the query by hand: {error}"))?;
    let query_sql = format!("SELECT {} FROM {TABLE}", COLUMNS.join(", "));
    let limits = QueryLimits::default();
    for (round, (customer, slices)) in runs.iter().cycle().take(runs.len() + ROUNDS).enumerate() {
        let (rows, by_hand_time) = timed(|| rows_by_hand(&mut by_hand, customer));
        let rows = rows.map_err(|error| format!("the query by hand: {error}"))?;
        let (withheld, query_time) = timed(|| runtime.block_on(slices.query(&query_sql, &limits)));
        let withheld = withheld.map_err(|error| format!("the query: {error} {:?}", error.operator_detail()))?;
        if rows.len() != withheld.rows() || i64::try_from(rows.len()) != Ok(ROWS_PER_CUSTOMER) {
            return Err(format!("{customer} has {} rows by hand, {} in the slice", rows.len(), withheld.rows()));
        }
        let record = Commit { run: Some(RUN.to_owned()), at: 0, events: vec![read(&query_sql, withheld.digest())] };
        let (recorded, record_time) = timed(|| runtime.block_on(store.commit(record)));
        recorded.map_err(|error| format!("the record: {error}"))?;
        // The first round of each run warms it up.
        if round >= runs.len() {
            samples.take(by_hand_time, query_time, withheld.timings(), record_time);
        }
    }
    Ok(())
}

impl Samples {
    fn take(&mut self, by_hand: Duration, query: Duration, timings: Timings, record: Duration) {
        let us = |duration: Duration| duration.as_secs_f64() * 1e6;
        self.by_hand.push(us(by_hand));
        self.slice_scan.push(us(timings.scan + timings.policy));
        self.query.push(us(query));
        self.planning.push(us(timings.planning));
        self.scan.push(us(timings.scan));
        self.policy.push(us(timings.policy));
        self.execution.push(us(timings.execution));
        self.record.push(us(record));
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let outcome = work();
    (outcome, started.elapsed())
}

/// The rows of one customer stand far apart, as they would after years.
fn make(path: &Path) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    connection.execute_batch(
        "CREATE TABLE orders (
           order_id INTEGER PRIMARY KEY, customer_id TEXT NOT NULL, region TEXT NOT NULL, status TEXT NOT NULL,
           total INTEGER NOT NULL, frozen INTEGER NOT NULL, placed_at TEXT NOT NULL
         )",
    )?;
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare("INSERT INTO orders VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)")?;
        for order in 0..ROWS {
            let customer = order % CUSTOMERS;
            let placed_at = format!("2026-{:02}-{:02}T09:30:00Z", order % 12 + 1, order % 28 + 1);
            insert.execute(params![
                order,
                format!("c{customer}"),
                format!("r{}", customer % 50),
                "delivered",
                order % 90_000,
                placed_at
            ])?;
        }
    }
    transaction.commit()?;
    connection.execute_batch("CREATE INDEX orders_by_customer ON orders (customer_id); ANALYZE;")
}

fn rows_by_hand(statement: &mut Statement<'_>, customer: &str) -> rusqlite::Result<Vec<Vec<SqlValue>>> {
    let all = |row: &Row<'_>| -> rusqlite::Result<Vec<SqlValue>> {
        (0..COLUMNS.len()).map(|column| row.get(column)).collect()
    };
    statement.query_map([customer], all)?.collect()
}

/// The slices of some runs, each with its customer.
fn runs(folder: &Path) -> Result<Vec<(String, Slices)>, String> {
    let company = Company::with_entitlements(ENTITLEMENTS)?;
    let knowledge = Knowledge::open(folder, &[source()]).map_err(|error| format!("the source: {error}"))?;
    let customers = (0..RUNS).map(|number| format!("c{}", number * (CUSTOMERS / RUNS)));
    let runs = customers.map(|customer| -> Result<(String, Slices), String> {
        let policy = Arc::new(bound(&company, &customer));
        let columns = COLUMNS.iter().map(|name| SliceColumn { name: (*name).to_owned(), mask: None }).collect();
        let spec = SliceSpec { table: TABLE.to_owned(), columns, policy, hash_key: [0; 32] };
        let slices = knowledge.slices(vec![spec]).map_err(|error| format!("the slice: {error}"))?;
        Ok((customer, slices))
    });
    runs.collect()
}

fn bound(company: &Company, customer: &str) -> RowSlice {
    let (worker, person) = (Subject::new("Worker", WORKER), Subject::new("User", "u0").in_group("Group", "g0"));
    let field = |name: &str, value: Value| (Arc::<str>::from(name), value);
    let counters = [field("reads", Value::Long(0)), field("proposals", Value::Long(0))];
    let context = Value::record([
        field("mission", Value::record([field("customer", Value::string(customer))])),
        field("run", Value::record(counters)),
        field("now", Value::Datetime(0)),
    ]);
    RowSlice::new(company.read(), true, &worker, &person, &context)
}

fn source() -> Source {
    let column = |ty: ColumnType, scale: Option<u32>| Column { ty: Some(ty), scale, labels: Vec::new() };
    let columns = [
        ("total", column(ColumnType::Decimal, Some(2))),
        ("frozen", column(ColumnType::Bool, None)),
        ("placed_at", column(ColumnType::Datetime, None)),
    ];
    let columns = columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect();
    let orders = Table { columns, ..Table::default() };
    Source {
        source: "shop".to_owned(),
        from: Origin::Sqlite("shop.db".into()),
        tables: [("orders".to_owned(), orders)].into(),
        labels: Vec::new(),
    }
}

/// A store with one open run.
fn store(folder: &Path, runtime: &Runtime) -> Result<Store, String> {
    let signer = Signer::new("bench.example/trail", &[7; 32]).map_err(|error| format!("the signer: {error}"))?;
    let options = Options { folder: folder.join("store"), signer, database: Database::Sqlite };
    let store = Store::open(options).map_err(|error| format!("the store: {error}"))?;
    let start = RunStart {
        mission: "bench".to_owned(),
        mission_version: Digest([0; 32]),
        worker: WORKER.to_owned(),
        person: "u0".to_owned(),
        started_by: "u0".to_owned(),
        bound: serde_json::Map::new(),
        expires_at: DAY_MILLISECONDS,
        limits: Limits { reads_max: u64::MAX, rows_max: u64::MAX, proposals_max: 0 },
    };
    let commit = Commit { run: Some(RUN.to_owned()), at: 0, events: vec![Event::RunStarted(Box::new(start))] };
    runtime.block_on(store.commit(commit)).map_err(|error| format!("the run: {error}"))?;
    Ok(store)
}

fn read(statement: &str, result: [u8; 32]) -> Event {
    let columns: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    Event::Read(Box::new(Read {
        statement: statement.to_owned(),
        columns: [(TABLE.to_owned(), columns)].into(),
        rows: ROWS_PER_CUSTOMER.unsigned_abs(),
        result: Digest(result),
        labels: Vec::new(),
        claim: None,
    }))
}
