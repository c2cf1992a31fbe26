//! Reads through integrations: tools that the operator has classified as reads, prompts and resources.
//!
//! Each is decided like any call and sent at once. What comes back is looked at before anybody sees it (the tool's
//! own schema, the mission's condition, the fields that pass), recorded, and only then released. An answer that does
//! not pass looks to the worker like one that is not there.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use writ_core::code::{Code, Reason, Refusal};
use writ_core::digest::Digest;
use writ_core::event::Event;

use super::act::Decided;
use super::overheard::Overheard;
use super::seal::{ContinuedState, TaskReference};
use super::{Call, Worker};
use crate::engine::Engine;
use crate::epoch::{Act, PlanKind};
use crate::permit::{Continued, Request, TaskStep};
use crate::result;
use crate::upstream::{Answer, Caller, InputRequired, Nobody, Sent, UpstreamTask};
use crate::view::WorkerAnswer;

/// What of a task says nothing but how it stands.
const TASK_MEMBERS: [&str; 6] = ["taskId", "status", "createdAt", "lastUpdatedAt", "ttlMs", "pollIntervalMs"];

/// How often an integration may want something more before it answers one call.
const ROUNDS_MAX: usize = 8;

/// One read, as the worker asked for it.
pub(crate) struct Read<'a> {
    pub(crate) call: &'a Call,
    pub(crate) act: Arc<Act>,
    pub(crate) arguments: Map<String, Json>,
}

impl Engine {
    /// Decides a read, sends it, and releases what may be released.
    pub(super) async fn fetch(
        self: &Arc<Self>,
        worker: &Worker<'_>,
        act: &Arc<Act>,
        arguments: Map<String, Json>,
    ) -> Result<WorkerAnswer, Refusal> {
        let call = worker.call;
        self.may_read(call)?;
        let continued = self.continued(call, act, &arguments, worker.continued.clone()).await?;
        let decided = self.decided(&call.current, &call.scope, act, &call.run, &arguments).await?;
        let caller = Arc::new(Overheard::new(self.clone(), call, act, worker.caller.clone()));
        let on_its_way = OnItsWay::new(self, call, act, &arguments);
        let first = || request(act, &arguments, continued.clone());
        let mut sent = match self.send_read(call, act, &decided, first, caller.clone()).await {
            Ok(sent) => sent,
            Err(refusal) => {
                on_its_way.has_ended();
                return Err(refusal);
            }
        };
        // A worker that can be asked at once is asked at once; any other makes its call again with the answers.
        for _ in 0..ROUNDS_MAX {
            let Sent::InputRequired(wanted) = &sent else { break };
            if !caller.can_answer(wanted) {
                break;
            }
            let answers = caller.answer(wanted).await.map_err(|why| Refusal::new(Code::UpstreamError, why))?;
            let again = || request(act, &arguments, Some(answers.clone()));
            sent = self.send_read(call, act, &decided, again, caller.clone()).await?;
        }
        let read = Read { call, act: act.clone(), arguments };
        let ended = match sent {
            Sent::Answered(answer) => self.release(&read, &decided, answer).await,
            Sent::InputRequired(wanted) => self.wanted(&read, wanted).await,
            Sent::Task(task) => self.carried(&read, &decided, task).await,
            other => Err(self.no_answer(&read, other).await),
        };
        on_its_way.has_ended();
        ended
    }

    /// What the worker is told where no answer came. What may have left is on record first.
    pub(super) async fn no_answer(&self, read: &Read<'_>, sent: Sent) -> Refusal {
        if matches!(sent, Sent::Lost(_))
            && let Err(refusal) = self.record_read(read, &Map::new(), &Json::Null, true).await
        {
            return refusal;
        }
        unreached(read, sent)
    }

