//! An integration that changes its mind: a small MCP server on standard input and output, written in Python, whose
//! tools come from a file that a test rewrites. It says when the file has changed, and keeps a log of what it was asked.

use std::fs;

use serde_json::{Value as Json, json};
use writ_tests::{Acme, program};

const SCRIPT: &str = r#"
import json, os, sys, threading, time

FOLDER = os.path.dirname(os.path.abspath(__file__))
OFFERS = os.path.join(FOLDER, "notes.json")
LOCK = threading.Lock()


def say(message):
    with LOCK:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def log(line):
    with open(os.path.join(FOLDER, "notes.log"), "a") as file:
        file.write(line + "\n")


def offers():
    with open(OFFERS, encoding="utf-8") as file:
        return json.load(file)


def stamp():
    found = os.stat(OFFERS)
    return found.st_mtime_ns, found.st_ino


def watch():
    seen = stamp()
    while True:
        time.sleep(0.05)
        now = stamp()
        if now != seen:
            seen = now
            say({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})


def answer(method, params):
    if method == "initialize":
        capabilities = {"tools": {"listChanged": True}}
        version = params["protocolVersion"]
        return {"protocolVersion": version, "capabilities": capabilities, "serverInfo": offers()["server"]}
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": offers()["tools"]}
    if method == "tools/call":
        done = {"done": params["name"]}
        return {"content": [{"type": "text", "text": json.dumps(done)}], "structuredContent": done}
    return None


for line in sys.stdin:
    message = json.loads(line)
    method = message.get("method")
    if method == "notifications/initialized":
        threading.Thread(target=watch, daemon=True).start()
    if method is None or "id" not in message:
        continue
    params = message.get("params") or {}
    log(method + " " + str(params.get("name", "")))
    result = answer(method, params)
    reply = {"jsonrpc": "2.0", "id": message["id"]}
    if result is None:
        reply["error"] = {"code": -32601, "message": "method not found"}
    else:
        reply["result"] = result
    say(reply)
"#;

/// What the server offers from now on.
pub(super) fn offer(acme: &Acme, tools: &Json) {
    let script = acme.file("notes.py");
    if !script.exists() {
        fs::write(script, SCRIPT).unwrap();
    }
    let offers = json!({ "server": { "name": "notes", "version": "1.0" }, "tools": tools });
    // The server never sees a half-written file.
    let new = acme.file("notes.new");
    fs::write(&new, offers.to_string()).unwrap();
    fs::rename(new, acme.file("notes.json")).unwrap();
}

/// Two tools: one that the description is of, and one that only looks.
pub(super) fn tools(description: &str) -> Json {
    json!([append(description, "text"), {
        "name": "look",
        "description": "Shows all notes.",
        "inputSchema": { "type": "object", "properties": {} },
        "annotations": { "readOnlyHint": true },
    }])
}

/// The tool that appends, with its argument.
pub(super) fn append(description: &str, argument: &str) -> Json {
    let schema = json!({ "type": "object", "properties": { argument: { "type": "string" } }, "required": [argument] });
    json!({ "name": "append", "description": description, "inputSchema": schema })
}

/// Adds the server to the workspace as an operator does.
pub(super) async fn add(acme: &Acme, options: &[&str]) -> program::Said {
    let words = [&["integration", "add", acme.word(), "notes"][..], options, &["--", "python3", "notes.py"]].concat();
    program::writ(&words).await
}

/// How often the server was asked this: a method, and for a call the tool.
pub(super) fn asked(acme: &Acme, request: &str) -> usize {
    let log = fs::read_to_string(acme.file("notes.log")).unwrap_or_default();
    log.lines().filter(|line| line.trim_end() == request).count()
}
