//! The refund mission, carried by agents that are written with other people's MCP libraries.
//!
//! The agents are the scripts of `examples/clients`, as they stand there. Each carries the mission twice: once a person
//! approves what it proposes, and once a person says no. What counts is what the shop's ledger says, and that the agent
//! understood how it ended.

pub(crate) mod environment;

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use environment::{Environment, example};
use serde_json::{Value as Json, json};
use tokio::process::Command;
use writ_tests::story::PAYMENT;
use writ_tests::{Desk, Worker, program, wait};

const WHY: &str = "ask the customer for a photo first";

/// An agent: a folder under `examples`, and how its script is started.
struct Agent {
    example: &'static str,
    start: Start,
}

/// How a script is started.
#[derive(Clone, Copy)]
enum Start {
    /// By Python, with the endpoint and the token in its environment.
    Python,
    /// By Node, with the same.
    Node,
    /// By Python, with the configuration of a desktop client.
    FromConfiguration,
}

/// What an agent is started with.
struct Started<'a> {
    agent: &'a Agent,
    environment: &'a Environment,
    desk: &'a Desk,
    worker: &'a Worker,
}

#[tokio::test]
async fn the_python_sdk() {
    Agent { example: "clients/python-sdk", start: Start::Python }.carries_the_mission().await;
}

#[tokio::test]
async fn fastmcp() {
    Agent { example: "clients/fastmcp", start: Start::Python }.carries_the_mission().await;
}

#[tokio::test]
async fn langchain_adapters() {
    Agent { example: "clients/langchain", start: Start::Python }.carries_the_mission().await;
}

#[tokio::test]
async fn the_typescript_client() {
    Agent { example: "clients/typescript-client", start: Start::Node }.carries_the_mission().await;
}

#[tokio::test]
async fn the_typescript_sdk() {
    Agent { example: "clients/typescript-sdk", start: Start::Node }.carries_the_mission().await;
}

#[tokio::test]
async fn a_desktop_client_on_pipes() {
    Agent { example: "clients/claude-desktop", start: Start::FromConfiguration }.carries_the_mission().await;
}

impl Agent {
    async fn carries_the_mission(&self) {
        let environment = Environment::of(self.example);
        self.is_approved(&environment).await;
        self.is_rejected(&environment).await;
    }

    async fn is_approved(&self, environment: &Environment) {
        let desk = Desk::open().await;
        let worker = desk.run().await;
        let (decision, printed) = self.decided(environment, &desk, &worker, true).await;
        assert_eq!(printed["status"], "succeeded", "{printed}");
        let [payment, amount] = [&printed["result"]["payment_id"], &printed["result"]["amount"]];
        assert_eq!((payment, amount.as_f64()), (&json!(PAYMENT), Some(240.0)), "{printed}");

        let effects = desk.acme.effects();
        assert_eq!(effects.len(), 1, "{effects:?}");
        let sent = &effects[0].arguments;
        assert_eq!((&sent["payment_id"], sent["amount"].as_f64()), (&json!(PAYMENT), Some(240.0)), "{sent}");
        assert_eq!(sent.as_object().map(serde_json::Map::len), Some(2), "the agent's reason stays with Writ: {sent}");
        assert_eq!(effects[0].idempotency_key, Some(format!("writ-{decision}")));
        concluded(&desk, &worker, "refunded").await;
    }

    async fn is_rejected(&self, environment: &Environment) {
        let desk = Desk::open().await;
        let worker = desk.run().await;
        let (_, printed) = self.decided(environment, &desk, &worker, false).await;
        assert_eq!(printed["status"], "rejected", "{printed}");
        assert!(printed["result"].as_str().is_some_and(|told| told.contains(WHY)), "the reason is told: {printed}");
        desk.acme.nothing_was_done();
        concluded(&desk, &worker, "declined").await;
    }

    /// Starts the agent, decides on what it proposes, and gives the decision and what the agent printed.
    async fn decided(&self, environment: &Environment, desk: &Desk, worker: &Worker, approve: bool) -> (String, Json) {
        let mut command = Started { agent: self, environment, desk, worker }.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // The server is on this machine, where a proxy for the outside world has no part.
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        let ended = program::end(command, "");
        tokio::pin!(ended);
        let decision = tokio::select! {
            said = &mut ended => panic!("the agent ended before it had proposed: {said:?}"),
            decision = proposed(desk) => decision,
        };
        desk.acme.nothing_was_done();
        let why = if approve { None } else { Some(WHY) };
        desk.lea.vote(&decision, approve, why).await.ok();
        let said = ended.await;
        assert!(!format!("{said:?}").contains(worker.token()), "an agent does not print its token: {said:?}");
        (decision, said.json())
    }
}

impl Started<'_> {
    fn command(&self) -> Command {
        match self.agent.start {
            Start::Python => self.python(),
            Start::Node => self.node(),
            Start::FromConfiguration => self.as_configured(),
        }
    }

    fn script(&self, name: &str) -> PathBuf {
        example(self.agent.example).join(name)
    }

    fn at_its_endpoint(&self, mut command: Command) -> Command {
        command.env("WRIT_URL", format!("{}/mcp", self.worker.address())).env("WRIT_TOKEN", self.worker.token());
        command
    }

    fn python(&self) -> Command {
        let mut command = Command::new(self.environment.interpreter());
        command.arg(self.script("refund.py"));
        self.at_its_endpoint(command)
    }

    /// Node looks for packages beside the script alone, so that both are brought together.
    fn node(&self) -> Command {
        let folder = self.desk.acme.beside("agent");
        fs::create_dir(&folder).unwrap();
        self.environment.link_into(&folder);
        let script = folder.join("refund.mjs");
        fs::copy(self.script("refund.mjs"), &script).unwrap();
        let mut command = Command::new(self.environment.interpreter());
        command.arg(script);
        self.at_its_endpoint(command)
    }

    /// The configuration is the example's own, with what a person would put in.
    fn as_configured(&self) -> Command {
        const NAME: &str = "claude_desktop_config.json";
        let writ = json!(program::path("writ").to_str().unwrap());
        let mut text = fs::read_to_string(self.script(NAME)).unwrap();
        for (place, value) in [
            (r#""command": "writ""#, format!(r#""command": {writ}"#).as_str()),
            ("RUN_ID", self.worker.run()),
            ("WORKSPACE_FOLDER", self.desk.acme.word()),
            ("RUN_TOKEN", self.worker.token()),
        ] {
            assert!(text.contains(place), "`{place}` is not in {text}");
            text = text.replace(place, value);
        }
        let path = self.desk.acme.beside(NAME);
        fs::write(&path, text).unwrap();
        let mut command = Command::new(self.environment.interpreter());
        command.arg(self.script("refund.py")).arg(path);
        command
    }
}

/// The first decision that waits for Lea.
async fn proposed(desk: &Desk) -> String {
    wait::until("the agent proposes something", async || {
        let open = desk.lea.decisions("open").await;
        Some(open.first()?["proposal"]["decision"].as_str()?.to_owned())
    })
    .await
}

async fn concluded(desk: &Desk, worker: &Worker, outcome: &str) {
    let run = desk.run_view(worker.run()).await;
    assert_eq!((&run["status"], &run["verdict"]["outcome"]), (&json!("concluded"), &json!(outcome)), "{run}");
}
