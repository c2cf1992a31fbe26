//! What an integration says to a worker, or asks it, while a read is under way.
//!
//! Everything passes through here: what is asked must be of a kind that the operator allows, is recorded before the
//! worker sees it, and so is the answer before the integration gets it. What is said besides is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};
use writ_core::definition::Ask;
use writ_core::digest::Digest;
use writ_core::event::Event;

use super::Call;
use crate::engine::Engine;
use crate::epoch::Act;
use crate::permit::Continued;
use crate::upstream::{Caller, InputRequired, Notice, ask_of};

/// How many notices of one read reach the worker.
const NOTICES_MAX: usize = 1000;
/// The longest notice, as JSON text.
const NOTICE_BYTES_MAX: usize = 16 * 1024;
/// How much an integration may ask in one read.
const ASKS_MAX: usize = 16;

/// A worker that reads, as the integration meets it.
pub(super) struct Overheard {
    engine: Arc<Engine>,
    run: String,
    act: Arc<Act>,
    worker: Arc<dyn Caller>,
    notices: AtomicUsize,
    asks: AtomicUsize,
}

impl Overheard {
    pub(super) fn new(engine: Arc<Engine>, call: &Call, act: &Arc<Act>, worker: Arc<dyn Caller>) -> Self {
        let (notices, asks) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { engine, run: call.run.id.clone(), act: act.clone(), worker, notices, asks }
    }

    /// Whether everything that an integration wants can be asked of the worker at once.
    pub(super) fn can_answer(&self, wanted: &InputRequired) -> bool {
        let kinds = wanted.requests.values().map(|request| ask_of(member(request, "method")));
        !wanted.requests.is_empty() && kinds.into_iter().all(|ask| ask.is_some_and(|ask| self.can_be_asked(ask)))
    }

    /// Asks the worker everything that an integration wants.
    pub(super) async fn answer(&self, wanted: &InputRequired) -> Result<Continued, String> {
        let mut responses = Map::new();
        for (key, request) in &wanted.requests {
            let ask = ask_of(member(request, "method")).ok_or("this may not be asked here")?;
            let parameters = request.get("params").cloned().unwrap_or_else(|| json!({}));
            responses.insert(key.clone(), self.ask(ask, parameters).await?);
        }
        Ok(Continued { responses, state: wanted.state.clone() })
    }

    async fn record(&self, ask: Ask, question: Digest, answer: Option<Digest>) -> Result<(), String> {
        let (tool, question) = (self.act.tool.full_name.clone(), Some(question));
        let labels = self.act.tool.labels.iter().cloned().collect();
        let event = Event::Asked { tool, ask, question, answer, labels };
        self.engine.record(&self.run, vec![event]).await.map(|_| ()).map_err(|refusal| refusal.message)
    }
}

#[async_trait]
impl Caller for Overheard {
    fn can_be_asked(&self, ask: Ask) -> bool {
        !self.act.looks_at_results() && self.act.tool.asks.contains(&ask) && self.worker.can_be_asked(ask)
    }

    fn takes(&self, ask: Ask) -> bool {
        !self.act.looks_at_results() && self.act.tool.asks.contains(&ask) && self.worker.takes(ask)
    }

    fn takes_tasks(&self) -> bool {
        self.worker.takes_tasks()
    }

    fn is_gone(&self) -> bool {
        let has_ended = match self.engine.store.run(&self.run) {
            Ok(run) => run.is_none_or(|run| run.must_be_open(self.engine.clock.now()).is_err()),
            // What cannot be looked up at present may well be there.
            Err(_) => false,
        };
        has_ended || self.worker.is_gone()
    }

    async fn tell(&self, notice: Notice) {
        if matches!(notice, Notice::ResourceChanged { .. }) {
            // Whoever follows a resource does so beyond the call: not beyond the run.
            let run = self.engine.store.run(&self.run).ok().flatten();
            if run.is_none_or(|run| run.must_be_open(self.engine.clock.now()).is_err()) {
                return;
            }
        }
        let bytes = match &notice {
            Notice::Progress { message, .. } => message.as_deref().unwrap_or_default().len(),
            Notice::Log(parameters) => parameters.to_string().len(),
            Notice::ResourceChanged { uri } => uri.len(),
        };
        // Where the mission looks at results, a text beside them would get round it; and where the answer carries a
        // label, a text before it would come without.
        let is_looked_at = self.act.looks_at_results() || !self.act.tool.labels.is_empty();
        let notice = match notice {
            Notice::Progress { progress, total, .. } if is_looked_at => {
                Notice::Progress { progress, total, message: None }
            }
            Notice::Log(_) if is_looked_at => return,
            notice => notice,
        };
        if bytes <= NOTICE_BYTES_MAX && self.notices.fetch_add(1, Ordering::Relaxed) < NOTICES_MAX {
            self.worker.tell(notice).await;
        }
    }

    async fn ask(&self, ask: Ask, parameters: Json) -> Result<Json, String> {
        if !self.can_be_asked(ask) {
            return Err("this may not be asked here".to_owned());
        }
        if self.asks.fetch_add(1, Ordering::Relaxed) >= ASKS_MAX {
            return Err(format!("no more than {ASKS_MAX} things may be asked in one call"));
        }
        let question = Digest::of_json(&parameters).map_err(|error| error.to_string())?;
        self.record(ask, question, None).await?;
        let answer = self.worker.ask(ask, parameters).await?;
        let digest = Digest::of_json(&answer).map_err(|error| error.to_string())?;
        self.record(ask, question, Some(digest)).await?;
        Ok(answer)
    }
}

/// What an answer of the protocol answers, by its form.
pub(super) fn answered_ask(answer: &Json) -> Option<Ask> {
    if answer.get("action").is_some_and(Json::is_string) {
        Some(Ask::Elicitation)
    } else if answer.get("roots").is_some_and(Json::is_array) {
        Some(Ask::Roots)
    } else if answer.get("role").is_some_and(Json::is_string) {
        Some(Ask::Sampling)
    } else {
        None
    }
}

fn member<'a>(request: &'a Json, name: &str) -> &'a str {
    request.get(name).and_then(Json::as_str).unwrap_or_default()
}
