//! What a request becomes, against real servers on free ports and real child processes.

mod calls;
mod limits;
mod offers;
mod personal;
mod processes;
mod questions;
mod stage;

use rmcp::model::JsonObject;
use serde_json::{Value as Json, json};
use writ_core::definition::Ask;
use writ_engine::permit::{Basis, Request};
use writ_engine::upstream::{Answer, Nobody};

use super::*;
use crate::credential::CredentialSource;
use crate::testing::object;

const NAME: &str = "shop";
const PERSON: &str = "ada";

/// Limits under which a test need not wait long.
fn limits() -> Limits {
    Limits { answer: Duration::from_millis(1_500), ..Limits::default() }
}

fn reached(transport: Transport, asks: &[Ask], limits: Limits) -> McpUpstream {
    let asks: BTreeSet<Ask> = asks.iter().copied().collect();
    McpUpstream::new(vec![Connection { name: NAME.to_owned(), transport, asks, limits }])
}

fn http(url: &str) -> Transport {
    Transport::Http { url: url.to_owned(), credential: CredentialSource::None }
}

fn over_http(url: &str) -> McpUpstream {
    reached(http(url), &[], limits())
}

fn asked(request: Request) -> Call {
    Call { request, idempotency_key: None, run: "r-1".to_owned(), basis: Basis::Compared(None) }
}

fn tool(tool: &str, arguments: Json) -> Request {
    Request::Tool { tool: tool.to_owned(), arguments: object(arguments), continued: None }
}

fn read(name: &str) -> Call {
    asked(tool(name, json!({})))
}

fn effect(name: &str, arguments: Json) -> Call {
    Call { idempotency_key: Some("writ-d-1".to_owned()), basis: Basis::Intent, ..asked(tool(name, arguments)) }
}

fn answer(sent: Sent) -> Answer {
    match sent {
        Sent::Answered(answer) => answer,
        other => panic!("not an answer: {other:?}"),
    }
}

fn answered(sent: Sent) -> (bool, Json) {
    let answer = answer(sent);
    (answer.is_error, answer.result)
}

impl McpUpstream {
    /// Makes a request for nobody in particular.
    async fn made(&self, call: Call) -> Sent {
        self.made_for(Arc::new(Nobody), call).await
    }

    async fn made_for(&self, caller: Arc<dyn Caller>, call: Call) -> Sent {
        self.make(NAME, PERSON, call, caller).await
    }
}
