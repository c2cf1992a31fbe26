//! An epoch: one state of all definitions, checked against the real tables and tools, and compiled.
//!
//! A new epoch replaces the old one as a whole. Entitlements, guardrails and approvals of the new one hold at
//! the next call, in running runs too; a run keeps the mission version that it started with.

mod mission;
mod schema;
mod tool;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use writ_core::code::Reason;
use writ_core::definition::{MissionDefinition, People, Problem, Severity};
use writ_core::digest::Digest;
use writ_core::policy::{CompiledSet, PolicyError, PolicySource, Question, SetKind};
use writ_knowledge::Catalog;

pub(crate) use mission::{Act, Mission};
pub(crate) use schema::entity_kind;
pub(crate) use tool::{PlanKind, REASON_ARGUMENT, ToolPlan};

use crate::upstream::ServerDescription;
use crate::workspace::{Defined, Workspace};

/// One state of all definitions.
#[derive(Debug)]
pub(crate) struct Epoch {
    pub(crate) policy: Digest,
    pub(crate) people: People,
    pub(crate) missions: BTreeMap<String, Arc<Mission>>,
    pub(crate) tools: BTreeMap<String, Arc<ToolPlan>>,
    /// Tools that were not what the operator had pinned when this epoch was made.
    pub(crate) quarantined: BTreeMap<String, Vec<Reason>>,
    /// What each integration's server offered then.
    pub(crate) servers: BTreeMap<String, ServerDescription>,
    pub(crate) entitlements: Policies,
    pub(crate) guardrails: Policies,
    pub(crate) approvals: Policies,
}

/// A policy set with what has been compiled of it so far.
#[derive(Debug)]
pub(crate) struct Policies {
    source: PolicySource,
    compiled: Mutex<HashMap<Question, Arc<CompiledSet>>>,
}

impl Policies {
    fn new(source: PolicySource) -> Self {
        Self { source, compiled: Mutex::default() }
    }

    pub(crate) fn source(&self) -> &PolicySource {
        &self.source
    }

    /// The set compiled for a question, compiled now where nobody has asked before.
    pub(crate) fn compiled(&self, question: &Question) -> Arc<CompiledSet> {
        if let Some(set) = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(question) {
            return set.clone();
        }
        let set = Arc::new(self.source.compile(question));
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).insert(question.clone(), set.clone());
        set
    }
}

impl Epoch {
    /// Checks and compiles a workspace.
    ///
    /// # Errors
    /// All problems, where at least one is an error. Otherwise the warnings come with the epoch.
    pub(crate) fn build(
        workspace: &Workspace,
        catalog: &Catalog,
        servers: &BTreeMap<String, ServerDescription>,
    ) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let mut problems = Vec::new();
        check_people(workspace, &mut problems);
        let tool::Plans { tools, quarantined } = tool::plan(workspace, servers, &mut problems);
        let base = schema::base(workspace, catalog, &tools);
        let (schema, shapes) = match base.build() {
            Ok((schema, shapes)) => (Arc::new(schema), Arc::new(shapes)),
            Err(error) => {
                problems.push(Problem::error(
                    "writ.yaml",
                    format!("no Cedar schema can be made: {error}"),
                    "names of sources, tables, columns and tools must be Cedar identifiers",
                ));
                return Err(problems);
            }
        };
        let mut set = |kind: SetKind, defined: &Defined<()>| match PolicySource::new(
            kind,
            schema.clone(),
            shapes.clone(),
            &defined.text,
        ) {
            Ok((source, warnings)) => {
                problems.extend(warnings.iter().map(|warning| cedar_problem(defined, warning)));
                Some(Policies::new(source))
            }
            Err(errors) => {
                problems.extend(errors.iter().map(|error| cedar_problem(defined, error)));
                None
            }
        };
        let entitlements = set(SetKind::Entitlements, &workspace.entitlements);
        let guardrails = set(SetKind::Guardrails, &workspace.guardrails);
        let approvals = set(SetKind::Approvals, &workspace.approvals);
        let mut missions = BTreeMap::new();
        for defined in &workspace.missions {
            let context = mission::Surroundings {
                workspace,
                catalog,
                tools: &tools,
                entitlements: entitlements.as_ref(),
                guardrails: guardrails.as_ref(),
            };
            if let Some(mission) = mission::plan(&context, defined, &mut problems)
                && missions.insert(defined.value.mission.clone(), Arc::new(mission)).is_some()
            {
                problems.push(Problem::error(
                    &defined.file,
                    format!("there are two missions `{}`", defined.value.mission),
                    "give each mission a name of its own",
                ));
            }
        }
        let policy = Digest::of_bytes(
            [
                &workspace.entitlements.text,
                &workspace.guardrails.text,
                &workspace.approvals.text,
                &workspace.people.text,
            ]
            .map(|text| format!("{}\n{text}", text.len()))
            .concat()
            .as_bytes(),
        );
        match (entitlements, guardrails, approvals) {
            (Some(entitlements), Some(guardrails), Some(approvals))
                if problems.iter().all(|problem| problem.severity < Severity::Error) =>
            {
                let people = workspace.people.value.clone();
                let servers = servers.clone();
                let epoch =
                    Self { policy, people, missions, tools, quarantined, servers, entitlements, guardrails, approvals };
                Ok((epoch, problems))
            }
            _ => Err(problems),
        }
    }
}

impl Epoch {
    /// A mission version that an open run was started with, compiled against this epoch's tools: how a tool is
    /// classified holds at once, also where the mission's own words stay as they were.
    pub(crate) fn earlier(
        &self,
        workspace: &Workspace,
        catalog: &Catalog,
        definition: MissionDefinition,
    ) -> Option<Mission> {
        let context = mission::Surroundings {
            workspace,
            catalog,
            tools: &self.tools,
            entitlements: Some(&self.entitlements),
            guardrails: Some(&self.guardrails),
        };
        let file = format!("missions of version {}", definition.version());
        let mut problems = Vec::new();
        let defined = Defined { file, text: String::new(), value: definition };
        let mission = mission::plan(&context, &defined, &mut problems);
        for problem in problems.iter().filter(|problem| problem.severity == Severity::Error) {
            tracing::warn!("an open run's mission version cannot be used any more: {problem}");
        }
        mission
    }
}

fn check_people(workspace: &Workspace, problems: &mut Vec<Problem>) {
    let Defined { file, text, value } = &workspace.people;
    let known = |group: &String| value.groups.contains_key(group);
    let mut unknown = |group: &str, after: &str| {
        problems.push(
            Problem::error(file, format!("there is no group `{group}`"), "add it under `groups`, or correct the name")
                .at_text(text, after, group),
        );
    };
    for (group, parents) in &value.groups {
        parents.iter().filter(|parent| !known(parent)).for_each(|parent| unknown(parent, group));
    }
    for (id, person) in &value.people {
        person.groups.iter().filter(|group| !known(group)).for_each(|group| unknown(group, id));
    }
}

fn cedar_problem(defined: &Defined<()>, error: &PolicyError) -> Problem {
    let mut problem = Problem::error(&defined.file, error.message.clone(), error.help.clone().unwrap_or_default());
    if let Some((at, _)) = error.span {
        problem = problem.at_offset(&defined.text, at);
    }
    if error.warning { problem.as_warning() } else { problem }
}
