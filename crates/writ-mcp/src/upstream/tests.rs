//! What a call becomes, against real servers on free ports.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rmcp::model::JsonObject;
use serde_json::{Value as Json, json};

use super::*;
use crate::Secret;
use crate::testing::{Probe, object, start_leaving, start_silent, unused_url};

const NAME: &str = "shop";

fn reached(transport: Transport) -> McpUpstream {
    let connection = Connection { name: NAME.to_owned(), transport };
    McpUpstream::answering_within(vec![connection], Duration::from_millis(1_500))
}

fn over_http(url: &str) -> McpUpstream {
    reached(Transport::Http { url: url.to_owned(), header: None })
}

fn read(tool: &str) -> Call {
    Call { tool: tool.to_owned(), idempotency_key: None, arguments: JsonObject::new() }
}

fn effect(tool: &str, arguments: Json) -> Call {
    Call { tool: tool.to_owned(), idempotency_key: Some("writ-d-1".to_owned()), arguments: object(arguments) }
}

fn answered(sent: Sent) -> (bool, Json) {
    match sent {
        Sent::Answered { is_error, result } => (is_error, result),
        other => panic!("not an answer: {other:?}"),
    }
}

#[tokio::test]
async fn an_effect_carries_its_arguments_its_key_and_the_connections_credential() {
    let probe = Probe::start().await;
    let header = Some(("authorization".to_owned(), Secret::new("Bearer upstream")));
    let upstream = reached(Transport::Http { url: probe.url.clone(), header });
    let arguments = json!({ "payment_id": "p-1", "amount": 240.0 });
    let (is_error, result) = answered(upstream.make(NAME, effect("echo", arguments.clone())).await);
    assert!(!is_error);
    assert_eq!(result, json!({ "arguments": arguments, "key": "writ-d-1" }));
    let (_, result) = answered(upstream.make(NAME, read("echo")).await);
    assert_eq!(result["key"], Json::Null);
    assert!(probe.authorizations().iter().all(|value| value == "Bearer upstream"));
}

#[tokio::test]
async fn an_error_of_the_tool_or_of_the_protocol_is_an_answer() {
    let probe = Probe::start().await;
    let upstream = over_http(&probe.url);
    assert_eq!(answered(upstream.make(NAME, effect("fail", json!({}))).await), (true, json!("no such order")));
    let (is_error, result) = answered(upstream.make(NAME, effect("nothing", json!({}))).await);
    assert!(is_error);
    assert_eq!(result, json!("no tool is called `nothing`"));
}

#[tokio::test]
async fn a_large_answer_is_kept_out() {
    let probe = Probe::start().await;
    let upstream = over_http(&probe.url);
    let (is_error, _) = answered(upstream.make(NAME, read("large")).await);
    assert!(is_error);
    let (is_error, result) = answered(upstream.make(NAME, effect("large", json!({}))).await);
    assert!(!is_error);
    assert!(result["omitted"]["bytes"].as_u64().is_some_and(|bytes| bytes > 2 * 1024 * 1024));
}

#[tokio::test]
async fn no_answer_in_time_is_lost_and_others_are_served_meanwhile() {
    let probe = Probe::start().await;
    let upstream = over_http(&probe.url);
    let (slow, quick) = tokio::join!(upstream.make(NAME, effect("slow", json!({}))), upstream.make(NAME, read("echo")));
    assert!(matches!(slow, Sent::Lost(_)), "{slow:?}");
    assert!(!answered(quick).0);
    assert_eq!(probe.calls().iter().filter(|tool| *tool == "slow").count(), 1);
}

#[tokio::test]
async fn a_call_that_was_taken_and_not_answered_is_lost_and_made_once() {
    let (url, taken) = start_silent().await;
    let sent = over_http(&url).make(NAME, effect("refund", json!({}))).await;
    assert!(matches!(sent, Sent::Lost(_)), "{sent:?}");
    assert_eq!(*taken.lock().unwrap(), 1);
}

#[tokio::test]
async fn what_cannot_be_connected_was_not_sent() {
    let upstream = over_http(&unused_url().await);
    for attempt in 0..2 {
        match upstream.make(NAME, effect("refund", json!({}))).await {
            Sent::NotSent(why) => {
                assert_eq!(why.contains("not tried again yet"), attempt > 0, "{why}")
            }
            other => panic!("{other:?}"),
        }
    }
    // The server introduced itself and is gone when the call comes.
    let sent = over_http(&start_leaving().await).make(NAME, effect("refund", json!({}))).await;
    assert!(matches!(sent, Sent::NotSent(_)), "{sent:?}");
    assert!(matches!(upstream.make("mail", read("list")).await, Sent::NotSent(_)));
}

#[tokio::test]
async fn a_program_that_cannot_be_started_was_sent_nothing() {
    let transport = Transport::Stdio {
        command: PathBuf::from("no-such-program-here"),
        args: Vec::new(),
        env: BTreeMap::from([("TOKEN".to_owned(), "swordfish".to_owned())]),
        cwd: None,
    };
    assert!(!format!("{transport:?}").contains("swordfish"));
    match reached(transport).make(NAME, effect("refund", json!({}))).await {
        Sent::NotSent(why) => assert!(why.contains("cannot be started") && !why.contains("swordfish"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_page_of_the_tools_is_described() {
    let probe = Probe::start().await;
    let described = over_http(&probe.url).describe(NAME).await.unwrap();
    assert_eq!(described.server, "probe 7");
    let names: Vec<&str> = described.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["echo", "fail", "slow", "large", "silent"]);
    assert_eq!(described.tools[0].definition["inputSchema"], json!({ "type": "object" }));
    let error = over_http(&unused_url().await).describe(NAME).await.unwrap_err();
    assert_eq!(error.integration, NAME);
    assert!(error.detail.starts_with("cannot connect"), "{error}");
}