    /// Looks at an answer, records it, and lets it go.
    pub(super) async fn release(
        &self,
        read: &Read<'_>,
        decided: &Decided,
        answer: Answer,
    ) -> Result<WorkerAnswer, Refusal> {
        let Read { act, .. } = read;
        if answer.is_error && act.looks_at_results() {
            // The text of an error may tell what the condition would have kept back.
            return self.withhold(read, "the integration answered with an error").await;
        }
        if answer.is_error {
            self.record_read(read, &answer.message, &answer.result, true).await?;
            if answer.message.is_empty() {
                return Err(Refusal::new(Code::UpstreamError, as_text(&answer.result)));
            }
            return Ok(WorkerAnswer::Passed(answer.message));
        }
        if let Some(output) = &act.tool.output {
            if let Err(misfit) = result::fits(&output.validator, &answer.result) {
                return self.withhold(read, &format!("the result does not fit the tool's own schema: {misfit}")).await;
            }
            if act.ensures {
                let typed = match result::typed(&answer.result, &output.ty) {
                    Ok(typed) => typed,
                    Err(_) => return self.withhold(read, "the result has values that conditions cannot read").await,
                };
                let ensured =
                    self.decider.result(&read.call.scope, act, &decided.values(read.call, self.clock.now()), typed);
                if let Err(denied) = ensured {
                    if let Some(mismatch) = &denied.mismatch {
                        self.alarm(Some(&read.call.run.id), mismatch).await;
                        return Err(denied.refusal);
                    }
                    // Which value was in the way is left out: it is what nobody is to see here.
                    return self.withhold(read, "the mission's condition over the result does not hold").await;
                }
            }
        }
        let Answer { message, result, .. } = answer;
        let (message, result) = if act.project.is_empty() {
            match act.tool.output.as_ref().filter(|_| act.ensures) {
                // What the condition could look at is all that passes: what stands beside it might say something else.
                Some(output) => {
                    let declared = result::declared(&result, &output.ty);
                    let message = if message.is_empty() { message } else { result::replaced(&message, &declared) };
                    (message, declared)
                }
                None => (message, result),
            }
        } else {
            match result::project(&result, &act.project) {
                Some(projected) => (result::replaced(&message, &projected), projected),
                None => return self.withhold(read, "the result is no object of which fields could pass").await,
            }
        };
        self.record_read(read, &message, &result, false).await?;
        if message.is_empty() {
            let content = json!({ "result": result });
            return Ok(WorkerAnswer::Own { content, is_error: false, waits_for: None });
        }
        Ok(WorkerAnswer::Passed(message))
    }

    /// Records that something was read and kept back. To the worker it is as if there were nothing.
    async fn withhold(&self, read: &Read<'_>, why: &str) -> Result<WorkerAnswer, Refusal> {
        self.record_read(read, &Map::new(), &Json::Null, true).await?;
        let reason = Reason { set: "result".to_owned(), policy: None, detail: why.to_owned() };
        let message = "the integration has no answer to this within the mission";
        Err(Refusal::new(Code::ResultWithheld, message).because([reason]))
    }

    pub(super) async fn record_read(
        &self,
        read: &Read<'_>,
        message: &Map<String, Json>,
        result: &Json,
        is_error: bool,
    ) -> Result<(), Refusal> {
        let digest = if message.is_empty() { Digest::of_json(result) } else { Digest::of_object(message) };
        let result = digest.map_err(|error| Refusal::new(Code::UpstreamError, error.to_string()))?;
        let Read { call, act, arguments } = read;
        let event = Event::ToolRead {
            tool: act.tool.full_name.clone(),
            arguments: arguments.clone(),
            result,
            is_error,
            labels: act.tool.labels.iter().cloned().collect(),
            claim: call.claim.clone(),
        };
        self.record_reading(&call.run.id, vec![event]).await
    }

    /// Records a look at a task that has no result yet.
    pub(super) async fn record_look(&self, read: &Read<'_>, answer: &Answer) -> Result<(), Refusal> {
        self.record_read(read, &answer.message, &answer.result, false).await
    }

