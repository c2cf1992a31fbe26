//! The bundled data: the same each time, and with the demo's story in it.

use serde_json::json;
use shop::{create, dump, open, seed};

use crate::bench::Bench;

#[test]
fn two_seeds_are_the_same_to_the_byte() {
    let (first, second) = (Bench::seeded(), Bench::seeded());
    assert_eq!(
        serde_json::to_string(&dump(&first.conn).unwrap()).unwrap(),
        serde_json::to_string(&dump(&second.conn).unwrap()).unwrap()
    );
}

#[test]
fn there_are_as_many_of_each_as_promised() {
    let bench = Bench::seeded();
    for (table, rows) in [("customers", 40), ("orders", 100), ("payments", 100), ("cases", 5), ("messages", 0)] {
        assert_eq!(bench.number(&format!("SELECT count(*) FROM {table}")), rows, "{table}");
    }
    assert_eq!(bench.effects(), 0);
}

#[test]
fn the_jackets_case_is_anas_and_holds_together() {
    let mut bench = Bench::seeded();
    let story = "SELECT count(*) FROM cases
        JOIN customers USING (customer_id) JOIN orders USING (order_id) JOIN payments USING (order_id)
        WHERE case_id = 'C-1044' AND agent = 'ana' AND cases.subject LIKE '%torn lining%'
          AND order_id = '#W2611340' AND orders.customer_id = cases.customer_id
          AND orders.delivered_at LIKE '2026-11-09T%' AND payment_id = 'pay_88213'
          AND captured = 24000 AND refunded = 0 AND card_number = '4242424242424242'
          AND email LIKE '%_@example.com'";
    assert_eq!(bench.number(story), 1);
    assert_eq!(bench.number("SELECT count(*) FROM payments WHERE order_id = '#W2611340'"), 1);

    let order = bench.done("get_order_details", json!({ "order_id": "#W2611340" }));
    let customer = bench.done("get_user_details", json!({ "user_id": order["user_id"] }));
    assert_eq!(customer["payment_methods"]["credit_card_4110242"]["last_four"], "4242");
    assert_eq!(customer["orders"], json!(["#W2611340"]));
    let text = order.to_string() + &customer.to_string();
    assert!(!text.contains("4242424242424242"), "no tool shows a card's whole number");
}

#[test]
fn every_other_case_is_another_agents_or_another_customers() {
    let bench = Bench::seeded();
    let shared = "SELECT count(*) FROM cases AS one JOIN cases AS other USING (customer_id)
        WHERE one.case_id = 'C-1044' AND other.case_id <> 'C-1044'";
    assert_eq!(bench.number(shared), 0);
    assert_eq!(bench.number("SELECT count(*) FROM cases WHERE agent = 'ben'"), 3);
    let others_order = "SELECT count(*) FROM orders WHERE order_id = '#W7449508'
        AND customer_id <> (SELECT customer_id FROM cases WHERE case_id = 'C-1044')";
    assert_eq!(bench.number(others_order), 1);
}

#[test]
fn totals_payments_and_history_agree() {
    let bench = Bench::seeded();
    let wrong = "SELECT count(*) FROM orders AS o WHERE
        total <> (SELECT sum(price) FROM order_items AS i WHERE i.order_id = o.order_id)
        OR total <> (SELECT sum(captured) FROM payments AS p WHERE p.order_id = o.order_id)
        OR (status = 'cancelled') <> (SELECT sum(refunded) = o.total FROM payments AS p WHERE p.order_id = o.order_id)
        OR (SELECT sum(captured - refunded) FROM payments AS p WHERE p.order_id = o.order_id)
          <> (SELECT sum(CASE transaction_type WHEN 'payment' THEN amount ELSE -amount END)
              FROM history AS h WHERE h.order_id = o.order_id)
        OR (status = 'delivered') <> (delivered_at IS NOT NULL)
        OR placed_at NOT BETWEEN '2026-10-01' AND '2026-11-15'
        OR NOT EXISTS (SELECT 1 FROM payments AS p JOIN payment_methods AS m USING (payment_method_id)
                       WHERE p.order_id = o.order_id AND m.customer_id = o.customer_id)";
    assert_eq!(bench.number(wrong), 0);
    let wrong_cards = "SELECT count(*) FROM payments JOIN payment_methods USING (payment_method_id)
        WHERE (source = 'credit_card') <> (card_number IS NOT NULL)
           OR substr(card_number, -4) <> last_four OR length(card_number) <> 16";
    assert_eq!(bench.number(wrong_cards), 0);
}

#[test]
fn a_file_takes_one_shop_and_only_a_shop_is_opened() {
    let bench = Bench::seeded();
    assert!(create(&bench.path()).unwrap_err().to_string().contains("already holds tables"));
    assert!(open(&bench.path()).is_ok());
    let missing = bench.path().with_file_name("none.db");
    assert!(open(&missing).unwrap_err().to_string().contains("shop seed --db"));
    let mut other = create(&missing).unwrap();
    seed(&mut other).unwrap();
}
