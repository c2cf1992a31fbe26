//! The short way of the one request that agents make all day: a call of a tool by revision 2026-07-28.
//!
//! Such a request stands alone, and most need nothing of the protocol's library but its types. Where a request has
//! the plainest form that the protocol knows, it is answered from here, without a second reading of its body and
//! without a service of its own. Every other one is left as it came, for the library to answer or to reject.
//!
//! Invariants: what is taken here, the library would have answered, and with the same bytes; whether a request is
//! taken is settled before the engine hears of it, so that no call is made twice.

mod answer;
mod headers;
#[cfg(test)]
mod tests;

use http::request::Parts;
use http::{HeaderMap, Method};
use rmcp::model::{CallToolRequestParams, ClientCapabilities, JsonObject, MetaObject, RequestId, RequestMetaObject};
use serde::Deserialize;
use serde_json::Value as Json;

pub(super) use answer::respond;
pub(super) use headers::Hosts;

use super::message::Message;
use super::parameter_headers::Schemas;
use crate::revision::{CAPABILITIES_META, REVISION, REVISION_META};

const METHOD: &str = "tools/call";
/// How many members a request has: `jsonrpc`, `id`, `method` and `params`.
const MEMBERS: usize = 4;
/// The parameters of a call that begins. One that goes on has others.
const PARAMETERS: [&str; 3] = ["_meta", "arguments", "name"];

/// A call that is answered directly.
pub(super) struct DirectCall {
    pub(super) id: RequestId,
    pub(super) request: CallToolRequestParams,
    pub(super) meta: RequestMetaObject,
    /// What its client takes.
    pub(super) declared: ClientCapabilities,
}

impl DirectCall {
    /// Takes the call out of a message, or gives the message back as it was. `schemas` are those of the run's tools
    /// that name headers: a call of one of them is left to the library, which compares arguments and headers.
    ///
    /// # Errors
    /// The message, which has to go the long way.
    pub(super) fn take(
        hosts: &Hosts,
        schemas: &Schemas,
        parts: &Parts,
        message: Option<Message>,
    ) -> Result<Self, Option<Message>> {
        let found = match &message {
            Some(message) if parts.method == Method::POST => find(hosts, schemas, &parts.headers, message),
            _ => None,
        };
        let Some((id, declared)) = found else {
            return Err(message);
        };
        // From here on everything is where it was found.
        let mut members = message.and_then(Message::into_members).unwrap_or_default();
        let mut parameters = object(members.remove("params"));
        let name = match parameters.remove("name") {
            Some(Json::String(name)) => name,
            _ => String::new(),
        };
        let mut request = CallToolRequestParams::new(name);
        request.arguments = parameters.remove("arguments").map(|arguments| object(Some(arguments)));
        let meta = RequestMetaObject(MetaObject(object(parameters.remove("_meta"))));
        Ok(Self { id, request, meta, declared })
    }
}

/// The id of a plain call and what its client takes; nothing where something is not plain.
fn find(
    hosts: &Hosts,
    schemas: &Schemas,
    headers: &HeaderMap,
    message: &Message,
) -> Option<(RequestId, ClientCapabilities)> {
    let members = message.members()?;
    let text = |name: &str| members.get(name).and_then(Json::as_str);
    if members.len() != MEMBERS || text("jsonrpc") != Some("2.0") || text("method") != Some(METHOD) {
        return None;
    }
    let id = match members.get("id")? {
        Json::String(id) => RequestId::String(id.as_str().into()),
        id => RequestId::Number(id.as_i64()?),
    };
    let parameters = members.get("params")?.as_object()?;
    let begins = parameters.keys().all(|name| PARAMETERS.contains(&name.as_str()));
    if !begins || parameters.get("arguments").is_some_and(|arguments| !arguments.is_object()) {
        return None;
    }
    let tool = parameters.get("name")?.as_str()?;
    let meta = parameters.get("_meta")?.as_object()?;
    if meta.get(REVISION_META)?.as_str()? != REVISION || schemas.contains_key(tool) {
        return None;
    }
    if !headers::are_plain(headers, hosts) || !headers::repeat(headers, REVISION, METHOD, tool) {
        return None;
    }
    let declared = ClientCapabilities::deserialize(meta.get(CAPABILITIES_META)?).ok()?;
    Some((id, declared))
}

fn object(value: Option<Json>) -> JsonObject {
    match value {
        Some(Json::Object(object)) => object,
        _ => JsonObject::new(),
    }
}
