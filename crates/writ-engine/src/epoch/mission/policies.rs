//! The policy set that a mission's conditions make, and whether it can decide what a run will ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use writ_core::definition::{MissionDefinition, MissionStatement, Part, Problem};
use writ_core::policy::{PolicyError, PolicySource, Question, SetKind};
use writ_core::value::Field;

use super::{Act, Report, Surroundings};
use crate::epoch::schema::{self, entity_kind};
use crate::epoch::{Policies, cedar_problem};
use crate::workspace::Defined;

/// Compiles the conditions of a mission, against the tables, the tools and the facts that they may speak of.
pub(super) fn plan(
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
    error: &PolicyError,
) -> Problem {
    let whole = Defined { file: defined.file.clone(), text: defined.text.clone(), value: () };
    let unplaced = PolicyError { span: None, ..error.clone() };
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
