//! The rules for orders that have not left: what is refused, and where the money goes.

use serde_json::{Value, json};

use crate::bench::Bench;

fn paid(bench: &Bench, order: &str) -> i64 {
    bench.number(&format!("SELECT sum(captured - refunded) FROM payments WHERE order_id = '{order}'"))
}

fn paid_by_history(bench: &Bench, order: &str) -> i64 {
    bench.number(&format!(
        "SELECT sum(CASE transaction_type WHEN 'payment' THEN amount ELSE -amount END) FROM history
         WHERE order_id = '{order}'"
    ))
}

fn gift(bench: &Bench) -> i64 {
    bench.number("SELECT balance FROM payment_methods WHERE payment_method_id = 'gift'")
}

fn swap(order: &str, old: &[&str], new: &[&str], method: &str) -> Value {
    json!({ "order_id": order, "item_ids": old, "new_item_ids": new, "payment_method_id": method })
}

#[test]
fn cancelling_gives_back_everything_and_fills_a_gift_card_at_once() {
    let mut bench = Bench::small();
    let order = bench.done("cancel_pending_order", json!({ "order_id": "#W3", "reason": "no longer needed" }));
    assert_eq!((&order["status"], &order["cancel_reason"]), (&json!("cancelled"), &json!("no longer needed")));
    assert_eq!(
        order["payment_history"],
        json!([
            { "transaction_type": "payment", "amount": 30, "payment_method_id": "gift" },
            { "transaction_type": "refund", "amount": 30, "payment_method_id": "gift" }
        ])
    );
    assert_eq!((gift(&bench), paid(&bench, "#W3")), (8_000, 0));

    for order in ["#W3", "#W2", "#W5"] {
        let told = bench.refused("cancel_pending_order", json!({ "order_id": order, "reason": "no longer needed" }));
        assert!(told.contains("only a `pending` order can be cancelled"), "{told}");
    }
}

#[test]
fn cancelling_counts_what_was_given_back_before() {
    let mut bench = Bench::small();
    bench.done("refund_payment", json!({ "payment_id": "pay_1", "amount": 7.25 }));
    let order = bench.done("cancel_pending_order", json!({ "order_id": "#W1", "reason": "ordered by mistake" }));
    assert_eq!(order["payment_history"][2]["amount"], 12.75);
    assert_eq!((paid(&bench, "#W1"), paid_by_history(&bench, "#W1")), (0, 0));
}

#[test]
fn a_pending_order_can_be_sent_elsewhere() {
    let mut bench = Bench::small();
    let to = |order: &str| {
        json!({
            "order_id": order, "address1": "9 Elm Terrace", "address2": "B", "city": "Austin", "state": "TX",
            "country": "USA", "zip": "78701"
        })
    };
    let order = bench.done("modify_pending_order_address", to("#W1"));
    assert_eq!(
        order["address"],
        json!({
            "address1": "9 Elm Terrace", "address2": "B", "city": "Austin", "country": "USA", "state": "TX",
            "zip": "78701"
        })
    );
    for order in ["#W2", "#W5"] {
        assert!(bench.refused("modify_pending_order_address", to(order)).contains("only a `pending` order"));
    }
}

#[test]
fn the_payment_method_can_be_changed_once() {
    let mut bench = Bench::small();
    let by = |order: &str, method: &str| json!({ "order_id": order, "payment_method_id": method });
    for (arguments, reason) in [
        (by("#W1", "card"), "is paid by `card` already"),
        (by("#W1", "other_card"), "no payment method of the customer"),
        (by("#W4", "gift"), "holds 50.00 and 60.00 is needed"),
        (by("#W2", "pal"), "only a `pending` order"),
    ] {
        let told = bench.refused("modify_pending_order_payment", arguments);
        assert!(told.contains(reason), "{told}");
    }

    let order = bench.done("modify_pending_order_payment", by("#W1", "gift"));
    assert_eq!(order["status"], "pending");
    assert_eq!(
        order["payment_history"],
        json!([
            { "transaction_type": "payment", "amount": 20, "payment_method_id": "card" },
            { "transaction_type": "payment", "amount": 20, "payment_method_id": "gift" },
            { "transaction_type": "refund", "amount": 20, "payment_method_id": "card" }
        ])
    );
    assert_eq!((gift(&bench), paid(&bench, "#W1")), (3_000, 2_000));
    let told = bench.refused("modify_pending_order_payment", by("#W1", "pal"));
    assert!(told.contains("exactly one payment"), "{told}");

    // The refund of the second payment goes to the gift card, not to the card that was given its money back already.
    bench.done("cancel_pending_order", json!({ "order_id": "#W1", "reason": "no longer needed" }));
    assert_eq!((gift(&bench), paid(&bench, "#W1")), (5_000, 0));
}