    /// The integration wants something before it goes on: only what the operator lets it ask.
    async fn wanted(&self, read: &Read<'_>, wanted: InputRequired) -> Result<WorkerAnswer, Refusal> {
        if read.act.looks_at_results() && !wanted.requests.is_empty() {
            // A question's words would get round what the mission says about results.
            return self.withhold(read, "the integration asks something where the mission looks at results").await;
        }
        let mut questions = BTreeMap::new();
        for (key, request) in &wanted.requests {
            let method = request.get("method").and_then(Json::as_str).unwrap_or_default();
            let Some(ask) = crate::upstream::ask_of(method).filter(|ask| read.act.tool.asks.contains(ask)) else {
                let reason = Reason {
                    set: "integration".to_owned(),
                    policy: None,
                    detail: format!("it asks for `{}`, which `asks` does not allow", method.escape_debug()),
                };
                let message = "the integration asks for something that it may not ask here";
                return Err(Refusal::new(Code::UpstreamError, message).because([reason]));
            };
            let parameters = request.get("params").unwrap_or(&Json::Null);
            let question =
                Digest::of_json(parameters).map_err(|error| Refusal::new(Code::UpstreamError, error.to_string()))?;
            questions.insert(key.clone(), (ask, question));
        }
        let asked = questions.values().map(|(ask, question)| Event::Asked {
            tool: read.act.tool.full_name.clone(),
            ask: *ask,
            question: Some(*question),
            answer: None,
            labels: read.act.tool.labels.iter().cloned().collect(),
        });
        let asked: Vec<Event> = asked.collect();
        if !asked.is_empty() {
            self.record(&read.call.run.id, asked).await?;
        }
        self.record_read(read, &wanted.requests, &Json::Null, false).await?;
        let state = self.seal(&ContinuedState {
            run: read.call.run.id.clone(),
            action: read.act.tool.full_name.clone(),
            arguments: digest(&read.arguments)?,
            questions,
            state: wanted.state,
        });
        Ok(WorkerAnswer::InputRequired(InputRequired { requests: wanted.requests, state: Some(state) }))
    }

    /// The worker's answers to what the integration wanted. A state must be the one that this very call was given.
    /// What is no answer to anything that the integration may ask does not reach it; the rest is recorded before.
    async fn continued(
        &self,
        call: &Call,
        act: &Act,
        arguments: &Map<String, Json>,
        continued: Option<Continued>,
    ) -> Result<Option<Continued>, Refusal> {
        let Some(Continued { responses, state }) = continued else { return Ok(None) };
        let opened = state.map(|sealed| self.opened(call, act, arguments, &sealed)).transpose()?;
        let mut passed = Map::new();
        let mut events = Vec::new();
        for (key, response) in responses {
            let (ask, question) = match &opened {
                Some(opened) => match opened.questions.get(&key) {
                    Some((ask, question)) => (*ask, Some(*question)),
                    None => continue,
                },
                None => match super::overheard::answered_ask(&response) {
                    Some(ask) => (ask, None),
                    None => continue,
                },
            };
            if !act.tool.asks.contains(&ask) {
                continue;
            }
            let answer = Some(digest(&response)?);
            events.push(Event::Asked { tool: act.tool.full_name.clone(), ask, question, answer, labels: Vec::new() });
            passed.insert(key, response);
        }
        if !events.is_empty() {
            self.record(&call.run.id, events).await?;
        }
        let state = opened.and_then(|opened| opened.state);
        Ok((!passed.is_empty() || state.is_some()).then_some(Continued { responses: passed, state }))
    }

    /// The state that a call was given, where this is that call.
    fn opened(
        &self,
        call: &Call,
        act: &Act,
        arguments: &Map<String, Json>,
        sealed: &str,
    ) -> Result<ContinuedState, Refusal> {
        let opened: Option<ContinuedState> = self.unseal(sealed);
        let arguments = digest(arguments)?;
        let is_same = |opened: &ContinuedState| {
            opened.run == call.run.id && opened.action == act.tool.full_name && opened.arguments == arguments
        };
        opened.filter(is_same).ok_or_else(|| {
            let message = "`requestState` is not what this call was given; send it back as it came";
            Refusal::new(Code::BadArguments, message)
        })
    }

    /// The integration made a task of a read: the worker gets it under an id that holds for this run and this call.
    async fn carried(
        self: &Arc<Self>,
        read: &Read<'_>,
        decided: &Decided,
        task: UpstreamTask,
    ) -> Result<WorkerAnswer, Refusal> {
        let UpstreamTask(mut members) = task;
        if read.act.looks_at_results() {
            members.retain(|name, _| TASK_MEMBERS.contains(&name.as_str()));
        }
        let id = members.get("taskId").and_then(Json::as_str).unwrap_or_default().to_owned();
        let reference = TaskReference {
            run: read.call.run.id.clone(),
            action: read.act.tool.full_name.clone(),
            task: id.clone(),
            arguments: read.arguments.clone(),
        };
        let Some(sealed) = self.seal_task(&reference) else {
            let cancel = || Request::Task { task: id.clone(), step: TaskStep::Cancel };
            // Whether or not the integration hears of it, nobody will ask for the task again.
            let _ = self.send_read(read.call, &read.act, decided, cancel, Arc::new(Nobody)).await;
            let message = "the integration made a task of this call, which its arguments are too long for";
            return Err(Refusal::new(Code::UpstreamError, message));
        };
        self.record_read(read, &members, &Json::Null, false).await?;
        members.insert("taskId".to_owned(), Json::String(sealed));
        Ok(WorkerAnswer::Task(members))
    }

