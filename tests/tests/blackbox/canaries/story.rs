//! The run: everything that people, workers and integrations do with each other, and much that goes wrong.

use serde_json::{Value as Json, json};
use writ_core::digest::Digest;
use writ_tests::trail::Export;
use writ_tests::{Worker, wait};

use super::canary::{Canary, ENVIRONMENT_PROGRAM, FILE_PROGRAM, KEY, RETIRED_KEY, RUN_TOKEN, SEALED_PROGRAM};
use super::people::{fail_to_link, link, nobody, text};
use super::stage::{Actor, MARKER, Sends, Stage, signal};
use super::workspace::{LOCAL, integrations};
use super::{fake, local_server};

/// Integrations that use tokens of the fake's.
const WITH_TOKENS: [&str; 4] = ["own", "configured", "exchange", "personal"];
const KEYS: [&str; 4] = ["credentials", "identity", "token", "trail"];

/// Starts a run of Ana's.
pub(super) async fn start(stage: &Stage, ana: &Actor) -> Worker {
    let body = json!({ "mission": "canaries", "params": {} });
    let started = stage.api(ana, "POST", "/api/runs", Sends::Json(&body)).await;
    stage.canaries().push(Canary::token(RUN_TOKEN, &text(&started, "token"), &["ana POST /api/runs"]));
    Worker::of(&started, stage.address())
}

/// Links the personal integration, after calls without a link and with one that fails.
pub(super) async fn linking(stage: &Stage, worker: &Worker, ana: &Actor) {
    let answer = stage.call(worker, "personal_look", &looks("result")).await;
    assert!(answer.contains("not_linked"), "{answer}");
    fail_to_link(stage, ana).await;
    link(stage, ana).await;
}

/// Reads by every integration, answered in every way.
pub(super) async fn reads(stage: &Stage, worker: &Worker, ana: &Actor) {
    for name in integrations() {
        let modes: &[&str] = if name == LOCAL { &local_server::MODES } else { &fake::MODES };
        for mode in modes {
            let answer = stage.call(worker, &format!("{name}_look"), &looks(mode)).await;
            if name == "personal" && answer.contains("not_linked") {
                link(stage, ana).await;
            }
            if name == LOCAL && *mode == "result" {
                arrived_at_program(stage, &answer);
            }
            let was_sent = name == LOCAL || stage.fake.told().answered.contains(&(name.to_owned(), (*mode).to_owned()));
            assert!(was_sent, "{name}, {mode}: {answer}");
        }
    }
}

/// The program tells the digests of what it was given, which gives nothing away.
fn arrived_at_program(stage: &Stage, answer: &str) {
    let mut told = stage.fake.told();
    for canary in stage.canaries().iter() {
        let is_programs = [ENVIRONMENT_PROGRAM, FILE_PROGRAM, SEALED_PROGRAM].contains(&canary.kind);
        if is_programs && answer.contains(&Digest::of_bytes(canary.value.as_bytes()).to_string()) {
            told.arrived.insert(canary.value.clone());
        }
    }
}

/// The process of the integration that is a program, as it says itself.
pub(super) async fn program(stage: &Stage, worker: &Worker) -> u32 {
    let answer = stage.call(worker, &format!("{LOCAL}_look"), &looks("result")).await;
    let answer: Json = serde_json::from_str(&answer).unwrap();
    let said: Json = serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
    u32::try_from(said["process"].as_u64().expect("its number")).unwrap()
}

