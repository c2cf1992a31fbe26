//! What is run: sets of scenarios, on each of Writ's two sides.

use std::fmt;

use serde::Serialize;

/// Which side of Writ the suite is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    /// The suite is a worker's client; Writ is the server.
    Server,
    /// The suite is an integration's server; Writ is the client.
    Client,
}

/// A set of scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
pub(crate) enum Set {
    /// What revision 2025-11-25 requires.
    #[value(name = "2025-11-25")]
    #[serde(rename = "2025-11-25")]
    Sessions,
    /// What revision 2026-07-28 requires.
    #[value(name = "2026-07-28")]
    #[serde(rename = "2026-07-28")]
    Stateless,
    /// The extension for tasks, with tools that run at once.
    #[value(name = "tasks")]
    #[serde(rename = "tasks")]
    Tasks,
    /// The extension for tasks, with tools that wait for a person.
    #[value(name = "tasks-gated")]
    #[serde(rename = "tasks-gated")]
    TasksGated,
}

/// The scenarios of the tasks extension, which no revision requires.
pub(crate) const TASKS: [&str; 10] = [
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-status-notifications",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
];

const ALL: [(Set, Side); 6] = [
    (Set::Sessions, Side::Server),
    (Set::Stateless, Side::Server),
    (Set::Tasks, Side::Server),
    (Set::TasksGated, Side::Server),
    (Set::Sessions, Side::Client),
    (Set::Stateless, Side::Client),
];

impl Set {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sessions => "2025-11-25",
            Self::Stateless => "2026-07-28",
            Self::Tasks => "tasks",
            Self::TasksGated => "tasks-gated",
        }
    }

    /// The revision that its scenarios speak.
    pub(crate) fn revision(self) -> &'static str {
        match self {
            Self::Sessions => "2025-11-25",
            Self::Stateless | Self::Tasks | Self::TasksGated => "2026-07-28",
        }
    }

    /// Whether calls wait for a person.
    pub(crate) fn is_gated(self) -> bool {
        self == Self::TasksGated
    }

    /// Whether it is about tasks alone.
    pub(crate) fn is_tasks(self) -> bool {
        matches!(self, Self::Tasks | Self::TasksGated)
    }
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The sets and sides that somebody asks for, in the order in which they run.
pub(crate) fn chosen(set: Option<Set>, side: Option<Side>) -> impl Iterator<Item = (Set, Side)> {
    ALL.into_iter().filter(move |(of_set, of_side)| {
        set.is_none_or(|set| set == *of_set) && side.is_none_or(|side| side == *of_side)
    })
}
