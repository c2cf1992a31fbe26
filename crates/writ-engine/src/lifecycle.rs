//! The life of runs from outside: starting, stopping, time, and what a restart finds open.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use writ_core::code::{Code, Reason, Refusal};
use writ_core::decision::{Decision, DecisionStatus};
use writ_core::event::{Event, RunStart};
use writ_core::next_step::NextStep;
use writ_core::run::Run;
use writ_core::value::Value;
use writ_knowledge::QueryLimits;

use crate::engine::{Current, Engine};
use crate::epoch::Mission;
use crate::executor::unreadable;
use crate::scope::{binding_slices, typed_params, worker_subject};
use crate::token::{Audience, Claims, new_id};
use crate::view::{PersonAccess, RunView, StartRun, StartedRun};

/// How often time is looked at.
const SWEEP_INTERVAL_MILLISECONDS: u64 = 500;

impl Engine {
    /// Starts a run.
    ///
    /// # Errors
    /// [`Code::StartRefused`] where the mission is unknown or the rules do not allow it, [`Code::BadArguments`]
    /// where parameters do not fit, [`Code::FactMissing`] where a bound value is not there for this person.
    pub async fn start_run(&self, who: &PersonAccess, start: StartRun) -> Result<StartedRun, Refusal> {
        match self.try_start(who, &start).await {
            Ok(started) => Ok(started),
            Err(refusal) => {
                let request = format!("start of {}", serde_json::json!(start));
                Err(self.refuse(None, Some(&who.person), &request, refusal).await)
            }
        }
    }

    async fn try_start(&self, who: &PersonAccess, start: &StartRun) -> Result<StartedRun, Refusal> {
        let current = self.current();
        let refused =
            || Refusal::new(Code::StartRefused, format!("`{}` cannot start mission `{}`", who.person, start.mission));
        let mission = current.epoch.missions.get(&start.mission).ok_or_else(refused)?.clone();
        let worker = start.worker.clone().unwrap_or_else(|| mission.definition.worker.clone());
        let person = start.person.clone().unwrap_or_else(|| who.person.clone());
        if worker != mission.definition.worker
            || current.epoch.people.workers.get(&worker).is_none_or(|worker| worker.disabled)
        {
            return Err(refused().because([Reason {
                set: "mission".to_owned(),
                policy: None,
                detail: format!("worker `{worker}` may not carry it"),
            }]));
        }
        let params = typed_params(&mission, &start.params)?;
        self.may_start(&current, who, &person, &worker, &mission, params)
            .await
            .map_err(|refusal| refused().because(refusal.reasons))?;
        let bound = self.bind(&current, &mission, &person, &start.params).await?;
        let now = self.clock.now();
        let run = new_id("r")?;
        let expires_at = now.saturating_add(mission.duration_milliseconds);
        let event = Event::RunStarted(Box::new(RunStart {
            mission: start.mission.clone(),
            mission_version: mission.version,
            worker: worker.clone(),
            person: person.clone(),
            started_by: who.person.clone(),
            bound,
            expires_at,
            limits: mission.limits,
        }));
        self.record(&run, vec![event]).await?;
        let (token, token_expires_at) = self.run_token(&run, &worker, &person, &mission)?;
        Ok(StartedRun { run, token, token_expires_at })
    }

    /// A token that ends when the run can last no longer: its own length, a proposal's wait, and its length again.
    fn run_token(&self, run: &str, worker: &str, person: &str, mission: &Mission) -> Result<(String, i64), Refusal> {
        let now = self.clock.now();
        let waits = mission.acts.values().map(|act| act.within_milliseconds).max().unwrap_or(0);
        let exp = now.saturating_add(mission.duration_milliseconds.saturating_mul(2)).saturating_add(waits);
        let claims = Claims {
            aud: Audience::Run,
            sub: person.to_owned(),
            act: Some(worker.to_owned()),
            run: Some(run.to_owned()),
            iat: now,
            exp,
            jti: new_id("t")?,
        };
        Ok((self.tokens.issue(&claims), exp))
    }

    /// Starting is decided like a call: entitlements with the person, guardrails with the worker. Whoever starts
    /// a run for somebody else needs to be allowed to start it as well.
    async fn may_start(
        &self,
        current: &Current,
        who: &PersonAccess,
        person: &str,
        worker: &str,
        mission: &Mission,
        params: Value,
    ) -> Result<(), Refusal> {
        let subject = self.subject(current, person).await?;
        let context = Value::record([
            (Arc::from("person"), subject.attributes.clone()),
            (Arc::from("worker"), Value::string(worker)),
            (Arc::from("params"), params),
            (Arc::from("now"), Value::Datetime(self.clock.now())),
        ]);
        let resource = ("Mission", mission.definition.mission.as_str());
        let mut denied = self.decider.person(&current.epoch.entitlements, &subject, "start", resource, &context).err();
        if denied.is_none() && who.person != person {
            let starter = self.subject(current, &who.person).await?;
            denied = self.decider.person(&current.epoch.entitlements, &starter, "start", resource, &context).err();
        }
        if denied.is_none() {
            denied = self
                .decider
                .worker(&current.epoch.guardrails, &worker_subject(worker), "start", resource, &context)
                .err();
        }
        match denied {
            None => Ok(()),
            Some(denied) => {
                if let Some(mismatch) = &denied.mismatch {
                    self.alarm(None, mismatch).await;
                }
                Err(denied.refusal)
            }
        }
    }

