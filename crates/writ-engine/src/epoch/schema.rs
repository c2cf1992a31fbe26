//! The Cedar schema of a workspace: tables, tools, people, and what a context holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use writ_core::definition::{People, ToolClass};
use writ_core::policy::{ActionShape, SchemaBuilder};
use writ_core::value::{Field, Type};
use writ_knowledge::Catalog;

use super::tool::{Output, ToolPlan};
use crate::workspace::Workspace;

fn required(ty: Type) -> Field {
    Field { ty, required: true }
}

fn strings() -> Type {
    Type::Set(Box::new(Type::String))
}

/// The type of `context.person`, which has the attributes of a `User` as well.
fn person_type(people: &People) -> BTreeMap<String, Field> {
    let looked_up = people.attributes.iter().map(|(name, attribute)| {
        let ty = Type::from(attribute.ty);
        (name.clone(), required(if attribute.many { Type::Set(Box::new(ty)) } else { ty }))
    });
    looked_up.chain([("id".to_owned(), required(Type::String)), ("groups".to_owned(), required(strings()))]).collect()
}

/// The schema that entitlements, guardrails and approvals are checked against.
pub(super) fn base(workspace: &Workspace, catalog: &Catalog, tools: &BTreeMap<String, Arc<ToolPlan>>) -> SchemaBuilder {
    let people = &workspace.people.value;
    let mut builder = SchemaBuilder::default();
    builder.entity("Group", BTreeMap::new(), &["Group"]);
    builder.entity("User", person_type(people), &["Group"]);
    builder.entity("Worker", BTreeMap::from([("id".to_owned(), required(Type::String))]), &[]);
    builder.entity("Tool", BTreeMap::new(), &[]);
    builder.entity("Mission", BTreeMap::new(), &[]);
    for table in catalog.tables() {
        let columns = table
            .columns
            .iter()
            .map(|column| (column.name.clone(), Field { ty: column.ty.clone(), required: !column.nullable }));
        builder.entity(&entity_kind(&table.full_name()), columns.collect(), &[]);
    }
    for group in ["call", "effect", "fetch", "decide"] {
        builder.action_group(group);
    }
    let mission = BTreeMap::from([("name".to_owned(), required(Type::String))]);
    read_action(&mut builder, people, catalog, &mission);
    for tool in tools.values() {
        tool_action(&mut builder, people, tool, &mission, None);
        decide_action(&mut builder, people, tool, &mission);
    }
    let now = || ("now".to_owned(), required(Type::Datetime));
    let start = BTreeMap::from([
        ("person".to_owned(), required(Type::Record(person_type(people)))),
        ("worker".to_owned(), required(Type::String)),
        ("params".to_owned(), required(Type::Record(all_params(workspace)))),
        now(),
    ]);
    builder.action("start", shape(&["User", "Worker"], vec!["Mission".to_owned()], start, &[]));
    for action in ["see", "stop"] {
        builder.action(action, shape(&["User"], vec!["Mission".to_owned()], BTreeMap::from([now()]), &[]));
    }
    builder
}

/// `shop.orders` as a Cedar entity type.
pub(crate) fn entity_kind(table: &str) -> String {
    table.replace('.', "::")
}

fn shape(
    principals: &[&str],
    resources: Vec<String>,
    context: BTreeMap<String, Field>,
    groups: &[&str],
) -> ActionShape {
    ActionShape {
        principals: principals.iter().map(|kind| (*kind).to_owned()).collect(),
        resources,
        context: Type::Record(context),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    }
}

fn common(people: &People, mission: &BTreeMap<String, Field>) -> BTreeMap<String, Field> {
    BTreeMap::from([
        ("mission".to_owned(), required(Type::Record(mission.clone()))),
        ("person".to_owned(), required(Type::Record(person_type(people)))),
        ("now".to_owned(), required(Type::Datetime)),
    ])
}

/// Adds `read`. `mission` is the type of `context.mission`.
pub(super) fn read_action(
    builder: &mut SchemaBuilder,
    people: &People,
    catalog: &Catalog,
    mission: &BTreeMap<String, Field>,
) {
    let tables: Vec<String> = catalog.tables().map(|table| entity_kind(&table.full_name())).collect();
    if !tables.is_empty() {
        builder.action("read", shape(&["Worker", "User"], tables, common(people, mission), &[]));
    }
}

/// Adds the action of a tool. `facts` are the mission's, where a mission's own set is checked.
pub(super) fn tool_action(
    builder: &mut SchemaBuilder,
    people: &People,
    tool: &ToolPlan,
    mission: &BTreeMap<String, Field>,
    facts: Option<BTreeMap<String, Field>>,
) {
    let context = call_context(people, tool, mission, facts);
    let class = match tool.class {
        ToolClass::Read => "fetch",
        ToolClass::Effect => "effect",
    };
    builder.action(&tool.full_name, shape(&["Worker", "User"], vec!["Tool".to_owned()], context, &["call", class]));
}

/// Adds the action under which a mission's condition over a result is asked.
pub(super) fn result_action(
    builder: &mut SchemaBuilder,
    people: &People,
    tool: &ToolPlan,
    output: &Output,
    mission: &BTreeMap<String, Field>,
    facts: BTreeMap<String, Field>,
) {
    let mut context = call_context(people, tool, mission, Some(facts));
    context.insert("result".to_owned(), output.field());
    let action = writ_core::definition::result_action(&tool.full_name);
    builder.action(&action, shape(&["Worker"], vec!["Tool".to_owned()], context, &[]));
}

fn call_context(
    people: &People,
    tool: &ToolPlan,
    mission: &BTreeMap<String, Field>,
    facts: Option<BTreeMap<String, Field>>,
) -> BTreeMap<String, Field> {
    let mut context = common(people, mission);
    context.insert("input".to_owned(), required(tool.input_type.clone()));
    let run = BTreeMap::from([
        ("labels".to_owned(), required(strings())),
        ("reads".to_owned(), required(Type::Long)),
        ("rows".to_owned(), required(Type::Long)),
        ("proposals".to_owned(), required(Type::Long)),
    ]);
    context.insert("run".to_owned(), required(Type::Record(run)));
    if let Some(facts) = facts {
        context.insert("facts".to_owned(), required(Type::Record(facts)));
    }
    context
}

fn decide_action(builder: &mut SchemaBuilder, people: &People, tool: &ToolPlan, mission: &BTreeMap<String, Field>) {
    let mut context = common(people, mission);
    context.insert("input".to_owned(), required(tool.input_type.clone()));
    context.insert("worker".to_owned(), required(Type::String));
    builder
        .action(&format!("decide:{}", tool.full_name), shape(&["User"], vec!["Tool".to_owned()], context, &["decide"]));
}

/// The parameters of all missions, each optional: what a rule about starting can speak of. A name that two
/// missions give different types is left out.
fn all_params(workspace: &Workspace) -> BTreeMap<String, Field> {
    let mut types: BTreeMap<String, Vec<Type>> = BTreeMap::new();
    for mission in &workspace.missions {
        for (name, ty) in &mission.value.params {
            types.entry(name.clone()).or_default().push(Type::from(*ty));
        }
    }
    let agreed = types.into_iter().filter_map(|(name, types)| {
        let first = types.first()?.clone();
        types.iter().all(|ty| *ty == first).then_some((name, Field { ty: first, required: false }))
    });
    agreed.collect()
}
