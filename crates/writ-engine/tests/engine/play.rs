//! What becomes of one request at an integration: what its server says and asks meanwhile, and how it ends.

use serde_json::{Map, Value as Json, json};
use writ_core::definition::Ask;
use writ_engine::upstream::{Answer as Answered, InputRequired, Notice, Sent, UpstreamTask};

use crate::fake_upstream::Answer;

/// The key of the one question that an integration wants an answer to.
pub(crate) const QUESTION: &str = "size";

/// What becomes of one request.
#[derive(Debug, Clone)]
pub(crate) struct Play {
    pub(crate) tells: Vec<Notice>,
    pub(crate) asks: Vec<(Ask, Json)>,
    /// How it ends; where there is nothing, it does not.
    pub(crate) sent: Option<Sent>,
}

impl From<Answer> for Play {
    fn from(answer: Answer) -> Self {
        let sent = match answer {
            Answer::Done => Sent::Answered(Answered::of(false, json!({ "done": true }))),
            Answer::Failed => Sent::Answered(Answered::of(true, json!("the account is frozen"))),
            Answer::NotSent => Sent::NotSent("nobody listens".to_owned()),
            Answer::Lost => Sent::Lost("the connection broke".to_owned()),
            Answer::Never => return Self { tells: Vec::new(), asks: Vec::new(), sent: None },
        };
        Self::of(sent)
    }
}

impl Play {
    /// It ends so, without a word before.
    pub(crate) fn of(sent: Sent) -> Self {
        Self { tells: Vec::new(), asks: Vec::new(), sent: Some(sent) }
    }

    /// A tool answers with structured content and the same as text.
    pub(crate) fn structured(result: &Json) -> Self {
        let text = json!([{ "type": "text", "text": result.to_string() }]);
        Self::beside(result, &json!({ "content": text, "structuredContent": result }))
    }

    /// A tool answers with structured content, in a message that may say something else.
    pub(crate) fn beside(result: &Json, message: &Json) -> Self {
        let answer = Answered { is_error: false, result: result.clone(), message: object(message) };
        Self::of(Sent::Answered(answer))
    }

    /// Something that is no tool answers.
    pub(crate) fn message(message: &Json) -> Self {
        Self::beside(message, message)
    }

    /// A tool answers with an error.
    pub(crate) fn error(text: &str) -> Self {
        let message = json!({ "content": [{ "type": "text", "text": text }], "isError": true });
        Self::of(Sent::Answered(Answered { is_error: true, result: json!(text), message: object(&message) }))
    }

    /// The integration wants something before it goes on.
    pub(crate) fn wants(method: &str, state: &str) -> Self {
        let requests = object(&json!({ QUESTION: { "method": method, "params": question() } }));
        Self::of(Sent::InputRequired(InputRequired { requests, state: Some(state.to_owned()) }))
    }

    /// The integration makes a task of it.
    pub(crate) fn task(id: &str) -> Self {
        let task = json!({ "taskId": id, "status": "working", "createdAt": "2027-01-15T08:00:00Z" });
        Self::of(Sent::Task(UpstreamTask(object(&task))))
    }

    /// And it says this meanwhile.
    pub(crate) fn telling(mut self, notice: Notice) -> Self {
        self.tells.push(notice);
        self
    }

    /// And it asks this meanwhile.
    pub(crate) fn asking(mut self, ask: Ask, parameters: Json) -> Self {
        self.asks.push((ask, parameters));
        self
    }
}

/// What is asked, in the protocol's own form.
pub(crate) fn question() -> Json {
    json!({ "message": "Which size?", "requestedSchema": { "type": "object", "properties": {} } })
}

/// The members of an object.
pub(crate) fn object(value: &Json) -> Map<String, Json> {
    value.as_object().cloned().unwrap()
}
