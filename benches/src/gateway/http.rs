//! HTTP/1.1 as a client of few needs speaks it: one request after the other on a connection that stays open.
//!
//! A library's client would cost more than some of what is measured here. This one knows bodies of a stated length and
//! bodies in chunks (RFC 9112, sections 6 and 7), and nothing of redirects, compression or pools.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const ANSWER_SECONDS_MAX: u64 = 60;
const ANSWER_BYTES_MAX: usize = 1 << 20;
const READ_BYTES: usize = 4096;

/// A connection on which one request is under way at a time.
pub(super) struct Connection {
    stream: TcpStream,
    /// What has come and belongs to no answer yet.
    received: Vec<u8>,
}

/// An answer, whole.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The session that an MCP server has opened.
    pub(super) session: Option<String>,
    pub(super) is_event_stream: bool,
    pub(super) body: Vec<u8>,
}

#[derive(Default)]
struct Head {
    status: u16,
    session: Option<String>,
    is_event_stream: bool,
    is_chunked: bool,
    length: Option<usize>,
}

/// A request as bytes.
pub(super) fn request(method: &str, address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
    text.into_bytes()
}

/// One request on a connection of its own.
pub(super) fn once(
    method: &str,
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Answer> {
    Connection::open(address)?.ask(&request(method, address, path, headers, body))
}

impl Connection {
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let limit = Duration::from_secs(ANSWER_SECONDS_MAX);
        let stream = TcpStream::connect_timeout(&address, limit)?;
        // Requests are small, and must not wait to be gathered into a larger packet.
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        Ok(Self { stream, received: Vec::with_capacity(READ_BYTES) })
    }

    /// Sends a request and waits for the whole answer.
    pub(super) fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request)?;
        let end = self.end_of(b"\r\n\r\n")?;
        let head = Head::parse(&self.take(end)?)?;
        let body = match head.length {
            _ if head.is_chunked => self.chunks()?,
            Some(length) => self.take(length)?,
            None if matches!(head.status, 202 | 204) => Vec::new(),
            None => return Err(unreadable("an answer of unknown length")),
        };
        Ok(Answer { status: head.status, session: head.session, is_event_stream: head.is_event_stream, body })
    }

    /// How many bytes there are up to the next mark, the mark included; reads on until there is one.
    fn end_of(&mut self, mark: &[u8]) -> io::Result<usize> {
        loop {
            if let Some(at) = self.received.windows(mark.len()).position(|window| window == mark) {
                return Ok(at.saturating_add(mark.len()));
            }
            self.read_more()?;
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.received.len() < length {
            self.read_more()?;
        }
        Ok(self.received.drain(..length).collect())
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = match chunk_size(&self.line()?)? {
                0 => break,
                size => size,
            };
            body.append(&mut self.take(size)?);
            self.line()?;
            if body.len() > ANSWER_BYTES_MAX {
                return Err(unreadable("too large an answer"));
            }
        }
        // Fields may follow the last chunk; an empty line ends them.
        while self.line()? != b"\r\n" {}
        Ok(body)
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        let end = self.end_of(b"\r\n")?;
        self.take(end)
    }

    fn read_more(&mut self) -> io::Result<()> {
        if self.received.len() > ANSWER_BYTES_MAX {
            return Err(unreadable("too large an answer"));
        }
        let mut chunk = [0; READ_BYTES];
        match self.stream.read(&mut chunk)? {
            0 => Err(io::Error::new(ErrorKind::UnexpectedEof, "the connection closed before the answer was complete")),
            length => {
                self.received.extend_from_slice(chunk.get(..length).unwrap_or_default());
                Ok(())
            }
        }
    }
}

impl Head {
    fn parse(head: &[u8]) -> io::Result<Self> {
        let text = std::str::from_utf8(head).map_err(|_| unreadable("a head that is no text"))?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| unreadable("a head without a status"))?;
        let mut parsed = Self { status, ..Self::default() };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                parsed.length = Some(value.parse().map_err(|_| unreadable("a length that is no number"))?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                parsed.is_chunked = value.eq_ignore_ascii_case("chunked");
            } else if name.eq_ignore_ascii_case("content-type") {
                parsed.is_event_stream = value.starts_with("text/event-stream");
            } else if name.eq_ignore_ascii_case("mcp-session-id") {
                parsed.session = Some(value.to_owned());
            }
        }
        Ok(parsed)
    }
}

fn chunk_size(line: &[u8]) -> io::Result<usize> {
    let text = std::str::from_utf8(line).ok().and_then(|line| line.trim_end().split(';').next());
    let size = text.and_then(|text| usize::from_str_radix(text, 16).ok());
    size.filter(|size| *size <= ANSWER_BYTES_MAX).ok_or_else(|| unreadable("a chunk without a size"))
}

fn unreadable(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Serves these answers on one connection, one for each request.
    fn served(answers: &'static [&'static str]) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; READ_BYTES];
            for answer in answers {
                assert!(stream.read(&mut request).unwrap() > 0);
                // In pieces, as a network may deliver them.
                for piece in answer.as_bytes().chunks(7) {
                    stream.write_all(piece).unwrap();
                }
            }
        });
        Connection::open(address).unwrap()
    }

    #[test]
    fn answers_of_both_kinds_are_read_one_after_the_other() {
        let mut connection = served(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nMcp-Session-Id: s-1\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n\r\n\
             5\r\ndata:\r\n3;x=y\r\n {}\r\n0\r\nexpires: 0\r\n\r\n",
            "HTTP/1.1 202 Accepted\r\n\r\n",
        ]);
        let first = connection.ask(b"one").unwrap();
        assert_eq!((first.status, first.session.as_deref(), first.body.as_slice()), (200, Some("s-1"), &b"hello"[..]));
        let second = connection.ask(b"two").unwrap();
        assert!(second.is_event_stream);
        assert_eq!(second.body, b"data: {}");
        let third = connection.ask(b"three").unwrap();
        assert_eq!((third.status, third.body.len()), (202, 0));
        assert!(connection.ask(b"four").is_err(), "the server has gone");
    }

    #[test]
    fn an_answer_of_unknown_length_is_not_guessed() {
        let mut connection = served(&["HTTP/1.1 200 OK\r\n\r\nwho knows"]);
        assert_eq!(connection.ask(b"one").err().map(|error| error.kind()), Some(ErrorKind::InvalidData));
    }
}
