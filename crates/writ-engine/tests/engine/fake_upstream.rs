//! An integration without a network: it introduces itself as it is told to, answers effects from a script, and remembers
//! every byte that it was sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};
use tokio::sync::oneshot;
use writ_engine::permit::{Permit, Request};
use writ_engine::upstream::{
    Answer as Answered, Caller, Sent, ServerDescription, Upstream, UpstreamTool, UpstreamUnavailable,
};

/// What becomes of one effect.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// It succeeds.
    Done,
    /// The integration says no.
    Failed,
    /// It does not leave.
    NotSent,
    /// It leaves, and no answer comes.
    Lost,
    /// It leaves, and the caller waits until its own end.
    Never,
}

/// One call, as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) tool: String,
    pub(crate) arguments: Map<String, Json>,
    pub(crate) key: Option<String>,
}

/// The integration.
pub(crate) struct FakeUpstream {
    server: Mutex<ServerDescription>,
    script: Mutex<VecDeque<Answer>>,
    calls: Mutex<Vec<Call>>,
    hold: Mutex<Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>>,
}

/// A question that has been held back, until it is let go.
pub(crate) struct Held {
    arrived: Option<oneshot::Receiver<()>>,
    release: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the question is there.
    pub(crate) async fn arrived(&mut self) {
        self.arrived.take().unwrap().await.unwrap();
    }

    /// Lets it go on.
    pub(crate) fn release(self) {
        self.release.send(()).unwrap();
    }
}

fn tool(name: &str, description: &str, input_schema: &Json) -> UpstreamTool {
    UpstreamTool {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema: input_schema.as_object().cloned().unwrap(),
        output_schema: None,
        definition: json!({ "name": name, "description": description, "inputSchema": input_schema }),
    }
}

impl FakeUpstream {
    pub(crate) fn new() -> Self {
        let text = json!({ "type": "string" });
        let payment = json!({ "type": "object", "properties": { "payment_id": text }, "required": ["payment_id"] });
        // `memo` has no type: Writ cannot read it in a condition, and carries it all the same.
        let refund = json!({
            "type": "object",
            "properties": { "payment_id": text, "amount": { "type": "number" }, "note": text, "memo": {} },
            "required": ["payment_id", "amount"],
        });
        let notify =
            json!({ "type": "object", "properties": { "to": text, "text": text }, "required": ["to", "text"] });
        let close = json!({ "type": "object", "properties": { "customer_id": text }, "required": ["customer_id"] });
        let tools = vec![
            tool("get_payment", "Looks a payment up.", &payment),
            tool("refund", "Refunds a payment.", &refund),
            tool("notify", "Writes to a customer.", &notify),
            tool("close_account", "Closes a customer's account.", &close),
        ];
        Self {
            server: Mutex::new(ServerDescription {
                server: "fake 1.0".to_owned(),
                tools,
                ..ServerDescription::default()
            }),
            script: Mutex::default(),
            calls: Mutex::default(),
            hold: Mutex::default(),
        }
    }

    /// What the next effects meet; those after them succeed.
    pub(crate) fn will(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script.lock().unwrap().extend(answers);
    }

    /// The effects that were sent, or tried, in order.
    pub(crate) fn effects(&self) -> Vec<Call> {
        self.calls.lock().unwrap().iter().filter(|call| call.key.is_some()).cloned().collect()
    }

    /// How many reads there were.
    pub(crate) fn reads(&self) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| call.key.is_none()).count()
    }

    /// Changes what a tool says of itself.
    pub(crate) fn redescribe(&self, name: &str, description: &str) {
        let mut server = self.server.lock().unwrap();
        let found = server.tools.iter_mut().find(|tool| tool.name == name).unwrap();
        *found = tool(name, description, &Json::Object(found.input_schema.clone()));
    }

    /// Takes a tool away.
    pub(crate) fn withdraw(&self, name: &str) {
        self.server.lock().unwrap().tools.retain(|tool| tool.name != name);
    }

    /// Changes the server's own name.
    pub(crate) fn introduce_as(&self, server: &str) {
        self.server.lock().unwrap().server = server.to_owned();
    }

    /// Holds the next question about the server back: the executor asks it before anything else.
    pub(crate) fn hold_next_question(&self) -> Held {
        let (arrived, arrives) = oneshot::channel();
        let (release, released) = oneshot::channel();
        *self.hold.lock().unwrap() = Some((arrived, released));
        Held { arrived: Some(arrives), release }
    }
}

#[async_trait]
impl Upstream for FakeUpstream {
    async fn describe(
        &self,
        integration: &str,
        _person: Option<&str>,
    ) -> Result<ServerDescription, UpstreamUnavailable> {
        assert_eq!(integration, "pay");
        let held = self.hold.lock().unwrap().take();
        if let Some((arrived, released)) = held {
            _ = arrived.send(());
            _ = released.await;
        }
        Ok(self.server.lock().unwrap().clone())
    }

    async fn send(&self, permit: Permit, _caller: Arc<dyn Caller>) -> Sent {
        let key = permit.idempotency_key().map(str::to_owned);
        let is_effect = key.is_some();
        let Request::Tool { tool, arguments, .. } = permit.into_request() else { panic!("not a call of a tool") };
        self.calls.lock().unwrap().push(Call { tool, arguments, key });
        let answer = if is_effect { self.script.lock().unwrap().pop_front() } else { None };
        match answer.unwrap_or(Answer::Done) {
            Answer::Done => Sent::Answered(Answered::of(false, json!({ "done": true }))),
            Answer::Failed => Sent::Answered(Answered::of(true, json!("the account is frozen"))),
            Answer::NotSent => Sent::NotSent("nobody listens".to_owned()),
            Answer::Lost => Sent::Lost("the connection broke".to_owned()),
            Answer::Never => std::future::pending().await,
        }
    }
}
