//! One policy set as its author wrote it: parsed, strictly validated, and indexed by scope.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use cedar_policy::{
    ActionConstraint, EntityTypeName, EntityUid, PartialEntities, PartialEntityUid, PartialRequest, Policy, PolicyId,
    PolicySet, ResourceConstraint, Schema, ValidationMode, Validator,
};

use super::compiled::{CompiledSet, Question, SetKind};
use super::index::Rule;
use super::lower;
use super::schema::Shapes;

/// Something wrong with a policy's text, with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PolicyError {
    /// What is wrong.
    pub message: String,
    /// A way out, where Cedar knows one.
    pub help: Option<String>,
    /// Where it stands, as byte offset and length into the text.
    pub span: Option<(usize, usize)>,
    /// Whether the set can be used all the same: a condition that never holds, say.
    pub warning: bool,
}

/// A parsed and validated policy set.
#[derive(Debug)]
pub struct PolicySource {
    kind: SetKind,
    schema: Arc<Schema>,
    shapes: Arc<Shapes>,
    set: PolicySet,
    by_scope: HashMap<(Option<EntityUid>, Option<String>), Vec<PolicyId>>,
    action_groups: HashMap<EntityUid, Vec<EntityUid>>,
}

impl PolicySource {
    /// Parses and validates a set.
    ///
    /// # Errors
    /// Everything that is wrong. Warnings alone are no error and come back with the set.
    pub fn new(
        kind: SetKind,
        schema: Arc<Schema>,
        shapes: Arc<Shapes>,
        text: &str,
    ) -> Result<(Self, Vec<PolicyError>), Vec<PolicyError>> {
        let parsed = PolicySet::from_str(text)
            .map_err(|errors| errors.iter().map(|error| described(error, false)).collect::<Vec<_>>())?;
        let set = renamed(kind, &parsed).map_err(|error| vec![error])?;
        let result = Validator::new((*schema).clone()).validate(&set, ValidationMode::Strict);
        let errors: Vec<PolicyError> = result.validation_errors().map(|error| described(error, false)).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        let warnings = result.validation_warnings().map(|warning| described(warning, true)).collect();
        let source =
            Self { kind, by_scope: by_scope(&set), action_groups: action_groups(&schema)?, schema, shapes, set };
        Ok((source, warnings))
    }

    /// Which of the sets this is.
    #[must_use]
    pub fn kind(&self) -> SetKind {
        self.kind
    }

    /// The policies as Cedar knows them, for the oracle.
    #[must_use]
    pub fn policies(&self) -> &PolicySet {
        &self.set
    }

    /// The types of everything that the set's conditions can read.
    #[must_use]
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// The action entities with their groups, for the oracle.
    pub(super) fn action_entities(&self) -> Result<Vec<cedar_policy::Entity>, String> {
        let entities = self.schema.action_entities().map_err(|error| error.to_string())?;
        Ok(entities.iter().cloned().collect())
    }

    /// Narrows the set to one question and compiles what is left.
    ///
    /// A policy that has no compiled form does not vanish: the compiled set refuses everything and says why.
    #[must_use]
    pub fn compile(&self, question: &Question) -> CompiledSet {
        match self.rules(question) {
            Ok((permits, forbids)) => {
                let (shapes, question) = (self.shapes.clone(), question.clone());
                let present = move |slot: &super::Slot| {
                    let (principal, action, resource) = (&question.principal, &question.action, &question.resource);
                    // The entity itself is always there; a column may be without a value whatever was declared.
                    slot.path.is_empty()
                        || (slot.root != super::Root::Resource
                            && shapes.slot(principal, action, resource, slot).is_some_and(|(_, present)| present))
                };
                CompiledSet::new(self.kind, permits, forbids, Arc::new(present))
            }
            Err(defect) => CompiledSet::defective(self.kind, defect),
        }
    }

    fn rules(&self, question: &Question) -> Result<(Vec<Rule>, Vec<Rule>), String> {
        let action = uid("Action", &question.action)?;
        let principal = type_name(&question.principal)?;
        let resource = type_name(&question.resource)?;
        let candidates = PolicySet::from_policies(self.in_scope(&action, &question.resource))
            .map_err(|error| format!("the policies in scope: {error}"))?;
        let request = PartialRequest::new(
            PartialEntityUid::new(principal, None),
            action,
            PartialEntityUid::new(resource, None),
            None,
            &self.schema,
        )
        .map_err(|error| format!("`{}` does not apply here: {error}", question.action))?;
        let actions = self.schema.action_entities().map_err(|error| error.to_string())?;
        let entities = PartialEntities::from_concrete(actions, &self.schema).map_err(|error| error.to_string())?;
        let response = candidates.tpe(&request, &entities, &self.schema).map_err(|error| error.to_string())?;
        let (mut permits, mut forbids) = (Vec::new(), Vec::new());
        for residual in response.policies() {
            let syntax = residual.to_pst().map_err(|error| error.to_string())?;
            let condition = lower::clauses(syntax.body().clauses())
                .map_err(|error| format!("policy `{}`: {error}", residual.id()))?;
            if condition.as_boolean() == Some(false) {
                continue;
            }
            let rule = Rule { policy: Arc::from(residual.id().to_string()), condition };
            match residual.effect() {
                cedar_policy::Effect::Permit => permits.push(rule),
                cedar_policy::Effect::Forbid => forbids.push(rule),
            }
        }
        Ok((permits, forbids))
    }

