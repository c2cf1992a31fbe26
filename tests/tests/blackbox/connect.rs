//! `writ connect`: an agent that speaks MCP over standard input and output alone.

use serde_json::{Value as Json, json};
use writ_tests::story::{NOTE, ORDER, note};
use writ_tests::{Desk, Worker, program};

#[tokio::test]
async fn an_agent_on_pipes_reads_proposes_and_leaves() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let call = |id: u64, tool: &str, arguments: Json| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": tool, "arguments": arguments } });
    let said = connected(
        &desk,
        &worker,
        &[
            initialize(),
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
            json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }),
            call(3, "knowledge_query", json!({ "sql": "SELECT order_id FROM shop.orders" })),
            call(4, NOTE, note("hello")),
            call(5, "shop_cancel_pending_order", json!({ "order_id": ORDER, "reason": "no longer needed" })),
        ],
    )
    .await;
    let answers = said.json_lines();
    let answer = |id: u64| answers.iter().find(|answer| answer["id"] == id).expect("an answer");
    assert_eq!(answer(1)["result"]["protocolVersion"], "2025-06-18", "{answers:?}");
    assert_eq!(answer(2)["result"]["tools"].as_array().unwrap().len(), 9);
    assert_eq!(answer(3)["result"]["structuredContent"]["rows"], json!([[ORDER]]));
    assert_eq!(answer(4)["result"]["structuredContent"]["pending"]["status"], "pending");
    assert_eq!(answer(5)["result"]["structuredContent"]["refused"]["code"], "unknown_name");
    assert_eq!(answers.len(), 5, "the notification has no answer");
    assert_eq!(desk.lea.decisions("open").await.len(), 1);
    assert!(!format!("{answers:?}").contains(worker.token()), "the token stays with the bridge");
}

#[tokio::test]
async fn what_keeps_an_agent_out_is_told() {
    let mut desk = Desk::open().await;
    let worker = desk.run().await;
    let said = connected(&desk, &worker.with_token("none"), &[initialize()]).await;
    assert_eq!(said.code, Some(1));
    let answers = program::lines(&said.stdout);
    assert!(answers[0]["error"]["message"].as_str().unwrap().contains("token"), "{answers:?}");

    let words = ["connect", worker.run(), "--workspace", desk.acme.word()];
    let mut command = program::command("writ");
    command.args(words).env_remove("WRIT_TOKEN");
    let why = program::end(command, "").await.refused();
    assert!(why.contains("WRIT_TOKEN"), "{why}");
    desk.server.terminate().await;
    let why = connected(&desk, &worker, &[]).await.refused();
    assert!(why.contains("no server is running"), "{why}");
}

fn initialize() -> Json {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": { "name": "an agent on pipes", "version": "1" },
    } })
}

/// The bridge of a run, until the agent has said all of this and had its answers.
async fn connected(desk: &Desk, worker: &Worker, messages: &[Json]) -> program::Said {
    let mut command = program::command("writ");
    command.args(["connect", worker.run(), "--workspace", desk.acme.word()]).env("WRIT_TOKEN", worker.token());
    let input: String = messages.iter().map(|message| format!("{message}\n")).collect();
    program::end(command, &input).await
}
