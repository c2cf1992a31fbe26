//! The HTTP client of one connection: it puts the connection's credential on every request.
//!
//! A request that is answered with 401, or with 403 and `insufficient_scope` (RFC 6750), was not carried out, so it
//! is made once more with another token, if one can be had. That is the only repetition. What the transport would put
//! on a request by itself is not sent.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use futures::stream::BoxStream;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::auth::AuthError;
use rmcp::transport::streamable_http_client::{
    AuthRequiredError, InsufficientScopeError, SseError, StreamableHttpClient, StreamableHttpError,
    StreamableHttpPostResponse, StreamableHttpResponseLimits,
};
use sse_stream::Sse;

use super::discovery::Challenge;
use super::http_client::CHALLENGE_BYTES_MAX;
use super::oauth::OAuthSource;
use super::redact::Redaction;
use super::reply::{self, Reply};
use super::source::CredentialSource;
use super::trouble::Trouble;
use crate::lanes::Way;

/// How many headers a posted message usually has.
const HEADERS_USUAL: usize = 8;

type HttpError = StreamableHttpError<reqwest::Error>;
type Headers = HashMap<HeaderName, HeaderValue>;
type Events = BoxStream<'static, Result<Sse, SseError>>;

/// Whether a request was not made because its person has not linked the integration, or has to link it again.
pub(crate) fn missing(error: &HttpError) -> bool {
    matches!(error, StreamableHttpError::Auth(AuthError::AuthorizationRequired))
}

/// The HTTP client of one connection.
#[derive(Debug, Clone)]
pub(crate) struct AuthorizedClient {
    http: reqwest::Client,
    source: CredentialSource,
    person: Option<Arc<str>>,
}

/// What came of a request, and what is not to be found in it.
struct Done<T> {
    outcome: T,
    redaction: Option<Redaction>,
}

impl AuthorizedClient {
    /// A client for one connection, used in the name of a person where the credential is personal.
    pub(crate) fn new(http: reqwest::Client, source: CredentialSource, person: Option<String>) -> Self {
        Self { http, source, person: person.map(Arc::from) }
    }

    /// Posts a message that wants an answer, and gives the answer as it came, with what is not to be found in it.
    pub(crate) async fn post(
        &self,
        way: &Way,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
        bytes_max: usize,
    ) -> Result<(Reply, Option<Redaction>), HttpError> {
        let posting = |token: Option<String>, of_credential: Headers| {
            let body = body.clone();
            async move {
                let mut sent = HeaderMap::with_capacity(HEADERS_USUAL);
                sent.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
                sent.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                sent.extend(headers.iter().cloned());
                if let Some(token) = token {
                    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| unusable())?;
                    value.set_sensitive(true);
                    sent.insert(AUTHORIZATION, value);
                }
                sent.extend(of_credential);
                reply::read(way.post(&self.http, sent, body).await?, bytes_max).await
            }
        };
        let Done { outcome, redaction } = self.authorized(Headers::new(), posting).await?;
        Ok((outcome, redaction))
    }

    /// Makes a request with the credential.
    async fn authorized<T, F, Fut>(&self, mut headers: Headers, request: F) -> Result<Done<T>, HttpError>
    where
        F: Fn(Option<String>, Headers) -> Fut,
        Fut: Future<Output = Result<T, HttpError>>,
    {
        match &self.source {
            CredentialSource::None => {
                let outcome = request(None, headers).await.map_err(|error| cleaned(error, None))?;
                Ok(Done { outcome, redaction: None })
            }
            CredentialSource::Header { name, value } => {
                let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?;
                let mut sent = HeaderValue::from_str(value.expose()).map_err(|_| unusable())?;
                sent.set_sensitive(true);
                headers.insert(header, sent);
                let redaction = Redaction::of(value.expose());
                let outcome = request(None, headers).await.map_err(|error| cleaned(error, Some(&redaction)))?;
                Ok(Done { outcome, redaction: Some(redaction) })
            }
            CredentialSource::OAuth(source) => self.with_token(source, headers, request).await,
        }
    }

    async fn with_token<T, F, Fut>(
        &self,
        source: &Arc<OAuthSource>,
        headers: Headers,
        request: F,
    ) -> Result<Done<T>, HttpError>
    where
        F: Fn(Option<String>, Headers) -> Fut,
        Fut: Future<Output = Result<T, HttpError>>,
    {
        let person = self.person.as_deref();
        let token = source.token(person).await.map_err(no_token)?;
        let redaction = Redaction::of(token.expose());
        let error = match request(Some(token.expose().to_owned()), headers.clone()).await {
            Ok(outcome) => return Ok(Done { outcome, redaction: Some(redaction) }),
            Err(error) => error,
        };
        let Some(refusal) = Refusal::of(&error, source) else { return Err(cleaned(error, Some(&redaction))) };
        let other = match source.instead(person, &token, refusal.challenge()).await {
            Ok(other) => other,
            Err(Trouble::NotEnough) => return Err(cleaned(error, Some(&redaction))),
            Err(trouble) => return Err(no_token(trouble)),
        };
        let redaction = Redaction::of(other.expose());
        match request(Some(other.expose().to_owned()), headers).await {
            Ok(outcome) => Ok(Done { outcome, redaction: Some(redaction) }),
            Err(error) => {
                let again = matches!(Refusal::of(&error, source), Some(Refusal::Token(_)));
                let trouble = if again { source.refused_again(person).await } else { None };
                Err(trouble.map_or_else(|| cleaned(error, Some(&redaction)), no_token))
            }
        }
    }
}

