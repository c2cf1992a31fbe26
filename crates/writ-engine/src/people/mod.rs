//! People's side: who they are, what they may see, and what they decide.

mod card;
mod links;
mod queue;
mod runs;

use std::sync::{Arc, PoisonError};

use serde_json::Value as Json;
use writ_core::code::{Code, Refusal};
use writ_core::definition::People;
use writ_core::event::{Event, Milliseconds};
use writ_core::policy::{Admission, Predicate, RowPolicy};
use writ_core::value::{Type, Value, ValueRef, ValueSet};
use writ_knowledge::{Knowledge, QueryLimits, SliceColumn, SliceSpec};
use writ_store::Commit;

use crate::engine::{Engine, refusal_of};
use crate::token::{Audience, Claims, new_id};
use crate::view::PersonAccess;

/// How long a console session lasts.
const SESSION_MILLISECONDS: Milliseconds = 8 * 3_600_000;
/// How many sign-in tickets are remembered as used, until they expire.
const REDEEMED_MAX: usize = 10_000;

/// A console session that has begun.
#[derive(Debug)]
pub struct SessionStarted {
    /// The session's token, for a cookie that no script can read.
    pub token: String,
    /// When it ends.
    pub expires_at: Milliseconds,
    /// Who signed in.
    pub person: PersonAccess,
}

impl Engine {
    /// Who a person is, by a personal token for the API.
    ///
    /// # Errors
    /// [`Code::NotAuthenticated`], also where the person is unknown or disabled by now.
    pub fn authenticate_person(&self, bearer: &str) -> Result<PersonAccess, Refusal> {
        let claims = self.tokens.verify(bearer, Audience::Api, self.clock.now())?;
        self.person_access(&claims.sub)
    }

    /// Who a person is, by a console session's token.
    ///
    /// # Errors
    /// [`Code::NotAuthenticated`], also where the session was ended, or the person is unknown or disabled by now.
    pub fn authenticate_session(&self, session: &str) -> Result<PersonAccess, Refusal> {
        let claims = self.tokens.verify(session, Audience::Console, self.clock.now())?;
        if self.redeemed.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&claims.jti) {
            return Err(Refusal::new(Code::NotAuthenticated, "the session has ended; sign in again"));
        }
        self.person_access(&claims.sub)
    }

    /// Ends a console session. A server that starts anew does not remember it; the session's own end still holds.
    pub fn end_session(&self, session: &str) {
        if let Ok(claims) = self.tokens.verify(session, Audience::Console, self.clock.now()) {
            self.redeemed.lock().unwrap_or_else(PoisonError::into_inner).insert(claims.jti, claims.exp);
        }
    }

    fn person_access(&self, person: &str) -> Result<PersonAccess, Refusal> {
        let current = self.current();
        let definition = current.epoch.people.people.get(person).filter(|definition| !definition.disabled);
        let definition =
            definition.ok_or_else(|| Refusal::new(Code::NotAuthenticated, "this person may not sign in"))?;
        Ok(PersonAccess { person: person.to_owned(), name: definition.name.clone() })
    }

    /// Begins a console session with a single-use ticket.
    ///
    /// # Errors
    /// [`Code::NotAuthenticated`] where the ticket is not good, was used, or is older than this server.
    pub async fn redeem_sign_in(&self, ticket: &str) -> Result<SessionStarted, Refusal> {
        let now = self.clock.now();
        let claims = self.tokens.verify(ticket, Audience::SignIn, now)?;
        let person = self.person_access(&claims.sub)?;
        if claims.iat < self.booted_at {
            return Err(Refusal::new(
                Code::NotAuthenticated,
                "the sign-in link was made before this server started; ask for a new one",
            ));
        }
        {
            let mut redeemed = self.redeemed.lock().unwrap_or_else(PoisonError::into_inner);
            redeemed.retain(|_, expires_at| *expires_at > now);
            if redeemed.len() >= REDEEMED_MAX || redeemed.insert(claims.jti.clone(), claims.exp).is_some() {
                return Err(Refusal::new(Code::NotAuthenticated, "the sign-in link has been used; ask for a new one"));
            }
        }
        let event = Event::SignedIn { person: person.person.clone(), how: "sign-in link".to_owned() };
        self.record_outside_runs(event).await?;
        let expires_at = now.saturating_add(SESSION_MILLISECONDS);
        let session = Claims {
            aud: Audience::Console,
            sub: person.person.clone(),
            act: None,
            run: None,
            iat: now,
            exp: expires_at,
            jti: new_id("s")?,
        };
        Ok(SessionStarted { token: self.tokens.issue(&session), expires_at, person })
    }

    /// Records what people do that is part of no run.
    async fn record_outside_runs(&self, event: Event) -> Result<(), Refusal> {
        let commit = Commit { run: None, at: self.clock.now(), events: vec![event] };
        self.store.commit(commit).await.map(|_| ()).map_err(|error| refusal_of(&error))
    }

    /// The value that a form of this session must carry.
    #[must_use]
    pub fn csrf_token(&self, session: &str) -> String {
        self.tokens.csrf(session)
    }

    /// Whether a form carries the value of this session.
    #[must_use]
    pub fn verify_csrf(&self, session: &str, presented: &str) -> bool {
        self.tokens.verify_csrf(session, presented)
    }
}