/// An effect of every integration, approved and carried out; one that is rejected in the console, and one that waits,
/// which is given.
pub(super) async fn effects(stage: &Stage, worker: &Worker, ana: &Actor, lea: &Actor) -> String {
    for name in integrations() {
        let decision = propose(stage, worker, name, "approved").await;
        let path = format!("/api/decisions/{decision}");
        let shown = stage.api(lea, "GET", &path, Sends::Nothing).await;
        let vote = json!({ "action_digest": shown["proposal"]["action_digest"], "approve": true });
        let vote = Sends::Json(&vote);
        assert_eq!(stage.ask(ana, "POST", &format!("{path}/vote"), vote).await.status, 403, "not by Ana");
        stage.api(lea, "POST", &format!("{path}/vote"), vote).await;
        stage.call(worker, "decision_wait", &json!({ "decision": decision, "seconds": 25 })).await;
        wait::until(&format!("the effect of {name}"), async || {
            let found = stage.api(lea, "GET", &path, Sends::Nothing).await;
            (found["status"] == "succeeded").then_some(())
        })
        .await;
        assert_eq!(stage.get(lea, &format!("/decisions/{decision}")).await.status, 200);
    }
    let decision = propose(stage, worker, "environment", "rejected").await;
    let page = stage.get(lea, &format!("/decisions/{decision}")).await;
    let (csrf, digest) = (page.field("csrf"), page.field("digest"));
    let fields = [("csrf", csrf), ("digest", digest), ("vote", "reject"), ("reason", "not this one")];
    let voted = stage.ask(lea, "POST", &format!("/decisions/{decision}/vote"), Sends::Form(&fields)).await;
    assert_eq!(voted.status, 303, "{}", voted.html);
    propose(stage, worker, "environment", "waiting").await
}

async fn propose(stage: &Stage, worker: &Worker, integration: &str, note: &str) -> String {
    let arguments = json!({ "mode": "result", "note": format!("{note} {MARKER}") });
    let answer = stage.call(worker, &format!("{integration}_tell"), &arguments).await;
    let answer: Json = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("`{answer}`: {error}"));
    text(&answer["result"]["structuredContent"]["pending"], "decision")
}

/// Calls that are refused, and everything else that a worker may ask for.
pub(super) async fn refusals(stage: &Stage, worker: &Worker) {
    for (tool, arguments) in [
        ("knowledge_query", json!({ "sql": "SELECT * FROM shop.nosuch" })),
        ("no_such_tool", json!({})),
        ("own_look", json!({ "mode": 7 })),
        ("own_look", json!({ "mode": "result", "more": MARKER })),
        ("own_tell", json!({})),
        ("conclude", json!({ "verdict": 7 })),
    ] {
        stage.call(worker, tool, &arguments).await;
    }
    for method in
        ["server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list", "no/such"]
    {
        stage.method(worker, method, None, json!({})).await;
    }
    stage.method(&worker.with_token("none"), "tools/list", None, json!({})).await;
}

/// Servers that cannot list their tools, and say why with all that they were sent.
pub(super) async fn failing_lists(stage: &Stage, lea: &Actor) {
    stage.fake.told().fails_to_list = true;
    let workspace = stage.acme.word();
    for words in [
        &["integration", "list", workspace, "--person", "ana"][..],
        &["integration", "list", workspace, "--json"],
        &["integration", "diff", workspace, "--person", "ana"],
        &["check", workspace],
        &["check", workspace, "--json"],
    ] {
        let said = stage.writ(words, "").await;
        let told = said.stdout + &said.stderr;
        assert!(told.contains(MARKER) || words[0] == "check", "the server's words are passed on: {told}");
    }
    signal("HUP", stage.process());
    wait::until("the reload has failed", async || stage.log().contains("the old ones stay in force").then_some(()))
        .await;
    assert!(stage.get(lea, "/health").await.html.contains(MARKER));
    stage.api(lea, "GET", "/api/health", Sends::Nothing).await;
    stage.fake.told().fails_to_list = false;
}

/// An authorization server that refuses, and says why with all that it was sent.
pub(super) async fn refused_grants(stage: &Stage, worker: &Worker, ana: &Actor) {
    stage.fake.told().refuses_grants = true;
    for name in WITH_TOKENS {
        let answer = stage.call(worker, &format!("{name}_look"), &looks("bare")).await;
        assert!(answer.contains("refused"), "{answer}");
    }
    let workspace = stage.acme.word();
    stage.writ(&["integration", "list", workspace, "--person", "ana"], "").await;
    stage.writ(&["check", workspace], "").await;
    stage.get(ana, "/health").await;
    stage.fake.told().refuses_grants = false;
    link(stage, ana).await;
}