    /// A prompt, for a worker.
    pub(super) async fn fetch_prompt(
        self: &Arc<Self>,
        worker: &Worker<'_>,
        name: &str,
        arguments: Map<String, Json>,
    ) -> Result<WorkerAnswer, Refusal> {
        let unknown = || Refusal::new(Code::UnknownName, format!("this run has no prompt `{name}`"));
        let act = worker.call.scope.mission.prompts.get(name).cloned().ok_or_else(unknown)?;
        self.fetch(worker, &act, arguments).await
    }

    /// A resource, for a worker: by the first set of the mission that holds its address and allows it.
    pub(super) async fn fetch_resource(
        self: &Arc<Self>,
        worker: &Worker<'_>,
        uri: &str,
    ) -> Result<WorkerAnswer, Refusal> {
        let unknown = || Refusal::new(Code::UnknownName, format!("this run has no resource `{uri}`"));
        let arguments = Map::from_iter([("uri".to_owned(), Json::String(uri.to_owned()))]);
        let mut refused = None;
        for act in sets_of(worker.call, uri) {
            match self.fetch(worker, &act, arguments.clone()).await {
                Err(refusal) if refusal.code == Code::NotPermitted => refused = Some(refusal),
                answered => return answered,
            }
        }
        Err(refused.map_or_else(unknown, |refusal| unknown().because(refusal.reasons)))
    }

    /// Begins or ends to follow a resource.
    pub(super) async fn follow_resource(
        self: &Arc<Self>,
        call: &Call,
        uri: &str,
        begin: bool,
        caller: Arc<dyn Caller>,
    ) -> Result<(), Refusal> {
        let unknown = || Refusal::new(Code::UnknownName, format!("this run has no resource `{uri}`"));
        let act = sets_of(call, uri).into_iter().next().ok_or_else(unknown)?;
        let arguments = Map::from_iter([("uri".to_owned(), Json::String(uri.to_owned()))]);
        let decided = self.decided(&call.current, &call.scope, &act, &call.run, &arguments).await;
        let decided = decided.map_err(|refusal| unknown().because(refusal.reasons))?;
        let mut step = arguments.clone();
        step.insert("follow".to_owned(), Json::Bool(begin));
        let read = Read { call, act: act.clone(), arguments: step };
        self.record_read(&read, &Map::new(), &Json::Null, false).await?;
        let follow = || Request::Follow { uri: uri.to_owned(), begin };
        let caller = Arc::new(Overheard::new(self.clone(), call, &act, caller));
        match self.send_read(call, &act, &decided, follow, caller).await {
            Ok(Sent::Answered(answer)) if !answer.is_error => Ok(()),
            Ok(Sent::Answered(answer)) => Err(refused_by(&read, &answer)),
            Ok(other) => Err(unreached(&read, other)),
            Err(refusal) => Err(unknown().because(refusal.reasons)),
        }
    }

