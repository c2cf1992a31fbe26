//! One mission, checked and compiled.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use writ_core::definition::{
    Act as ActDefinition, MissionDefinition, MissionStatement, Part, Problem, Template, ToolClass, parse_duration,
};
use writ_core::digest::Digest;
use writ_core::event::Limits;
use writ_core::policy::{PolicySource, Question, SetKind};
use writ_core::value::{Field, Type};
use writ_knowledge::{Catalog, Fact};

use super::schema::{self, entity_kind, value_type};
use super::tool::{PlanKind, ToolPlan};
use super::{Policies, cedar_problem};
use crate::workspace::{Defined, Workspace};

/// The longest name of a tool for workers (MCP, SEP-986).
const NAME_BYTES_MAX: usize = 64;

/// A mission, ready for runs.
#[derive(Debug)]
pub(crate) struct Mission {
    pub(crate) definition: MissionDefinition,
    pub(crate) version: Digest,
    pub(crate) policies: Policies,
    pub(crate) params: BTreeMap<String, Type>,
    pub(crate) bind: Vec<(String, Fact)>,
    /// Tools, by the name that workers call.
    pub(crate) acts: HashMap<String, Arc<Act>>,
    /// Prompts, by the name that workers ask for.
    pub(crate) prompts: BTreeMap<String, Arc<Act>>,
    /// Sets of resources, by their actions.
    pub(crate) resources: BTreeMap<String, Arc<Act>>,
    pub(crate) verdict: jsonschema::Validator,
    pub(crate) duration_milliseconds: i64,
    pub(crate) limits: Limits,
    /// All tables that facts read.
    pub(crate) fact_tables: Vec<String>,
}

impl Mission {
    /// Everything that a run may call or fetch.
    pub(crate) fn all_acts(&self) -> impl Iterator<Item = &Arc<Act>> {
        self.acts.values().chain(self.prompts.values()).chain(self.resources.values())
    }

    /// The act of an action, such as `shop.refund_payment`.
    pub(crate) fn act_of(&self, action: &str) -> Option<&Arc<Act>> {
        self.all_acts().find(|act| act.tool.full_name == action)
    }
}

/// A tool, prompt or set of resources as a mission may use it.
#[derive(Debug)]
pub(crate) struct Act {
    pub(crate) tool: Arc<ToolPlan>,
    /// The name by which workers call it.
    pub(crate) name: String,
    /// Whether the mission has a condition over the result.
    pub(crate) ensures: bool,
    /// The fields of the result that pass; all, where none is named.
    pub(crate) project: Vec<String>,
    pub(crate) condition: String,
    pub(crate) facts: Vec<(String, Fact)>,
    pub(crate) approvals: u32,
    pub(crate) within_milliseconds: i64,
    pub(crate) effect_key: Option<Template>,
    pub(crate) headline: Option<Template>,
    pub(crate) show: Vec<(String, Template)>,
}

impl Act {
    /// Whether the mission says something about results: then nothing that an integration says gets round it.
    pub(crate) fn looks_at_results(&self) -> bool {
        self.ensures || !self.project.is_empty()
    }
}

/// What a mission is checked against.
pub(super) struct Surroundings<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) catalog: &'a Catalog,
    pub(super) tools: &'a BTreeMap<String, Arc<ToolPlan>>,
    pub(super) entitlements: Option<&'a Policies>,
    pub(super) guardrails: Option<&'a Policies>,
}

/// Collects problems of one mission's file.
struct Report<'a> {
    defined: &'a Defined<MissionDefinition>,
    problems: &'a mut Vec<Problem>,
}

impl Report<'_> {
    fn error(&mut self, message: impl Into<String>, help: impl Into<String>, after: &str, needle: &str) {
        let problem = Problem::error(&self.defined.file, message, help).at_text(&self.defined.text, after, needle);
        self.problems.push(problem);
    }

    fn warning(&mut self, message: impl Into<String>, help: impl Into<String>, after: &str, needle: &str) {
        let problem = Problem::error(&self.defined.file, message, help).at_text(&self.defined.text, after, needle);
        self.problems.push(problem.as_warning());
    }
}

