//! What one run may reach, worked out once and used by every call until something changes.
//!
//! A [`RunScope`] holds the worker's slices, the slices that facts are read over (more columns, never more
//! rows than the person and the guardrails allow), and the values that every condition of the run reads. It
//! belongs to one epoch; a new epoch, or changed attributes of the person, makes a new scope at the next call.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value as Json;
use writ_core::code::{Code, Refusal};
use writ_core::definition::{People, ReadSpec};
use writ_core::event::Milliseconds;
use writ_core::policy::{BoundSlice, Inputs, Question, RowPolicy, RowSlice, Slice, Subject};
use writ_core::run::Run;
use writ_core::value::{EntityName, Type, Value, ValueSet};
use writ_knowledge::{Catalog, Knowledge, SliceColumn, SliceSpec, Slices};

use crate::epoch::{Epoch, Mission, entity_kind};

/// How long a scope may be used before the `now` in its slices is renewed.
pub(crate) const SCOPE_MILLISECONDS_MAX: Milliseconds = 60_000;

/// What one run may reach.
#[derive(Debug)]
pub(crate) struct RunScope {
    pub(crate) mission: Arc<Mission>,
    pub(crate) worker: Subject,
    pub(crate) person: Subject,
    /// `context.mission`
    pub(crate) bound: Value,
    /// `context.person`
    pub(crate) person_context: Value,
    /// The worker's own slices.
    pub(crate) slices: Arc<Slices>,
    /// The slices that facts are read over.
    pub(crate) fact_slices: Arc<Slices>,
    /// What decides calls of each tool, by its full name.
    pub(crate) calls: HashMap<String, (Slice, BoundSlice)>,
    pub(crate) made_at: Milliseconds,
    pub(crate) epoch: u64,
}

/// A worker as a principal.
pub(crate) fn worker_subject(worker: &str) -> Subject {
    Subject::new("Worker", worker).with_attributes(Value::record([(Arc::from("id"), Value::string(worker))]))
}

/// A person as a principal, given the attributes that were looked up.
pub(crate) fn person_subject(people: &People, person: &str, attributes: &[(String, Value)]) -> Option<Subject> {
    let definition = people.people.get(person).filter(|definition| !definition.disabled)?;
    let mut groups = BTreeSet::new();
    let mut open: Vec<&String> = definition.groups.iter().collect();
    while let Some(group) = open.pop() {
        if groups.insert(group.clone()) {
            open.extend(people.groups.get(group).into_iter().flatten());
        }
    }
    let group_set = ValueSet::collect(groups.iter().map(|group| Value::string(group))).unwrap_or_default();
    let mut fields: Vec<(Arc<str>, Value)> =
        attributes.iter().map(|(name, value)| (Arc::from(name.as_str()), value.clone())).collect();
    fields.push((Arc::from("id"), Value::string(person)));
    fields.push((Arc::from("groups"), Value::Set(Arc::new(group_set))));
    let mut subject = Subject::new("User", person).with_attributes(Value::record(fields));
    for group in &groups {
        subject = subject.in_group("Group", group);
    }
    Some(subject)
}

/// `context.mission` of a run: its name, its parameters and what was bound from them.
pub(crate) fn mission_context(mission: &Mission, values: &serde_json::Map<String, Json>) -> Result<Value, Refusal> {
    let binds = mission.bind.iter().map(|(name, fact)| (name, fact.result_type()));
    let mut fields = vec![(Arc::from("name"), Value::string(&mission.definition.mission))];
    for (name, ty) in mission.params.iter().chain(binds) {
        let value = values.get(name).map(|value| Value::from_json(value, ty));
        match value {
            Some(Ok(value)) => fields.push((Arc::from(name.as_str()), value)),
            Some(Err(misfit)) => return Err(Refusal::new(Code::BadArguments, format!("parameter `{name}`: {misfit}"))),
            None => return Err(Refusal::new(Code::BadArguments, format!("the parameter `{name}` is missing"))),
        }
    }
    Ok(Value::record(fields))
}

impl RunScope {
    /// Works out the scope of a run.
    #[expect(clippy::too_many_arguments, reason = "the parts of one scope")]
    pub(crate) fn new(
        epoch: &Epoch,
        number: u64,
        knowledge: &Knowledge,
        mission: Arc<Mission>,
        run: &Run,
        person: Subject,
        hash_key: [u8; 32],
        now: Milliseconds,
    ) -> Result<Self, Refusal> {
        let worker = worker_subject(&run.start.worker);
        let bound = mission_context(&mission, &run.start.bound)?;
        let person_context = person.attributes.clone();
        let context = read_context(&bound, &person_context, now);
        let specs = mission.definition.read.iter().filter_map(|read| {
            worker_slice(epoch, &mission, knowledge.catalog(), read, &worker, &person, &context, hash_key)
        });
        let slices = knowledge.slices(specs.collect()).map_err(unusable)?;
        let specs = mission.fact_tables.iter().filter_map(|table| {
            fact_slice(epoch, Some(&mission), knowledge.catalog(), table, &worker, &person, &context, hash_key)
        });
        let fact_slices = knowledge.slices(specs.collect()).map_err(unusable)?;
        let nothing = EntityName::new("Tool", "");
        let attributes = Value::record([]);
        let of = |principal| Inputs { principal, resource: &nothing, attributes: &attributes, context: &context };
        let calls = mission.all_acts().map(|act| {
            let slice = tool_slice(epoch, &mission, &act.tool.full_name);
            let bound = BoundSlice::new(&slice, &of(&worker), &of(&person));
            (act.tool.full_name.clone(), (slice, bound))
        });
        Ok(Self {
            calls: calls.collect(),
            mission: mission.clone(),
            worker,
            person,
            bound,
            person_context,
            slices: Arc::new(slices),
            fact_slices: Arc::new(fact_slices),
            made_at: now,
            epoch: number,
        })
    }
}

