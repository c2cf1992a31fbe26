//! Slow, silent and lying clients: whatever one does, it ends within a limit, and another run goes on meanwhile.
//!
//! They speak raw bytes, since no client library would send what they send.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use writ_tests::story::{NOTE, OTHER_CASE, note};
use writ_tests::worker::REVISION;
use writ_tests::{Desk, Worker, wait};

const MISSION: &str = "missions/refund.yaml";
/// How long a call of the other run may take meanwhile.
const CALL_SECONDS_MAX: u64 = 10;
const PAUSE_MILLISECONDS: u64 = 100;
/// When the server must have ended a connection on which nothing goes on.
const ENDED_SECONDS_MAX: u64 = 90;
/// How many connections there are of each slow kind.
const EACH: usize = 6;
/// More requests at a time than one run may have.
const MANY: usize = 100;
/// How long it may take until a run has the turns of clients that went away.
const TURNS_SECONDS_MAX: u64 = 15;
/// A head that a server takes in whole before it refuses it.
const SMALL_HEAD_BYTES: usize = 4096;
/// What a server may take in of a body that never ends, buffers on the way included.
const ENDLESS_BYTES_MAX: usize = 32 << 20;

/// A client that never ends a request, or never takes an answer.
#[derive(Debug, Clone, Copy)]
enum Slow {
    SaysNothing,
    HalfAHead,
    AByteASecond,
    HalfABody,
    NeverReads,
}

const SLOW: [Slow; 5] = [Slow::SaysNothing, Slow::HalfAHead, Slow::AByteASecond, Slow::HalfABody, Slow::NeverReads];

#[tokio::test]
async fn slow_clients_end_and_another_run_goes_on() {
    let desk = Desk::edited(&[(MISSION, "reads: 200", "reads: 100000")]).await;
    let (honest, hostile) = (desk.run().await, desk.run_for(&desk.ana, OTHER_CASE).await);
    let clients: Vec<_> = SLOW
        .into_iter()
        .flat_map(|slow| std::iter::repeat_n(slow, EACH))
        .map(|slow| {
            let worker = hostile.clone();
            tokio::task::spawn_blocking(move || slow.until_ended(&worker))
        })
        .collect();
    let mut calls = 0;
    while !clients.iter().all(tokio::task::JoinHandle::is_finished) {
        let begun = Instant::now();
        honest.rows("SELECT order_id FROM shop.orders").await;
        assert!(begun.elapsed() < Duration::from_secs(CALL_SECONDS_MAX), "call {calls} took {:?}", begun.elapsed());
        calls += 1;
        wait::pause(PAUSE_MILLISECONDS).await;
    }
    for client in clients {
        client.await.unwrap();
    }
    assert!(calls > 1, "the other run was asked while they were there");
    let run = desk.run_view(honest.run()).await;
    assert_eq!((&run["status"], &run["reads"], &run["refused"]), (&json!("running"), &json!(calls), &json!(0)));
    // Whoever behaves again is served again.
    hostile.query("SELECT 1").await.ok();
}

