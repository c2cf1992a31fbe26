//! Which rules can matter, found by the constants that they compare with.
//!
//! Ten thousand policies that each name one customer differ in one constant. Such a rule has, among its first
//! conjuncts, an equality between a place and a constant (or a membership in constants); where the place's
//! value is another, the condition is false before anything else matters. Rules are therefore kept by place and
//! constant, and a question looks at those that its own values select, and at those that have no such conjunct.
//! What the look-up has shown to be true is not tested again.
//!
//! Skipping must never hide an error: a conjunct serves as the key only where nothing before it can err, and
//! where reading its place cannot err either unless it stands first (a missing value then errs in every rule of
//! the group, and the look-up reports that).

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;
use smol_str::SmolStr;

use super::conjunct::{Reader, Slots, Test};
use super::expr::{EvalError, Expr, Operator, Scope, Slot};
use crate::value::{EntityName, Value, ValueRef, ValueSet};

/// Below this many rules a look-up costs more than it saves.
const INDEXED_RULES_MIN: usize = 4;

/// One policy's condition, as it was lowered: for binding, push-down and explanations.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    /// The policy's id.
    pub(super) policy: Arc<str>,
    /// The condition.
    pub(super) condition: Expr,
}

/// Rules by the constants that they compare with. The tables' hash has a fixed seed: they are filled by policies
/// alone, so a request can choose what it looks up, but not what lies there.
#[derive(Debug, Default)]
pub(super) struct RuleIndex {
    rules: Vec<Rule>,
    /// What is asked, in the order in which it is found.
    asked: Vec<Asked>,
    unkeyed: Range<u32>,
    groups: Vec<Group>,
    /// The places that rules read which are found by a place that is known late.
    late_slots: Vec<Slot>,
}

/// Which part of an index is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// The rules that are found by a place which is known only when the question is asked.
    Late,
}

/// A rule as it is asked: the conjuncts that a look-up has not decided.
#[derive(Debug)]
struct Asked {
    rule: u32,
    tests: Box<[Test]>,
}

#[derive(Debug)]
struct Group {
    slot: Slot,
    /// The constants, as values: what a source may filter by.
    keys: Arc<ValueSet>,
    number: u32,
    membership: bool,
    /// Short texts lie in the table itself: one place in memory less to fetch.
    texts: HashMap<SmolStr, Range<u32>, FixedState>,
    numbers: HashMap<i64, Range<u32>, FixedState>,
    entities: HashMap<EntityName, Range<u32>, FixedState>,
}

/// A constant by which rules are found. A place has one type, so numbers of different types never meet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Constant {
    Text(Arc<str>),
    Number(i64),
    Entity(Arc<EntityName>),
}

impl Constant {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Long(number) | Value::Decimal(number) | Value::Datetime(number) => Some(Self::Number(*number)),
            Value::Entity(entity) => Some(Self::Entity(entity.clone())),
            _ => None,
        }
    }
}

/// A rule that a constant finds: its number, the conjunct that the look-up decides, and all its conjuncts.
type Found<'a, 'e> = (u32, usize, &'a [&'e Expr]);

/// Where a rule is found.
struct Key<'a> {
    slot: &'a Slot,
    membership: bool,
    constants: Vec<Value>,
    conjunct: usize,
}

