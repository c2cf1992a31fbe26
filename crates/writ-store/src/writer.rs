//! The one thread that writes: group commit, the log's tree, and its checkpoints.
//!
//! It knows no database. What a database cannot say at once (whether a group that was on its way when the connection
//! broke is there) is found out before anything else is taken: the group waits whole, with whoever waits for it, and is
//! either found in the log or put there again, under the same numbers.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use writ_core::decision::Decision;
use writ_core::event::{Event, Recorded};
use writ_core::run::Run;
use writ_trail::checkpoint::Checkpoint;
use writ_trail::commitment::commit as commitment;
use writ_trail::hash::{Hash, leaf_hash};
use writ_trail::note::Signer;
use writ_trail::tree::Tree;

use crate::backend::{LogEnd, Row, WriteError, Writes};
use crate::commit::{Commit, CommitError, Durable};
use crate::links::{Body, Links};
use crate::lost::Lost;
use crate::projection::{Lookup, Projections};

/// How many requests one sync may serve.
const BATCH_REQUESTS_MAX: usize = 512;
/// How long after an event its checkpoint may be signed.
const CHECKPOINT_INTERVAL_MILLISECONDS: u64 = 400;
/// How long a record whose asker does not wait for the sync may be without one.
const BUFFERED_MILLISECONDS_MAX: u64 = 50;
/// How many such records may be without a sync.
const BUFFERED_ROWS_MAX: usize = 4096;

pub(crate) type Answer = Result<Durable, CommitError>;

/// What the writer is told.
pub(crate) enum Message {
    Request(Request),
    /// Something has got its place in the log without the writer, and is to be synced.
    Placed,
}

pub(crate) struct Request {
    pub(crate) commit: Commit,
    pub(crate) reply: Reply,
}

/// Whom to tell, and when.
pub(crate) enum Reply {
    /// Once the events are synced.
    Durable(oneshot::Sender<Answer>),
    /// Once the events have their place in the log; they are synced a moment later.
    Placed(oneshot::Sender<Result<(), CommitError>>),
}

impl Reply {
    fn refuse(self, error: CommitError) {
        match self {
            Self::Durable(reply) => _ = reply.send(Err(error)),
            Self::Placed(reply) => _ = reply.send(Err(error)),
        }
    }
}

/// What readers see without asking the database.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) runs: RwLock<HashMap<String, Arc<Run>>>,
    pub(crate) decisions: RwLock<HashMap<String, Arc<Decision>>>,
    pub(crate) leaves: watch::Sender<u64>,
    pub(crate) checkpoint: RwLock<String>,
    pub(crate) stopped: RwLock<Option<String>>,
    /// Why nothing is taken at present, while the database is away.
    pub(crate) unavailable: RwLock<Option<String>>,
}

/// Ends with the writer. Whoever comes later is told, also where the writer ended in disorder.
#[derive(Debug)]
pub(crate) struct Ending(pub(crate) Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        let mut stopped = self.0.stopped.write().unwrap_or_else(PoisonError::into_inner);
        stopped.get_or_insert_with(|| "the writer has ended".to_owned());
    }
}

impl Shared {
    fn publish_runs(&self, staged: &Projections) {
        for (id, run) in &staged.runs {
            self.publish_run(id, run);
        }
    }

    /// Shows a run's state, unless a later one is to be seen already.
    fn publish_run(&self, id: &str, run: &Arc<Run>) {
        let mut runs = self.runs.write().unwrap_or_else(PoisonError::into_inner);
        if runs.get(id).is_some_and(|shown| shown.version > run.version) {
            return;
        }
        if run.status.is_open() || !run.open_decisions.is_empty() {
            match runs.get_mut(id) {
                Some(shown) => shown.clone_from(run),
                None => _ = runs.insert(id.to_owned(), run.clone()),
            }
        } else {
            runs.remove(id);
        }
    }

