//! What integrations offer, as the operator classified it, put together with what their servers say now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use writ_core::code::Reason;
use writ_core::definition::{Ask, Integration, Problem, Resource, Template, Tool, ToolClass};
use writ_core::digest::{Digest, IntegrationIdentity};
use writ_core::event::EffectProfile;
use writ_core::value::{Field, Type};
use writ_core::visible::{visible, visible_name};

use crate::pin::{self, Absent};
use crate::upstream::{ServerDescription, UpstreamItem, UpstreamTool};
use crate::workspace::{Defined, Workspace};

/// The argument in which a worker may say why it makes a call. It is taken off before anything else.
pub(crate) const REASON_ARGUMENT: &str = "writ_reason";

/// Members of a tool's definition that pass to workers as they are, where no hidden text is in them.
const PASSED_MEMBERS: [&str; 2] = ["title", "icons"];

/// What a plan is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PlanKind {
    Tool,
    Prompt,
    /// A set of resources: its addresses, in which `*` stands for any characters.
    Resource(String),
}

/// One tool, prompt or set of resources, ready to be used.
#[derive(Debug)]
pub(crate) struct ToolPlan {
    pub(crate) kind: PlanKind,
    /// `integration.tool`, `integration.prompts/name` or `integration.resources/set`: the action's name in Cedar.
    pub(crate) full_name: String,
    /// `integration_tool`, as workers call it where the mission gives no other name.
    pub(crate) exposed_name: String,
    pub(crate) identity: IntegrationIdentity,
    /// Its name at the integration.
    pub(crate) tool: String,
    pub(crate) description: String,
    pub(crate) class: ToolClass,
    pub(crate) profile: EffectProfile,
    pub(crate) reversible: bool,
    pub(crate) headline: Option<Template>,
    /// The schema that workers see, with [`REASON_ARGUMENT`].
    pub(crate) worker_schema: Map<String, Json>,
    pub(crate) validator: jsonschema::Validator,
    pub(crate) input_type: Type,
    /// The schema of its structured result, which is enforced.
    pub(crate) output: Option<Output>,
    pub(crate) schema_digest: Digest,
    /// The whole definition, as the server gave it.
    pub(crate) definition: Json,
    /// What of the definition passes to workers as it is.
    pub(crate) more: Map<String, Json>,
    /// The labels that a run picks up with its answers.
    pub(crate) labels: BTreeSet<String>,
    /// What its server may ask the worker meanwhile.
    pub(crate) asks: BTreeSet<Ask>,
    /// Whether what it offers completes arguments.
    pub(crate) completes: bool,
}

/// The schema of a structured result.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) schema: Map<String, Json>,
    pub(crate) validator: jsonschema::Validator,
    pub(crate) ty: Type,
}

/// What integrations offer, and what of it is not what was pinned.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    pub(crate) tools: BTreeMap<String, Arc<ToolPlan>>,
    pub(crate) quarantined: BTreeMap<String, Vec<Reason>>,
}

/// Puts integrations and servers together.
pub(super) fn plan(
    workspace: &Workspace,
    servers: &BTreeMap<String, ServerDescription>,
    problems: &mut Vec<Problem>,
) -> Plans {
    let mut plans = Plans::default();
    let mut exposed: BTreeMap<String, String> = BTreeMap::new();
    for defined in &workspace.integrations {
        let snapshot = workspace.snapshots.get(&defined.value.integration);
        let mut planner = Planner { defined, snapshot, problems, plans: &mut plans, exposed: &mut exposed };
        match servers.get(&defined.value.integration) {
            Some(server) => planner.integration(server),
            // A connection that people are yet to link cannot be asked: it offers nothing until it is pinned.
            None if defined.value.offers_nothing() => planner.warning(
                format!("integration `{}` is not available, and nothing of it is named", defined.value.integration),
                "link it, then run `writ integration pin`",
                "from",
            ),
            None => planner.error(
                format!("integration `{}` is not available", defined.value.integration),
                "start it, or correct `from`; `writ integration list` says why",
                "from",
            ),
        }
    }
    plans
}

