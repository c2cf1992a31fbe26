//! A desk to test at: the workspace in a temporary folder, the engine on it under a clock that stands still, and people
//! and workers who do one thing in one line.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Map, Value as Json, json};
use tempfile::TempDir;
use writ_core::code::{Code, Reason, Refusal};
use writ_core::decision::{Decision, DecisionStatus};
use writ_core::event::{Event, Milliseconds};
use writ_core::run::Run;
use writ_engine::clock::Clock;
use writ_engine::token::{Audience, Claims, TokenKey};
use writ_engine::upstream::Nobody;
use writ_engine::view::{DecisionView, PersonAccess, StartRun, StartedRun, WorkerAccess, WorkerAnswer, WorkerCall};
use writ_engine::workspace::Workspace;
use writ_engine::{Engine, EngineOptions};
use writ_store::{Database, OpenError, Options, Store};
use writ_trail::note::Signer;

use crate::fake_upstream::FakeUpstream;
use crate::workspace::{FILES, TABLES};

/// When the clock starts.
pub(crate) const T0: Milliseconds = 1_800_000_000_000;
pub(crate) const MINUTE: Milliseconds = 60_000;
pub(crate) const HOUR: Milliseconds = 60 * MINUTE;
/// Longer than all attempts of an effect with their pauses take.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const KEY: [u8; 32] = [5; 32];
/// Who looks at decisions and runs in these tests, and loses no right in any.
const ONLOOKER: &str = "sam";

/// What the engine itself told a worker.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) content: Json,
    pub(crate) is_error: bool,
}

/// What outlives a server: the folder, and the integration.
pub(crate) struct Site {
    folder: TempDir,
    pub(crate) upstream: Arc<FakeUpstream>,
}

impl Site {
    pub(crate) fn new() -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in FILES {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let site = Self { folder, upstream: Arc::new(FakeUpstream::new()) };
        site.sql(TABLES);
        Arc::new(site)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Changes the source's data.
    pub(crate) fn sql(&self, sql: &str) {
        Connection::open(self.path().join("shop.db")).unwrap().execute_batch(sql).unwrap();
    }

    /// Changes a definition; it holds once it is loaded.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path().join(file)).unwrap();
        assert!(text.contains(from), "`{file}` does not say `{from}`");
        fs::write(self.path().join(file), text.replacen(from, to, 1)).unwrap();
    }
}

/// A token that the server takes for its own.
pub(crate) fn token(aud: Audience, sub: &str, iat: Milliseconds, exp: Milliseconds, jti: &str) -> String {
    let claims = Claims { aud, sub: sub.to_owned(), act: None, run: None, iat, exp, jti: jti.to_owned() };
    TokenKey::new(KEY).issue(&claims)
}

