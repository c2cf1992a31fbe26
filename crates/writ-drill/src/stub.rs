//! Integrations without a network: they describe themselves as they were pinned, do nothing, and keep a ledger of what
//! they were sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};
use tokio::sync::oneshot;
use writ_core::definition::Ask;
use writ_engine::permit::{Permit, Request};
use writ_engine::upstream::{Answer, Caller, InputRequired, Sent, ServerDescription, Upstream, UpstreamUnavailable};

use crate::definitions::tool;
use crate::judge::{Entry, Stop};

/// How long something held back may take to arrive.
const ARRIVAL_SECONDS_MAX: u64 = 30;

/// Something that is broken on purpose, to see that the drill finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sabotage {
    /// Nothing is.
    #[default]
    Nothing,
    /// Integrations act whenever somebody looks at them, without having been sent anything.
    ActsUnasked,
    /// Integrations do everything twice.
    ActsTwice,
    /// Integrations do something else than they were sent.
    ActsOtherwise,
    /// A byte of every export of the trail is changed before it is verified.
    AltersExports,
    /// Every change of an export is put right before it is looked for.
    RepairsExports,
}

/// What becomes of one effect.
#[derive(Debug)]
pub(crate) enum Play {
    /// It arrives, and no answer comes back.
    Lost,
    /// It arrives, and the integration asks for more, of the worker and in its answer.
    AsksForMore,
    /// It arrives, and is answered once it is let go.
    Waits(Gate),
}

/// The stub's side of something held back.
#[derive(Debug)]
pub(crate) struct Gate {
    arrives: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
}

/// The drill's side of something held back. It is let go when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    arrived: oneshot::Receiver<()>,
    _release: oneshot::Sender<()>,
}

/// Makes both sides.
pub(crate) fn gate() -> (Gate, Held) {
    let (arrives, arrived) = oneshot::channel();
    let (release, released) = oneshot::channel();
    (Gate { arrives, released }, Held { arrived, _release: release })
}

impl Gate {
    async fn pass(self) {
        _ = self.arrives.send(());
        // Dropping the other side opens the gate.
        _ = self.released.await;
    }
}

impl Held {
    /// Waits until it is there.
    pub(crate) async fn arrived(&mut self) -> Result<(), Stop> {
        let limit = Duration::from_secs(ARRIVAL_SECONDS_MAX);
        match tokio::time::timeout(limit, &mut self.arrived).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Stop::Failed("the approved effect did not get as far as its send".to_owned())),
        }
    }
}

/// The stub.
pub(crate) struct Stub {
    servers: Mutex<BTreeMap<String, ServerDescription>>,
    plays: Mutex<VecDeque<Play>>,
    ledger: Mutex<Vec<Entry>>,
    /// Holds back the next look at a server.
    look: Mutex<Option<Gate>>,
    /// Whether anybody answered what was asked while an effect was carried out.
    answered: Mutex<bool>,
    sabotage: Sabotage,
}

impl Stub {
    pub(crate) fn new(servers: BTreeMap<String, ServerDescription>, sabotage: Sabotage) -> Arc<Self> {
        Arc::new(Self {
            servers: Mutex::new(servers),
            plays: Mutex::default(),
            ledger: Mutex::default(),
            look: Mutex::default(),
            answered: Mutex::default(),
            sabotage,
        })
    }

    /// What the next effect meets; those after it succeed.
    pub(crate) fn will(&self, play: Play) {
        locked(&self.plays).push_back(play);
    }

    /// Everything that it did, in order.
    pub(crate) fn ledger(&self) -> Vec<Entry> {
        locked(&self.ledger).clone()
    }

    /// Whether anybody answered a question of an integration.
    pub(crate) fn was_answered(&self) -> bool {
        *locked(&self.answered)
    }

    /// Holds back the next look at a server: the executor looks before anything else.
    pub(crate) fn hold_next_look(&self) -> Held {
        let (gate, held) = gate();
        *locked(&self.look) = Some(gate);
        held
    }

    /// Changes what a tool says of itself.
    pub(crate) fn redescribe(&self, integration: &str, name: &str) {
        if let Some(server) = locked(&self.servers).get_mut(integration) {
            for known in server.tools.iter_mut().filter(|known| known.name == name) {
                let description = format!("{} Changed by the drill.", known.description);
                *known = tool(name, &description, known.input_schema.clone(), known.output_schema.clone());
            }
        }
    }

    /// Puts another server behind an integration.
    pub(crate) fn replace_server(&self, integration: &str) {
        if let Some(server) = locked(&self.servers).get_mut(integration) {
            server.server.push_str(" (another one)");
        }
    }

    /// Writes down what an integration did.
    fn act(&self, entry: Entry) {
        let mut ledger = locked(&self.ledger);
        match self.sabotage {
            Sabotage::ActsTwice => ledger.push(entry.clone()),
            Sabotage::ActsOtherwise => {
                let mut other = entry;
                other.arguments.insert("sabotage".to_owned(), Json::Bool(true));
                ledger.push(other);
                return;
            }
            _ => {}
        }
        ledger.push(entry);
    }
}

#[async_trait]
impl Upstream for Stub {
    async fn describe(
        &self,
        integration: &str,
        _person: Option<&str>,
    ) -> Result<ServerDescription, UpstreamUnavailable> {
        let look = locked(&self.look).take();
        if let Some(gate) = look {
            gate.pass().await;
        }
        if self.sabotage == Sabotage::ActsUnasked {
            let (integration, tool) = (integration.to_owned(), "unasked".to_owned());
            self.act(Entry { integration, tool, arguments: Map::new(), key: None });
        }
        let known = locked(&self.servers).get(integration).cloned();
        known.ok_or_else(|| UpstreamUnavailable {
            integration: integration.to_owned(),
            detail: "the drill knows nothing of it".to_owned(),
            not_linked: false,
        })
    }

    async fn send(&self, permit: Permit, caller: Arc<dyn Caller>) -> Sent {
        let (integration, key) = (permit.integration().to_owned(), permit.idempotency_key().map(str::to_owned));
        if let Request::Tool { tool, arguments, .. } = permit.into_request() {
            self.act(Entry { integration, tool, arguments, key });
        }
        let play = locked(&self.plays).pop_front();
        match play {
            None => done(),
            Some(Play::Lost) => Sent::Lost("the drill lost the answer".to_owned()),
            Some(Play::AsksForMore) => {
                let answer = caller.ask(Ask::Elicitation, json!({ "message": "Shall I do more than that?" })).await;
                *locked(&self.answered) |= answer.is_ok();
                let question = json!({ "method": "elicitation/create", "params": { "message": "And this?" } });
                let requests = Map::from_iter([("more".to_owned(), question)]);
                Sent::InputRequired(InputRequired { requests, state: None })
            }
            Some(Play::Waits(gate)) => {
                gate.pass().await;
                done()
            }
        }
    }

    fn retain(&self, _integrations: &BTreeSet<String>) {
        // There is no connection to let go.
    }
}

fn done() -> Sent {
    Sent::Answered(Answer::of(false, json!({ "done": true })))
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
