//! Any bytes at the endpoint for workers: each request gets an answer in time, nothing happens in the world, and
//! another run goes on undisturbed.
//!
//! The messages are the corpus of `fuzz/`, as it is and changed. `WRIT_FUZZ_CASES` sets how many changed ones are sent.

use std::time::Duration;

use reqwest::header::HeaderValue;
use serde_json::Value as Json;
use writ_fuzz::corpus;
use writ_fuzz::mutation::Mutator;
use writ_tests::worker::REVISION;
use writ_tests::{Desk, Worker};

const CASES: usize = 1_500;
const ANSWER_SECONDS_MAX: u64 = 20;
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// After so many messages another run takes over, before the limits of the last one end it.
const CASES_A_RUN: usize = 100;

#[tokio::test]
async fn any_bytes_get_an_answer_and_nothing_happens() {
    let cases = std::env::var("WRIT_FUZZ_CASES").map_or(CASES, |cases| cases.parse().unwrap());
    let desk = Desk::open().await;
    let (mut worker, mut other) = (desk.run().await, desk.run().await);
    let files = corpus::files("worker_message").unwrap();
    let mut mutator = Mutator::new(3);
    for (case, (file, input)) in (0..files.len() + cases).zip(files.iter().cycle()) {
        let body = if case < files.len() { input.clone() } else { mutator.changed(input) };
        let what = format!("{file}, case {case}: {}", body.escape_ascii());
        is_answered(request(&worker, &mut mutator, body), &what).await;
        if case % CASES_A_RUN == CASES_A_RUN - 1 {
            // Whoever has nothing to do with it still gets what is theirs.
            assert!(!other.rows("SELECT order_id FROM shop.orders").await.as_array().unwrap().is_empty(), "{what}");
            (worker, other) = (desk.run().await, desk.run().await);
        }
    }
    desk.acme.nothing_was_done();
    let log = desk.server.log();
    assert!(!log.contains("panicked"), "{log}");
    desk.run().await.rows("SELECT order_id FROM shop.orders").await;
}

/// A request with this body, and with headers that fit it, fit something else, or are not there.
fn request(worker: &Worker, mutator: &mut Mutator, body: Vec<u8>) -> reqwest::RequestBuilder {
    let message = serde_json::from_slice::<Json>(&body).unwrap_or_default();
    let request = worker.post("").body(body);
    let (revision, named) = match mutator.below(6) {
        0 => return request,
        1 => ("2025-06-18", false),
        2 => ("2025-11-25", false),
        3 => ("1999-01-01", true),
        _ => (REVISION, true),
    };
    let mut request = request.header("mcp-protocol-version", revision);
    let name = ["/params/name", "/params/uri"].iter().find_map(|place| message.pointer(place));
    for (header, value) in [("mcp-method", message.get("method")), ("mcp-name", name)] {
        let value = value.and_then(Json::as_str).and_then(|text| HeaderValue::from_str(text).ok());
        if let Some(value) = value.filter(|_| named) {
            request = request.header(header, value);
        }
    }
    request
}

async fn is_answered(request: reqwest::RequestBuilder, what: &str) {
    let in_time = Duration::from_secs(ANSWER_SECONDS_MAX);
    let response = tokio::time::timeout(in_time, request.send()).await;
    let response =
        response.unwrap_or_else(|_| panic!("no answer: {what}")).unwrap_or_else(|why| panic!("{why}: {what}"));
    let status = response.status().as_u16();
    // To be busy is an answer; to break is none.
    assert!(status < 500 || status == 503, "{status}: {what}");
    let kind =
        response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    if kind.starts_with("text/event-stream") {
        // A stream is left as a worker leaves that has gone.
        return;
    }
    let body = tokio::time::timeout(in_time, response.bytes()).await;
    let body =
        body.unwrap_or_else(|_| panic!("no end of the answer: {what}")).unwrap_or_else(|why| panic!("{why}: {what}"));
    assert!(body.len() <= ANSWER_BYTES_MAX, "{} bytes: {what}", body.len());
    if kind.starts_with("application/json") {
        let answer = serde_json::from_slice::<Json>(&body);
        assert!(answer.is_ok_and(|answer| answer.is_object() || answer.is_array()), "not JSON: {what}");
    }
}
