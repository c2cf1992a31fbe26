//! MCP's methods for one worker's request, each handed to the engine.
//!
//! The access comes from the very HTTP request that is being answered, within a session too. Tools are listed and
//! called as the engine says, for this run and at this moment; a refused call of a tool is a result that the worker
//! can read. Nothing is decided here, and nothing is kept but what a session needs to talk to its client.

use std::borrow::Cow;
use std::sync::Arc;

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams, CompleteResult,
    CustomRequest, CustomResult, DiscoverResult, ErrorCode, GetPromptRequestParams, GetPromptResponse, GetPromptResult,
    GetTaskParams, GetTaskResult, InitializeRequestParams, InitializeResult, JsonObject, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams, ProtocolVersion,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, ResultType, ServerConfig,
    SubscribeRequestParams, Tool, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value as Json, json};
use writ_core::code::Code;
use writ_engine::Engine;
use writ_engine::view::{WorkerAnswer, WorkerCall, WorkerOffers};

use super::client::Client;
use super::followed::Followed;
use super::introduction::{self, REVISIONS};
use super::kept::Kept;
use super::level::{self, Floor};
use super::other_requests;
use super::parameter_headers::{self, ParameterHeaders};
use super::{calls, claim, offers, questions, results, tasks};

/// What all requests have.
pub(super) struct Endpoint {
    pub(super) engine: Arc<Engine>,
    pub(super) console_url: String,
    pub(super) parameter_headers: Arc<ParameterHeaders>,
}

/// What the requests of one session have. A request without one has its own, which ends with it.
pub(super) struct Conversation {
    pub(super) floor: Floor,
    pub(super) kept: Kept,
    pub(super) followed: Followed,
}

/// The protocol's side of the engine, for one session or one request.
pub(super) struct WorkerService {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) conversation: Conversation,
}

impl WorkerService {
    pub(super) fn new(endpoint: Arc<Endpoint>) -> Self {
        let followed = Followed::new(Arc::clone(&endpoint.engine));
        let conversation = Conversation { floor: Floor::default(), kept: Kept::default(), followed };
        Self { endpoint, conversation }
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        &self.endpoint.engine
    }

    pub(super) fn client(&self, context: &RequestContext<RoleServer>) -> Result<Client, ErrorData> {
        Client::of(context, self.conversation.floor.get())
    }

    async fn offers(&self, context: &RequestContext<RoleServer>) -> Result<WorkerOffers, ErrorData> {
        let client = self.client(context)?;
        self.engine().worker_offers(&client.access).await.map_err(|refusal| results::error(&refusal))
    }
}

impl ServerHandler for WorkerService {
    fn get_info(&self) -> ServerConfig {
        introduction::server()
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(REVISIONS)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let mut result = self.negotiate_initialize(&request)?;
        let access = self.client(&context)?.access;
        let run = self.engine().attach(&access, &introduction::of(Some(&request.client_info))).await;
        introduction::note_run(&mut result.meta, run.map_err(|refusal| results::error(&refusal))?);
        context.peer.set_peer_info(request);
        Ok(result)
    }

    async fn discover(&self, context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let access = self.client(&context)?.access;
        let run = self.engine().attach(&access, &introduction::of(context.meta.client_info().as_ref())).await;
        let mut result = DiscoverResult::from_server_info(REVISIONS.to_vec(), self.get_info());
        introduction::note_run(&mut result.meta, run.map_err(|refusal| results::error(&refusal))?);
        Ok(result)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let client = self.client(&context)?;
        let tools = self.engine().worker_tools(&client.access).await.map_err(|refusal| results::error(&refusal))?;
        self.endpoint.parameter_headers.listed(client.access.run(), &tools);
        Ok(offers::tools(tools))
    }

