//! How far an exploration goes: who and what there is, and how often what can go wrong does.

use writ_core::event::{EffectProfile, Milliseconds};

/// When everything starts, how long a run without a proposal lasts, and when proposals end.
pub(crate) const START: Milliseconds = 10;
pub(crate) const RUN_ENDS: Milliseconds = 50;
pub(crate) const DEADLINE: Milliseconds = 100;
/// When a run with a proposal ends: the run's own length after the proposal's deadline.
const LAST: Milliseconds = DEADLINE + RUN_ENDS;

/// One proposal that a worker may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// The run that may make it.
    pub run: usize,
    /// What it is about: the same payment is the same call and the same effect key.
    pub payment: &'static str,
}

/// What one exploration looks at.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// What to call it.
    pub name: &'static str,
    /// The decisions that there can be. Each may be proposed once, at any time.
    pub proposals: &'static [Planned],
    /// Whether the effects have an effect key.
    pub effect_keys: bool,
    /// What the integration says of a repeated request. A `keyed` one keeps to it; another knows no keys.
    pub profile: EffectProfile,
    /// How many approvals a decision needs.
    pub approvals_needed: u32,
    /// Who may vote. The person that the runs act for tries as well.
    pub voters: &'static [&'static str],
    /// How often an effect is sent at most.
    pub attempts_max: u32,
    /// How often a server dies with something in hand.
    pub crashes_max: u32,
    /// How many policies come into force, one after another.
    pub policies: usize,
    /// The times that there are: before and at a decision's deadline, and at the end of its run.
    pub moments: &'static [Milliseconds],
}

impl Bounds {
    /// Servers that carry decisions out.
    pub const REPLICAS: usize = 2;

    /// What every run of the tests looks at.
    pub const EVERYDAY: [Self; 4] = [Self::ONE_KEYED, Self::ONE_OPAQUE, Self::TWO_OF_A_KEY, Self::SAME_CALL];

    /// What is looked at by hand, for minutes, in an optimised build.
    pub const DEEP: [Self; 3] = [
        Self { name: "one keyed effect, deep", attempts_max: 3, crashes_max: 3, ..Self::ONE_KEYED },
        Self { name: "two of a key, two voters", voters: &["lea", "lou"], moments: &ALL_MOMENTS, ..Self::TWO_OF_A_KEY },
        Self { name: "two of a key, keyed", profile: EffectProfile::Keyed, attempts_max: 2, ..Self::TWO_OF_A_KEY },
    ];

    /// One decision by two voters, on an effect that may be sent again with the same key.
    pub const ONE_KEYED: Self = Self {
        name: "one keyed effect",
        proposals: &[Planned { run: 0, payment: "p-1" }],
        effect_keys: true,
        profile: EffectProfile::Keyed,
        approvals_needed: 2,
        voters: &["lea", "lou"],
        attempts_max: 2,
        crashes_max: 2,
        policies: 2,
        moments: &ALL_MOMENTS,
    };

    /// One decision by two voters, on an effect whose lost answer only a person can find out.
    pub const ONE_OPAQUE: Self = Self { name: "one opaque effect", profile: EffectProfile::Opaque, ..Self::ONE_KEYED };

    /// Two runs that want the same effect, carried out by two servers at once.
    pub const TWO_OF_A_KEY: Self = Self {
        name: "two of a key",
        proposals: &[Planned { run: 0, payment: "p-1" }, Planned { run: 1, payment: "p-1" }],
        approvals_needed: 1,
        voters: &["lea"],
        attempts_max: 1,
        crashes_max: 1,
        moments: &[START, DEADLINE],
        ..Self::ONE_OPAQUE
    };

    /// One run that makes the same call again.
    pub const SAME_CALL: Self = Self {
        name: "the same call again",
        proposals: &[Planned { run: 0, payment: "p-1" }, Planned { run: 0, payment: "p-1" }],
        effect_keys: false,
        moments: &ALL_MOMENTS,
        ..Self::TWO_OF_A_KEY
    };

    /// How many runs there are.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.proposals.iter().map(|planned| planned.run).max().map_or(0, |last| last.saturating_add(1))
    }
}

const ALL_MOMENTS: [Milliseconds; 3] = [START, DEADLINE, LAST];
