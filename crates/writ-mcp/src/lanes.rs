//! The way to one HTTP endpoint for many small requests, and the connections that are kept for it.
//!
//! Over plain HTTP a connection is carried by the request that uses it: one task waits for the socket and reads the
//! answer, where a client with connections of their own hands each request to another task and back. That is most of
//! what such a client costs beside the socket itself. Over TLS, and wherever an address says more than host, port and
//! path, requests go through the HTTP client of everything else.
//!
//! Nothing is repeated that may have left: a request is put on another connection only where the protocol's library
//! gives it back unsent, since the one that was kept had been closed.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use futures::Stream;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use tokio::net::TcpStream;
use tokio::time::Instant;
use url::Host;

use crate::outbound::{CONNECT_SECONDS_MAX, HttpError, IDLE_CONNECTIONS_MAX, IDLE_SECONDS_MAX};

type Wire = Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// The way to one endpoint.
pub(crate) struct Way {
    url: Url,
    lanes: Option<Arc<Lanes>>,
}

impl Way {
    /// The way to an address.
    pub(crate) fn new(url: Url) -> Self {
        let lanes = Lanes::new(&url).map(Arc::new);
        Self { url, lanes }
    }

    /// Posts a body, once. `http` is the client of addresses that have no lanes.
    pub(crate) async fn post(
        &self,
        http: &reqwest::Client,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, HttpError> {
        if let Some(lanes) = &self.lanes {
            return lanes.post(headers, body).await;
        }
        let mut request = reqwest::Request::new(Method::POST, self.url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        let response = http.execute(request).await?;
        Ok(Response { status: response.status(), headers: response.headers().clone(), body: Body::Library(response) })
    }
}

/// No connection could be opened, so that nothing has left.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect: {0}")]
pub(crate) struct NotConnected(io::Error);

/// A response whose body is still to come.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Body,
}

enum Body {
    Library(reqwest::Response),
    Carried(Carried),
}

/// A body on a lane.
struct Carried {
    body: Incoming,
    lane: Option<Lane>,
    lanes: Arc<Lanes>,
}

impl Response {
    /// A response of the HTTP library's own.
    #[cfg(test)]
    pub(crate) fn of(response: reqwest::Response) -> Self {
        Self { status: response.status(), headers: response.headers().clone(), body: Body::Library(response) }
    }