    async fn bind(
        &self,
        current: &Current,
        mission: &Mission,
        person: &str,
        params: &serde_json::Map<String, Json>,
    ) -> Result<serde_json::Map<String, Json>, Refusal> {
        let mut bound = params.clone();
        if mission.bind.is_empty() {
            return Ok(bound);
        }
        let subject = self.subject(current, person).await?;
        let slices = binding_slices(&current.epoch, &current.knowledge, mission, &subject, self.clock.now())?;
        let typed = typed_params(mission, params)?;
        let values = |name: &str| match name {
            "person" => Some(Value::string(person)),
            name => typed.at(&[name]).cloned(),
        };
        for (name, fact) in &mission.bind {
            let value = fact.evaluate(&slices, &values, &QueryLimits::default()).await.map_err(|error| {
                let message = format!("nothing that `{person}` may read gives `{name}` for these parameters");
                Refusal::new(Code::FactMissing, message).because([Reason {
                    set: "mission".to_owned(),
                    policy: Some(format!("bind {name}")),
                    detail: error.to_string(),
                }])
            })?;
            bound.insert(name.clone(), value.to_json());
        }
        Ok(bound)
    }

    /// Stops a run: from the next call on the worker can do nothing, and what was not sent is withdrawn.
    ///
    /// # Errors
    /// [`Code::RunNotOpen`] where there is no such run for this person, or it has ended.
    pub async fn stop_run(&self, who: &PersonAccess, run: &str, reason: &str) -> Result<RunView, Refusal> {
        let found = self.visible_run(who, run).await?;
        let own = found.start.person == who.person || found.start.started_by == who.person;
        if !own && !self.may_on_mission(who, "stop", &found.start.mission).await {
            let refusal = Refusal::new(Code::NotPermitted, "you may not stop this run");
            return Err(self.refuse(Some(run), Some(&who.person), "stop the run", refusal).await);
        }
        let ended = Event::RunStopped { by: who.person.clone(), reason: reason.to_owned() };
        self.end_run(&found, ended, "the run was stopped").await?;
        self.run(who, run).await
    }

    /// Ends a run and withdraws, in the same record, what has not been sent.
    async fn end_run(&self, run: &Run, ended: Event, why: &str) -> Result<(), Refusal> {
        const ATTEMPTS_MAX: usize = 5;
        let mut outcome = Ok(());
        for _ in 0..ATTEMPTS_MAX {
            // Between the look at the decisions and the record one of them may have moved on: then look again.
            let run = self.store.run(&run.id).map_err(unreadable)?.unwrap_or_else(|| Arc::new(run.clone()));
            let mut events = vec![ended.clone()];
            for decision in &run.open_decisions {
                if let Ok(Some(decision)) = self.store.decision(decision)
                    && matches!(decision.status, DecisionStatus::Pending | DecisionStatus::Approved)
                {
                    events.push(Event::DecisionWithdrawn { decision: decision.id().to_owned(), why: why.to_owned() });
                }
            }
            outcome = self.record(&run.id, events).await.map(|_| ());
            if !matches!(&outcome, Err(refusal) if refusal.code == Code::DecisionClosed) {
                break;
            }
        }
        self.forget_scope(&run.id);
        outcome
    }

    /// Looks at time for as long as the engine lives: expires runs and decisions, sends again what may be sent.
    pub async fn sweep_forever(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(Duration::from_millis(SWEEP_INTERVAL_MILLISECONDS));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.sweep().await;
        }
    }

    /// Looks at time once.
    pub async fn sweep(self: &Arc<Self>) {
        let now = self.clock.now();
        for decision in self.store.open_decisions() {
            let run = &decision.proposal.action.run;
            match self.next_step(&decision) {
                NextStep::Expire => {
                    let event = Event::DecisionExpired { decision: decision.id().to_owned() };
                    if let Err(refusal) = self.record(run, vec![event]).await {
                        tracing::warn!(%refusal, decision = decision.id(), "the decision could not be expired");
                    }
                }
                NextStep::Send | NextStep::SendAgain | NextStep::TakeBack => self.execute_later(decision.id()),
                NextStep::Nothing if decision.status == DecisionStatus::Sending && self.accepts_work() => {
                    self.unattended(decision.id()).await;
                }
                NextStep::Nothing | NextStep::AskPerson => {}
            }
        }
        for run in self.store.open_runs() {
            if run.status.is_open()
                && now >= run.expires_at
                && let Err(refusal) = self.end_run(&run, Event::RunExpired {}, "the run's time was up").await
            {
                tracing::warn!(%refusal, run = run.id, "the run could not be expired");
            }
        }
    }

    /// After a start: an intent without an outcome means that nobody knows what happened.
    pub(crate) async fn recover(self: &Arc<Self>) {
        for decision in self.store.open_decisions() {
            if decision.status == DecisionStatus::Sending {
                self.outcome_unknown(&decision, "the server stopped between sending and the answer").await;
            }
        }
    }

    /// An intent that nobody carries out: whoever recorded it was not told that it is recorded, so it was not sent, or
    /// could not record what became of it. It is looked up once more, as an executor lets go after its last record.
    async fn unattended(&self, decision: &str) {
        if self.executing.lock().unwrap_or_else(PoisonError::into_inner).contains(decision) {
            return;
        }
        if let Ok(Some(decision)) = self.store.decision(decision)
            && decision.status == DecisionStatus::Sending
        {
            self.outcome_unknown(&decision, "the store was away between the intent and its outcome").await;
        }
    }

    async fn outcome_unknown(&self, decision: &Decision, why: &str) {
        let event = Event::OutcomeUnknown { decision: decision.id().to_owned(), why: why.to_owned() };
        if let Err(refusal) = self.record(&decision.proposal.action.run, vec![event]).await {
            tracing::error!(%refusal, decision = decision.id(), "the open outcome could not be recorded");
        }
    }
}
