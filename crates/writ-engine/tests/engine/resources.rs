//! Resources: addresses of a set that the mission allows, one by one. Every other address looks as if nothing were
//! there, whether it is fetched, followed or completed.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use writ_core::code::{Code, Refusal};
use writ_engine::permit::Request;
use writ_engine::upstream::{Nobody, Notice};
use writ_engine::view::WorkerAnswer;

use crate::consulting::{Consulting, Listener, call, passed, refusal};
use crate::play::{Play, object};
use crate::records;

/// Addresses that the run may not fetch: in no set, in a set and not allowed, there and not there.
const FOREIGN: [&str; 7] = [
    "secret://1",
    "policy://staff/pay",
    "policy://staff/none",
    "letter://8",
    "letter://77",
    "xpolicy://refunds/late",
    "",
];

impl Consulting {
    async fn resource(&self, uri: &str) -> WorkerAnswer {
        self.desk.engine.worker_resource(&self.run, call(uri, &json!({})), Arc::new(Nobody)).await
    }

    async fn complete(&self, parameters: &Json) -> Result<Map<String, Json>, Refusal> {
        self.desk.engine.worker_complete(&self.run, object(parameters)).await
    }
}

fn of_template(uri: &str, value: &str) -> Json {
    json!({ "ref": { "type": "ref/resource", "uri": uri }, "argument": { "name": "name", "value": value } })
}

fn of_prompt(arguments: Json) -> Json {
    json!({
        "ref": { "type": "ref/prompt", "name": "hello" },
        "argument": { "name": "tone", "value": "w" },
        "context": { "arguments": arguments },
    })
}

#[tokio::test]
async fn listed_is_what_may_be_fetched() {
    let consulting = Consulting::new().await;
    let offers = consulting.desk.engine.worker_offers(&consulting.run).await.unwrap();
    let listed = |items: &[Map<String, Json>], member: &str| -> Vec<Json> {
        items.iter().map(|item| item[member].clone()).collect()
    };
    let mut resources = listed(&offers.resources, "uri");
    resources.sort_by_key(Json::to_string);
    assert_eq!(resources, [json!("letter://7"), json!("policy://refunds/late")]);
    assert_eq!(listed(&offers.templates, "uriTemplate"), [json!("policy://refunds/{name}")]);
    assert_eq!(consulting.desk.upstream().reads(), 0);
}

#[tokio::test]
async fn an_address_that_the_mission_allows_is_fetched() {
    let consulting = Consulting::new().await;
    // One that is listed, one of a template, one of another set.
    for uri in ["policy://refunds/late", "policy://refunds/a/b", "letter://7"] {
        let message = json!({ "contents": [{ "uri": uri, "text": "Words." }] });
        consulting.will(Play::message(&message));
        assert_eq!(passed(consulting.resource(uri).await), message);
        let asked = consulting.desk.upstream().asked_for();
        assert_eq!(*asked.last().unwrap(), Request::Resource { uri: uri.to_owned(), continued: None });
    }
    let reads = consulting.reads().await;
    let actions: Vec<&str> = reads.iter().map(|(action, ..)| action.as_str()).collect();
    let policies = "records.resources/policies";
    assert_eq!(actions, [policies, policies, "records.resources/letters"]);
}

#[tokio::test]
async fn every_other_address_looks_as_if_nothing_were_there() {
    let consulting = Consulting::new().await;
    let unknown = refusal(consulting.resource("none://0").await);
    assert_eq!(unknown.0, "unknown_name");
    for uri in FOREIGN {
        let (code, message) = refusal(consulting.resource(uri).await);
        assert_eq!((code, message.replace(&format!("`{uri}`"), "`none://0`")), unknown, "{uri}");
    }
    assert_eq!(consulting.desk.upstream().reads(), 0);
    // People see where there was a rule that did not hold.
    let refusals = consulting.desk.refusals(&consulting.run).await;
    assert_eq!(refusals.len(), FOREIGN.len() + 1);
    assert!(refusals.iter().all(|(_, code, _)| *code == Code::UnknownName));
    assert!(refusals[2].2.iter().any(|reason| reason.set == "mission"), "{:?}", refusals[2]);
}

