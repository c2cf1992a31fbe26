//! What a client is told of the tools, and that the classes are honest.

use serde_json::{Value, json};
use shop::tools;

use crate::bench::Bench;

/// Name, class, arguments. A change here changes what a gateway has to classify.
const EXPECTED: &str = "\
find_user_id_by_email: read (email)
find_user_id_by_name_zip: read (first_name, last_name, zip)
get_user_details: read (user_id)
get_order_details: read (order_id)
get_product_details: read (product_id)
list_all_product_types: read ()
calculate: read (expression)
cancel_pending_order: effect (order_id, reason)
modify_pending_order_address: effect (order_id, address1, address2, city, state, country, zip)
modify_pending_order_payment: effect (order_id, payment_method_id)
modify_pending_order_items: effect (order_id, item_ids, new_item_ids, payment_method_id)
modify_user_address: effect (user_id, address1, address2, city, state, country, zip)
return_delivered_order_items: effect (order_id, item_ids, payment_method_id)
exchange_delivered_order_items: effect (order_id, item_ids, new_item_ids, payment_method_id)
refund_payment: effect (payment_id, amount)
notify_customer: effect (to, subject, body)
transfer_to_human_agents: effect (summary)
";

#[test]
fn the_list_of_tools_is_as_written_down() {
    let mut found = String::new();
    for tool in tools() {
        let class = if tool.read_only { "read" } else { "effect" };
        let arguments: Vec<&str> =
            tool.input_schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        found.push_str(&format!("{}: {class} ({})\n", tool.name, arguments.join(", ")));
    }
    assert_eq!(found, EXPECTED);
}

#[test]
fn every_schema_is_closed_and_complete() {
    for tool in tools() {
        let schema = &tool.input_schema;
        assert_eq!(schema["type"], "object", "{}", tool.name);
        assert_eq!(schema["additionalProperties"], false, "{}", tool.name);
        let properties = schema["properties"].as_object().unwrap();
        let names: Vec<Value> = properties.keys().cloned().map(Value::from).collect();
        assert_eq!(schema["required"], Value::from(names), "{}", tool.name);
        for (name, property) in properties {
            assert!(property["type"].is_string(), "{}.{name}", tool.name);
            assert!(property["description"].is_string(), "{}.{name}", tool.name);
        }
        assert!(!tool.description.contains("  "), "{}", tool.name);
    }
}

/// One call of each tool that succeeds in the small shop, in an order in which all of them can.
fn one_call_each() -> Vec<(&'static str, Value)> {
    let address = |name: &str, id: &str| {
        json!({
            name: id, "address1": "9 Elm Terrace", "address2": "", "city": "Austin", "state": "TX",
            "country": "USA", "zip": "78701"
        })
    };
    vec![
        ("find_user_id_by_email", json!({ "email": "ada@example.com" })),
        ("find_user_id_by_name_zip", json!({ "first_name": "Ada", "last_name": "Birch", "zip": "80279" })),
        ("get_user_details", json!({ "user_id": "cu" })),
        ("get_order_details", json!({ "order_id": "#W1" })),
        ("get_product_details", json!({ "product_id": "mug" })),
        ("list_all_product_types", json!({})),
        ("calculate", json!({ "expression": "1 + 1" })),
        ("modify_pending_order_address", address("order_id", "#W1")),
        ("modify_pending_order_payment", json!({ "order_id": "#W1", "payment_method_id": "pal" })),
        (
            "modify_pending_order_items",
            json!({
                "order_id": "#W1", "item_ids": ["mug10"], "new_item_ids": ["mug15"], "payment_method_id": "card"
            }),
        ),
        ("cancel_pending_order", json!({ "order_id": "#W3", "reason": "ordered by mistake" })),
        ("modify_user_address", address("user_id", "cu")),
        ("refund_payment", json!({ "payment_id": "pay_2", "amount": 0.5 })),
        (
            "return_delivered_order_items",
            json!({ "order_id": "#W2", "item_ids": ["lamp60"], "payment_method_id": "card" }),
        ),
        ("notify_customer", json!({ "to": "ada@example.com", "subject": "s", "body": "b" })),
        ("transfer_to_human_agents", json!({ "summary": "s" })),
    ]
}

#[test]
fn a_read_leaves_no_trace_and_an_effect_exactly_one_row() {
    let mut bench = Bench::small();
    let tools = tools();
    for (name, arguments) in one_call_each() {
        let tool = tools.iter().find(|tool| tool.name == name).unwrap();
        let before = (shop::dump(&bench.conn).unwrap(), bench.effects());
        let result = bench.done(name, arguments.clone());
        if tool.read_only {
            assert_eq!((shop::dump(&bench.conn).unwrap(), bench.effects()), before, "{name}");
        } else {
            assert_eq!(bench.effects(), before.1 + 1, "{name}");
            let entry = shop::entries(&bench.conn).unwrap().pop().unwrap();
            assert_eq!((entry.tool.as_str(), &entry.arguments), (name, &arguments));
        }
        if let Some(schema) = &tool.output_schema {
            for member in schema["required"].as_array().unwrap() {
                assert!(result.get(member.as_str().unwrap()).is_some(), "{name} lacks {member}");
            }
        } else {
            assert!(result.is_string(), "{name}");
        }
    }
}

#[test]
fn every_tool_is_called_by_some_test_here() {
    let mut called: Vec<&str> = one_call_each().into_iter().map(|(name, _)| name).collect();
    // An order takes a return or an exchange, so the second stands in a test of its own.
    called.push("exchange_delivered_order_items");
    let mut names: Vec<&str> = tools().iter().map(|tool| tool.name).collect();
    called.sort_unstable();
    names.sort_unstable();
    assert_eq!(called, names);
}
