//! The JSON API: whom it answers, and how it says no.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use writ_tests::story::{CASE, NOTE, note};
use writ_tests::{Console, Desk};

/// Every address that wants to know who is asking.
const ADDRESSES: [(&str, &str); 13] = [
    ("GET", "/api/decisions"),
    ("GET", "/api/decisions/d-0000000000"),
    ("POST", "/api/decisions/d-0000000000/vote"),
    ("POST", "/api/decisions/d-0000000000/settle"),
    ("GET", "/api/runs"),
    ("POST", "/api/runs"),
    ("GET", "/api/runs/r-0000000000"),
    ("GET", "/api/runs/r-0000000000/rail"),
    ("POST", "/api/runs/r-0000000000/stop"),
    ("GET", "/api/trail/checkpoint"),
    ("GET", "/tlog/checkpoint"),
    ("GET", "/tlog/tile/0/000.p/1"),
    ("POST", "/mcp"),
];

#[tokio::test]
async fn nobody_is_answered_without_saying_who_they_are() {
    let desk = Desk::open().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (method, path) in ADDRESSES {
        let method: reqwest::Method = method.parse().unwrap();
        let request = client.request(method.clone(), format!("{}{path}", desk.address()));
        let response = request.header("content-type", "application/json").body("{}").send().await.unwrap();
        assert_eq!(response.status().as_u16(), 401, "{method} {path}");
        assert!(response.headers().contains_key("www-authenticate"), "{method} {path}");
        let body: Json = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(body["code"], "not_authenticated", "{method} {path}");
    }
    let health = client.get(format!("{}/api/health", desk.address())).send().await.unwrap().text().await.unwrap();
    assert_eq!(health, r#"{"ok":true}"#, "anybody may know that it lives, and no more");
    let told = desk.lea.get("/api/health").await.ok();
    assert_eq!((&told["ok"], &told["epoch"]), (&json!(true), &json!(1)));
    assert!(told["leaves"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_request_that_is_not_understood_changes_nothing() {
    let desk = Desk::open().await;
    let start = |body: Json| {
        let ana = desk.ana.clone();
        async move { ana.post("/api/runs", &body).await }
    };
    let refused = |body: Json, status: u16, code: &'static str| {
        let reply = start(body);
        async move { reply.await.refused(status, code) }
    };
    let message = refused(json!({ "mision": "refund" }), 400, "bad_arguments").await;
    assert!(message.contains("unknown field `mision`"), "{message}");
    refused(json!({ "mission": "refund", "params": {} }), 400, "bad_arguments").await;
    refused(json!({ "mission": "refund", "params": { "case": 7 } }), 400, "bad_arguments").await;
    refused(json!({ "mission": "refund", "params": { "case": CASE, "note": "x" } }), 400, "bad_arguments").await;
    refused(json!({ "mission": "refund", "params": "C-1044" }), 400, "bad_arguments").await;
    refused(json!([]), 400, "bad_arguments").await;
    refused(json!({ "mission": "no_such_mission", "params": {} }), 403, "start_refused").await;
    refused(json!({ "mission": "refund", "params": { "case": CASE }, "worker": "sales-desk" }), 403, "start_refused")
        .await;
    // Another agent's case and one that does not exist look alike.
    let others = refused(json!({ "mission": "refund", "params": { "case": "C-1045" } }), 422, "fact_missing").await;
    let nobodys = refused(json!({ "mission": "refund", "params": { "case": "C-9999" } }), 422, "fact_missing").await;
    assert_eq!(others, nobodys);
    let lead = json!({ "mission": "refund", "params": { "case": CASE } });
    desk.lea.post("/api/runs", &lead).await.refused(403, "start_refused");
    let for_ana = json!({ "mission": "refund", "params": { "case": CASE }, "person": "ana" });
    desk.lea.post("/api/runs", &for_ana).await.refused(403, "start_refused");

    let ana = &desk.ana;
    ana.get("/api/decisions?show=everything").await.refused(400, "bad_arguments");
    ana.get("/api/runs?limit=many").await.refused(400, "bad_arguments");
    ana.get("/api/runs?limit=1&page=2").await.refused(400, "bad_arguments");
    ana.get("/api/runs/r-0000000000").await.refused(404, "run_not_open");
    ana.get("/api/runs/r-0000000000/rail").await.refused(404, "run_not_open");
    ana.get("/api/decisions/d-0000000000").await.refused(404, "decision_unknown");
    ana.get("/api/nowhere").await.refused(404, "unknown_name");
    ana.post("/api/decisions", &json!({})).await.refused(405, "bad_arguments");
    let settle = json!({ "succeeded": true, "note": "so it is" });
    ana.post("/api/decisions/d-0000000000/settle", &settle).await.refused(404, "decision_unknown");
    let (runs, decisions) = (ana.get("/api/runs").await.ok(), ana.get("/api/decisions?show=all").await.ok());
    assert_eq!((&runs["runs"], &decisions["decisions"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn bodies_are_json_and_of_a_sensible_size() {
    let desk = Desk::open().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let large = format!("{{\"mission\": \"{}\"}}", "x".repeat(300_000));
    let cases = [
        ("{}", "text/plain", 415),
        ("mission=refund", "application/x-www-form-urlencoded", 415),
        ("{\"mission\": ", "application/json", 400),
        ("", "application/json", 400),
        (large.as_str(), "application/json", 413),
    ];
    for (body, kind, status) in cases {
        let request = client.post(format!("{}/api/runs", desk.address())).bearer_auth(desk.ana.token());
        let response = request.header("content-type", kind).body(body.to_owned()).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{kind}");
        let told: Json = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(told["code"], "bad_arguments", "{told}");
    }
}

#[tokio::test]
async fn lists_come_in_pages_newest_first() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let mut proposed = Vec::new();
    for number in 0..5 {
        proposed.push(worker.propose(NOTE, note(&format!("note {number}"))).await);
    }
    desk.lea.vote(&proposed[0], false, Some("the first one")).await.ok();
    let mut listed: Vec<(i64, String)> = Vec::new();
    let mut path = "/api/decisions?show=all&limit=2".to_owned();
    loop {
        let page = desk.lea.get(&path).await.ok();
        let found = page["decisions"].as_array().unwrap().clone();
        assert!(found.len() <= 2, "{page}");
        listed.extend(found.iter().map(|decision| {
            let id = decision["proposal"]["decision"].as_str().unwrap();
            (decision["proposed_at"].as_i64().unwrap(), id.to_owned())
        }));
        let Some(before) = page["before"].as_str() else { break };
        path = format!("/api/decisions?show=all&limit=2&before={before}");
    }
    assert!(listed.is_sorted_by(|earlier, later| earlier > later), "newest first, and none twice: {listed:?}");
    let listed: BTreeSet<String> = listed.into_iter().map(|(_, id)| id).collect();
    assert_eq!(listed, proposed.iter().cloned().collect());
    assert_eq!(desk.lea.decisions("open").await.len(), 4);
    assert_eq!(desk.lea.decisions("settled").await.len(), 1);
    let rail = desk.rail(worker.run()).await;
    let path = format!("/api/runs/{}/rail?from={}&limit=2", worker.run(), rail[1]["seq"]);
    let part = desk.lea.get(&path).await.ok();
    assert_eq!(part["events"].as_array().unwrap(), &rail[1..3], "events keep their numbers");
}

#[tokio::test]
async fn answers_protect_their_reader() {
    let desk = Desk::open().await;
    let browser = Console::stranger(desk.address());
    for path in ["/api/runs", "/api/health", "/decisions", "/sign-in", "/nowhere", "/api/nowhere"] {
        let page = browser.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(page.header(name), value, "{path}: {name}");
        }
        let elsewhere = browser.get_with(path, &[("host", "evil.example")]).await;
        assert_eq!(elsewhere.status, 421, "{path} is not answered under another name");
        assert_eq!(elsewhere.header("set-cookie"), "");
    }
}
