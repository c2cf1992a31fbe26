//! What an integration answers to a read is looked at before anybody sees it: what does not pass leaves no trace, and
//! looks like a failure of the integration.

use serde_json::{Map, Value as Json, json};
use writ_core::code::Code;
use writ_core::digest::Digest;

use crate::consulting::{CANARY, Consulting};
use crate::play::Play;

fn order(customer: &str, total: f64, parcels: i64) -> Json {
    json!({ "customer_id": customer, "total": total, "parcels": parcels, "memo": "by hand" })
}

/// What of an order the tool's own schema declares: all that passes where the mission looks at results.
fn declared(order: &Json) -> Json {
    let mut declared = order.clone();
    declared.as_object_mut().unwrap().remove("memo");
    declared
}

fn own() -> Json {
    json!({ "customer_id": "c-1" })
}

fn orders(customer: &str) -> Json {
    json!({ "customer_id": customer, "state": "open", "total_max": 20, "page": 1 })
}

/// Answers of `get_order` that the mission does not let through, each with something that must not be seen.
fn answers_that_do_not_pass() -> Vec<(&'static str, Play)> {
    let structured = |result: Json| Play::structured(&result);
    let mut beyond_limits = order("c-1", 1.5, 101);
    beyond_limits["memo"] = json!(CANARY);
    // As many parcels as make the condition itself overflow.
    let mut overflows = order("c-1", 1.5, i64::MAX / 2);
    overflows["memo"] = json!(CANARY);
    let mut unreadable = order("c-1", 1.000_01, 1);
    unreadable["memo"] = json!(CANARY);
    vec![
        ("somebody else's", structured(order(CANARY, 1.5, 1))),
        ("beyond the limits", structured(beyond_limits)),
        ("the condition errs", structured(overflows)),
        ("a number that no condition can read", structured(unreadable)),
        ("a member of another type", structured(json!({ "customer_id": [CANARY], "total": 1, "parcels": 1 }))),
        ("a member is missing", structured(json!({ "customer_id": "c-1", "memo": CANARY }))),
        ("a text", structured(json!(CANARY))),
        ("a list", structured(json!([order("c-1", 1.5, 1), CANARY]))),
        ("nothing", structured(Json::Null)),
        ("an error", Play::error(CANARY)),
    ]
}

#[tokio::test]
async fn what_the_condition_holds_for_passes() {
    let consulting = Consulting::new().await;
    let result = order("c-1", 12.5, 2);
    consulting.will(Play::structured(&result));
    let message = consulting.passed("order", own()).await;
    assert_eq!(message["structuredContent"], declared(&result));
    let reads = consulting.reads().await;
    assert_eq!(reads, [("records.get_order".to_owned(), Digest::of_json(&message).unwrap(), false)]);
}

#[tokio::test]
async fn whatever_does_not_pass_looks_like_an_error_of_the_integration() {
    let consulting = Consulting::new().await;
    let mut told = Vec::new();
    for (what, play) in answers_that_do_not_pass() {
        consulting.will(play);
        told.push((what, consulting.refused("order", own()).await));
    }
    let (_, error) = told.last().unwrap().clone();
    assert_eq!(error.0, "result_withheld");
    for (what, told) in &told {
        assert_eq!(*told, error, "{what}");
    }
    // Each is recorded as a read of nothing, counts, and labels the run: it was asked, and that may tell something.
    let nothing = Digest::of_json(&Json::Null).unwrap();
    let reads = consulting.reads().await;
    assert_eq!(reads, vec![("records.get_order".to_owned(), nothing, true); told.len()]);
    let run = consulting.desk.run(&consulting.run).await;
    assert_eq!(run.reads, told.len() as u64);
    assert!(run.labels.contains("outside"));
    let refusals = consulting.desk.refusals(&consulting.run).await;
    assert_eq!(refusals.len(), told.len());
    for (_, code, reasons) in refusals {
        assert_eq!(code, Code::ResultWithheld);
        assert!(reasons.iter().all(|reason| reason.set == "result") && !reasons.is_empty(), "{reasons:?}");
    }
}

#[tokio::test]
async fn nothing_of_what_does_not_pass_is_on_the_rail() {
    let consulting = Consulting::new().await;
    for (what, play) in answers_that_do_not_pass() {
        consulting.will(play);
        let (_, message) = consulting.refused("order", own()).await;
        assert!(!message.contains(CANARY), "{what}: {message}");
        let rail = format!("{:?}", consulting.rail().await);
        assert!(!rail.contains(CANARY), "{what}: {rail}");
    }
}

