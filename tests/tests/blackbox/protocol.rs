//! MCP as workers speak it: clients of two revisions, without a session, with the mission's tools and no others.

use serde_json::{Value as Json, json};
use writ_tests::story::{NOTE, ORDER, REFUND};
use writ_tests::worker::REVISION;
use writ_tests::{Desk, Worker};

const OLD_REVISION: &str = "2025-06-18";
/// Writ's own tools and those of the mission, in the order in which they are listed.
const TOOLS: [&str; 9] = [
    "knowledge_query",
    "knowledge_search",
    "knowledge_describe",
    "observe",
    "decision_wait",
    "run_status",
    "conclude",
    NOTE,
    REFUND,
];

#[tokio::test]
async fn a_client_of_2025_06_18_is_served() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let (status, opened) = old(&worker, &initialize(OLD_REVISION)).await;
    assert_eq!((status, &opened["result"]["protocolVersion"]), (200, &json!(OLD_REVISION)), "{opened}");
    assert_eq!(opened["result"]["serverInfo"]["name"], "writ");
    assert!(opened["result"]["capabilities"]["tools"].is_object(), "{opened}");
    assert!(opened["result"]["instructions"].as_str().unwrap().contains("decision_wait"), "{opened}");
    assert_eq!(opened["result"]["_meta"]["writ.dev/run"]["run"], worker.run());

    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(old(&worker, &initialized).await, (202, Json::Null));
    let (_, listed) = old(&worker, &json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" })).await;
    assert_eq!(names(&listed), TOOLS);
    let query = json!({ "name": "knowledge_query", "arguments": { "sql": "SELECT order_id FROM shop.orders" } });
    let call = json!({ "jsonrpc": "2.0", "id": "three", "method": "tools/call", "params": query });
    let (_, answer) = old(&worker, &call).await;
    assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!("three"), &json!(false)));
    assert_eq!(answer["result"]["structuredContent"]["rows"], json!([[ORDER]]));
    let (_, pong) = old(&worker, &json!({ "jsonrpc": "2.0", "id": 4, "method": "ping" })).await;
    assert_eq!(pong, json!({ "jsonrpc": "2.0", "id": 4, "result": {} }));
    let attached = desk.events(worker.run(), "worker_attached").await;
    assert_eq!(attached[0]["client"], "old client 0.9");
}

#[tokio::test]
async fn a_client_of_2026_07_28_is_served() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let found = worker.ask("server/discover", json!({})).await;
    let revisions = found["result"]["supportedVersions"].as_array().unwrap();
    assert!(revisions.contains(&json!(REVISION)) && revisions.contains(&json!(OLD_REVISION)), "{found}");
    let listed = worker.ask("tools/list", json!({})).await;
    assert_eq!(names(&listed), TOOLS);
    for tool in listed["result"]["tools"].as_array().unwrap() {
        let schema = &tool["inputSchema"];
        assert_eq!((&schema["type"], &schema["additionalProperties"]), (&json!("object"), &json!(false)), "{tool}");
        let ours = !tool["name"].as_str().unwrap().starts_with("shop_");
        assert_eq!(schema["properties"]["writ_reason"].is_object(), !ours, "{tool}");
        assert!(!tool["description"].as_str().unwrap().is_empty(), "{tool}");
    }
    let tool = |name: &str| {
        let tools = listed["result"]["tools"].as_array().unwrap();
        tools.iter().find(|tool| tool["name"] == name).unwrap()
    };
    assert_eq!(tool("knowledge_query")["annotations"]["readOnlyHint"], true);
    assert_eq!(tool(REFUND)["annotations"]["readOnlyHint"], false);
    let told = tool(REFUND)["description"].as_str().unwrap();
    assert!(told.contains("a person decides") && told.contains("context.facts.refundable"), "{told}");
    assert_eq!(tool("conclude")["inputSchema"]["properties"]["verdict"]["required"][0], "outcome");
}