#[tokio::test]
async fn clients_that_go_away_give_their_turns_back() {
    let desk = Desk::open().await;
    let (honest, hostile) = (desk.run().await, desk.run_for(&desk.ana, OTHER_CASE).await);
    let decision = honest.propose(NOTE, note("one")).await;
    let waiting = call(&honest, "decision_wait", &json!({ "decision": decision, "seconds": 25 }));
    let connections: Vec<TcpStream> = (0..MANY)
        .map(|_| {
            let mut connection = connect(&honest);
            connection.write_all(&waiting).unwrap();
            connection
        })
        .collect();
    let status = json!({});
    wait::until("the run has no turn left", async || honest.try_call("run_status", status.clone()).await.err()).await;
    hostile.query("SELECT 1").await.ok();
    drop(connections);
    let begun = Instant::now();
    wait::until("the run has turns again", async || honest.try_call("run_status", status.clone()).await.ok()).await;
    assert!(begun.elapsed() < Duration::from_secs(TURNS_SECONDS_MAX), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn heads_that_two_servers_would_read_differently_are_refused() {
    let desk = Desk::open().await;
    let (honest, hostile) = (desk.run().await, desk.run_for(&desk.ana, OTHER_CASE).await);
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let length = format!("content-length: {}", body.len());
    let long = format!("x-long: {}", "y".repeat(200_000));
    let many = vec!["x-many: y"; 500].join("\r\n");
    let own = format!("host: {}", host(&hostile));
    let (own, length, long, many) = (own.as_str(), length.as_str(), long.as_str(), many.as_str());
    // Each is one head beside the token and the media types, and the statuses by which it may be refused.
    let cases: [(&str, &[&str], &[u16]); 13] = [
        ("HTTP/1.1", &[own, length, "content-length: 5"], &[400]),
        ("HTTP/1.1", &[own, "content-length: 5, 6"], &[400]),
        ("HTTP/1.1", &[own, "content-length: +5"], &[400]),
        ("HTTP/1.1", &[own, "content-length : 5"], &[400]),
        ("HTTP/1.1", &[own, length, "x-folded: a\r\n b"], &[400]),
        ("HTTP/1.1", &[own, "transfer-encoding: chunked, identity"], &[400]),
        ("HTTP/1.0", &[own, "transfer-encoding: chunked"], &[400]),
        ("HTTP/1.1", &[own, length, long], &[431]),
        ("HTTP/1.1", &[own, length, many], &[431]),
        ("HTTP/1.1", &[length], &[400]),
        ("HTTP/1.1", &[own, "host: evil.example", length], &[400]),
        ("HTTP/1.1", &["host: evil.example", length], &[403]),
        ("HTTP/1.1", &["host: a b", length], &[400, 403]),
    ];
    for (version, lines, statuses) in cases {
        let mut connection = connect(&hostile);
        let head = format!(
            "POST /mcp {version}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nconnection: close\r\n{}\r\n\r\n",
            hostile.token(),
            lines.join("\r\n")
        );
        let shown: String = lines.join(", ").chars().take(100).collect();
        // A server that refuses may close before it has taken everything in.
        let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(body.as_bytes()));
        let answered = rest(&mut connection);
        match statuses_of(&answered).as_slice() {
            // The refusal may be lost where the connection closed before the client had sent everything.
            [] => assert!(head.len() > SMALL_HEAD_BYTES, "{shown}: no answer"),
            [status] => assert!(statuses.contains(status), "{shown}: {answered}"),
            several => panic!("{shown}: {several:?}"),
        }
    }
    honest.query("SELECT 1").await.ok();
}

#[tokio::test]
async fn no_second_request_hides_behind_the_end_of_a_first() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let hidden = call(&worker, "observe", &json!({ "text": "smuggled" }));
    let mut connection = connect(&worker);
    // By its length the body holds the hidden request; by its chunks it ends before it.
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        host(&worker),
        worker.token(),
        hidden.len() + 5
    );
    let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&hidden));
    let answered = rest(&mut connection);
    assert!(statuses_of(&answered).len() <= 1, "one answer, then the end: {answered}");
    assert!(!statuses_of(&answered).contains(&200), "{answered}");
    worker.query("SELECT 1").await.ok();
    assert!(desk.events(worker.run(), "claimed").await.is_empty(), "the hidden request was carried out");
}

