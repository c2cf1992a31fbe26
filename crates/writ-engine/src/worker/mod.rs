//! The worker's side: everything that a worker can do, and nothing else.
//!
//! A worker is assumed to have been taken over. Each call is decided on its own, on the run's present state;
//! every refusal that concerns the run is recorded; what comes back is either a result whose record is durable,
//! a decision that waits, or a refusal with a code.

mod act;
mod builtin;
mod knowledge;
mod report;

use std::sync::Arc;

use serde_json::{Value as Json, json};
use writ_core::code::{Code, Refusal};
use writ_core::event::Event;
use writ_core::run::Run;

use crate::engine::{Current, Engine};
use crate::epoch::ToolPlan;
use crate::executor::unreadable;
use crate::scope::RunScope;
use crate::token::Audience;
use crate::view::{WorkerAccess, WorkerAnswer, WorkerTool};

/// Length of a worker's words at most.
pub(crate) const CLAIM_CHARS_MAX: usize = 4000;

/// One call's surroundings.
pub(crate) struct Call {
    pub(crate) current: Arc<Current>,
    pub(crate) scope: Arc<RunScope>,
    pub(crate) run: Arc<Run>,
    pub(crate) claim: Option<String>,
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

    /// The tools that the run may call: the mission's, and those for knowledge and the run itself.
    ///
    /// # Errors
    /// [`Code::RunNotOpen`].
    pub async fn worker_tools(&self, access: &WorkerAccess) -> Result<Vec<WorkerTool>, Refusal> {
        let call = self.or_refused(access, "list tools", self.begin(access, None).await).await?;
        let mut tools = builtin::tools(&call.scope.mission.definition);
        let mut acts: Vec<_> = call.scope.mission.acts.values().collect();
        acts.sort_by(|left, right| left.tool.exposed_name.cmp(&right.tool.exposed_name));
        tools.extend(acts.into_iter().map(|act| tool(&act.tool, &act.condition)));
        Ok(tools)
    }

    /// Makes one call for a worker.
    pub async fn worker_call(
        self: &Arc<Self>,
        access: &WorkerAccess,
        name: &str,
        mut arguments: serde_json::Map<String, Json>,
        claim: Option<String>,
    ) -> WorkerAnswer {
        // A reason that is no text stays among the arguments, whose schema refuses it.
        let claim = match arguments.get(crate::epoch::REASON_ARGUMENT) {
            Some(Json::String(reason)) => {
                let reason = Some(reason.clone());
                arguments.remove(crate::epoch::REASON_ARGUMENT);
                claim.or(reason)
            }
            _ => claim,
        };
        let claim = claim.map(|claim| claim.chars().take(CLAIM_CHARS_MAX).collect());
        let answered = match self.begin(access, claim).await {
            Ok(call) => self.dispatch(&call, name, arguments.clone()).await,
            Err(refusal) => Err(refusal),
        };
        match answered {
            Ok(content) => WorkerAnswer { content, is_error: false },
            Err(refusal) => {
                let request = format!("{name} {}", Json::Object(arguments));
                let refusal = self.refuse(Some(&access.run), None, &request, refusal).await;
                WorkerAnswer {
                    content: json!({ "refused": { "code": refusal.code.name(), "message": refusal.message } }),
                    is_error: true,
                }
            }
        }
    }

    /// Records that a protocol message concerning a run was malformed.
    pub async fn record_malformed(&self, access: &WorkerAccess, what: &str) {
        let what: String = what.chars().filter(|character| !character.is_control()).take(500).collect();
        let refusal = Refusal::new(Code::BadArguments, "the message is malformed");
        self.refuse(Some(&access.run), None, &what, refusal).await;
    }

    /// Records a refusal of something else than a call.
    async fn or_refused<T>(
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
        call: &Call,
        name: &str,
        arguments: serde_json::Map<String, Json>,
    ) -> Result<Json, Refusal> {
        if let Some(builtin) = builtin::find(name) {
            let arguments = builtin.check(&arguments)?;
            return match builtin {
                builtin::Builtin::Query => self.query(call, &arguments).await,
                builtin::Builtin::Search => self.search(call, &arguments).await,
                builtin::Builtin::Describe => Ok(self.describe(call)),
                builtin::Builtin::Observe => self.observe(call, &arguments).await,
                builtin::Builtin::Wait => self.decision_wait(call, &arguments).await,
                builtin::Builtin::Status => self.status(call),
                builtin::Builtin::Conclude => self.conclude(call, &arguments).await,
            };
        }
        let Some(act) = call.scope.mission.acts.get(name).cloned() else {
            return Err(Refusal::new(
                Code::UnknownName,
                format!("this run has no tool `{name}`; list the tools to see what it has"),
            ));
        };
        self.act(call, &act, arguments).await
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

fn tool(plan: &ToolPlan, condition: &str) -> WorkerTool {
    WorkerTool {
        name: plan.exposed_name.clone(),
        description: format!("{} Allowed when: {}", plan.description, condition.trim()),
        input_schema: plan.worker_schema.clone(),
        read_only: plan.class == writ_core::definition::ToolClass::Read,
    }
}
