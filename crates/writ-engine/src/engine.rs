//! The engine's parts, and how it is opened and reloaded.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::watch;
use writ_core::code::{Code, Reason, Refusal};
use writ_core::definition::{MissionDefinition, Problem, ReadRecords};
use writ_core::event::{Event, Milliseconds};
use writ_core::policy::Subject;
use writ_core::run::Run;
use writ_core::value::Value;
use writ_knowledge::Knowledge;
use writ_store::{Commit, CommitError, Durable, Store};

use crate::clock::Clock;
use crate::decide::Decider;
use crate::epoch::{Epoch, Mission};
use crate::people::attributes;
use crate::quarantine::Quarantined;
use crate::scope::{RunScope, SCOPE_MILLISECONDS_MAX, person_subject};
use crate::token::TokenKey;
use crate::upstream::{ServerDescription, Upstream};
use crate::view::Health;
use crate::worker::Comparisons;
use crate::workspace::{Started, Workspace};

/// How long looked-up attributes of a person may be used.
const ATTRIBUTES_MILLISECONDS_MAX: Milliseconds = 5_000;

/// What the engine is made of.
pub struct EngineOptions {
    /// The workspace folder, read.
    pub workspace: Workspace,
    /// The store.
    pub store: Store,
    /// The integrations.
    pub upstream: Arc<dyn Upstream>,
    /// Issues and verifies tokens.
    pub tokens: TokenKey,
    /// The clock.
    pub clock: Clock,
}

/// Why the engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The definitions are wrong.
    #[error("the workspace has {} problems", .0.len())]
    Problems(Vec<Problem>),
    /// The epoch could not be recorded.
    #[error("the store")]
    Store(#[from] CommitError),
}

/// Runs, the queue, the executor and the rail.
pub struct Engine {
    pub(crate) store: Store,
    pub(crate) upstream: Arc<dyn Upstream>,
    pub(crate) tokens: TokenKey,
    pub(crate) clock: Clock,
    pub(crate) decider: Decider,
    pub(crate) booted_at: Milliseconds,
    /// What the definitions of a running server cannot change.
    started: Started,
    current: RwLock<Arc<Current>>,
    scopes: Mutex<HashMap<String, Arc<RunScope>>>,
    subjects: Mutex<HashMap<String, (Milliseconds, u64, Subject)>>,
    /// Mission versions that open runs were started with.
    versions: Mutex<HashMap<String, Arc<Mission>>>,
    pub(crate) executing: Mutex<HashSet<String>>,
    /// Held for reading from the last look at an approval to the record of its intent; new definitions wait for it.
    pub(crate) execution: tokio::sync::RwLock<()>,
    pub(crate) redeemed: Mutex<HashMap<String, Milliseconds>>,
    /// Tools that are not what the operator has pinned.
    pub(crate) quarantined: Mutex<BTreeMap<String, Quarantined>>,
    /// What connections of a person's own have been compared with.
    pub(crate) comparisons: Comparisons,
    /// When the result of an integration's read is released.
    pub(crate) reads: ReadRecords,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// One epoch with the knowledge that it was checked against.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) number: u64,
    pub(crate) epoch: Epoch,
    pub(crate) knowledge: Knowledge,
}