/// Checks and compiles a mission. Nothing where it has errors, all of which are reported.
pub(super) fn plan(
    around: &Surroundings<'_>,
    defined: &Defined<MissionDefinition>,
    problems: &mut Vec<Problem>,
) -> Option<Mission> {
    let before = problems.len();
    let definition = &defined.value;
    let mut report = Report { defined, problems };
    if !around.workspace.people.value.workers.contains_key(&definition.worker) {
        report.error(
            format!("there is no worker `{}`", definition.worker),
            "add it under `workers` in people.yaml",
            "worker:",
            &definition.worker,
        );
    }
    check_reads(around, definition, &mut report);
    check_params(definition, &mut report);
    let params: BTreeMap<String, Type> =
        definition.params.iter().map(|(name, ty)| (name.clone(), value_type(*ty))).collect();
    let mut mission_type: BTreeMap<String, Field> =
        params.iter().map(|(name, ty)| (name.clone(), Field { ty: ty.clone(), required: true })).collect();
    mission_type.insert("name".to_owned(), Field { ty: Type::String, required: true });
    let bind = plan_binds(around, definition, &params, &mut mission_type, &mut report);
    let acts = plan_acts(around, definition, &mission_type, &mut report);
    let policies = plan_policies(around, definition, &mission_type, &acts, &mut report);
    let verdict = jsonschema::validator_for(&definition.verdict)
        .map_err(|error| {
            report.error(
                format!("the verdict's schema cannot be used: {error}"),
                "write a JSON Schema",
                "verdict",
                "verdict",
            )
        })
        .ok();
    let duration_milliseconds = parse_duration(&definition.limits.duration);
    if duration_milliseconds.is_none() {
        report.error(
            format!("`{}` is no length of time", definition.limits.duration),
            "write for example `30m` or `4h`",
            "limits",
            &definition.limits.duration,
        );
    }
    let failed =
        report.problems.iter().skip(before).any(|problem| problem.severity == writ_core::definition::Severity::Error);
    if failed {
        return None;
    }
    let mut calls = HashMap::new();
    let (mut prompts, mut resources) = (BTreeMap::new(), BTreeMap::new());
    for (action, act) in acts {
        let act = Arc::new(act);
        match act.tool.kind {
            PlanKind::Tool => _ = calls.insert(act.name.clone(), act),
            PlanKind::Prompt => _ = prompts.insert(act.name.clone(), act),
            PlanKind::Resource(_) => _ = resources.insert(action, act),
        }
    }
    let all = || calls.values().chain(prompts.values()).chain(resources.values());
    let facts = all()
        .flat_map(|act: &Arc<Act>| act.facts.iter().map(|(_, fact)| fact))
        .chain(bind.iter().map(|(_, fact)| fact));
    let mut fact_tables: Vec<String> = facts.flat_map(|fact| fact.tables().iter().map(ToString::to_string)).collect();
    fact_tables.sort();
    fact_tables.dedup();
    Some(Mission {
        version: definition.version(),
        policies: policies?,
        params,
        bind,
        acts: calls,
        prompts,
        resources,
        verdict: verdict?,
        duration_milliseconds: duration_milliseconds?,
        limits: Limits {
            reads_max: definition.limits.reads,
            rows_max: definition.limits.rows,
            proposals_max: definition.limits.proposals,
        },
        fact_tables,
        definition: definition.clone(),
    })
}

fn check_reads(around: &Surroundings<'_>, definition: &MissionDefinition, report: &mut Report<'_>) {
    let mut seen = Vec::new();
    for read in &definition.read {
        let Some(name) = read.name() else {
            report.error("a read names either `table` or `docs`", "name one of them", "read:", "- ");
            continue;
        };
        if seen.contains(&name) {
            report.error(
                format!("`{name}` is read twice"),
                "put its columns and conditions into one entry",
                "read:",
                name,
            );
        }
        seen.push(name);
        let Some(table) = around.catalog.table(name) else {
            let known: Vec<String> = around.catalog.tables().map(writ_knowledge::CatalogTable::full_name).collect();
            report.error(
                format!("there is no table `{name}`"),
                format!("there are {}", known.join(", ")),
                "read:",
                name,
            );
            continue;
        };
        if read.columns.is_empty() && read.table.is_some() {
            report.error(
                format!("no columns of `{name}` are named"),
                "name the columns that the worker needs",
                name,
                name,
            );
        }
        let known: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        for column in read.columns.iter().chain(read.mask.keys()) {
            if !known.contains(&column.as_str()) {
                report.error(
                    format!("`{name}` has no column `{column}`"),
                    format!("it has {}", known.join(", ")),
                    name,
                    column,
                );
            }
        }
        for column in read.mask.keys().filter(|column| !read.columns.contains(column)) {
            report.error(
                format!("`{column}` is masked but not among the columns"),
                "add it to `columns`, or drop the mask",
                name,
                column,
            );
        }
    }
}

