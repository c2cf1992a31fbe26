//! What a mission may call or fetch: each tool, prompt or set of resources with its name, facts, need and templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use writ_core::definition::{Act as ActDefinition, MissionDefinition, Template, ToolClass, parse_duration};
use writ_core::value::{Field, Type};
use writ_knowledge::Fact;

use super::{Act, Report, Surroundings};
use crate::epoch::tool::{PlanKind, ToolPlan};
use crate::worker;

/// The longest name of a tool for workers (MCP, SEP-986).
const NAME_BYTES_MAX: usize = 64;

/// Plans every act of a mission, by its action. `mission_type` is what conditions and facts know of a run.
pub(super) fn plan(
    around: &Surroundings<'_>,
    definition: &MissionDefinition,
    mission_type: &BTreeMap<String, Field>,
    report: &mut Report<'_>,
) -> BTreeMap<String, Act> {
    let mut acts = BTreeMap::new();
    for act in &definition.act {
        let written = act.written();
        let Some((action, tool)) = named(around, act, report) else { continue };
        check_result(act, tool, report);
        let name = name_for_workers(act, tool, &acts, report);
        let facts = facts(around, act, tool, mission_type, report);
        let (approvals, within_milliseconds) = need(act, tool, report);
        let mut template = |text: &str| template(text, act, tool, mission_type, report);
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

/// The action that an act names, with what is planned of it.
fn named<'a>(
    around: &Surroundings<'a>,
    act: &ActDefinition,
    report: &mut Report<'_>,
) -> Option<(String, &'a Arc<ToolPlan>)> {
    let written = act.written();
    let Some(action) = act.action() else {
        report.error(
            "an act names one of `tool`, `prompt` and `resource`, as `integration.name`",
            "name exactly one of them",
            "act:",
            if written.is_empty() { "- " } else { written },
        );
        return None;
    };
    let Some(tool) = around.tools.get(&action) else {
        let known: Vec<&str> = around.tools.keys().map(String::as_str).collect();
        report.error(
            format!("there is no tool `{action}`"),
            format!("there are {}", known.join(", ")),
            "act:",
            written,
        );
        return None;
    };
    Some((action, tool))
}

/// The name by which workers call it, which no other act of the mission and none of Writ's own tools may have.
fn name_for_workers(
    act: &ActDefinition,
    tool: &ToolPlan,
    acts: &BTreeMap<String, Act>,
    report: &mut Report<'_>,
) -> String {
    let written = act.written();
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
    if tool.kind == PlanKind::Tool && worker::is_builtin(&name) || acts.values().any(taken) {
        report.error(format!("the name `{name}` is taken"), "give another name with `as`", "act:", written);
    }
    name
}

/// The facts that its condition reads, compiled over the person, what the mission knows and the arguments.
fn facts(
    around: &Surroundings<'_>,
    act: &ActDefinition,
    tool: &ToolPlan,
    mission_type: &BTreeMap<String, Field>,
    report: &mut Report<'_>,
) -> Vec<(String, Fact)> {
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
                act.written(),
                name,
            ),
        }
    }
    facts
}

/// How many approvals it needs, and within how many milliseconds.
fn need(act: &ActDefinition, tool: &ToolPlan, report: &mut Report<'_>) -> (u32, i64) {
    let written = act.written();
    match (tool.class, &act.need) {
        (ToolClass::Read, None) => (0, 0),
        (ToolClass::Read, Some(_)) => {
            report.error(format!("`{}` is a read, which needs no approval", written), "drop `need`", written, "need");
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
    }
}

/// A text with places, each of which must have a value in every call.
fn template(
    text: &str,
    act: &ActDefinition,
    tool: &ToolPlan,
    mission_type: &BTreeMap<String, Field>,
    report: &mut Report<'_>,
) -> Option<Template> {
    let written = act.written();
    match Template::parse(text) {
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
    }
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