impl Engine {
    /// Checks the definitions, records the epoch, and takes up what was left open.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(options: EngineOptions) -> Result<Arc<Self>, StartError> {
        let EngineOptions { workspace, store, upstream, tokens, clock } = options;
        let last = store.last_epoch().map_err(|error| CommitError::Stopped(error.to_string()))?;
        let number = match last.map(|recorded| recorded.event) {
            Some(Event::EpochOpened { epoch, .. }) => epoch.saturating_add(1),
            _ => 1,
        };
        let current = build(&workspace, &*upstream, number).await.map_err(StartError::Problems)?;
        let now = clock.now();
        let engine = Self {
            store,
            upstream,
            tokens,
            decider: Decider::default(),
            booted_at: now,
            clock,
            versions: Mutex::new(HashMap::new()),
            started: Started::with(&workspace),
            current: RwLock::new(Arc::new(current)),
            scopes: Mutex::default(),
            subjects: Mutex::default(),
            executing: Mutex::default(),
            execution: tokio::sync::RwLock::default(),
            redeemed: Mutex::default(),
            quarantined: Mutex::default(),
            comparisons: Comparisons::default(),
            reads: workspace.config.trail.reads,
        };
        engine.remember_missions(&workspace, &engine.current());
        engine.record_epoch(&engine.current()).await?;
        let engine = Arc::new(engine);
        engine.quarantine_from_the_start().await;
        engine.recover().await;
        Ok(engine)
    }

    /// Replaces the definitions. From the next call on the new ones hold, in running runs too; runs keep the
    /// mission version that they started with. Connections to integrations that are not among them any more are let go.
    ///
    /// # Errors
    /// [`StartError::Problems`] where the new definitions are wrong, or need other connections or another `writ.yaml`
    /// than the server was started with: the old ones stay in force then, all of them.
    pub async fn reload(&self, folder: &Path) -> Result<(), StartError> {
        let workspace = Workspace::load(folder).map_err(StartError::Problems)?;
        let differences = self.started.differences(&workspace);
        if !differences.is_empty() {
            return Err(StartError::Problems(differences));
        }
        let number = self.current().number.saturating_add(1);
        let next = build(&workspace, &*self.upstream, number).await.map_err(StartError::Problems)?;
        let _no_approval_is_looked_at = self.execution.write().await;
        self.record_epoch(&next).await?;
        // The missions first: a scope that is made in between belongs to the old epoch, and is made anew.
        self.remember_missions(&workspace, &next);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        self.forget_scopes();
        self.comparisons.forget();
        let names = workspace.integrations.iter().map(|defined| defined.value.integration.clone());
        let integrations: BTreeSet<String> = names.collect();
        self.upstream.retain(&integrations);
        self.quarantine_from_the_start().await;
        Ok(())
    }

    async fn record_epoch(&self, current: &Current) -> Result<(), CommitError> {
        let missions = current.epoch.missions.iter().map(|(name, mission)| (name.clone(), mission.version));
        let event =
            Event::EpochOpened { epoch: current.number, policy: current.epoch.policy, missions: missions.collect() };
        self.store.commit(Commit { run: None, at: self.clock.now(), events: vec![event] }).await.map(|_| ())
    }

    /// Keeps the mission versions that are in force, and those that open runs were started with. Each is written to
    /// the data folder as well, where a restart finds it.
    fn remember_missions(&self, workspace: &Workspace, current: &Current) {
        let mut versions = HashMap::new();
        for mission in current.epoch.missions.values() {
            if let Err(error) = keep(workspace, &mission.definition) {
                tracing::error!(%error, mission = mission.definition.mission, "the mission's version cannot be kept");
            }
            versions.insert(mission.version.to_string(), mission.clone());
        }
        for run in self.store.open_runs() {
            let version = run.start.mission_version.to_string();
            if versions.contains_key(&version) {
                continue;
            }
            let definition = self.mission_version(&version).map(|mission| mission.definition.clone());
            let definition = definition.or_else(|| kept(workspace, &version));
            let mission = definition
                .and_then(|definition| current.epoch.earlier(workspace, current.knowledge.catalog(), definition));
            match mission {
                Some(mission) => _ = versions.insert(version, Arc::new(mission)),
                None => tracing::warn!(
                    run = run.id,
                    version,
                    "the run's mission version is not at hand; its worker is refused"
                ),
            }
        }
        *self.versions.lock().unwrap_or_else(PoisonError::into_inner) = versions;
    }

    fn forget_scopes(&self) {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn forget_scope(&self, run: &str) {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner).remove(run);
    }

    /// The time, in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now(&self) -> Milliseconds {
        self.clock.now()
    }

    /// Follows the number of durable leaves of the trail.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.store.follow()
    }

    /// Whether the server can record, and so do, anything now.
    #[must_use]
    pub fn accepts_work(&self) -> bool {
        self.store.stopped().or_else(|| self.store.unavailable()).is_none()
    }

    /// How the server is. Asks every integration.
    pub async fn health(&self) -> Health {
        let current = self.current();
        let wrong = self.store.stopped().or_else(|| self.store.unavailable());
        let names: BTreeMap<&str, ()> =
            current.epoch.tools.values().map(|tool| (tool.identity.name.as_str(), ())).collect();
        let mut integrations = BTreeMap::new();
        for name in names.into_keys() {
            let state = match self.upstream.describe(name, None).await {
                Ok(server) => server.server,
                Err(error) => error.to_string(),
            };
            integrations.insert(name.to_owned(), state);
        }
        Health {
            ok: wrong.is_none(),
            detail: wrong,
            leaves: *self.store.follow().borrow(),
            epoch: current.number,
            integrations,
            quarantines: self.quarantines(),
        }
    }

    pub(crate) fn current(&self) -> Arc<Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn mission_version(&self, version: &str) -> Option<Arc<Mission>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).get(version).cloned()
    }

    /// A person as a principal, with attributes that are at most a few seconds old.
    pub(crate) async fn subject(&self, current: &Current, person: &str) -> Result<Subject, Refusal> {
        let now = self.clock.now();
        if let Some((at, epoch, subject)) = self.subjects.lock().unwrap_or_else(PoisonError::into_inner).get(person)
            && *epoch == current.number
            && now.saturating_sub(*at) < ATTRIBUTES_MILLISECONDS_MAX
        {
            return Ok(subject.clone());
        }
        let looked_up = attributes(&current.epoch.people, &current.knowledge, person).await?;
        let subject = person_subject(&current.epoch.people, person, &looked_up).ok_or_else(|| {
            Refusal::new(Code::NotPermitted, "this person may do nothing").because([Reason {
                set: "people".to_owned(),
                policy: None,
                detail: format!("`{person}` is unknown or disabled"),
            }])
        })?;
        self.subjects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(person.to_owned(), (now, current.number, subject.clone()));
        Ok(subject)
    }

    /// A run's scope, made anew where the epoch or the person's attributes have changed, or where it is old.
    pub(crate) async fn scope(&self, current: &Current, run: &Run) -> Result<Arc<RunScope>, Refusal> {
        let person = self.subject(current, &run.start.person).await?;
        let workers = &current.epoch.people.workers;
        if workers.get(&run.start.worker).is_none_or(|worker| worker.disabled) {
            return Err(Refusal::new(Code::NotPermitted, "this worker may do nothing"));
        }
        let now = self.clock.now();
        if let Some(scope) = self.scopes.lock().unwrap_or_else(PoisonError::into_inner).get(&run.id)
            && scope.epoch == current.number
            && scope.person == person
            && now.saturating_sub(scope.made_at) < SCOPE_MILLISECONDS_MAX
        {
            return Ok(scope.clone());
        }
        let mission = self.mission_version(&run.start.mission_version.to_string()).ok_or_else(|| {
            Refusal::new(Code::RunNotOpen, "the mission version of this run is not at hand any more; start a new run")
        })?;
        let hash_key = self.tokens.derive(&format!("mask {}", run.id));
        let scope =
            RunScope::new(&current.epoch, current.number, &current.knowledge, mission, run, person, hash_key, now)?;
        let scope = Arc::new(scope);
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner).insert(run.id.clone(), scope.clone());
        Ok(scope)
    }

    /// Records events of a run, turning the store's refusal into one that can be answered.
    pub(crate) async fn record(&self, run: &str, events: Vec<Event>) -> Result<Durable, Refusal> {
        self.store
            .commit(Commit { run: Some(run.to_owned()), at: self.clock.now(), events })
            .await
            .map_err(|error| refusal_of(&error))
    }

    /// Records reads of integrations, as durably as the operator wants their results to wait for.
    pub(crate) async fn record_reading(&self, run: &str, events: Vec<Event>) -> Result<(), Refusal> {
        let commit = Commit { run: Some(run.to_owned()), at: self.clock.now(), events };
        match self.reads {
            ReadRecords::Durable => self.store.commit(commit).await.map(|_| ()),
            ReadRecords::Buffered => self.store.commit_buffered(commit).await.map(|_| ()),
        }
        .map_err(|error| refusal_of(&error))
    }

    /// Records that a request was refused, and gives the refusal back. Where even that cannot be recorded, the
    /// answer is that the store is unavailable.
    pub(crate) async fn refuse(&self, run: Option<&str>, by: Option<&str>, request: &str, refusal: Refusal) -> Refusal {
        let request = shortened(request);
        let mut reasons = refusal.reasons.clone();
        if reasons.is_empty() {
            reasons.push(Reason { set: "check".to_owned(), policy: None, detail: refusal.message.clone() });
        }
        for reason in &mut reasons {
            reason.detail = shortened(&reason.detail);
        }
        let refusal = Refusal { message: shortened(&refusal.message), ..refusal };
        let event = Event::Refused { by: by.map(str::to_owned), request, code: refusal.code, reasons };
        let commit = Commit { run: run.map(str::to_owned), at: self.clock.now(), events: vec![event] };
        match self.store.commit(commit).await.map_err(|error| refusal_of(&error)) {
            Err(failed) if failed.code == Code::StoreUnavailable => failed,
            _ => refusal,
        }
    }

    /// Records an alarm.
    pub(crate) async fn alarm(&self, run: Option<&str>, what: &str) {
        tracing::error!(what, "alarm");
        let commit = Commit {
            run: run.map(str::to_owned),
            at: self.clock.now(),
            events: vec![Event::Alarm { what: what.to_owned() }],
        };
        if let Err(error) = self.store.commit(commit).await {
            tracing::error!(%error, "the alarm could not be recorded");
        }
    }

    /// The last signed checkpoint of the trail, as a C2SP signed note.
    ///
    /// # Errors
    /// Never at present; the signature leaves room for a store elsewhere.
    pub async fn checkpoint(&self) -> Result<String, Refusal> {
        Ok(self.store.checkpoint())
    }

    /// A hash tile or an entry bundle of the trail (C2SP tlog-tiles), by its path below the log's prefix, such as
    /// `tile/0/x001/067`: hashes and commitments, of what is under the last signed checkpoint. Nothing where there is
    /// none. Blocks while it reads.
    ///
    /// # Errors
    /// [`Code::StoreUnavailable`].
    pub fn tile(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.store.tile(path).map_err(crate::executor::unreadable)
    }
}

