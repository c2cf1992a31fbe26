//! The resources that the suite reads.

use rmcp::ErrorData;
use rmcp::model::{ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::json;

/// A PNG of one red pixel, in Base64.
pub(crate) const IMAGE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==";
/// A WAV file without a sound, in Base64.
pub(crate) const AUDIO: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

const TEXT: &str = "test://static-text";
const BINARY: &str = "test://static-binary";
const WATCHED: &str = "test://watched-resource";
const TEMPLATE: &str = "test://template/{id}/data";

/// Those with an address of their own.
pub(crate) fn list() -> Vec<Resource> {
    let of = |uri: &str, name: &str, description: &str, kind: &str| {
        Resource::new(uri, name).with_description(description).with_mime_type(kind)
    };
    vec![
        of(TEXT, "Static text", "A text that never changes", "text/plain"),
        of(BINARY, "Static image", "An image that never changes", "image/png"),
        of(WATCHED, "Watched text", "A text that may be followed", "text/plain"),
    ]
}

/// Those with a pattern of addresses.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(TEMPLATE, "Data by id")
            .with_description("Data about one id")
            .with_mime_type("application/json"),
    ]
}

/// One of them.
pub(crate) fn read(uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let by_id = || uri.strip_prefix("test://template/")?.strip_suffix("/data");
    let contents = match (uri, by_id()) {
        (TEXT, _) => ResourceContents::text("This is the content of the static text resource.", uri),
        (BINARY, _) => ResourceContents::blob(IMAGE, uri).with_mime_type("image/png"),
        (WATCHED, _) => ResourceContents::text("This is the content of the watched resource.", uri),
        (_, Some(id)) => {
            let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            ResourceContents::text(data.to_string(), uri).with_mime_type("application/json")
        }
        _ => {
            let data = json!({ "uri": uri });
            return Err(ErrorData::resource_not_found(format!("no resource has the address `{uri}`"), Some(data)));
        }
    };
    Ok(ReadResourceResult::new(vec![contents]))
}

/// Values for an argument, of a prompt or of the template.
pub(crate) fn completions(name: &str, begun: &str) -> Vec<String> {
    let known: &[&str] = match name {
        "id" => &["1", "2", "3"],
        "arg1" | "arg2" => &["paris", "park", "party"],
        _ => &[],
    };
    known.iter().filter(|value| value.starts_with(begun)).map(|value| (*value).to_owned()).collect()
}