    /// Asked by the library while it compares headers and arguments, and for nothing else.
    fn get_tool(&self, name: &str) -> Option<Tool> {
        parameter_headers::schema(name).map(|schema| Tool::new(name.to_owned(), "", schema))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let client = self.client(&context)?;
        calls::until(&context.ct, self.endpoint.make_call(&client, request, &context.meta)).await?
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        self.offers(&context).await.map(offers::prompts)
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        self.offers(&context).await.map(offers::resources)
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.offers(&context).await.map(offers::templates)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let client = self.client(&context)?;
        let arguments = request.arguments.unwrap_or_default();
        let claim = claim::invoked(&context.meta);
        let continued = calls::continued(request.input_responses, request.request_state);
        let call = WorkerCall { name: request.name, arguments, claim, continued };
        let asked = self.engine().worker_prompt(&client.access, call, client.caller.clone());
        let answer = calls::until(&context.ct, asked).await?;
        if let WorkerAnswer::InputRequired(wanted) = answer {
            return questions::as_result(client.caller.declared(), wanted).map(Into::into);
        }
        let unknown =
            |message: String| ErrorData::invalid_params(message, Some(json!({ "code": Code::UnknownName.name() })));
        let mut prompt: GetPromptResult = results::other_result(answer, unknown)?;
        prompt.result_type = Some(ResultType::COMPLETE);
        Ok(prompt.into())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let client = self.client(&context)?;
        let claim = claim::invoked(&context.meta);
        let continued = calls::continued(request.input_responses, request.request_state);
        let call = WorkerCall { name: request.uri.clone(), arguments: JsonObject::new(), claim, continued };
        let asked = self.engine().worker_resource(&client.access, call, client.caller.clone());
        let answer = calls::until(&context.ct, asked).await?;
        if let WorkerAnswer::InputRequired(wanted) = answer {
            return questions::as_result(client.caller.declared(), wanted).map(Into::into);
        }
        let data = json!({ "uri": request.uri, "code": Code::UnknownName.name() });
        let unknown = |message: String| ErrorData::resource_not_found(message, Some(data));
        let mut resource: ReadResourceResult = results::other_result(answer, unknown)?;
        resource.result_type = Some(ResultType::COMPLETE);
        // Whoever reads it next may see another slice of it.
        Ok(resource.with_ttl_ms(0).with_cache_scope(CacheScope::Private).into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let client = self.client(&context)?;
        let Ok(Json::Object(parameters)) = serde_json::to_value(&request) else {
            return Err(ErrorData::invalid_params("the parameters do not fit the protocol", None));
        };
        let completing = self.engine().worker_complete(&client.access, parameters);
        let completed = calls::until(&context.ct, completing).await?.map_err(|refusal| tasks::error(&refusal))?;
        let mut completed: CompleteResult = results::typed(completed)?;
        completed.result_type = Some(ResultType::COMPLETE);
        Ok(completed)
    }

    #[allow(deprecated, reason = "the revisions before 2026-07-28 have it, and their clients are served")]
    async fn set_level(
        &self,
        request: rmcp::model::SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if self.client(&context)?.is_current() {
            return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "logging/setLevel", None));
        }
        let level = serde_json::to_value(request.level).ok();
        if let Some(rank) = level.as_ref().and_then(Json::as_str).and_then(level::rank) {
            self.conversation.floor.set(rank);
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let client = self.client(&context)?;
        if !client.caller.is_in_session() {
            return Err(ErrorData::invalid_request("there is no session in which changes could be told", None));
        }
        self.conversation.followed.begin(&client, request.uri).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let client = self.client(&context)?;
        self.conversation.followed.end(&client, &request.uri).await
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let client = self.client(&context)?;
        let view = tasks::look(self.engine(), &client, &request.task_id).await?;
        Ok(GetTaskResult::new(tasks::detailed(&view)))
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let responses = JsonObject::from_iter(request.input_responses);
        tasks::update(self.engine(), &self.client(&context)?, &request.task_id, responses).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        tasks::cancel(self.engine(), &self.client(&context)?, &request.task_id).await
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        other_requests::answer(self, request, &context).await.map(CustomResult)
    }
}