    /// The next piece of the body. Once there is none any more the connection is kept for others.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        match &mut self.body {
            Body::Library(response) => Ok(response.chunk().await?),
            Body::Carried(carried) => carried.chunk().await,
        }
    }

    /// The rest of the body.
    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<Bytes, HttpError>> + Send {
        futures::stream::unfold(Some(self), |response| async {
            let mut response = response?;
            match response.chunk().await {
                Ok(Some(chunk)) => Some((Ok(chunk), Some(response))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

impl Carried {
    async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        let Some(lane) = &mut self.lane else { return Ok(None) };
        loop {
            match carry(&mut lane.wire, self.body.frame()).await {
                Some(Ok(frame)) => {
                    if let Ok(chunk) = frame.into_data() {
                        return Ok(Some(chunk));
                    }
                }
                Some(Err(error)) => return Err(broken(&error)),
                None => break,
            }
        }
        if let Some(lane) = self.lane.take() {
            self.lanes.keep(lane).await;
        }
        Ok(None)
    }
}

/// The connections to one server that is reached by plain HTTP/1.1 (RFC 9112).
struct Lanes {
    host: Host<String>,
    port: u16,
    authority: HeaderValue,
    target: Uri,
    idle: Mutex<Idle>,
}

/// The connections that nobody uses.
#[derive(Default)]
struct Idle {
    lanes: Vec<Lane>,
    /// Whether somebody closes the ones that are idle for too long.
    is_swept: bool,
}

impl Lanes {
    fn new(url: &Url) -> Option<Self> {
        let says_more = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
        if url.scheme() != "http" || says_more {
            return None;
        }
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Some(Self {
            host: url.host()?.to_owned(),
            port: url.port_or_known_default()?,
            authority: HeaderValue::from_str(url.authority()).ok()?,
            target: Uri::from(target.parse::<PathAndQuery>().ok()?),
            idle: Mutex::default(),
        })
    }

    async fn post(self: &Arc<Self>, mut headers: HeaderMap, body: Bytes) -> Result<Response, HttpError> {
        headers.insert(HOST, self.authority.clone());
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = headers;
        loop {
            let (mut lane, is_new) = match self.kept().await {
                Some(lane) => (lane, false),
                None => (self.opened().await?, true),
            };
            let sending = lane.sender.try_send_request(request);
            match carry(&mut lane.wire, sending).await {
                Ok(response) => {
                    let (head, body) = response.into_parts();
                    let body = Body::Carried(Carried { body, lane: Some(lane), lanes: Arc::clone(self) });
                    return Ok(Response { status: head.status, headers: head.headers, body });
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !is_new => request = unsent,
                    _ => return Err(broken(error.error())),
                },
            }
        }
    }

    /// The connection that was used last, if it can be used again.
    async fn kept(&self) -> Option<Lane> {
        loop {
            let mut lane = self.idle().lanes.pop()?;
            let limit = Duration::from_secs(IDLE_SECONDS_MAX);
            if Instant::now().saturating_duration_since(lane.since) < limit && lane.is_ready().await {
                return Some(lane);
            }
        }
    }

    /// Keeps a connection, if it can be used again.
    async fn keep(self: &Arc<Self>, mut lane: Lane) {
        if !lane.is_ready().await {
            return;
        }
        lane.since = Instant::now();
        let mut idle = self.idle();
        if idle.lanes.len() < IDLE_CONNECTIONS_MAX {
            idle.lanes.push(lane);
        }
        if !std::mem::replace(&mut idle.is_swept, true) {
            tokio::spawn(Self::sweep(Arc::downgrade(self)));
        }
    }

    /// Closes what has been idle for too long, until nothing is kept.
    async fn sweep(lanes: Weak<Self>) {
        let limit = Duration::from_secs(IDLE_SECONDS_MAX);
        loop {
            tokio::time::sleep(limit).await;
            let Some(lanes) = lanes.upgrade() else { return };
            let mut idle = lanes.idle();
            let now = Instant::now();
            idle.lanes.retain(|lane| now.saturating_duration_since(lane.since) < limit);
            if idle.lanes.is_empty() {
                idle.is_swept = false;
                return;
            }
        }
    }

    async fn opened(&self) -> Result<Lane, HttpError> {
        let connecting = async {
            match &self.host {
                Host::Domain(name) => connected(name, self.port).await,
                Host::Ipv4(address) => TcpStream::connect((*address, self.port)).await,
                Host::Ipv6(address) => TcpStream::connect((*address, self.port)).await,
            }
        };
        let limit = Duration::from_secs(CONNECT_SECONDS_MAX);
        let connected =
            tokio::time::timeout(limit, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = connected.map_err(|error| HttpError::Io(io::Error::other(NotConnected(error))))?;
        // Requests are small, and must not wait to be gathered into a larger packet.
        _ = stream.set_nodelay(true);
        let (sender, wire) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        Ok(Lane { sender, wire: Some(Box::pin(wire)), since: Instant::now() })
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection.
struct Lane {
    sender: SendRequest<Full<Bytes>>,
    /// Nothing once it has ended: dropped, it gives back what it had not begun to send.
    wire: Option<Pin<Box<Wire>>>,
    since: Instant,
}

impl Lane {
    /// Whether the connection takes another request now.
    async fn is_ready(&mut self) -> bool {
        poll_fn(|context| {
            move_on(&mut self.wire, context);
            let is_ready = self.wire.is_some() && matches!(self.sender.poll_ready(context), Poll::Ready(Ok(())));
            Poll::Ready(is_ready)
        })
        .await
    }
}

/// Waits for something that comes by a connection, and moves the connection on meanwhile. Where the connection ends, so
/// does the waiting.
async fn carry<T>(wire: &mut Option<Pin<Box<Wire>>>, waiting: impl Future<Output = T>) -> T {
    let mut waiting = pin!(waiting);
    poll_fn(|context| {
        if let Poll::Ready(value) = waiting.as_mut().poll(context) {
            return Poll::Ready(value);
        }
        move_on(wire, context);
        // What the connection has brought is there now.
        waiting.as_mut().poll(context)
    })
    .await
}

fn move_on(wire: &mut Option<Pin<Box<Wire>>>, context: &mut Context<'_>) {
    if wire.as_mut().is_some_and(|wire| wire.as_mut().poll(context).is_ready()) {
        *wire = None;
    }
}

/// A connection to the first address of a name that takes one. Each has its share of the time.
async fn connected(name: &str, port: u16) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((name, port)).await?.collect();
    let share = u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let each = Duration::from_secs(CONNECT_SECONDS_MAX).checked_div(share).unwrap_or_default();
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match tokio::time::timeout(each, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

/// A failure of a connection, without the address, which may hold a credential.
fn broken(error: &hyper::Error) -> HttpError {
    HttpError::Io(io::Error::other(error.to_string()))
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Way").field("has_lanes", &self.lanes.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn text(mut response: Response) -> String {
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await.unwrap() {
            text.extend_from_slice(&chunk);
        }
        String::from_utf8(text).unwrap()
    }

    /// A server that answers so many requests on each of its connections, with the number of the connection.
    async fn server(answers: usize) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp?a=1", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for number in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    for _ in 0..answers {
                        let mut request = Vec::new();
                        while !request.ends_with(b"body") {
                            let mut byte = [0];
                            if stream.read(&mut byte).await.unwrap_or(0) == 0 {
                                return;
                            }
                            request.push(byte[0]);
                        }
                        let request = String::from_utf8(request).unwrap();
                        assert!(request.starts_with("POST /mcp?a=1 HTTP/1.1\r\n"), "{request}");
                        assert!(request.contains("host: 127.0.0.1:"), "{request}");
                        let number = number.to_string();
                        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", number.len());
                        let answer = head + &number;
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        url.parse().unwrap()
    }

    async fn posted(way: &Way) -> Result<Response, HttpError> {
        way.post(&reqwest::Client::new(), HeaderMap::new(), Bytes::from_static(b"body")).await
    }

    #[tokio::test]
    async fn a_connection_is_used_again_once_its_answer_has_been_read() {
        let way = Way::new(server(10).await);
        assert_eq!(text(posted(&way).await.unwrap()).await, "0");
        assert_eq!(text(posted(&way).await.unwrap()).await, "0");
        let unread = posted(&way).await.unwrap();
        assert_eq!(text(posted(&way).await.unwrap()).await, "1");
        assert_eq!(text(unread).await, "0");
    }

    #[tokio::test]
    async fn a_kept_connection_that_the_server_has_closed_is_not_used() {
        let way = Way::new(server(1).await);
        let lanes = way.lanes.as_ref().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        for number in 0..20 {
            assert_eq!(text(posted(&way).await.unwrap()).await, number.to_string());
            // Until the end of the connection has arrived.
            while let Some(lane) = lanes.kept().await {
                assert!(Instant::now() < deadline, "the end of a connection is not noticed");
                lanes.idle().lanes.push(lane);
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_was_sent_nothing_and_one_that_breaks_off_may_have_been() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let breaking = Way::new(url.clone());
        let breaks = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut byte = [0];
            stream.read_exact(&mut byte).await.unwrap();
        });
        let error = posted(&breaking).await.err().unwrap();
        assert!(!crate::outbound::did_not_leave(&error), "{error}");
        breaks.await.unwrap();
        let error = posted(&Way::new(url)).await.err().unwrap();
        assert!(crate::outbound::did_not_leave(&error), "{error}");
        assert!(crate::outbound::http_reason(&error).starts_with("cannot connect"), "{error}");
    }

    #[test]
    fn only_plain_addresses_have_lanes() {
        let has_lanes = |url: &str| Way::new(url.parse().unwrap()).lanes.is_some();
        for url in ["http://a.example/mcp", "http://127.0.0.1:8080", "http://[::1]:8080/a?b=c"] {
            assert!(has_lanes(url), "{url}");
        }
        for url in
            ["https://a.example/mcp", "http://user:word@a.example/", "http://user@a.example/", "http://a.example/#b"]
        {
            assert!(!has_lanes(url), "{url}");
        }
    }
}
