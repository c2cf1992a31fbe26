//! One mission, checked and compiled.
//!
//! What it reads ([`inputs`]), what it may call or fetch ([`acts`]) and the policy set that its conditions make
//! ([`policies`]) are looked at one after the other, and every problem is reported, not the first one alone. A mission
//! with an error is none: nothing of it comes into force.

mod acts;
mod inputs;
mod policies;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use writ_core::definition::{MissionDefinition, Problem, Severity, Template, parse_duration};
use writ_core::digest::Digest;
use writ_core::event::Limits;
use writ_core::value::{Field, Type};
use writ_knowledge::{Catalog, Fact};

use super::Policies;
use super::tool::{PlanKind, ToolPlan};
use crate::workspace::{Defined, Workspace};

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
    inputs::check_reads(around, definition, &mut report);
    inputs::check_params(definition, &mut report);
    let params: BTreeMap<String, Type> =
        definition.params.iter().map(|(name, ty)| (name.clone(), Type::from(*ty))).collect();
    let mut mission_type: BTreeMap<String, Field> =
        params.iter().map(|(name, ty)| (name.clone(), Field { ty: ty.clone(), required: true })).collect();
    mission_type.insert("name".to_owned(), Field { ty: Type::String, required: true });
    let bind = inputs::plan_binds(around, definition, &params, &mut mission_type, &mut report);
    let acts = acts::plan(around, definition, &mission_type, &mut report);
    let policies = policies::plan(around, definition, &mission_type, &acts, &mut report);
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
    let failed = report.problems.iter().skip(before).any(|problem| problem.severity == Severity::Error);
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
