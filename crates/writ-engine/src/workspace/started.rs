//! What of a workspace holds from a start on: `writ.yaml`, and how integrations are reached.
//!
//! Store, keys and connections are made once. Definitions that would need others do not come into force in a server
//! that runs: they are refused as a whole, so that nobody takes an old connection, credential or limit for the new one.
//! An integration that is taken out needs no other connection, and is no reason to refuse. What differs is named, and
//! never shown: an argument or an address may hold a secret.

use std::collections::{BTreeMap, BTreeSet};

use writ_core::definition::{Ask, Config, ConnectionLimits, Integration, Problem, Transport};

use super::{Defined, Workspace};

const HELP: &str = "restart Writ to take it up, or put it back; until then none of the new definitions are in force";

/// What the server was started with.
#[derive(Debug)]
pub(crate) struct Started {
    config: Config,
    integrations: BTreeMap<String, Reached>,
}

/// How one integration is reached, and what the connection may cost and ask.
#[derive(Debug)]
struct Reached {
    from: Transport,
    limits: ConnectionLimits,
    asks: BTreeSet<Ask>,
}

impl Started {
    /// What a server holds that is started with this workspace.
    pub(crate) fn with(workspace: &Workspace) -> Self {
        let reached = |integration: &Integration| Reached {
            from: integration.from.clone(),
            limits: integration.limits.clone(),
            asks: integration.asks.clone(),
        };
        let integrations = workspace.integrations.iter();
        Self {
            config: workspace.config.clone(),
            integrations: integrations
                .map(|defined| (defined.value.integration.clone(), reached(&defined.value)))
                .collect(),
        }
    }

    /// What of other definitions the running server cannot take up, one problem for each file.
    pub(crate) fn differences(&self, next: &Workspace) -> Vec<Problem> {
        let keys = changed_keys(&self.config, &next.config);
        let config = (!keys.is_empty()).then(|| {
            let message = format!("{} changed, which is taken up when Writ starts", quoted(&keys));
            Problem::error("writ.yaml", message, HELP)
        });
        config.into_iter().chain(next.integrations.iter().filter_map(|defined| self.difference(defined))).collect()
    }

    fn difference(&self, next: &Defined<Integration>) -> Option<Problem> {
        let name = &next.value.integration;
        let Some(reached) = self.integrations.get(name) else {
            let message = format!("integration `{name}` is new, which is taken up when Writ starts");
            return Some(Problem::error(&next.file, message, HELP));
        };
        let keys = reached.changed_keys(&next.value);
        (!keys.is_empty()).then(|| {
            let message =
                format!("{} of integration `{name}` changed, which is taken up when Writ starts", quoted(&keys));
            Problem::error(&next.file, message, HELP)
        })
    }
}

impl Reached {
    /// The keys of the definition that are not as they were. What may be asked may become less.
    fn changed_keys(&self, next: &Integration) -> Vec<&'static str> {
        let Self { from, limits, asks } = self;
        let mut keys = match (from, &next.from) {
            (
                Transport::Stdio { command, args, env, secrets },
                Transport::Stdio { command: next_command, args: next_args, env: next_env, secrets: next_secrets },
            ) => named([
                ("from.stdio.command", command != next_command),
                ("from.stdio.args", args != next_args),
                ("from.stdio.env", env != next_env),
                ("from.stdio.secrets", secrets != next_secrets),
            ]),
            (Transport::Http { url, credential }, Transport::Http { url: next_url, credential: next_credential }) => {
                named([("from.http.url", url != next_url), ("from.http.credential", credential != next_credential)])
            }
            (Transport::Stdio { .. }, Transport::Http { .. }) | (Transport::Http { .. }, Transport::Stdio { .. }) => {
                vec!["from"]
            }
        };
        keys.extend(named([("limits", *limits != next.limits), ("asks", !next.asks.is_subset(asks))]));
        keys
    }
}

fn changed_keys(config: &Config, next: &Config) -> Vec<&'static str> {
    let Config { listen, data, store, trail, public_url, hosts, credentials } = config;
    named([
        ("listen", *listen != next.listen),
        ("data", *data != next.data),
        ("store", *store != next.store),
        ("trail", *trail != next.trail),
        ("public_url", *public_url != next.public_url),
        ("hosts", *hosts != next.hosts),
        ("credentials", *credentials != next.credentials),
    ])
}

/// The names of what has changed.
fn named<const COUNT: usize>(keys: [(&'static str, bool); COUNT]) -> Vec<&'static str> {
    keys.into_iter().filter(|(_, has_changed)| *has_changed).map(|(key, _)| key).collect()
}

fn quoted(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}