    /// Values that would complete an argument of a prompt or of a resource's address, where the run may fetch it.
    pub(super) async fn complete(
        self: &Arc<Self>,
        call: &Call,
        mut parameters: Map<String, Json>,
    ) -> Result<Map<String, Json>, Refusal> {
        self.may_read(call)?;
        let bad = |what: &str| Refusal::new(Code::BadArguments, what.to_owned());
        let reference = parameters.get("ref").cloned().unwrap_or_default();
        let text = |of: &Json, member: &str| of.get(member).and_then(Json::as_str).map(str::to_owned);
        let argument = parameters.get("argument").cloned().unwrap_or_default();
        let name = text(&argument, "name").ok_or_else(|| bad("`argument` names nothing"))?;
        let value = text(&argument, "value").ok_or_else(|| bad("`argument` has no value"))?;
        let (act, arguments) = match text(&reference, "type").as_deref() {
            Some("ref/prompt") => {
                let prompt = text(&reference, "name").unwrap_or_default();
                let act = call.scope.mission.prompts.get(&prompt).cloned();
                let act =
                    act.ok_or_else(|| Refusal::new(Code::UnknownName, format!("this run has no prompt `{prompt}`")))?;
                if let Some(Json::Object(reference)) = parameters.get_mut("ref") {
                    reference.insert("name".to_owned(), Json::String(act.tool.tool.clone()));
                }
                let given = parameters.get("context").and_then(|context| context.get("arguments"));
                let mut arguments = given.and_then(Json::as_object).cloned().unwrap_or_default();
                arguments.insert(name, Json::String(value));
                // What is not given yet is asked about as if it were empty.
                let required = act.tool.worker_schema.get("required").and_then(Json::as_array).cloned();
                for missing in required.unwrap_or_default().iter().filter_map(Json::as_str) {
                    arguments.entry(missing).or_insert_with(|| Json::String(String::new()));
                }
                (act, arguments)
            }
            Some("ref/resource") => {
                let template = text(&reference, "uri").unwrap_or_default();
                let place = format!("{{{name}}}");
                if !template.contains(&place) {
                    return Err(bad("the address has no such variable"));
                }
                let mut uri = template.replace(&place, &value);
                let given = parameters.get("context").and_then(|context| context.get("arguments"));
                for (other, given) in given.and_then(Json::as_object).into_iter().flatten() {
                    let (place, Some(given)) = (format!("{{{other}}}"), given.as_str()) else {
                        return Err(bad("an argument beside is no text"));
                    };
                    if *other != name && !uri.contains(&place) {
                        return Err(bad("an argument beside is none of the address"));
                    }
                    uri = uri.replace(&place, given);
                }
                let unknown = || Refusal::new(Code::UnknownName, format!("this run has no resource `{template}`"));
                let act = sets_of(call, &uri).into_iter().next().ok_or_else(unknown)?;
                (act, Map::from_iter([("uri".to_owned(), Json::String(uri))]))
            }
            _ => return Err(bad("`ref` names neither a prompt nor a resource")),
        };
        if !act.tool.completes {
            return Ok(no_completion());
        }
        let decided = self.decided(&call.current, &call.scope, &act, &call.run, &arguments).await?;
        // What was decided about, and nothing beside it.
        parameters.retain(|name, _| matches!(name.as_str(), "ref" | "argument" | "context"));
        let complete = || Request::Complete(parameters.clone());
        let on_its_way = OnItsWay::new(self, call, &act, &arguments);
        let read = Read { call, act: act.clone(), arguments };
        let completed = match self.send_read(call, &act, &decided, complete, Arc::new(Nobody)).await {
            Ok(Sent::Answered(answer)) => {
                self.record_read(&read, &answer.message, &answer.result, answer.is_error).await?;
                if answer.is_error { Err(refused_by(&read, &answer)) } else { Ok(answer.message) }
            }
            Ok(other) => Err(self.no_answer(&read, other).await),
            Err(refusal) => Err(refusal),
        };
        on_its_way.has_ended();
        completed
    }
}

/// A read that has left, or may have, and of which nothing is on record yet. Where the worker goes away before the end,
/// the trail says all the same that it was made, and it counts.
pub(super) struct OnItsWay {
    engine: Arc<Engine>,
    run: String,
    event: Option<Event>,
}

impl OnItsWay {
    pub(super) fn new(engine: &Arc<Engine>, call: &Call, act: &Act, arguments: &Map<String, Json>) -> Self {
        let event = Event::ToolRead {
            tool: act.tool.full_name.clone(),
            arguments: arguments.clone(),
            result: Digest([0; 32]),
            is_error: true,
            labels: act.tool.labels.iter().cloned().collect(),
            claim: call.claim.clone(),
        };
        Self { engine: engine.clone(), run: call.run.id.clone(), event: Some(event) }
    }

    pub(super) fn has_ended(mut self) {
        self.event = None;
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        let (Some(event), Ok(runtime)) = (self.event.take(), tokio::runtime::Handle::try_current()) else { return };
        let (engine, run) = (self.engine.clone(), std::mem::take(&mut self.run));
        runtime.spawn(async move {
            if let Err(refusal) = engine.record_reading(&run, vec![event]).await {
                tracing::error!(%refusal, run, "a read that the worker has left could not be recorded");
            }
        });
    }
}

fn no_completion() -> Map<String, Json> {
    Map::from_iter([("completion".to_owned(), json!({ "values": [], "total": 0, "hasMore": false }))])
}

