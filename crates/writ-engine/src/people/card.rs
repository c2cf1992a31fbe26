//! What an approver reads first: made from the call's own bytes and the facts, never from the worker's words.

use serde_json::{Value as Json, json};
use writ_core::decision::{Decision, DecisionStatus};
use writ_core::definition::Template;
use writ_core::value::{Type, Value};

use crate::engine::readable;
use crate::epoch::{Act, ToolPlan};
use crate::view::{CardLine, Mark, Tone};

/// The headline: the mission's or the tool's template, or the tool's plain name.
pub(super) fn headline(decision: &Decision, act: Option<&Act>, tool: Option<&ToolPlan>) -> String {
    let values = values(decision, tool);
    let template = act.and_then(|act| act.headline.as_ref()).or(tool.and_then(|tool| tool.headline.as_ref()));
    template
        .and_then(|template: &Template| template.render(&values).ok())
        .unwrap_or_else(|| format!("{} · {}", decision.proposal.action.integration.name, decision.proposal.action.tool))
}

/// The card's lines, in the order in which they matter.
pub(super) fn lines(decision: &Decision, act: Option<&Act>, tool: Option<&ToolPlan>) -> Vec<CardLine> {
    let proposal = &decision.proposal;
    let values = values(decision, tool);
    let reversible = tool.is_some_and(|tool| tool.reversible);
    let mut lines = vec![CardLine {
        label: "Tool".to_owned(),
        text: format!("{} · {}", proposal.action.integration.name, proposal.action.tool),
        code: true,
        mark: Some(if reversible {
            Mark { text: "can be undone".to_owned(), tone: Tone::Good }
        } else {
            Mark { text: "cannot be undone".to_owned(), tone: Tone::Bad }
        }),
    }];
    for (label, template) in act.map(|act| act.show.as_slice()).unwrap_or_default() {
        let text = template.render(&values).unwrap_or_else(|error| error.to_string());
        lines.push(CardLine { label: label.clone(), text, code: false, mark: None });
    }
    for (name, value) in &proposal.action.arguments {
        lines.push(CardLine { label: name.clone(), text: plain(value), code: true, mark: None });
    }
    lines.push(line("If you approve", "exactly this is sent once, within seconds"));
    lines.push(line("If you reject", "nothing is sent; the worker reads your reason"));
    if let Some(note) = &decision.note {
        let label = match decision.status {
            DecisionStatus::Rejected => "Rejected because",
            DecisionStatus::Unknown => "Why nobody knows",
            _ => "Note",
        };
        lines.push(line(label, note));
    }
    if let Some(result) = &decision.result {
        lines.push(CardLine { label: "Answer".to_owned(), text: plain(result), code: true, mark: None });
    }
    lines
}

fn line(label: &str, text: &str) -> CardLine {
    CardLine { label: label.to_owned(), text: text.to_owned(), code: false, mark: None }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn values(decision: &Decision, tool: Option<&ToolPlan>) -> Json {
    let action = &decision.proposal.action;
    let mut input = Json::Object(action.arguments.clone());
    let ty = tool.map(|tool| &tool.input_type);
    if let (Json::Object(input), Some(ty @ Type::Record(_))) = (&mut input, ty)
        && let Ok(typed) = Value::from_json(&Json::Object(action.arguments.clone()), ty)
        && let Json::Object(typed) = readable(&typed)
    {
        input.extend(typed);
    }
    json!({ "input": input, "facts": action.facts, "mission": { "name": action.mission } })
}