fn version_file(workspace: &Workspace, version: &str) -> PathBuf {
    workspace.data().join("missions").join(format!("{version}.json"))
}

fn keep(workspace: &Workspace, definition: &MissionDefinition) -> std::io::Result<()> {
    let version = definition.version().to_string();
    let file = version_file(workspace, &version);
    if kept(workspace, &version).is_some() {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Whole or not at all: runs that are open rest on it after a restart.
    crate::pin::replace(&file, &serde_json::to_string(definition)?)
}

/// A kept definition, if it is there and is what its version says.
fn kept(workspace: &Workspace, version: &str) -> Option<MissionDefinition> {
    let text = std::fs::read(version_file(workspace, version)).ok()?;
    let definition: MissionDefinition = serde_json::from_slice(&text).ok()?;
    (definition.version().to_string() == version).then_some(definition)
}

/// A text that somebody else may have made long, cut to what a record needs.
fn shortened(text: &str) -> String {
    const TEXT_BYTES_MAX: usize = 4096;
    if text.len() <= TEXT_BYTES_MAX {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(TEXT_BYTES_MAX);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// What a commit's failure means for whoever asked.
pub(crate) fn refusal_of(error: &CommitError) -> Refusal {
    use writ_core::run::IllegalRun;
    match error {
        CommitError::Run(IllegalRun::Limit { what, limit }) => Refusal::new(
            Code::LimitReached,
            format!("the run's limit of {limit} {what} is used up; conclude, or ask for a new run"),
        ),
        CommitError::Run(IllegalRun::DecisionsOpen(open)) => Refusal::new(
            Code::BadVerdict,
            format!("{open} of the run's decisions are not final yet; wait with `decision_wait` before you conclude"),
        ),
        CommitError::Run(error) => Refusal::new(Code::RunNotOpen, error.to_string()),
        CommitError::Decision(error) => Refusal::new(Code::DecisionClosed, error.to_string()),
        CommitError::EffectKeyTaken { .. } => Refusal::new(
            Code::EffectKeyTaken,
            "the same effect is already decided on, under way or done elsewhere; it cannot be proposed again",
        ),
        CommitError::UnknownRun(_) => Refusal::new(Code::RunNotOpen, "there is no such run"),
        CommitError::UnknownDecision(_) => Refusal::new(Code::DecisionUnknown, "there is no such decision"),
        CommitError::Exists(_) => Refusal::new(Code::Internal, "an id was drawn twice; try again"),
        CommitError::TooLarge { bytes, bytes_max } => {
            Refusal::new(Code::BadArguments, format!("this makes a record of {bytes} bytes; {bytes_max} fit"))
        }
        CommitError::Busy => {
            Refusal::new(Code::StoreUnavailable, "too much is waiting to be recorded; try again in a moment")
        }
        CommitError::Unavailable(_) => Refusal::new(
            Code::StoreUnavailable,
            "the store cannot be reached at present, so nothing is done; try again later",
        ),
        CommitError::InDoubt(_) => Refusal::new(
            Code::StoreUnavailable,
            "the store was lost while this was being recorded; whether it was shows once it is back",
        ),
        CommitError::Stopped(_) => {
            Refusal::new(Code::StoreUnavailable, "nothing can be recorded, so nothing is done; an operator must look")
        }
    }
    .because([Reason { set: "store".to_owned(), policy: None, detail: error.to_string() }])
}

/// Checks and compiles a workspace against its real sources and tools.
pub(crate) async fn build(
    workspace: &Workspace,
    upstream: &dyn Upstream,
    number: u64,
) -> Result<Current, Vec<Problem>> {
    let (current, warnings) = crate::workspace::assemble(workspace, upstream, number).await?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    Ok(current)
}

/// What servers say of themselves, by integration; those that cannot be reached are left out.
pub(crate) async fn describe_all(
    workspace: &Workspace,
    upstream: &dyn Upstream,
) -> BTreeMap<String, ServerDescription> {
    let mut servers = BTreeMap::new();
    for integration in &workspace.integrations {
        let name = &integration.value.integration;
        let described = match (upstream.describe(name, None).await, workspace.snapshots.get(name)) {
            (Ok(description), _) => description,
            // What the operator looked at last is what calls will be compared with.
            (Err(error), Some(snapshot)) => {
                tracing::warn!(%error, "integration is not available; its pinned definitions are used");
                snapshot.description()
            }
            (Err(error), None) => {
                tracing::error!(%error, "integration is not available");
                continue;
            }
        };
        servers.insert(name.clone(), described);
    }
    servers
}

/// A value that a template or a person can read: decimals with at least two places.
pub(crate) fn readable(value: &Value) -> serde_json::Value {
    match value {
        Value::Decimal(scaled) => {
            let text = writ_core::value::format_decimal(*scaled);
            let places = text.rsplit_once('.').map_or(0, |(_, places)| places.len());
            serde_json::Value::String(if places < 2 { format!("{text}0") } else { text })
        }
        Value::Record(fields) => {
            serde_json::Value::Object(fields.iter().map(|(name, value)| (name.to_string(), readable(value))).collect())
        }
        other => other.to_json(),
    }
}
