//! Authorization as a value.
//!
//! A [`Permit`] allows exactly one request with exactly these bytes. It cannot be cloned, has private fields, and
//! is made from a [`Durable`]: the proof that the record which allows the call has been synced. A read's permit is
//! made from the proof that policy allowed it; its result stays withheld until its own record is durable.

use serde_json::{Map, Value as Json};
use writ_core::digest::Action;
use writ_core::run::Run;
use writ_knowledge::{Rows, Withheld};
use writ_store::Durable;

use crate::decide::Allowed;

/// Leave to make one request of an integration.
#[derive(Debug)]
pub struct Permit {
    integration: String,
    request: Request,
    idempotency_key: Option<String>,
    run: String,
    person: String,
    basis: Basis,
}

/// What a request relies on that leaves on a connection of a person's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// That this edition of what the server offers has been compared with the plan; none has been where there is none.
    Compared(Option<u64>),
    /// That its tool was looked at right before the intent was recorded.
    Intent,
}

/// What is asked of an integration.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// A call of a tool.
    Tool {
        /// The tool's name at the integration.
        tool: String,
        /// The arguments to send.
        arguments: Map<String, Json>,
        /// Answers to what the integration wanted the last time.
        continued: Option<Continued>,
    },
    /// A prompt.
    Prompt {
        /// Its name at the integration.
        prompt: String,
        /// Its arguments, each a text.
        arguments: Map<String, Json>,
        /// Answers to what the integration wanted the last time.
        continued: Option<Continued>,
    },
    /// A resource.
    Resource {
        /// Its address.
        uri: String,
        /// Answers to what the integration wanted the last time.
        continued: Option<Continued>,
    },
    /// Values that would complete an argument: the protocol's own parameters.
    Complete(Map<String, Json>),
    /// Word of changes of a resource, for as long as the caller listens, or no more.
    Follow {
        /// Its address.
        uri: String,
        /// Whether it is to begin or to end.
        begin: bool,
    },
    /// How a task stands, for the run that it belongs to.
    Task {
        /// The task at the integration.
        task: String,
        /// What is wanted of it.
        step: TaskStep,
    },
}

/// Answers to what an integration wanted before it goes on, in the protocol's own form.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Continued {
    /// Answers by the keys of the questions.
    pub responses: Map<String, Json>,
    /// What the integration wanted back.
    pub state: Option<String>,
}

/// What is wanted of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskStep {
    /// How it stands.
    Get,
    /// Here is what it asked for.
    Update(Map<String, Json>),
    /// It is no longer wanted.
    Cancel,
}

impl Permit {
    /// Leave to send an approved effect, given the durable record of its intent.
    pub(crate) fn for_effect(action: &Action, idempotency_key: &str, _intent: &Durable) -> Self {
        Self {
            integration: action.integration.name.clone(),
            request: Request::Tool { tool: action.tool.clone(), arguments: action.arguments.clone(), continued: None },
            idempotency_key: Some(idempotency_key.to_owned()),
            run: action.run.clone(),
            person: action.person.clone(),
            basis: Basis::Intent,
        }
    }

    /// Leave to ask how the task stands that an approved effect has become.
    pub(crate) fn for_task_of_effect(action: &Action, task: &str, _intent: &Durable) -> Self {
        Self {
            integration: action.integration.name.clone(),
            request: Request::Task { task: task.to_owned(), step: TaskStep::Get },
            idempotency_key: None,
            run: action.run.clone(),
            person: action.person.clone(),
            basis: Basis::Intent,
        }
    }

    /// Leave to ask for something that the operator has classified as a read, once policy has allowed it. Its result
    /// stays withheld until its own record is durable. `compared` is the edition of what the server offers that has been
    /// compared with the plan, where the connection is a person's own.
    pub(crate) fn for_read(
        integration: &str,
        request: Request,
        run: &Run,
        _allowed: &Allowed,
        compared: Option<u64>,
    ) -> Self {
        Self {
            integration: integration.to_owned(),
            request,
            idempotency_key: None,
            run: run.id.clone(),
            person: run.start.person.clone(),
            basis: Basis::Compared(compared),
        }
    }

    /// The integration.
    #[must_use]
    pub fn integration(&self) -> &str {
        &self.integration
    }

    /// What may be asked.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The key by which the integration can tell a repeated request; effects have one.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.idempotency_key.as_deref()
    }

    /// The run on whose account it is.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The person on whose behalf it is: whose own authority goes with it, where the integration knows people.
    #[must_use]
    pub fn person(&self) -> &str {
        &self.person
    }

    /// What it relies on, where the connection is that person's own.
    #[must_use]
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// Uses the permit up: the request to send.
    #[must_use]
    pub fn into_request(self) -> Request {
        self.request
    }
}

/// Releases a read's result, given the durable record of the read.
pub(crate) fn release(withheld: Withheld, _record: &Durable) -> Rows {
    withheld.open()
}

/// Opens the result of the operator's own look-up about people, which is no read of a run.
pub(crate) fn release_to_operator(withheld: Withheld) -> Rows {
    withheld.open()
}
