//! A worker with the mission `consult`, and one that listens while its calls are under way.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};
use writ_core::definition::Ask;
use writ_core::digest::Digest;
use writ_core::event::Event;
use writ_engine::Engine;
use writ_engine::permit::Continued;
use writ_engine::upstream::{Caller, Nobody, Notice};
use writ_engine::view::{PersonAccess, StartRun, WorkerAccess, WorkerAnswer, WorkerCall};

use crate::desk::{Desk, Site, T0};
use crate::play::{Play, object};
use crate::records;

/// What must not be seen.
pub(crate) const CANARY: &str = "canary-4711";

/// A run of `consult` for the case `k-1`, whose customer is `c-1`.
pub(crate) struct Consulting {
    pub(crate) desk: Desk,
    pub(crate) run: WorkerAccess,
}

impl Consulting {
    pub(crate) async fn new() -> Self {
        Self::at(records::site()).await
    }

    pub(crate) async fn at(site: Arc<Site>) -> Self {
        let desk = Desk::at(site, T0).await;
        let run = start(&desk, "k-1").await;
        Self { desk, run }
    }

    /// Another run of the same mission, by the same worker and person.
    pub(crate) async fn another_run(&self, case: &str) -> WorkerAccess {
        start(&self.desk, case).await
    }

    /// What the next read meets.
    pub(crate) fn will(&self, play: Play) {
        self.desk.upstream().reads_will([play]);
    }

    /// Makes a call that nobody listens to.
    pub(crate) async fn answer(&self, call: WorkerCall) -> WorkerAnswer {
        self.desk.engine.worker_call(&self.run, call, Arc::new(Nobody)).await
    }

    /// Makes a call whose answer is the integration's.
    pub(crate) async fn passed(&self, tool: &str, arguments: Json) -> Json {
        passed(self.answer(call(tool, &arguments)).await)
    }

    pub(crate) async fn refused(&self, tool: &str, arguments: Json) -> (String, String) {
        self.desk.refused(&self.run, tool, arguments).await
    }

    pub(crate) async fn rail(&self) -> Vec<Event> {
        self.desk.rail(&self.run).await
    }

    /// The reads of the run: the action, the digest of what was released, and whether it was an error.
    pub(crate) async fn reads(&self) -> Vec<(String, Digest, bool)> {
        let read = |event| match event {
            Event::ToolRead { tool, result, is_error, .. } => Some((tool, result, is_error)),
            _ => None,
        };
        self.rail().await.into_iter().filter_map(read).collect()
    }
}

async fn start(desk: &Desk, case: &str) -> WorkerAccess {
    let params = object(&json!({ "case": case }));
    let start = StartRun { mission: "consult".to_owned(), params, worker: None, person: None };
    let started = desk.engine.start_run(&desk.person("ana"), start).await.unwrap();
    desk.engine.authenticate_worker(&started.token).unwrap()
}

pub(crate) fn call(name: &str, arguments: &Json) -> WorkerCall {
    WorkerCall { name: name.to_owned(), arguments: object(arguments), ..WorkerCall::default() }
}

/// The same call, with answers to what the integration wanted.
pub(crate) fn continued(name: &str, arguments: &Json, responses: Map<String, Json>, state: Option<&str>) -> WorkerCall {
    let continued = Continued { responses, state: state.map(str::to_owned) };
    WorkerCall { continued: Some(continued), ..call(name, arguments) }
}

/// An integration's answer.
pub(crate) fn passed(answer: WorkerAnswer) -> Json {
    match answer {
        WorkerAnswer::Passed(message) => Json::Object(message),
        other => panic!("not passed: {other:?}"),
    }
}

/// The code and the message of a refusal.
pub(crate) fn refusal(answer: WorkerAnswer) -> (String, String) {
    match answer {
        WorkerAnswer::Own { content, is_error: true, .. } => {
            let text = |name: &str| content["refused"][name].as_str().unwrap().to_owned();
            (text("code"), text("message"))
        }
        other => panic!("not refused: {other:?}"),
    }
}

/// What was asked and answered, in order: the digests of questions and of answers.
pub(crate) fn asked(rail: &[Event]) -> Vec<(Ask, Option<Digest>, Option<Digest>)> {
    let asked = |event: &Event| match event {
        Event::Asked { ask, question, answer, .. } => Some((*ask, *question, *answer)),
        _ => None,
    };
    rail.iter().filter_map(asked).collect()
}

/// The digest of a question or an answer.
pub(crate) fn digest(value: &Json) -> Option<Digest> {
    Digest::of_json(value).ok()
}

/// One question, as the worker heard it: with the rail of its run at that moment.
pub(crate) struct Heard {
    pub(crate) ask: Ask,
    pub(crate) parameters: Json,
    pub(crate) rail: Vec<Event>,
}

/// A worker that is there while its call is under way: it hears what is said, and answers some of what is asked.
pub(crate) struct Listener {
    engine: Arc<Engine>,
    onlooker: PersonAccess,
    run: String,
    can: Vec<Ask>,
    notices: Mutex<Vec<Notice>>,
    questions: Mutex<Vec<Heard>>,
}

impl Listener {
    pub(crate) fn new(desk: &Desk, run: &WorkerAccess, can: &[Ask]) -> Arc<Self> {
        Arc::new(Self {
            engine: desk.engine.clone(),
            onlooker: desk.person("sam"),
            run: run.run().to_owned(),
            can: can.to_vec(),
            notices: Mutex::default(),
            questions: Mutex::default(),
        })
    }

    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.notices.lock().unwrap().clone()
    }

    pub(crate) fn questions(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.questions.lock().unwrap())
    }
}

/// What a listener answers to everything.
pub(crate) fn reply() -> Json {
    json!({ "action": "accept", "content": { "size": "m" } })
}

#[async_trait]
impl Caller for Listener {
    fn can_be_asked(&self, ask: Ask) -> bool {
        self.can.contains(&ask)
    }

    async fn tell(&self, notice: Notice) {
        self.notices.lock().unwrap().push(notice);
    }

    async fn ask(&self, ask: Ask, parameters: Json) -> Result<Json, String> {
        let rail = self.engine.rail(&self.onlooker, &self.run, 0, 1_000).await.unwrap();
        let rail = rail.events.into_iter().map(|recorded| recorded.event).collect();
        self.questions.lock().unwrap().push(Heard { ask, parameters, rail });
        Ok(reply())
    }
}
