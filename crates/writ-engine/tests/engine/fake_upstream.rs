//! Integrations without a network: they introduce themselves as they are told to, answer from a script, and remember
//! every byte that they were sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};
use tokio::sync::oneshot;
use writ_engine::permit::{Basis, Permit, Request};
use writ_engine::upstream::{Caller, Notice, Sent, ServerDescription, Upstream, UpstreamTool, UpstreamUnavailable};

use crate::play::Play;

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

/// The integrations. What has an idempotency key is an effect; everything else is a read.
pub(crate) struct FakeUpstream {
    servers: Mutex<BTreeMap<String, ServerDescription>>,
    /// The editions of those whose connections are people's own.
    personal: Mutex<BTreeMap<String, u64>>,
    /// On whose behalf those were described.
    looks: Mutex<Vec<String>>,
    /// Those that cannot be reached.
    down: Mutex<BTreeSet<String>>,
    effects: Mutex<VecDeque<Play>>,
    reads: Mutex<VecDeque<Play>>,
    requests: Mutex<Vec<(Request, Option<String>)>>,
    /// What came back of what was asked.
    replies: Mutex<Vec<Result<Json, String>>>,
    followers: Mutex<Vec<Arc<dyn Caller>>>,
    retained: Mutex<Option<BTreeSet<String>>>,
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

/// A tool that describes itself so.
pub(crate) fn tool(name: &str, description: &str, input: &Json, output: Option<&Json>) -> UpstreamTool {
    let mut definition = json!({ "name": name, "description": description, "inputSchema": input });
    if let Some(output) = output {
        definition["outputSchema"] = output.clone();
    }
    UpstreamTool {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema: input.as_object().cloned().unwrap(),
        output_schema: output.map(|output| output.as_object().cloned().unwrap()),
        definition,
    }
}

/// What `pay` offers.
fn pay() -> ServerDescription {
    let text = json!({ "type": "string" });
    let payment = json!({ "type": "object", "properties": { "payment_id": text }, "required": ["payment_id"] });
    // `memo` has no type: Writ cannot read it in a condition, and carries it all the same.
    let refund = json!({
        "type": "object",
        "properties": { "payment_id": text, "amount": { "type": "number" }, "note": text, "memo": {} },
        "required": ["payment_id", "amount"],
    });
    let notify = json!({ "type": "object", "properties": { "to": text, "text": text }, "required": ["to", "text"] });
    let close = json!({ "type": "object", "properties": { "customer_id": text }, "required": ["customer_id"] });
    let tools = vec![
        tool("get_payment", "Looks a payment up.", &payment, None),
        tool("refund", "Refunds a payment.", &refund, None),
        tool("notify", "Writes to a customer.", &notify, None),
        tool("close_account", "Closes a customer's account.", &close, None),
    ];
    ServerDescription { server: "fake 1.0".to_owned(), tools, ..ServerDescription::default() }
}

impl FakeUpstream {
    /// One integration, `pay`.
    pub(crate) fn new() -> Self {
        Self {
            servers: Mutex::new(BTreeMap::from([("pay".to_owned(), pay())])),
            personal: Mutex::default(),
            looks: Mutex::default(),
            down: Mutex::default(),
            effects: Mutex::default(),
            reads: Mutex::default(),
            requests: Mutex::default(),
            replies: Mutex::default(),
            followers: Mutex::default(),
            retained: Mutex::default(),
            hold: Mutex::default(),
        }
    }

    /// Adds an integration.
    pub(crate) fn offer(&self, integration: &str, server: ServerDescription) {
        self.servers.lock().unwrap().insert(integration.to_owned(), server);
    }

    /// How an integration introduces itself, up or down.
    pub(crate) fn description(&self, integration: &str) -> ServerDescription {
        self.servers.lock().unwrap()[integration].clone()
    }

    /// What the next effects meet; those after them succeed.
    pub(crate) fn will(&self, plays: impl IntoIterator<Item = impl Into<Play>>) {
        self.effects.lock().unwrap().extend(plays.into_iter().map(Into::<Play>::into));
    }

    /// What the next reads meet; those after them succeed.
    pub(crate) fn reads_will(&self, plays: impl IntoIterator<Item = Play>) {
        self.reads.lock().unwrap().extend(plays);
    }

    /// The effects that were sent, or tried, in order.
    pub(crate) fn effects(&self) -> Vec<Call> {
        let requests = self.requests.lock().unwrap();
        let call = |(request, key): &(Request, Option<String>)| match request {
            Request::Tool { tool, arguments, .. } if key.is_some() => {
                Some(Call { tool: tool.clone(), arguments: arguments.clone(), key: key.clone() })
            }
            _ => None,
        };
        requests.iter().filter_map(call).collect()
    }

