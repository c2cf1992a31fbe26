//! The one thread that writes: group commit, the log's tree, and its checkpoints.
//!
//! It knows no database. What a database cannot say at once (whether a group that was on its way when the connection
//! broke is there) is found out before anything else is taken: the group waits whole, with whoever waits for it, and is
//! either found in the log or put there again, under the same numbers.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use writ_core::decision::Decision;
use writ_core::run::Run;
use writ_trail::checkpoint::Checkpoint;
use writ_trail::hash::Hash;
use writ_trail::note::Signer;
use writ_trail::tree::Tree;

use crate::backend::{LogEnd, WriteError, Writes};
use crate::commit::{Commit, CommitError, Durable};
use crate::front::{Accepted, Front, Group};
use crate::lost::Lost;
use crate::projection::{Lookup, Projections};
use crate::shown::Shared;

/// How many requests one sync may serve.
const BATCH_REQUESTS_MAX: usize = 512;
/// How long after an event its checkpoint may be signed.
const CHECKPOINT_INTERVAL_MILLISECONDS: u64 = 400;
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
