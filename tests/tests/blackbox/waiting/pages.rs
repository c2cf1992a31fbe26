//! A client of revision 2026-07-28 that can show its user a page is pointed to the decision's own.

use serde_json::{Value as Json, json};
use writ_tests::story::{REFUND, refund};
use writ_tests::{Console, Desk};

use super::client::Client;

const WHY: &str = "ask the customer for a photo first";
const INVALID_PARAMS: i64 = -32_602;

#[tokio::test]
async fn the_page_is_the_decisions_and_the_state_leads_back_to_it() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let client = Client::with_pages(&worker);
    let asked = client.call(REFUND, refund(240)).await;
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let decision = proposed(&desk, worker.run()).await;
    let request = &asked["inputRequests"]["decision"];
    assert_eq!((&request["method"], &request["params"]["mode"]), (&json!("elicitation/create"), &json!("url")));
    assert_eq!(request["params"].get("elicitationId"), None, "this revision knows no such member");
    let path = format!("/decisions/{decision}");
    assert_eq!(request["params"]["url"], json!(format!("{}{path}", desk.address())));
    let page = Console::signed_in(&desk, "lea").await.get(&path).await;
    assert!(page.status == 200 && page.html.contains("Refund $240.00"), "{}", page.html);

    // That the page was shown is no vote.
    let waiting = client.result("tools/call", retry(&asked["requestState"])).await;
    let pending = &waiting["structuredContent"]["pending"];
    assert_eq!((&pending["decision"], &waiting["isError"]), (&json!(decision), &json!(false)), "{waiting}");
    let shown = desk.decision(&decision).await;
    assert_eq!((&shown["status"], &shown["votes"]), (&json!("pending"), &json!([])));
    desk.acme.nothing_was_done();

    desk.lea.approve(&decision).await;
    desk.decision_when(&decision, "succeeded").await;
    let done = client.result("tools/call", retry(&asked["requestState"])).await;
    let settled = &done["structuredContent"]["decision"];
    assert_eq!((&settled["status"], &done["isError"]), (&json!("succeeded"), &json!(false)), "{done}");
    assert_eq!((desk.acme.effects().len(), desk.lea.decisions("all").await.len()), (1, 1));
}

#[tokio::test]
async fn a_no_is_what_the_state_leads_back_to() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let client = Client::with_pages(&worker);
    let asked = client.call(REFUND, refund(240)).await;
    desk.lea.vote(&proposed(&desk, worker.run()).await, false, Some(WHY)).await.ok();
    let done = client.result("tools/call", retry(&asked["requestState"])).await;
    let settled = &done["structuredContent"]["decision"];
    assert_eq!((&settled["status"], &settled["note"]), (&json!("rejected"), &json!(WHY)), "{done}");
    assert_eq!(done["isError"], true);
    desk.acme.nothing_was_done();
}

#[tokio::test]
async fn a_state_that_was_altered_leads_nowhere() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let client = Client::with_pages(&worker);
    let asked = client.call(REFUND, refund(240)).await;
    let state = asked["requestState"].as_str().expect("a state");
    let decision = proposed(&desk, worker.run()).await;
    let name = state.find(&decision).expect("the state names the decision");
    for at in 0..state.len() {
        let other = if state[at..].starts_with('x') { "y" } else { "x" };
        let altered = format!("{}{other}{}", &state[..at], &state[at + 1..]);
        let answer = client.ask("tools/call", retry(&json!(altered))).await;
        // A state of no decision's form is none that a call of this tool goes on with.
        let is_named = at >= name;
        assert!(!is_named || answer["error"]["code"] == INVALID_PARAMS, "{altered}: {answer}");
        assert!(answer["result"].get("structuredContent").is_none(), "{altered}: {answer}");
    }
    assert_eq!(desk.lea.decisions("all").await.len(), 1, "none of them proposes anything");

    // Another run has no use for one that was not altered.
    let foreign = Client::with_pages(&desk.run().await);
    let error = foreign.error("tools/call", retry(&asked["requestState"])).await;
    assert_eq!((&error["code"], &error["data"]["code"]), (&json!(INVALID_PARAMS), &json!("unknown_name")));
    let shown = desk.decision(&decision).await;
    assert_eq!((&shown["status"], &shown["votes"]), (&json!("pending"), &json!([])));
    desk.acme.nothing_was_done();
}

/// The parameters with which a client comes back that has shown the page.
fn retry(state: &Json) -> Json {
    json!({
        "name": REFUND,
        "arguments": refund(240),
        "requestState": state,
        "inputResponses": { "decision": { "action": "accept" } },
    })
}

/// The only decision of a run.
async fn proposed(desk: &Desk, run: &str) -> String {
    let proposed = desk.events(run, "proposed").await;
    assert_eq!(proposed.len(), 1, "{proposed:?}");
    proposed[0]["decision"].as_str().expect("a decision").to_owned()
}