    /// Everything else that was asked for, in order.
    pub(crate) fn asked_for(&self) -> Vec<Request> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|(_, key)| key.is_none()).map(|(request, _)| request.clone()).collect()
    }

    /// How many reads there were.
    pub(crate) fn reads(&self) -> usize {
        self.asked_for().len()
    }

    /// What came back of everything that was asked while a request was under way.
    pub(crate) fn replies(&self) -> Vec<Result<Json, String>> {
        self.replies.lock().unwrap().clone()
    }

    /// Changes how an integration introduces itself.
    pub(crate) fn change(&self, integration: &str, change: impl FnOnce(&mut ServerDescription)) {
        change(self.servers.lock().unwrap().get_mut(integration).unwrap());
    }

    /// Changes what a tool of `pay` says of itself.
    pub(crate) fn redescribe(&self, name: &str, description: &str) {
        self.change("pay", |server| {
            let found = server.tools.iter_mut().find(|tool| tool.name == name).unwrap();
            *found = tool(name, description, &Json::Object(found.input_schema.clone()), None);
        });
    }

    /// Takes a tool of `pay` away.
    pub(crate) fn withdraw(&self, name: &str) {
        self.change("pay", |server| server.tools.retain(|tool| tool.name != name));
    }

    /// Changes the name that the server of `pay` gives itself.
    pub(crate) fn introduce_as(&self, name: &str) {
        self.change("pay", |server| server.server = name.to_owned());
    }

    /// Every person's connection to an integration is another one from now on, and each is their own.
    pub(crate) fn opens_for_each(&self, integration: &str) {
        *self.personal.lock().unwrap().entry(integration.to_owned()).or_default() += 1;
    }

    /// On whose behalf integrations were described on people's own connections, in order.
    pub(crate) fn looks(&self) -> Vec<String> {
        self.looks.lock().unwrap().clone()
    }

    /// From now on an integration cannot be reached.
    pub(crate) fn goes_down(&self, integration: &str) {
        self.down.lock().unwrap().insert(integration.to_owned());
    }

    /// It can be reached again.
    pub(crate) fn comes_up(&self, integration: &str) {
        self.down.lock().unwrap().remove(integration);
    }

    /// Tells everybody who follows something that a resource has changed.
    pub(crate) async fn changed(&self, uri: &str) {
        let followers = self.followers.lock().unwrap().clone();
        for follower in followers {
            follower.tell(Notice::ResourceChanged { uri: uri.to_owned() }).await;
        }
    }

    /// Which integrations are used since definitions were loaded again, where they were.
    pub(crate) fn retained(&self) -> Option<Vec<String>> {
        self.retained.lock().unwrap().as_ref().map(|retained| retained.iter().cloned().collect())
    }

    /// Holds the next question about a server back: the executor asks it before anything else.
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
        person: Option<&str>,
    ) -> Result<ServerDescription, UpstreamUnavailable> {
        let unavailable = |why: &str| UpstreamUnavailable {
            integration: integration.to_owned(),
            detail: why.to_owned(),
            not_linked: false,
        };
        let held = self.hold.lock().unwrap().take();
        if let Some((arrived, released)) = held {
            _ = arrived.send(());
            _ = released.await;
        }
        let edition = self.personal.lock().unwrap().get(integration).copied();
        match person {
            None if edition.is_some() => return Err(unavailable("nobody is named")),
            Some(person) if edition.is_some() => self.looks.lock().unwrap().push(person.to_owned()),
            _ => {}
        }
        if self.down.lock().unwrap().contains(integration) {
            return Err(unavailable("nobody listens"));
        }
        Ok(ServerDescription { edition, ..self.description(integration) })
    }

    async fn send(&self, permit: Permit, caller: Arc<dyn Caller>) -> Sent {
        let edition = self.personal.lock().unwrap().get(permit.integration()).copied();
        if edition.is_some() && !matches!(permit.basis(), Basis::Intent) && permit.basis() != Basis::Compared(edition) {
            return Sent::NotCompared;
        }
        let key = permit.idempotency_key().map(str::to_owned);
        let is_down = self.down.lock().unwrap().contains(permit.integration());
        let script = if key.is_some() { &self.effects } else { &self.reads };
        let play: Option<Play> =
            if is_down { Some(Answer::NotSent.into()) } else { script.lock().unwrap().pop_front() };
        let Play { tells, asks, sent } = play.unwrap_or_else(|| Answer::Done.into());
        let request = permit.into_request();
        if let Request::Follow { begin: true, .. } = &request {
            self.followers.lock().unwrap().push(caller.clone());
        }
        self.requests.lock().unwrap().push((request, key));
        for notice in tells {
            caller.tell(notice).await;
        }
        for (ask, parameters) in asks {
            let reply = caller.ask(ask, parameters).await;
            self.replies.lock().unwrap().push(reply);
        }
        match sent {
            Some(sent) => sent,
            None => std::future::pending().await,
        }
    }

    fn retain(&self, integrations: &BTreeSet<String>) {
        *self.retained.lock().unwrap() = Some(integrations.clone());
    }
}
