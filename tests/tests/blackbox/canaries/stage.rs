//! The stage: the workspace, the fake, a server that logs all that it can, and whoever talks to it. Whatever is
//! answered is kept as evidence, with all headers.

use std::fs;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Value as Json, json};
use tokio::process::{Child, Command};
use writ_tests::console::Page;
use writ_tests::program::{self, Said};
use writ_tests::worker::REVISION;
use writ_tests::{Acme, Worker, wait};

use super::canary::Canary;
use super::evidence::Evidence;
use super::fake::Fake;
use super::workspace::{self, Planted};

/// A text that is no secret: where it is not found, nothing would be.
pub(super) const MARKER: &str = "plainly-visible-marker-4c1e90d2";
/// How the places begin that hold what somebody was sent.
pub(super) const SENT_TO: &str = "sent to ";
/// Everything, and by name the libraries that would write down credentials.
const LOG: &str = "trace,rmcp=trace,rmcp::transport::auth=trace,rmcp::service=trace,oauth2=trace,oauth2::client=trace";
/// Longer than anything here may take.
const ANSWER_SECONDS_MAX: u64 = 60;

/// Somebody who asks: a person, or nobody.
#[derive(Default)]
pub(super) struct Actor {
    pub(super) name: &'static str,
    /// What goes to the API.
    pub(super) token: Option<String>,
    /// What goes to the console.
    pub(super) cookie: Option<String>,
}

