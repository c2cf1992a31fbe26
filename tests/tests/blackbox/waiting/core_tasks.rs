//! The tasks that revision 2025-11-25 has of its own, within a session.

use serde_json::{Value as Json, json};
use writ_tests::Desk;
use writ_tests::story::{NOTE, REFUND, note, refund};

use super::client::Session;

const REVISION: &str = "2025-11-25";
const OLDER_REVISION: &str = "2025-06-18";
const RELATED: &str = "io.modelcontextprotocol/related-task";
const WHY: &str = "ask the customer for a photo first";
const INVALID_PARAMS: i64 = -32_602;
const METHOD_NOT_FOUND: i64 = -32_601;

#[tokio::test]
async fn tasks_are_declared_in_the_revision_that_has_them() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let session = Session::open(&worker, REVISION).await;
    let declared = json!({ "list": {}, "cancel": {}, "requests": { "tools": { "call": {} } } });
    assert_eq!(session.introduced["capabilities"]["tasks"], declared);
    assert_eq!(support(&session, REFUND).await, json!("optional"));
    assert_eq!(support(&session, "knowledge_query").await, Json::Null);
    let query = json!({ "name": "knowledge_query", "arguments": { "sql": "SELECT 1" }, "task": {} });
    assert_eq!(session.error("tools/call", query).await["code"], METHOD_NOT_FOUND);

    let older = Session::open(&worker, OLDER_REVISION).await;
    assert_eq!(older.introduced["capabilities"].get("tasks"), None, "{}", older.introduced);
    assert_eq!(support(&older, REFUND).await, Json::Null);
    assert_eq!(older.error("tasks/list", json!({})).await["code"], METHOD_NOT_FOUND);
    // There the wish for a task is none that the revision knows.
    let call = json!({ "name": REFUND, "arguments": refund(240), "task": {} });
    let answer = older.result("tools/call", call).await;
    assert_eq!(answer["structuredContent"]["pending"]["status"], "pending", "{answer}");
}

#[tokio::test]
async fn a_result_is_waited_for_until_a_person_has_approved() {
    let desk = Desk::open().await;
    let session = Session::open(&desk.run().await, REVISION).await;
    let task = session.begin(REFUND, refund(240)).await;
    let looked = session.task(&task).await;
    assert_eq!((&looked["taskId"], &looked["status"]), (&json!(task), &json!("working")), "{looked}");
    assert!(looked.get("ttl") == Some(&Json::Null) && looked["pollInterval"].is_u64(), "{looked}");
    assert!(looked["statusMessage"].as_str().is_some_and(|message| message.contains("lea")), "{looked}");
    let other = session.begin(NOTE, note("on its way")).await;
    let listed = session.result("tasks/list", json!({})).await;
    let listed = listed["tasks"].as_array().expect("a list of tasks");
    let mut listed: Vec<&str> = listed.iter().map(|task| task["taskId"].as_str().unwrap()).collect();
    let mut begun = [task.as_str(), other.as_str()];
    listed.sort_unstable();
    begun.sort_unstable();
    assert_eq!(listed, begun);

    // The result is asked for first, and the approval comes while the request is open.
    let asked = session.result("tasks/result", json!({ "taskId": task }));
    let (result, _) = tokio::join!(asked, desk.lea.approve(&task));
    let decision = &result["structuredContent"]["decision"];
    assert_eq!((&result["isError"], &decision["status"]), (&json!(false), &json!("succeeded")), "{result}");
    assert_eq!((&result["_meta"][RELATED]["taskId"], result.get("resultType")), (&json!(task), None));
    assert_eq!(session.task(&task).await["status"], "completed");
    assert_eq!(session.result("tasks/result", json!({ "taskId": task })).await, result);
    assert_eq!(session.task(&other).await["status"], "working");
    let effects = desk.acme.effects();
    assert_eq!((effects.len(), &effects[0].arguments), (1, &refund(240)));
}

#[tokio::test]
async fn a_no_is_the_calls_result() {
    let desk = Desk::open().await;
    let session = Session::open(&desk.run().await, REVISION).await;
    let task = session.begin(REFUND, refund(240)).await;
    desk.lea.vote(&task, false, Some(WHY)).await.ok();
    let result = session.result("tasks/result", json!({ "taskId": task })).await;
    let decision = &result["structuredContent"]["decision"];
    assert_eq!((&decision["status"], &decision["note"]), (&json!("rejected"), &json!(WHY)));
    assert_eq!(result["isError"], true);
    desk.acme.nothing_was_done();
}

#[tokio::test]
async fn a_task_that_is_taken_back_can_be_approved_no_more() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let session = Session::open(&worker, REVISION).await;
    let task = session.begin(REFUND, refund(240)).await;
    let cancelled = session.result("tasks/cancel", json!({ "taskId": task })).await;
    assert_eq!((&cancelled["taskId"], &cancelled["status"]), (&json!(task), &json!("cancelled")), "{cancelled}");
    let again = session.error("tasks/cancel", json!({ "taskId": task })).await;
    assert_eq!((&again["code"], &again["data"]["code"]), (&json!(INVALID_PARAMS), &json!("decision_closed")));
    desk.lea.vote(&task, true, None).await.refused(409, "decision_closed");
    let result = session.result("tasks/result", json!({ "taskId": task })).await;
    let refused = &result["structuredContent"]["refused"];
    assert_eq!((&result["isError"], &refused["code"]), (&json!(true), &json!("decision_closed")), "{result}");
    assert!(desk.events(worker.run(), "intent_recorded").await.is_empty());
    desk.acme.nothing_was_done();
}

#[tokio::test]
async fn another_run_has_no_such_task() {
    let desk = Desk::open().await;
    let task = Session::open(&desk.run().await, REVISION).await.begin(REFUND, refund(240)).await;
    let foreign = Session::open(&desk.run().await, REVISION).await;
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        let error = foreign.error(method, json!({ "taskId": task })).await;
        assert_eq!((&error["code"], &error["data"]["code"]), (&json!(INVALID_PARAMS), &json!("unknown_name")));
        assert_eq!(error, foreign.error(method, json!({ "taskId": "d-0000000000" })).await, "as if there were none");
    }
    assert_eq!(foreign.result("tasks/list", json!({})).await["tasks"], json!([]));
    assert_eq!(desk.decision(&task).await["status"], "pending");
}

/// Whether a tool may be called as a task, as the session is told.
async fn support(session: &Session, tool: &str) -> Json {
    let listed = session.result("tools/list", json!({})).await;
    let found = listed["tools"].as_array().unwrap().iter().find(|listed| listed["name"] == tool);
    found.unwrap_or_else(|| panic!("no `{tool}` in {listed}"))["execution"]["taskSupport"].clone()
}
