//! Which rules can matter, found by the constants that they compare with.
//!
//! Ten thousand policies that each name one customer differ in one constant. Such a rule starts with an
//! equality between a slot and a constant (or a membership in constants); where the slot's value is another,
//! the condition is false before anything else is evaluated. Rules are therefore kept by slot and constant,
//! and a question looks at those that its own values select, and at those that have no such start.
//!
//! Skipping must never hide an error: a conjunct serves as the key only where nothing before it can err, and
//! where reading its slot cannot err either unless it stands first (a missing value then errs in every rule
//! of the group, and the look-up reports that).

use std::collections::HashMap;
use std::sync::Arc;

use super::expr::{EvalError, Expr, Operator, Root, Scope, Slot};
use crate::value::{EntityName, Value, ValueRef, ValueSet};

/// One policy's condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    /// The policy's id.
    pub(super) policy: Arc<str>,
    /// The condition.
    pub(super) condition: Expr,
}

/// Rules by the constants that they start with.
#[derive(Debug, Default)]
pub(super) struct RuleIndex {
    rules: Vec<Rule>,
    unkeyed: Vec<u32>,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    slot: Slot,
    membership: bool,
    strings: HashMap<Arc<str>, Vec<u32>>,
    numbers: HashMap<i64, Vec<u32>>,
    entities: HashMap<Arc<EntityName>, Vec<u32>>,
}