    pub(crate) fn stopped(&self) -> Option<String> {
        self.stopped.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn unavailable(&self) -> Option<String> {
        self.unavailable.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why a request is not taken on now, if so.
    pub(crate) fn refusal(&self) -> Option<CommitError> {
        self.stopped().map(CommitError::Stopped).or_else(|| self.unavailable().map(CommitError::Unavailable))
    }
}

pub(crate) struct Writer {
    pub(crate) database: Box<dyn Writes>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) tree: Tree,
    pub(crate) last_leaf: Option<Hash>,
    pub(crate) signer: Signer,
    pub(crate) checkpoint_file: PathBuf,
    pub(crate) signed_size: u64,
    pub(crate) front: Arc<Mutex<Front>>,
    /// There while the database is away.
    pub(crate) lost: Option<Lost>,
    /// The group that was on its way when the database was lost.
    pub(crate) in_doubt: Option<Group>,
    /// Held for as long as the writer lives: one process at a time writes a store.
    pub(crate) _lock: std::fs::File,
}

/// Where events get their place in the log: by the writer, and for records that nobody waits to see synced also by
/// whoever brings them. Sequence numbers are given under its lock, in the order in which the events will be written.
#[derive(Default)]
pub(crate) struct Front {
    group: Group,
    /// The sequence number of the first row of the group: what is before it has been written, or is being written.
    first: u64,
    /// Runs with events that are being written and that nobody may see before they are on disk.
    busy: HashSet<String>,
}

/// What has been found legal since the last sync, and who waits for the next one.
#[derive(Default)]
pub(crate) struct Group {
    staged: Projections,
    rows: Vec<Row>,
    accepted: Vec<Accepted>,
    refused: Vec<(Reply, CommitError)>,
    /// When the oldest of the rows came that nobody waits for.
    since: Option<Instant>,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").field("first", &self.first).finish_non_exhaustive()
    }
}

impl Front {
    /// The front of a log of so many leaves.
    pub(crate) fn new(leaves: u64) -> Self {
        Self { first: leaves, ..Self::default() }
    }

    /// Puts one request to the state machines, on top of what the group has staged so far.
    fn stage(
        &mut self,
        commit: Commit,
        beneath: &mut impl Lookup,
    ) -> Result<(u64, Option<String>, Option<String>), CommitError> {
        let Group { staged, rows, .. } = &mut self.group;
        let first = self.first.saturating_add(rows.len() as u64);
        let decision = commit.events.iter().rev().find_map(|event| event.decision().map(str::to_owned));
        let mut own = Projections::default();
        let mut own_rows = Vec::with_capacity(commit.events.len());
        for (offset, event) in commit.events.into_iter().enumerate() {
            let seq = first.saturating_add(offset as u64);
            let recorded = Recorded { seq, at: commit.at, run: commit.run.clone(), event };
            let links = own.links(&recorded, &mut Staged { staged, beneath })?;
            own.apply(&recorded, &mut Staged { staged, beneath })?;
            own_rows.push(row(recorded, links)?);
        }
        staged.absorb(own);
        rows.append(&mut own_rows);
        Ok((first, commit.run, decision))
    }

    /// Gives reads of a run their place in the log at once, where everything that they rest on is in memory and on
    /// disk or as little awaited as they are. Otherwise the commit comes back, for the writer. With the place comes
    /// whether the writer has to be told that there is something to sync.
    ///
    /// # Errors
    /// As [`crate::Store::commit_buffered`].
    pub(crate) fn place(&mut self, commit: Commit, shared: &Shared) -> Result<Result<bool, Commit>, CommitError> {
        if let Some(refusal) = shared.refusal() {
            return Err(refusal);
        }
        let are_reads = commit.events.iter().all(|event| matches!(event, Event::ToolRead { .. }));
        let Some(id) = commit.run.clone().filter(|_| are_reads) else { return Ok(Err(commit)) };
        if self.busy.contains(&id) || self.group.rows.len() >= BUFFERED_ROWS_MAX {
            return Ok(Err(commit));
        }
        let mut memory = Memory(shared);
        if !self.group.staged.runs.contains_key(&id) && memory.run(&id)?.is_none() {
            return Ok(Err(commit));
        }
        self.stage(commit, &mut memory)?;
        if let Some(run) = self.group.staged.runs.get(&id) {
            shared.publish_run(&id, run);
        }
        let is_first = self.group.since.is_none();
        self.group.since.get_or_insert_with(Instant::now);
        Ok(Ok(is_first || self.group.rows.len() >= BUFFERED_ROWS_MAX))
    }

