//! `writ connect RUN`: a worker that speaks MCP on standard input and output, joined to Writ's HTTP endpoint.
//!
//! Messages pass in both directions as they are, so that whatever the worker and the server agree on, both get. The
//! run's token is added on the way out and never written to the worker. Where a request cannot be delivered, the
//! worker gets an error for it. The bridge ends when the worker closes its end and has had its answers, or when the
//! server is gone. It never answers for the server and never sends a request twice.

use std::collections::HashSet;
use std::time::Duration;

use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ErrorData, JsonRpcMessage, RequestId, ServerJsonRpcMessage,
};
use rmcp::service::RoleServer;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{StreamableHttpClientTransport, Transport, stdio_pipes};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Secret;
use crate::outbound::{HttpError, http_client, http_reason};

/// How long answers are waited for once the worker has closed its end.
const DRAIN_SECONDS_MAX: u64 = 90;

/// Why the bridge broke.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// No HTTP client could be made.
    #[error("{0}")]
    Client(String),
    /// The server could not be reached, refused the token or went away.
    #[error("the connection to the server ended: {0}")]
    Server(String),
    /// The worker could not be written to.
    #[error("the worker does not read its answers: {0}")]
    Worker(String),
}

/// Joins standard input and output to the endpoint at `url`, as the run whose token this is.
///
/// # Errors
/// [`BridgeError`] where the server is gone or the worker does not read. That the worker has closed its end is
/// no error.
pub async fn bridge_stdio(url: &str, token: Secret) -> Result<(), BridgeError> {
    let (input, output) = stdio_pipes();
    let client = http_client().map_err(BridgeError::Client)?;
    join(AsyncRwTransport::new_server(input, output), remote(client, url, &token)).await
}

type Remote = StreamableHttpClientTransport<reqwest::Client>;

fn remote(client: reqwest::Client, url: &str, token: &Secret) -> Remote {
    let config =
        StreamableHttpClientTransportConfig::with_uri(url).auth_header(token.expose()).reinit_on_expired_session(false);
    StreamableHttpClientTransport::with_client(client, config)
}

/// What became of one message that was handed to the server.
struct Delivery {
    /// The request's id, where the message was a request.
    id: Option<RequestId>,
    /// Whether the messages after it waited for it.
    ordered: bool,
    failure: Option<String>,
}

struct Bridge<W> {
    worker: W,
    server: Remote,
    deliveries: JoinSet<Delivery>,
    /// Requests of the worker that have no answer yet.
    unanswered: HashSet<RequestId>,
    /// A notification is under way, and what follows it must not overtake it.
    holding: bool,
    /// The server has answered something.
    answered: bool,
    last_failure: Option<String>,
}

async fn join<W: Transport<RoleServer>>(worker: W, server: Remote) -> Result<(), BridgeError> {
    let mut bridge = Bridge {
        worker,
        server,
        deliveries: JoinSet::new(),
        unanswered: HashSet::new(),
        holding: false,
        answered: false,
        last_failure: None,
    };
    let outcome = bridge.run().await;
    // What cannot be closed is gone already.
    let _ = bridge.server.close().await;
    let _ = bridge.worker.close().await;
    outcome
}

impl<W: Transport<RoleServer>> Bridge<W> {
    async fn run(&mut self) -> Result<(), BridgeError> {
        let mut closing: Option<Instant> = None;
        loop {
            if closing.is_some() && self.unanswered.is_empty() && self.deliveries.is_empty() {
                // An agent that was never let in has heard why; whoever started the bridge hears it too.
                return match self.last_failure.take() {
                    Some(why) if !self.answered => Err(BridgeError::Server(why)),
                    _ => Ok(()),
                };
            }
            tokio::select! {
                message = self.worker.receive(), if closing.is_none() && !self.holding => match message {
                    Some(message) => self.forward(message),
                    None => closing = Instant::now().checked_add(Duration::from_secs(DRAIN_SECONDS_MAX)),
                },
                message = self.server.receive() => match message {
                    Some(message) => {
                        self.answered = true;
                        self.give(message).await?;
                    }
                    None => return self.server_is_gone().await,
                },
                Some(delivery) = self.deliveries.join_next(), if !self.deliveries.is_empty() => {
                    if let Ok(delivery) = delivery {
                        self.note(delivery).await?;
                    }
                }
                () = until(closing), if closing.is_some() => {
                    return Err(BridgeError::Server("some requests got no answer in time".to_owned()));
                }
            }
        }
    }