#[tokio::test]
async fn a_text_beside_the_structured_content_says_nothing_else() {
    let consulting = Consulting::new().await;
    let result = order("c-1", 12.5, 2);
    let message = json!({
        "content": [
            { "type": "text", "text": CANARY },
            { "type": "image", "data": CANARY, "mimeType": "image/png" },
            { "type": "resource", "resource": { "uri": "letter://8", "text": CANARY } },
        ],
        "structuredContent": result, "isError": false, "_meta": { "more": CANARY }, "more": CANARY,
    });
    consulting.will(Play::beside(&result, &message));
    let passed = consulting.passed("order", own()).await;
    assert!(!passed.to_string().contains(CANARY), "{passed}");
    let result = declared(&result);
    assert_eq!((&passed["structuredContent"], &passed["isError"]), (&result, &json!(false)));
    assert_eq!(passed["content"].as_array().unwrap().len(), 1);
    assert_eq!(serde_json::from_str::<Json>(passed["content"][0]["text"].as_str().unwrap()).unwrap(), result);
}

#[tokio::test]
async fn only_the_fields_that_the_mission_names_pass() {
    let consulting = Consulting::new().await;
    let line = |name: &str| json!({ "name": name, "cost": CANARY });
    let result = json!({
        "orders": [
            { "id": "o-1", "card": CANARY, "lines": [line("lamp"), line("bulb"), CANARY] },
            { "id": "o-2", "lines": { "name": "chair", "note": CANARY } },
            { "card": CANARY },
        ],
        "next": CANARY,
    });
    consulting.will(Play::structured(&result));
    let passed = consulting.passed("records_list_orders", orders("c-1")).await;
    let lines = json!([{ "name": "lamp" }, { "name": "bulb" }]);
    let expected = json!({
        "orders": [{ "id": "o-1", "lines": lines }, { "id": "o-2", "lines": { "name": "chair" } }, {}],
    });
    assert_eq!(passed["structuredContent"], expected);
    assert!(!passed.to_string().contains(CANARY), "{passed}");
    assert_eq!(consulting.reads().await[0].1, Digest::of_json(&passed).unwrap(), "the record is of what was released");
    // An error has no fields.
    consulting.will(Play::error(CANARY));
    let (code, message) = consulting.refused("records_list_orders", orders("c-1")).await;
    assert_eq!((code.as_str(), message.contains(CANARY)), ("result_withheld", false));
}

/// Whoever declares the form of a result, the server or the operator: it is enforced, also where the mission says nothing.
#[tokio::test]
async fn a_result_of_another_form_than_declared_is_withheld() {
    let consulting = Consulting::new().await;
    let note = json!({ "note_id": "n-1" });
    let list = orders("c-1");
    for (tool, arguments, result, place) in [
        ("records_get_note", &note, json!({ "text": [CANARY] }), "/properties/text/type"),
        ("records_get_note", &note, json!({ "words": CANARY }), "/required"),
        ("records_list_orders", &list, json!({ "orders": CANARY }), "/properties/orders/type"),
        ("records_list_orders", &list, json!({ "orders": [{ "id": [CANARY] }] }), "/properties/orders/items"),
    ] {
        consulting.will(Play::structured(&result));
        let (code, message) = consulting.refused(tool, arguments.clone()).await;
        assert_eq!((code.as_str(), message.contains(CANARY)), ("result_withheld", false), "{result}");
        let refusals = consulting.desk.refusals(&consulting.run).await;
        let (_, _, reasons) = refusals.last().unwrap();
        assert!(reasons[0].detail.contains(place), "{reasons:?}");
        assert!(!format!("{:?}", consulting.rail().await).contains(CANARY));
    }
    consulting.will(Play::structured(&json!({ "text": "It rained.", "more": 1 })));
    let passed = consulting.passed("records_get_note", note).await;
    assert_eq!(passed["structuredContent"], json!({ "text": "It rained.", "more": 1 }));
}

#[tokio::test]
async fn an_error_of_a_read_that_nobody_looks_at_passes() {
    let consulting = Consulting::new().await;
    consulting.will(Play::error("no such thing"));
    let passed = consulting.passed("records_find", json!({ "text": "lamp" })).await;
    assert_eq!((&passed["isError"], &passed["content"][0]["text"]), (&json!(true), &json!("no such thing")));
    let reads = consulting.reads().await;
    assert_eq!(reads, [("records.find".to_owned(), Digest::of_json(&passed).unwrap(), true)]);
}

#[tokio::test]
async fn a_form_is_shown_where_it_holds() {
    let consulting = Consulting::new().await;
    let tools = consulting.desk.engine.worker_tools(&consulting.run).await.unwrap();
    let form = |name: &str| -> Option<Map<String, Json>> {
        tools.iter().find(|tool| tool.name == name).unwrap().output_schema.clone()
    };
    assert_eq!(form("order").unwrap()["required"], json!(["customer_id", "total", "parcels"]));
    assert_eq!(form("records_get_note").unwrap()["required"], json!(["text"]), "the operator's own");
    assert_eq!(form("records_list_orders"), None, "of this, only some fields pass");
    assert_eq!(form("records_find"), None);
}
