//! A payment never gives back more than it captured.

use serde_json::{Value, json};

use crate::bench::Bench;

fn refund(payment: &str, amount: Value) -> Value {
    json!({ "payment_id": payment, "amount": amount })
}

#[test]
fn the_story_of_the_demo_can_be_told_once() {
    let mut bench = Bench::seeded();
    let result = bench.done("refund_payment", refund("pay_88213", json!(240.00)));
    assert_eq!(
        result,
        json!({
            "payment_id": "pay_88213",
            "order_id": "#W2611340",
            "payment_method_id": "credit_card_4110242",
            "amount": 240,
            "captured": 240,
            "refunded": 240,
            "refundable": 0
        })
    );
    let told = bench.refused("refund_payment", refund("pay_88213", json!(0.01)));
    assert!(told.contains("has 0.00 left to give back"), "{told}");
    let order = bench.done("get_order_details", json!({ "order_id": "#W2611340" }));
    assert_eq!(order["status"], "delivered");
    assert_eq!(order["payment_history"][1]["transaction_type"], "refund");
}

#[test]
fn parts_add_up_to_the_cent() {
    let mut bench = Bench::small();
    for part in [0.1, 0.2, 69.69] {
        bench.done("refund_payment", refund("pay_2", json!(part)));
    }
    let told = bench.refused("refund_payment", refund("pay_2", json!(0.02)));
    assert!(told.contains("has 0.01 left to give back (70.00 captured, 69.99 given back)"), "{told}");
    bench.done("refund_payment", refund("pay_2", json!(0.01)));
    assert_eq!(bench.number("SELECT refunded FROM payments WHERE payment_id = 'pay_2'"), 7_000);
    assert_eq!(bench.effects(), 4);
}

#[test]
fn a_gift_card_has_its_money_at_once() {
    let mut bench = Bench::small();
    bench.done("refund_payment", refund("pay_3", json!(12.34)));
    assert_eq!(bench.number("SELECT balance FROM payment_methods WHERE payment_method_id = 'gift'"), 6_234);
}

#[test]
fn what_is_no_amount_is_refused() {
    let mut bench = Bench::small();
    for (amount, reason) in [
        (json!(0), "must be more than 0"),
        (json!(-5), "must be more than 0"),
        (json!(1.005), "more than two decimals"),
        (json!("5"), "must be a number"),
        (json!(null), "must be a number"),
        (json!(70.01), "has 70.00 left to give back"),
        (json!(1_000_000_000), "more than the largest amount"),
    ] {
        let told = bench.refused("refund_payment", refund("pay_2", amount));
        assert!(told.contains(reason), "{told}");
    }
}