struct Planner<'a> {
    defined: &'a Defined<Integration>,
    snapshot: Option<&'a pin::Snapshot>,
    problems: &'a mut Vec<Problem>,
    plans: &'a mut Plans,
    exposed: &'a mut BTreeMap<String, String>,
}

impl Planner<'_> {
    fn error(&mut self, message: String, help: &str, needle: &str) {
        let Defined { file, text, .. } = self.defined;
        self.problems.push(Problem::error(file, message, help).at_text(text, "", needle));
    }

    fn warning(&mut self, message: String, help: &str, needle: &str) {
        let Defined { file, text, .. } = self.defined;
        self.problems.push(Problem::error(file, message, help).at_text(text, "", needle).as_warning());
    }

    fn integration(&mut self, server: &ServerDescription) {
        let integration = &self.defined.value;
        for (name, tool) in &integration.tools {
            match pin::offer(name, tool.pin.as_deref(), self.snapshot, Some(server)) {
                Ok(offer) => {
                    let plan = of_tool(integration, &offer.server, tool, &offer.tool, offer.digest);
                    self.take(name, offer.departures, plan);
                }
                Err(Absent::Tool | Absent::Server) => {
                    let known: Vec<&str> = server.tools.iter().map(|offered| offered.name.as_str()).collect();
                    self.not_offered("tool", name, &known);
                }
                Err(Absent::Digest(error)) => self.no_digest(name, &error),
            }
        }
        for (name, prompt) in &integration.prompts {
            let Some(offered) = server.prompts.iter().find(|offered| offered.name == *name) else {
                let known: Vec<&str> = server.prompts.iter().map(|offered| offered.name.as_str()).collect();
                self.not_offered("prompt", name, &known);
                continue;
            };
            let digest = match Digest::of_json(&offered.definition) {
                Ok(digest) => digest,
                Err(error) => {
                    self.no_digest(name, &error.to_string());
                    continue;
                }
            };
            let departures = self.prompt_departures(name, prompt.pin.as_deref(), offered, digest);
            let plan = of_prompt(integration, server, offered, digest);
            self.take(name, departures, plan);
        }
        for (name, resource) in &integration.resources {
            let plan = of_resource(integration, server, name, resource);
            self.take(name, Vec::new(), plan);
        }
    }

    /// How a prompt departs from its pin, with what has changed where that was kept.
    fn prompt_departures(&self, name: &str, pin: Option<&str>, offered: &UpstreamItem, digest: Digest) -> Vec<Reason> {
        if pin.is_none_or(|pin| pin == digest.to_string()) {
            return Vec::new();
        }
        let kept = self.snapshot.and_then(|snapshot| snapshot.prompts.get(name));
        let changes = kept.map(|kept| pin::difference(&kept.definition, &offered.definition)).unwrap_or_default();
        let mut reasons = pin::reasons(name, &changes);
        if reasons.is_empty() {
            let detail = format!("`{}` now has the digest {digest}", visible_name(name));
            reasons.push(Reason { set: "integration".to_owned(), policy: None, detail });
        }
        reasons
    }

    fn no_digest(&mut self, name: &str, error: &str) {
        self.error(format!("the definition of `{name}`: {error}"), "report this to the server's makers", name);
    }

    fn not_offered(&mut self, kind: &str, name: &str, known: &[&str]) {
        let message = format!("`{}` has no {kind} `{name}`", self.defined.value.integration);
        self.error(message, &format!("it has {}", known.join(", ")), name);
    }

    fn take(&mut self, name: &str, departures: Vec<Reason>, plan: Result<ToolPlan, String>) {
        let plan = match plan {
            Ok(plan) => plan,
            Err(message) => return self.error(message, "correct the entry", name),
        };
        if !departures.is_empty() {
            let told: Vec<&str> = departures.iter().map(|reason| reason.detail.as_str()).collect();
            let message = format!("`{name}` is not what was pinned: {}", told.join("; "));
            let Defined { file, text, value } = self.defined;
            let help = format!(
                "nobody can use it; read `writ integration diff`, and if it is in order, `writ integration pin FOLDER {} {name}`",
                value.integration
            );
            self.problems.push(Problem::error(file, message, help).at_text(text, "tools:", name).as_quarantine());
            self.plans.quarantined.insert(plan.full_name.clone(), departures);
        }
        if plan.kind == PlanKind::Tool
            && let Some(other) = self.exposed.insert(plan.exposed_name.clone(), plan.full_name.clone())
        {
            let message = format!("`{}` and `{other}` would have the same name for workers", plan.full_name);
            self.error(message, "rename one integration", name);
        }
        self.plans.tools.insert(plan.full_name.clone(), Arc::new(plan));
    }
}