fn check_params(definition: &MissionDefinition, report: &mut Report<'_>) {
    let conditions = definition
        .read
        .iter()
        .filter_map(|read| read.condition.as_deref())
        .chain(definition.act.iter().map(|act| act.when.as_str()));
    let queries =
        definition.bind.values().chain(definition.act.iter().flat_map(|act| act.facts.values())).map(String::as_str);
    let everything: Vec<&str> = conditions.chain(queries).collect();
    for name in definition.params.keys() {
        let used = everything
            .iter()
            .any(|text| text.contains(&format!("${name}")) || text.contains(&format!("mission.{name}")));
        if !used {
            report.warning(
                format!("the parameter `{name}` is not used"),
                "use it in `bind`, `where`, `facts` or `when`, or drop it",
                "params",
                name,
            );
        }
        if definition.bind.contains_key(name) {
            report.error(format!("`{name}` is a parameter and is bound as well"), "rename one of them", "bind", name);
        }
    }
}

fn plan_binds(
    around: &Surroundings<'_>,
    definition: &MissionDefinition,
    params: &BTreeMap<String, Type>,
    mission_type: &mut BTreeMap<String, Field>,
    report: &mut Report<'_>,
) -> Vec<(String, Fact)> {
    let mut parameters: Vec<(String, Type)> = params.iter().map(|(name, ty)| (name.clone(), ty.clone())).collect();
    parameters.push(("person".to_owned(), Type::String));
    let mut bind = Vec::new();
    for (name, sql) in &definition.bind {
        match Fact::compile(sql, around.catalog, &parameters) {
            Ok(fact) => {
                mission_type.insert(name.clone(), Field { ty: fact.result_type().clone(), required: true });
                bind.push((name.clone(), fact));
            }
            Err(error) => report.error(
                format!("`{name}`: {error}"),
                "write one SELECT of one value, with `$` before parameters",
                "bind",
                name,
            ),
        }
    }
    bind
}

fn plan_acts(
    around: &Surroundings<'_>,
    definition: &MissionDefinition,
    mission_type: &BTreeMap<String, Field>,
    report: &mut Report<'_>,
) -> BTreeMap<String, Act> {
    let mut acts = BTreeMap::new();
    for act in &definition.act {
        let written = act.written();
        let Some(action) = act.action() else {
            report.error(
                "an act names one of `tool`, `prompt` and `resource`, as `integration.name`",
                "name exactly one of them",
                "act:",
                if written.is_empty() { "- " } else { written },
            );
            continue;
        };
        let Some(tool) = around.tools.get(&action) else {
            let known: Vec<&str> = around.tools.keys().map(String::as_str).collect();
            report.error(
                format!("there is no tool `{action}`"),
                format!("there are {}", known.join(", ")),
                "act:",
                written,
            );
            continue;
        };
        check_result(act, tool, report);
        let name = act.alias.clone().unwrap_or_else(|| tool.exposed_name.clone());
        let is_name = |text: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
            !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.bytes().all(allowed)
        };
        if !is_name(&name) {
            report.error(
                format!("`{name}` is no name for workers"),
                format!("use at most {NAME_BYTES_MAX} letters, digits and `_`, `-`, `.`, `/` in `as`"),
                "act:",
                written,
            );
        }
        let taken = |other: &Act| other.name == name && other.tool.kind == tool.kind;
        if tool.kind == PlanKind::Tool && crate::worker::is_builtin(&name) || acts.values().any(taken) {
            report.error(format!("the name `{name}` is taken"), "give another name with `as`", "act:", written);
        }
        let mut parameters = vec![("person".to_owned(), Type::String)];
        parameters.extend(mission_type.iter().map(|(name, field)| (format!("mission.{name}"), field.ty.clone())));
        flatten("input", &tool.input_type, &mut parameters);
        let mut facts = Vec::new();
        for (name, sql) in &act.facts {
            match Fact::compile(sql, around.catalog, &parameters) {
                Ok(fact) => facts.push((name.clone(), fact)),
                Err(error) => report.error(
                    format!("fact `{name}`: {error}"),
                    "write one SELECT of one value over the workspace's tables",
                    written,
                    name,
                ),
            }
        }
        let (approvals, within_milliseconds) = match (tool.class, &act.need) {
            (ToolClass::Read, None) => (0, 0),
            (ToolClass::Read, Some(_)) => {
                report.error(
                    format!("`{}` is a read, which needs no approval", written),
                    "drop `need`",
                    written,
                    "need",
                );
                (0, 0)
            }
            (ToolClass::Effect, None) => {
                report.error(
                    format!("`{}` is an effect and says no `need`", written),
                    "add `need: { approvals: 1, within: 4h }`",
                    written,
                    written,
                );
                (1, 0)
            }
            (ToolClass::Effect, Some(need)) => {
                if need.approvals == 0 {
                    report.error("an effect needs at least one approval", "set `approvals: 1`", written, "approvals");
                }
                let within = parse_duration(&need.within);
                if within.is_none() {
                    report.error(
                        format!("`{}` is no length of time", need.within),
                        "write for example `4h`",
                        written,
                        &need.within,
                    );
                }
                (need.approvals, within.unwrap_or(0))
            }
        };
        let mut template = |text: &str| match Template::parse(text) {
            Ok(template) => {
                for place in template.places() {
                    if let Err(missing) = check_place(place, &tool.input_type, &act.facts, mission_type) {
                        report.error(
                            format!("`{{{}}}` has no value: {missing}", place.join(".")),
                            "name an argument, fact or parameter",
                            written,
                            text,
                        );
                    }
                }
                Some(template)
            }
            Err(error) => {
                report.error(error.to_string(), "write places as `{input.name}`", written, text);
                None
            }
        };
        let effect_key = act.effect_key.as_deref().and_then(&mut template);
        let headline = act.headline.as_deref().and_then(&mut template);
        let show = act.show.iter().filter_map(|(label, text)| Some((label.clone(), template(text)?))).collect();
        let planned = Act {
            tool: tool.clone(),
            name,
            ensures: act.ensure.is_some(),
            project: act.project.clone(),
            condition: act.when.clone(),
            facts,
            approvals,
            within_milliseconds,
            effect_key,
            headline,
            show,
        };
        if acts.insert(action, planned).is_some() {
            report.error(
                format!("`{}` stands twice", written),
                "put its conditions into one entry, joined by `||`",
                "act:",
                written,
            );
        }
    }
    acts
}

