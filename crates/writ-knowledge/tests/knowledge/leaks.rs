//! The attacks that a `WHERE` over a view does not stop.

use writ_knowledge::QueryLimits;

use crate::support::{code, outcome, rows, shop};

#[tokio::test]
async fn a_division_does_not_run_on_hidden_rows() {
    let (_folder, slices) = shop();
    let limits = QueryLimits::default();
    // Every hidden row has x = 5.
    let sql = "SELECT order_id FROM shop.orders WHERE 1 / (x - 5) > 0";
    assert_eq!(rows(slices.query(sql, &limits).await), r#"[["o1"]]"#);
    let sql = "SELECT order_id, 10 / (x - 5) FROM shop.orders WHERE x IS NOT NULL ORDER BY 1";
    assert_eq!(rows(slices.query(sql, &limits).await), r#"[["o1",10],["o2",5]]"#);
    // On the run's own rows it does, and says no more than that.
    let error = slices.query("SELECT 1 / (x - 6) FROM shop.orders", &limits).await.unwrap_err();
    assert_eq!(error.code().as_str(), "execution_failed");
    assert!(error.operator_detail().is_some());
}

#[tokio::test]
async fn a_cast_does_not_run_on_hidden_rows() {
    let (_folder, slices) = shop();
    let limits = QueryLimits::default();
    let sql = "SELECT order_id FROM shop.orders WHERE CAST(status AS BIGINT) > 1 ORDER BY 1";
    assert_eq!(rows(slices.query(sql, &limits).await), r#"[["o2"],["o3"]]"#);
    let sql = "SELECT sum(CAST(status AS BIGINT)), max(status) FROM shop.orders";
    assert_eq!(rows(slices.query(sql, &limits).await), r#"[[6,"3"]]"#);
    let sql = "SELECT order_id FROM shop.orders WHERE customer_id = 'c2' AND CAST(status AS BIGINT) = 0";
    assert_eq!(rows(slices.query(sql, &limits).await), "[]");
}

#[tokio::test]
async fn a_subquery_sees_no_hidden_rows() {
    let (_folder, slices) = shop();
    let limits = QueryLimits::default();
    let sql = "SELECT (SELECT status FROM shop.orders WHERE x = 6) AS one";
    assert_eq!(rows(slices.query(sql, &limits).await), r#"[["1"]]"#);
    let sql = "SELECT count(*) FROM shop.orders o WHERE EXISTS (SELECT 1 FROM shop.orders p WHERE p.x = 5)";
    assert_eq!(rows(slices.query(sql, &limits).await), "[[0]]");
}

#[tokio::test]
async fn hidden_and_inexistent_names_look_alike() {
    let (_folder, slices) = shop();
    let limits = QueryLimits::default();
    for (hidden, inexistent) in [
        ("SELECT secret FROM shop.orders", "SELECT nosuch FROM shop.orders"),
        ("SELECT CAST(secret AS BIGINT) FROM shop.orders", "SELECT CAST(nosuch AS BIGINT) FROM shop.orders"),
        ("SELECT order_id FROM shop.orders WHERE secret = 'x'", "SELECT order_id FROM shop.orders WHERE nosuch = 'x'"),
        ("SELECT order_id FROM shop.orders ORDER BY secret", "SELECT order_id FROM shop.orders ORDER BY nosuch"),
        ("SELECT captured FROM shop.payments", "SELECT nosuch FROM shop.payments"),
        ("SELECT * FROM shop.salaries", "SELECT * FROM shop.nosuch"),
    ] {
        let hidden_outcome = outcome(slices.query(hidden, &limits).await);
        let inexistent_outcome = outcome(slices.query(inexistent, &limits).await);
        assert!(hidden_outcome.starts_with("sql_unknown_name"), "{hidden_outcome}");
        let named = |text: &str| {
            text.replace("secret", "?").replace("nosuch", "?").replace("captured", "?").replace("salaries", "?")
        };
        assert_eq!(named(&hidden_outcome), named(&inexistent_outcome));
    }
}

#[tokio::test]
async fn a_masked_value_cannot_be_compared() {
    let (_folder, slices) = shop();
    let limits = QueryLimits::default();
    let sql = "SELECT payment_id FROM shop.payments WHERE card_number = '4111111111111111'";
    assert_eq!(rows(slices.query(sql, &limits).await), "[]");
    let sql = "SELECT card_number FROM shop.payments WHERE card_number LIKE '%1111' OR card_number LIKE '4%'";
    assert_eq!(rows(slices.query(sql, &limits).await), r#"[["************1111"]]"#);
    assert_eq!(
        code(slices.query("SELECT CAST(card_number AS BIGINT) FROM shop.payments", &limits).await),
        "execution_failed"
    );
}

#[tokio::test]
async fn rows_that_policy_cannot_decide_are_hidden_and_counted() {
    let (folder, _) = shop();
    let knowledge = writ_knowledge::Knowledge::open(folder.path(), &[crate::support::shop_source()]).unwrap();
    // Without the predicate every row is put to policy: h3 has no customer.
    let slices = crate::support::shop_slices(&knowledge, false);
    let withheld = slices.query("SELECT count(*) FROM shop.orders", &QueryLimits::default()).await.unwrap();
    assert_eq!(withheld.failed_rows(), 1);
    assert_eq!(withheld.open().rows, vec![vec![serde_json::Value::from(3)]]);
}
