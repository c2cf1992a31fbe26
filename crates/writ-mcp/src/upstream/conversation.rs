//! What passes between a server and a caller while one request is under way.
//!
//! The server's notices wait in a short queue for whoever made the request, in the order in which they came; what
//! does not fit is dropped. What the server asks goes to the caller if the operator allows that kind and the caller
//! can be asked, and the time for which the server waits is not held against it. Questions are counted, answers are
//! bounded. A conversation ends when its request does: whoever comes later finds nobody.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rmcp::model::ServerNotification;
use serde_json::{Map, Value as Json};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use writ_core::definition::Ask;
use writ_engine::upstream::{Caller, Notice};

use super::outcome::{Kind, size};

/// How many notices of one request wait to be told.
const NOTICES_MAX: usize = 64;
/// The largest notice that is told, as JSON text.
const NOTICE_BYTES_MAX: usize = 64 * 1024;
/// How many questions a server may ask for one request.
const QUESTIONS_MAX: u32 = 32;
/// How long a worker may take to answer one.
const QUESTION_SECONDS_MAX: u64 = 600;
/// The largest answer of a worker, as JSON text.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// How long a caller may take to hear one notice.
pub(super) const TELL_SECONDS_MAX: u64 = 5;

/// One request under way.
pub(super) struct Conversation {
    caller: Arc<dyn Caller>,
    asks: BTreeSet<Ask>,
    notices: mpsc::Sender<Notice>,
    questions: Mutex<Questions>,
}

#[derive(Default)]
struct Questions {
    asked: u32,
    open: u32,
    since: Option<Instant>,
    waited: Duration,
}

/// Which conversation a message on its way out belongs to. It travels beside the message and never on the wire.
#[derive(Clone)]
pub(super) struct Originator {
    /// The conversation, as long as somebody takes part.
    pub(super) conversation: Weak<Conversation>,
    /// Whether the request is to change something.
    pub(super) kind: Kind,
}

/// Why a server gets no answer to its question.
pub(super) enum Declined {
    /// The operator does not allow it, or there is nobody who could answer.
    NotOffered,
    /// Whoever was asked would not answer.
    Refused(String),
}

impl Conversation {
    /// Begins a conversation; the notices come out of the second part.
    pub(super) fn begin(caller: Arc<dyn Caller>, asks: BTreeSet<Ask>) -> (Arc<Self>, mpsc::Receiver<Notice>) {
        let (notices, told) = mpsc::channel(NOTICES_MAX);
        (Arc::new(Self { caller, asks, notices, questions: Mutex::default() }), told)
    }

    /// Queues a notice.
    pub(super) fn hear(&self, notice: Notice) {
        if self.notices.try_send(notice).is_err() {
            tracing::debug!("a notice of an integration was dropped: the caller does not keep up");
        }
    }

    /// Tells the caller.
    pub(super) async fn tell(&self, notice: Notice) {
        let limit = Duration::from_secs(TELL_SECONDS_MAX);
        if timeout(limit, self.caller.tell(notice)).await.is_err() {
            tracing::debug!("a notice of an integration was dropped: the caller did not take it in time");
        }
    }

    /// Puts a question of the server to the caller.
    pub(super) async fn ask(&self, ask: Ask, parameters: Json) -> Result<Json, Declined> {
        if !self.asks.contains(&ask) || !may_be_asked(ask, &parameters) {
            return Err(Declined::NotOffered);
        }
        let Some(_question) = Question::open(&self.questions) else {
            return Err(Declined::Refused("it asks too much for one request".to_owned()));
        };
        let limit = Duration::from_secs(QUESTION_SECONDS_MAX);
        match timeout(limit, self.caller.ask(ask, parameters)).await {
            Ok(Ok(answer)) if !is_answer(ask, &answer) => {
                Err(Declined::Refused("the answer was not one to this question".to_owned()))
            }
            Ok(Ok(answer)) if size(&answer).is_none_or(|bytes| bytes > ANSWER_BYTES_MAX) => {
                Err(Declined::Refused("the answer was too large".to_owned()))
            }
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(why)) => Err(Declined::Refused(why)),
            Err(_) => Err(Declined::Refused("no answer came in time".to_owned())),
        }
    }

    /// For how long the server has waited for answers so far, and whether it waits now.
    pub(super) fn waited(&self) -> (Duration, bool) {
        let questions = locked(&self.questions);
        let now = questions.since.map(|since| Instant::now().saturating_duration_since(since)).unwrap_or_default();
        (questions.waited.saturating_add(now), questions.open > 0)
    }
}

/// A question that waits for its answer.
struct Question<'a>(&'a Mutex<Questions>);