/// The sets of resources of a run that hold an address.
fn sets_of(call: &Call, uri: &str) -> Vec<Arc<Act>> {
    // A condition such as `like "policy://refunds/*"` reads an address as it is written; a server may resolve it.
    if climbs(uri) {
        return Vec::new();
    }
    let sets = call.scope.mission.resources.values();
    sets.filter(|act| matches!(&act.tool.kind, PlanKind::Resource(pattern) if holds(pattern, uri))).cloned().collect()
}

/// Whether an address has a segment `.` or `..`, also where it is written with percent signs (RFC 3986, section 5.2.4).
fn climbs(uri: &str) -> bool {
    // Readers of addresses drop white space inside, and some decode twice.
    if uri.chars().any(|character| character.is_control() || character.is_whitespace()) || uri.contains("%25") {
        return true;
    }
    let plain = uri.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/").replace('\\', "/");
    plain.split(['/', '?', '#']).any(|segment| matches!(segment, "." | ".."))
}

/// Whether a pattern, in which `*` stands for any characters, holds an address.
pub(super) fn holds(pattern: &str, uri: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = uri.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at.saturating_add(part.len())..).unwrap_or_default();
    }
    true
}

fn request(act: &Act, arguments: &Map<String, Json>, continued: Option<Continued>) -> Request {
    let name = act.tool.tool.clone();
    match act.tool.kind {
        PlanKind::Tool => Request::Tool { tool: name, arguments: arguments.clone(), continued },
        PlanKind::Prompt => Request::Prompt { prompt: name, arguments: arguments.clone(), continued },
        PlanKind::Resource(_) => {
            let uri = arguments.get("uri").and_then(Json::as_str).unwrap_or_default().to_owned();
            Request::Resource { uri, continued }
        }
    }
}

fn digest(value: &impl Serialize) -> Result<Digest, Refusal> {
    Digest::of_json(value).map_err(|error| Refusal::new(Code::BadArguments, error.to_string()))
}

/// What the worker is told where nothing came back.
fn unreached(read: &Read<'_>, sent: Sent) -> Refusal {
    let integration = &read.act.tool.identity.name;
    match sent {
        Sent::NotLinked => {
            let person = &read.call.run.start.person;
            Refusal::new(
                Code::NotLinked,
                format!("`{person}` has not linked `{integration}`; they do so in the console, under Integrations"),
            )
        }
        Sent::NotCompared => {
            Refusal::new(Code::NotSent, "what the integration offers has to be looked at first; try again later")
        }
        Sent::NotSent(why) | Sent::Lost(why) => {
            let reason = Reason { set: "integration".to_owned(), policy: None, detail: why };
            Refusal::new(Code::NotSent, "the integration cannot be reached at present; try again later")
                .because([reason])
        }
        Sent::Answered(_) | Sent::InputRequired(_) | Sent::Task(_) => {
            Refusal::new(Code::UpstreamError, "the integration answered with something else than was asked for")
        }
    }
}

/// What the worker is told where the integration said no. It is on record by then.
pub(super) fn refused_by(read: &Read<'_>, answer: &Answer) -> Refusal {
    let said = if read.act.looks_at_results() {
        "the integration answered with an error".to_owned()
    } else {
        as_text(&answer.result)
    };
    Refusal::new(Code::UpstreamError, said)
}

pub(super) fn as_text(result: &Json) -> String {
    result.as_str().map_or_else(|| result.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{climbs, holds};

    #[test]
    fn an_address_does_not_climb() {
        for uri in [
            "policy://refunds/../staff",
            "a/%2e%2E/b",
            "a/.",
            "..",
            "a%2f..%2Fb",
            "a\\..\\b",
            "a/.\t./b",
            "a/%252e%252e/b",
        ] {
            assert!(climbs(uri), "{uri}");
        }
        for uri in ["policy://refunds/a..b", "file:///v1.2/x", "...", "https://example.org/?q=1"] {
            assert!(!climbs(uri), "{uri}");
        }
    }

    #[test]
    fn a_star_stands_for_any_characters_and_nothing_else_does() {
        for (pattern, uri) in [("a", "a"), ("a*", "a"), ("a*", "abc"), ("a*c", "abc"), ("*", ""), ("a*b*c", "a1b2c")] {
            assert!(holds(pattern, uri), "{pattern} {uri}");
        }
        for (pattern, uri) in [("a", "ab"), ("a*c", "ab"), ("a*b*c", "acb"), ("a*a", "a"), ("b*", "ab"), ("", "a")] {
            assert!(!holds(pattern, uri), "{pattern} {uri}");
        }
    }
}
