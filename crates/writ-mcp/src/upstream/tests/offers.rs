//! Everything beside plain calls: prompts, resources, completions, rounds, tasks, following.

use writ_engine::permit::{Continued, TaskStep};

use super::stage::{Era, Stage};
use super::*;
use crate::testing::{Recorder, eventually};

#[tokio::test]
async fn prompts_and_resources_are_described_and_fetched() {
    for era in [Era::Current, Era::Handshake] {
        let stage = Stage::start(era).await;
        let upstream = over_http(&stage.url);
        let described = upstream.describe(NAME, Some(PERSON)).await.unwrap();
        assert_eq!(described.prompts[0].name, "greet");
        assert_eq!(described.resources[0].name, "file:///a");
        assert_eq!(described.templates[0].name, "file:///{name}");
        assert!(described.completes);
        assert_eq!(described.resources[0].definition, json!({ "uri": "file:///a", "name": "a" }));

        let arguments = object(json!({ "who": "Ada" }));
        let prompt = Request::Prompt { prompt: "greet".to_owned(), arguments, continued: None };
        let prompt = answer(upstream.made(asked(prompt)).await);
        assert_eq!(prompt.message["messages"][0]["content"]["text"], "Hello Ada");
        assert_eq!(prompt.result, Json::Object(prompt.message));

        let resource = |uri: &str| asked(Request::Resource { uri: uri.to_owned(), continued: None });
        let found = answer(upstream.made(resource("file:///a")).await);
        assert_eq!(Json::Object(found.message), json!({ "contents": [{ "uri": "file:///a", "text": "A" }] }));
        let missing = answer(upstream.made(resource("file:///b")).await);
        assert!(missing.is_error);
        assert_eq!(missing.result, json!("no such resource"));
        let expected = json!({ "code": -32002, "message": "no such resource", "data": { "uri": "file:///b" } });
        assert_eq!(Json::Object(missing.message), expected);

        let completion = json!({
            "ref": { "type": "ref/prompt", "name": "greet" },
            "argument": { "name": "who", "value": "A" },
        });
        let completion = answer(upstream.made(asked(Request::Complete(object(completion)))).await);
        assert_eq!(completion.message["completion"]["values"], json!(["Ada"]));
    }
}

#[tokio::test]
async fn what_a_server_wants_before_it_goes_on_goes_round_and_comes_back() {
    let stage = Stage::start(Era::Current).await;
    let upstream = reached(http(&stage.url), &[Ask::Elicitation], limits());
    let recorder = Arc::new(Recorder::answering(json!({})));
    let wanted = match upstream.made_for(recorder.clone(), read("again")).await {
        Sent::InputRequired(wanted) => wanted,
        other => panic!("{other:?}"),
    };
    assert_eq!(wanted.requests["who"]["method"], "elicitation/create");
    assert_eq!(wanted.state.as_deref(), Some("state \"1\""));
    let responses = object(json!({ "who": { "action": "accept", "content": { "name": "Ada" } } }));
    let continued = Some(Continued { responses: responses.clone(), state: wanted.state });
    let again = Request::Tool { tool: "again".to_owned(), arguments: JsonObject::new(), continued };
    let (is_error, result) = answered(upstream.made_for(recorder, asked(again)).await);
    assert!(!is_error);
    assert_eq!(result, json!({ "responses": responses, "state": "state \"1\"" }));
    // Nobody can be asked about an effect: what it wants is not even told.
    match upstream.made(effect("again", json!({}))).await {
        Sent::InputRequired(wanted) => assert!(wanted.requests.is_empty() && wanted.state.is_none()),
        other => panic!("not a wish for more: {other:?}"),
    }
}

#[tokio::test]
async fn a_task_is_carried() {
    let stage = Stage::start(Era::Current).await;
    let upstream = over_http(&stage.url);
    let task = match upstream.made(effect("job", json!({}))).await {
        Sent::Task(task) => task.0,
        other => panic!("{other:?}"),
    };
    assert_eq!((&task["taskId"], &task["status"]), (&json!("t-1"), &json!("working")));
    let step = |step| asked(Request::Task { task: "t-1".to_owned(), step });
    let update = TaskStep::Update(object(json!({ "who": { "action": "accept" } })));
    assert!(answer(upstream.made(step(update)).await).message.is_empty());
    let task = answer(upstream.made(step(TaskStep::Get)).await);
    assert_eq!(task.message["status"], "completed");
    assert_eq!(task.message["result"], json!({ "content": [{ "type": "text", "text": "done" }] }));
    assert!(!answer(upstream.made(step(TaskStep::Cancel)).await).is_error);
    assert_eq!(stage.count("tasks/cancel"), 1);
}

#[tokio::test]
async fn who_follows_a_resource_hears_of_its_changes_until_it_stops() {
    for era in [Era::Current, Era::Handshake] {
        let stage = Stage::start(era).await;
        let upstream = over_http(&stage.url);
        let recorder = Arc::new(Recorder::default());
        let follow = |begin| asked(Request::Follow { uri: "file:///a".to_owned(), begin });
        assert!(!answer(upstream.made_for(recorder.clone(), follow(true)).await).is_error);
        // An older server announces on the session's own stream, which opens by itself.
        eventually(|| stage.listeners() > 0).await;
        stage.announce(json!({ "method": "notifications/resources/updated", "params": { "uri": "file:///a" } }));
        eventually(|| recorder.changed() == ["file:///a"]).await;
        assert!(!answer(upstream.made_for(recorder.clone(), follow(false)).await).is_error);
        stage.announce(json!({ "method": "notifications/resources/updated", "params": { "uri": "file:///a" } }));
        assert!(!answered(upstream.made(read("report")).await).0);
        assert_eq!(recorder.changed().len(), 1);
    }
}

#[tokio::test]
async fn word_of_changed_lists_moves_the_counter() {
    for era in [Era::Current, Era::Handshake] {
        let stage = Stage::start(era).await;
        let upstream = over_http(&stage.url);
        let mut changed = upstream.changed();
        assert!(!answered(upstream.made(read("report")).await).0);
        assert!(!changed.has_changed().unwrap());
        eventually(|| stage.listeners() > 0).await;
        stage.announce(json!({ "method": "notifications/tools/list_changed", "params": {} }));
        tokio::time::timeout(Duration::from_secs(20), changed.changed()).await.unwrap().unwrap();
        assert_eq!(*changed.borrow(), 1);
    }
}
