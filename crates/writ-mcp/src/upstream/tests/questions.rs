//! What a server says and asks while a request is under way.

use writ_engine::upstream::Notice;

use super::stage::{Era, Stage};
use super::*;
use crate::testing::Recorder;

fn words(heard: Vec<Notice>) -> Vec<String> {
    let words = heard.into_iter().map(|notice| match notice {
        Notice::Progress { progress, total, message } => format!("{progress} of {total:?}: {message:?}"),
        Notice::Log(line) => format!("{}: {}", line["level"], line["data"]),
        Notice::ResourceChanged { uri } => uri,
    });
    words.collect()
}

#[tokio::test]
async fn progress_and_log_reach_the_caller_in_order_and_before_the_answer() {
    for era in [Era::Current, Era::Handshake] {
        let stage = Stage::start(era).await;
        let upstream = over_http(&stage.url);
        let recorder = Arc::new(Recorder::default());
        assert!(!answered(upstream.made_for(recorder.clone(), read("report")).await).0);
        let expected = ["\"info\": \"begun\"", "0.5 of Some(1.0): Some(\"half\")", "\"info\": \"done\""];
        assert_eq!(words(recorder.heard()), expected);
    }
}

#[tokio::test]
async fn what_is_said_on_one_calls_stream_is_for_that_call() {
    let stage = Stage::start(Era::Current).await;
    let upstream = over_http(&stage.url);
    let (one, other) = (Arc::new(Recorder::default()), Arc::new(Recorder::default()));
    let (waiting, reporting) =
        tokio::join!(upstream.made_for(one.clone(), read("wait")), upstream.made_for(other.clone(), read("report")));
    assert!(matches!(waiting, Sent::Lost(_)) && matches!(reporting, Sent::Answered(_)));
    assert!(one.heard().is_empty());
    assert_eq!(other.heard().len(), 3);
}

#[tokio::test]
async fn a_caller_is_asked_what_the_operator_allows() {
    let stage = Stage::start(Era::Handshake).await;
    let upstream = reached(http(&stage.url), &[Ask::Elicitation], limits());
    let said = json!({ "action": "accept", "content": { "name": "Ada", "age": 36, "extra": [1.5] } });
    let recorder = Arc::new(Recorder::answering(said.clone()));
    let (_, result) = answered(upstream.made_for(recorder.clone(), read("ask")).await);
    assert_eq!(result, json!({ "answer": said }), "the answer passes as it is");
    let asked = recorder.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].0, &asked[0].1["message"]), (Ask::Elicitation, &json!("Who is it?")));
    let schema = &asked[0].1["requestedSchema"]["properties"]["name"];
    assert_eq!((&schema["type"], &schema["default"]), (&json!("string"), &json!("Bob")));
    assert!(stage.capabilities()["elicitation"]["form"].is_object());
}

#[tokio::test]
async fn a_question_that_may_not_be_asked_is_declined() {
    let declined = json!({ "answer": { "action": "decline" } });
    // The operator does not allow it.
    let stage = Stage::start(Era::Handshake).await;
    let recorder = Arc::new(Recorder::answering(json!({ "action": "accept" })));
    let upstream = over_http(&stage.url);
    assert_eq!(answered(upstream.made_for(recorder.clone(), read("ask")).await).1, declined);
    assert!(recorder.asked().is_empty() && stage.capabilities().get("elicitation").is_none());
    // Nobody is there to be asked, as while an approved effect is carried out.
    let upstream = reached(http(&stage.url), &[Ask::Elicitation], limits());
    assert_eq!(answered(upstream.made(effect("ask", json!({}))).await).1, declined);
}

#[tokio::test]
async fn a_current_server_learns_with_each_request_what_its_caller_can_be_asked() {
    let stage = Stage::start(Era::Current).await;
    let upstream = reached(http(&stage.url), &[Ask::Elicitation], limits());
    let recorder = Arc::new(Recorder::answering(json!({ "action": "accept" })));
    upstream.made_for(recorder, read("report")).await;
    assert!(stage.capabilities()["elicitation"]["form"].is_object());
    upstream.made(effect("report", json!({}))).await;
    assert!(stage.capabilities().get("elicitation").is_none());
    assert!(stage.capabilities()["extensions"]["io.modelcontextprotocol/tasks"].is_object());
}
