//! Prompts: those of the mission, under its names, with arguments that it allows; every other looks as if it were not
//! there.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use writ_engine::permit::Request;
use writ_engine::upstream::Nobody;
use writ_engine::view::WorkerAnswer;

use crate::consulting::{Consulting, call, passed, refusal};
use crate::play::{Play, object};

impl Consulting {
    async fn prompt(&self, name: &str, arguments: Json) -> WorkerAnswer {
        self.desk.engine.worker_prompt(&self.run, call(name, &arguments), Arc::new(Nobody)).await
    }
}

fn greeting() -> Json {
    json!({ "messages": [{ "role": "user", "content": { "type": "text", "text": "Greet Una." } }] })
}

#[tokio::test]
async fn a_prompt_of_the_mission_is_listed_and_fetched() {
    let consulting = Consulting::new().await;
    let offers = consulting.desk.engine.worker_offers(&consulting.run).await.unwrap();
    assert_eq!(offers.prompts.len(), 1);
    let listed = &offers.prompts[0];
    assert_eq!((&listed["name"], &listed["description"]), (&json!("hello"), &json!("Greets\\u{200b} a customer.")));
    assert_eq!(listed["arguments"], json!([{ "name": "customer", "required": true }, { "name": "tone" }]));

    consulting.will(Play::message(&greeting()));
    let arguments = json!({ "customer": "c-1", "tone": "warm" });
    assert_eq!(passed(consulting.prompt("hello", arguments.clone()).await), greeting());
    let asked = Request::Prompt { prompt: "greet".to_owned(), arguments: object(&arguments), continued: None };
    assert_eq!(consulting.desk.upstream().asked_for(), [asked]);
    let reads = consulting.reads().await;
    assert_eq!((reads.len(), reads[0].0.as_str(), reads[0].2), (1, "records.prompts/greet", false));
    assert!(consulting.desk.run(&consulting.run).await.labels.contains("outside"));
}

#[tokio::test]
async fn arguments_that_the_mission_does_not_allow_are_not_sent() {
    let consulting = Consulting::new().await;
    for (arguments, code) in [
        (json!({ "customer": "c-2" }), "not_permitted"),
        (json!({ "customer": "" }), "not_permitted"),
        (json!({}), "bad_arguments"),
        (json!({ "customer": 1 }), "bad_arguments"),
        (json!({ "customer": "c-1", "more": "x" }), "bad_arguments"),
    ] {
        assert_eq!(refusal(consulting.prompt("hello", arguments.clone()).await).0, code, "{arguments}");
    }
    assert_eq!(consulting.desk.upstream().reads(), 0);
    assert_eq!(consulting.desk.refusals(&consulting.run).await.len(), 5, "each is on the rail");
}

#[tokio::test]
async fn what_is_not_the_missions_looks_like_what_is_not_there() {
    let consulting = Consulting::new().await;
    let unknown = refusal(consulting.prompt("nothing", json!({ "customer": "c-1" })).await);
    assert_eq!(unknown.0, "unknown_name");
    // Its own name at the integration, the one it would have without another, one that the server has beside it, a tool.
    for name in ["greet", "records_greet", "farewell", "records_farewell", "order", "Hello"] {
        let (code, message) = refusal(consulting.prompt(name, json!({ "customer": "c-1" })).await);
        assert_eq!((code, message.replace(name, "nothing")), unknown, "{name}");
    }
    let (code, _) = consulting.refused("hello", json!({ "customer": "c-1" })).await;
    assert_eq!(code, "unknown_name", "a prompt is no tool");
    assert_eq!(consulting.desk.upstream().reads(), 0);
}
