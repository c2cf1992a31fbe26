//! Compiled sets and the decision over three of them.

use std::fmt;
use std::sync::Arc;

use super::conjunct::{Reader, Slots};
use super::contradiction::never_holds;
use super::expr::{EvalError, Inputs, Scope, Slot};
use super::index::{Part, Rule, RuleIndex, can_err};
use crate::code::Reason;

/// Which policy set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SetKind {
    /// What the mission declares; the worker is the principal.
    Mission,
    /// What the person may do; the person is the principal.
    Entitlements,
    /// What nobody may do; the worker is the principal.
    Guardrails,
    /// Who may decide what; the voter is the principal.
    Approvals,
}

impl SetKind {
    /// The set's name, as in the workspace folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mission => "mission",
            Self::Entitlements => "entitlements",
            Self::Guardrails => "guardrails",
            Self::Approvals => "approvals",
        }
    }
}

impl fmt::Display for SetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What can be asked of a set: the types are fixed, the values come later.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The principal's entity type.
    pub principal: String,
    /// The action's id.
    pub action: String,
    /// The resource's entity type.
    pub resource: String,
}

impl Question {
    /// A question.
    #[must_use]
    pub fn new(principal: &str, action: &str, resource: &str) -> Self {
        Self { principal: principal.to_owned(), action: action.to_owned(), resource: resource.to_owned() }
    }
}

/// Which places can never be missing in a question.
pub(super) type Present = Arc<dyn Fn(&Slot) -> bool + Send + Sync>;

/// One set, narrowed to one question and compiled. Shared by all runs and threads; asking it takes no lock and
/// counts no reference.
pub struct CompiledSet {
    kind: SetKind,
    present: Present,
    slots: Slots,
    forbids: RuleIndex,
    /// Permits that can err: all of them are asked.
    fallible_permits: RuleIndex,
    /// Permits that cannot: one that holds is enough.
    sure_permits: RuleIndex,
    defect: Option<String>,
}

/// A set's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetVerdict<'a> {
    /// A permit holds, no forbid does, nothing erred.
    Permitted {
        /// A permit that holds.
        by: &'a Arc<str>,
    },
    /// No permit holds.
    NotPermitted,
    /// A forbid holds.
    Forbidden {
        /// A forbid that holds.
        by: &'a Arc<str>,
    },
    /// A condition erred.
    Erred {
        /// The policy, where one is known.
        policy: Option<Arc<str>>,
        /// The error.
        error: EvalError,
    },
    /// The set could not be compiled for this question.
    Defective(&'a str),
}

impl CompiledSet {
    pub(super) fn new(kind: SetKind, permits: Vec<Rule>, forbids: Vec<Rule>, present: Present) -> Self {
        let (fallible, sure) = permits.into_iter().partition(|rule| can_err(&rule.condition, &*present));
        let mut slots = Slots::default();
        Self {
            kind,
            forbids: RuleIndex::new(forbids, &mut slots, &*present),
            fallible_permits: RuleIndex::new(fallible, &mut slots, &*present),
            sure_permits: RuleIndex::new(sure, &mut slots, &*present),
            slots,
            present,
            defect: None,
        }
    }

    pub(super) fn defective(kind: SetKind, defect: String) -> Self {
        Self { defect: Some(defect), ..Self::new(kind, Vec::new(), Vec::new(), Arc::new(|_: &Slot| false)) }
    }

    /// Which set this is.
    #[must_use]
    pub fn kind(&self) -> SetKind {
        self.kind
    }

    /// Why the set could not be compiled, if it could not.
    #[must_use]
    pub fn defect(&self) -> Option<&str> {
        self.defect.as_deref()
    }

    /// How many rules can matter to the question at all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.forbids.rules().len() + self.fallible_permits.rules().len() + self.sure_permits.rules().len()
    }

    /// Whether no rule can matter to the question: it is always refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether some permit may hold. Where not, every such call is refused, which its author should know.
    #[must_use]
    pub fn permits_anything(&self) -> bool {
        self.permits().into_iter().flat_map(RuleIndex::rules).any(|rule| !never_holds(&rule.condition))
    }

    pub(super) fn permits(&self) -> [&RuleIndex; 2] {
        [&self.sure_permits, &self.fallible_permits]
    }

    pub(super) fn present(&self) -> &Present {
        &self.present
    }

    pub(super) fn forbids(&self) -> &RuleIndex {
        &self.forbids
    }

    /// Asks the set.
    #[must_use]
    pub fn decide<S: Scope>(&self, scope: &S) -> SetVerdict<'_> {
        if let Some(defect) = &self.defect {
            return SetVerdict::Defective(defect);
        }
        match self.ask(scope, Part::Whole) {
            Ok(Some(by)) => SetVerdict::Permitted { by },
            Ok(None) => SetVerdict::NotPermitted,
            Err(refused) => refused,
        }
    }

    /// Asks a part of the set: a permit that holds, where nothing forbids and nothing errs.
    pub(super) fn ask<S: Scope>(&self, scope: &S, part: Part) -> Result<Option<&Arc<str>>, SetVerdict<'_>> {
        let reader = Reader::new(scope, &self.slots);
        if let Some(by) = first(&self.forbids, &reader, part, true)? {
            return Err(SetVerdict::Forbidden { by });
        }
        match first(&self.fallible_permits, &reader, part, false)? {
            Some(by) => Ok(Some(by)),
            None => first(&self.sure_permits, &reader, part, true),
        }
    }
}

