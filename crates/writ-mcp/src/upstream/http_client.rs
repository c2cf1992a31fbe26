//! The HTTP client of one connection: which requests share a connection, and whose notices a stream carries.
//!
//! A request that is to change something goes out on a connection of its own, so that a failure to connect proves
//! that nothing was sent; everything else may use a kept one. The notices on a request's own stream are that
//! request's, also where they do not say so themselves: they are taken off the stream and handed to its call.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use futures::StreamExt;
use futures::stream::BoxStream;
use http::{HeaderName, HeaderValue};
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, JsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpPostResponse, StreamableHttpResponseLimits,
};
use sse_stream::Sse;
use writ_engine::upstream::Notice;

use super::conversation::{self, Originator};
use super::outcome::Kind;
use crate::credential::{AuthorizedClient, CredentialSource};
use crate::outbound::{HttpError, http_client, pooled_http_client};

/// The methods of what is told to one caller.
const NOTICES: [&str; 2] = ["notifications/message", "notifications/progress"];

/// The HTTP clients that all connections share, made when the first is opened.
#[derive(Default)]
pub(super) struct Clients(OnceLock<(reqwest::Client, reqwest::Client)>);

impl Clients {
    /// The client of one connection, with its credential.
    pub(super) fn authorized(&self, source: &CredentialSource, person: Option<&str>) -> Result<HttpClient, String> {
        let (pooled, fresh) = match self.0.get() {
            Some(clients) => clients,
            None => {
                let clients = (pooled_http_client()?, http_client()?);
                self.0.get_or_init(|| clients)
            }
        };
        let with_credential =
            |client: &reqwest::Client| AuthorizedClient::new(client.clone(), source.clone(), person.map(str::to_owned));
        Ok(HttpClient { pooled: with_credential(pooled), fresh: with_credential(fresh) })
    }
}

/// The HTTP client of one connection.
#[derive(Clone)]
pub(super) struct HttpClient {
    pooled: AuthorizedClient,
    fresh: AuthorizedClient,
}

impl HttpClient {
    /// The client for what changes nothing, which may use a kept connection.
    pub(super) fn for_reads(&self) -> AuthorizedClient {
        self.pooled.clone()
    }
}

impl StreamableHttpClient for HttpClient {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session_id, auth_header, custom_headers, limits).await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let originator = originator(&message);
        let changes_something = originator.as_ref().is_some_and(|originator| originator.kind == Kind::Effect);
        let client = if changes_something { &self.fresh } else { &self.pooled };
        let response = client
            .post_message_with_response_limits(uri, message, session_id, auth_header, custom_headers, limits)
            .await?;
        Ok(match (response, originator) {
            (StreamableHttpPostResponse::Sse(stream, session), Some(originator)) => {
                StreamableHttpPostResponse::Sse(overheard(stream, originator), session)
            }
            (response, _) => response,
        })
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), HttpError> {
        self.pooled.delete_session(uri, session_id, auth_header, custom_headers).await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, HttpError> {
        let bytes_max = StreamableHttpResponseLimits::default().max_sse_event_size;
        self.get_stream_with_max_sse_event_size(uri, session_id, last_event_id, auth_header, custom_headers, bytes_max)
            .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
        max_sse_event_size: usize,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, HttpError> {
        self.pooled
            .get_stream_with_max_sse_event_size(
                uri,
                session_id,
                last_event_id,
                auth_header,
                custom_headers,
                max_sse_event_size,
            )
            .await
    }
}

fn originator(message: &ClientJsonRpcMessage) -> Option<Originator> {
    match message {
        JsonRpcMessage::Request(message) => message.request.extensions().get::<Originator>().cloned(),
        _ => None,
    }
}

/// A request's stream without the notices on it, which go to the request's call. What an event says about resuming
/// the stream stays.
fn overheard(
    stream: BoxStream<'static, Result<Sse, SseError>>,
    originator: Originator,
) -> BoxStream<'static, Result<Sse, SseError>> {
    let without_notices = stream.map(move |event| {
        event.map(|mut event| {
            if let Some(notice) = event.data.as_deref().and_then(noticed) {
                event.data = None;
                if let Some(conversation) = originator.conversation.upgrade() {
                    conversation.hear(notice);
                }
            }
            event
        })
    });
    without_notices.boxed()
}

/// What an event of a request's stream tells its caller, if it does.
pub(super) fn noticed(data: &str) -> Option<Notice> {
    if !NOTICES.iter().any(|method| data.contains(method)) {
        return None;
    }
    match serde_json::from_str::<ServerJsonRpcMessage>(data).ok()? {
        JsonRpcMessage::Notification(message) => conversation::notice(&message.notification),
        _ => None,
    }
}
