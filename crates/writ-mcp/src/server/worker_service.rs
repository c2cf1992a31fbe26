//! MCP's methods for one worker's request, each handed to the engine.
//!
//! The access comes from the very HTTP request that is being answered. Tools are listed and called as the engine
//! says, for this run and at this moment; a refusal is a result that the worker can read, not a protocol error.
//! Nothing is decided, kept or remembered here.

use std::borrow::Cow;
use std::sync::Arc;

use http::request::Parts;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CustomRequest, CustomResult, DiscoverResult,
    ErrorCode, Implementation, InitializeRequestParams, InitializeResult, ListToolsResult, MetaObject,
    PaginatedRequestParams, ProtocolVersion, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value as Json, json};
use writ_core::code::{Code, Refusal};
use writ_engine::Engine;
use writ_engine::view::{WorkerAccess, WorkerAnswer, WorkerTool};

use super::claim;
use crate::outbound::quoted;

/// The revisions that are served, oldest first.
const REVISIONS: &[ProtocolVersion] =
    &[ProtocolVersion::V_2025_06_18, ProtocolVersion::V_2025_11_25, ProtocolVersion::V_2026_07_28];
/// Methods that exist here: a request for one of them that could not be read has parameters that do not fit.
const METHODS: [&str; 5] = ["initialize", "ping", "server/discover", "tools/call", "tools/list"];
/// Where the introduction carries what the run has read, proposed and done so far.
const RUN_META: &str = "writ.dev/run";
const CLIENT_BYTES_MAX: usize = 200;

const INSTRUCTIONS: &str = "You work on one mission for one person. What you see is everything that you may use: \
    tables and documents hold only the rows and columns of this mission, and what is not there cannot be reached.\n\
    Read with knowledge_describe (which tables and documents there are), knowledge_query (SQL) and knowledge_search \
    (documents). Say what you conclude, and from what, with observe.\n\
    A tool that changes something does not change it when you call it: the call becomes a proposal, and a person \
    decides. Give your reason in writ_reason. The result is {\"pending\": {\"decision\": …}}; call decision_wait with \
    that id until the status is final, and do not treat anything as done before. Making the same call again returns \
    the same decision, so it is safe to repeat a step after a restart.\n\
    A result {\"refused\": {\"code\", \"message\"}} says what was not allowed; another wording of the same request \
    does not help. When the work is done, or cannot be done, finish with conclude.";

/// The protocol's side of the engine.
#[derive(Clone)]
pub(super) struct WorkerService {
    engine: Arc<Engine>,
}

impl WorkerService {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    /// Tells the engine that a worker has come, and returns where its run stands.
    async fn attach(
        &self,
        context: &RequestContext<RoleServer>,
        client: Option<&Implementation>,
    ) -> Result<Json, ErrorData> {
        let access = access(context)?;
        self.engine.attach(&access, &introduction(client)).await.map_err(|refusal| error(&refusal))
    }
}

impl ServerHandler for WorkerService {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("writ", env!("CARGO_PKG_VERSION")).with_title("Writ"))
            .with_instructions(INSTRUCTIONS)
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
        let run = self.attach(&context, Some(&request.client_info)).await?;
        context.peer.set_peer_info(request);
        note_run(&mut result.meta, run);
        Ok(result)
    }

    async fn discover(&self, context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let run = self.attach(&context, context.meta.client_info().as_ref()).await?;
        let mut result = DiscoverResult::from_server_info(REVISIONS.to_vec(), self.get_info());
        note_run(&mut result.meta, run);
        Ok(result)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let access = access(&context)?;
        let tools = self.engine.worker_tools(&access).await.map_err(|refusal| error(&refusal))?;
        let tools = tools.into_iter().map(declared).collect();
        // Another run, or the same one after a revocation, has other tools.
        Ok(ListToolsResult::with_all_items(tools).with_ttl_ms(0).with_cache_scope(CacheScope::Private))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let access = access(&context)?;
        let mut arguments = request.arguments.unwrap_or_default();
        let claim = claim::take(&mut arguments, &context.meta);
        let answer = self.engine.worker_call(&access, &request.name, arguments, claim).await;
        Ok(result(answer).into())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if !METHODS.contains(&request.method.as_str()) {
            return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, quoted(&request.method), None));
        }
        let message = format!("the parameters of `{}` do not fit the protocol", request.method);
        self.engine.record_malformed(&access(&context)?, &message).await;
        Err(ErrorData::invalid_params(message, Some(json!({ "code": Code::BadArguments.name() }))))
    }
}

/// What the request's own token proved.
fn access(context: &RequestContext<RoleServer>) -> Result<WorkerAccess, ErrorData> {
    context
        .extensions
        .get::<Parts>()
        .and_then(|parts| parts.extensions.get::<WorkerAccess>())
        .cloned()
        .ok_or_else(|| ErrorData::internal_error("the request was not authenticated", None))
}

fn introduction(client: Option<&Implementation>) -> String {
    let Some(client) = client else {
        return "unnamed".to_owned();
    };
    let text = format!("{} {}", client.name, client.version);
    text.get(..text.floor_char_boundary(CLIENT_BYTES_MAX)).unwrap_or_default().to_owned()
}

fn note_run(meta: &mut Option<MetaObject>, run: Json) {
    meta.get_or_insert_default().insert(RUN_META.to_owned(), run);
}

fn error(refusal: &Refusal) -> ErrorData {
    let code = match refusal.code {
        Code::Internal | Code::StoreUnavailable | Code::PolicyMismatch => ErrorCode::INTERNAL_ERROR,
        _ => ErrorCode::INVALID_REQUEST,
    };
    ErrorData::new(code, refusal.message.clone(), Some(json!({ "code": refusal.code.name() })))
}

fn declared(tool: WorkerTool) -> Tool {
    Tool::new(tool.name, tool.description, tool.input_schema)
        .with_annotations(ToolAnnotations::new().read_only(tool.read_only))
}

/// The answer as structured content, and as the same JSON in text for clients that only show text.
fn result(answer: WorkerAnswer) -> CallToolResult {
    if answer.is_error {
        CallToolResult::structured_error(answer.content)
    } else {
        CallToolResult::structured(answer.content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_result_that_can_be_read_twice() {
        let content = json!({ "refused": { "code": "not_permitted", "message": "not in this mission" } });
        let result = result(WorkerAnswer { content: content.clone(), is_error: true });
        assert_eq!(result.is_error, Some(true));
        assert_eq!(result.structured_content.as_ref(), Some(&content));
        let text = result.content[0].as_text().unwrap();
        assert_eq!(serde_json::from_str::<Json>(&text.text).unwrap(), content);
    }

    #[test]
    fn a_client_is_introduced_briefly() {
        assert_eq!(introduction(None), "unnamed");
        assert_eq!(introduction(Some(&Implementation::new("agent", "1.2"))), "agent 1.2");
        let long = Implementation::new("é".repeat(CLIENT_BYTES_MAX), "1");
        assert!(introduction(Some(&long)).len() <= CLIENT_BYTES_MAX);
    }

    #[test]
    fn a_refusal_outside_a_call_keeps_its_code() {
        let data = error(&Refusal::new(Code::RunNotOpen, "the run has ended"));
        assert_eq!(data.code, ErrorCode::INVALID_REQUEST);
        assert_eq!(data.data, Some(json!({ "code": "run_not_open" })));
    }
}