#[tokio::test]
async fn bodies_that_hide_something_or_never_end_are_refused() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let deep = format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
    let observe = |arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"observe","arguments":{arguments},"_meta":{}}}}}"#,
            meta()
        )
    };
    let honest = observe(r#"{"text":"a"}"#);
    let send = async |body: &str, media_type: &'static str| {
        let headers = [("mcp-protocol-version", REVISION), ("mcp-method", "tools/call"), ("mcp-name", "observe")];
        let request = headers.into_iter().fold(worker.post(body), |request, (name, value)| request.header(name, value));
        let mut request = request.build().unwrap();
        request.headers_mut().insert("content-type", media_type.parse().unwrap());
        let response = client.execute(request).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let bodies = [
        observe(&format!(r#"{{"text":{deep}}}"#)),
        observe(r#"{"text":"shown to one","text":"shown to another"}"#),
        honest.replacen(r#""id":1"#, r#""id":1,"id":2"#, 1),
        honest.replacen(r#""name":"observe""#, r#""name":"observe","name":"conclude""#, 1),
        honest.replacen(r#""method""#, r#""method":"ping","method""#, 1),
        format!("{honest}{{}}"),
        observe("\u{feff}{}"),
    ];
    for body in &bodies {
        let (status, text) = send(body, "application/json").await;
        let shown: String = body.chars().take(150).collect();
        assert_eq!(status, 400, "{shown}: {text}");
        let answer: Json = serde_json::from_str(&text).unwrap();
        assert!(answer["error"]["code"].as_i64().is_some_and(|code| code < 0), "{shown}: {answer}");
    }
    for media_type in ["text/json", "application/jsonx", "multipart/form-data", "application/x-www-form-urlencoded"] {
        assert_eq!(send(&honest, media_type).await.0, 415, "{media_type}");
    }
    let endless = worker.clone();
    tokio::task::spawn_blocking(move || never_ends(&endless)).await.unwrap();
    assert!(desk.events(worker.run(), "claimed").await.is_empty(), "nothing of it was carried out");
    assert_eq!(send(&honest, "application/json").await.0, 200, "the same without any of it");
}

impl Slow {
    /// Stays until the server ends the connection.
    fn until_ended(self, worker: &Worker) {
        let begun = Instant::now();
        let mut connection = connect(worker);
        connection.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        connection.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        let head = format!("POST /mcp HTTP/1.1\r\nhost: {}\r\n", host(worker));
        let ended = match self {
            Self::SaysNothing => read_until_ended(&mut connection, |_| Ok(())),
            Self::HalfAHead => {
                connection.write_all(head.as_bytes()).unwrap();
                read_until_ended(&mut connection, |_| Ok(()))
            }
            Self::AByteASecond => {
                connection.write_all(format!("{head}x-slow: ").as_bytes()).unwrap();
                read_until_ended(&mut connection, |connection| connection.write_all(b"y"))
            }
            Self::HalfABody => {
                let request = call(worker, "observe", &json!({ "text": "half" }));
                connection.write_all(&request[..request.len() - 10]).unwrap();
                let answered = read_until_ended(&mut connection, |_| Ok(()));
                assert!(statuses_of(&answered).iter().all(|status| *status == 408), "{answered}");
                answered
            }
            Self::NeverReads => {
                // The list of tools is the longest answer that costs the server little.
                let request = request(worker, "tools/list", "", json!({ "_meta": meta() }));
                write_until_ended(&mut connection, &request, begun);
                String::new()
            }
        };
        assert!(!statuses_of(&ended).contains(&200), "{self:?}: {ended}");
    }
}

/// Reads until the connection ends, and does something in each second without an answer.
fn read_until_ended(connection: &mut TcpStream, mut meanwhile: impl FnMut(&mut TcpStream) -> io::Result<()>) -> String {
    let begun = Instant::now();
    let mut answered = Vec::new();
    let mut chunk = [0; 4096];
    while begun.elapsed() < Duration::from_secs(ENDED_SECONDS_MAX) {
        match connection.read(&mut chunk) {
            Ok(length @ 1..) => answered.extend_from_slice(&chunk[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if meanwhile(connection).is_err() {
                    return String::from_utf8_lossy(&answered).into_owned();
                }
            }
            Ok(0) | Err(_) => return String::from_utf8_lossy(&answered).into_owned(),
        }
    }
    panic!("the connection is still open after {ENDED_SECONDS_MAX} s");
}

/// Sends the same request again and again, and takes no answer, until the connection ends.
fn write_until_ended(connection: &mut TcpStream, request: &[u8], begun: Instant) {
    let mut at = 0;
    while begun.elapsed() < Duration::from_secs(ENDED_SECONDS_MAX) {
        match connection.write(&request[at..]) {
            Ok(length) => at = (at + length) % request.len(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
    }
    panic!("answers still wait for their reader after {ENDED_SECONDS_MAX} s");
}

/// Sends a body in chunks that never end.
fn never_ends(worker: &Worker) {
    let mut connection = connect(worker);
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
        host(worker),
        worker.token()
    );
    connection.write_all(head.as_bytes()).unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let mut sent = 0;
    while sent <= ENDLESS_BYTES_MAX && connection.write_all(chunk.as_bytes()).is_ok() {
        sent += chunk.len();
    }
    assert!(sent <= ENDLESS_BYTES_MAX, "{sent} bytes were taken in");
    let answered = rest(&mut connection);
    // The refusal is lost where the connection closed while the client was still sending.
    assert!(statuses_of(&answered).iter().all(|status| *status == 413), "{answered}");
}

fn connect(worker: &Worker) -> TcpStream {
    let connection = TcpStream::connect(host(worker)).unwrap();
    let limit = Some(Duration::from_secs(ENDED_SECONDS_MAX));
    connection.set_read_timeout(limit).unwrap();
    connection.set_write_timeout(limit).unwrap();
    connection
}

fn host(worker: &Worker) -> &str {
    worker.address().strip_prefix("http://").expect("a plain address")
}

/// A call of a tool as bytes, as an honest client would send it.
fn call(worker: &Worker, tool: &str, arguments: &Json) -> Vec<u8> {
    let name = format!("mcp-name: {tool}\r\n");
    request(worker, "tools/call", &name, json!({ "name": tool, "arguments": arguments, "_meta": meta() }))
}

/// A request as bytes, as an honest client would send it.
fn request(worker: &Worker, method: &str, more: &str, params: Json) -> Vec<u8> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: {REVISION}\r\nmcp-method: {method}\r\n\
         {more}content-length: {}\r\n\r\n",
        host(worker),
        worker.token(),
        body.len()
    );
    [head.into_bytes(), body.into_bytes()].concat()
}

fn meta() -> Json {
    json!({
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientInfo": { "name": "black-box", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// Everything that comes until the connection ends.
fn rest(connection: &mut TcpStream) -> String {
    let mut answered = Vec::new();
    // What came before a connection was reset counts as well.
    let ended = connection.read_to_end(&mut answered);
    let waited = ended.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    assert!(!waited, "the connection is still open: {}", String::from_utf8_lossy(&answered));
    String::from_utf8_lossy(&answered).into_owned()
}

/// The statuses of all answers in a text.
fn statuses_of(answered: &str) -> Vec<u16> {
    let answers = answered.split("HTTP/1.").skip(1);
    answers.filter_map(|answer| answer.split(' ').nth(1)?.parse().ok()).collect()
}