/// What goes along with a request.
#[derive(Clone, Copy)]
pub(super) enum Sends<'a> {
    Nothing,
    Form(&'a [(&'a str, &'a str)]),
    Json(&'a Json),
}

pub(super) struct Stage {
    server: Option<(Child, String)>,
    pub(super) acme: Acme,
    pub(super) fake: Fake,
    pub(super) evidence: Evidence,
    pub(super) http: reqwest::Client,
    environment: Vec<(&'static str, String)>,
    canaries: Mutex<Vec<Canary>>,
}

impl Stage {
    /// The stage before the server is started, and what is still to be sealed.
    pub(super) async fn open() -> (Self, Vec<(&'static str, String)>) {
        let (acme, fake) = (Acme::plain(), Fake::start().await);
        let Planted { canaries, environment, to_seal } = workspace::plant(&acme, &fake.base);
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let http = http.timeout(Duration::from_secs(ANSWER_SECONDS_MAX)).build().unwrap();
        let (evidence, canaries) = (Evidence::default(), Mutex::new(canaries));
        (Self { server: None, acme, fake, evidence, http, environment, canaries }, to_seal)
    }

    /// All secrets that are known so far, but for those of the fake.
    pub(super) fn canaries(&self) -> MutexGuard<'_, Vec<Canary>> {
        self.canaries.lock().unwrap()
    }

    /// Starts the server, in a folder of its own, in which it may leave core files if it can.
    pub(super) async fn serve(&mut self) {
        self.acme.choose_store();
        let (folder, said) = (self.acme.beside("run"), self.acme.beside("serve.out"));
        fs::create_dir(&folder).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -c unlimited 2>/dev/null; exec \"$0\" \"$@\""]).arg(program::path("writ"));
        command.arg("serve").arg(self.acme.folder()).args(["--listen", "127.0.0.1:0", "--json"]).current_dir(folder);
        self.set_environment(&mut command);
        command.stdin(Stdio::null()).stdout(fs::File::create(&said).unwrap()).kill_on_drop(true);
        let log = self.acme.beside("serve.log");
        let mut child = command.stderr(fs::File::create(&log).unwrap()).spawn().expect("`writ serve` starts");
        let address = wait::until("the server listens", async || {
            if let Some(ended) = child.try_wait().unwrap() {
                panic!("{ended}: {}", fs::read_to_string(&log).unwrap());
            }
            let text = fs::read_to_string(&said).unwrap();
            let told = text.lines().find_map(|line| serde_json::from_str::<Json>(line).ok())?;
            told["listening"].as_str().map(str::to_owned)
        })
        .await;
        self.server = Some((child, address));
    }

    pub(super) fn address(&self) -> &str {
        &self.server.as_ref().expect("a server").1
    }

    /// The server's process.
    pub(super) fn process(&self) -> u32 {
        self.server.as_ref().and_then(|(child, _)| child.id()).expect("a server that runs")
    }

    /// Waits for the server to end.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        let (child, _) = self.server.as_mut().expect("a server");
        let ended = tokio::time::timeout(Duration::from_secs(ANSWER_SECONDS_MAX), child.wait()).await;
        ended.expect("the server ends").unwrap()
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.acme.beside("serve.log")).unwrap()
    }

    fn set_environment(&self, command: &mut Command) {
        command.envs(self.environment.iter().map(|(name, value)| (*name, value.as_str()))).env("WRIT_LOG", LOG);
    }

    /// Runs `writ` with these words and this input.
    pub(super) async fn writ(&self, words: &[&str], input: &str) -> Said {
        let mut command = program::command("writ");
        command.args(words);
        self.set_environment(&mut command);
        let said = program::end(command, input).await;
        let place = format!("command writ {} {}", words[0], words[1]);
        self.evidence.add(&place, format!("{}\n{}", said.stdout, said.stderr));
        said
    }

    /// Asks the server.
    pub(super) async fn ask(&self, actor: &Actor, method: &str, path: &str, sends: Sends<'_>) -> Page {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.address()));
        if path.starts_with("/api/") || path.starts_with("/tlog/") {
            request = actor.token.iter().fold(request, |request, token| request.bearer_auth(token));
        } else {
            request = actor.cookie.iter().fold(request, |request, cookie| request.header("cookie", cookie));
        }
        request = match sends {
            Sends::Nothing => request,
            Sends::Form(fields) => request.form(fields),
            Sends::Json(body) => request.json(body),
        };
        let place = format!("{} {method} {}", actor.name, path.split('?').next().unwrap_or_default());
        self.answered(&place, request).await
    }

    /// Looks at a page, or at what the API says.
    pub(super) async fn get(&self, actor: &Actor, path: &str) -> Page {
        self.ask(actor, "GET", path, Sends::Nothing).await
    }

    /// Asks the API, which does as it is asked.
    pub(super) async fn api(&self, actor: &Actor, method: &str, path: &str, sends: Sends<'_>) -> Json {
        let answer = self.ask(actor, method, path, sends).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.html);
        serde_json::from_str(&answer.html).unwrap()
    }

    /// Calls a tool in a run, and gives the text of the answer.
    pub(super) async fn call(&self, worker: &Worker, tool: &str, arguments: &Json) -> String {
        let params = json!({ "name": tool, "arguments": arguments });
        self.method(worker, "tools/call", Some(tool), params).await
    }

    /// Asks for something else in a run.
    pub(super) async fn method(&self, worker: &Worker, method: &str, name: Option<&str>, mut params: Json) -> String {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": REVISION,
            "io.modelcontextprotocol/clientInfo": { "name": "canaries", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/logLevel": "debug",
        });
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = worker.post(&message.to_string()).header("mcp-protocol-version", REVISION);
        let request = request.header("mcp-method", method);
        let request = name.iter().fold(request, |request, name| request.header("mcp-name", *name));
        self.answered(&format!("worker {method} {}", name.unwrap_or_default()), request).await.html
    }

    async fn answered(&self, place: &str, request: RequestBuilder) -> Page {
        let mut response = request.send().await.unwrap_or_else(|error| panic!("{place}: {error:?}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        // A stream for pages does not end: its first events are enough.
        let endless = place.ends_with("/events");
        while let Some(chunk) = response.chunk().await.unwrap_or_else(|error| panic!("{place}: {error:?}")) {
            body.extend_from_slice(&chunk);
            if endless && body.ends_with(b"\n\n") {
                break;
            }
        }
        let mut whole = format!("{status}\n").into_bytes();
        for (name, value) in &headers {
            whole.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
        }
        whole.extend_from_slice(&body);
        self.evidence.add(place, whole);
        Page { status, headers, html: String::from_utf8_lossy(&body).into_owned() }
    }
}

/// Sends a signal to a process.
pub(super) fn signal(name: &str, process: u32) {
    let told = std::process::Command::new("sh").args(["-c", &format!("kill -s {name} {process}")]).status();
    assert!(told.is_ok_and(|status| status.success()), "the signal {name} could not be sent");
}