/// What a mission says about a result must be about a read whose result has a known form.
fn check_result(act: &ActDefinition, tool: &ToolPlan, report: &mut Report<'_>) {
    if act.ensure.is_none() && act.project.is_empty() {
        return;
    }
    let written = act.written();
    if tool.class == ToolClass::Effect || tool.kind != PlanKind::Tool {
        report.error(
            format!("`{written}` is no read of a tool, so nothing can be said about its result"),
            "drop `ensure` and `project`",
            written,
            written,
        );
    } else if tool.output.is_none() {
        report.error(
            format!("the server declares no form for the result of `{written}`"),
            "write its JSON Schema into the integration's file, as `result` of the tool",
            written,
            written,
        );
    }
}

fn check_place(
    place: &[String],
    input: &Type,
    facts: &BTreeMap<String, String>,
    mission: &BTreeMap<String, Field>,
) -> Result<(), String> {
    let (Some(root), Some(name)) = (place.first(), place.get(1)) else { return Err("it names nothing".to_owned()) };
    let known = match root.as_str() {
        "input" => place
            .iter()
            .skip(1)
            .try_fold(input, |ty, name| match ty {
                Type::Record(fields) => fields.get(name).map(|field| &field.ty),
                _ => None,
            })
            .is_some(),
        "facts" => facts.contains_key(name),
        _ => mission.contains_key(name),
    };
    if known { Ok(()) } else { Err(format!("there is no `{}`", place.join("."))) }
}

/// The scalar fields of a record, as dotted names.
fn flatten(prefix: &str, ty: &Type, into: &mut Vec<(String, Type)>) {
    match ty {
        Type::Record(fields) => {
            fields.iter().for_each(|(name, field)| flatten(&format!("{prefix}.{name}"), &field.ty, into))
        }
        scalar if scalar.is_scalar() => into.push((prefix.to_owned(), scalar.clone())),
        _ => {}
    }
}

