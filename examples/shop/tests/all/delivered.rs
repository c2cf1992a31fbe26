//! The rules for orders that have arrived.

use serde_json::{Value, json};

use crate::bench::Bench;

fn back(order: &str, items: &[&str], method: &str) -> Value {
    json!({ "order_id": order, "item_ids": items, "payment_method_id": method })
}

fn exchange(order: &str, old: &[&str], new: &[&str], method: &str) -> Value {
    json!({ "order_id": order, "item_ids": old, "new_item_ids": new, "payment_method_id": method })
}

#[test]
fn a_return_goes_to_the_first_method_or_a_gift_card() {
    let mut bench = Bench::small();
    for (arguments, reason) in [
        (back("#W2", &["mug10"], "pal"), "or to a gift card, not to `pal`"),
        (back("#W2", &["mug10"], "other_card"), "no payment method of the customer"),
        (back("#W2", &["mug10", "mug10"], "card"), "no (further) item `mug10`"),
        (back("#W2", &["mug15"], "card"), "no (further) item `mug15`"),
        (back("#W1", &["mug10"], "card"), "only a `delivered` order can be returned"),
    ] {
        let told = bench.refused("return_delivered_order_items", arguments);
        assert!(told.contains(reason), "{told}");
    }

    let order = bench.done("return_delivered_order_items", back("#W2", &["mug10", "lamp60"], "gift"));
    assert_eq!(order["status"], "return requested");
    assert_eq!(order["return_items"], json!(["lamp60", "mug10"]));
    assert_eq!(order["return_payment_method_id"], "gift");
    // A request moves no money.
    assert_eq!(bench.number("SELECT balance FROM payment_methods WHERE payment_method_id = 'gift'"), 5_000);
    assert_eq!(order["payment_history"].as_array().unwrap().len(), 1);

    let told = bench.refused("return_delivered_order_items", back("#W2", &["mug10"], "card"));
    assert!(told.contains("`return requested`"), "{told}");
}

#[test]
fn an_exchange_is_a_request_with_a_difference() {
    let mut bench = Bench::small();
    for (arguments, reason) in [
        (exchange("#W2", &["mug10"], &["mug12"], "card"), "is not available"),
        (exchange("#W2", &["mug10"], &["lamp60"], "card"), "no variant of product `mug`"),
        (exchange("#W2", &["mug10"], &["mug90"], "gift"), "holds 50.00 and 80.00 is needed"),
        (exchange("#W2", &["mug10"], &["mug15"], "other_card"), "no payment method of the customer"),
        (exchange("#W2", &["mug10", "lamp60"], &["mug15"], "card"), "one new item for each"),
        (exchange("#W1", &["mug10"], &["mug15"], "card"), "only a `delivered` order can be exchanged"),
    ] {
        let told = bench.refused("exchange_delivered_order_items", arguments);
        assert!(told.contains(reason), "{told}");
    }

    let order = bench.done("exchange_delivered_order_items", exchange("#W2", &["mug10"], &["mug8"], "pal"));
    assert_eq!(order["status"], "exchange requested");
    assert_eq!(order["exchange_items"], json!(["mug10"]));
    assert_eq!(order["exchange_new_items"], json!(["mug8"]));
    assert_eq!(order["exchange_payment_method_id"], "pal");
    assert_eq!(order["exchange_price_difference"], -2);
    // The goods are still those that were delivered.
    assert_eq!(order["items"][0]["item_id"], "mug10");
    assert_eq!(bench.effects(), 1);

    let told = bench.refused("exchange_delivered_order_items", exchange("#W2", &["lamp60"], &["lamp60"], "pal"));
    assert!(told.contains("`exchange requested`"), "{told}");
}
