//! An integration that is a program: a small MCP server in Python, which repeats its whole environment in every
//! answer, in every error and on its standard error.

use std::fs;

use writ_tests::Acme;

use super::fake;
use super::stage::MARKER;

/// What it is asked for, one after the other.
pub(super) const MODES: [&str; 3] = ["result", "failure", "error"];

const SCRIPT: &str = r#"
import hashlib, json, os, sys

TOOLS = @TOOLS@


def said():
    digests = {name: hashlib.sha256(value.encode()).hexdigest() for name, value in os.environ.items()}
    return json.dumps({"process": os.getpid(), "digests": digests, "environment": dict(os.environ), "more": "@MARKER@"})


def answer(method, params):
    if method == "initialize":
        capabilities = {"tools": {}}
        server = {"name": "local", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": capabilities, "serverInfo": server}
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        mode = params["arguments"]["mode"]
        if mode != "error":
            return {"content": [{"type": "text", "text": said()}], "isError": mode == "failure"}
    return None


for line in sys.stdin:
    message = json.loads(line)
    method = message.get("method")
    if method is None or "id" not in message:
        continue
    print("asked for " + method + " with " + said(), file=sys.stderr, flush=True)
    result = answer(method, message.get("params") or {})
    reply = {"jsonrpc": "2.0", "id": message["id"]}
    if result is not None:
        reply["result"] = result
    elif method == "tools/call":
        reply["error"] = {"code": -32000, "message": "it failed: " + said(), "data": said()}
    else:
        reply["error"] = {"code": -32601, "message": "no such method"}
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()
"#;

/// Writes the program into a workspace.
pub(super) fn write(acme: &Acme) {
    // Without the words that the two languages write otherwise, JSON is Python.
    let script = SCRIPT.replace("@TOOLS@", &fake::tools().to_string()).replace("@MARKER@", MARKER);
    fs::write(acme.file("local.py"), script).unwrap();
}
