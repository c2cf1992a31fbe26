//! How a call that is made directly is answered: as JSON where its outcome is all there is to say, as a stream of
//! events where something is said before it.
//!
//! The call is carried by its own answer. Where the connection goes away, the call goes with it: of a read nothing is
//! released then. What was said before the call ended comes before its outcome, and nothing comes after that.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use futures::channel::mpsc;
use futures::{Stream, StreamExt, stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use rmcp::model::{CallToolResponse, ErrorCode, ErrorData, RequestId, ServerJsonRpcMessage, ServerResult};
use rmcp::transport::streamable_http_server::session::ServerSseMessage;
use sse_stream::{KeepAlive, Sse, SseBody, Timer};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

use crate::server::dropped;

/// How long a stream says nothing before it says that it is still there.
const SILENCE_SECONDS_MAX: u64 = 15;
/// Tells proxies not to hold back what a stream says.
const BUFFERING_HEADER: &str = "x-accel-buffering";

/// Answers the call with this id. What is said while it is under way comes in by `said`; `calling` is the call. An
/// empty answer with status 500 is given where the server stops first.
pub(in crate::server) async fn respond<F>(
    id: RequestId,
    calling: F,
    said: mpsc::Receiver<ServerSseMessage>,
    shutdown: &CancellationToken,
) -> Response
where
    F: Future<Output = Result<CallToolResponse, ErrorData>> + Send + 'static,
{
    let mut telling = Telling { said, calling: Box::pin(calling), id: Some(id), outcome: None };
    let first = tokio::select! {
        biased;
        first = telling.next() => first,
        () = shutdown.cancelled() => None,
    };
    match first {
        Some(Line::Outcome(outcome)) => whole(&outcome),
        Some(said) => streamed(stream::iter([said]).chain(telling), shutdown.clone()),
        None => failed(),
    }
}

/// One message of an answer.
enum Line {
    Said(ServerSseMessage),
    Outcome(Box<ServerJsonRpcMessage>),
}

/// A call that is under way, and what is said meanwhile. It ends with the call's outcome.
struct Telling<F> {
    said: mpsc::Receiver<ServerSseMessage>,
    calling: Pin<Box<F>>,
    /// There until the call has ended.
    id: Option<RequestId>,
    /// There from then until it is told.
    outcome: Option<Box<ServerJsonRpcMessage>>,
}

impl<F> Stream for Telling<F>
where
    F: Future<Output = Result<CallToolResponse, ErrorData>>,
{
    type Item = Line;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Line>> {
        let this = self.get_mut();
        if this.id.is_some() {
            if let Poll::Ready(Some(message)) = this.said.poll_next_unpin(context) {
                return Poll::Ready(Some(Line::Said(message)));
            }
            let Poll::Ready(answer) = this.calling.as_mut().poll(context) else {
                return Poll::Pending;
            };
            this.outcome = this.id.take().map(|id| Box::new(outcome(answer, id)));
        }
        if this.outcome.is_some()
            && let Ok(message) = this.said.try_recv()
        {
            return Poll::Ready(Some(Line::Said(message)));
        }
        Poll::Ready(this.outcome.take().map(Line::Outcome))
    }
}

fn outcome(answer: Result<CallToolResponse, ErrorData>, id: RequestId) -> ServerJsonRpcMessage {
    match answer {
        Ok(response) => ServerJsonRpcMessage::response(dropped::from_result(ServerResult::from(response)), id),
        Err(error) => ServerJsonRpcMessage::error(error, Some(id)),
    }
}

/// The outcome by itself.
fn whole(outcome: &ServerJsonRpcMessage) -> Response {
    let Ok(body) = serde_json::to_vec(outcome) else {
        return failed();
    };
    let mut response = Response::new(Body::from(body));
    if let ServerJsonRpcMessage::Error(error) = outcome {
        *response.status_mut() = status(error.error.code);
    }
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The status of an error that is the whole answer (revision 2026-07-28, Streamable HTTP).
fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::UNSUPPORTED_PROTOCOL_VERSION
        | ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY
        | ErrorCode::HEADER_MISMATCH => StatusCode::BAD_REQUEST,
        ErrorCode::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    }
}

fn streamed(lines: impl Stream<Item = Line> + Send + 'static, shutdown: CancellationToken) -> Response {
    let events = lines.map(|line| Ok::<Sse, Infallible>(Sse::default().data(text(&line))));
    let events = events.take_until(shutdown.cancelled_owned());
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(SILENCE_SECONDS_MAX));
    let mut response = Response::new(Body::new(SseBody::new(events).with_keep_alive::<Silence>(keep_alive)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(BUFFERING_HEADER, HeaderValue::from_static("no"));
    response
}

fn text(line: &Line) -> String {
    let text = match line {
        Line::Said(event) => serde_json::to_string(&event.message.as_deref()),
        Line::Outcome(outcome) => serde_json::to_string(outcome),
    };
    // The protocol's own messages always have a text.
    text.unwrap_or_default()
}

fn failed() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// The time until a silent stream says that it is still there.
struct Silence(Pin<Box<Sleep>>);

impl Future for Silence {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.get_mut().0.as_mut().poll(context)
    }
}

impl Timer for Silence {
    fn from_duration(duration: Duration) -> Self {
        Self(Box::pin(tokio::time::sleep(duration)))
    }

    fn reset(self: Pin<&mut Self>, when: Instant) {
        self.get_mut().0.as_mut().reset(when.into());
    }
}
