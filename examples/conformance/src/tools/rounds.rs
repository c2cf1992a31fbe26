//! Tools that go on only after one or more rounds of questions (SEP-2322), some of which keep their state with the
//! caller.
//!
//! A state is sealed, so that a caller can give back no other than it got. Clients of older revisions are asked by
//! requests, in which there is no state.

use rmcp::model::{CallToolRequestParams, CallToolResponse, InputRequest, InputRequests, InputRequiredResult};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;

use super::{text, unknown};
use crate::fixture::Fixture;
use crate::questions::{Asked, answer, ask, asks_in_results, elicit_one, questions, roots, said, sampling};

const NAME: &str = "user_name";
const GREETING: &str = "greeting";
const ROOTS: &str = "client_roots";

pub(super) async fn call(
    fixture: &Fixture,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let given = request.input_responses.as_ref();
    let asked = match request.name.as_ref() {
        "test_input_required_result_elicitation" => ask(context, given, questions([(NAME, name()?)])).await?,
        "test_input_required_result_sampling" => {
            ask(context, given, questions([("capital_question", sampling("What is the capital of France?")?)])).await?
        }
        "test_input_required_result_list_roots" => ask(context, given, questions([(ROOTS, roots()?)])).await?,
        "test_input_required_result_multiple_inputs" => {
            let all = questions([(NAME, name()?), (GREETING, sampling("Generate a greeting")?), (ROOTS, roots()?)]);
            with_state(fixture, request, context, all).await?
        }
        "test_input_required_result_request_state" | "test_input_required_result_tampered_state" => {
            let confirm = elicit_one("Please confirm", "ok", "boolean")?;
            with_state(fixture, request, context, questions([("confirm", confirm)])).await?
        }
        "test_input_required_result_multi_round" => rounds(fixture, request, context).await?,
        "test_input_required_result_capabilities" => ask(context, given, answerable(context)?).await?,
        _ => return Err(unknown(request)),
    };
    Ok(match asked {
        Asked::Open(open) => open.into(),
        Asked::Answered(answers) => match request.name.as_ref() {
            "test_input_required_result_elicitation" => {
                text(format!("Hello, {}!", said(&answers, NAME, "/content/name"))).into()
            }
            "test_input_required_result_sampling" => {
                text(format!("The model says: {}", said(&answers, "capital_question", "/content/text"))).into()
            }
            "test_input_required_result_list_roots" => {
                let roots = answer(&answers, ROOTS).and_then(|answer| answer.get("roots")).unwrap_or(&Value::Null);
                text(format!("The client's folders: {roots}")).into()
            }
            _ => text("Every round is complete: state-ok").into(),
        },
    })
}

fn name() -> Result<InputRequest, ErrorData> {
    elicit_one("What is your name?", "name", "string")
}

/// Asks, and wants the state of the first round back with the answers.
async fn with_state(
    fixture: &Fixture,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
    questions: InputRequests,
) -> Result<Asked, ErrorData> {
    let round = round(fixture, request)?;
    let asked = ask(context, request.input_responses.as_ref().filter(|_| round.is_some()), questions).await?;
    match asked {
        Asked::Open(open) => sealed(fixture, open, 1),
        answered @ Asked::Answered(_) => Ok(answered),
    }
}

/// Asks for a name, then for a colour.
async fn rounds(
    fixture: &Fixture,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<Asked, ErrorData> {
    let first = questions([("step1", elicit_one("Step 1: What is your name?", "name", "string")?)]);
    let second = questions([("step2", elicit_one("Step 2: What is your favorite color?", "color", "string")?)]);
    if !asks_in_results(context) {
        ask(context, None, first).await?;
        return ask(context, None, second).await;
    }
    let given = request.input_responses.as_ref();
    if round(fixture, request)? == Some(2) {
        return match ask(context, given, second).await? {
            Asked::Open(open) => sealed(fixture, open, 2),
            answered @ Asked::Answered(_) => Ok(answered),
        };
    }
    let begun = given.filter(|_| request.request_state.is_some());
    match ask(context, begun, first).await? {
        Asked::Open(open) => sealed(fixture, open, 1),
        Asked::Answered(_) => sealed(fixture, InputRequiredResult::from_input_requests(second), 2),
    }
}

/// The questions that the client says it can answer.
fn answerable(context: &RequestContext<RoleServer>) -> Result<InputRequests, ErrorData> {
    let declared = context.client_capabilities().unwrap_or_default();
    let mut questions = InputRequests::new();
    if declared.elicitation.is_some() {
        questions.insert(NAME.to_owned(), name()?);
    }
    if declared.sampling.is_some() {
        questions.insert(GREETING.to_owned(), sampling("Generate a greeting")?);
    }
    if declared.roots.is_some() {
        questions.insert(ROOTS.to_owned(), roots()?);
    }
    Ok(questions)
}

/// The round that a call belongs to, where it brings a state along.
fn round(fixture: &Fixture, request: &CallToolRequestParams) -> Result<Option<u64>, ErrorData> {
    let Some(state) = request.request_state.as_deref() else { return Ok(None) };
    let opened = fixture.states.open_json(state);
    opened.map(Some).map_err(|_| ErrorData::invalid_params("the request state is not one of this server's", None))
}

fn sealed(fixture: &Fixture, open: InputRequiredResult, round: u64) -> Result<Asked, ErrorData> {
    let state = fixture.states.seal_json(&round);
    let state = state.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    Ok(Asked::Open(InputRequiredResult::new(open.input_requests, Some(state))))
}
