//! The ground of one guarantee: a store, an engine and a stub of its own, and people and workers who do one thing in one
//! line.

mod image;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use writ_core::decision::{Decision, DecisionStatus};
use writ_core::definition::Problem;
use writ_core::digest::Digest;
use writ_core::event::{Milliseconds, Recorded};
use writ_engine::clock::Clock;
use writ_engine::token::{Audience, Claims, TokenKey};
use writ_engine::upstream::Nobody;
use writ_engine::view::{PersonAccess, StartRun, WorkerAccess, WorkerAnswer, WorkerCall};
use writ_engine::workspace::Workspace;
use writ_engine::{Engine, EngineOptions, StartError};
use writ_store::{Database, Options, Store};
use writ_trail::note::Signer;

use crate::definitions;
use crate::judge::{Said, Stop, failed, stands};
use crate::site::{Effect, Start};
use crate::stub::Stub;

pub(crate) use image::copy as copy_store;

/// Keys of a server that nobody can reach and that ends with the drill.
const TOKEN_KEY: [u8; 32] = [1; 32];
const TRAIL_KEY: [u8; 32] = [2; 32];
/// How long a person's token is good for.
const TOKEN_MILLISECONDS: Milliseconds = 10 * 366 * 86_400_000;
/// Longer than all attempts of an effect with their pauses take.
const PATIENCE_SECONDS: u64 = 60;
const LOOK_EVERY_MILLISECONDS: u64 = 50;
/// How often the server looks at time again, to see that nothing more happens.
const QUIET_LOOKS: usize = 3;
const RAIL_EVENTS_MAX: usize = 1_000;

/// A server on the drill's own ground.
pub(crate) struct Ground {
    pub(crate) engine: Arc<Engine>,
    pub(crate) stub: Arc<Stub>,
    pub(crate) workspace: Workspace,
    hand: Arc<AtomicI64>,
    begins: Milliseconds,
}

/// A run, its worker, and the person that it acts for.
pub(crate) struct Running {
    pub(crate) access: WorkerAccess,
    pub(crate) person: PersonAccess,
    pub(crate) token: String,
    pub(crate) token_expires_at: Milliseconds,
}

/// Why there is no ground.
#[derive(Debug)]
pub(crate) enum NoGround {
    /// The definitions do not hold together, or their sources cannot be read.
    Problems(Vec<Problem>),
    /// The drill's own folder or store fails.
    Scratch(String),
}

impl Ground {
    /// Opens a server in a folder of its own.
    pub(crate) async fn open(
        folder: PathBuf,
        mut workspace: Workspace,
        stub: Arc<Stub>,
        now: Milliseconds,
    ) -> Result<Self, NoGround> {
        workspace.folder = folder;
        let signer = signer(&workspace).map_err(NoGround::Scratch)?;
        let store = Store::open(Options { folder: workspace.data(), signer, database: Database::Sqlite });
        let store = store.map_err(|error| NoGround::Scratch(error.to_string()))?;
        let (clock, hand) = Clock::held_at(now);
        let upstream = stub.clone();
        let tokens = TokenKey::new(TOKEN_KEY);
        let options = EngineOptions { workspace: workspace.clone(), store, upstream, tokens, clock };
        let engine = Engine::open(options).await.map_err(|error| match error {
            StartError::Problems(problems) => NoGround::Problems(problems),
            StartError::Store(error) => NoGround::Scratch(error.to_string()),
        })?;
        Ok(Self { engine, stub, workspace, hand, begins: now })
    }

    /// The time.
    pub(crate) fn now(&self) -> Milliseconds {
        self.engine.now()
    }

