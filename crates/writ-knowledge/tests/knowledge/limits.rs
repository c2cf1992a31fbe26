//! Every limit refuses with its own code, and none of them counts what is outside the slice.

use std::time::Duration;

use writ_core::definition::Origin;
use writ_knowledge::{Knowledge, QueryLimits, Slices};

use crate::support::{code, only, rows, source, spec, table};

/// A slice of 100 rows in a table of 3,100.
fn many() -> (tempfile::TempDir, Slices) {
    let folder = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(folder.path().join("many.db")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE items (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, text TEXT);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3100)
             INSERT INTO items SELECT i, CASE WHEN i % 31 = 0 THEN 'c1' ELSE 'c2' END, 'item ' || i FROM n;",
        )
        .unwrap();
    let source = source("many", Origin::Sqlite("many.db".into()), &[("items", table(&[]))]);
    let knowledge = Knowledge::open(folder.path(), &[source]).unwrap();
    let slices = knowledge.slices(vec![spec("many.items", &["id", "text"], only("owner", "c1", false))]).unwrap();
    (folder, slices)
}

#[tokio::test]
async fn limits_refuse_with_their_codes() {
    let (_folder, slices) = many();
    let limits = QueryLimits::default();
    let all = "SELECT * FROM many.items";
    for (sql, limits, expected) in [
        (all, QueryLimits { rows_max: 99, ..limits }, "too_many_rows"),
        (all, QueryLimits { result_bytes_max: 500, ..limits }, "result_too_large"),
        (all, QueryLimits { slice_rows_max: 99, ..limits }, "slice_too_large"),
        (all, QueryLimits { sql_bytes_max: 10, ..limits }, "sql_too_large"),
        (all, QueryLimits { memory_bytes_max: 1_000, ..limits }, "memory_exceeded"),
        (all, QueryLimits { duration_max: Duration::ZERO, ..limits }, "time_exceeded"),
    ] {
        assert_eq!(code(slices.query(sql, &limits).await), expected, "{sql}");
    }
    assert_eq!(
        code(slices.search("many.items", "item", 9, &QueryLimits { slice_rows_max: 9, ..limits }).await),
        "slice_too_large"
    );
}

#[tokio::test]
async fn a_join_without_end_is_stopped() {
    let (_folder, slices) = many();
    let limits = QueryLimits { duration_max: Duration::from_millis(300), ..QueryLimits::default() };
    for sql in [
        "SELECT count(*) FROM many.items a, many.items b, many.items c, many.items d, many.items e",
        "SELECT count(*) FROM many.items a, many.items b, many.items c, many.items d WHERE a.id + b.id + c.id + d.id < 0",
    ] {
        let started = std::time::Instant::now();
        let code = code(slices.query(sql, &limits).await);
        assert!(matches!(code, "time_exceeded" | "memory_exceeded"), "{code}");
        assert!(started.elapsed() < Duration::from_secs(30), "{sql}");
    }
    // The process has hands free again.
    assert_eq!(rows(slices.query("SELECT count(*) FROM many.items", &QueryLimits::default()).await), "[[100]]");
}

#[tokio::test]
async fn limits_count_the_slice_alone() {
    let (_folder, slices) = many();
    let limits = QueryLimits { rows_max: 100, slice_rows_max: 100, ..QueryLimits::default() };
    assert_eq!(rows(slices.query("SELECT count(*) FROM many.items", &limits).await), "[[100]]");
    assert_eq!(slices.query("SELECT * FROM many.items", &limits).await.unwrap().rows(), 100);
    // A filter that is taken down leaves a slice that fits.
    let limits = QueryLimits { slice_rows_max: 5, ..limits };
    assert_eq!(rows(slices.query("SELECT id FROM many.items WHERE id = 31", &limits).await), "[[31]]");
}

#[tokio::test]
async fn a_text_cannot_be_grown_without_bound() {
    let (_folder, slices) = many();
    let grow = |step: &str, levels: usize| {
        let base = "SELECT text AS s FROM many.items WHERE id = 31".to_owned();
        let grown = (0..levels).fold(base, |inner, level| format!("SELECT {step} AS s FROM ({inner}) t{level}"));
        format!("SELECT length(s) FROM ({grown}) t")
    };
    let limits = QueryLimits::default();
    assert_eq!(code(slices.query(&grow("s || s", 16), &limits).await), "execution_failed");
    assert_eq!(code(slices.query(&grow("concat(s, s, s, s)", 9), &limits).await), "execution_failed");
    let ten = "x".repeat(10);
    assert_eq!(
        code(slices.query(&grow(&format!("replace(replace(s, 'i', '{ten}'), 'x', '{ten}')"), 6), &limits).await),
        "execution_failed"
    );
    assert_eq!(rows(slices.query(&grow("s || s", 3), &limits).await), "[[56]]");
}

#[tokio::test]
async fn a_table_that_is_gone_is_unavailable() {
    let (folder, slices) = many();
    rusqlite::Connection::open(folder.path().join("many.db")).unwrap().execute_batch("DROP TABLE items").unwrap();
    let error = slices.query("SELECT count(*) FROM many.items", &QueryLimits::default()).await.unwrap_err();
    assert_eq!(error.code().as_str(), "source_unavailable");
    assert!(error.operator_detail().unwrap().contains("no such table"));
    assert!(!error.to_string().contains("items"));
}
