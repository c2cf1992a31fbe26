//! Nothing outside a run's slices is told: not by rows, not by errors, not by counts, not by tools.

use serde_json::{Value as Json, json};
use writ_tests::story::{OTHER_CUSTOMER, OTHER_ORDER, OTHER_PAYMENT};
use writ_tests::worker::Answer;
use writ_tests::{Desk, Worker};

/// Reads that would tell of hidden rows if an expression ever ran on them. The other order's total is 255.00.
const PROBES: [&str; 24] = [
    "SELECT order_id FROM shop.orders WHERE 1 / (total - 255) > 0",
    "SELECT order_id FROM shop.orders WHERE 1 / CAST(total - 255 AS BIGINT) <> 0",
    "SELECT order_id, 1 / CAST(255 - total AS BIGINT) FROM shop.orders ORDER BY 2",
    "SELECT count(*), sum(total), min(total), max(order_id) FROM shop.orders",
    "SELECT count(*) FROM shop.orders WHERE CAST(substr(customer_id, 1, 1) AS BIGINT) > 0 AND customer_id LIKE 'e%'",
    "SELECT CASE WHEN customer_id LIKE 'elias%' THEN 1 / 0 ELSE 1 END FROM shop.orders",
    "SELECT * FROM shop.orders WHERE order_id = '#W7449508'",
    "SELECT (SELECT count(*) FROM shop.orders WHERE order_id = '#W7449508')",
    "SELECT 1 / (SELECT count(*) FROM shop.orders WHERE order_id = '#W7449508')",
    "SELECT count(*) FROM shop.orders o WHERE EXISTS (SELECT 1 FROM shop.payments p WHERE p.payment_id = 'pay_88240')",
    "SELECT o.order_id FROM shop.orders o JOIN shop.payments p ON o.order_id <> p.order_id",
    "SELECT o.order_id FROM shop.orders o FULL JOIN desk.cases c ON o.order_id = c.order_id",
    "SELECT order_id FROM shop.orders UNION ALL SELECT payment_id FROM shop.payments",
    "SELECT customer_id, row_number() OVER (ORDER BY total DESC) FROM shop.orders",
    "WITH o AS (SELECT * FROM shop.orders) SELECT count(*) FROM o a CROSS JOIN o b",
    "SELECT order_id FROM shop.orders ORDER BY total DESC LIMIT 5 OFFSET 1",
    "SELECT subject FROM desk.cases WHERE case_id = 'C-1045' OR CAST(subject AS BIGINT) = 1",
    "SELECT email FROM shop.customers WHERE email LIKE '%brandt%' OR length(email) / 0 = 1",
    "SELECT card_number FROM shop.payments WHERE card_number LIKE '%4444' OR card_number LIKE '5%'",
    "SELECT card_number FROM shop.payments WHERE card_number = '4242424242424242'",
    "SELECT CAST(card_number AS BIGINT) FROM shop.payments",
    "SELECT path FROM handbook.policies WHERE path LIKE 'orders/%' OR body LIKE '%lost%'",
    "SELECT count(*) FROM handbook.policies",
    "SELECT avg(length(body)) FROM handbook.policies",
];

/// Names that exist and are hidden, each beside one that does not exist.
const HIDDEN: [(&str, &str, &str); 7] = [
    ("SELECT ? FROM shop.orders", "address1", "nosuch"),
    ("SELECT order_id FROM shop.orders WHERE ? = 'x'", "zip", "nosuch"),
    ("SELECT CAST(? AS BIGINT) FROM shop.customers", "last_name", "nosuch"),
    ("SELECT order_id FROM shop.orders ORDER BY ?", "cancel_reason", "nosuch"),
    ("SELECT * FROM shop.?", "effects", "nosuch"),
    ("SELECT * FROM ?", "sqlite_master", "nosuch"),
    ("SELECT * FROM information_schema.?", "tables", "nosuch"),
];

/// What is no single read of the slices.
const FORBIDDEN: [(&str, &str); 14] = [
    ("SHOW TABLES", "sql_not_allowed"),
    ("DELETE FROM shop.orders", "sql_not_allowed"),
    ("UPDATE shop.orders SET total = 0", "sql_not_allowed"),
    ("CREATE TABLE mine (a int)", "sql_not_allowed"),
    ("CREATE EXTERNAL TABLE mine STORED AS CSV LOCATION '/etc/passwd'", "sql_not_allowed"),
    ("COPY (SELECT 1) TO 'out.csv'", "sql_not_allowed"),
    ("SET datafusion.catalog.information_schema = true", "sql_not_allowed"),
    ("EXPLAIN SELECT 1", "sql_not_allowed"),
    ("EXPLAIN ANALYZE SELECT * FROM shop.orders", "sql_not_allowed"),
    ("SELECT 1; SELECT 2", "sql_not_allowed"),
    ("SELECT * FROM read_csv('/etc/passwd')", "sql_not_allowed"),
    ("SELECT * FROM generate_series(1, 1000000000)", "sql_not_allowed"),
    ("WITH RECURSIVE n AS (SELECT 1 UNION ALL SELECT * FROM n) SELECT * FROM n", "sql_not_allowed"),
    ("SELEC 1", "sql_syntax"),
];

