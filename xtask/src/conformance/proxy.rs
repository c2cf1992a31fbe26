//! A door in front of Writ that adds a worker's token to every request, since the suite's server half signs in to
//! nothing.
//!
//! Only the head of a request is looked at: a token is added, the door's own authority becomes Writ's in `Host` and
//! `Origin`, and the connection is asked to carry this one request. Everything else passes byte for byte, in both
//! directions as it comes, so that streams are streams. A foreign `Host` or `Origin` arrives as it was sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const HEAD_BYTES_MAX: usize = 64 << 10;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// The door. It closes when it is dropped.
#[derive(Debug)]
pub(super) struct Proxy {
    address: SocketAddr,
    token: Arc<Mutex<String>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Opens a door to Writ at an address such as `http://127.0.0.1:7878`, on a free port.
    pub(super) async fn open(writ: &str, token: String) -> Result<Self, String> {
        let authority = writ.strip_prefix("http://").unwrap_or(writ).trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| format!("no free port: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let token = Arc::new(Mutex::new(token));
        let carried = Arc::clone(&token);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let token = carried.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let door = Door { own: address.to_string(), writ: authority.clone(), token };
                // A connection that breaks is the suite's to notice.
                tokio::spawn(async move { _ = door.pass(client).await });
            }
        });
        Ok(Self { address, token, task })
    }

    /// The endpoint for workers, seen through the door.
    pub(super) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Lets requests from now on be those of another run's worker.
    pub(super) fn carry(&self, token: String) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Door {
    own: String,
    writ: String,
    token: String,
}

impl Door {
    async fn pass(&self, mut client: TcpStream) -> std::io::Result<()> {
        let mut read = Vec::with_capacity(4096);
        let head_ends = loop {
            if client.read_buf(&mut read).await? == 0 || read.len() > HEAD_BYTES_MAX {
                return Ok(());
            }
            if let Some(at) = read.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD) {
                break at;
            }
        };
        let (head, body) = read.split_at(head_ends);
        let mut writ = TcpStream::connect(&self.writ).await?;
        writ.set_nodelay(true)?;
        client.set_nodelay(true)?;
        writ.write_all(&self.head(head)).await?;
        // The blank line that ends the head comes first.
        writ.write_all(body).await?;
        copy_bidirectional(&mut client, &mut writ).await?;
        Ok(())
    }

    /// The head of a request as Writ gets it, without the blank line that ends it.
    fn head(&self, head: &[u8]) -> Vec<u8> {
        let mut passed = Vec::with_capacity(head.len() + self.token.len() + 64);
        for (at, line) in head.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            // The first line is the request's own.
            let name = line.split(|byte| *byte == b':').next().filter(|_| at > 0).unwrap_or_default();
            let value = line.get(name.len() + 1..).unwrap_or_default().trim_ascii();
            if [&b"connection"[..], b"keep-alive", b"authorization"].iter().any(|left| name.eq_ignore_ascii_case(left))
            {
                continue;
            }
            if at > 0 {
                passed.extend_from_slice(b"\r\n");
            }
            if name.eq_ignore_ascii_case(b"host") && value == self.own.as_bytes() {
                passed.extend_from_slice(format!("Host: {}", self.writ).as_bytes());
            } else if name.eq_ignore_ascii_case(b"origin")
                && value.strip_prefix(b"http://") == Some(self.own.as_bytes())
            {
                passed.extend_from_slice(format!("Origin: http://{}", self.writ).as_bytes());
            } else {
                passed.extend_from_slice(line);
            }
        }
        passed.extend_from_slice(format!("\r\nConnection: close\r\nAuthorization: Bearer {}", self.token).as_bytes());
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(head: &str) -> String {
        let door = Door { own: "127.0.0.1:1".to_owned(), writ: "127.0.0.1:2".to_owned(), token: "secret".to_owned() };
        String::from_utf8(door.head(head.as_bytes())).unwrap()
    }

    #[test]
    fn a_token_is_added_and_the_own_address_becomes_writs() {
        assert_eq!(
            passed(
                "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:1\r\norigin: http://127.0.0.1:1\r\n\
                 Connection: keep-alive\r\nX-A:  b "
            ),
            "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:2\r\nOrigin: http://127.0.0.1:2\r\nX-A:  b \
             \r\nConnection: close\r\nAuthorization: Bearer secret"
        );
    }

    #[test]
    fn what_is_foreign_arrives_as_it_was_sent() {
        let head = passed("POST /mcp HTTP/1.1\r\nHost: evil.example.com\r\nOrigin: http://evil.example.com");
        assert!(head.contains("\r\nHost: evil.example.com\r\nOrigin: http://evil.example.com\r\n"), "{head}");
    }

    #[tokio::test]
    async fn a_request_and_a_stream_of_answers_pass() {
        tokio::time::timeout(std::time::Duration::from_secs(30), async {
            let writ = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("http://{}", writ.local_addr().unwrap());
            let proxy = Proxy::open(&address, "first".to_owned()).await.unwrap();
            proxy.carry("second".to_owned());
            let mut client = TcpStream::connect(proxy.address).await.unwrap();
            client.write_all(b"POST /mcp HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody").await.unwrap();
            let (mut served, _) = writ.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"body") {
                assert_ne!(served.read_buf(&mut request).await.unwrap(), 0, "the request ended early");
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            assert!(request.contains("\r\nAuthorization: Bearer second\r\n\r\nbody"), "{request}");
            let mut answer = [0; 5];
            for part in [b"first", b"later"] {
                served.write_all(part).await.unwrap();
                client.read_exact(&mut answer).await.unwrap();
                assert_eq!(&answer, part, "each part arrives before the next is sent");
            }
        })
        .await
        .unwrap();
    }
}
