//! The worker's side: everything that a worker can do, and nothing else.
//!
//! A worker is assumed to have been taken over. Each call is decided on its own, on the run's present state;
//! every refusal that concerns the run is recorded; what comes back is either a result whose record is durable,
//! a decision that waits, or a refusal with a code.

mod act;
mod builtin;
mod claim;
mod fetch;
mod knowledge;
mod offers;
mod overheard;
mod personal;
mod report;
mod seal;
mod tasks;

use std::sync::Arc;

use serde_json::{Value as Json, json};
use writ_core::code::{Code, Refusal};
use writ_core::event::Event;
use writ_core::run::Run;

use crate::engine::{Current, Engine};
use crate::executor::unreadable;
use crate::permit::Continued;
use crate::scope::RunScope;
use crate::token::Audience;
use crate::upstream::Caller;
use crate::view::{WorkerAccess, WorkerAnswer, WorkerCall};

pub(crate) use personal::Comparisons;

/// Length of a worker's words at most.
pub(crate) const CLAIM_CHARS_MAX: usize = 4000;

/// One call's surroundings.
pub(crate) struct Call {
    pub(crate) current: Arc<Current>,
    pub(crate) scope: Arc<RunScope>,
    pub(crate) run: Arc<Run>,
    pub(crate) claim: Option<String>,
}

/// Whether a name is one of Writ's own tools.
pub(crate) fn is_builtin(name: &str) -> bool {
    builtin::find(name).is_some()
}

/// A worker while one of its calls is under way.
pub(crate) struct Worker<'a> {
    pub(crate) call: &'a Call,
    pub(crate) caller: Arc<dyn Caller>,
    pub(crate) continued: Option<Continued>,
}

impl Engine {
    /// Who a worker is, by its run token.
    ///
    /// # Errors
    /// [`Code::NotAuthenticated`].
    pub fn authenticate_worker(&self, bearer: &str) -> Result<WorkerAccess, Refusal> {
        let claims = self.tokens.verify(bearer, Audience::Run, self.clock.now())?;
        match (claims.run, claims.act) {
            (Some(run), Some(worker)) => Ok(WorkerAccess { run, worker }),
            _ => Err(Refusal::new(Code::NotAuthenticated, "the token names no run")),
        }
    }

    /// Takes note that a worker has connected, and tells it where its run stands: what was already read,
    /// proposed, decided and done.
    ///
    /// # Errors
    /// [`Code::RunNotOpen`].
    pub async fn attach(&self, access: &WorkerAccess, client: &str) -> Result<Json, Refusal> {
        let client: String = client.chars().filter(|character| !character.is_control()).take(200).collect();
        let attached = async {
            let call = self.begin(access, None).await?;
            self.record(&access.run, vec![Event::WorkerAttached { client }]).await?;
            self.status(&call)
        };
        self.or_refused(access, "attach", attached.await).await
    }

    /// Makes one call for a worker.
    pub async fn worker_call(
        self: &Arc<Self>,
        access: &WorkerAccess,
        call: WorkerCall,
        caller: Arc<dyn Caller>,
    ) -> WorkerAnswer {
        let WorkerCall { name, mut arguments, claim, continued } = call;
        let claim = claim::take(&mut arguments, claim.as_deref());
        let request = || format!("{name} {}", json!(arguments));
        let answered = match self.begin(access, claim).await {
            Ok(call) => {
                let worker = Worker { call: &call, caller, continued };
                self.dispatch(&worker, &name, arguments.clone()).await
            }
            Err(refusal) => Err(refusal),
        };
        self.answered(access, request, answered).await
    }

    /// Fetches a prompt for a worker.
    pub async fn worker_prompt(
        self: &Arc<Self>,
        access: &WorkerAccess,
        call: WorkerCall,
        caller: Arc<dyn Caller>,
    ) -> WorkerAnswer {
        let WorkerCall { name, mut arguments, claim, continued } = call;
        let claim = claim::take(&mut arguments, claim.as_deref());
        let request = || format!("prompt {name} {}", json!(arguments));
        let answered = match self.begin(access, claim).await {
            Ok(call) => {
                let worker = Worker { call: &call, caller, continued };
                self.fetch_prompt(&worker, &name, arguments.clone()).await
            }
            Err(refusal) => Err(refusal),
        };
        self.answered(access, request, answered).await
    }

    /// Fetches a resource for a worker; its address is the call's name.
    pub async fn worker_resource(
        self: &Arc<Self>,
        access: &WorkerAccess,
        call: WorkerCall,
        caller: Arc<dyn Caller>,
    ) -> WorkerAnswer {
        let WorkerCall { name, claim, continued, .. } = call;
        let answered = match self.begin(access, claim::bounded(claim.as_deref())).await {
            Ok(call) => {
                let worker = Worker { call: &call, caller, continued };
                self.fetch_resource(&worker, &name).await
            }
            Err(refusal) => Err(refusal),
        };
        self.answered(access, || format!("resource {name}"), answered).await
    }

