//! A call that does not fit its tool's arguments is refused before anything is read.

use serde_json::{Value, json};

use crate::bench::Bench;

#[test]
fn unknown_missing_and_extra_are_told_apart() {
    let mut bench = Bench::small();
    for (tool, arguments, reason) in [
        ("refund", json!({}), "no tool is called `refund`"),
        ("get_order_details", json!({}), "`order_id` is missing"),
        (
            "get_order_details",
            json!({ "order_id": "#W1", "verbose": true }),
            "`verbose` is no argument of `get_order_details`; it takes `order_id`",
        ),
        ("list_all_product_types", json!({ "page": 1 }), "it takes no arguments"),
        ("get_order_details", json!({ "order_id": 1 }), "`order_id` of `get_order_details` must be text"),
        ("get_order_details", json!({ "order_id": null }), "must be text"),
        ("get_order_details", json!({ "order_id": "x".repeat(4_001) }), "at most 4000"),
        (
            "cancel_pending_order",
            json!({ "order_id": "#W1", "reason": "changed my mind" }),
            "`no longer needed`, `ordered by mistake`",
        ),
        (
            "return_delivered_order_items",
            json!({ "order_id": "#W2", "item_ids": [], "payment_method_id": "card" }),
            "a list of 1 to 50 texts",
        ),
        (
            "return_delivered_order_items",
            json!({ "order_id": "#W2", "item_ids": ["mug10", 7], "payment_method_id": "card" }),
            "a list of 1 to 50 texts",
        ),
        (
            "return_delivered_order_items",
            json!({ "order_id": "#W2", "item_ids": "mug10", "payment_method_id": "card" }),
            "a list of 1 to 50 texts",
        ),
    ] {
        let told = bench.refused(tool, arguments);
        assert!(told.contains(reason), "{tool}: {told}");
    }
}

#[test]
fn ids_that_do_not_exist_are_refused_with_a_way_out() {
    let mut bench = Bench::small();
    let address = json!({
        "address1": "9 Elm Terrace", "address2": "", "city": "Austin", "state": "TX", "country": "USA", "zip": "78701"
    });
    let with = |name: &str, id: &str| {
        let mut arguments = address.as_object().unwrap().clone();
        arguments.insert(name.to_owned(), Value::from(id));
        Value::Object(arguments)
    };
    for (tool, arguments, reason) in [
        ("get_order_details", json!({ "order_id": "W1" }), "with the `#`"),
        ("get_user_details", json!({ "user_id": "nobody" }), "find it by e-mail"),
        ("get_product_details", json!({ "product_id": "mug10" }), "list the product types"),
        ("find_user_id_by_email", json!({ "email": "x@example.com" }), "search by name"),
        (
            "find_user_id_by_name_zip",
            json!({ "first_name": "Ada", "last_name": "Birch", "zip": "1" }),
            "search by e-mail",
        ),
        ("modify_user_address", with("user_id", "nobody"), "no customer has the id"),
        ("modify_pending_order_address", with("order_id", "#W9"), "no order has the id"),
        ("refund_payment", json!({ "payment_id": "pay_9", "amount": 1 }), "no payment has the id"),
    ] {
        let told = bench.refused(tool, arguments);
        assert!(told.contains(reason), "{tool}: {told}");
    }
}

#[test]
fn customers_are_found_whatever_the_case_of_letters() {
    let mut bench = Bench::small();
    assert_eq!(bench.done("find_user_id_by_email", json!({ "email": "ADA@Example.com" })), "cu");
    let name = json!({ "first_name": "aDA", "last_name": "BIRCH", "zip": "80279" });
    assert_eq!(bench.done("find_user_id_by_name_zip", name), "cu");
}

#[test]
fn messages_go_to_any_address_but_not_to_nonsense() {
    let mut bench = Bench::small();
    for to in ["", "ada", "@example.com", "ada@", "a@b@c", "ada@example.com\nBcc: x@y", "a da@example.com"] {
        let told = bench.refused("notify_customer", json!({ "to": to, "subject": "s", "body": "b" }));
        assert!(told.contains("no e-mail address"), "{told}");
    }
    let two_lines = json!({ "to": "ada@example.com", "subject": "a\nb", "body": "" });
    assert!(bench.refused("notify_customer", two_lines).contains("single line"));

    let sent = json!({ "to": "stranger@example.org", "subject": "Hello", "body": "two\nlines" });
    assert_eq!(
        bench.done("notify_customer", sent),
        json!({ "message_id": 1, "to": "stranger@example.org", "subject": "Hello" })
    );
    assert_eq!(bench.number("SELECT count(*) FROM messages WHERE body = 'two' || char(10) || 'lines'"), 1);
    assert_eq!(bench.effects(), 1);
}

#[test]
fn a_new_default_address_leaves_orders_alone() {
    let mut bench = Bench::small();
    let moved = json!({
        "user_id": "cu", "address1": "9 Elm Terrace", "address2": "B", "city": "Austin", "state": "TX",
        "country": "USA", "zip": "78701"
    });
    let customer = bench.done("modify_user_address", moved);
    assert_eq!(customer["address"]["city"], "Austin");
    assert_eq!(customer["payment_methods"]["gift"], json!({ "source": "gift_card", "balance": 50, "id": "gift" }));
    assert_eq!(customer["orders"], json!(["#W1", "#W2", "#W3", "#W4", "#W5"]));
    let order = bench.done("get_order_details", json!({ "order_id": "#W1" }));
    assert_eq!(order["address"]["city"], "Denver");
}
