//! Who made a request: the access that the request itself proved, and what the client behind it can take.

use std::sync::Arc;

use http::request::Parts;
use rmcp::RoleServer;
use rmcp::model::ErrorData;
use rmcp::service::RequestContext;
use writ_engine::view::WorkerAccess;

use super::aside::Aside;
use super::caller::ClientCaller;

/// The client of one request.
pub(super) struct Client {
    pub(super) access: WorkerAccess,
    pub(super) caller: Arc<ClientCaller>,
    is_current: bool,
}

impl Client {
    /// # Errors
    /// Where the request came in by a way that does not authenticate, which none does.
    pub(super) fn of(context: &RequestContext<RoleServer>, session_floor: u8) -> Result<Self, ErrorData> {
        let parts = context.extensions.get::<Parts>();
        let access = parts.and_then(|parts| parts.extensions.get::<WorkerAccess>()).cloned();
        let access = access.ok_or_else(|| ErrorData::internal_error("the request was not authenticated", None))?;
        let aside = parts.and_then(|parts| parts.extensions.get::<Aside>()).cloned();
        Ok(Self {
            access,
            caller: Arc::new(ClientCaller::of(context, session_floor, aside)),
            is_current: is_current(context),
        })
    }

    /// The client of a call that is answered directly.
    pub(super) fn direct(access: WorkerAccess, caller: ClientCaller) -> Self {
        Self { access, caller: Arc::new(caller), is_current: true }
    }

    /// Whether the request is of revision 2026-07-28 or a later one.
    pub(super) fn is_current(&self) -> bool {
        self.is_current
    }

    /// Whether the client follows tasks of the extension.
    pub(super) fn has_tasks(&self) -> bool {
        self.caller.declared().supports_tasks()
    }

    /// Whether the client can show its user a page.
    pub(super) fn has_pages(&self) -> bool {
        self.caller.declared().elicitation.as_ref().is_some_and(|modes| modes.url.is_some())
    }
}

/// Whether a request is of revision 2026-07-28 or a later one.
pub(super) fn is_current(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|revision| !revision.has_initialize())
}
