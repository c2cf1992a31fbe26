//! Tasks by the extension of revision 2026-07-28.

use serde_json::json;
use writ_tests::Desk;
use writ_tests::story::{NOTE, REFUND, note, refund};

use super::client::Client;

const WHY: &str = "ask the customer for a photo first";
const INVALID_PARAMS: i64 = -32_602;
const MISSING_CAPABILITY: i64 = -32_021;

#[tokio::test]
async fn a_task_outlives_the_server_and_completes_with_one_effect() {
    let mut desk = Desk::open().await;
    let client = Client::with_tasks(&desk.run().await);
    let task = client.begin(REFUND, refund(240)).await;
    assert_eq!(desk.decision(&task).await["status"], "pending", "the task is the decision");
    let before = client.task(&task).await;
    assert_eq!((&before["taskId"], &before["status"]), (&json!(task), &json!("working")), "{before}");
    let message = before["statusMessage"].as_str().expect("a message");
    assert!(message.contains("waits for 1 approval") && message.ends_with("can decide: lea"), "{message}");
    assert!(before.get("result").is_none(), "{before}");

    desk.server.kill().await;
    desk.restart().await;
    let client = client.at(desk.address());
    assert_eq!(client.task(&task).await, before);
    desk.acme.nothing_was_done();

    desk.lea.approve(&task).await;
    let done = client.ended(&task).await;
    assert_eq!((&done["status"], &done["result"]["isError"]), (&json!("completed"), &json!(false)), "{done}");
    let content = &done["result"]["structuredContent"];
    assert_eq!((&content["decision"]["decision"], &content["decision"]["status"]), (&json!(task), &json!("succeeded")));
    let effects = desk.acme.effects();
    assert_eq!((effects.len(), &effects[0].arguments), (1, &refund(240)));

    // What is done is told again, and can be taken back no more.
    let repeated = client.call(REFUND, refund(240)).await;
    assert_eq!(&repeated["structuredContent"], content);
    client.result("tasks/cancel", json!({ "taskId": task })).await;
    assert_eq!(client.task(&task).await["status"], "completed");
    assert_eq!(desk.acme.effects().len(), 1);
}

#[tokio::test]
async fn a_no_is_a_completed_call_that_failed_with_the_reason() {
    let desk = Desk::open().await;
    let client = Client::with_tasks(&desk.run().await);
    let task = client.begin(REFUND, refund(240)).await;
    desk.lea.vote(&task, false, Some(WHY)).await.ok();
    let done = client.task(&task).await;
    assert_eq!((&done["status"], &done["result"]["isError"]), (&json!("completed"), &json!(true)), "{done}");
    let decision = &done["result"]["structuredContent"]["decision"];
    assert_eq!((&decision["status"], &decision["note"]), (&json!("rejected"), &json!(WHY)));
    let text = done["result"]["content"][0]["text"].as_str().expect("text for clients that only show text");
    assert!(text.contains(WHY), "{text}");
    assert!(done.get("error").is_none(), "{done}");
    desk.acme.nothing_was_done();
}

#[tokio::test]
async fn a_task_that_is_taken_back_can_be_approved_no_more() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let client = Client::with_tasks(&worker);
    let task = client.begin(REFUND, refund(240)).await;
    let taken_back = client.result("tasks/cancel", json!({ "taskId": task })).await;
    assert_eq!(taken_back["resultType"], "complete");
    let cancelled = client.task(&task).await;
    assert_eq!((&cancelled["status"], cancelled.get("result")), (&json!("cancelled"), None), "{cancelled}");
    assert_eq!(desk.decision(&task).await["status"], "withdrawn");
    desk.lea.vote(&task, true, None).await.refused(409, "decision_closed");
    // Once is enough.
    client.result("tasks/cancel", json!({ "taskId": task })).await;
    assert_eq!(desk.events(worker.run(), "decision_withdrawn").await.len(), 1);
    // Asked for again it is another decision, and no vote on the first one counts for it.
    let again = client.begin(REFUND, refund(240)).await;
    assert_ne!(again, task);
    assert!(desk.events(worker.run(), "intent_recorded").await.is_empty());
    desk.acme.nothing_was_done();
}

#[tokio::test]
async fn another_run_has_no_such_task() {
    let desk = Desk::open().await;
    let client = Client::with_tasks(&desk.run().await);
    let task = client.begin(REFUND, refund(240)).await;
    // Even one of the same worker, for the same person and the same case.
    let other = desk.run().await;
    let foreign = Client::with_tasks(&other);
    for (method, more) in
        [("tasks/get", json!({})), ("tasks/update", json!({ "inputResponses": {} })), ("tasks/cancel", json!({}))]
    {
        let of = |task: &str| {
            let mut params = more.clone();
            params["taskId"] = json!(task);
            params
        };
        let error = foreign.error(method, of(&task)).await;
        assert_eq!((&error["code"], &error["data"]["code"]), (&json!(INVALID_PARAMS), &json!("unknown_name")));
        assert_eq!(error, foreign.error(method, of("d-0000000000")).await, "as if there were none");
    }
    assert_eq!(desk.events(other.run(), "refused").await.len(), 6);
    assert_eq!(desk.decision(&task).await["status"], "pending");
    assert_eq!(client.task(&task).await["status"], "working");
}

#[tokio::test]
async fn a_workers_own_input_counts_for_nothing() {
    let desk = Desk::open().await;
    let client = Client::with_tasks(&desk.run().await);
    let task = client.begin(REFUND, refund(240)).await;
    let responses = json!({ "decision": { "action": "accept", "content": { "approve": true } } });
    let error = client.error("tasks/update", json!({ "taskId": task, "inputResponses": responses })).await;
    assert_eq!((&error["code"], &error["data"]["code"]), (&json!(INVALID_PARAMS), &json!("bad_arguments")));
    assert!(error["message"].as_str().is_some_and(|message| message.contains("waits for a person")), "{error}");
    let decision = desk.decision(&task).await;
    assert_eq!((&decision["status"], &decision["votes"]), (&json!("pending"), &json!([])));
    desk.acme.nothing_was_done();
}

#[tokio::test]
async fn what_a_client_can_take_makes_the_answer_and_not_the_decision() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let task = Client::with_tasks(&worker).begin(NOTE, note("hello")).await;
    let plain = Client::plain(&worker);
    let pending = plain.call(NOTE, note("hello")).await;
    assert_eq!(pending["structuredContent"]["pending"]["decision"], json!(task), "{pending}");
    let asked = Client::with_pages(&worker).call(NOTE, note("hello")).await;
    let url = asked["inputRequests"]["decision"]["params"]["url"].as_str().expect("an address");
    assert!(url.ends_with(&format!("/decisions/{task}")), "{url}");
    assert_eq!(desk.lea.decisions("all").await.len(), 1);

    // A client that has not said that it follows tasks is told what it would have to say.
    let error = plain.error("tasks/get", json!({ "taskId": task })).await;
    assert_eq!(error["code"], MISSING_CAPABILITY, "{error}");
    assert!(error["data"]["requiredCapabilities"]["extensions"].is_object(), "{error}");
}