impl RuleIndex {
    /// Builds the index. `always_present` tells which places can never be missing.
    pub(super) fn new(rules: Vec<Rule>, slots: &mut Slots, always_present: &dyn Fn(&Slot) -> bool) -> Self {
        let mut index = Self::default();
        let indexed = rules.len() >= INDEXED_RULES_MIN;
        let mut keyed: Vec<(Key<'_>, u32, Vec<&Expr>)> = Vec::new();
        for (number, rule) in rules.iter().enumerate() {
            let Ok(number) = u32::try_from(number) else { continue };
            let mut conjuncts = Vec::new();
            flatten(&rule.condition, &mut conjuncts);
            match key(&conjuncts, always_present).filter(|_| indexed) {
                Some(key) => keyed.push((key, number, conjuncts)),
                None => index.ask(number, &conjuncts, None, slots),
            }
        }
        index.unkeyed = 0..index.next();
        // Rules of one key lie side by side.
        let mut by_key: HashMap<(usize, Constant), Vec<Found<'_, '_>>, FixedState> = HashMap::default();
        let mut order = Vec::new();
        for (key, number, conjuncts) in &keyed {
            let group = index.group(key, slots);
            for value in &key.constants {
                let Some(constant) = Constant::of(value) else { continue };
                let rules = by_key.entry((group, constant.clone())).or_default();
                if rules.is_empty() {
                    order.push((group, constant, value.clone()));
                }
                rules.push((*number, key.conjunct, conjuncts));
            }
        }
        let mut keys: Vec<Vec<Value>> = vec![Vec::new(); index.groups.len()];
        for at in order {
            if let Some(keys) = keys.get_mut(at.0) {
                keys.push(at.2);
            }
            let at = (at.0, at.1);
            let from = index.next();
            for (number, decided, conjuncts) in by_key.remove(&at).unwrap_or_default() {
                index.ask(number, conjuncts, Some(decided), slots);
            }
            let range = from..index.next();
            if let Some(group) = index.groups.get_mut(at.0) {
                group.insert(at.1, range);
            }
        }
        for (group, keys) in index.groups.iter_mut().zip(keys) {
            group.keys = Arc::new(ValueSet::collect(keys).unwrap_or_default());
        }
        let mut late: Vec<&Slot> = Vec::new();
        for (_, _, conjuncts) in keyed.iter().filter(|(key, _, _)| !key.slot.is_known_early()) {
            let mut slots = Vec::new();
            conjuncts.iter().for_each(|conjunct| conjunct.slots(&mut slots));
            for slot in slots {
                if !late.contains(&slot) {
                    late.push(slot);
                }
            }
        }
        index.late_slots = late.into_iter().cloned().collect();
        drop(keyed);
        index.rules = rules;
        index
    }

    fn next(&self) -> u32 {
        u32::try_from(self.asked.len()).unwrap_or(u32::MAX)
    }

    fn ask(&mut self, rule: u32, conjuncts: &[&Expr], decided: Option<usize>, slots: &mut Slots) {
        let open = conjuncts.iter().enumerate().filter(|(position, _)| Some(*position) != decided);
        let tests = open.map(|(_, conjunct)| Test::new(conjunct, slots)).collect();
        self.asked.push(Asked { rule, tests });
    }

    fn group(&mut self, key: &Key<'_>, slots: &mut Slots) -> usize {
        let known = self.groups.iter().position(|group| group.slot == *key.slot && group.membership == key.membership);
        known.unwrap_or_else(|| {
            self.groups.push(Group {
                slot: key.slot.clone(),
                keys: Arc::default(),
                number: slots.number(key.slot),
                membership: key.membership,
                texts: HashMap::default(),
                numbers: HashMap::default(),
                entities: HashMap::default(),
            });
            self.groups.len() - 1
        })
    }

    /// Calls `visit` with each rule that could hold or err, and whether it does, until it answers `false`.
    ///
    /// # Errors
    /// The first error of a rule, with the rule, or of a place that rules start with.
    pub(super) fn ask_all<'a, S: Scope>(
        &'a self,
        reader: &Reader<'_, S>,
        part: Part,
        mut visit: impl FnMut(&'a Rule) -> bool,
    ) -> Result<(), (Option<&'a Rule>, EvalError)> {
        let mut ask = |range: &Range<u32>| -> Result<bool, (Option<&'a Rule>, EvalError)> {
            for asked in self.range(range) {
                if asked.holds(reader).map_err(|error| (self.rule(asked), error))?
                    && let Some(rule) = self.rule(asked)
                    && !visit(rule)
                {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        if part == Part::Whole && !ask(&self.unkeyed)? {
            return Ok(());
        }
        for group in self.groups.iter().filter(|group| part == Part::Whole || !group.slot.is_known_early()) {
            let value = reader.read(group.number).map_err(|error| (None, error))?;
            if group.membership {
                let ValueRef::Entity(entity) = value else { return Err((None, EvalError::Type)) };
                for member_of in std::iter::once(entity).chain(reader.scope().groups(entity).into_iter().flatten()) {
                    if let Some(range) = group.entities.get(member_of)
                        && !ask(range)?
                    {
                        return Ok(());
                    }
                }
            } else if let Some(range) = group.find(value).map_err(|error| (None, error))?
                && !ask(range)?
            {
                return Ok(());
            }
        }
        Ok(())
    }

    fn range(&self, range: &Range<u32>) -> &[Asked] {
        let at = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        self.asked.get(at(range.start)..at(range.end)).unwrap_or_default()
    }

    fn rule(&self, asked: &Asked) -> Option<&Rule> {
        self.rules.get(usize::try_from(asked.rule).ok()?)
    }

    /// The rules that can still hold or err once what is known early is known, without those that are found by a
    /// place which is known late.
    pub(super) fn early<S: Scope>(&self, scope: &S) -> Vec<&Rule> {
        let mut ranges = vec![self.unkeyed.clone()];
        for group in self.groups.iter().filter(|group| group.slot.is_known_early()) {
            match scope.read(&group.slot) {
                Some(ValueRef::Entity(entity)) if group.membership => {
                    let itself = std::iter::once(entity);
                    let groups = itself.chain(scope.groups(entity).into_iter().flatten());
                    ranges.extend(groups.filter_map(|entity| group.entities.get(entity).cloned()));
                }
                Some(value) => ranges.extend(group.find(value).ok().flatten().cloned()),
                // A missing value errs in each of them.
                None => {
                    let all = group.texts.values().chain(group.numbers.values()).chain(group.entities.values());
                    ranges.extend(all.cloned());
                }
            }
        }
        let mut numbers: Vec<u32> = ranges.iter().flat_map(|range| self.range(range)).map(|asked| asked.rule).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().filter_map(|number| self.rules.get(usize::try_from(number).ok()?)).collect()
    }

    /// The places by which rules are found late, with the constants that they are found by.
    pub(super) fn late_keys(&self) -> impl Iterator<Item = (&Slot, &Arc<ValueSet>)> {
        self.groups.iter().filter(|group| !group.slot.is_known_early()).map(|group| (&group.slot, &group.keys))
    }

    /// The places that those rules read.
    pub(super) fn late_slots(&self) -> &[Slot] {
        &self.late_slots
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

impl Asked {
    fn holds<S: Scope>(&self, reader: &Reader<'_, S>) -> Result<bool, EvalError> {
        for test in &self.tests {
            if !test.holds(reader)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Group {
    fn insert(&mut self, constant: Constant, range: Range<u32>) {
        match constant {
            Constant::Text(text) => _ = self.texts.insert(SmolStr::new(&text), range),
            Constant::Number(number) => _ = self.numbers.insert(number, range),
            Constant::Entity(entity) => _ = self.entities.insert(EntityName::clone(&entity), range),
        }
    }

    fn find(&self, value: ValueRef<'_>) -> Result<Option<&Range<u32>>, EvalError> {
        match value {
            ValueRef::String(text) => Ok(self.texts.get(text)),
            ValueRef::Entity(entity) => Ok(self.entities.get(entity)),
            ValueRef::Long(number) | ValueRef::Decimal(number) | ValueRef::Datetime(number) => {
                Ok(self.numbers.get(&number))
            }
            _ => Err(EvalError::Type),
        }
    }
}

/// The first conjunct that can serve as a key.
fn key<'a>(conjuncts: &[&'a Expr], always_present: &dyn Fn(&Slot) -> bool) -> Option<Key<'a>> {
    for (position, conjunct) in conjuncts.iter().enumerate() {
        if let Some((slot, membership, constants)) = conjunct_key(conjunct)
            && (position == 0 || always_present(slot))
        {
            return Some(Key { slot, membership, constants, conjunct: position });
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
        Expr::Constant(Value::Bool(true)) => {}
        other => conjuncts.push(other),
    }
}

fn conjunct_key(conjunct: &Expr) -> Option<(&Slot, bool, Vec<Value>)> {
    match conjunct {
        Expr::Binary(Operator::Equal, left, right) => match (&**left, &**right) {
            (Expr::Slot(slot), Expr::Constant(value)) | (Expr::Constant(value), Expr::Slot(slot)) => {
                Constant::of(value).map(|_| (slot, false, vec![value.clone()]))
            }
            _ => None,
        },
        Expr::Binary(Operator::Contains, set, element) => match (&**set, &**element) {
            (Expr::Constant(Value::Set(set)), Expr::Slot(slot)) => {
                let constants = set.values();
                constants.iter().all(|value| Constant::of(value).is_some()).then_some((slot, false, constants))
            }
            _ => None,
        },
        Expr::In(entity, group) => match &**entity {
            Expr::Slot(slot) => Some((slot, true, vec![Value::Entity(group.clone())])),
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