fn plan_policies(
    around: &Surroundings<'_>,
    definition: &MissionDefinition,
    mission_type: &BTreeMap<String, Field>,
    acts: &BTreeMap<String, Act>,
    report: &mut Report<'_>,
) -> Option<Policies> {
    let people = &around.workspace.people.value;
    let mut builder = schema::base(around.workspace, around.catalog, around.tools);
    schema::read_action(&mut builder, people, around.catalog, mission_type);
    for tool in around.tools.values() {
        let act = acts.get(&tool.full_name);
        let facts: Option<BTreeMap<String, Field>> = act.map(|act| {
            act.facts
                .iter()
                .map(|(name, fact)| (name.clone(), Field { ty: fact.result_type().clone(), required: true }))
                .collect()
        });
        let facts = facts.unwrap_or_default();
        schema::tool_action(&mut builder, people, tool, mission_type, Some(facts.clone()));
        if act.is_some_and(|act| act.ensures)
            && let Some(output) = &tool.output
        {
            schema::result_action(&mut builder, people, tool, output, mission_type, facts);
        }
    }
    let (schema, shapes) = builder
        .build()
        .map_err(|error| {
            report.error(
                format!("no Cedar schema can be made: {error}"),
                "names of parameters and facts must be identifiers",
                "mission",
                &definition.mission,
            )
        })
        .ok()?;
    let statements = definition.statements();
    let text = definition.policies();
    match PolicySource::new(SetKind::Mission, Arc::new(schema), Arc::new(shapes), &text) {
        Err(errors) => {
            for error in errors {
                let problem = placed(report.defined, definition, &statements, &error);
                report.problems.push(problem);
            }
            None
        }
        Ok((source, warnings)) => {
            for warning in warnings {
                let problem = placed(report.defined, definition, &statements, &warning);
                report.problems.push(problem);
            }
            let policies = Policies::new(source);
            check_questions(around, definition, &policies, report);
            Some(policies)
        }
    }
}

/// Every question that a run of this mission will ask is compiled now, so that what cannot be decided is found.
fn check_questions(
    around: &Surroundings<'_>,
    definition: &MissionDefinition,
    policies: &Policies,
    report: &mut Report<'_>,
) {
    let reads = definition.read.iter().filter_map(|read| Some(("read", entity_kind(read.name()?), read.name()?)));
    let actions: Vec<(String, &str)> =
        definition.act.iter().filter_map(|act| Some((act.action()?, act.written()))).collect();
    let acts = actions.iter().map(|(action, written)| (action.as_str(), "Tool".to_owned(), *written));
    let start = std::iter::once(("start", "Mission".to_owned(), definition.mission.as_str()));
    for (action, resource, name) in start.chain(reads).chain(acts) {
        let sets = [(Some(policies), "Worker"), (around.entitlements, "User"), (around.guardrails, "Worker")];
        for (set, principal) in sets {
            let Some(set) = set else { continue };
            // Whether a mission may be started is not the mission's own question.
            if action == "start" && set.source().kind() == SetKind::Mission {
                continue;
            }
            let compiled = set.compiled(&Question::new(principal, action, &resource));
            let kind = compiled.kind();
            if let Some(defect) = compiled.defect() {
                report.error(
                    format!("`{name}` cannot be decided by {kind}: {defect}"),
                    "rewrite the condition",
                    name,
                    name,
                );
            } else if !compiled.permits_anything() {
                let help = match kind {
                    SetKind::Mission => "the condition can never hold; correct it",
                    _ => "no permit of this set can hold for it; add one, or drop it from the mission",
                };
                report.warning(format!("`{name}` is always refused by {kind}"), help, name, name);
            }
        }
    }
}

/// A problem of a generated statement, put back to the author's condition.
fn placed(
    defined: &Defined<MissionDefinition>,
    definition: &MissionDefinition,
    statements: &[MissionStatement],
    error: &writ_core::policy::PolicyError,
) -> Problem {
    let whole = Defined { file: defined.file.clone(), text: defined.text.clone(), value: () };
    let unplaced = writ_core::policy::PolicyError { span: None, ..error.clone() };
    let problem = cedar_problem(&whole, &unplaced);
    let at = error.span.map_or(0, |(at, _)| at);
    let statement = statements.iter().rev().find(|statement| statement.starts_at <= at).or_else(|| statements.first());
    let Some(statement) = statement else { return problem };
    let (name, condition) = match statement.part {
        Part::Read(index) => definition
            .read
            .get(index)
            .map(|read| (read.name().unwrap_or_default(), read.condition.as_deref().unwrap_or_default())),
        Part::Act(index) => definition.act.get(index).map(|act| (act.written(), act.when.as_str())),
        Part::Ensure(index) => {
            definition.act.get(index).map(|act| (act.written(), act.ensure.as_deref().unwrap_or_default()))
        }
    }
    .unwrap_or_default();
    let offset = at.saturating_sub(statement.condition_at).min(condition.len());
    // The condition's own line stands in the file as it was written, unless YAML folded it.
    let line = condition.get(..offset).map_or(0, |before| before.rfind('\n').map_or(0, |newline| newline + 1));
    let needle = condition.get(line..).and_then(|rest| rest.lines().next()).unwrap_or(condition);
    let found = defined.text.find(name).and_then(|from| defined.text.get(from..)?.find(needle).map(|at| from + at));
    match found {
        Some(at) => problem.at_offset(&defined.text, at + offset.saturating_sub(line)),
        None => problem.at_text(&defined.text, "", name),
    }
}
