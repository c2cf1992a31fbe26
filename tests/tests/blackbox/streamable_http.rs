//! An integration that is reached over Streamable HTTP, as a server of its own.

use std::process::Stdio;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;
use writ_tests::story::{NOTE, REFUND, note, refund, refunded};
use writ_tests::{Acme, Desk, program, wait};

#[tokio::test]
async fn one_refund_over_http() {
    let (desk, _shop) = served().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    desk.lea.approve(&decision).await;
    let done = worker.wait(&decision).await;
    assert_eq!((&done["status"], &done["result"]["refunded"]), (&json!("succeeded"), &json!(240)), "{done}");
    worker.call("conclude", json!({ "verdict": refunded(240) })).await.ok();
    let effects = desk.acme.effects();
    assert_eq!(effects.len(), 1);
    assert_eq!(effects[0].idempotency_key, Some(format!("writ-{decision}")), "the key travels over HTTP as well");
    let health = desk.lea.get("/api/health").await.ok();
    assert!(health["integrations"]["shop"].as_str().unwrap().starts_with("shop "), "{health}");
}

#[tokio::test]
async fn an_integration_that_is_gone_is_sent_nothing() {
    let (desk, mut shop) = served().await;
    let worker = desk.run().await;
    let decision = worker.propose(NOTE, note("hello")).await;
    shop.kill().await.unwrap();
    desk.lea.approve(&decision).await;
    wait::until("it has been noticed", async || desk.server.log().contains("nothing is sent yet").then_some(())).await;
    // The approval stands until its time is up: nothing is known to have changed.
    assert_eq!(desk.decision(&decision).await["status"], "approved");
    desk.acme.nothing_was_done();
    // What needs no integration goes on.
    worker.rows("SELECT order_id FROM shop.orders").await;
}

/// A desk whose shop is a server on a free port.
async fn served() -> (Desk, Child) {
    let acme = Acme::plain();
    let mut command = program::command("shop");
    command.args(["serve", "--listen", "127.0.0.1:0", "--db"]).arg(acme.database()).stderr(Stdio::null());
    let mut shop = command.spawn().expect("the shop starts");
    let mut said = BufReader::new(shop.stdout.take().unwrap()).lines();
    let line = said.next_line().await.unwrap().expect("the shop says where it listens");
    let told: Json = serde_json::from_str(&line).unwrap();
    let from = "  stdio:\n    command: shop\n    args: [serve, --db, data/shop.db]";
    let to = format!("  http:\n    url: {}", told["listening"].as_str().unwrap());
    acme.edit(("integrations/shop.yaml", from, to.as_str()));
    (Desk::serve(acme).await, shop)
}