#[tokio::test]
async fn what_is_followed_is_what_may_be_fetched() {
    let consulting = Consulting::new().await;
    let listener = Listener::new(&consulting.desk, &consulting.run, &[]);
    let follow = |uri: &'static str, begin: bool| {
        consulting.desk.engine.worker_follow(&consulting.run, uri, begin, listener.clone())
    };
    let unknown = follow("none://0", true).await.unwrap_err();
    for uri in FOREIGN {
        let refused = follow(uri, true).await.unwrap_err();
        let message = refused.message.replace(&format!("`{uri}`"), "`none://0`");
        assert_eq!((refused.code, message), (Code::UnknownName, unknown.message.clone()), "{uri}");
    }
    assert_eq!(consulting.desk.upstream().reads(), 0);

    let uri = "policy://refunds/late";
    follow(uri, true).await.unwrap();
    consulting.desk.upstream().changed(uri).await;
    let notices = listener.notices();
    assert!(matches!(&notices[..], [Notice::ResourceChanged { uri: changed }] if changed == uri), "{notices:?}");
    follow(uri, false).await.unwrap();
    let asked = [true, false].map(|begin| Request::Follow { uri: uri.to_owned(), begin });
    assert_eq!(consulting.desk.upstream().asked_for(), asked);
    assert_eq!(consulting.reads().await.len(), 2, "both are on the rail");
}

#[tokio::test]
async fn completed_is_what_may_be_fetched() {
    let consulting = Consulting::new().await;
    let found = json!({ "completion": { "values": ["late"], "total": 1, "hasMore": false } });
    let address = of_template("policy://refunds/{name}", "l");
    let tone = of_prompt(json!({ "customer": "c-1" }));
    for (parameters, action) in [(&address, "records.resources/policies"), (&tone, "records.prompts/greet")] {
        consulting.will(Play::message(&found));
        assert_eq!(Json::Object(consulting.complete(parameters).await.unwrap()), found);
        assert_eq!(consulting.reads().await.last().unwrap().0, action);
    }
    // The integration hears of its own names.
    let mut renamed = tone.clone();
    renamed["ref"]["name"] = json!("greet");
    let asked = [&address, &renamed].map(|parameters| Request::Complete(object(parameters)));
    assert_eq!(consulting.desk.upstream().asked_for(), asked);

    for parameters in [
        of_template("policy://staff/{name}", "p"),
        of_template("policy://{name}", "staff/pay"),
        of_template("secret://{name}", "1"),
        of_prompt(json!({ "customer": "c-2" })),
        of_prompt(json!({})),
        json!({ "ref": { "type": "ref/prompt", "name": "farewell" }, "argument": { "name": "tone", "value": "" } }),
        json!({ "ref": { "type": "ref/tool", "name": "order" }, "argument": { "name": "tone", "value": "" } }),
        json!({ "ref": { "type": "ref/prompt", "name": "hello" } }),
    ] {
        assert!(consulting.complete(&parameters).await.is_err(), "{parameters}");
    }
    assert_eq!(consulting.desk.upstream().reads(), 2);
    assert_eq!(consulting.desk.refusals(&consulting.run).await.len(), 8, "each is on the rail");
}

#[tokio::test]
async fn a_server_that_completes_nothing_is_not_asked() {
    let site = records::site();
    site.upstream.change("records", |server| server.completes = false);
    let consulting = Consulting::at(site).await;
    let nothing = consulting.complete(&of_template("policy://refunds/{name}", "l")).await.unwrap();
    assert_eq!(nothing["completion"]["values"], json!([]));
    assert_eq!(consulting.desk.upstream().reads(), 0);
}
