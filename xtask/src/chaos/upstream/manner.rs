//! The manners in which the integration carries out a request, and answers it.

/// A manner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::chaos) enum Manner {
    /// It acts and says so.
    Plain,
    /// It takes a moment until it acts.
    Slow,
    /// It acts, and the connection breaks before the answer.
    Lose,
    /// It acts, and answers when nobody waits any more.
    Late,
    /// It acts, and never answers.
    Never,
    /// It acts, and answers twice.
    Twice,
    /// It acts, and answers that it failed.
    Error,
    /// It acts, and its server answers that it is out of order.
    Fault,
    /// The connection breaks before it acts.
    LoseBefore,
    /// It does nothing and says why.
    Refuse,
}

impl Manner {
    pub(in crate::chaos) const ALL: [Self; 10] = [
        Self::Plain,
        Self::Slow,
        Self::Lose,
        Self::Late,
        Self::Never,
        Self::Twice,
        Self::Error,
        Self::Fault,
        Self::LoseBefore,
        Self::Refuse,
    ];

    /// The manner as an argument of a call.
    pub(in crate::chaos) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Slow => "slow",
            Self::Lose => "lose",
            Self::Late => "late",
            Self::Never => "never",
            Self::Twice => "twice",
            Self::Error => "error",
            Self::Fault => "fault",
            Self::LoseBefore => "lose_before",
            Self::Refuse => "refuse",
        }
    }

    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|manner| manner.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Manner;

    #[test]
    fn every_manner_has_a_name_of_its_own() {
        assert!(Manner::ALL.into_iter().all(|manner| Manner::of_name(manner.name()) == Some(manner)));
        assert_eq!(Manner::of_name("kind"), None);
    }
}
