//! A refusal says what to do and nothing that the worker may not know; the rail says the rest to people.

use serde_json::{Value as Json, json};
use writ_core::code::Code;
use writ_core::event::Event;
use writ_engine::view::StartRun;

use crate::desk::{Desk, note, refund};

#[tokio::test]
async fn arguments_that_do_not_fit_are_refused_and_recorded() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let bad = [
        ("five places", json!({ "payment_id": "p-1", "amount": 1.000_01 })),
        ("an extra argument", json!({ "payment_id": "p-1", "amount": 1, "all": true })),
        ("a missing one", json!({ "amount": 1 })),
        ("none", json!({})),
        ("a number for text", json!({ "payment_id": 1, "amount": 1 })),
        ("text for a number", json!({ "payment_id": "p-1", "amount": "1" })),
        ("nothing for a number", json!({ "payment_id": "p-1", "amount": null })),
        ("a list for a number", json!({ "payment_id": "p-1", "amount": [1] })),
        ("a huge number", json!({ "payment_id": "p-1", "amount": 1e300 })),
        ("one more than fits", json!({ "payment_id": "p-1", "amount": 922_337_203_685_478_u64 })),
        ("a tiny number", json!({ "payment_id": "p-1", "amount": 5e-324 })),
    ];
    for (what, arguments) in &bad {
        let (code, message) = desk.refused(&run, "pay_refund", arguments.clone()).await;
        assert_eq!(code, "bad_arguments", "{what}: {message}");
    }
    for (tool, arguments) in [("knowledge_query", json!({ "sql": 1 })), ("observe", json!({ "text": "x", "more": 1 }))]
    {
        assert_eq!(desk.refused(&run, tool, arguments).await.0, "bad_arguments");
    }
    let refusals = desk.refusals(&run).await;
    assert_eq!(refusals.len(), bad.len() + 2);
    for (by, code, reasons) in &refusals {
        assert!(by.is_none(), "it was the worker");
        assert_eq!(*code, Code::BadArguments);
        assert!(!reasons.is_empty());
    }
    let seen = desk.run(&run).await;
    assert_eq!((seen.proposals, seen.reads, seen.refused), (0, 0, refusals.len() as u64));
    assert!(desk.upstream().effects().is_empty());
}

/// Whole numbers above 2^53 have no form of their own in canonical JSON: two of them would have one digest.
#[tokio::test]
async fn a_number_that_cannot_be_shown_exactly_is_refused() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    for memo in [json!(9_007_199_254_740_993_u64), json!([{ "id": -9_007_199_254_740_993_i64 }]), json!(u64::MAX)] {
        let arguments = json!({ "payment_id": "p-1", "amount": 1.5, "memo": memo });
        let (code, _) = desk.refused(&run, "pay_refund", arguments).await;
        assert_eq!(code, "bad_arguments", "{memo}");
    }
    let exact = json!({ "payment_id": "p-1", "amount": 1.5, "memo": 9_007_199_254_740_991_u64 });
    desk.propose(&run, "pay_refund", exact).await;
}

/// What a worker sends is not what the trail must hold: a refusal of something huge is small.
#[tokio::test]
async fn a_huge_argument_is_refused_like_any_other() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let huge = "x".repeat(3 << 20);
    let wrong = [
        ("pay_refund", json!({ "payment_id": "p-1", "amount": huge })),
        ("pay_refund", json!({ "payment_id": "p-1", "amount": 1, huge.as_str(): 1 })),
        ("pay_notify", json!({ "to": huge, "text": "x" })),
        ("pay_notify", json!({ "to": "one@example.com", "text": huge })),
        ("observe", json!({ "text": huge })),
        ("knowledge_query", json!({ "sql": huge })),
    ];
    for (tool, arguments) in &wrong {
        let (code, message) = desk.refused(&run, tool, arguments.clone()).await;
        assert_ne!(code, "store_unavailable", "{tool}: the store is well");
        assert!(message.len() < 10_000, "{tool}: {} bytes of message", message.len());
    }
    assert_eq!(desk.refusals(&run).await.len(), wrong.len(), "each is on the rail");
    assert!(desk.engine.health().await.ok);
    desk.propose(&run, "pay_notify", note()).await;
}

#[tokio::test]
async fn what_is_foreign_looks_like_what_is_not_there() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    // Somebody else's, the same person's in another case, nobody's, and two that try to be more than a value.
    let payments = ["p-9", "p-3", "p-none", "", "p-1' OR '1' = '1", "p-1\u{0}"];
    for tool in ["pay_refund", "pay_get_payment"] {
        let mut answers = Vec::new();
        for payment in payments {
            let mut arguments = refund(payment, 1.0);
            if tool == "pay_get_payment" {
                arguments = json!({ "payment_id": payment });
            }
            answers.push(desk.refused(&run, tool, arguments).await);
        }
        assert_eq!(answers[0].0, "fact_missing");
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }
    let cases = ["k-9", "k-none"];
    let mut starts = Vec::new();
    for case in cases {
        let refused = desk.start_by("ana", case).await.unwrap_err();
        starts.push((refused.code, refused.message));
    }
    assert_eq!(starts[0].0, Code::FactMissing);
    assert_eq!(starts[0], starts[1]);
    for table in ["cases", "approvers", "nothing"] {
        let sql = json!({ "sql": format!("SELECT * FROM shop.{table}") });
        let (code, message) = desk.refused(&run, "knowledge_query", sql).await;
        assert_eq!(code, "sql_unknown_name");
        assert_eq!(message.replace(table, "nothing"), message_for_nothing(&desk, &run).await);
    }
    assert_eq!(desk.upstream().reads(), 0);
}