impl<'a> Question<'a> {
    fn open(questions: &'a Mutex<Questions>) -> Option<Self> {
        let mut state = locked(questions);
        if state.asked >= QUESTIONS_MAX {
            return None;
        }
        state.asked = state.asked.saturating_add(1);
        state.open = state.open.saturating_add(1);
        state.since.get_or_insert_with(Instant::now);
        Some(Self(questions))
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        let mut state = locked(self.0);
        state.open = state.open.saturating_sub(1);
        if state.open == 0
            && let Some(since) = state.since.take()
        {
            state.waited = state.waited.saturating_add(Instant::now().saturating_duration_since(since));
        }
    }
}

fn locked(questions: &Mutex<Questions>) -> MutexGuard<'_, Questions> {
    questions.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a question is of the form that Writ passes on: of elicitations the ones with a form. An address that
/// a server wants a person to open stays out.
pub(super) fn may_be_asked(ask: Ask, parameters: &Json) -> bool {
    ask != Ask::Elicitation || parameters.get("mode").is_none_or(|mode| mode.as_str() == Some("form"))
}

/// Whether an answer has the form that the protocol gives to the answers of its kind.
fn is_answer(ask: Ask, answer: &Json) -> bool {
    let text = |member: &str| answer.get(member).and_then(Json::as_str);
    match ask {
        Ask::Elicitation => matches!(text("action"), Some("accept" | "decline" | "cancel")),
        Ask::Sampling => text("role").is_some() && text("model").is_some() && answer.get("content").is_some(),
        Ask::Roots => answer.get("roots").is_some_and(Json::is_array),
    }
}

/// A notification as a notice to the one caller whose request it belongs to, where it is one.
pub(super) fn notice(notification: &ServerNotification) -> Option<Notice> {
    let notice = match notification {
        ServerNotification::ProgressNotification(progress) => Notice::Progress {
            progress: progress.params.progress,
            total: progress.params.total,
            message: progress.params.message.clone().filter(|message| message.len() <= NOTICE_BYTES_MAX),
        },
        ServerNotification::LoggingMessageNotification(log) => Notice::Log(parameters(serde_json::to_value(log).ok()?)),
        _ => return None,
    };
    match &notice {
        Notice::Log(line) if size(line).is_none_or(|bytes| bytes > NOTICE_BYTES_MAX) => None,
        _ => Some(notice),
    }
}

/// The parameters of a message, without what belongs to the transport.
pub(super) fn parameters(message: Json) -> Json {
    let Json::Object(mut message) = message else {
        return Json::Object(Map::new());
    };
    match message.shift_remove("params") {
        Some(Json::Object(mut parameters)) => {
            parameters.shift_remove("_meta");
            Json::Object(parameters)
        }
        _ => Json::Object(Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::Recorder;

    #[test]
    fn an_answer_must_have_the_form_of_its_kind() {
        assert!(is_answer(Ask::Elicitation, &json!({ "action": "accept", "content": { "name": "Ada" } })));
        assert!(!is_answer(Ask::Elicitation, &json!({ "action": "approve" })));
        assert!(is_answer(Ask::Roots, &json!({ "roots": [] })));
        assert!(!is_answer(Ask::Roots, &json!([])));
        assert!(!is_answer(Ask::Sampling, &json!({ "role": "assistant", "content": [] })));
    }

    #[tokio::test]
    async fn only_what_the_operator_allows_is_asked_and_only_so_often() {
        let recorder = Arc::new(Recorder::answering(json!({ "action": "decline" })));
        let (conversation, _told) = Conversation::begin(recorder.clone(), BTreeSet::from([Ask::Elicitation]));
        assert!(matches!(conversation.ask(Ask::Roots, json!({})).await, Err(Declined::NotOffered)));
        let address = json!({ "mode": "url", "url": "https://example.com" });
        assert!(matches!(conversation.ask(Ask::Elicitation, address).await, Err(Declined::NotOffered)));
        for _ in 0..QUESTIONS_MAX {
            assert!(conversation.ask(Ask::Elicitation, json!({ "message": "?" })).await.is_ok());
        }
        assert!(matches!(conversation.ask(Ask::Elicitation, json!({})).await, Err(Declined::Refused(_))));
        assert_eq!(recorder.asked().len(), usize::try_from(QUESTIONS_MAX).unwrap());
        assert!(!conversation.waited().1);
    }

    #[tokio::test]
    async fn a_caller_that_does_not_keep_up_loses_notices_and_holds_nobody_up() {
        let (conversation, mut told) = Conversation::begin(Arc::new(Recorder::default()), BTreeSet::new());
        for progress in 0..2 * NOTICES_MAX {
            let progress = f64::from(u32::try_from(progress).unwrap());
            conversation.hear(Notice::Progress { progress, total: None, message: None });
        }
        let mut heard = 0;
        while told.try_recv().is_ok() {
            heard += 1;
        }
        assert_eq!(heard, NOTICES_MAX);
    }
}