#[test]
fn items_are_replaced_only_by_available_ones_of_the_same_product() {
    let mut bench = Bench::small();
    for (arguments, reason) in [
        (swap("#W1", &["mug10"], &["mug12"], "card"), "is not available"),
        (swap("#W1", &["mug10"], &["lamp60"], "card"), "no variant of product `mug`"),
        (swap("#W1", &["mug10"], &["nothing"], "card"), "no variant of product `mug`"),
        (swap("#W1", &["mug10"], &["mug15", "mug8"], "card"), "one new item for each"),
        (swap("#W1", &["mug15"], &["mug8"], "card"), "no (further) item `mug15`"),
        (swap("#W1", &["mug10", "mug10", "mug10"], &["mug8", "mug8", "mug8"], "card"), "no (further) item `mug10`"),
        (swap("#W1", &["mug10"], &["mug15"], "other_card"), "no payment method of the customer"),
        (swap("#W1", &["mug10"], &["mug90"], "gift"), "holds 50.00 and 80.00 is needed"),
        (swap("#W2", &["mug10"], &["mug15"], "card"), "only a `pending` order"),
    ] {
        let told = bench.refused("modify_pending_order_items", arguments);
        assert!(told.contains(reason), "{told}");
    }
}

#[test]
fn dearer_items_are_charged_and_close_the_order() {
    let mut bench = Bench::small();
    let both = swap("#W1", &["mug10", "mug10"], &["mug15", "mug90"], "card");
    let order = bench.done("modify_pending_order_items", both);
    assert_eq!(order["status"], "pending (item modified)");
    assert_eq!(order["total"], 105);
    let items: Vec<&Value> = order["items"].as_array().unwrap().iter().map(|item| &item["item_id"]).collect();
    assert_eq!(items, ["mug15", "mug90"]);
    assert_eq!(order["items"][1]["options"], json!({ "color": "gold" }));
    assert_eq!(order["payments"][1]["captured"], 85);
    assert_eq!((paid(&bench, "#W1"), paid_by_history(&bench, "#W1")), (10_500, 10_500));
    // The number of the card that the customer used before goes with the new payment.
    assert_eq!(bench.number("SELECT count(*) FROM payments WHERE order_id = '#W1' AND card_number IS NOT NULL"), 2);

    for (tool, arguments) in [
        ("modify_pending_order_items", swap("#W1", &["mug15"], &["mug8"], "card")),
        ("cancel_pending_order", json!({ "order_id": "#W1", "reason": "no longer needed" })),
        ("modify_pending_order_payment", json!({ "order_id": "#W1", "payment_method_id": "pal" })),
    ] {
        assert!(bench.refused(tool, arguments).contains("`pending (item modified)`"));
    }
}

#[test]
fn cheaper_items_give_back_to_the_method_that_is_named() {
    let mut bench = Bench::small();
    let order = bench.done("modify_pending_order_items", swap("#W1", &["mug10"], &["mug8"], "gift"));
    assert_eq!(
        order["payment_history"][1],
        json!({ "transaction_type": "refund", "amount": 2, "payment_method_id": "gift" })
    );
    assert_eq!((gift(&bench), paid(&bench, "#W1")), (5_200, 1_800));
}

#[test]
fn nothing_is_given_back_that_is_not_there() {
    let mut bench = Bench::small();
    bench.done("refund_payment", json!({ "payment_id": "pay_1", "amount": 19.5 }));
    let told = bench.refused("modify_pending_order_items", swap("#W1", &["mug10"], &["mug8"], "card"));
    assert!(told.contains("only 0.50 left to give back"), "{told}");
}
