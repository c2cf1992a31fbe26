//! What a worker does in each scenario of the suite's client half, and what Writ has to be told for it.

use serde_json::{Map, Value, json};

use super::super::workspace::Desk;

/// The client id that the suite expects of a client with a metadata document: the address of that document.
const METADATA_DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";
/// Where the secret of a client is kept that is registered already.
const SECRET_FILE: &str = "client-secret";
/// The one tool of the `auth/*` scenarios.
const GUARDED_TOOL: &str = "test-tool";
/// Money is exact to four places in Writ, and other numbers are held to the same.
const PLACES: f64 = 10_000.0;

/// One scenario.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) desk: Desk,
    pub(super) steps: Vec<Step>,
    /// Whether the integration takes a person's own link.
    pub(super) is_personal: bool,
}

/// One thing that the worker does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Call {
        tool: String,
        arguments: Value,
    },
    /// A call that is asked something, with a call of another tool before the answer.
    CallWithAnotherBetween {
        tool: String,
        other: String,
    },
    Prompt(String),
    Resource(String),
}

impl Plan {
    pub(super) fn of(scenario: &str, revision: &str, url: &str, context: &Value) -> Result<Self, String> {
        let mut plan = match scenario.strip_prefix("auth/") {
            Some(scenario) => guarded(scenario, revision, context)?,
            None => open(scenario, context)?,
        };
        plan.desk.url = url.to_owned();
        Ok(plan)
    }
}

/// A scenario in which anybody may use the server.
fn open(scenario: &str, context: &Value) -> Result<Plan, String> {
    let mut desk = Desk::default();
    let steps = match scenario {
        // Writ introduces itself and looks at what there is, which is all that is wanted.
        "initialize" | "request-metadata" | "json-schema-ref-no-deref" => Vec::new(),
        "tools_call" => vec![call("add_numbers", json!({ "a": 2, "b": 3 }))],
        "elicitation-sep1034-client-defaults" => vec![call("test_client_elicitation_defaults", json!({}))],
        "sse-retry" => vec![call("test_reconnection", json!({}))],
        "sep-2322-client-request-state" => vec![
            Step::CallWithAnotherBetween {
                tool: "test_mrtr_echo_state".to_owned(),
                other: "test_mrtr_unrelated".to_owned(),
            },
            call("test_mrtr_no_state", json!({})),
            call("test_mrtr_no_result_type", json!({})),
        ],
        "http-standard-headers" => {
            desk.prompts = vec!["test_prompt".to_owned()];
            desk.resources = vec![("files", "file:///*"), ("pages", "https://example.com/*")];
            vec![
                call("test_headers", json!({})),
                call("my-hyphenated-tool", json!({})),
                Step::Prompt("test_prompt".to_owned()),
                Step::Resource("file:///path/to/file%20name.txt".to_owned()),
                Step::Resource("https://example.com/resource?id=123".to_owned()),
            ]
        }
        "http-custom-headers" => as_told(context)?,
        // The tools beside it have headers that no client may send, so they are not classified and cannot be called.
        "http-invalid-tool-headers" => vec![call("valid_tool", json!({ "region": "us-west1" }))],
        _ => return Err(format!("there is no plan for the scenario `{scenario}`")),
    };
    desk.reads = steps.iter().flat_map(tools).collect();
    Ok(Plan { desk, steps, is_personal: false })
}