enum Key<'a> {
    Equal(&'a Slot, Vec<Value>),
    In(&'a Slot, Arc<EntityName>),
}

impl RuleIndex {
    /// Builds the index. `always_present` tells which slots can never be missing.
    pub(super) fn new(rules: Vec<Rule>, always_present: &dyn Fn(&Slot) -> bool) -> Self {
        let mut index = Self::default();
        for (number, rule) in rules.iter().enumerate() {
            let Ok(number) = u32::try_from(number) else { continue };
            match key(&rule.condition, always_present) {
                Some(key) => index.insert(key, number),
                None => index.unkeyed.push(number),
            }
        }
        index.rules = rules;
        index
    }

    fn insert(&mut self, key: Key<'_>, rule: u32) {
        let (slot, membership) = match &key {
            Key::Equal(slot, _) => (*slot, false),
            Key::In(slot, _) => (*slot, true),
        };
        let position = self.groups.iter().position(|group| group.slot == *slot && group.membership == membership);
        let position = position.unwrap_or_else(|| {
            self.groups.push(Group {
                slot: slot.clone(),
                membership,
                strings: HashMap::new(),
                numbers: HashMap::new(),
                entities: HashMap::new(),
            });
            self.groups.len() - 1
        });
        let Some(group) = self.groups.get_mut(position) else { return };
        match key {
            Key::In(_, entity) => group.entities.entry(entity).or_default().push(rule),
            Key::Equal(_, values) => {
                for value in values {
                    match value {
                        Value::String(text) => group.strings.entry(text).or_default().push(rule),
                        Value::Entity(entity) => group.entities.entry(entity).or_default().push(rule),
                        Value::Long(number) | Value::Decimal(number) | Value::Datetime(number) => {
                            group.numbers.entry(number).or_default().push(rule);
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    /// Calls `visit` with each rule that could hold or err, until it answers `false`.
    ///
    /// # Errors
    /// What `visit` reports, and [`EvalError::Missing`] where a slot that rules start with has no value.
    pub(super) fn candidates<'a, S: Scope>(
        &'a self,
        scope: &S,
        mut visit: impl FnMut(&'a Rule) -> Result<bool, EvalError>,
    ) -> Result<(), EvalError> {
        let mut visit_all = |numbers: &[u32]| -> Result<bool, EvalError> {
            for number in numbers {
                if let Some(rule) = usize::try_from(*number).ok().and_then(|number| self.rules.get(number))
                    && !visit(rule)?
                {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        if !visit_all(&self.unkeyed)? {
            return Ok(());
        }
        for group in &self.groups {
            let value = scope.read(&group.slot).ok_or_else(|| EvalError::Missing(group.slot.to_string()))?;
            if group.membership {
                let ValueRef::Entity(entity) = value else { return Err(EvalError::Type) };
                let itself = std::iter::once(entity);
                for member_of in itself.chain(scope.groups(entity).into_iter().flatten()) {
                    if let Some(numbers) = group.entities.get(member_of)
                        && !visit_all(numbers)?
                    {
                        return Ok(());
                    }
                }
                continue;
            }
            let numbers = match value {
                ValueRef::String(text) => group.strings.get(text),
                ValueRef::Entity(entity) => group.entities.get(entity),
                ValueRef::Long(number) | ValueRef::Decimal(number) | ValueRef::Datetime(number) => {
                    group.numbers.get(&number)
                }
                _ => return Err(EvalError::Type),
            };
            if let Some(numbers) = numbers
                && !visit_all(numbers)?
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The rules that can still hold or err once everything but the resource is known.
    pub(super) fn relevant<S: Scope>(&self, scope: &S) -> Vec<&Rule> {
        let at = |number: &u32| usize::try_from(*number).ok().and_then(|number| self.rules.get(number));
        let mut relevant: Vec<&Rule> = self.unkeyed.iter().filter_map(at).collect();
        for group in &self.groups {
            let all = group.strings.values().chain(group.numbers.values()).chain(group.entities.values()).flatten();
            let value = if group.slot.root == Root::Resource { None } else { scope.read(&group.slot) };
            match value {
                Some(ValueRef::String(text)) => {
                    relevant.extend(group.strings.get(text).into_iter().flatten().filter_map(at))
                }
                Some(ValueRef::Long(number) | ValueRef::Decimal(number) | ValueRef::Datetime(number)) => {
                    relevant.extend(group.numbers.get(&number).into_iter().flatten().filter_map(at));
                }
                Some(ValueRef::Entity(entity)) => {
                    let groups = scope.groups(entity).into_iter().flatten().filter(|_| group.membership);
                    let numbers = std::iter::once(entity).chain(groups).filter_map(|entity| group.entities.get(entity));
                    relevant.extend(numbers.flatten().filter_map(at));
                }
                // A resource's attribute, or a missing value, which then errs in each of them.
                _ => relevant.extend(all.filter_map(at)),
            }
        }
        relevant
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

/// The first conjunct that can serve as a key.
fn key<'a>(condition: &'a Expr, always_present: &dyn Fn(&Slot) -> bool) -> Option<Key<'a>> {
    let mut conjuncts = Vec::new();
    flatten(condition, &mut conjuncts);
    for (position, conjunct) in conjuncts.into_iter().enumerate() {
        if let Some(key) = conjunct_key(conjunct) {
            let (Key::Equal(slot, _) | Key::In(slot, _)) = &key;
            if position == 0 || always_present(slot) {
                return Some(key);
            }
        }
        if can_err(conjunct, always_present) {
            return None;
        }
    }
    None
}

fn flatten<'a>(condition: &'a Expr, conjuncts: &mut Vec<&'a Expr>) {
    match condition {
        Expr::And(left, right) => {
            flatten(left, conjuncts);
            flatten(right, conjuncts);
        }
        other => conjuncts.push(other),
    }
}

fn conjunct_key(conjunct: &Expr) -> Option<Key<'_>> {
    match conjunct {
        Expr::Binary(Operator::Equal, left, right) => match (&**left, &**right) {
            (Expr::Slot(slot), Expr::Constant(value)) | (Expr::Constant(value), Expr::Slot(slot)) => {
                let indexable = matches!(
                    value,
                    Value::String(_) | Value::Entity(_) | Value::Long(_) | Value::Decimal(_) | Value::Datetime(_)
                );
                indexable.then(|| Key::Equal(slot, vec![value.clone()]))
            }
            _ => None,
        },
        Expr::Binary(Operator::Contains, set, element) => match (&**set, &**element) {
            (Expr::Constant(Value::Set(set)), Expr::Slot(slot)) if !matches!(**set, ValueSet::Bools(_)) => {
                Some(Key::Equal(slot, set.values()))
            }
            _ => None,
        },
        Expr::In(entity, group) => match &**entity {
            Expr::Slot(slot) => Some(Key::In(slot, group.clone())),
            _ => None,
        },
        _ => None,
    }
}

/// Whether evaluation may err on input that fits the schema. May say yes where it cannot.
pub(super) fn can_err(expr: &Expr, always_present: &dyn Fn(&Slot) -> bool) -> bool {
    let any = |parts: &[&Expr]| parts.iter().any(|part| can_err(part, always_present));
    match expr {
        Expr::Constant(_) => false,
        Expr::Slot(slot) => !always_present(slot),
        Expr::Has(slot) => slot.parents().any(|parent| !always_present(&parent)),
        Expr::Not(inner) | Expr::IsEmpty(inner) | Expr::Like(inner, _) | Expr::In(inner, _) => any(&[inner]),
        Expr::And(left, right) | Expr::Or(left, right) => any(&[left, right]),
        Expr::If(condition, then, otherwise) => any(&[condition, then, otherwise]),
        Expr::Binary(operator, left, right) => {
            let overflows = matches!(
                operator,
                Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Offset | Operator::DurationSince
            );
            overflows || any(&[left, right])
        }
        Expr::Negate(_) | Expr::AlwaysErrs => true,
    }
}