    /// How long what nobody waits for may still be without a sync.
    fn until_synced(&self) -> Option<Duration> {
        let since = self.group.since?;
        if self.group.rows.len() >= BUFFERED_ROWS_MAX {
            return Some(Duration::ZERO);
        }
        Some(Duration::from_millis(BUFFERED_MILLISECONDS_MAX).saturating_sub(since.elapsed()))
    }

    /// Takes the group out to be written.
    fn leave(&mut self) -> Group {
        let group = std::mem::take(&mut self.group);
        self.first = self.first.saturating_add(group.rows.len() as u64);
        self.busy = group.accepted.iter().filter_map(|accepted| accepted.run.clone()).collect();
        group
    }
}

/// One request that was found legal: its events as rows, and whom to tell.
struct Accepted {
    first: u64,
    run: Option<String>,
    decision: Option<String>,
    answer: oneshot::Sender<Answer>,
}

impl Writer {
    /// Serves requests until every sender is gone, then signs a last checkpoint.
    pub(crate) fn serve(mut self, requests: &Receiver<Message>) {
        let mut last_signed = Instant::now();
        let interval = Duration::from_millis(CHECKPOINT_INTERVAL_MILLISECONDS);
        loop {
            let unsigned = self.tree.len() > self.signed_size;
            let until_signed = unsigned.then(|| interval.saturating_sub(last_signed.elapsed()));
            let wait = match &self.lost {
                Some(lost) => Some(lost.until_next_try(Instant::now())),
                None => {
                    let until_synced = self.front().until_synced();
                    until_signed.into_iter().chain(until_synced).chain(self.database.look_every()).min()
                }
            };
            let next = match wait {
                Some(wait) => requests.recv_timeout(wait),
                None => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match next {
                Ok(first) => {
                    let more = requests.try_iter().take(BATCH_REQUESTS_MAX.saturating_sub(1));
                    let batch = std::iter::once(first).chain(more).filter_map(|message| match message {
                        Message::Request(request) => Some(request),
                        Message::Placed => None,
                    });
                    let batch: Vec<Request> = batch.collect();
                    self.take(batch);
                }
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let until_next_try = self.lost.as_ref().map(|lost| lost.until_next_try(Instant::now()));
            let until_due = until_next_try.or_else(|| self.front().until_synced());
            match until_due {
                Some(wait) if wait.is_zero() && self.lost.is_some() => self.regain(),
                Some(wait) if wait.is_zero() => self.sync(),
                _ => {}
            }
            if last_signed.elapsed() >= interval && self.tree.len() > self.signed_size {
                self.sign();
                last_signed = Instant::now();
            }
        }
        if self.lost.is_some() {
            self.regain();
        }
        if self.lost.is_none() {
            self.sync();
        }
        if self.tree.len() > self.signed_size {
            self.sign();
        }
        self.leave_in_doubt();
    }

    fn front(&self) -> MutexGuard<'_, Front> {
        self.front.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts requests to the state machines, and syncs where somebody waits for it.
    fn take(&mut self, batch: Vec<Request>) {
        self.look();
        if let Some(refusal) = self.shared.refusal() {
            return batch.into_iter().for_each(|request| request.reply.refuse(refusal.clone()));
        }
        let front = Arc::clone(&self.front);
        let mut front = front.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut placed, mut of_placed) = (Vec::new(), Vec::new());
        for Request { commit, reply } in batch {
            match (front.stage(commit, self), reply) {
                (Ok((first, run, decision)), Reply::Durable(answer)) => {
                    front.group.accepted.push(Accepted { first, run, decision, answer });
                }
                (Ok((_, run, _)), Reply::Placed(answer)) => {
                    front.group.since.get_or_insert_with(Instant::now);
                    placed.push(answer);
                    of_placed.extend(run);
                }
                // Nobody could be asked what it rests on.
                (Err(error @ CommitError::Unavailable(_)), reply) => reply.refuse(error),
                // It may rest on what is about to be recorded, so its answer waits for that.
                (Err(error), reply) => front.group.refused.push((reply, error)),
            }
        }
        let somebody_waits = !front.group.accepted.is_empty() || !front.group.refused.is_empty();
        if somebody_waits {
            // In the same turn of the lock: nothing may come to rest on what nobody may see yet.
            let group = front.leave();
            // Nor on a state that is older than what was placed here and is not shown yet.
            front.busy.extend(of_placed);
            drop(front);
            self.write(group);
        } else {
            // What the next call rests on (limits, labels) holds from here on. Nothing else was found legal since the
            // last sync, so nobody sees a decision that is not on disk.
            self.shared.publish_runs(&front.group.staged);
        }
        for answer in placed {
            _ = answer.send(Ok(()));
        }
    }

    /// Syncs what was found legal, and tells whoever waits.
    fn sync(&mut self) {
        let group = self.front().leave();
        self.write(group);
    }

    fn write(&mut self, group: Group) {
        if group.rows.is_empty() {
            // Nothing to record is nothing to wait for, and no proof of anything.
            for Accepted { answer, .. } in group.accepted {
                _ = answer.send(Err(CommitError::Stopped("there was nothing to record".to_owned())));
            }
            self.front().busy.clear();
            return group.refused.into_iter().for_each(|(reply, error)| reply.refuse(error));
        }
        match self.database.append(&group.rows, &group.staged) {
            Ok(()) => self.recorded(group),
            Err(WriteError::Failed(why)) => self.fail(group, &why),
            Err(WriteError::Lost(why)) => {
                self.in_doubt = Some(group);
                self.lose(&why);
            }
        }
    }

    /// A group is durable: it becomes part of the state that others see, and whoever waited hears of it.
    fn recorded(&mut self, group: Group) {
        let Group { staged, rows, accepted, refused, .. } = group;
        for row in &rows {
            self.tree.push(row.leaf);
            self.last_leaf = Some(row.leaf);
        }
        self.publish(&staged);
        for Accepted { first, run, decision, answer } in accepted {
            let run = run.and_then(|id| staged.runs.get(&id).cloned());
            let decision = decision.and_then(|id| staged.decisions.get(&id).cloned());
            _ = answer.send(Ok(Durable { first, run, decision }));
        }
        refused.into_iter().for_each(|(reply, error)| reply.refuse(error));
        self.front().busy.clear();
    }

    /// A group cannot be recorded, and nothing else will be.
    fn fail(&mut self, group: Group, why: &str) {
        self.stop(why);
        let stopped = CommitError::Stopped(self.shared.stopped().unwrap_or_default());
        let waiting = group.accepted.into_iter().map(|request| Reply::Durable(request.answer));
        let waiting = waiting.chain(group.refused.into_iter().map(|(reply, _)| reply));
        waiting.for_each(|reply| reply.refuse(stopped.clone()));
        // What was placed meanwhile has its place behind what is missing: written, it would leave a gap in the log.
        // Nothing is placed any more, since that is refused under the same lock.
        let mut front = self.front();
        drop(front.leave());
        front.busy.clear();
    }

    /// A connection that was closed while nothing was on its way is made again at once, if that is possible.
    fn look(&mut self) {
        if self.database.is_closed() && self.lost.is_none() && self.shared.stopped().is_none() {
            self.lose("the connection was closed");
            self.regain();
        }
    }

    /// The database is away. Nothing is taken until it is back and it is known what it has.
    fn lose(&mut self, why: &str) {
        if self.lost.is_none() {
            tracing::error!(why, "the store's database is away: nothing is accepted until it is back");
            self.lost = Some(Lost::new(Instant::now()));
        }
        *self.shared.unavailable.write().unwrap_or_else(PoisonError::into_inner) = Some(why.to_owned());
    }

    /// Tries to reach the database again, and goes on from what it has.
    fn regain(&mut self) {
        match self.database.regain() {
            Ok(end) => self.found(&end),
            Err(WriteError::Lost(why)) => {
                self.lose(&why);
                let now = Instant::now();
                let is_overdue = self.lost.as_mut().is_some_and(|lost| lost.tried(now));
                if is_overdue {
                    self.answer_in_doubt();
                }
            }
            Err(WriteError::Failed(why)) => self.give_up(&why),
        }
    }

    /// The database is back, and its log ends here: with the group that was on its way, or right before it.
    fn found(&mut self, end: &LogEnd) {
        let known = self.tree.len();
        let group = self.in_doubt.as_ref().map(|group| group.rows.as_slice()).unwrap_or_default();
        let last_of_group = group.last().map(|row| row.leaf);
        let is_before = end.leaves == known && end.last == self.last_leaf;
        let is_behind = last_of_group.is_some()
            && end.last == last_of_group
            && end.leaves == known.saturating_add(group.len() as u64);
        if !is_before && !is_behind {
            let found = end.leaves;
            return self.give_up(&format!("{known} events were acknowledged, and the database has {found} or others"));
        }
        self.lost = None;
        // Before anybody is answered, so that whoever is may go on.
        *self.shared.unavailable.write().unwrap_or_else(PoisonError::into_inner) = None;
        tracing::info!("the store's database is back");
        match self.in_doubt.take() {
            Some(group) if is_behind => self.recorded(group),
            Some(group) => self.write(group),
            None => {}
        }
    }

    /// The database is back or within reach, and is not the one that was left.
    fn give_up(&mut self, why: &str) {
        self.lost = None;
        let group = self.in_doubt.take().unwrap_or_default();
        self.fail(group, why);
    }

    /// Lets go of those who wait for a group of which nobody knows whether it is there. The group itself stays.
    fn answer_in_doubt(&mut self) {
        let why = self.shared.unavailable().unwrap_or_default();
        let Some(group) = &mut self.in_doubt else { return };
        for Accepted { answer, .. } in std::mem::take(&mut group.accepted) {
            _ = answer.send(Err(CommitError::InDoubt(why.clone())));
        }
        for (reply, _) in std::mem::take(&mut group.refused) {
            reply.refuse(CommitError::Unavailable(why.clone()));
        }
    }

    /// The store is closed while its database is away.
    fn leave_in_doubt(&mut self) {
        if self.lost.is_some() {
            let in_doubt = self.in_doubt.as_ref().map_or(0, |group| group.rows.len());
            let unwritten = self.front().group.rows.len();
            tracing::error!(in_doubt, unwritten, "the store is closed while its database is away");
            self.answer_in_doubt();
        }
    }

    fn publish(&self, staged: &Projections) {
        self.shared.publish_runs(staged);
        let mut decisions = self.shared.decisions.write().unwrap_or_else(PoisonError::into_inner);
        for (id, decision) in &staged.decisions {
            if decision.status.is_final() {
                decisions.remove(id);
            } else {
                decisions.insert(id.clone(), decision.clone());
            }
        }
        drop(decisions);
        self.shared.leaves.send_replace(self.tree.len());
    }

    /// Signs the present tree. The checkpoint is kept outside the database, so that a restored backup is noticed.
    fn sign(&mut self) {
        if self.shared.stopped().is_some() {
            return;
        }
        let checkpoint =
            Checkpoint { origin: self.signer.name().to_owned(), size: self.tree.len(), root: self.tree.root() };
        let note = match checkpoint.sign(&self.signer) {
            Ok(note) => note,
            Err(error) => return self.stop(&error.to_string()),
        };
        if let Err(error) = replace_file(&self.checkpoint_file, &note) {
            return self.stop(&format!("the checkpoint could not be written: {error}"));
        }
        *self.shared.checkpoint.write().unwrap_or_else(PoisonError::into_inner) = note;
        self.signed_size = self.tree.len();
    }

    fn stop(&self, why: &str) {
        tracing::error!(why, "the store has stopped: nothing is accepted until a person has looked");
        *self.shared.stopped.write().unwrap_or_else(PoisonError::into_inner) = Some(why.to_owned());
    }
}

/// Replaces a small file so that a reader, or a crash, sees the old or the new content whole.
pub(crate) fn replace_file(path: &std::path::Path, content: &str) -> std::io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}