/// Changes everything that no run of the case may see.
const ELSEWHERE: &str = "
    UPDATE orders SET total = total + 25500, status = 'lost', customer_id = 'x' || customer_id
      WHERE customer_id <> 'noor_haddad_4821';
    UPDATE payments SET card_number = '4000000000000002', captured = captured + 1 WHERE customer_id <> 'noor_haddad_4821';
    DELETE FROM customers WHERE customer_id LIKE 'e%';
    UPDATE customers SET email = 'noor.haddad@example.com' WHERE customer_id <> 'noor_haddad_4821';
    DELETE FROM cases WHERE case_id IN ('C-1041', 'C-1045');
    UPDATE cases SET subject = '1' WHERE case_id <> 'C-1044';
    INSERT INTO orders (order_id, customer_id, status, total, address1, address2, city, state, country, zip)
      VALUES ('#W0000001', 'elias_brandt_5306', 'new', 1, 'a', 'b', 'c', 'd', 'e', 'f');
";

#[tokio::test]
async fn what_lies_outside_changes_nothing_that_a_worker_can_observe() {
    let desk = Desk::open().await;
    let before = observed(&desk.run().await).await;
    for (probe, answer) in PROBES.iter().zip(&before) {
        let told = answer.content.to_string();
        for secret in [OTHER_CUSTOMER, OTHER_PAYMENT, "4444", "255.0", "elias.brandt", "424242424242", "orders/"] {
            assert!(!told.contains(secret), "`{probe}` tells of {secret}: {told}");
        }
        assert!(!told.contains(OTHER_ORDER), "`{probe}` tells of the other order: {told}");
        if answer.is_error {
            let code = answer.content["refused"]["code"].as_str().unwrap();
            assert!(["execution_failed", "sql_not_allowed", "sql_type"].contains(&code), "`{probe}`: {told}");
        }
    }
    let answered = before.iter().filter(|answer| !answer.is_error).count();
    assert!(answered > PROBES.len() / 2, "most of them are ordinary reads: {before:?}");
    desk.acme.in_shop(ELSEWHERE);
    std::fs::write(desk.acme.file("handbook/policies/orders/lost.md"), "# Lost\n\nA torn refund is lost.\n").unwrap();
    let after = observed(&desk.run().await).await;
    for ((probe, before), after) in PROBES.iter().chain(["search"].iter()).zip(&before).zip(&after) {
        assert_eq!(before, after, "`{probe}` tells of what lies outside");
    }
}

#[tokio::test]
async fn what_is_hidden_looks_like_what_does_not_exist() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    for (sql, hidden, inexistent) in HIDDEN {
        let told = async |name: &str| {
            let message = worker.query(&sql.replace('?', name)).await.refused("sql_unknown_name");
            message.replace(name, "?")
        };
        assert_eq!(told(hidden).await, told(inexistent).await, "{sql}");
    }
    let search = async |collection: &str| {
        let words = json!({ "collection": collection, "text": "refund" });
        worker.call("knowledge_search", words).await.refused("sql_unknown_name").replace(collection, "?")
    };
    assert_eq!(search("handbook.secrets").await, search("payroll.people").await);
    let described = worker.call("knowledge_describe", json!({})).await.ok().to_string();
    for hidden in ["address1", "last_name", "agent", "effects", "payment_method_id"] {
        assert!(!described.contains(hidden), "{hidden}: {described}");
    }
}

#[tokio::test]
async fn one_select_over_the_slices_and_nothing_else() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    for (sql, code) in FORBIDDEN {
        let answer = worker.query(sql).await;
        assert_eq!(answer.content["refused"]["code"], code, "{sql}: {}", answer.content);
    }
    let deep = format!("SELECT {}1{}", "(".repeat(300), ")".repeat(300));
    let wide = format!("SELECT {}1", "1+".repeat(300));
    let long = format!("SELECT '{}'", "x".repeat(20_000));
    for sql in [deep, wide, long] {
        worker.query(&sql).await.refused("sql_too_large");
    }
    assert_eq!(desk.run_view(worker.run()).await["reads"], 0);
    desk.acme.nothing_was_done();
}

#[tokio::test]
async fn tools_reach_the_missions_records_alone() {
    let tool = "  - tool: shop.get_order_details
    facts:
      owner: SELECT customer_id FROM shop.orders WHERE order_id = $input.order_id
    when: context.facts.owner == context.mission.customer
  - tool: shop.notify_customer";
    let desk = Desk::edited(&[("missions/refund.yaml", "  - tool: shop.notify_customer", tool)]).await;
    let worker = desk.run().await;
    let order = async |id: &str| worker.call("shop_get_order_details", json!({ "order_id": id })).await;
    let own = order("#W2611340").await.ok();
    assert_eq!(own["user_id"], "noor_haddad_4821", "{own}");
    // The integration would answer for any order, and the person may look up any: the mission may not.
    let others = order(OTHER_ORDER).await.refused("fact_missing");
    assert_eq!(others, order("#W0000000").await.refused("fact_missing"), "the two look alike");
    worker
        .call("shop_refund_payment", json!({ "payment_id": OTHER_PAYMENT, "amount": 1 }))
        .await
        .refused("fact_missing");
    let letter = json!({ "to": "elias.brandt@example.com", "subject": "Hello", "body": "…" });
    worker.call("shop_notify_customer", letter).await.refused("not_permitted");
    let run = desk.run_view(worker.run()).await;
    assert_eq!((&run["reads"], &run["refused"]), (&json!(1), &json!(4)), "{run}");
    assert_eq!(desk.events(worker.run(), "tool_read").await.len(), 1);
}

/// What a worker can observe by all the probes, and by a search.
async fn observed(worker: &Worker) -> Vec<Answer> {
    let mut answers = Vec::new();
    for probe in PROBES {
        answers.push(worker.query(probe).await);
    }
    let words: Json = json!({ "collection": "handbook.policies", "text": "torn refund lost warehouse", "limit": 50 });
    answers.push(worker.call("knowledge_search", words).await);
    answers
}