    /// Completes an argument for a worker: the protocol's own parameters and result.
    ///
    /// # Errors
    /// [`Code::UnknownName`] where the run may not fetch what it is an argument of; any refusal of a read.
    pub async fn worker_complete(
        self: &Arc<Self>,
        access: &WorkerAccess,
        parameters: serde_json::Map<String, Json>,
    ) -> Result<serde_json::Map<String, Json>, Refusal> {
        let request = format!("completion {}", json!(parameters));
        let completed = async {
            let call = self.begin(access, None).await?;
            self.complete(&call, parameters).await
        };
        self.or_refused(access, &request, completed.await).await
    }

    /// Begins or ends to tell a worker when a resource changes.
    ///
    /// # Errors
    /// [`Code::UnknownName`] where the run may not fetch it; any refusal of a read.
    pub async fn worker_follow(
        self: &Arc<Self>,
        access: &WorkerAccess,
        uri: &str,
        begin: bool,
        caller: Arc<dyn Caller>,
    ) -> Result<(), Refusal> {
        let followed = async {
            let call = self.begin(access, None).await?;
            self.follow_resource(&call, uri, begin, caller).await
        };
        self.or_refused(access, &format!("follow {uri}"), followed.await).await
    }

    async fn answered(
        &self,
        access: &WorkerAccess,
        request: impl Fn() -> String,
        answered: Result<WorkerAnswer, Refusal>,
    ) -> WorkerAnswer {
        match answered {
            Ok(answer) => answer,
            Err(refusal) => {
                let refusal = self.refuse(Some(&access.run), None, &request(), refusal).await;
                let content = json!({ "refused": { "code": refusal.code.name(), "message": refusal.message } });
                WorkerAnswer::Own { content, is_error: true, waits_for: None }
            }
        }
    }

    /// Records that a protocol message concerning a run was malformed.
    pub async fn record_malformed(&self, access: &WorkerAccess, what: &str) {
        let what: String = what.chars().filter(|character| !character.is_control()).take(500).collect();
        let refusal = Refusal::new(Code::MalformedMessage, "the message is malformed");
        self.refuse(Some(&access.run), None, &what, refusal).await;
    }

    /// Records a refusal of something else than a call.
    pub(crate) async fn or_refused<T>(
        &self,
        access: &WorkerAccess,
        request: &str,
        outcome: Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        match outcome {
            Ok(value) => Ok(value),
            Err(refusal) => Err(self.refuse(Some(&access.run), None, request, refusal).await),
        }
    }

    async fn dispatch(
        self: &Arc<Self>,
        worker: &Worker<'_>,
        name: &str,
        arguments: serde_json::Map<String, Json>,
    ) -> Result<WorkerAnswer, Refusal> {
        let call = worker.call;
        if let Some(builtin) = builtin::find(name) {
            let arguments = builtin.check(&arguments)?;
            let content = match builtin {
                builtin::Builtin::Query => self.query(call, &arguments).await,
                builtin::Builtin::Search => self.search(call, &arguments).await,
                builtin::Builtin::Describe => Ok(self.describe(call)),
                builtin::Builtin::Observe => self.observe(call, &arguments).await,
                builtin::Builtin::Wait => self.decision_wait(call, &arguments).await,
                builtin::Builtin::Status => self.status(call),
                builtin::Builtin::Conclude => self.conclude(call, &arguments).await,
            };
            return content.map(|content| WorkerAnswer::Own { content, is_error: false, waits_for: None });
        }
        let Some(act) = call.scope.mission.acts.get(name).cloned() else {
            return Err(Refusal::new(
                Code::UnknownName,
                format!("this run has no tool `{name}`; list the tools to see what it has"),
            ));
        };
        self.act(worker, &act, arguments).await
    }

    async fn begin(&self, access: &WorkerAccess, claim: Option<String>) -> Result<Call, Refusal> {
        let run = self.store.run(&access.run).map_err(unreadable)?;
        let run = run.filter(|run| run.start.worker == access.worker);
        let run = run.ok_or_else(|| Refusal::new(Code::RunNotOpen, "there is no such run"))?;
        run.must_be_open(self.clock.now())
            .map_err(|closed| Refusal::new(Code::RunNotOpen, format!("{closed}; nothing more can be done in it")))?;
        let current = self.current();
        let scope = self.scope(&current, &run).await?;
        Ok(Call { current, scope, run, claim })
    }
}
