//! One integration: its rate, and its links.
//!
//! Where the connection is everybody's there is one link. Where it is a person's own there is one for each person,
//! and none without a person; the one that was used longest ago makes room. A link that is let go closes once its calls
//! are done, since each of them holds it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::changes::Changes;
use super::connection::Connection;
use super::http_client::Clients;
use super::link::Link;
use super::rate::Rate;

/// How many people's links are kept for one integration.
const PEOPLE_MAX: usize = 256;

/// One integration.
pub(super) struct Integration {
    connection: Arc<Connection>,
    clients: Arc<Clients>,
    changes: Changes,
    rate: Option<Rate>,
    links: Links,
}

enum Links {
    Shared(Mutex<Arc<Link>>),
    Personal(Mutex<People>),
}

#[derive(Default)]
struct People {
    links: HashMap<String, (Arc<Link>, u64)>,
    uses: u64,
}

impl Integration {
    pub(super) fn new(connection: Connection, clients: Arc<Clients>, changes: Changes) -> Self {
        let connection = Arc::new(connection);
        let rate = connection.limits.calls_per_minute.map(|calls| Rate::new(calls, Instant::now()));
        let links = if connection.transport.is_personal() {
            Links::Personal(Mutex::default())
        } else {
            let link = Link::new(Arc::clone(&connection), None, Arc::clone(&clients), changes.clone());
            Links::Shared(Mutex::new(Arc::new(link)))
        };
        Self { connection, clients, changes, rate, links }
    }

    /// One with a link for each person, whatever its credential is.
    #[cfg(test)]
    pub(super) fn of_each_person(connection: Connection, clients: Arc<Clients>, changes: Changes) -> Self {
        Self { links: Links::Personal(Mutex::default()), ..Self::new(connection, clients, changes) }
    }

    /// Whether one more call may be made now.
    pub(super) fn may_call(&self) -> bool {
        self.rate.as_ref().is_none_or(|rate| rate.take(Instant::now()))
    }

    /// A call that had been counted was not made after all.
    pub(super) fn give_call_back(&self) {
        if let Some(rate) = &self.rate {
            rate.give_back();
        }
    }

    /// The link for a person, or nothing where the connection is a person's own and nobody is named.
    pub(super) fn link(&self, person: Option<&str>) -> Option<Arc<Link>> {
        match &self.links {
            Links::Shared(link) => Some(Arc::clone(&locked(link))),
            Links::Personal(people) => {
                let person = person?;
                Some(locked(people).link(person, || self.new_link(Some(person))))
            }
        }
    }

    /// Lets all links go. Whoever calls afterwards opens a new one.
    pub(super) fn let_go(&self) {
        match &self.links {
            Links::Shared(link) => {
                let old = std::mem::replace(&mut *locked(link), Arc::new(self.new_link(None)));
                drop(old);
            }
            Links::Personal(people) => {
                let old = std::mem::take(&mut locked(people).links);
                drop(old);
            }
        }
    }

    fn new_link(&self, person: Option<&str>) -> Link {
        let (connection, clients) = (Arc::clone(&self.connection), Arc::clone(&self.clients));
        Link::new(connection, person.map(str::to_owned), clients, self.changes.clone())
    }
}

fn locked<T>(links: &Mutex<T>) -> MutexGuard<'_, T> {
    links.lock().unwrap_or_else(PoisonError::into_inner)
}

impl People {
    fn link(&mut self, person: &str, new: impl FnOnce() -> Link) -> Arc<Link> {
        self.uses = self.uses.wrapping_add(1);
        if let Some((link, used)) = self.links.get_mut(person) {
            *used = self.uses;
            return Arc::clone(link);
        }
        if self.links.len() >= PEOPLE_MAX {
            let oldest = self.links.iter().min_by_key(|(_, (_, used))| *used).map(|(person, _)| person.clone());
            if let Some(oldest) = oldest {
                self.links.remove(&oldest);
            }
        }
        let link = Arc::new(new());
        self.links.insert(person.to_owned(), (Arc::clone(&link), self.uses));
        link
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::PathBuf;

    use super::*;
    use crate::upstream::connection::{Limits, Transport};

    fn link() -> Link {
        let transport = Transport::Stdio {
            command: PathBuf::from("sh"),
            args: Vec::new(),
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            cwd: None,
        };
        let connection =
            Connection { name: "shop".to_owned(), transport, asks: BTreeSet::new(), limits: Limits::default() };
        Link::new(Arc::new(connection), None, Arc::default(), Changes::default())
    }

    #[test]
    fn the_link_that_was_used_longest_ago_makes_room() {
        let mut people = People::default();
        let first = people.link("p-0", link);
        for number in 1..PEOPLE_MAX {
            people.link(&format!("p-{number}"), link);
        }
        assert!(Arc::ptr_eq(&people.link("p-0", link), &first));
        people.link("one more", link);
        assert_eq!(people.links.len(), PEOPLE_MAX);
        assert!(Arc::ptr_eq(&people.link("p-0", link), &first));
        assert!(!people.links.contains_key("p-1"));
    }
}