/// A running server at a site.
pub(crate) struct Desk {
    pub(crate) site: Arc<Site>,
    pub(crate) engine: Arc<Engine>,
    hand: Arc<AtomicI64>,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        Self::at(Site::new(), T0).await
    }

    /// Starts the server; an earlier one may just be ending.
    pub(crate) async fn at(site: Arc<Site>, now: Milliseconds) -> Self {
        let workspace = Workspace::load(site.path()).unwrap();
        let store = tokio::time::timeout(PATIENCE, store(&workspace)).await.unwrap();
        let (clock, hand) = Clock::held_at(now);
        let upstream = site.upstream.clone();
        let options = EngineOptions { workspace, store, upstream, tokens: TokenKey::new(KEY), clock };
        Self { engine: Engine::open(options).await.unwrap(), site, hand }
    }

    pub(crate) fn upstream(&self) -> &FakeUpstream {
        &self.site.upstream
    }

    /// Moves the clock.
    pub(crate) fn pass(&self, milliseconds: Milliseconds) {
        self.hand.fetch_add(milliseconds, Ordering::Relaxed);
    }

    pub(crate) async fn reload(&self) {
        self.engine.reload(self.site.path()).await.unwrap();
    }

    pub(crate) fn person(&self, id: &str) -> PersonAccess {
        let token = token(Audience::Api, id, T0, T0 + 1_000 * HOUR, "t-1");
        self.engine.authenticate_person(&token).unwrap()
    }

    /// Starts a run by and for somebody.
    pub(crate) async fn start_by(&self, who: &str, case: &str) -> Result<StartedRun, Refusal> {
        let params = Map::from_iter([("case".to_owned(), json!(case))]);
        let start = StartRun { mission: "settle".to_owned(), params, worker: None, person: None };
        self.engine.start_run(&self.person(who), start).await
    }

    /// A run of Ana's, and its worker.
    pub(crate) async fn start(&self, case: &str) -> WorkerAccess {
        let started = self.start_by("ana", case).await.unwrap();
        self.engine.authenticate_worker(&started.token).unwrap()
    }

    pub(crate) async fn call(&self, run: &WorkerAccess, tool: &str, arguments: Json) -> Told {
        let arguments = arguments.as_object().cloned().unwrap();
        let call = WorkerCall { name: tool.to_owned(), arguments, ..WorkerCall::default() };
        match self.engine.worker_call(run, call, Arc::new(Nobody)).await {
            WorkerAnswer::Own { content, is_error, .. } => Told { content, is_error },
            other => panic!("not an answer of the engine's own: {other:?}"),
        }
    }

    /// Calls for an effect; gives back the decision that waits.
    pub(crate) async fn propose(&self, run: &WorkerAccess, tool: &str, arguments: Json) -> String {
        let answer = self.call(run, tool, arguments).await;
        let decision = answer.content.pointer("/pending/decision").and_then(Json::as_str).map(str::to_owned);
        decision.unwrap_or_else(|| panic!("not pending: {}", answer.content))
    }

    /// Calls for something that is refused; gives back code and message.
    pub(crate) async fn refused(&self, run: &WorkerAccess, tool: &str, arguments: Json) -> (String, String) {
        let answer = self.call(run, tool, arguments).await;
        let text = |name: &str| answer.content.pointer(&format!("/refused/{name}")).and_then(Json::as_str);
        match (text("code"), text("message")) {
            (Some(code), Some(message)) if answer.is_error => (code.to_owned(), message.to_owned()),
            _ => panic!("not refused: {}", answer.content),
        }
    }

    pub(crate) async fn vote(&self, who: &str, id: &str, approve: bool) -> Result<DecisionView, Refusal> {
        let digest = self.decision(id).await.action_digest();
        self.engine.vote(&self.person(who), id, digest, approve, Some("I looked at it".to_owned())).await
    }

    pub(crate) async fn approve(&self, id: &str) {
        self.vote("lea", id, true).await.unwrap();
    }

    pub(crate) async fn decision(&self, id: &str) -> Decision {
        self.engine.decision(&self.person(ONLOOKER), id).await.unwrap().decision
    }

    pub(crate) async fn run(&self, run: &WorkerAccess) -> Run {
        self.engine.run(&self.person(ONLOOKER), run.run()).await.unwrap().run
    }

    /// Waits until a decision stands so.
    pub(crate) async fn until(&self, id: &str, status: DecisionStatus) -> Decision {
        self.waited(id, status, false).await
    }

    /// As [`Desk::until`], while the server looks at time again and again.
    pub(crate) async fn swept_until(&self, id: &str, status: DecisionStatus) -> Decision {
        self.waited(id, status, true).await
    }

    async fn waited(&self, id: &str, status: DecisionStatus, sweeping: bool) -> Decision {
        let waiting = async {
            loop {
                let decision = self.decision(id).await;
                if decision.status == status {
                    return decision;
                }
                if sweeping {
                    self.engine.sweep().await;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(decision) => decision,
            Err(_) => panic!("waited in vain for {status:?}: {:?}", self.decision(id).await),
        }
    }

    /// Time for whatever is under way, and for what must not happen.
    pub(crate) async fn settle_down(&self, milliseconds: u64) {
        for _ in 0..milliseconds / 20 {
            self.engine.sweep().await;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What happened in a run.
    pub(crate) async fn rail(&self, run: &WorkerAccess) -> Vec<Event> {
        let rail = self.engine.rail(&self.person(ONLOOKER), run.run(), 0, 1_000).await.unwrap();
        rail.events.into_iter().map(|recorded| recorded.event).collect()
    }

    /// The refusals on a run's rail: who asked, where it was a person, the code, and the reasons for people.
    pub(crate) async fn refusals(&self, run: &WorkerAccess) -> Vec<(Option<String>, Code, Vec<Reason>)> {
        let refused = |event| match event {
            Event::Refused { by, code, reasons, .. } => Some((by, code, reasons)),
            _ => None,
        };
        self.rail(run).await.into_iter().filter_map(refused).collect()
    }
}

async fn store(workspace: &Workspace) -> Store {
    loop {
        let signer = Signer::new(&workspace.config.trail.origin, &[7; 32]).unwrap();
        match Store::open(Options { folder: workspace.data(), signer, database: Database::Sqlite }) {
            Err(OpenError::InUse(_)) => tokio::time::sleep(LOOK_EVERY).await,
            opened => return opened.unwrap(),
        }
    }
}

/// The arguments of a refund.
pub(crate) fn refund(payment: &str, amount: f64) -> Json {
    json!({ "payment_id": payment, "amount": amount })
}

/// The arguments of a note to the customer of `k-1`.
pub(crate) fn note() -> Json {
    json!({ "to": "one@example.com", "text": "Your refund is under way." })
}