fn row(recorded: Recorded, links: Links) -> Result<Row, CommitError> {
    let broken = |why: String| CommitError::Stopped(why);
    let body = serde_json::to_vec(&Body { recorded: &recorded, links }).map_err(|error| broken(error.to_string()))?;
    if body.len() > writ_trail::leaf::BODY_BYTES_MAX {
        return Err(CommitError::TooLarge { bytes: body.len(), bytes_max: writ_trail::leaf::BODY_BYTES_MAX });
    }
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|error| broken(error.to_string()))?;
    let leaf = leaf_hash(&commitment(&salt, &body));
    Ok(Row { recorded, body, salt, leaf })
}

/// What earlier requests of the same group have changed, before what is beneath it.
struct Staged<'a, L> {
    staged: &'a Projections,
    beneath: &'a mut L,
}

impl<L: Lookup> Lookup for Staged<'_, L> {
    fn run(&mut self, id: &str) -> Result<Option<Arc<Run>>, CommitError> {
        self.staged.runs.get(id).map_or_else(|| self.beneath.run(id), |run| Ok(Some(run.clone())))
    }

    fn decision(&mut self, id: &str) -> Result<Option<Arc<Decision>>, CommitError> {
        self.staged.decisions.get(id).map_or_else(|| self.beneath.decision(id), |decision| Ok(Some(decision.clone())))
    }

    fn effect_key(&mut self, key: &str) -> Result<Option<String>, CommitError> {
        self.staged.effect_keys.get(key).map_or_else(|| self.beneath.effect_key(key), |holder| Ok(holder.clone()))
    }
}