/// Why an integration did not carry a request out.
enum Refusal {
    /// It does not accept the token.
    Token(Option<Challenge>),
    /// The token does not reach that far.
    Reach(Challenge),
}

impl Refusal {
    fn challenge(self) -> Option<Challenge> {
        match self {
            Self::Token(challenge) => challenge,
            Self::Reach(challenge) => Some(challenge),
        }
    }

    fn of(error: &HttpError, source: &OAuthSource) -> Option<Self> {
        let read = |text: &str| {
            let short = text.len() <= CHALLENGE_BYTES_MAX;
            short.then(|| Challenge::read(text, source.resource()))
        };
        match error {
            StreamableHttpError::AuthRequired(refused) => {
                let challenge = read(&refused.www_authenticate_header);
                Some(Self::Token(challenge.map(|challenge| Challenge { insufficient: false, ..challenge })))
            }
            StreamableHttpError::InsufficientScope(refused) => {
                read(&refused.www_authenticate_header).filter(|challenge| challenge.insufficient).map(Self::Reach)
            }
            error if is_plain_refusal(error) => Some(Self::Token(None)),
            _ => None,
        }
    }
}

/// An error without an address, and without the credential where the server has repeated it.
fn cleaned(error: HttpError, redaction: Option<&Redaction>) -> HttpError {
    let clean = |text: &str| redaction.and_then(|redaction| redaction.text(text));
    match error {
        error if is_plain_refusal(&error) => refused(),
        StreamableHttpError::Client(error) => StreamableHttpError::Client(error.without_url()),
        StreamableHttpError::UnexpectedServerResponse(text) => {
            let cleaned = clean(&text);
            StreamableHttpError::UnexpectedServerResponse(cleaned.map_or(text, Into::into))
        }
        StreamableHttpError::UnexpectedContentType(Some(text)) => {
            let cleaned = clean(&text);
            StreamableHttpError::UnexpectedContentType(Some(cleaned.unwrap_or(text)))
        }
        // The challenge has been read; nobody else needs it.
        StreamableHttpError::AuthRequired(_) => refused(),
        StreamableHttpError::InsufficientScope(_) => {
            StreamableHttpError::InsufficientScope(InsufficientScopeError::new("Bearer".to_owned(), None))
        }
        error => error,
    }
}

/// Whether it is a 401 that says nothing of what it wants.
fn is_plain_refusal(error: &HttpError) -> bool {
    match error {
        StreamableHttpError::UnexpectedServerResponse(text) => text.starts_with("HTTP 401"),
        StreamableHttpError::Client(error) => error.status() == Some(http::StatusCode::UNAUTHORIZED),
        _ => false,
    }
}

fn refused() -> HttpError {
    StreamableHttpError::AuthRequired(AuthRequiredError::new("Bearer".to_owned()))
}

fn no_token(trouble: Trouble) -> HttpError {
    StreamableHttpError::Auth(match trouble {
        Trouble::NotLinked => AuthError::AuthorizationRequired,
        trouble => AuthError::OAuthError(trouble.to_string()),
    })
}

fn unusable() -> HttpError {
    StreamableHttpError::Auth(AuthError::OAuthError("the credential cannot be sent in its header".to_owned()))
}

fn unreadable() -> HttpError {
    StreamableHttpError::UnexpectedServerResponse("the answer repeats the connection's credential".into())
}

impl StreamableHttpClient for AuthorizedClient {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        auth_header: Option<String>,
        headers: Headers,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session, auth_header, headers, limits).await
    }

    async fn post_message_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        auth_header: Option<String>,
        headers: Headers,
        max_sse_event_size: usize,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let mut limits = StreamableHttpResponseLimits::default();
        limits.max_sse_event_size = max_sse_event_size;
        self.post_message_with_response_limits(uri, message, session, auth_header, headers, limits).await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        _auth_header: Option<String>,
        headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let done = self
            .authorized(headers, |token, headers| {
                let (uri, message, session) = (Arc::clone(&uri), message.clone(), session.clone());
                async move {
                    self.http.post_message_with_response_limits(uri, message, session, token, headers, limits).await
                }
            })
            .await?;
        match done.redaction {
            Some(redaction) => redaction.answer(done.outcome).ok_or_else(unreadable),
            None => Ok(done.outcome),
        }
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        _auth_header: Option<String>,
        headers: Headers,
    ) -> Result<(), HttpError> {
        self.authorized(headers, |token, headers| {
            let (uri, session) = (Arc::clone(&uri), Arc::clone(&session));
            async move { self.http.delete_session(uri, session, token, headers).await }
        })
        .await
        .map(|_| ())
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        auth_header: Option<String>,
        headers: Headers,
    ) -> Result<Events, HttpError> {
        let limit = StreamableHttpResponseLimits::default().max_sse_event_size;
        self.get_stream_with_max_sse_event_size(uri, session, last_event, auth_header, headers, limit).await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        _auth_header: Option<String>,
        headers: Headers,
        max_sse_event_size: usize,
    ) -> Result<Events, HttpError> {
        let done = self
            .authorized(headers, |token, headers| {
                let (uri, session, last) = (Arc::clone(&uri), session.clone(), last_event.clone());
                async move {
                    self.http
                        .get_stream_with_max_sse_event_size(uri, session, last, token, headers, max_sse_event_size)
                        .await
                }
            })
            .await?;
        Ok(match done.redaction {
            Some(redaction) => redaction.stream(done.outcome),
            None => done.outcome,
        })
    }
}
