//! The console: who gets in, and which forms count.

use serde_json::json;
use writ_tests::story::{REFUND, refund};
use writ_tests::{Console, Desk, Worker};

const PAGES: [&str; 7] =
    ["/decisions", "/decisions/d-0000000000", "/decisions/events", "/runs", "/runs/r-0000000000", "/trail", "/health"];

#[tokio::test]
async fn nobody_sees_a_page_without_a_session() {
    let desk = Desk::open().await;
    let stranger = Console::stranger(desk.address());
    for path in PAGES {
        let page = stranger.get(path).await;
        assert_eq!(page.status, 303, "{path}");
        assert!(page.header("location").starts_with("/sign-in"), "{path}: {}", page.header("location"));
        let page = stranger.get_with(path, &[("cookie", "writ_session=none")]).await;
        assert_eq!(page.status, 303, "{path} with a cookie that is none");
    }
    assert_eq!(stranger.get("/").await.header("location"), "/decisions");
    assert_eq!(stranger.get("/sign-in").await.status, 401);
    for path in
        ["/sign-out", "/decisions/d-0000000000/vote", "/decisions/d-0000000000/settle", "/runs/r-0000000000/stop"]
    {
        assert_eq!(stranger.post(path, &[("csrf", "x")]).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_form_counts_only_from_its_own_session() {
    let (desk, _worker, decision) = waiting().await;
    let (lea, other) = (Console::signed_in(&desk, "lea").await, Console::signed_in(&desk, "lea").await);
    let path = format!("/decisions/{decision}");
    let vote = format!("{path}/vote");
    let page = lea.get(&path).await;
    let (csrf, digest) = (page.field("csrf"), page.field("digest"));
    let foreign = other.get(&path).await;
    let foreign = foreign.field("csrf");
    assert_ne!(csrf, foreign);

    let approve = [("digest", digest), ("vote", "approve")];
    assert_eq!(lea.post(&vote, &approve).await.status, 403, "without the session's token");
    for wrong in ["", "AAAA", foreign] {
        let fields = [("csrf", wrong), ("digest", digest), ("vote", "approve")];
        assert_eq!(lea.post(&vote, &fields).await.status, 403, "with `{wrong}`");
    }
    let good = [("csrf", csrf), ("digest", digest), ("vote", "approve")];
    for elsewhere in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "http://127.0.0.1:1"),
    ] {
        assert_eq!(lea.post_with(&vote, &good, &[elsewhere]).await.status, 403, "{elsewhere:?}");
    }
    let extra = [("csrf", csrf), ("digest", digest), ("vote", "approve"), ("amount", "5000")];
    assert_eq!(lea.post(&vote, &extra).await.status, 400, "a field that the page does not have");
    let unsure = [("csrf", csrf), ("digest", digest), ("vote", "perhaps")];
    assert_eq!(lea.post(&vote, &unsure).await.status, 400);
    let other_digest = "0".repeat(64);
    for (wrong, status) in [(other_digest.as_str(), 409), ("", 409), ("none", 409)] {
        let fields = [("csrf", csrf), ("digest", wrong), ("vote", "approve")];
        let page = lea.post(&vote, &fields).await;
        assert_eq!(page.status, status, "{wrong}");
        assert!(page.html.contains("digest_mismatch") && page.html.contains("not counted"), "{}", page.html);
    }
    let silent = [("csrf", csrf), ("digest", digest), ("vote", "reject")];
    assert_eq!(lea.post(&vote, &silent).await.status, 400, "a no needs a reason");
    let shown = desk.decision(&decision).await;
    assert_eq!((&shown["status"], &shown["votes"]), (&json!("pending"), &json!([])), "nothing has counted");

    let reject = [("csrf", csrf), ("digest", digest), ("vote", "reject"), ("reason", "no photo & no <lining>")];
    assert_eq!(lea.post_with(&vote, &reject, &[("origin", desk.address())]).await.status, 303);
    assert_eq!(desk.decision(&decision).await["note"], "no photo & no <lining>");
    desk.acme.nothing_was_done();
}

#[tokio::test]
async fn a_page_shows_what_its_reader_may_do_and_no_more() {
    let (desk, worker, decision) = waiting().await;
    let path = format!("/decisions/{decision}");
    let lea = Console::signed_in(&desk, "lea").await;
    let page = lea.get(&path).await;
    let digest = desk.decision(&decision).await["proposal"]["action_digest"].as_str().unwrap().to_owned();
    for expected in ["Approve", "Reject", "cannot be undone", "Lea Moreau", digest.as_str(), "agents-refund-up-to-500"]
    {
        assert!(page.html.contains(expected), "no `{expected}` in {}", page.html);
    }
    let ana = Console::signed_in(&desk, "ana").await;
    let page = ana.get(&path).await;
    assert!(page.html.contains("No vote from you") && !page.html.contains("Approve"), "{}", page.html);
    let (csrf, vote) = (page.field("csrf"), format!("{path}/vote"));
    let fields = [("csrf", csrf), ("digest", digest.as_str()), ("vote", "approve")];
    assert_eq!(ana.post(&vote, &fields).await.status, 403, "the button that is not there does not work either");
    let ben = Console::signed_in(&desk, "ben").await;
    for path in [path, format!("/runs/{}", worker.run())] {
        assert_eq!(ben.get(&path).await.status, 404);
    }
    assert!(!ben.get("/runs").await.html.contains(worker.run()));

    let run = format!("/runs/{}", worker.run());
    let page = lea.get(&run).await;
    let stop = [("csrf", page.field("csrf")), ("reason", "wrong customer")];
    assert_eq!(lea.post(&format!("{run}/stop"), &stop).await.status, 303);
    assert_eq!(desk.run_view(worker.run()).await["status"], "stopped");
    assert!(!lea.get(&run).await.html.contains("Stop this run"));
    for path in ["/decisions", "/decisions?show=all", "/runs", "/trail", "/health"] {
        let page = lea.get(path).await;
        assert_eq!(page.status, 200, "{path}");
    }
}

#[tokio::test]
async fn signing_out_and_being_disabled_end_a_session() {
    let desk = Desk::open().await;
    let lea = Console::signed_in(&desk, "lea").await;
    let page = lea.get("/runs").await;
    let out = lea.post("/sign-out", &[("csrf", page.field("csrf"))]).await;
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{}", out.header("set-cookie"));
    let ben = Console::signed_in(&desk, "ben").await;
    assert_eq!(ben.get("/runs").await.status, 200);
    desk.acme.edit(("people.yaml", "name: Ben Okafor, groups: [support]", "name: Ben Okafor, disabled: true"));
    desk.reload().await;
    assert_eq!(ben.get("/runs").await.status, 303);
}

/// A refund that waits.
async fn waiting() -> (Desk, Worker, String) {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    (desk, worker, decision)
}