/// A scenario in which the server wants an access token.
fn guarded(scenario: &str, revision: &str, context: &Value) -> Result<Plan, String> {
    let told = |name: &str| {
        let text = context.get(name).and_then(Value::as_str);
        text.map(str::to_owned).ok_or_else(|| format!("the suite's context has no `{name}`"))
    };
    let mut desk = Desk { reads: vec![GUARDED_TOOL.to_owned()], ..Desk::default() };
    let is_personal = scenario != "client-credentials-basic";
    let mut oauth = json!({ "grant": if is_personal { "person" } else { "client_credentials" } });
    if let Some(oauth) = oauth.as_object_mut() {
        match scenario {
            "basic-cimd" => _ = oauth.insert("client_id".to_owned(), Value::from(METADATA_DOCUMENT)),
            "pre-registration" | "client-credentials-basic" => {
                oauth.insert("client_id".to_owned(), Value::from(told("client_id")?));
                oauth.insert("client_secret".to_owned(), json!({ "file": SECRET_FILE }));
                desk.files = vec![(SECRET_FILE, told("client_secret")?)];
            }
            _ => {}
        }
    }
    desk.credential = Some(json!({ "oauth": oauth }));
    if is_personal {
        // Nobody has linked it when Writ starts, so what it offers is taken from what was pinned.
        let server =
            if revision < "2026-07-28" { "auth-prm-pathbased-server 1.0.0" } else { "conformance-mock-server 1.0.0" };
        let tool = json!({ "name": GUARDED_TOOL, "inputSchema": { "type": "object" } });
        desk.known = Some((server.to_owned(), vec![tool]));
    }
    Ok(Plan { desk, steps: vec![call(GUARDED_TOOL, json!({}))], is_personal })
}

/// The calls that the suite wants made, with its own values.
fn as_told(context: &Value) -> Result<Vec<Step>, String> {
    let calls = context.get("toolCalls").and_then(Value::as_array).ok_or("the suite's context has no `toolCalls`")?;
    let step = |told: &Value| -> Result<Step, String> {
        let tool = told.get("name").and_then(Value::as_str).ok_or("a call without a name")?;
        let arguments = told.get("arguments").and_then(Value::as_object).ok_or("a call without arguments")?;
        // An argument that is null is one that is not given: the schemas allow no null.
        let given: Map<String, Value> = arguments
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), in_four_places(value)))
            .collect();
        Ok(call(tool, Value::Object(given)))
    };
    calls.iter().map(step).collect()
}

fn in_four_places(value: &Value) -> Value {
    match value.as_f64() {
        Some(number) if value.is_f64() => Value::from((number * PLACES).round() / PLACES),
        _ => value.clone(),
    }
}

fn call(tool: &str, arguments: Value) -> Step {
    Step::Call { tool: tool.to_owned(), arguments }
}

fn tools(step: &Step) -> Vec<String> {
    match step {
        Step::Call { tool, .. } => vec![tool.clone()],
        Step::CallWithAnotherBetween { tool, other } => vec![tool.clone(), other.clone()],
        Step::Prompt(_) | Step::Resource(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_suite_become_what_writ_can_hold() {
        let arguments = json!({ "region": "us-east1", "priority": 1, "verbose": null, "float_val": 2.34567 });
        let context = json!({ "toolCalls": [{ "name": "some", "arguments": arguments }] });
        let plan = Plan::of("http-custom-headers", "2026-07-28", "http://localhost:1", &context).unwrap();
        let expected = json!({ "region": "us-east1", "priority": 1, "float_val": 2.3457 });
        assert_eq!(plan.steps, [call("some", expected)]);
        assert_eq!(plan.desk.reads, ["some"]);
    }

    #[test]
    fn a_client_that_is_registered_already_brings_its_secret_in_a_file() {
        let context = json!({ "client_id": "known", "client_secret": "hidden" });
        let plan = Plan::of("auth/pre-registration", "2025-11-25", "http://localhost:1/mcp", &context).unwrap();
        assert!(plan.is_personal);
        let credential = plan.desk.credential.unwrap();
        assert_eq!(credential["oauth"]["client_secret"], json!({ "file": "client-secret" }));
        assert!(!credential.to_string().contains("hidden"));
        assert_eq!(plan.desk.files, [("client-secret", "hidden".to_owned())]);
        assert!(Plan::of("auth/pre-registration", "2025-11-25", "http://localhost:1/mcp", &Value::Null).is_err());
    }

    #[test]
    fn an_unknown_scenario_has_no_plan() {
        assert!(Plan::of("something-new", "2026-07-28", "http://localhost:1", &Value::Null).is_err());
    }
}