/// What is known without asking the database: enough for an event that is about an open run and no decision.
struct Memory<'a>(&'a Shared);

impl Lookup for Memory<'_> {
    fn run(&mut self, id: &str) -> Result<Option<Arc<Run>>, CommitError> {
        Ok(self.0.runs.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned())
    }

    fn decision(&mut self, _: &str) -> Result<Option<Arc<Decision>>, CommitError> {
        Err(lookup_failed("a decision is not looked up in memory alone"))
    }

    fn effect_key(&mut self, _: &str) -> Result<Option<String>, CommitError> {
        Err(lookup_failed("an effect key is not looked up in memory alone"))
    }
}

fn lookup_failed(error: impl std::fmt::Display) -> CommitError {
    CommitError::Stopped(error.to_string())
}

impl Lookup for Writer {
    fn run(&mut self, id: &str) -> Result<Option<Arc<Run>>, CommitError> {
        if let Some(run) = self.shared.runs.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(Some(run.clone()));
        }
        let found = self.database.run(id);
        state(self.looked_up(found)?)
    }

    fn decision(&mut self, id: &str) -> Result<Option<Arc<Decision>>, CommitError> {
        if let Some(decision) = self.shared.decisions.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(Some(decision.clone()));
        }
        let found = self.database.decision(id);
        state(self.looked_up(found)?)
    }

    fn effect_key(&mut self, key: &str) -> Result<Option<String>, CommitError> {
        let found = self.database.effect_key(key);
        self.looked_up(found)
    }
}

impl Writer {
    fn looked_up(&mut self, found: Result<Option<String>, WriteError>) -> Result<Option<String>, CommitError> {
        match found {
            Ok(found) => Ok(found),
            Err(WriteError::Failed(why)) => Err(CommitError::Stopped(why)),
            Err(WriteError::Lost(why)) => {
                self.lose(&why);
                Err(CommitError::Unavailable(why))
            }
        }
    }
}

fn state<T: serde::de::DeserializeOwned>(text: Option<String>) -> Result<Option<Arc<T>>, CommitError> {
    text.map(|text| serde_json::from_str(&text).map(Arc::new).map_err(lookup_failed)).transpose()
}