    /// Moves the clock.
    pub(crate) fn pass(&self, milliseconds: Milliseconds) {
        self.hand.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// Changes the definitions, and loads them.
    pub(crate) async fn reload(&mut self, change: impl FnOnce(&mut Workspace)) -> Result<(), Stop> {
        match self.try_reload(change).await? {
            Ok(()) => Ok(()),
            Err(why) => Err(Stop::NotApplicable(format!("the definitions do not bear the drill's change: {why}"))),
        }
    }

    /// As [`Ground::reload`], and tells where the engine does not take them.
    pub(crate) async fn try_reload(&mut self, change: impl FnOnce(&mut Workspace)) -> Result<Result<(), String>, Stop> {
        change(&mut self.workspace);
        let folder = &self.workspace.folder;
        if let Err(error) = definitions::write(&self.workspace, folder) {
            return failed(format!("the temporary folder: {error}"));
        }
        Ok(self.engine.reload(folder).await.map_err(|error| match error {
            StartError::Problems(problems) => told(&problems),
            StartError::Store(error) => error.to_string(),
        }))
    }

    /// A token of this server.
    pub(crate) fn token(&self, audience: Audience, person: &str, milliseconds: Milliseconds) -> String {
        let (iat, exp) = (self.begins, self.begins.saturating_add(milliseconds));
        let (sub, jti) = (person.to_owned(), "t-drill".to_owned());
        TokenKey::new(TOKEN_KEY).issue(&Claims { aud: audience, sub, act: None, run: None, iat, exp, jti })
    }

    /// Somebody who has proved themselves.
    pub(crate) fn person(&self, id: &str) -> Result<PersonAccess, Stop> {
        let token = self.token(Audience::Api, id, TOKEN_MILLISECONDS);
        self.engine.authenticate_person(&token).map_err(|refusal| Stop::Failed(format!("`{id}`: {refusal}")))
    }

    /// Asks for a run. Whoever starts it is the person that it acts for.
    pub(crate) async fn try_start(&self, person: &str, start: StartRun) -> Result<Result<Running, Said>, Stop> {
        let person = self.person(person)?;
        let started = match self.engine.start_run(&person, start).await {
            Ok(started) => started,
            Err(refusal) => return Ok(Err(Said::of::<()>(Err(refusal)))),
        };
        match self.engine.authenticate_worker(&started.token) {
            Ok(access) => {
                let token_expires_at = started.token_expires_at;
                Ok(Ok(Running { access, person, token: started.token, token_expires_at }))
            }
            Err(refusal) => failed(format!("a run has started, and its token is refused: {refusal}")),
        }
    }

    /// Starts an example's run.
    pub(crate) async fn start(&self, start: &Start) -> Result<Running, Stop> {
        match self.try_start(&start.person, start.request()).await? {
            Ok(running) => Ok(running),
            Err(said) => failed(format!("the run of the example cannot be started: {}", said.content)),
        }
    }

    /// Stops a run, as the person that it acts for.
    pub(crate) async fn stop(&self, run: &Running) -> Result<(), Stop> {
        match self.engine.stop_run(&run.person, run.access.run(), "the drill").await {
            Ok(_) => Ok(()),
            Err(refusal) => failed(format!("the person that the run is for cannot stop it: {refusal}")),
        }
    }

    /// Makes a call for a run's worker.
    pub(crate) async fn call(&self, run: &Running, tool: &str, arguments: &Map<String, Json>) -> Said {
        let call = WorkerCall { name: tool.to_owned(), arguments: arguments.clone(), ..WorkerCall::default() };
        match self.engine.worker_call(&run.access, call, Arc::new(Nobody)).await {
            WorkerAnswer::Own { content, .. } => Said::to_worker(content),
            WorkerAnswer::Passed(message) => Said::to_worker(Json::Object(message)),
            WorkerAnswer::InputRequired(_) | WorkerAnswer::Task(_) => Said::to_worker(json!("not an answer")),
        }
    }

    /// Sends SQL for a run's worker.
    pub(crate) async fn query(&self, run: &Running, sql: &str) -> Said {
        let arguments = Map::from_iter([("sql".to_owned(), Json::String(sql.to_owned()))]);
        self.call(run, "knowledge_query", &arguments).await
    }

    /// Makes the example's call; gives back the decision that waits.
    pub(crate) async fn propose(&self, run: &Running, effect: &Effect) -> Result<Decision, Stop> {
        let said = self.call(run, &effect.exposed, &effect.arguments).await;
        match said.pending() {
            Some(id) => self.decision(run, id).await,
            None => failed(format!("the example's call does not wait for a person: {}", said.content)),
        }
    }

    /// Votes for somebody on what has this digest.
    pub(crate) async fn vote(&self, who: &str, id: &str, digest: Digest, approve: bool) -> Result<Said, Stop> {
        let who = self.person(who)?;
        Ok(Said::of(self.engine.vote(&who, id, digest, approve, Some("the drill".to_owned())).await))
    }

    /// As many people approve as are needed.
    pub(crate) async fn approve(&self, effect: &Effect, decision: &Decision) -> Result<(), Stop> {
        let needed = usize::try_from(decision.proposal.approvals_needed.max(1)).unwrap_or(usize::MAX);
        self.approve_by(effect, decision, needed).await
    }

    /// So many people approve.
    pub(crate) async fn approve_by(&self, effect: &Effect, decision: &Decision, people: usize) -> Result<(), Stop> {
        for approver in effect.approvers.iter().take(people) {
            let said = self.vote(approver, decision.id(), decision.action_digest(), true).await?;
            if said.refused.is_some() {
                return failed(format!("the approval of `{approver}` is refused: {}", said.content));
            }
        }
        Ok(())
    }

    /// How a decision stands, as the person acted for sees it.
    pub(crate) async fn decision(&self, run: &Running, id: &str) -> Result<Decision, Stop> {
        match self.engine.decision(&run.person, id).await {
            Ok(view) => Ok(view.decision),
            Err(refusal) => failed(format!("the decision cannot be seen by the person that it is for: {refusal}")),
        }
    }

    /// Waits until a decision stands so.
    pub(crate) async fn until(&self, run: &Running, id: &str, wanted: DecisionStatus) -> Result<Decision, Stop> {
        self.waited(run, id, wanted, false).await
    }

    /// As [`Ground::until`], while the server looks at time again and again.
    pub(crate) async fn swept_until(&self, run: &Running, id: &str, wanted: DecisionStatus) -> Result<Decision, Stop> {
        self.waited(run, id, wanted, true).await
    }

    async fn waited(&self, run: &Running, id: &str, wanted: DecisionStatus, sweeping: bool) -> Result<Decision, Stop> {
        let mut leaves = self.engine.follow();
        let waiting = async {
            loop {
                leaves.borrow_and_update();
                let decision = self.decision(run, id).await?;
                // What is final does not change any more.
                if decision.status == wanted || decision.status.is_final() {
                    return stands(&decision, wanted).map(|()| decision);
                }
                if sweeping {
                    self.engine.sweep().await;
                }
                let look = Duration::from_millis(LOOK_EVERY_MILLISECONDS);
                _ = tokio::time::timeout(look, leaves.changed()).await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(PATIENCE_SECONDS), waiting).await {
            Ok(waited) => waited,
            Err(_) => stands(&self.decision(run, id).await?, wanted).and(failed("the decision changed too late")),
        }
    }

    /// Time for whatever is under way, and for what must not happen.
    pub(crate) async fn quiet(&self) {
        for _ in 0..QUIET_LOOKS {
            self.engine.sweep().await;
            tokio::time::sleep(Duration::from_millis(LOOK_EVERY_MILLISECONDS)).await;
        }
    }

    /// A run's record, as the person acted for sees it.
    pub(crate) async fn rail(&self, run: &Running) -> Result<Vec<Recorded>, Stop> {
        match self.engine.rail(&run.person, run.access.run(), 0, RAIL_EVENTS_MAX).await {
            Ok(rail) => Ok(rail.events),
            Err(refusal) => failed(format!("the run's record cannot be seen by the person that it is for: {refusal}")),
        }
    }

    /// The folder of the store.
    pub(crate) fn data(&self) -> PathBuf {
        self.workspace.data()
    }

    /// A folder beside the store that is not there yet.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.workspace.folder.join(name)
    }
}

/// Signs the checkpoints of a ground's trail.
pub(crate) fn signer(workspace: &Workspace) -> Result<Signer, String> {
    Signer::new(&workspace.config.trail.origin, &TRAIL_KEY).map_err(|error| format!("`trail.origin`: {error}"))
}

/// Problems as one line.
pub(crate) fn told(problems: &[Problem]) -> String {
    let told: Vec<String> =
        problems.iter().map(|problem| format!("{}:{}: {}", problem.file, problem.line, problem.message)).collect();
    told.join("; ")
}

/// Whether a store opens where its files are of different times.
pub(crate) fn opens(folder: &Path, workspace: &Workspace) -> Result<bool, Stop> {
    let signer = signer(workspace).map_err(Stop::Failed)?;
    match Store::open(Options { folder: folder.to_owned(), signer, database: Database::Sqlite }) {
        Ok(_) => Ok(true),
        Err(writ_store::OpenError::Forked(_)) => Ok(false),
        Err(error) => failed(format!("the store is refused for another reason: {error}")),
    }
}
