//! A support desk at work: a workspace, its server, and the three people of the story.

use serde_json::{Value as Json, json};

use crate::acme::Edit;
use crate::story::CASE;
use crate::{Acme, Person, Server, Worker, program, wait};

/// Pages of a rail are this long here, so that there is more than one.
const RAIL_PAGE: usize = 100;

/// The desk.
#[derive(Debug)]
pub struct Desk {
    /// The server. It stands first, so that it ends before its folder is gone.
    pub server: Server,
    /// The workspace.
    pub acme: Acme,
    /// The support agent of the case.
    pub ana: Person,
    /// Another support agent.
    pub ben: Person,
    /// The support lead, who decides.
    pub lea: Person,
}

impl Desk {
    /// The example as it stands, served.
    pub async fn open() -> Self {
        Self::serve(Acme::plain()).await
    }

    /// The example with some changes, served.
    pub async fn edited(edits: &[Edit<'_>]) -> Self {
        Self::serve(Acme::edited(edits)).await
    }

    /// A workspace, served.
    pub async fn serve(acme: Acme) -> Self {
        let server = Server::start(&acme).await;
        let person = async |name: &str| Person::of(acme.word(), name, server.address()).await;
        let (ana, ben, lea) = tokio::join!(person("ana"), person("ben"), person("lea"));
        Self { server, acme, ana, ben, lea }
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> &str {
        self.server.address()
    }

    /// Another person of the workspace.
    pub async fn person(&self, name: &str) -> Person {
        Person::of(self.acme.word(), name, self.address()).await
    }

    /// Serves the workspace again, after the server has ended. Workers have to be told the new address.
    pub async fn restart(&mut self) {
        self.server = Server::start(&self.acme).await;
        for person in [&mut self.ana, &mut self.ben, &mut self.lea] {
            *person = person.at(self.server.address());
        }
    }

    /// Tells the server that the definitions have changed, and waits until the new ones are in force.
    pub async fn reload(&self) {
        let epoch = async || self.lea.get("/api/health").await.ok()["epoch"].as_u64();
        let before = epoch().await;
        self.server.signal("HUP");
        wait::until("the new definitions are in force", async || (epoch().await > before).then_some(())).await;
    }

    /// A run of the refund mission for a case, on behalf of whoever starts it.
    pub async fn run_for(&self, person: &Person, case: &str) -> Worker {
        let start = json!({ "mission": "refund", "params": { "case": case } });
        Worker::of(&person.post("/api/runs", &start).await.ok(), self.address())
    }

    /// A run of Ana's for her case.
    pub async fn run(&self) -> Worker {
        self.run_for(&self.ana, CASE).await
    }

    /// A decision, as Lea sees it.
    pub async fn decision(&self, decision: &str) -> Json {
        self.lea.get(&format!("/api/decisions/{decision}")).await.ok()
    }

    /// A decision, once it has come to this status.
    pub async fn decision_when(&self, decision: &str, status: &str) -> Json {
        wait::until(&format!("{decision} is {status}"), async || {
            let found = self.decision(decision).await;
            (found["status"] == status).then_some(found)
        })
        .await
    }

    /// A run, as Lea sees it.
    pub async fn run_view(&self, run: &str) -> Json {
        self.lea.get(&format!("/api/runs/{run}")).await.ok()
    }

    /// All events of a run, oldest first.
    pub async fn rail(&self, run: &str) -> Vec<Json> {
        let mut events = Vec::new();
        let mut from = 0;
        loop {
            let page = self.lea.get(&format!("/api/runs/{run}/rail?from={from}&limit={RAIL_PAGE}")).await.ok();
            let found = page["events"].as_array().expect("events").clone();
            if found.is_empty() {
                return events;
            }
            events.extend(found);
            from = page["next"].as_u64().expect("where to go on");
        }
    }

    /// The events of one kind of a run, oldest first.
    pub async fn events(&self, run: &str, kind: &str) -> Vec<Json> {
        let mut events = self.rail(run).await;
        events.retain(|event| event["event"] == kind);
        events
    }

    /// Runs `writ` with these words, for this workspace and as this person.
    pub async fn writ_as(&self, person: &str, words: &[&str]) -> program::Said {
        let words: Vec<&str> = words.iter().copied().chain(["--workspace", self.acme.word(), "--as", person]).collect();
        program::writ(&words).await
    }
}
