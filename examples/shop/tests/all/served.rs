//! The real binary: its commands, both transports, and the answer that is lost on purpose.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use shop::LOST_ANSWER_EXIT_CODE;

fn command(words: &[&str], db: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command.args(words).arg("--db").arg(db);
    command
}

fn output(words: &[&str], db: &Path) -> String {
    let output = command(words, db).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A server over HTTP that ends with the test.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(db: &Path, more: &[&str]) -> Self {
        let mut child =
            command(&["serve", "--listen", "127.0.0.1:0"], db).args(more).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let url = told["listening"].as_str().unwrap();
        let address = url.strip_prefix("http://").unwrap().strip_suffix("/mcp").unwrap().to_owned();
        Self { child, address }
    }

    /// Sends one request and returns the status line and the body; both are empty where the connection just ended.
    fn post(&self, host: &str, body: &Value) -> (String, String) {
        let body = body.to_string();
        let mut connection = TcpStream::connect(&self.address).unwrap();
        write!(
            connection,
            "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        // A reset counts as an end: that is what a lost answer looks like.
        let _ = connection.read_to_string(&mut answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
    }

    fn call(&self, tool: &str, arguments: Value, meta: Value) -> Value {
        let (status, body) = self.post(&self.address, &request(tool, arguments, meta));
        assert!(status.contains("200"), "{status}: {body}");
        serde_json::from_str(&body).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn request(tool: &str, arguments: Value, meta: Value) -> Value {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": tool, "arguments": arguments, "_meta": meta }
    })
}

fn seeded() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("shop.db");
    output(&["seed"], &db);
    (folder, db)
}

#[test]
fn the_commands_write_json() {
    let (_folder, db) = seeded();
    let state: Value = serde_json::from_str(&output(&["state", "--json"], &db)).unwrap();
    assert_eq!(state["counts"]["orders"], 100);
    assert_eq!(state["tables"]["orders"].as_array().unwrap().len(), 100);
    assert!(state["tables"].get("effects").is_none());
    let ledger: Value = serde_json::from_str(&output(&["ledger", "--json"], &db)).unwrap();
    assert_eq!(ledger, json!({ "effects": 0, "entries": [] }));

    let again = command(&["seed"], &db).output().unwrap();
    assert!(!again.status.success() && again.stdout.is_empty());
    assert!(String::from_utf8_lossy(&again.stderr).contains("already holds tables"));
}

#[test]
fn http_answers_one_call_in_plain_json_without_a_session() {
    let (_folder, db) = seeded();
    let served = Served::start(&db, &[]);
    let answer = served.call("get_order_details", json!({ "order_id": "#W2611340" }), json!({}));
    let result = &answer["result"];
    assert_eq!(result["structuredContent"]["order_id"], "#W2611340");
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, result["structuredContent"]);

    let refused = served.call("get_order_details", json!({ "order_id": "#W0" }), json!({}));
    assert_eq!(refused["result"]["isError"], true);
    assert!(refused["result"]["content"][0]["text"].as_str().unwrap().contains("no order has the id `#W0`"));

    let listed = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    let (_, body) = served.post(&served.address, &listed);
    let listed: Value = serde_json::from_str(&body).unwrap();
    let tools = listed["result"]["tools"].as_array().unwrap();
    assert_eq!(tools.len(), shop::tools().len());
    let refund = tools.iter().find(|tool| tool["name"] == "refund_payment").unwrap();
    assert_eq!(refund["annotations"]["readOnlyHint"], false);
    assert_eq!(refund["annotations"]["destructiveHint"], true);

    let (status, _) = served.post("shop.example.com", &request("calculate", json!({ "expression": "1" }), json!({})));
    assert!(status.contains("403"), "a host that is not loopback: {status}");
}

#[test]
fn a_lost_answer_is_found_again_by_its_key() {
    let (_folder, db) = seeded();
    let refund = json!({ "payment_id": "pay_88213", "amount": 240 });
    let meta = json!({ "writ.dev/idempotency-key": "decision-1" });

    let mut failing = Served::start(&db, &["--fail", "lose-answer"]);
    let (status, body) = failing.post(&failing.address, &request("refund_payment", refund.clone(), meta.clone()));
    assert_eq!((status.as_str(), body.as_str()), ("", ""));
    assert_eq!(failing.child.wait().unwrap().code(), Some(LOST_ANSWER_EXIT_CODE));

    let served = Served::start(&db, &[]);
    let answer = served.call("refund_payment", refund, meta);
    assert_eq!(answer["result"]["structuredContent"]["refunded"], 240);
    let ledger: Value = serde_json::from_str(&output(&["ledger", "--json"], &db)).unwrap();
    assert_eq!(ledger["effects"], 1);
    assert_eq!(ledger["entries"][0]["idempotency_key"], "decision-1");
    assert_eq!(ledger["entries"][0]["arguments"], json!({ "payment_id": "pay_88213", "amount": 240 }));
}

#[test]
fn standard_input_and_output_carry_a_session() {
    let (_folder, db) = seeded();
    let mut child = command(&["serve"], &db).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut to = child.stdin.take().unwrap();
    let mut from = BufReader::new(child.stdout.take().unwrap());
    let mut ask = |message: Value, answered: bool| -> Value {
        writeln!(to, "{message}").unwrap();
        to.flush().unwrap();
        if !answered {
            return Value::Null;
        }
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    };
    let opened = ask(
        json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": { "name": "test", "version": "1" }
            }
        }),
        true,
    );
    assert_eq!(opened["result"]["serverInfo"]["name"], "shop");
    ask(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }), false);
    let answer = ask(request("calculate", json!({ "expression": "1319.43 - 302.67 + 271.89" }), json!({})), true);
    assert_eq!(answer["result"]["content"][0]["text"], "1288.65");
    assert!(answer["result"].get("structuredContent").is_none());
    let unknown = ask(request("drop_tables", json!({}), json!({})), true);
    assert_eq!(unknown["error"]["code"], -32_602);
    let number =
        ask(request("calculate", json!({ "expression": "1" }), json!({ "writ.dev/idempotency-key": 7 })), true);
    assert_eq!(number["result"]["isError"], true);
    drop(to);
    assert!(child.wait().unwrap().success());
}
