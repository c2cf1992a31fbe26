//! What a worker is shown of its tools: the names that the mission gives, and schemas with the limits that it sets, as
//! they are for this run.

use serde_json::{Map, Value as Json, json};
use writ_engine::view::{WorkerAccess, WorkerTool};

use crate::consulting::Consulting;
use crate::desk::Desk;
use crate::play::Play;

async fn tool(desk: &Desk, run: &WorkerAccess, name: &str) -> WorkerTool {
    let tools = desk.engine.worker_tools(run).await.unwrap();
    tools.into_iter().find(|tool| tool.name == name).unwrap()
}

fn properties(tool: &WorkerTool) -> &Map<String, Json> {
    tool.input_schema["properties"].as_object().unwrap()
}

#[tokio::test]
async fn a_schema_shows_the_limits_of_this_run() {
    let consulting = Consulting::new().await;
    let list = tool(&consulting.desk, &consulting.run, "records_list_orders").await;
    let shown = properties(&list);
    assert_eq!(shown["customer_id"], json!({ "type": "string", "const": "c-1" }));
    let states = shown["state"]["enum"].as_array().unwrap();
    assert!(states.len() == 2 && ["open", "shut"].iter().all(|state| states.contains(&json!(state))), "{states:?}");
    assert_eq!(shown["total_max"], json!({ "type": "number", "maximum": 250.5 }));
    assert_eq!(shown["page"], json!({ "type": "integer", "minimum": 1 }));
    assert_eq!(shown["writ_reason"]["type"], "string");
    assert!(list.description.contains("Allowed when: context.input.customer_id == context.mission.customer"));
    // A run for another case has other limits.
    let another = consulting.another_run("k-2").await;
    let list = tool(&consulting.desk, &another, "records_list_orders").await;
    assert_eq!(properties(&list)["customer_id"]["const"], "c-2");
}

#[tokio::test]
async fn a_pattern_stands_for_what_is_like_it() {
    let consulting = Consulting::new().await;
    let shown = tool(&consulting.desk, &consulting.run, "records_get_note").await;
    let schema = Json::Object(shown.input_schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (note, fits) in [("n-1", true), ("n-", true), ("m-1", false), ("", false), ("xn-1", false)] {
        assert_eq!(validator.is_valid(&json!({ "note_id": note })), fits, "{note} in {schema}");
    }
}

/// What a condition says of facts is not known before the call, and does not show.
#[tokio::test]
async fn a_fact_does_not_show() {
    let consulting = Consulting::new().await;
    let notify = tool(&consulting.desk, &consulting.run, "pay_notify").await;
    assert_eq!(properties(&notify)["to"], json!({ "type": "string" }));
    assert!(!serde_json::to_string(&notify).unwrap().contains("one@example.com"));
}

/// A schema decides nothing.
#[tokio::test]
async fn a_call_beyond_the_limits_is_refused_as_ever() {
    let consulting = Consulting::new().await;
    let within = json!({ "customer_id": "c-1", "state": "open", "total_max": 250.5, "page": 1 });
    for (argument, value) in
        [("customer_id", json!("c-2")), ("state", json!("lost")), ("total_max", json!(250.5001)), ("page", json!(0))]
    {
        let mut beyond = within.clone();
        beyond[argument] = value;
        let (code, _) = consulting.refused("records_list_orders", beyond).await;
        assert_eq!(code, "not_permitted", "{argument}");
    }
    assert_eq!(consulting.desk.upstream().reads(), 0);
    consulting.will(Play::structured(&json!({ "orders": [] })));
    consulting.passed("records_list_orders", within).await;
}

#[tokio::test]
async fn a_tool_has_the_name_that_the_mission_gives_and_no_other() {
    let consulting = Consulting::new().await;
    let tools = consulting.desk.engine.worker_tools(&consulting.run).await.unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert!(names.contains(&"order") && !names.contains(&"records_get_order"), "{names:?}");
    let unknown = consulting.refused("nothing", json!({ "customer_id": "c-1" })).await;
    assert_eq!(unknown.0, "unknown_name");
    for name in ["records_get_order", "get_order", "records.get_order", "Order"] {
        let (code, message) = consulting.refused(name, json!({ "customer_id": "c-1" })).await;
        assert_eq!((code, message.replace(name, "nothing")), unknown, "{name}");
    }
    assert_eq!(consulting.desk.upstream().reads(), 0);
    // People see what it is at the integration.
    consulting.will(Play::structured(&json!({ "customer_id": "c-1", "total": 1, "parcels": 1 })));
    consulting.passed("order", json!({ "customer_id": "c-1" })).await;
    assert_eq!(consulting.reads().await[0].0, "records.get_order");
}
