//! A message that is none gets a clear error, changes nothing, and is recorded where it concerns a run.

use serde_json::{Value as Json, json};
use writ_tests::Desk;

const MALFORMED: i64 = -32_600;
const NOT_JSON: i64 = -32_700;
const BODY_BYTES_MAX: usize = 1 << 20;

/// A request that is none, and what is said of it.
struct Case<'a> {
    body: &'a str,
    headers: &'a [(&'a str, &'a str)],
    status: u16,
    code: i64,
    message: &'a str,
    id: Json,
}

#[tokio::test]
async fn what_is_no_message_is_explained_and_recorded() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let ping = r#"{"jsonrpc":"2.0","id":"a-7","method":"ping"}"#;
    let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(BODY_BYTES_MAX));
    let deep = "[".repeat(5_000);
    let none: &[(&str, &str)] = &[];
    let case = |body, headers, status, code, message, id| Case { body, headers, status, code, message, id };
    let cases = [
        case("", none, 400, NOT_JSON, "not JSON", Json::Null),
        case(r#"{"jsonrpc":"2.0","id":1,"#, none, 400, NOT_JSON, "not JSON", Json::Null),
        case(&deep, none, 400, NOT_JSON, "not JSON", Json::Null),
        case(r#"{"id":"a-7","neither":"method nor result"}"#, none, 400, MALFORMED, "not a JSON-RPC", json!("a-7")),
        case("[]", none, 400, MALFORMED, "not a JSON-RPC", Json::Null),
        case(r#""ping""#, none, 400, MALFORMED, "not a JSON-RPC", Json::Null),
        case(&large, none, 413, MALFORMED, "larger than 1048576 bytes", Json::Null),
        case(ping, &[("content-type", "text/plain")], 415, MALFORMED, "application/json", json!("a-7")),
        case(ping, &[("accept", "text/html")], 406, MALFORMED, "application/json", json!("a-7")),
    ];
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (turn, Case { body, headers, status, code, message, id }) in cases.into_iter().enumerate() {
        let mut request = worker.post(body).build().unwrap();
        for (name, value) in headers {
            let name: reqwest::header::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let response = client.execute(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "case {turn}");
        let answer: Json = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &id), "case {turn}: {answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(message), "case {turn}: {answer}");
        assert_eq!(answer["error"]["data"]["code"], "malformed_message", "case {turn}: {answer}");
        let recorded = desk.events(worker.run(), "refused").await;
        assert_eq!(recorded.len(), turn + 1, "case {turn} is recorded");
        assert!(recorded[turn]["request"].as_str().unwrap().contains(message), "{:?}", recorded[turn]);
    }
    let run = desk.run_view(worker.run()).await;
    assert_eq!((&run["status"], &run["reads"], &run["proposals"]), (&json!("running"), &json!(0), &json!(0)));
    worker.query("SELECT 1").await.ok();
}

#[tokio::test]
async fn parameters_that_do_not_fit_the_protocol_are_recorded() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    for params in
        [json!({ "tool": "observe" }), json!({ "name": "observe", "arguments": "said" }), json!({ "name": 7 })]
    {
        let response = worker.request("tools/call", Some("observe"), params).send().await.unwrap();
        let answer: Json = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert!(answer["error"]["code"].as_i64().unwrap() < 0, "{answer}");
    }
    assert_eq!(desk.events(worker.run(), "refused").await.len(), 3);
    assert!(desk.events(worker.run(), "claimed").await.is_empty());
}

#[tokio::test]
async fn the_wrong_place_is_refused_and_says_nothing_about_the_run() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for (name, value) in [("host", "evil.example"), ("origin", "http://evil.example"), ("origin", "null")] {
        let response = worker.post(ping).header(name, value).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 403, "{name}: {value}");
    }
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for method in [reqwest::Method::GET, reqwest::Method::DELETE, reqwest::Method::PUT] {
        let request = client.request(method.clone(), format!("{}/mcp", desk.address())).bearer_auth(worker.token());
        assert_eq!(request.send().await.unwrap().status().as_u16(), 405, "{method}");
    }
    assert!(desk.events(worker.run(), "refused").await.is_empty());
}
