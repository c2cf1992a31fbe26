//! A token is good for what it was made for, until it ends, and one is never taken for another.

use serde_json::{Value as Json, json};
use writ_tests::{Console, Desk, Person, Worker, console, forge};

/// The year 2100.
const LATER: i64 = 4_102_444_800_000;

#[tokio::test]
async fn workers_need_a_good_token_of_their_run() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let elsewhere = Desk::open().await;
    let foreign = elsewhere.run().await;
    let claims = |change: Json| claims(worker.run(), change);
    let forged = |change: Json| forge::token(&desk.acme, &claims(change));
    // What is made with the workspace's key is believed, so the rest is refused for what it says.
    let made = worker.with_token(&forged(json!({})));
    made.query("SELECT 1").await.ok();

    let (head, tail) = worker.token().split_at(worker.token().len() - 4);
    let other_tail = if tail == "AAAA" { "BBBB" } else { "AAAA" };
    let bad = [
        "none".to_owned(),
        format!("{head}{other_tail}"),
        foreign.token().to_owned(),
        forge::token(&elsewhere.acme, &claims(json!({}))),
        forge::unsigned(&claims(json!({}))),
        forged(json!({ "exp": 1 })),
        forged(json!({ "aud": "api" })),
        forged(json!({ "aud": "console" })),
        forged(json!({ "scope": "everything" })),
        desk.ana.token().to_owned(),
        console::ticket(&desk, "ana").await,
        "x".repeat(10_000),
    ];
    for token in bad {
        let response = worker.with_token(&token).request("tools/list", None, json!({})).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 401, "{token}");
        let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert!(challenge.starts_with("Bearer ") && challenge.contains("invalid_token"), "{challenge}");
        let body: Json = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(body["code"], "not_authenticated", "{body}");
    }
    let none = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = none.post(format!("{}/mcp", desk.address())).body("{}").send().await.unwrap();
    assert_eq!(response.status().as_u16(), 401);
    assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"writ\"");

    // Somebody else's run, or worker, under a good signature.
    let foreign_run = worker.with_token(&forged(json!({ "run": foreign.run() })));
    let foreign_worker = worker.with_token(&forged(json!({ "act": "sales-desk" })));
    for unknown in [foreign_run, foreign_worker] {
        unknown.query("SELECT 1").await.refused("run_not_open");
    }
}

#[tokio::test]
async fn people_need_a_personal_token() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let personal = |change: Json| {
        let mut claims = json!({ "aud": "api", "sub": "lea", "iat": 0, "exp": LATER, "jti": "t-0000000000" });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        forge::token(&desk.acme, &claims)
    };
    let with = |token: &str| Person::with(desk.address(), token);
    with(&personal(json!({}))).get("/api/runs").await.ok();
    let bad = [
        worker.token().to_owned(),
        console::ticket(&desk, "lea").await,
        personal(json!({ "exp": 1 })),
        personal(json!({ "sub": "nobody" })),
        personal(json!({ "aud": "run", "run": worker.run(), "act": "support-desk" })),
        "none".to_owned(),
    ];
    for token in bad {
        for path in ["/api/runs", "/api/decisions", "/api/trail/checkpoint"] {
            with(&token).get(path).await.refused(401, "not_authenticated");
        }
        let start = json!({ "mission": "refund", "params": { "case": "C-1044" } });
        with(&token).post("/api/runs", &start).await.refused(401, "not_authenticated");
    }
    // The run's token opens no page either, and a cookie is none for the API.
    let page = Console::stranger(desk.address());
    let cookie = format!("writ_session={}", worker.token());
    assert_eq!(page.get_with("/decisions", &[("cookie", cookie.as_str())]).await.status, 303);
    let lea = Console::signed_in(&desk, "lea").await;
    assert_eq!(page.get_with("/api/runs", &[("cookie", lea.cookie())]).await.status, 401);
}

#[tokio::test]
async fn a_sign_in_link_works_once() {
    let mut desk = Desk::open().await;
    let ticket = console::ticket(&desk, "lea").await;
    let browser = Console::stranger(desk.address());
    let fields = [("ticket", ticket.as_str()), ("next", "//evil.example/")];
    let first = browser.post("/sign-in", &fields).await;
    assert_eq!((first.status, first.header("location")), (303, "/decisions"), "nobody is sent elsewhere");
    let second = browser.post("/sign-in", &fields).await;
    assert_eq!((second.status, second.header("set-cookie")), (401, ""), "{}", second.html);
    for bad in [desk.lea.token(), "none", ""] {
        assert_eq!(browser.post("/sign-in", &[("ticket", bad)]).await.status, 401, "{bad}");
    }
    // A ticket from before a restart is not good any more: what was redeemed is not remembered.
    let old = console::ticket(&desk, "lea").await;
    desk.server.kill().await;
    desk.restart().await;
    let browser = Console::stranger(desk.address());
    for used in [ticket, old] {
        assert_eq!(browser.post("/sign-in", &[("ticket", used.as_str())]).await.status, 401);
    }
    Console::signed_in(&desk, "lea").await;
}

#[tokio::test]
async fn the_key_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::open().await;
    for key in ["data/keys/token.key", "data/keys/trail.key"] {
        let mode = std::fs::metadata(desk.acme.file(key)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
    let worker: Worker = desk.run().await;
    let decision = worker.propose(writ_tests::story::NOTE, writ_tests::story::note("hello")).await;
    desk.lea.approve(&decision).await;
    worker.wait(&decision).await;
    let secret = desk.acme.text("data/keys/token.key");
    let told = [desk.server.log(), format!("{:?}", desk.rail(worker.run()).await)];
    for token in [worker.token(), desk.ana.token(), secret.trim()] {
        assert!(told.iter().all(|text| !text.contains(token)), "a secret is in the log or on the rail");
    }
}

/// What a run's token says, with some changes.
fn claims(run: &str, change: Json) -> Json {
    let mut claims = json!({
        "aud": "run", "sub": "ana", "act": "support-desk", "run": run, "iat": 0, "exp": LATER, "jti": "t-0000000000",
    });
    claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    claims
}
