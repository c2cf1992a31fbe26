//! A tool that is not as it was planned: nobody uses it, nothing that rests on it stays open, and people are told why,
//! until an operator has loaded definitions anew.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use writ_core::decision::DecisionStatus;
use writ_core::event::Event;
use writ_engine::upstream::Nobody;
use writ_engine::view::WorkerAccess;

use crate::consulting::{Consulting, call, refusal};
use crate::desk::{Desk, Site, T0, note, refund};

const PATIENCE: Duration = Duration::from_secs(30);

async fn offered(desk: &Desk, run: &WorkerAccess) -> Vec<String> {
    let tools = desk.engine.worker_tools(run).await.unwrap();
    tools.into_iter().map(|tool| tool.name).filter(|name| name.starts_with("pay_")).collect()
}

fn in_quarantine(desk: &Desk) -> Vec<String> {
    desk.engine.quarantines().into_iter().map(|quarantine| quarantine.tool).collect()
}

#[tokio::test]
async fn what_has_changed_is_refused_and_its_decisions_are_voided() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let refunding = desk.propose(&run, "pay_refund", refund("p-1", 40.5)).await;
    let noting = desk.propose(&run, "pay_notify", note()).await;
    desk.upstream().redescribe("refund", "Refunds a payment\u{200b} twice.");
    desk.engine.inspect_integrations().await;

    assert_eq!(desk.decision(&refunding).await.status, DecisionStatus::Voided);
    assert_eq!(desk.decision(&noting).await.status, DecisionStatus::Pending, "this is another tool");
    let (code, message) = desk.refused(&run, "pay_refund", refund("p-2", 1.0)).await;
    assert_eq!(code, "tool_quarantined");
    assert!(message.contains("`pay.refund`") && !message.contains("twice"), "{message}");
    assert_eq!(offered(&desk, &run).await, ["pay_close_account", "pay_get_payment", "pay_notify"]);
    // People read what has changed, with every character written out.
    let voided = desk.rail(&run).await.into_iter().find_map(|event| match event {
        Event::DecisionVoided { reasons, .. } => Some(reasons),
        _ => None,
    });
    let quarantines = desk.engine.quarantines();
    assert_eq!((quarantines.len(), quarantines[0].tool.as_str(), quarantines[0].since), (1, "pay.refund", T0));
    for reasons in [&voided.unwrap(), &quarantines[0].reasons] {
        let said = reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(said.contains("Refunds a payment\\u{200b} twice.") && !said.contains('\u{200b}'), "{said}");
    }
    // It is recorded once.
    let leaves = *desk.engine.follow().borrow();
    desk.engine.inspect_integrations().await;
    assert_eq!(*desk.engine.follow().borrow(), leaves);
    // The rest goes on.
    desk.approve(&noting).await;
    desk.until(&noting, DecisionStatus::Succeeded).await;
    assert_eq!(desk.upstream().effects().len(), 1);
}

#[tokio::test]
async fn a_server_that_goes_back_stays_in_quarantine_until_definitions_are_loaded() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let payment = || json!({ "payment_id": "p-1" });
    desk.upstream().redescribe("get_payment", "Looks a payment up, and more.");
    desk.engine.inspect_integrations().await;
    assert_eq!(desk.refused(&run, "pay_get_payment", payment()).await.0, "tool_quarantined");
    desk.upstream().redescribe("get_payment", "Looks a payment up.");
    desk.engine.inspect_integrations().await;
    assert_eq!(in_quarantine(&desk), ["pay.get_payment"]);
    assert_eq!(desk.refused(&run, "pay_get_payment", payment()).await.0, "tool_quarantined");
    assert_eq!(desk.upstream().reads(), 0, "a call in quarantine is not sent");
    desk.reload().await;
    assert!(in_quarantine(&desk).is_empty());
    assert!(!desk.call(&run, "pay_get_payment", payment()).await.is_error);
    assert_eq!(desk.upstream().reads(), 1);
}

#[tokio::test]
async fn another_server_under_the_same_name_is_nobodys_tool() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_notify", note()).await;
    desk.upstream().introduce_as("fake 2.0");
    desk.engine.inspect_integrations().await;
    assert_eq!(in_quarantine(&desk), ["pay.close_account", "pay.get_payment", "pay.notify", "pay.refund"]);
    assert!(offered(&desk, &run).await.is_empty());
    assert_eq!(desk.decision(&id).await.status, DecisionStatus::Voided);
}