/// Every row, for the operator's own look-ups about people. Never given to a worker.
#[derive(Debug)]
struct Everything;

impl RowPolicy for Everything {
    fn columns(&self) -> &[Arc<str>] {
        &[]
    }

    fn admits(&self, row: &[Option<ValueRef<'_>>]) -> Admission {
        if row.is_empty() { Admission::Admitted } else { Admission::Failed }
    }

    fn predicate(&self) -> &Predicate {
        &Predicate::Any
    }
}

/// Looks up all attributes of a person.
pub(crate) async fn attributes(
    people: &People,
    knowledge: &Knowledge,
    person: &str,
) -> Result<Vec<(String, Value)>, Refusal> {
    let mut looked_up = Vec::new();
    for name in people.attributes.keys() {
        // A scalar without a value stays out: whatever reads it is refused.
        if let Some(value) = attribute(people, knowledge, name, person).await? {
            looked_up.push((name.clone(), value));
        }
    }
    Ok(looked_up)
}

/// Looks up one attribute of a person; nothing where it has no value.
pub(crate) async fn attribute(
    people: &People,
    knowledge: &Knowledge,
    name: &str,
    person: &str,
) -> Result<Option<Value>, Refusal> {
    let failed = |detail: String| {
        tracing::error!(attribute = name, detail, "an attribute of people cannot be looked up");
        Refusal::new(Code::SourceUnavailable, format!("the attribute `{name}` cannot be looked up: {detail}"))
    };
    let Some(definition) = people.attributes.get(name) else { return Ok(None) };
    let everything = knowledge.catalog().tables().map(|table| SliceSpec {
        table: table.full_name(),
        columns: table.columns.iter().map(|column| SliceColumn { name: column.name.clone(), mask: None }).collect(),
        policy: Arc::new(Everything),
        hash_key: [0; 32],
    });
    let slices = knowledge.slices(everything.collect()).map_err(|error| failed(error.to_string()))?;
    // The id is a key of people.yaml; as an SQL literal its quotes are doubled.
    let literal = format!("'{}'", person.replace('\'', "''"));
    let sql = definition.sql.replace("$person", &literal);
    let withheld = slices.query(&sql, &QueryLimits::default()).await.map_err(|error| failed(error.to_string()))?;
    let json = crate::permit::release_to_operator(withheld).to_json();
    let rows = json.get("rows").and_then(Json::as_array).cloned().unwrap_or_default();
    let ty = Type::from(definition.ty);
    let values: Result<Vec<Value>, Refusal> = rows
        .iter()
        .filter_map(|row| row.get(0).filter(|value| !value.is_null()))
        .map(|value| Value::from_json(value, &ty).map_err(|misfit| failed(misfit.to_string())))
        .collect();
    let mut values = values?;
    if definition.many {
        let set = ValueSet::collect(values).ok_or_else(|| failed("values of different types".to_owned()))?;
        return Ok(Some(Value::Set(Arc::new(set))));
    }
    if values.len() > 1 {
        return Err(failed(format!("{} values where one is expected", values.len())));
    }
    Ok(values.pop())
}