#[tokio::test]
async fn revisions_are_agreed_on_and_headers_agree_with_bodies() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    // A client that knows only what nobody else knows is offered something else.
    let (_, opened) = sent(worker.post(&initialize("1999-01-01").to_string())).await;
    let offered = opened["result"]["protocolVersion"].as_str().unwrap();
    assert!(offered.starts_with("2025-"), "{opened}");
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let request = worker.post(&list.to_string()).header("mcp-protocol-version", "1999-01-01");
    assert_eq!(sent(request).await.0, 400);

    let lying = worker.request("tools/list", None, json!({})).header("mcp-method", "tools/call");
    let (status, answer) = sent(lying).await;
    assert_eq!(status, 400, "{answer}");
    let params = json!({ "name": "observe", "arguments": { "text": "said under another name" } });
    let (status, answer) = sent(worker.request("tools/call", Some("conclude"), params)).await;
    assert_eq!(status, 400, "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("observe"), "{answer}");
    assert!(desk.events(worker.run(), "claimed").await.is_empty());

    let (_, answer) = sent(worker.request("resources/list", None, json!({}))).await;
    assert_eq!(answer["result"]["resources"], json!([]), "this mission has none: {answer}");
    let (_, answer) = sent(worker.request("no/such/method", None, json!({}))).await;
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
}

#[tokio::test]
async fn a_tool_of_another_mission_is_as_unknown_as_one_that_does_not_exist() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let call = async |tool: &str| {
        let arguments = json!({ "order_id": ORDER, "reason": "no longer needed" });
        worker.call(tool, arguments).await.refused("unknown_name").replace(tool, "?")
    };
    let outside = call("shop_cancel_pending_order").await;
    for other in ["shop_get_order_details", "shop_no_such_tool", "shop.refund_payment", "writ_approve"] {
        assert_eq!(call(other).await, outside);
    }
    assert_eq!(desk.events(worker.run(), "refused").await.len(), 5);
    desk.acme.nothing_was_done();
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_refused_and_change_nothing() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let bad = [
        (REFUND, json!({ "payment_id": "pay_88213" })),
        (REFUND, json!({ "payment_id": "pay_88213", "amount": "240" })),
        (REFUND, json!({ "payment_id": "pay_88213", "amount": 240, "to": "another card" })),
        (REFUND, json!({ "payment_id": 88213, "amount": 240 })),
        // Money is never rounded.
        (REFUND, json!({ "payment_id": "pay_88213", "amount": 10.00001 })),
        (REFUND, json!({ "payment_id": "pay_88213", "amount": 0 })),
        (REFUND, json!({ "payment_id": "pay_88213", "amount": -1 })),
        (REFUND, json!({ "payment_id": "pay_88213", "amount": 1e300 })),
        ("knowledge_query", json!({})),
        ("knowledge_query", json!({ "sql": 7 })),
        ("knowledge_query", json!({ "sql": "SELECT 1", "limit": 7 })),
        ("knowledge_search", json!({ "collection": "handbook.policies", "text": "refund", "limit": -1 })),
        ("observe", json!({ "text": "x".repeat(4_001) })),
        ("decision_wait", json!({ "decision": "d-1", "seconds": "long" })),
        ("conclude", json!({ "verdict": "refunded" })),
    ];
    let many = bad.len();
    for (tool, arguments) in bad {
        let message = worker.call(tool, arguments.clone()).await.refused("bad_arguments");
        assert!(!message.is_empty(), "{tool} {arguments}");
    }
    let run = desk.run_view(worker.run()).await;
    assert_eq!((&run["refused"], &run["proposals"]), (&json!(many), &json!(0)));
    assert_eq!((&run["reads"], &run["status"]), (&json!(0), &json!("running")));
    worker.call("decision_wait", json!({ "decision": "d-0000000000" })).await.refused("decision_unknown");
}

fn initialize(revision: &str) -> Json {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": revision,
        "capabilities": {},
        "clientInfo": { "name": "old client", "version": "0.9" },
    } })
}

fn names(listed: &Json) -> Vec<&str> {
    let tools = listed["result"]["tools"].as_array().unwrap_or_else(|| panic!("no tools: {listed}"));
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

async fn old(worker: &Worker, message: &Json) -> (u16, Json) {
    sent(worker.post(&message.to_string()).header("mcp-protocol-version", OLD_REVISION)).await
}

async fn sent(request: reqwest::RequestBuilder) -> (u16, Json) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    // Within a session the answer is the last message of a stream.
    let last = text.lines().rev().find_map(|line| line.strip_prefix("data:")).unwrap_or(&text).trim();
    (status, if last.is_empty() { Json::Null } else { serde_json::from_str(last).unwrap() })
}
