//! One refund from start to verdict, by the clients that people and workers have.

use serde_json::{Value as Json, json};
use writ_tests::story::{CUSTOMER, EMAIL, NOTE, ORDER, PAYMENT, REFUND, note, refund, refunded};
use writ_tests::trail::{self, Export};
use writ_tests::{Console, Desk, Worker};

#[tokio::test]
async fn one_refund_from_start_to_verdict() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    reads(&worker).await;

    let mut arguments = refund(240);
    arguments["writ_reason"] = json!("the lining is torn, and the handbook says: in full");
    let first = worker.propose(REFUND, arguments).await;
    desk.acme.nothing_was_done();
    approved_by_command(&desk, &first).await;
    let done = worker.wait(&first).await;
    assert_eq!((&done["status"], &done["result"]["amount"]), (&json!("succeeded"), &json!(240)), "{done}");

    let second = worker.propose(NOTE, note("240.00 are on their way")).await;
    approved_in_the_console(&desk, &second).await;
    assert_eq!(worker.wait(&second).await["status"], "succeeded");

    let effects = desk.acme.effects();
    let keys: Vec<Option<&str>> = effects.iter().map(|effect| effect.idempotency_key.as_deref()).collect();
    assert_eq!(keys, [Some(format!("writ-{first}").as_str()), Some(format!("writ-{second}").as_str())]);
    assert_eq!(effects[0].arguments, refund(240), "sent is what was approved, without the worker's reason");

    let verdict = refunded(240);
    let concluded = worker.call("conclude", json!({ "verdict": verdict })).await.ok();
    assert_eq!(concluded["concluded"], true);
    let run = desk.run_view(worker.run()).await;
    assert_eq!((&run["status"], &run["verdict"]), (&json!("concluded"), &verdict));
    assert_eq!(run["labels"], json!(["pii", "untrusted"]), "what the run has picked up");

    let export = Export::of(&desk, "export").await;
    let verified = export.verify().await.json();
    assert_eq!((&verified["verified"], &verified["leaves"]), (&json!(true), &json!(export.leaves)));
    assert_eq!(kinds(&desk.rail(worker.run()).await), kinds(&of_run(&export.events(), worker.run())));
    proven(&desk, &export, &first).await;
}

/// The worker reads what its mission holds.
async fn reads(worker: &Worker) {
    let case = worker.rows("SELECT customer_id, order_id, subject FROM desk.cases").await;
    assert_eq!(case, json!([[CUSTOMER, ORDER, "Jacket arrived with a torn lining and was returned"]]));
    let payments = worker.rows("SELECT payment_id, order_id, card_number FROM shop.payments").await;
    assert_eq!(payments, json!([[PAYMENT, ORDER, "************4242"]]), "a card's number is masked");
    let customer = worker.rows("SELECT email FROM shop.customers").await;
    assert_eq!(customer, json!([[EMAIL]]));
    let words = json!({ "collection": "handbook.policies", "text": "torn lining refund" });
    let found = worker.call("knowledge_search", words).await.ok();
    assert_eq!(found["rows"][0][0], "refunds/returns.md", "{found}");
    let described = worker.call("knowledge_describe", json!({})).await.ok();
    let tables: Vec<&Json> = described["tables"].as_array().unwrap().iter().map(|table| &table["table"]).collect();
    assert_eq!(tables, ["desk.cases", "handbook.policies", "shop.customers", "shop.orders", "shop.payments"]);
    worker.call("observe", json!({ "text": "the lining is torn" })).await.ok();
}

async fn approved_by_command(desk: &Desk, decision: &str) {
    let listed = desk.writ_as("lea", &["decision", "list"]).await.ok();
    assert!(listed.starts_with(decision) && listed.contains("pending"), "{listed}");
    let shown = desk.writ_as("lea", &["decision", "show", decision]).await.ok();
    for expected in
        ["Refund $240.00", "$240.00 of $240.00 refundable", ORDER, "claimed, not checked", "cannot be undone"]
    {
        assert!(shown.contains(expected), "`{expected}` is not in:\n{shown}");
    }
    let json = desk.writ_as("lea", &["decision", "show", decision, "--json"]).await.json();
    let digest = json["proposal"]["action_digest"].as_str().unwrap();
    assert!(shown.contains(digest), "what is shown names the digest that a vote must name");
    let approve = ["decision", "approve", decision, "--digest", digest, "--reason", "fits", "--json"];
    let voted = desk.writ_as("lea", &approve).await.json();
    let vote = json!([{ "by": "lea", "action_digest": digest, "approve": true, "reason": "fits" }]);
    assert_eq!(voted["votes"], vote);
}

async fn approved_in_the_console(desk: &Desk, decision: &str) {
    let console = Console::signed_in(desk, "lea").await;
    let list = console.get("/decisions").await;
    assert!(list.html.contains(&format!("Note to {EMAIL}")), "{}", list.html);
    let path = format!("/decisions/{decision}");
    let page = console.get(&path).await;
    let (csrf, digest) = (page.field("csrf"), page.field("digest"));
    assert_eq!(desk.decision(decision).await["proposal"]["action_digest"], digest);
    let voted = console.post(&format!("{path}/vote"), &[("csrf", csrf), ("digest", digest), ("vote", "approve")]).await;
    assert_eq!((voted.status, voted.header("location")), (303, path.as_str()), "{}", voted.html);
}

/// A proof of one decision stands for itself.
async fn proven(desk: &Desk, export: &Export, decision: &str) {
    let file = desk.acme.beside("proof.txt");
    let file = file.to_str().unwrap();
    let words = ["trail", "proof", decision, "--output", file, "--workspace", desk.acme.word()];
    writ_tests::program::writ(&words).await.ok();
    let mut lines = trail::verify(file, &export.key).await.json_lines();
    assert_eq!(lines.pop().unwrap()["verified"], true);
    assert_eq!(kinds(&lines), ["run_started", "proposed", "voted", "intent_recorded", "outcome_recorded"]);
    let own = lines.iter().skip(1).all(|event| event["decision"] == decision);
    assert!(own, "a proof tells of no other decision: {lines:?}");
}

fn of_run(events: &[Json], run: &str) -> Vec<Json> {
    events.iter().filter(|event| event["run"] == run).cloned().collect()
}

fn kinds(events: &[Json]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}