    fn in_scope(&self, action: &EntityUid, resource: &str) -> Vec<Policy> {
        let groups = self.action_groups.get(action).into_iter().flatten();
        let actions = [None, Some(action)].into_iter().chain(groups.map(Some));
        let mut policies = Vec::new();
        for action in actions {
            for resource in [None, Some(resource.to_owned())] {
                let ids = self.by_scope.get(&(action.cloned(), resource)).into_iter().flatten();
                policies.extend(ids.filter_map(|id| self.set.policy(id).cloned()));
            }
        }
        policies
    }
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    Ok(EntityUid::from_type_name_and_id(type_name(kind)?, cedar_policy::EntityId::new(id)))
}

fn type_name(kind: &str) -> Result<EntityTypeName, String> {
    EntityTypeName::from_str(kind).map_err(|_| format!("`{kind}` is no entity type"))
}

/// Gives each policy the id of its `@id` annotation, or the set's name and its number.
fn renamed(kind: SetKind, parsed: &PolicySet) -> Result<PolicySet, PolicyError> {
    let plain = |message: String| PolicyError { message, help: None, span: None, warning: false };
    if parsed.templates().next().is_some() {
        return Err(plain("policy templates are not used here; write the policy out".to_owned()));
    }
    let mut policies: Vec<&Policy> = parsed.policies().collect();
    // Cedar numbers policies `policy0`, `policy1`, … in the order of the text.
    policies.sort_by_key(|policy| {
        policy.id().to_string().trim_start_matches("policy").parse::<usize>().unwrap_or(usize::MAX)
    });
    let mut set = PolicySet::new();
    for (number, policy) in policies.into_iter().enumerate() {
        let id = policy.annotation("id").map_or_else(|| format!("{}#{}", kind.name(), number + 1), str::to_owned);
        set.add(policy.new_id(PolicyId::new(&id)))
            .map_err(|_| plain(format!("two policies have the id `{id}`; give each `@id` once")))?;
    }
    Ok(set)
}

fn by_scope(set: &PolicySet) -> HashMap<(Option<EntityUid>, Option<String>), Vec<PolicyId>> {
    let mut by_scope: HashMap<_, Vec<PolicyId>> = HashMap::new();
    for policy in set.policies() {
        let resource = match policy.resource_constraint() {
            ResourceConstraint::Is(kind) | ResourceConstraint::IsIn(kind, _) => Some(kind.to_string()),
            ResourceConstraint::Eq(uid) => Some(uid.type_name().to_string()),
            ResourceConstraint::Any | ResourceConstraint::In(_) => None,
        };
        let actions = match policy.action_constraint() {
            ActionConstraint::Any => vec![None],
            ActionConstraint::Eq(action) => vec![Some(action)],
            ActionConstraint::In(actions) => actions.into_iter().map(Some).collect(),
        };
        for action in actions {
            by_scope.entry((action, resource.clone())).or_default().push(policy.id().clone());
        }
    }
    by_scope
}

fn action_groups(schema: &Schema) -> Result<HashMap<EntityUid, Vec<EntityUid>>, Vec<PolicyError>> {
    let plain = |message: String| vec![PolicyError { message, help: None, span: None, warning: false }];
    let entities = schema.action_entities().map_err(|error| plain(error.to_string()))?;
    let groups = entities.iter().map(|action| {
        let uid = action.uid();
        let groups = entities.ancestors(&uid).into_iter().flatten().cloned().collect();
        (uid, groups)
    });
    Ok(groups.collect())
}

fn described(diagnostic: &(impl miette::Diagnostic + ?Sized), warning: bool) -> PolicyError {
    PolicyError {
        message: diagnostic.to_string(),
        help: diagnostic.help().map(|help| help.to_string()),
        span: diagnostic.labels().and_then(|mut labels| labels.next()).map(|label| (label.offset(), label.len())),
        warning,
    }
}