fn of_tool(
    integration: &Integration,
    server: &str,
    tool: &Tool,
    offered: &UpstreamTool,
    schema_digest: Digest,
) -> Result<ToolPlan, String> {
    let name = &offered.name;
    let what_happens = match tool.class {
        ToolClass::Read => "Changes nothing.",
        ToolClass::Effect => {
            "Does not run at once: a person decides on exactly these arguments. The answer is a pending decision."
        }
    };
    let output = match (&offered.output_schema, &tool.result) {
        (Some(schema), _) => Some(schema.clone()),
        (None, Some(Json::Object(schema))) => Some(schema.clone()),
        (None, Some(_)) => return Err(format!("`result` of `{name}` is no JSON Schema of an object")),
        (None, None) => None,
    };
    let input = Input::new(name, &offered.input_schema)?;
    let headline =
        tool.headline.as_deref().map(Template::parse).transpose().map_err(|error| format!("`headline`: {error}"))?;
    let more = PASSED_MEMBERS.into_iter().filter_map(|member| {
        let value = offered.definition.get(member)?;
        pin::hidden_in(value).is_empty().then(|| (member.to_owned(), value.clone()))
    });
    Ok(ToolPlan {
        kind: PlanKind::Tool,
        full_name: format!("{}.{name}", integration.integration),
        exposed_name: format!("{}_{name}", integration.integration),
        identity: identity(integration, server),
        tool: name.clone(),
        description: format!("{} {what_happens}", visible(&offered.description)),
        class: tool.class,
        profile: tool.profile,
        reversible: tool.reversible,
        headline,
        worker_schema: input.with_reason(),
        validator: input.validator,
        input_type: input.ty,
        output: output.map(|schema| Output::new(name, schema)).transpose()?,
        schema_digest,
        definition: offered.definition.clone(),
        more: more.collect(),
        labels: integration.labels.union(&tool.labels).cloned().collect(),
        asks: integration.asks.clone(),
        completes: false,
    })
}

fn of_prompt(
    integration: &Integration,
    server: &ServerDescription,
    offered: &UpstreamItem,
    schema_digest: Digest,
) -> Result<ToolPlan, String> {
    let arguments = offered.definition.get("arguments").and_then(Json::as_array).cloned().unwrap_or_default();
    let named = || arguments.iter().filter_map(|argument| argument.get("name")?.as_str());
    let required: Vec<&str> = arguments
        .iter()
        .filter(|argument| argument.get("required").and_then(Json::as_bool) == Some(true))
        .filter_map(|argument| argument.get("name")?.as_str())
        .collect();
    let properties: Map<String, Json> = named().map(|name| (name.to_owned(), json!({ "type": "string" }))).collect();
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    let description = offered.definition.get("description").and_then(Json::as_str).unwrap_or_default();
    fetched(
        integration,
        server,
        PlanKind::Prompt,
        "prompts",
        &offered.name,
        description,
        &schema,
        schema_digest,
        &offered.definition,
    )
}

