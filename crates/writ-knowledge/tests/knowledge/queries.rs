//! Ordinary work: what a worker may do, it can do.

use writ_knowledge::{Knowledge, QueryLimits};

use crate::support::{outcome, rows, shop, shop_source, spec};

#[tokio::test]
async fn ordinary_queries_have_ordinary_answers() {
    let (_folder, slices) = shop();
    let limits = QueryLimits::default();
    for (sql, expected) in [
        ("SELECT order_id, total FROM shop.orders", r#"[["o1","12.5"],["o2","9.99"],["o3",null]]"#),
        ("SELECT * FROM shop.orders LIMIT 1", r#"[["o1","c1","1","12.5",6,"2026-01-02T03:04:05Z"]]"#),
        ("SELECT count(*), count(x), sum(total), avg(x) FROM shop.orders", r#"[[3,2,"22.49",6.5]]"#),
        ("SELECT order_id FROM shop.orders WHERE total > 10", r#"[["o1"]]"#),
        ("SELECT order_id FROM shop.orders WHERE total = 9.99", r#"[["o2"]]"#),
        ("SELECT order_id FROM shop.orders WHERE total > 9.9899 AND total < 12.5", r#"[["o2"]]"#),
        ("SELECT order_id FROM shop.orders WHERE placed_at >= '2026-01-15'", r#"[["o2"]]"#),
        ("SELECT order_id FROM shop.orders WHERE placed_at < '2026-01-02T03:04:06Z'", r#"[["o1"]]"#),
        ("SELECT order_id FROM shop.orders WHERE placed_at IS NULL", r#"[["o3"]]"#),
        ("SELECT order_id FROM shop.orders WHERE order_id IN ('o3', 'o1', 'h1', 'o9', 'o8')", r#"[["o1"],["o3"]]"#),
        ("SELECT order_id FROM shop.orders WHERE NOT (order_id = 'o1') ORDER BY order_id DESC", r#"[["o3"],["o2"]]"#),
        ("SELECT payment_id FROM shop.payments WHERE paid", r#"[["p1"]]"#),
        ("SELECT payment_id FROM shop.payments WHERE paid = false", r#"[["p2"]]"#),
        (
            "SELECT o.order_id, p.amount FROM shop.orders o JOIN shop.payments p ON o.order_id = p.order_id ORDER BY 1",
            r#"[["o1","12.5"],["o2","9.99"]]"#,
        ),
        (
            "SELECT o.order_id, p.payment_id FROM shop.orders o LEFT JOIN shop.payments p USING (order_id) ORDER BY 1",
            r#"[["o1","p1"],["o2","p2"],["o3",null]]"#,
        ),
        ("WITH big AS (SELECT * FROM shop.orders WHERE total > 10) SELECT count(*) FROM big", "[[1]]"),
        (
            "SELECT status FROM shop.orders UNION ALL SELECT order_id FROM shop.payments",
            r#"[["1"],["2"],["3"],["o1"],["o2"]]"#,
        ),
        ("SELECT n FROM (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3) AS t LIMIT 2", "[[1],[2]]"),
        (
            "SELECT order_id, row_number() OVER (ORDER BY order_id DESC) AS n FROM shop.orders ORDER BY n",
            r#"[["o3",1],["o2",2],["o1",3]]"#,
        ),
        (
            "SELECT CASE WHEN x > 6 THEN 'big' WHEN x IS NULL THEN 'none' ELSE 'small' END FROM shop.orders",
            r#"[["small"],["big"],["none"]]"#,
        ),
        ("SELECT upper(status) || '-' || order_id FROM shop.orders WHERE x = 6", r#"[["1-o1"]]"#),
        ("SELECT concat(status, NULL, '!') FROM shop.orders WHERE x = 6", r#"[["1!"]]"#),
        ("SELECT 'a' || NULL", "[[null]]"),
        (
            "SELECT replace('banana', 'an', 'o'), substring('banana' FROM 2 FOR 3), trim('  x ')",
            r#"[["booa","ana","x"]]"#,
        ),
        ("SELECT extract(year FROM placed_at) FROM shop.orders WHERE order_id = 'o1'", "[[2026]]"),
        (
            "SELECT date_trunc('month', placed_at) FROM shop.orders WHERE order_id = 'o1'",
            r#"[["2026-01-01T00:00:00Z"]]"#,
        ),
        ("SELECT coalesce(x, 0) + 1 FROM shop.orders ORDER BY 1", "[[1],[7],[8]]"),
        ("SELECT status, sum(x) FROM shop.orders GROUP BY status HAVING sum(x) > 0 ORDER BY 1", r#"[["1",6],["2",7]]"#),
        ("SELECT 0.1 + 0.2 = 0.3", "[[true]]"),
        ("SELECT count(DISTINCT customer_id) FROM shop.orders", "[[1]]"),
        ("SELECT x FROM shop.orders EXCEPT SELECT 6", "[[7],[null]]"),
    ] {
        let found = rows(slices.query(sql, &limits).await);
        // Two rows of a set difference have no order of their own.
        let same = found == expected || (sql.contains("EXCEPT") && found == "[[null],[7]]");
        assert!(same, "{sql}: {found}");
    }
}

#[tokio::test]
async fn arithmetic_that_does_not_fit_fails() {
    let (_folder, slices) = shop();
    for sql in [
        "SELECT x + 9223372036854775807 FROM shop.orders WHERE x = 6",
        "SELECT x * 9223372036854775807 FROM shop.orders WHERE x = 6",
        "SELECT -9223372036854775807 - x FROM shop.orders WHERE x = 6",
    ] {
        let error = slices.query(sql, &QueryLimits::default()).await.unwrap_err();
        assert_eq!(error.code().as_str(), "execution_failed", "{sql}");
    }
}

#[tokio::test]
async fn a_record_says_what_was_touched() {
    let folder = tempfile::tempdir().unwrap();
    crate::support::make_shop(folder.path(), crate::support::SHOP_ROWS);
    let mut source = shop_source();
    source.labels = vec!["internal".to_owned()];
    let orders = source.tables.get_mut("orders").unwrap();
    orders.labels = vec!["commerce".to_owned()];
    orders.columns.entry("status".to_owned()).or_default().labels = vec!["pii".to_owned()];
    let knowledge = Knowledge::open(folder.path(), &[source]).unwrap();
    let slices = crate::support::shop_slices(&knowledge, true);
    let limits = QueryLimits::default();
    let withheld = slices.query("SELECT order_id FROM shop.orders WHERE x > 0", &limits).await.unwrap();
    assert_eq!(withheld.columns_touched(), [("shop.orders".to_owned(), vec!["order_id".to_owned(), "x".to_owned()])]);
    assert_eq!(withheld.labels(), ["commerce", "internal"]);
    assert_eq!(withheld.rows(), 2);
    let withheld = slices.query("SELECT count(status) FROM shop.orders", &limits).await.unwrap();
    assert_eq!(withheld.labels(), ["commerce", "internal", "pii"]);
    let withheld = slices.query("SELECT 1", &limits).await.unwrap();
    assert!(withheld.columns_touched().is_empty() && withheld.labels().is_empty());
    let timings = withheld.timings();
    assert!(timings.planning > std::time::Duration::ZERO);
}

#[tokio::test]
async fn a_description_tells_the_slices_and_counts_their_rows() {
    let (folder, slices) = shop();
    let described = slices.describe();
    let tables: Vec<&str> = described.iter().map(|slice| slice.table.as_str()).collect();
    assert_eq!(tables, ["shop.orders", "shop.payments"]);
    assert_eq!(described[0].row_identity, ["order_id"]);
    assert_eq!(described[0].columns.len(), 6);
    assert!(described[1].columns.iter().any(|column| column.mask.is_some()));
    let counts = slices.row_counts(&QueryLimits::default()).await.unwrap();
    assert_eq!(counts, [("shop.orders".to_owned(), 3), ("shop.payments".to_owned(), 2)]);
    let knowledge = Knowledge::open(folder.path(), &[shop_source()]).unwrap();
    assert_eq!(knowledge.row_count("shop.orders", std::time::Duration::from_secs(5)).unwrap(), 6);
}

#[tokio::test]
async fn names_in_two_cases_are_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(folder.path().join("odd.db")).unwrap();
    database.execute_batch("CREATE TABLE \"Odd \"\"Table\" (\"Some Id\" INTEGER, x TEXT); INSERT INTO \"Odd \"\"Table\" VALUES (1, 'a')").unwrap();
    let table = writ_core::definition::Table { stored_as: Some("Odd \"Table".to_owned()), ..Default::default() };
    let source =
        crate::support::source("odd", writ_core::definition::Origin::Sqlite("odd.db".into()), &[("things", table)]);
    let knowledge = Knowledge::open(folder.path(), &[source]).unwrap();
    let slices = knowledge.slices(vec![spec("odd.things", &["Some Id", "x"], crate::support::everything())]).unwrap();
    let sql = "SELECT \"Some Id\" FROM odd.things WHERE \"Some Id\" = 1";
    assert_eq!(rows(slices.query(sql, &QueryLimits::default()).await), "[[1]]");
    assert!(
        outcome(slices.query("SELECT \"some id\" FROM odd.things", &QueryLimits::default()).await)
            .starts_with("sql_unknown_name")
    );
}

/// Slices are used behind an `Arc`, from any thread, and so are the futures of their reads.
#[test]
fn slices_go_anywhere() {
    fn anywhere<T: Send + Sync>(_: &T) {}
    fn sendable<T: Send>(_: &T) {}
    let (_folder, slices) = shop();
    let limits = QueryLimits::default();
    anywhere(&slices);
    sendable(&slices.query("SELECT 1", &limits));
    sendable(&slices.search("shop.orders", "x", 1, &limits));
    sendable(&slices.row_counts(&limits));
    let catalog = writ_knowledge::Catalog::default();
    let fact = writ_knowledge::Fact::compile("SELECT 1", &catalog, &[]).unwrap();
    anywhere(&fact);
    sendable(&fact.evaluate(&slices, &|_| None, &limits));
}
