//! The prompts that the suite gets.

use rmcp::model::{
    ContentBlock, GetPromptRequestParams, GetPromptResponse, GetPromptResult, JsonObject, Prompt, PromptArgument,
    PromptMessage, ResourceContents, Role,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;

use crate::questions::{Asked, ask, elicit_one, questions, said};
use crate::resources::IMAGE;

/// All of them.
pub(crate) fn list() -> Vec<Prompt> {
    let required =
        |name: &str, description: &str| PromptArgument::new(name).with_description(description).with_required(true);
    vec![
        Prompt::new("test_simple_prompt", Some("A prompt without arguments"), None),
        Prompt::new(
            "test_prompt_with_arguments",
            Some("A prompt that repeats its arguments"),
            Some(vec![required("arg1", "The first text"), required("arg2", "The second text")]),
        ),
        Prompt::new(
            "test_prompt_with_embedded_resource",
            Some("A prompt that holds a resource"),
            Some(vec![required("resourceUri", "The address that the resource is given")]),
        ),
        Prompt::new("test_prompt_with_image", Some("A prompt that holds an image"), None),
        Prompt::new("test_input_required_result_prompt", Some("A prompt that asks for its context first"), None),
    ]
}

/// One of them, filled in.
pub(crate) async fn get(
    request: GetPromptRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<GetPromptResponse, ErrorData> {
    let arguments = request.arguments.unwrap_or_default();
    let result = match request.name.as_str() {
        "test_simple_prompt" => spoken([ContentBlock::text("This is a simple prompt for testing.")]),
        "test_prompt_with_arguments" => {
            let (first, second) = (text(&arguments, "arg1"), text(&arguments, "arg2"));
            spoken([ContentBlock::text(format!("Prompt with arguments: arg1='{first}', arg2='{second}'"))])
        }
        "test_prompt_with_embedded_resource" => {
            let resource =
                ResourceContents::text("Embedded resource content for testing.", text(&arguments, "resourceUri"));
            spoken([
                ContentBlock::resource(resource),
                ContentBlock::text("Please process the embedded resource above."),
            ])
        }
        "test_prompt_with_image" => {
            spoken([ContentBlock::image(IMAGE, "image/png"), ContentBlock::text("Please analyze the image above.")])
        }
        "test_input_required_result_prompt" => {
            let question = elicit_one("What context should the prompt use?", "context", "string")?;
            match ask(context, request.input_responses.as_ref(), questions([("user_context", question)])).await? {
                Asked::Open(open) => return Ok(open.into()),
                Asked::Answered(answers) => {
                    let given = said(&answers, "user_context", "/content/context");
                    spoken([ContentBlock::text(format!("Use this context: {given}"))])
                }
            }
        }
        name => return Err(ErrorData::invalid_params(format!("no prompt is called `{name}`"), None)),
    };
    Ok(result.into())
}

fn spoken<const N: usize>(contents: [ContentBlock; N]) -> GetPromptResult {
    GetPromptResult::new(contents.into_iter().map(|content| PromptMessage::new(Role::User, content)).collect())
}

fn text<'a>(arguments: &'a JsonObject, name: &str) -> &'a str {
    arguments.get(name).and_then(Value::as_str).unwrap_or_default()
}