async fn message_for_nothing(desk: &Desk, run: &writ_engine::view::WorkerAccess) -> String {
    desk.refused(run, "knowledge_query", json!({ "sql": "SELECT * FROM shop.nothing" })).await.1
}

#[tokio::test]
async fn what_is_not_permitted_names_the_condition_and_no_fact() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let (code, message) = desk.refused(&run, "pay_refund", refund("p-1", 200.0)).await;
    assert_eq!(code, "not_permitted");
    assert!(message.contains("context.input.amount.lessThanOrEqual(context.facts.refundable)"), "{message}");
    assert!(!message.contains("123"), "{message}");
    let mut elsewhere = note();
    elsewhere["to"] = Json::from("thief@example.com");
    let (code, message) = desk.refused(&run, "pay_notify", elsewhere).await;
    assert_eq!(code, "not_permitted");
    assert!(!message.contains("one@"), "{message}");
    let (code, _) = desk.refused(&run, "pay_refund", refund("p-1", 0.0)).await;
    assert_eq!(code, "not_permitted");

    // People see which set, which rule and which value.
    let refusals = desk.refusals(&run).await;
    let said = |at: usize| refusals[at].2.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(said(0).contains("mission") && said(0).contains("123.45"), "{}", said(0));
    assert!(said(1).contains("one@example.com") && said(1).contains("thief@example.com"), "{}", said(1));
    assert!(said(2).contains("guardrails") && said(2).contains("never-nothing-or-less"), "{}", said(2));
}

#[tokio::test]
async fn a_tool_outside_the_mission_does_not_exist() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    for tool in ["pay_transfer", "pay.refund", "mail_send", "", "pay_refund "] {
        let (code, message) = desk.refused(&run, tool, json!({})).await;
        assert_eq!((code.as_str(), message.contains(&format!("`{tool}`"))), ("unknown_name", true));
    }
    let offered = desk.engine.worker_tools(&run).await.unwrap();
    let names: Vec<&str> =
        offered.iter().map(|tool| tool.name.as_str()).filter(|name| name.starts_with("pay_")).collect();
    assert_eq!(names, ["pay_close_account", "pay_get_payment", "pay_notify", "pay_refund"]);
    assert_eq!(desk.refusals(&run).await.len(), 5);
}

#[tokio::test]
async fn limits_of_reads_hold() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    for _ in 0..20 {
        assert!(!desk.call(&run, "pay_get_payment", json!({ "payment_id": "p-1" })).await.is_error);
    }
    for (tool, arguments) in [
        ("pay_get_payment", json!({ "payment_id": "p-1" })),
        ("knowledge_query", json!({ "sql": "SELECT payment_id FROM shop.payments" })),
    ] {
        assert_eq!(desk.refused(&run, tool, arguments).await.0, "limit_reached");
    }
    assert_eq!((desk.upstream().reads(), desk.run(&run).await.reads), (20, 20), "none past the limit is even sent");
}

#[tokio::test]
async fn a_start_that_is_refused_is_recorded() {
    let desk = Desk::new().await;
    let start = |mission: &str, params: Json, worker: Option<&str>, person: Option<&str>| StartRun {
        mission: mission.to_owned(),
        params: params.as_object().cloned().unwrap(),
        worker: worker.map(str::to_owned),
        person: person.map(str::to_owned),
    };
    let case = || json!({ "case": "k-1" });
    let refused = [
        ("ana", start("unknown", case(), None, None), Code::StartRefused),
        ("eve", start("settle", case(), None, None), Code::StartRefused),
        // Neither for somebody who may not, nor by somebody who may not.
        ("ana", start("settle", case(), None, Some("eve")), Code::StartRefused),
        ("eve", start("settle", case(), None, Some("ana")), Code::StartRefused),
        ("ana", start("settle", case(), Some("another-worker"), None), Code::StartRefused),
        ("ana", start("settle", json!({}), None, None), Code::BadArguments),
        ("ana", start("settle", json!({ "case": 1 }), None, None), Code::BadArguments),
        ("ana", start("settle", json!({ "case": "k-1", "all": true }), None, None), Code::BadArguments),
    ];
    for (number, (who, start, code)) in (1..).zip(refused) {
        let before = *desk.engine.follow().borrow();
        let refusal = desk.engine.start_run(&desk.person(who), start).await.unwrap_err();
        assert_eq!(refusal.code, code, "{number}");
        assert_eq!(*desk.engine.follow().borrow(), before + 1, "{number} is not in the trail");
    }
    assert!(desk.engine.runs(&desk.person("lea"), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_message_that_is_malformed_is_on_the_rail() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    desk.engine.record_malformed(&run, "not JSON\u{1b}[2J").await;
    let rail = desk.rail(&run).await;
    let recorded = rail.iter().any(
        |event| matches!(event, Event::Refused { request, code: Code::MalformedMessage, .. } if request == "not JSON[2J"),
    );
    assert!(recorded, "{rail:?}");
}