fn unusable(error: writ_knowledge::KnowledgeError) -> Refusal {
    tracing::error!(%error, "slices cannot be made");
    Refusal::new(Code::SourceUnavailable, "the mission's sources cannot be read at present; try again later")
}

fn read_context(bound: &Value, person: &Value, now: Milliseconds) -> Value {
    Value::record([
        (Arc::from("mission"), bound.clone()),
        (Arc::from("person"), person.clone()),
        (Arc::from("now"), Value::Datetime(now)),
    ])
}

fn bind(
    epoch: &Epoch,
    mission: Option<&Mission>,
    table: &str,
    worker: &Subject,
    person: &Subject,
    context: &Value,
) -> RowSlice {
    let kind = entity_kind(table);
    let question = |principal: &str| Question::new(principal, "read", &kind);
    let guardrails = epoch.guardrails.compiled(&question("Worker"));
    let slice = Slice {
        mission: mission.map_or_else(|| guardrails.clone(), |mission| mission.policies.compiled(&question("Worker"))),
        entitlements: epoch.entitlements.compiled(&question("User")),
        guardrails,
    };
    RowSlice::new(&slice, mission.is_some(), worker, person, context)
}

/// The sets that decide calls of a tool.
pub(crate) fn tool_slice(epoch: &Epoch, mission: &Mission, tool: &str) -> Slice {
    let question = |principal: &str| Question::new(principal, tool, "Tool");
    Slice {
        mission: mission.policies.compiled(&question("Worker")),
        entitlements: epoch.entitlements.compiled(&question("User")),
        guardrails: epoch.guardrails.compiled(&question("Worker")),
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of one question")]
fn worker_slice(
    epoch: &Epoch,
    mission: &Mission,
    catalog: &Catalog,
    read: &ReadSpec,
    worker: &Subject,
    person: &Subject,
    context: &Value,
    hash_key: [u8; 32],
) -> Option<SliceSpec> {
    let name = read.name()?;
    let table = catalog.table(name)?;
    let policy: Arc<dyn RowPolicy> = Arc::new(bind(epoch, Some(mission), name, worker, person, context));
    let named = |column: &String| SliceColumn { name: column.clone(), mask: read.mask.get(column).copied() };
    let columns = if read.columns.is_empty() {
        table.columns.iter().map(|column| named(&column.name)).collect()
    } else {
        read.columns.iter().map(named).collect()
    };
    Some(SliceSpec { table: name.to_owned(), columns, policy, hash_key })
}

/// A table for facts: all columns, and the mission's rows where the mission reads the table. Where it does not,
/// the rows that the person may read.
#[expect(clippy::too_many_arguments, reason = "the parts of one question")]
fn fact_slice(
    epoch: &Epoch,
    mission: Option<&Mission>,
    catalog: &Catalog,
    name: &str,
    worker: &Subject,
    person: &Subject,
    context: &Value,
    hash_key: [u8; 32],
) -> Option<SliceSpec> {
    let table = catalog.table(name)?;
    let mission = mission.filter(|mission| mission.definition.read.iter().any(|read| read.name() == Some(name)));
    let policy: Arc<dyn RowPolicy> = Arc::new(bind(epoch, mission, name, worker, person, context));
    let columns = table.columns.iter().map(|column| SliceColumn { name: column.name.clone(), mask: None });
    Some(SliceSpec { table: name.to_owned(), columns: columns.collect(), policy, hash_key })
}

/// The slices that a mission's bindings are looked up over: the person's own rows, before any run exists.
pub(crate) fn binding_slices(
    epoch: &Epoch,
    knowledge: &Knowledge,
    mission: &Mission,
    person: &Subject,
    now: Milliseconds,
) -> Result<Slices, Refusal> {
    let worker = worker_subject(&mission.definition.worker);
    let name = Value::record([(Arc::from("name"), Value::string(&mission.definition.mission))]);
    let context = read_context(&name, &person.attributes, now);
    let tables: BTreeSet<String> =
        mission.bind.iter().flat_map(|(_, fact)| fact.tables().iter().map(ToString::to_string)).collect();
    let specs = tables
        .iter()
        .filter_map(|table| fact_slice(epoch, None, knowledge.catalog(), table, &worker, person, &context, [0; 32]));
    knowledge.slices(specs.collect()).map_err(unusable)
}

/// The parameters as typed values, for a rule about starting.
pub(crate) fn typed_params(mission: &Mission, params: &serde_json::Map<String, Json>) -> Result<Value, Refusal> {
    if let Some(unknown) = params.keys().find(|name| !mission.params.contains_key(*name)) {
        return Err(Refusal::new(
            Code::BadArguments,
            format!("mission `{}` has no parameter `{unknown}`", mission.definition.mission),
        ));
    }
    let fields: Result<Vec<(Arc<str>, Value)>, Refusal> = mission
        .params
        .iter()
        .map(|(name, ty): (&String, &Type)| match params.get(name) {
            Some(value) => Value::from_json(value, ty)
                .map(|value| (Arc::from(name.as_str()), value))
                .map_err(|misfit| Refusal::new(Code::BadArguments, format!("parameter `{name}`: {misfit}"))),
            None => Err(Refusal::new(Code::BadArguments, format!("the parameter `{name}` is missing"))),
        })
        .collect();
    Ok(Value::record(fields?))
}