/// Another sealing key, while the server runs, and definitions that are loaded again.
pub(super) async fn rotation(stage: &Stage, worker: &Worker, lea: &Actor) {
    let file = "data/keys/credentials.key";
    stage.canaries().push(Canary::new(RETIRED_KEY, stage.acme.text(file).trim(), &[]));
    stage.writ(&["credential", "rotate", stage.acme.word()], "").await.ok();
    for key in KEYS {
        let value = stage.acme.text(&format!("data/keys/{key}.key"));
        let place = format!("file acme/data/keys/{key}.key");
        stage.canaries().push(Canary::new(KEY, value.trim(), &[&place]));
    }
    let epoch = async || stage.api(lea, "GET", "/api/health", Sends::Nothing).await["epoch"].as_u64();
    let before = epoch().await;
    signal("HUP", stage.process());
    wait::until("the definitions are loaded again", async || (epoch().await > before).then_some(())).await;
    let answer = stage.call(worker, "personal_look", &looks("result")).await;
    assert!(answer.contains(MARKER), "what was sealed is opened with the new key: {answer}");
}

/// What the operator's commands say of it all, the export and a proof among them.
pub(super) async fn commands(stage: &Stage, worker: &Worker, decision: &str, lea: &Actor) {
    let workspace = stage.acme.word();
    let (run, caller) = (worker.run(), ["--workspace", workspace, "--as", "lea"]);
    for words in [
        &["run", "list"][..],
        &["run", "show", run],
        &["run", "rail", run],
        &["run", "rail", run, "--json"],
        &["decision", "list", "--show", "all", "--json"],
        &["decision", "show", decision],
    ] {
        stage.writ(&[words, &caller[..]].concat(), "").await.ok();
    }
    for words in [
        &["credential", "list", workspace][..],
        &["credential", "list", workspace, "--json"],
        &["integration", "list", workspace, "--person", "ana", "--json"],
        &["check", workspace, "--json"],
    ] {
        stage.writ(words, "").await.ok();
    }
    wait::until("a checkpoint over everything", async || {
        let leaves = stage.api(lea, "GET", "/api/health", Sends::Nothing).await["leaves"].as_u64()?;
        let checkpoint = stage.api(lea, "GET", "/api/trail/checkpoint", Sends::Nothing).await;
        let size = checkpoint["checkpoint"].as_str()?.lines().nth(1)?.parse::<u64>().ok()?;
        (size == leaves).then_some(())
    })
    .await;
    let folder = stage.acme.beside("export");
    let export = ["trail", "export", folder.to_str().unwrap(), "--workspace", workspace, "--json"];
    let leaves = stage.writ(&export, "").await.json()["leaves"].as_u64().expect("a number of leaves");
    stage.writ(&["trail", "proof", decision, "--workspace", workspace], "").await.ok();
    let key = stage.writ(&["trail", "key", "--workspace", workspace], "").await.ok().trim().to_owned();
    let events = Export { folder, key, leaves }.events();
    let linked: Vec<&Json> = events.iter().filter(|event| event["event"] == "integration_linked").collect();
    assert!(!linked.is_empty(), "who links is in the trail");
    for event in linked {
        assert_eq!((&event["person"], &event["integration"]), (&json!("ana"), &json!("personal")), "{event}");
        assert_eq!(event["scopes"], json!(["listed"]), "{event}");
    }
}

/// The end of it: Ana unlinks, in vain elsewhere at first, Lea stops the run, nobody comes by.
pub(super) async fn farewells(stage: &Stage, worker: &Worker, ana: &Actor, lea: &Actor) {
    for refuses in [true, false] {
        stage.fake.told().refuses_grants = refuses;
        let page = stage.get(ana, "/integrations").await;
        let fields = [("csrf", page.field("csrf"))];
        let unlinked = stage.ask(ana, "POST", "/integrations/personal/unlink", Sends::Form(&fields)).await;
        assert_eq!(unlinked.status, if refuses { 200 } else { 303 }, "{}", unlinked.html);
        assert_eq!(unlinked.html.contains("unlinked here alone"), refuses, "{}", unlinked.html);
        if refuses {
            stage.fake.told().refuses_grants = false;
            link(stage, ana).await;
        }
    }
    assert_eq!(stage.fake.told().revocations, 2, "both tokens are ended");
    let why = json!({ "reason": "it is over" });
    stage.api(lea, "POST", &format!("/api/runs/{}/stop", worker.run()), Sends::Json(&why)).await;
    stage.call(worker, "own_look", &looks("result")).await;
    stage.ask(&nobody(), "POST", "/mcp", Sends::Json(&json!({}))).await;
}

fn looks(mode: &str) -> Json {
    json!({ "mode": mode })
}
