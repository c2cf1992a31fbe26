//! Cedar's own answer to a question, for comparison.
//!
//! Slow and obvious: a request, entities and context are built from the same typed values, and Cedar's
//! authorizer walks every policy of the set. It says yes by our rule: allowed, and nothing erred.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression,
};

use super::expr::Inputs;
use super::source::PolicySource;
use super::subject::Subject;
use crate::value::{EntityName, Value, format_decimal};

/// Asks Cedar itself.
#[derive(Debug, Default)]
pub struct Oracle {
    authorizer: Authorizer,
}

/// Cedar's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OracleAnswer {
    /// Allowed, and nothing erred.
    pub allowed: bool,
    /// Whether a condition erred.
    pub erred: bool,
}

impl Oracle {
    /// Asks Cedar about one set. What cannot even be put to Cedar counts as an error.
    #[must_use]
    pub fn ask(&self, source: &PolicySource, action: &str, inputs: &Inputs<'_>) -> OracleAnswer {
        match self.response(source, action, inputs) {
            Ok(answer) => answer,
            Err(_) => OracleAnswer { allowed: false, erred: true },
        }
    }

    fn response(&self, source: &PolicySource, action: &str, inputs: &Inputs<'_>) -> Result<OracleAnswer, String> {
        let (request, entities) = cedar_request(source, action, inputs)?;
        let response = self.authorizer.is_authorized(&request, source.policies(), &entities);
        let erred = response.diagnostics().errors().next().is_some();
        Ok(OracleAnswer { allowed: response.decision() == Decision::Allow && !erred, erred })
    }
}

/// The question as Cedar's own request and entities: what a bench puts to Cedar's authorizer.
///
/// # Errors
/// Where a value has no form in Cedar.
pub fn cedar_request(source: &PolicySource, action: &str, inputs: &Inputs<'_>) -> Result<(Request, Entities), String> {
    let principal = principal(inputs.principal)?;
    let resource = Entity::new(uid(inputs.resource)?, attributes(inputs.attributes)?, HashSet::new())
        .map_err(|error| error.to_string())?;
    let action = EntityUid::from_type_name_and_id(type_name("Action")?, EntityId::new(action));
    let context = Context::from_pairs(attributes(inputs.context)?).map_err(|error| error.to_string())?;
    let request =
        Request::new(principal.uid(), action, resource.uid(), context, None).map_err(|error| error.to_string())?;
    let groups = inputs.principal.ancestors.iter().map(|group| Ok(Entity::new_no_attrs(uid(group)?, HashSet::new())));
    let mut all: Vec<Entity> = groups.collect::<Result<_, String>>()?;
    all.extend([principal, resource]);
    all.extend(source.action_entities()?);
    let entities = Entities::from_entities(all, None).map_err(|error| error.to_string())?;
    Ok((request, entities))
}

fn principal(subject: &Subject) -> Result<Entity, String> {
    let groups = subject.ancestors.iter().map(uid).collect::<Result<_, _>>()?;
    Entity::new(uid(&subject.name)?, attributes(&subject.attributes)?, groups).map_err(|error| error.to_string())
}

fn type_name(kind: &str) -> Result<EntityTypeName, String> {
    EntityTypeName::from_str(kind).map_err(|error| error.to_string())
}

fn uid(name: &EntityName) -> Result<EntityUid, String> {
    Ok(EntityUid::from_type_name_and_id(type_name(name.kind())?, EntityId::new(name.id())))
}

fn attributes(record: &Value) -> Result<HashMap<String, RestrictedExpression>, String> {
    let Value::Record(fields) = record else { return Err("not a record".to_owned()) };
    fields.iter().map(|(name, value)| Ok((name.to_string(), expression(value)?))).collect()
}

fn expression(value: &Value) -> Result<RestrictedExpression, String> {
    Ok(match value {
        Value::Bool(value) => RestrictedExpression::new_bool(*value),
        Value::Long(value) => RestrictedExpression::new_long(*value),
        Value::String(text) => RestrictedExpression::new_string(text.to_string()),
        Value::Decimal(value) => RestrictedExpression::new_decimal(format_decimal(*value)),
        Value::Datetime(value) => {
            let epoch =
                RestrictedExpression::from_str(&format!("datetime(\"1970-01-01\").offset(duration(\"{value}ms\"))"));
            epoch.map_err(|error| error.to_string())?
        }
        Value::Duration(value) => RestrictedExpression::new_duration(format!("{value}ms")),
        Value::Entity(entity) => RestrictedExpression::new_entity_uid(uid(entity)?),
        Value::Set(set) => {
            let elements: Result<Vec<_>, _> = set.values().iter().map(expression).collect();
            RestrictedExpression::new_set(elements?)
        }
        Value::Record(fields) => {
            let fields: Result<Vec<_>, String> =
                fields.iter().map(|(name, value)| Ok((name.to_string(), expression(value)?))).collect();
            RestrictedExpression::new_record(fields?).map_err(|error| error.to_string())?
        }
    })
}
