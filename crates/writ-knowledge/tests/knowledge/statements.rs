//! What is not open to a run is refused by name, before anything is read.

use writ_knowledge::QueryLimits;

use crate::support::{code, shop};

#[tokio::test]
async fn other_statements_are_refused() {
    let (_folder, slices) = shop();
    for sql in [
        "EXPLAIN SELECT * FROM shop.orders",
        "EXPLAIN ANALYZE SELECT * FROM shop.orders",
        "SHOW TABLES",
        "SHOW ALL",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "COPY (SELECT * FROM shop.orders) TO '/tmp/x.csv'",
        "COPY shop.orders TO 'x.csv'",
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "DROP TABLE shop.orders",
        "INSERT INTO shop.orders VALUES ('x')",
        "UPDATE shop.orders SET status = 'x'",
        "DELETE FROM shop.orders",
        "TRUNCATE TABLE shop.orders",
        "MERGE INTO shop.orders USING shop.payments ON true WHEN MATCHED THEN DELETE",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "DEALLOCATE p",
        "BEGIN",
        "COMMIT",
        "DESCRIBE shop.orders",
        "USE shop",
        "TABLE shop.orders",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE shop.orders",
        "SELECT * INTO t FROM shop.orders",
        "SELECT * FROM shop.orders FOR UPDATE",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT * FROM r",
        "SELECT * FROM generate_series(1, 10)",
        "SELECT * FROM range(10)",
        "SELECT * FROM unnest([1, 2, 3])",
        "SELECT * FROM shop.orders TABLESAMPLE (10 PERCENT)",
        "SELECT * FROM shop.orders o, LATERAL (SELECT o.x) l",
        "SELECT [1, 2, 3]",
        "SELECT {'a': 1}",
        "SELECT struct(x) FROM shop.orders",
        "FROM shop.orders",
        "SELECT @@version",
        "SELECT @x",
        "SELECT $1",
        "SELECT * FROM shop.orders WHERE status ~ '.*'",
        "SELECT * FROM shop.orders WHERE status SIMILAR TO '.*'",
    ] {
        assert_eq!(code(slices.query(sql, &QueryLimits::default()).await), "sql_not_allowed", "{sql}");
    }
}

#[tokio::test]
async fn unknown_names_are_refused() {
    let (_folder, slices) = shop();
    for sql in [
        "SELECT * FROM orders",
        "SELECT * FROM shop.nosuch",
        "SELECT * FROM other.shop.orders",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM information_schema.columns",
        "SELECT * FROM pg_catalog.pg_tables",
        "SELECT * FROM sqlite_schema",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/tmp/x.csv\"",
        "SELECT nosuch FROM shop.orders",
        "SELECT o.nosuch FROM shop.orders o",
        "SELECT random()",
        "SELECT uuid()",
        "SELECT now()",
        "SELECT current_date",
        "SELECT current_timestamp()",
        "SELECT version()",
        "SELECT repeat('x', 1000000)",
        "SELECT lpad('x', 1000000)",
        "SELECT arrow_typeof(x) FROM shop.orders",
        "SELECT arrow_cast(x, 'Utf8') FROM shop.orders",
        "SELECT array_agg(x) FROM shop.orders",
        "SELECT string_agg(status, ',') FROM shop.orders",
        "SELECT input_file_name() FROM shop.orders",
    ] {
        assert_eq!(code(slices.query(sql, &QueryLimits::default()).await), "sql_unknown_name", "{sql}");
    }
}

#[tokio::test]
async fn what_is_no_sql_is_refused() {
    let (_folder, slices) = shop();
    for sql in ["", "   ", "-- nothing", "SELEC 1", "SELECT", "SELECT 'open", "SELECT (1", ";"] {
        assert_eq!(code(slices.query(sql, &QueryLimits::default()).await), "sql_syntax", "{sql}");
    }
    for sql in
        ["SELECT status + 1 FROM shop.orders WHERE x AND status", "SELECT order_id FROM shop.orders a, shop.payments b"]
    {
        assert_eq!(code(slices.query(sql, &QueryLimits::default()).await), "sql_type", "{sql}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_planned() {
    let (_folder, slices) = shop();
    let limits = QueryLimits { sql_bytes_max: 200_000, ..QueryLimits::default() };
    let doubling = (0..20).fold("WITH t0 AS (SELECT x FROM shop.orders)".to_owned(), |sql, n| {
        format!("{sql}, t{} AS (SELECT a.x FROM t{n} a CROSS JOIN t{n} b)", n + 1)
    });
    for sql in [
        format!("SELECT {}1{}", "(".repeat(500), ")".repeat(500)),
        format!("SELECT 1{}", " + 1".repeat(5_000)),
        format!("SELECT 1{}", " * 1".repeat(5_000)),
        format!("SELECT 1{}", "::bigint".repeat(5_000)),
        format!("SELECT {} true", "NOT ".repeat(5_000)),
        format!("SELECT CAST(1 AS {}INT{})", "Nullable(".repeat(3_000), ")".repeat(3_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(500)),
        format!("SELECT 1 WHERE 1 IN ({}1)", "1, ".repeat(20_000)),
        format!("{doubling} SELECT count(*) FROM t20"),
        "x".repeat(300_000),
    ] {
        let shown: String = sql.chars().take(60).collect();
        assert_eq!(code(slices.query(&sql, &limits).await), "sql_too_large", "{shown}");
    }
    let explain = format!("{}SELECT 1", "EXPLAIN ".repeat(5_000));
    assert_eq!(code(slices.query(&explain, &limits).await), "sql_not_allowed");
}
