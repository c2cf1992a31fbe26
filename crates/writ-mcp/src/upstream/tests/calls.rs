//! Calls of tools: what is sent, what comes back, and what is certain where nothing does.

use super::*;
use crate::Secret;
use crate::testing::{Probe, start_leaving, start_silent, unused_url};

#[tokio::test]
async fn an_effect_carries_its_arguments_its_key_and_the_connections_credential() {
    let probe = Probe::start().await;
    let credential =
        CredentialSource::Header { name: "authorization".to_owned(), value: Secret::new("Bearer upstream") };
    let upstream = reached(Transport::Http { url: probe.url.clone(), credential }, &[], limits());
    let arguments = json!({ "payment_id": "p-1", "amount": 240.0 });
    let (is_error, result) = answered(upstream.made(effect("echo", arguments.clone())).await);
    assert!(!is_error);
    assert_eq!(result, json!({ "arguments": arguments, "key": "writ-d-1" }));
    let (_, result) = answered(upstream.made(read("echo")).await);
    assert_eq!(result["key"], Json::Null);
    assert!(probe.authorizations().iter().all(|value| value == "Bearer upstream"));
}

#[tokio::test]
async fn an_error_of_the_tool_or_of_the_protocol_is_an_answer() {
    let probe = Probe::start().await;
    let upstream = over_http(&probe.url);
    assert_eq!(answered(upstream.made(effect("fail", json!({}))).await), (true, json!("no such order")));
    let unknown = answer(upstream.made(effect("nothing", json!({}))).await);
    assert!(unknown.is_error);
    assert_eq!(unknown.result, json!("no tool is called `nothing`"));
    assert_eq!(unknown.message["code"], -32602);
}

#[tokio::test]
async fn a_large_answer_is_kept_out() {
    let probe = Probe::start().await;
    let upstream = over_http(&probe.url);
    let (is_error, _) = answered(upstream.made(read("large")).await);
    assert!(is_error);
    let kept = answer(upstream.made(effect("large", json!({}))).await);
    assert!(!kept.is_error && kept.message["content"][0]["text"].as_str().unwrap().len() < 100);
    assert!(kept.result["omitted"]["bytes"].as_u64().is_some_and(|bytes| bytes > 2 * 1024 * 1024));
}

#[tokio::test]
async fn no_answer_in_time_is_lost_and_others_are_served_meanwhile() {
    let probe = Probe::start().await;
    let upstream = over_http(&probe.url);
    let (slow, quick) = tokio::join!(upstream.made(effect("slow", json!({}))), upstream.made(read("echo")));
    assert!(matches!(slow, Sent::Lost(_)), "{slow:?}");
    assert!(!answered(quick).0);
    assert_eq!(probe.calls().iter().filter(|tool| *tool == "slow").count(), 1);
}

#[tokio::test]
async fn a_call_that_was_taken_and_not_answered_is_lost_and_made_once() {
    let (url, taken) = start_silent().await;
    let sent = over_http(&url).made(effect("refund", json!({}))).await;
    assert!(matches!(sent, Sent::Lost(_)), "{sent:?}");
    assert_eq!(*taken.lock().unwrap(), 1);
}

#[tokio::test]
async fn what_cannot_be_connected_was_not_sent() {
    let upstream = over_http(&unused_url().await);
    for attempt in 0..2 {
        match upstream.made(effect("refund", json!({}))).await {
            Sent::NotSent(why) => assert_eq!(why.contains("not tried again yet"), attempt > 0, "{why}"),
            other => panic!("{other:?}"),
        }
    }
    // The server introduced itself and is gone when the call comes.
    let sent = over_http(&start_leaving().await).made(effect("refund", json!({}))).await;
    assert!(matches!(sent, Sent::NotSent(_)), "{sent:?}");
    let sent = upstream.make("mail", PERSON, read("list"), Arc::new(Nobody)).await;
    assert!(matches!(sent, Sent::NotSent(_)), "{sent:?}");
}

#[tokio::test]
async fn every_page_of_the_tools_is_described() {
    let probe = Probe::start().await;
    let described = over_http(&probe.url).describe(NAME, None).await.unwrap();
    assert_eq!(described.server, "probe 7");
    let names: Vec<&str> = described.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["echo", "fail", "slow", "large", "silent"]);
    assert_eq!(described.tools[0].definition["inputSchema"], json!({ "type": "object" }));
    assert!(described.prompts.is_empty() && described.resources.is_empty() && !described.completes);
    let error = over_http(&unused_url().await).describe(NAME, None).await.unwrap_err();
    assert_eq!(error.integration, NAME);
    assert!(error.detail.starts_with("cannot connect"), "{error}");
}
