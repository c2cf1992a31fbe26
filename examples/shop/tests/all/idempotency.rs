//! A key stands for one call: repeated, it is answered from the record.

use serde_json::json;
use shop::{dump, entries};

use crate::bench::Bench;

#[test]
fn a_repeated_key_changes_nothing_and_returns_the_same() {
    let mut bench = Bench::seeded();
    let refund = json!({ "payment_id": "pay_88213", "amount": 100 });
    let first = bench.call_keyed("refund_payment", refund.clone(), "decision-1");
    assert!(first.is_new_effect());
    let after = dump(&bench.conn).unwrap();

    let second = bench.call_keyed("refund_payment", refund.clone(), "decision-1");
    assert!(second.replayed && !second.is_new_effect());
    assert_eq!((&second.value, second.effect_id), (&first.value, first.effect_id));
    assert_eq!(dump(&bench.conn).unwrap(), after);
    assert_eq!(bench.effects(), 1);

    // Without the key, or with another one, it is another refund.
    assert!(bench.call("refund_payment", refund.clone()).is_new_effect());
    assert!(
        bench
            .call_keyed("refund_payment", json!({ "payment_id": "pay_88213", "amount": 40 }), "decision-2")
            .is_new_effect()
    );
    let keys: Vec<_> = entries(&bench.conn).unwrap().into_iter().map(|entry| entry.idempotency_key).collect();
    assert_eq!(keys, [Some("decision-1".to_owned()), None, Some("decision-2".to_owned())]);
}

#[test]
fn a_key_is_not_good_for_another_call() {
    let mut bench = Bench::seeded();
    bench.call_keyed("refund_payment", json!({ "payment_id": "pay_88213", "amount": 100 }), "decision-1");
    for (tool, arguments) in [
        ("refund_payment", json!({ "payment_id": "pay_88213", "amount": 101 })),
        ("transfer_to_human_agents", json!({ "summary": "s" })),
    ] {
        let result = bench.call_keyed(tool, arguments, "decision-1");
        assert!(result.is_error);
        assert!(result.value.as_str().unwrap().contains("used for another call of `refund_payment`"));
    }
    assert_eq!(bench.effects(), 1);
}

#[test]
fn a_refused_call_does_not_use_its_key_up() {
    let mut bench = Bench::seeded();
    let too_much =
        bench.call_keyed("refund_payment", json!({ "payment_id": "pay_88213", "amount": 241 }), "decision-1");
    assert!(too_much.is_error);
    let right = bench.call_keyed("refund_payment", json!({ "payment_id": "pay_88213", "amount": 240 }), "decision-1");
    assert!(right.is_new_effect());
}

#[test]
fn a_key_has_a_length() {
    let mut bench = Bench::seeded();
    for key in [String::new(), "k".repeat(201)] {
        let result = bench.call_keyed("transfer_to_human_agents", json!({ "summary": "s" }), &key);
        assert!(result.is_error);
        assert!(result.value.as_str().unwrap().contains("1 to 200 bytes"));
    }
    assert_eq!(bench.effects(), 0);
}

#[test]
fn a_read_takes_no_notice_of_a_key() {
    let mut bench = Bench::seeded();
    let order = json!({ "order_id": "#W2611340" });
    let before = bench.call_keyed("get_order_details", order.clone(), "k");
    bench.done("refund_payment", json!({ "payment_id": "pay_88213", "amount": 1 }));
    assert_ne!(bench.call_keyed("get_order_details", order, "k").value, before.value);
}
