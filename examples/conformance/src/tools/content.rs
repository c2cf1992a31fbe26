//! Tools that answer at once, with contents of every kind.

use rmcp::ErrorData;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ResourceContents};

use super::{argument, failed, text, unknown};
use crate::resources::{AUDIO, IMAGE};

pub(super) fn call(request: &CallToolRequestParams) -> Result<CallToolResponse, ErrorData> {
    let result = match request.name.as_ref() {
        "test_simple_text" => text("This is a simple text response for testing."),
        "test_image_content" => CallToolResult::success(vec![ContentBlock::image(IMAGE, "image/png")]),
        "test_audio_content" => CallToolResult::success(vec![ContentBlock::audio(AUDIO, "audio/wav")]),
        "test_embedded_resource" => {
            let resource = ResourceContents::text("This is an embedded resource content.", "test://embedded-resource");
            CallToolResult::success(vec![ContentBlock::resource(resource)])
        }
        "test_multiple_content_types" => {
            let resource = ResourceContents::text(r#"{"test":"data","value":123}"#, "test://mixed-content-resource");
            CallToolResult::success(vec![
                ContentBlock::text("Multiple content types test:"),
                ContentBlock::image(IMAGE, "image/png"),
                ContentBlock::resource(resource.with_mime_type("application/json")),
            ])
        }
        "test_error_handling" => failed("This tool intentionally returns an error for testing"),
        "test_custom_header" => text(argument(request, "value")),
        "json_schema_2020_12_tool" => text(format!("Noted: {}", argument(request, "name"))),
        _ => return Err(unknown(request)),
    };
    Ok(result.into())
}
