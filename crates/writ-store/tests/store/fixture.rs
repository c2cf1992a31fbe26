//! Stores in temporary folders, the events of a little mission, and the three ways to look at a state: what the store
//! answers, what its tables hold, and what a replay of its events makes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, json};
use writ_core::decision::Decision;
use writ_core::digest::{Action, Digest, IntegrationIdentity};
use writ_core::event::{EffectProfile, Event, Limits, Milliseconds, Proposal, Recorded, RunStart, Vote};
use writ_core::run::Run;
use writ_store::{Archive, Commit, Database, OpenError, Options, PostgresUrl, ReadError, Store, replay};
use writ_trail::checkpoint::Checkpoint;
use writ_trail::note::{Signer, Verifier};

use crate::postgres::{self, Postgres};
use crate::tables::Tables;

/// When proposals end; runs end later.
pub(crate) const DEADLINE: Milliseconds = 1_000;
/// How long the writer, or its end, is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(10);

pub(crate) fn signer() -> Signer {
    Signer::new("test.example/trail", &[7; 32]).unwrap()
}

pub(crate) fn try_open(folder: &Path) -> Result<Store, OpenError> {
    try_open_on(folder, database_of(folder))
}

pub(crate) fn try_open_on(folder: &Path, database: Database) -> Result<Store, OpenError> {
    Store::open(Options { folder: folder.to_owned(), signer: signer(), database })
}

/// The database of a store: one of its own for each folder.
pub(crate) fn database_of(folder: &Path) -> Database {
    if !postgres::is_chosen() {
        return Database::Sqlite;
    }
    database_in(Postgres::shared(), &postgres_name(folder))
}

/// A database of this name on a server, made if it is not there yet.
pub(crate) fn database_in(server: &Postgres, name: &str) -> Database {
    server.create(name);
    Database::Postgres(Box::new(PostgresUrl::parse(&server.url(name)).unwrap()))
}

/// What a folder's database is called on a server: its path, in letters, digits and underlines.
pub(crate) fn postgres_name(folder: &Path) -> String {
    let path = folder.to_str().unwrap();
    path.chars().map(|character| if character.is_ascii_alphanumeric() { character } else { '_' }).collect()
}

/// The log as outsiders get it.
pub(crate) fn archive(folder: &Path, verifier: Verifier) -> Result<Archive, ReadError> {
    Archive::open(folder, &database_of(folder), verifier)
}

/// Opens a store that nobody holds.
pub(crate) fn open(folder: &Path) -> Store {
    try_open(folder).unwrap()
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited in vain: {what}");
}

/// Closes a store, and waits until its writer has let go of the folder.
pub(crate) async fn close(store: Store, folder: &Path) {
    drop(store);
    until("the lock", || File::create(folder.join("lock")).unwrap().try_lock().is_ok()).await;
}

/// The checkpoint, once it is over so many leaves.
pub(crate) async fn signed(store: &Store, size: u64) -> Checkpoint {
    let present = || Checkpoint::open(&store.checkpoint(), store.verifier()).unwrap();
    until("the checkpoint", || present().size >= size).await;
    present()
}

/// How many leaves the checkpoint file of a closed store is over.
pub(crate) fn signed_size(folder: &Path) -> u64 {
    let note = std::fs::read_to_string(folder.join("checkpoint")).unwrap();
    Checkpoint::open(&note, &signer().verifier()).unwrap().size
}

pub(crate) fn started() -> Event {
    Event::RunStarted(Box::new(RunStart {
        mission: "refund".to_owned(),
        mission_version: Digest([2; 32]),
        worker: "desk".to_owned(),
        person: "ana".to_owned(),
        started_by: "ana".to_owned(),
        bound: Map::from_iter([("case".to_owned(), json!("k-1"))]),
        expires_at: DEADLINE * 2,
        limits: Limits { reads_max: 10, rows_max: 100, proposals_max: 50 },
    }))
}

pub(crate) fn claimed(text: &str) -> Event {
    Event::Claimed { text: text.to_owned() }
}

pub(crate) fn proposal(run: &str, decision: &str, call: &str, effect_key: Option<&str>) -> Proposal {
    let action = Action {
        integration: IntegrationIdentity { name: "shop".to_owned(), server: "shop 1".to_owned() },
        tool: "refund".to_owned(),
        schema_digest: Digest([1; 32]),
        arguments: Map::from_iter([("payment_id".to_owned(), json!(call)), ("amount".to_owned(), json!(12.5))]),
        run: run.to_owned(),
        mission: "refund".to_owned(),
        mission_version: Digest([2; 32]),
        person: "ana".to_owned(),
        worker: "desk".to_owned(),
        policy: Digest([3; 32]),
        facts: Map::from_iter([("refundable".to_owned(), json!("20.00"))]),
    };
    Proposal {
        decision: decision.to_owned(),
        action_digest: action.digest().unwrap(),
        action,
        effect_key: effect_key.map(str::to_owned),
        approvals_needed: 1,
        expires_at: DEADLINE,
        profile: EffectProfile::Keyed,
        permitted_by: Vec::new(),
        claim: Some("the customer asked".to_owned()),
    }
}

pub(crate) fn proposed(proposal: &Proposal) -> Event {
    Event::Proposed(Box::new(proposal.clone()))
}

pub(crate) fn voted(proposal: &Proposal, by: &str, approve: bool) -> Event {
    let reason = (!approve).then(|| "too much".to_owned());
    let vote = Vote { by: by.to_owned(), action_digest: proposal.action_digest, approve, reason };
    Event::Voted { decision: proposal.decision.clone(), vote }
}

