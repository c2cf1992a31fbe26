//! The console's style sheet and its script, which are part of the binary. Nothing else is ever loaded.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use writ_core::code::Code;
use writ_core::digest::Digest;

use crate::problem::Failure;

const STYLE: &str = include_str!("../assets/writ.css");
const SCRIPT: &str = include_str!("../assets/writ.js");

/// Where the style sheet is: another content is another address, so that it may be kept for ever.
pub(crate) static STYLE_ADDRESS: LazyLock<String> = LazyLock::new(|| format!("/assets/writ-{}.css", mark(STYLE)));
/// Where the script is.
pub(crate) static SCRIPT_ADDRESS: LazyLock<String> = LazyLock::new(|| format!("/assets/writ.js?v={}", mark(SCRIPT)));

fn mark(content: &str) -> String {
    Digest::of_bytes(content.as_bytes()).to_string().chars().take(12).collect()
}

/// One of the two.
pub(crate) async fn asset(Path(name): Path<String>) -> Result<Response, Failure> {
    let (kind, content) = match name.as_str() {
        "writ.js" => ("text/javascript; charset=utf-8", SCRIPT),
        name if STYLE_ADDRESS.strip_prefix("/assets/") == Some(name) => ("text/css; charset=utf-8", STYLE),
        _ => {
            let message = "there is no such asset; load the page again";
            return Err(Failure::with_status(StatusCode::NOT_FOUND, Code::UnknownName, message));
        }
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, content).into_response())
}

#[cfg(test)]
mod tests {
    use super::{SCRIPT, STYLE};

    #[test]
    fn assets_are_small_and_load_nothing() {
        assert!(STYLE.len() + SCRIPT.len() < 30_000);
        for asset in [STYLE, SCRIPT] {
            for foreign in ["http://", "https://", "@import", "url(", "eval", "innerHTML", "insertAdjacent"] {
                assert!(!asset.contains(foreign), "{foreign}");
            }
        }
    }

    #[test]
    fn the_script_never_sends_a_form() {
        for act in ["submit", ".click(", "fetch(", "XMLHttpRequest", "sendBeacon"] {
            assert!(!SCRIPT.contains(act), "{act}");
        }
    }
}
