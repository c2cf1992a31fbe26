//! No credential shows anywhere but on the connection that it belongs to.
//!
//! Every kind of credential is planted as a canary, in every place in which one may be kept, and used by integrations
//! that repeat whatever they are sent: in results, in errors, in challenges and notices, and on standard error. What
//! the run produces is then searched: the log at its most talkative, what commands say, each answer and page with its
//! headers, every file of the workspace with the store's own and the trail's export, command lines, core files, and
//! what each integration was sent.

mod canary;
mod dumps;
mod evidence;
mod fake;
mod local_server;
mod people;
mod search;
mod stage;
mod story;
mod surface;
mod workspace;

use std::collections::BTreeSet;

use canary::{ARRIVING, Canary};
use search::Search;
use stage::{MARKER, SENT_TO, Stage};
use writ_tests::Postgres;

/// Places where the marker must be found: what is no secret is there.
const SHOWN: [&str; 9] = [
    "worker tools/call environment_look",
    "worker tools/call local_look",
    "ana GET /runs/",
    "lea GET /decisions/",
    "lea GET /api/decisions/",
    "command writ run rail",
    "command writ trail proof",
    "file acme/data/writ.db",
    "file export/bodies/",
];

#[tokio::test]
async fn no_credential_shows_in_anything_that_a_full_run_produces() {
    let (mut stage, to_seal) = Stage::open().await;
    for (name, value) in to_seal {
        stage.writ(&["credential", "set", stage.acme.word(), name], &value).await.ok();
    }
    stage.writ(&["integration", "pin", stage.acme.word(), "exchange", "--person", "ana"], "").await.ok();
    workspace::pin_like(&stage.acme, "personal", "exchange");
    stage.writ(&["check", stage.acme.word()], "").await.ok();
    stage.serve().await;

    let (folder, word) =
        (stage.acme.folder().parent().expect("a folder around it").to_owned(), stage.acme.word().to_owned());
    let workspace = word.as_str();
    let link = ["credential", "link", workspace, "personal", "--person", "ana", "--json"];
    let ana = people::person(&stage, "ana", &link).await;
    let sign_in = ["person", "sign-in", "lea", "--workspace", workspace, "--json"];
    let lea = people::person(&stage, "lea", &sign_in).await;
    let worker = story::start(&stage, &ana).await;
    story::linking(&stage, &worker, &ana).await;
    story::reads(&stage, &worker, &ana).await;
    let waiting = story::effects(&stage, &worker, &ana, &lea).await;
    story::refusals(&stage, &worker).await;
    story::failing_lists(&stage, &lea).await;
    story::refused_grants(&stage, &worker, &ana).await;
    story::rotation(&stage, &worker, &lea).await;
    surface::everywhere(&stage, [&ana, &lea], worker.run(), &waiting).await;
    story::commands(&stage, &worker, &waiting, &lea).await;
    let program = story::program(&stage, &worker).await;
    story::farewells(&stage, &worker, &ana, &lea).await;
    let mut wrong = dumps::crash(&mut stage, program).await;

    let log = stage.log();
    assert!(log.contains(" TRACE ") && log.contains(" DEBUG "), "the log is not at its most talkative");
    stage.evidence.add_files(&folder);
    if let Some(database) = stage.acme.postgres() {
        for sql in
            ["SELECT convert_from(body, 'UTF8') FROM events", "SELECT state FROM runs", "SELECT state FROM decisions"]
        {
            stage.evidence.add("file acme/data/writ.db: PostgreSQL's tables", Postgres::shared().sql(&database, sql));
        }
    }
    let canaries = arrived(&stage);
    wrong.extend(shown(&stage, &canaries));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// All canaries, once what was to arrive somewhere has arrived.
fn arrived(stage: &Stage) -> Vec<Canary> {
    let told = stage.fake.told();
    for (whom, bytes) in &told.sent {
        stage.evidence.add(&format!("{SENT_TO}{whom}"), bytes.clone());
    }
    let canaries: Vec<Canary> = stage.canaries().iter().chain(&told.canaries).cloned().collect();
    for kind in ARRIVING {
        let mut of_kind = canaries.iter().filter(|canary| canary.kind == kind);
        assert!(of_kind.any(|canary| told.arrived.contains(&canary.value)), "{kind} has come to nobody");
    }
    canaries
}

/// Which canary shows where it must not. The marker is searched for with them.
fn shown(stage: &Stage, canaries: &[Canary]) -> BTreeSet<String> {
    let marker = Canary::new("the marker", MARKER, &[""]);
    let known: Vec<Canary> = canaries.iter().cloned().chain([marker]).collect();
    let search = Search::of(&known);
    let (mut shown, mut marked) = (BTreeSet::new(), BTreeSet::new());
    for exhibit in stage.evidence.exhibits().iter() {
        for (canary, form) in search.found(&exhibit.bytes) {
            if canary == canaries.len() {
                marked.insert(exhibit.place.clone());
            } else if !known[canary].may_stand_in(&exhibit.place) {
                shown.insert(format!("{} in {form}: {}", known[canary].kind, exhibit.place));
            }
        }
    }
    for place in SHOWN {
        assert!(marked.iter().any(|marked| marked.starts_with(place)), "the search finds nothing in {place}");
    }
    shown
}