    fn forward(&mut self, message: ClientJsonRpcMessage) {
        let id = match &message {
            JsonRpcMessage::Request(request) => Some(request.id.clone()),
            _ => None,
        };
        let ordered = matches!(message, JsonRpcMessage::Notification(_));
        if let Some(id) = taken_back(&message) {
            self.unanswered.remove(id);
        }
        self.holding |= ordered;
        self.unanswered.extend(id.clone());
        let sending = self.server.send(message);
        self.deliveries.spawn(async move {
            let failure = sending.await.err().map(|error| explained(&error));
            Delivery { id, ordered, failure }
        });
    }

    async fn note(&mut self, delivery: Delivery) -> Result<(), BridgeError> {
        if delivery.ordered {
            self.holding = false;
        }
        let Some(failure) = delivery.failure else {
            return Ok(());
        };
        self.last_failure = Some(failure.clone());
        match delivery.id {
            Some(id) if self.unanswered.contains(&id) => self.give(undelivered(id, failure)).await,
            _ => Ok(()),
        }
    }

    /// Hands a message to the worker.
    async fn give(&mut self, message: ServerJsonRpcMessage) -> Result<(), BridgeError> {
        match &message {
            JsonRpcMessage::Response(response) => self.unanswered.remove(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref().is_some_and(|id| self.unanswered.remove(id)),
            _ => false,
        };
        self.worker.send(message).await.map_err(|error| BridgeError::Worker(error.to_string()))
    }

    /// Tells the worker, for each request that is still open, that nobody will answer it.
    async fn server_is_gone(&mut self) -> Result<(), BridgeError> {
        while let Some(delivery) = self.deliveries.join_next().await {
            if let Ok(delivery) = delivery {
                self.note(delivery).await?;
            }
        }
        let why = self.last_failure.take().unwrap_or_else(|| "it closed the connection".to_owned());
        for id in std::mem::take(&mut self.unanswered) {
            self.give(undelivered(id, why.clone())).await?;
        }
        Err(BridgeError::Server(why))
    }
}

/// The request that a message takes back, and which therefore gets no answer.
fn taken_back(message: &ClientJsonRpcMessage) -> Option<&RequestId> {
    let JsonRpcMessage::Notification(notification) = message else {
        return None;
    };
    match &notification.notification {
        ClientNotification::CancelledNotification(cancelled) => cancelled.params.request_id.as_ref(),
        _ => None,
    }
}

async fn until(deadline: Option<Instant>) {
    if let Some(deadline) = deadline {
        tokio::time::sleep_until(deadline).await;
    }
}

fn undelivered(id: RequestId, why: String) -> ServerJsonRpcMessage {
    ServerJsonRpcMessage::error(ErrorData::internal_error(why, None), Some(id))
}

fn explained(error: &HttpError) -> String {
    match error {
        HttpError::AuthRequired(_) => {
            "the run's token was not accepted: it has expired, or the run has ended".to_owned()
        }
        error => http_reason(error),
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::CallToolRequestParams;
    use rmcp::service::ServiceExt;
    use serde_json::json;

    use super::*;
    use crate::testing::{Probe, object};

    fn bridged(url: &str) -> (tokio::io::DuplexStream, tokio::task::JoinHandle<Result<(), BridgeError>>) {
        let (worker, ours) = tokio::io::duplex(64 * 1024);
        let (input, output) = tokio::io::split(ours);
        let server = remote(http_client().unwrap(), url, &Secret::new("run-token"));
        (worker, tokio::spawn(join(AsyncRwTransport::new_server(input, output), server)))
    }

    #[tokio::test]
    async fn a_worker_on_pipes_is_served_and_leaves_in_peace() {
        let probe = Probe::start().await;
        let (worker, bridge) = bridged(&probe.url);
        let client = ().serve(worker).await.unwrap();
        let tools = client.list_tools(None).await.unwrap().tools;
        assert!(tools.iter().any(|tool| tool.name == "echo"));
        let call = CallToolRequestParams::new("echo").with_arguments(object(json!({ "order": "#W1" })));
        let result = client.call_tool(call).await.unwrap();
        assert_eq!(result.structured_content.unwrap()["arguments"], json!({ "order": "#W1" }));
        client.cancel().await.unwrap();
        bridge.await.unwrap().unwrap();
        assert!(probe.authorizations().iter().all(|value| value == "Bearer run-token"));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_to_the_worker() {
        let (worker, bridge) = bridged(&crate::testing::unused_url().await);
        let error = ().serve(worker).await.unwrap_err();
        assert!(error.to_string().contains("cannot connect"), "{error}");
        assert!(matches!(bridge.await.unwrap(), Err(BridgeError::Server(_))));
    }
}