fn of_resource(
    integration: &Integration,
    server: &ServerDescription,
    name: &str,
    resource: &Resource,
) -> Result<ToolPlan, String> {
    let schema = json!({ "type": "object", "properties": { "uri": { "type": "string" } }, "required": ["uri"] });
    let definition = json!({ "uri": resource.uri });
    let digest = Digest::of_json(&definition).map_err(|error| error.to_string())?;
    let kind = PlanKind::Resource(resource.uri.clone());
    fetched(integration, server, kind, "resources", name, "", &schema, digest, &definition)
}

#[expect(clippy::too_many_arguments, reason = "the parts of one plan")]
fn fetched(
    integration: &Integration,
    server: &ServerDescription,
    kind: PlanKind,
    kinds: &str,
    name: &str,
    description: &str,
    schema: &Json,
    schema_digest: Digest,
    definition: &Json,
) -> Result<ToolPlan, String> {
    let input = Input::new(name, schema.as_object().unwrap_or(&Map::new()))?;
    Ok(ToolPlan {
        kind,
        full_name: format!("{}.{kinds}/{name}", integration.integration),
        exposed_name: format!("{}_{name}", integration.integration),
        identity: identity(integration, &server.server),
        tool: name.to_owned(),
        description: visible(description),
        class: ToolClass::Read,
        profile: EffectProfile::Opaque,
        reversible: false,
        headline: None,
        worker_schema: input.schema.clone(),
        validator: input.validator,
        input_type: input.ty,
        output: None,
        schema_digest,
        definition: definition.clone(),
        more: Map::new(),
        labels: integration.labels.clone(),
        asks: integration.asks.clone(),
        completes: server.completes,
    })
}

fn identity(integration: &Integration, server: &str) -> IntegrationIdentity {
    IntegrationIdentity { name: integration.integration.clone(), server: server.to_owned() }
}

/// The arguments of a call.
struct Input {
    schema: Map<String, Json>,
    validator: jsonschema::Validator,
    ty: Type,
}

impl Input {
    fn new(name: &str, schema: &Map<String, Json>) -> Result<Self, String> {
        let schema = closed(schema);
        let validator = jsonschema::validator_for(&Json::Object(schema.clone()))
            .map_err(|error| format!("the input schema of `{name}` cannot be used: {error}"))?;
        let ty = Type::from_json_schema(&Json::Object(schema.clone())).unwrap_or_else(|| Type::Record(BTreeMap::new()));
        Ok(Self { schema, validator, ty })
    }

    fn with_reason(&self) -> Map<String, Json> {
        let mut schema = pin::visible_schema(&self.schema);
        if let Some(Json::Object(properties)) = schema.get_mut("properties") {
            properties.insert(
                REASON_ARGUMENT.to_owned(),
                json!({ "type": "string", "maxLength": 2000, "description": "Why you make this call, in plain words for the person who decides. Optional." }),
            );
        }
        schema
    }
}

impl Output {
    fn new(name: &str, schema: Map<String, Json>) -> Result<Self, String> {
        let validator = jsonschema::validator_for(&Json::Object(schema.clone()))
            .map_err(|error| format!("the schema of the result of `{name}` cannot be used: {error}"))?;
        let ty = Type::from_json_schema(&Json::Object(schema.clone())).unwrap_or_else(|| Type::Record(BTreeMap::new()));
        Ok(Self { schema, validator, ty })
    }

    /// The type of `context.result`: what a condition may speak of.
    pub(crate) fn field(&self) -> Field {
        Field { ty: self.ty.clone(), required: true }
    }
}

/// The schema with unknown arguments refused: what a condition cannot read must not slip through unseen.
fn closed(schema: &Map<String, Json>) -> Map<String, Json> {
    let mut closed = schema.clone();
    closed.entry("type").or_insert_with(|| json!("object"));
    closed.entry("properties").or_insert_with(|| json!({}));
    closed.insert("additionalProperties".to_owned(), Json::Bool(false));
    closed
}