impl fmt::Debug for CompiledSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Conditions that are bound to a run hold a person's data, so they are counted, not printed.
        f.debug_struct("CompiledSet").field("kind", &self.kind).field("rules", &self.len()).finish_non_exhaustive()
    }
}

/// The first rule that holds. With `stop`, later rules are not asked.
fn first<'a, S: Scope>(
    index: &'a RuleIndex,
    reader: &Reader<'_, S>,
    part: Part,
    stop: bool,
) -> Result<Option<&'a Arc<str>>, SetVerdict<'a>> {
    let mut holding = None;
    let asked = index.ask_all(reader, part, |rule| {
        holding = holding.or(Some(&rule.policy));
        !stop
    });
    match asked {
        Ok(()) => Ok(holding),
        Err((rule, error)) => Err(SetVerdict::Erred { policy: rule.map(|rule| rule.policy.clone()), error }),
    }
}

/// Mission, entitlements and guardrails, compiled for one kind of call.
#[derive(Debug, Clone)]
pub struct Slice {
    /// What the mission declares.
    pub mission: Arc<CompiledSet>,
    /// What the person may do.
    pub entitlements: Arc<CompiledSet>,
    /// What nobody may do.
    pub guardrails: Arc<CompiledSet>,
}

/// The answer of the three sets together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The answers of mission, entitlements and guardrails, in this order, up to the first refusal.
    pub sets: [Option<(SetKind, SetVerdict<'a>)>; 3],
}

impl Slice {
    /// Decides one call: allowed where all three sets permit it. `worker` and `person` are the same request
    /// with the worker and the person as principal.
    #[must_use]
    pub fn decide(&self, worker: &Inputs<'_>, person: &Inputs<'_>) -> Verdict<'_> {
        verdict([
            (SetKind::Mission, &|| self.mission.decide(worker)),
            (SetKind::Entitlements, &|| self.entitlements.decide(person)),
            (SetKind::Guardrails, &|| self.guardrails.decide(worker)),
        ])
    }
}

/// Asks the sets in turn, up to the first refusal.
pub(super) fn verdict<'a>(asked: [(SetKind, &dyn Fn() -> SetVerdict<'a>); 3]) -> Verdict<'a> {
    let mut sets = [None, None, None];
    for (answer, (kind, ask)) in sets.iter_mut().zip(asked) {
        let verdict = ask();
        let refused = !matches!(verdict, SetVerdict::Permitted { .. });
        *answer = Some((kind, verdict));
        if refused {
            break;
        }
    }
    Verdict { sets }
}

impl Verdict<'_> {
    /// Whether the call is allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.sets.iter().all(|set| matches!(set, Some((_, SetVerdict::Permitted { .. }))))
    }

    /// What each set said, for people. `inputs` of the refusing set tell the values that mattered.
    #[must_use]
    pub fn reasons(&self) -> Vec<Reason> {
        self.sets.iter().flatten().map(|(kind, verdict)| verdict.reason(*kind)).collect()
    }
}

impl SetVerdict<'_> {
    /// The answer in words.
    #[must_use]
    pub fn reason(&self, kind: SetKind) -> Reason {
        let (policy, detail) = match self {
            Self::Permitted { by } => (Some(by.to_string()), "permits".to_owned()),
            Self::NotPermitted => (None, "no permit holds".to_owned()),
            Self::Forbidden { by } => (Some(by.to_string()), "forbids".to_owned()),
            Self::Erred { policy, error } => (policy.as_ref().map(ToString::to_string), format!("erred: {error}")),
            Self::Defective(defect) => (None, format!("cannot be decided: {defect}")),
        };
        Reason { set: kind.name().to_owned(), policy, detail }
    }
}

impl CompiledSet {
    /// Why the set does not permit this request: each permit that could apply, with the values that its
    /// condition read. For people; never shown to a worker.
    #[must_use]
    pub fn explain<S: Scope>(&self, scope: &S) -> Vec<Reason> {
        const REASONS_MAX: usize = 8;
        let verdict = self.decide(scope);
        let mut reasons = vec![verdict.reason(self.kind)];
        if matches!(verdict, SetVerdict::NotPermitted) {
            let permits = self.permits().into_iter().flat_map(RuleIndex::rules);
            reasons.extend(permits.take(REASONS_MAX).map(|rule| Reason {
                set: self.kind.name().to_owned(),
                policy: Some(rule.policy.to_string()),
                detail: format!("does not hold with {}", values(&rule.condition, scope)),
            }));
        }
        reasons
    }
}

fn values<S: Scope>(condition: &super::Expr, scope: &S) -> String {
    let mut slots = Vec::new();
    condition.slots(&mut slots);
    let mut shown: Vec<String> = Vec::new();
    for slot in slots {
        let value =
            scope.read(slot).map_or_else(|| "nothing".to_owned(), |value| value.to_value().to_json().to_string());
        let line = format!("`{slot}` = {value}");
        if !shown.contains(&line) {
            shown.push(line);
        }
    }
    if shown.is_empty() { "these principals".to_owned() } else { shown.join(", ") }
}