pub(crate) fn intent(proposal: &Proposal, attempt: u32) -> Event {
    let (decision, action_digest) = (proposal.decision.clone(), proposal.action_digest);
    Event::IntentRecorded { idempotency_key: format!("writ-{decision}"), decision, action_digest, attempt }
}

pub(crate) fn outcome(proposal: &Proposal, succeeded: bool) -> Event {
    Event::OutcomeRecorded {
        decision: proposal.decision.clone(),
        succeeded,
        result: json!({ "refund": "f-1" }),
        labels: Vec::new(),
    }
}

pub(crate) fn withdrawn(proposal: &Proposal) -> Event {
    Event::DecisionWithdrawn { decision: proposal.decision.clone(), why: "taken back".to_owned() }
}

pub(crate) fn unknown(proposal: &Proposal) -> Event {
    Event::OutcomeUnknown { decision: proposal.decision.clone(), why: "no answer".to_owned() }
}

pub(crate) fn settled(proposal: &Proposal, succeeded: bool) -> Event {
    let (by, note) = ("lea".to_owned(), "looked it up".to_owned());
    Event::OutcomeSettled { decision: proposal.decision.clone(), by, succeeded, note }
}

pub(crate) fn commit(run: &str, events: impl IntoIterator<Item = Event>) -> Commit {
    Commit { run: Some(run.to_owned()), at: 1, events: events.into_iter().collect() }
}

/// Two runs from start to end: one effect carried out, one rejected, one withdrawn with its run.
pub(crate) fn little_mission() -> Vec<Commit> {
    let refund = proposal("r-1", "d-1", "p-1", Some("refund:p-1"));
    let note = proposal("r-1", "d-2", "p-2", Some("refund:p-2"));
    let again = proposal("r-2", "d-3", "p-2", Some("refund:p-2"));
    let stopped = Event::RunStopped { by: "lea".to_owned(), reason: "enough".to_owned() };
    vec![
        Commit { run: None, at: 1, events: vec![Event::SignedIn { person: "ana".to_owned(), how: "link".to_owned() }] },
        commit("r-1", [started()]),
        commit("r-1", [Event::WorkerAttached { client: "test".to_owned() }, claimed("I look")]),
        commit("r-1", [proposed(&refund)]),
        commit("r-1", [voted(&refund, "lea", true)]),
        commit("r-1", [intent(&refund, 1)]),
        commit("r-1", [outcome(&refund, true), claimed("done")]),
        commit("r-1", [proposed(&note)]),
        commit("r-1", [voted(&note, "lea", false)]),
        commit("r-1", [Event::RunConcluded { verdict: json!({ "outcome": "refunded" }) }]),
        commit("r-2", [started(), proposed(&again)]),
        commit("r-2", [stopped, withdrawn(&again)]),
    ]
}

/// Records one thing after another.
pub(crate) async fn play(store: &Store, commits: impl IntoIterator<Item = Commit>) {
    for commit in commits {
        store.commit(commit).await.unwrap();
    }
}

/// The tables of a store, to look at or to change behind its back.
pub(crate) fn database(folder: &Path) -> Tables {
    Tables::of(folder)
}

/// Every event in the log.
pub(crate) fn log(folder: &Path) -> Vec<Recorded> {
    database(folder).bodies().iter().map(|body| serde_json::from_str(body).unwrap()).collect()
}

/// Everything that events make.
#[derive(Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) runs: BTreeMap<String, Run>,
    pub(crate) decisions: BTreeMap<String, Decision>,
    pub(crate) effect_keys: BTreeMap<String, String>,
}

impl State {
    /// What the tables hold.
    pub(crate) fn stored(folder: &Path) -> Self {
        let tables = database(folder);
        let run = |(id, state): (String, String)| (id, serde_json::from_str(&state).unwrap());
        let decision = |(id, state): (String, String)| (id, serde_json::from_str(&state).unwrap());
        Self {
            runs: tables.pairs("runs", "run", "state").into_iter().map(run).collect(),
            decisions: tables.pairs("decisions", "decision", "state").into_iter().map(decision).collect(),
            effect_keys: tables.pairs("effect_keys", "effect_key", "decision").into_iter().collect(),
        }
    }

    /// What a replay of the events makes.
    pub(crate) fn replayed(events: &[Recorded]) -> Self {
        let made = replay(events).unwrap();
        Self {
            runs: made.runs.into_iter().map(|(id, run)| (id, Run::clone(&run))).collect(),
            decisions: made.decisions.into_iter().map(|(id, decision)| (id, Decision::clone(&decision))).collect(),
            effect_keys: made.effect_keys.into_iter().filter_map(|(key, holder)| Some((key, holder?))).collect(),
        }
    }

    /// Whether the store answers with this state, from memory or from the tables.
    pub(crate) fn is_what_is_answered_by(&self, store: &Store) {
        for (id, run) in &self.runs {
            assert_eq!(store.run(id).unwrap().as_deref(), Some(run));
        }
        for (id, decision) in &self.decisions {
            assert_eq!(store.decision(id).unwrap().as_deref(), Some(decision));
        }
        for (key, holder) in &self.effect_keys {
            assert_eq!(store.effect_key_holder(key).unwrap().as_ref(), Some(holder));
        }
        let open = self.decisions.values().filter(|decision| !decision.status.is_final());
        let open: BTreeSet<&str> = open.map(Decision::id).collect();
        let answered = store.open_decisions();
        assert_eq!(answered.iter().map(|decision| decision.id()).collect::<BTreeSet<_>>(), open);
        assert_eq!(store.runs(1_000).unwrap().len(), self.runs.len());
        assert_eq!(store.decisions(None, None, 1_000).unwrap().len(), self.decisions.len());
    }
}
