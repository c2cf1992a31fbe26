//! The body of a request: up to its limit, and within a time.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::StreamExt;
use http::StatusCode;

use super::faults::Fault;
use crate::pieces::{Pieces, TooLarge};

/// How long a worker may take to send one request.
const SECONDS_MAX: u64 = 30;

/// Reads a body.
///
/// # Errors
/// What is to be answered where it is too large, or does not arrive.
pub(super) async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Fault> {
    let limit = Duration::from_secs(SECONDS_MAX);
    tokio::time::timeout(limit, read_unhurried(body, bytes_max)).await.unwrap_or_else(|_| {
        Err(Fault::new(StatusCode::REQUEST_TIMEOUT, format!("the request did not arrive within {SECONDS_MAX} s")))
    })
}

async fn read_unhurried(body: Body, bytes_max: usize) -> Result<Bytes, Fault> {
    let mut chunks = body.into_data_stream();
    let mut pieces = Pieces::new(bytes_max);
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.map_err(|_| Fault::new(StatusCode::BAD_REQUEST, "the request ended before it was complete"))?;
        pieces.push(chunk).map_err(|TooLarge| {
            Fault::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the request is larger than {bytes_max} bytes"))
        })?;
    }
    Ok(pieces.joined())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;

    use super::*;

    fn pieces(pieces: &[&'static str]) -> Body {
        let pieces: Vec<Result<Bytes, Infallible>> =
            pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
        Body::from_stream(stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        assert_eq!(read(Body::from("12345"), 5).await.unwrap(), "12345");
        assert_eq!(read(Body::empty(), 0).await.unwrap(), "");
        let fault = read(Body::from("123456"), 5).await.unwrap_err();
        assert_eq!(fault.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn the_pieces_of_a_body_are_put_together_and_counted_together() {
        assert_eq!(read(pieces(&["", "12", "", "34", "5"]), 5).await.unwrap(), "12345");
        let all_too_large: [&[&'static str]; 2] = [&["123", "456"], &["1", "2", "3", "456"]];
        for too_large in all_too_large {
            let fault = read(pieces(too_large), 5).await.unwrap_err();
            assert_eq!(fault.status, StatusCode::PAYLOAD_TOO_LARGE, "{too_large:?}");
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_no_body() {
        let broken = stream::iter([Ok(Bytes::from_static(b"12")), Err(std::io::Error::other("gone"))]);
        assert_eq!(read(Body::from_stream(broken), 5).await.unwrap_err().status, StatusCode::BAD_REQUEST);
    }
}