#[tokio::test]
async fn a_tool_that_is_gone_or_new() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    desk.upstream().change("pay", |server| {
        let mut more = server.tools[0].clone();
        more.name = "transfer".to_owned();
        more.definition["name"] = json!("transfer");
        server.tools.push(more);
    });
    desk.engine.inspect_integrations().await;
    assert!(in_quarantine(&desk).is_empty(), "what nobody has classified is nobody's to use anyway");
    assert_eq!(desk.refused(&run, "pay_transfer", json!({ "payment_id": "p-1" })).await.0, "unknown_name");
    desk.upstream().withdraw("close_account");
    desk.engine.inspect_integrations().await;
    assert_eq!(in_quarantine(&desk), ["pay.close_account"]);
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_changes_nothing() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let id = desk.propose(&run, "pay_notify", note()).await;
    desk.upstream().redescribe("notify", "Writes to everybody.");
    desk.upstream().goes_down("pay");
    desk.engine.inspect_integrations().await;
    assert!(in_quarantine(&desk).is_empty());
    assert_eq!(desk.decision(&id).await.status, DecisionStatus::Pending);
    desk.upstream().comes_up("pay");
    desk.engine.inspect_integrations().await;
    assert_eq!(in_quarantine(&desk), ["pay.notify"]);
    assert_eq!(desk.decision(&id).await.status, DecisionStatus::Voided);
}

#[tokio::test]
async fn a_server_that_says_that_it_has_changed_is_looked_at() {
    let desk = Desk::new().await;
    let (says, hears) = watch::channel(0);
    let looking = tokio::spawn(desk.engine.clone().inspect_forever(hears));
    desk.upstream().redescribe("refund", "Refunds a payment, twice.");
    says.send(1).unwrap();
    let quarantined = async {
        while in_quarantine(&desk).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, quarantined).await.unwrap();
    looking.abort();
    assert_eq!(in_quarantine(&desk), ["pay.refund"]);
}

#[tokio::test]
async fn what_is_not_as_pinned_starts_in_quarantine() {
    let site = Site::new();
    let pinned = format!("class: read\n    pin: \"{}\"\n", "0".repeat(64));
    site.edit("integrations/pay.yaml", "class: read\n", &pinned);
    let desk = Desk::at(site, T0).await;
    let run = desk.start("k-1").await;
    assert_eq!(in_quarantine(&desk), ["pay.get_payment"]);
    assert_eq!(desk.refused(&run, "pay_get_payment", json!({ "payment_id": "p-1" })).await.0, "tool_quarantined");
    desk.propose(&run, "pay_notify", note()).await;
}

#[tokio::test]
async fn a_prompt_and_a_set_of_resources_are_held_to_what_they_were() {
    let consulting = Consulting::new().await;
    let Consulting { desk, run } = &consulting;
    desk.upstream().change("records", |server| server.prompts[0].definition["description"] = json!("Insults."));
    desk.engine.inspect_integrations().await;
    assert_eq!(in_quarantine(desk), ["records.prompts/greet"]);
    assert!(desk.engine.worker_offers(run).await.unwrap().prompts.is_empty());
    let nobody = || Arc::new(Nobody);
    let hello = call("hello", &json!({ "customer": "c-1" }));
    assert_eq!(refusal(desk.engine.worker_prompt(run, hello, nobody()).await).0, "tool_quarantined");

    // Resources come and go; another server behind them is another matter.
    desk.upstream().change("records", |server| server.resources.clear());
    desk.engine.inspect_integrations().await;
    assert_eq!(in_quarantine(desk).len(), 1);
    desk.upstream().change("records", |server| server.server = "archive 1.0".to_owned());
    desk.engine.inspect_integrations().await;
    let letter = call("letter://7", &json!({}));
    assert_eq!(refusal(desk.engine.worker_resource(run, letter, nobody()).await).0, "tool_quarantined");
    let offers = desk.engine.worker_offers(run).await.unwrap();
    assert!(offers.resources.is_empty(), "{offers:?}");
    assert_eq!(desk.upstream().reads(), 0);
}
