//! What workers and voters do on the stage. Each act is one request; what it got as an answer is written down.

use serde_json::{Map, Value, json};

use super::notes::Acknowledged;
use super::stage::{Person, Stage, until};
use super::upstream::Manner;
use super::workspace::{LOOK, Mission, PAY, Profile};
use crate::tau::client::{Told, Worker};

/// What a server says that does not know a token: somebody else's, on the port of one that was just killed.
const NOT_OURS: u16 = 401;
/// What a server says that can record nothing, for now or at all.
const NOTHING_RECORDED: &str = "store_unavailable";
/// How many decisions are looked at in one request.
const PAGE: usize = 100;

/// A call that pays.
#[derive(Debug, Clone)]
pub(super) struct Call {
    profile: Profile,
    arguments: Map<String, Value>,
}

impl Call {
    pub(super) fn new(profile: Profile, account: &str, amount: u64, manner: Manner) -> Self {
        let arguments = json!({ "account": account, "amount": amount, "manner": manner.name() });
        Self { profile, arguments: arguments.as_object().cloned().unwrap_or_default() }
    }

    /// The account that is paid into.
    pub(super) fn account(&self) -> &str {
        self.arguments.get("account").and_then(Value::as_str).unwrap_or_default()
    }

    fn action(&self) -> String {
        format!("{}.{PAY}", self.profile.name())
    }
}

/// A decision, as a voter was shown it.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) decision: String,
    pub(super) digest: String,
}

impl Case {
    /// The case of a decision, as the API shows it.
    pub(super) fn of(shown: &Value) -> Option<Self> {
        let text = |pointer: &str| shown.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Some(Self { decision: text("/proposal/decision")?, digest: text("/proposal/action_digest")? })
    }

    /// The key under which its effect is sent.
    pub(super) fn key(&self) -> String {
        format!("writ-{}", self.decision)
    }
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    Done,
    /// Refused, with this code.
    Refused(String),
    /// No answer came. What was asked for may have happened.
    Nothing,
}

/// What became of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proposed {
    /// It is this decision, which is not final.
    Open(String),
    /// It is this decision, whose effect was tried.
    Ended(String),
    /// Refused, with this code.
    Refused(String),
    /// No answer came.
    Nothing,
}

impl Stage<'_> {
    /// Tells the API something, as a person.
    async fn tell(&self, who: &Person, path: &str, body: &Value) -> Heard {
        match self.writ().tell(&who.token, path, body).await {
            Ok(Told::Done) => Heard::Done,
            Ok(Told::Refused { status: NOT_OURS, .. }) | Err(_) => Heard::Nothing,
            Ok(Told::Refused { code, .. }) => Heard::Refused(code),
        }
    }

    /// Asks the API, as the first of the voters; nothing where it has no answer now.
    pub(super) async fn ask(&self, path: &str) -> Option<Value> {
        let voter = self.cast.voters.first()?;
        self.writ().get(&voter.token, path).await.ok()
    }

    /// Starts a run, once.
    pub(super) async fn try_start_run(&self, mission: Mission) -> Option<Worker> {
        let worker = self.writ().start(&self.cast.person.token, mission.name()).await.ok()?;
        self.notes.acknowledge(Acknowledged::Run { run: worker.run().to_owned() });
        Some(worker)
    }

    /// Starts a run.
    pub(super) async fn start_run(&self, mission: Mission) -> Result<Worker, String> {
        until("a run starts", async || self.try_start_run(mission).await).await
    }

    /// Looks at something, once.
    pub(super) async fn look(&self, worker: &Worker, note: &str) {
        let mut arguments = Map::new();
        arguments.insert("note".to_owned(), Value::from(note));
        let tool = format!("{}_{LOOK}", Profile::Keyed.name());
        let answer = self.writ().call(worker, &tool, &arguments).await;
        if answer.is_ok_and(|answer| answer.refused().is_none()) {
            self.notes.acknowledge(Acknowledged::Look { run: worker.run().to_owned(), note: note.to_owned() });
        }
    }

    /// Proposes a payment, once.
    pub(super) async fn propose(&self, worker: &Worker, step: &str, call: &Call) -> Proposed {
        let tool = format!("{}_{PAY}", call.profile.name());
        let Ok(answer) = self.writ().call(worker, &tool, &call.arguments).await else { return Proposed::Nothing };
        let member = |form: &str, name: &str| {
            let member = answer.content.get(form).and_then(|form| form.get(name)).and_then(Value::as_str);
            member.map(str::to_owned)
        };
        if let Some(decision) = member("pending", "decision") {
            self.notes.proposed_in(&decision, step);
            self.notes.acknowledge(Acknowledged::Proposal {
                run: worker.run().to_owned(),
                decision: decision.clone(),
                action: call.action(),
                arguments: call.arguments.clone(),
            });
            return Proposed::Open(decision);
        }
        if let (Some(decision), Some(status)) = (member("decision", "decision"), member("decision", "status")) {
            self.notes.proposed_in(&decision, step);
            let succeeded = status == "succeeded";
            self.notes.acknowledge(Acknowledged::Outcome { decision: decision.clone(), succeeded });
            return Proposed::Ended(decision);
        }
        Proposed::Refused(answer.refused().map_or_else(String::new, |(code, _)| code.to_owned()))
    }

    /// Proposes a payment that must become a decision, and shows it to a voter.
    pub(super) async fn proposed(&self, worker: &Worker, step: &str, call: &Call) -> Result<Case, String> {
        let proposed = until("a proposal is answered", async || match self.propose(worker, step, call).await {
            Proposed::Nothing => None,
            Proposed::Refused(code) if code == NOTHING_RECORDED => None,
            other => Some(other),
        })
        .await?;
        match proposed {
            Proposed::Open(decision) => self.shown(&decision).await,
            other => Err(format!("a proposal does not wait for a person: {other:?}")),
        }
    }

    /// A decision as a voter sees it.
    pub(super) async fn shown(&self, decision: &str) -> Result<Case, String> {
        until(&format!("{decision} is shown"), async || self.try_shown(decision).await).await
    }

    /// A decision as a voter sees it, if it can be seen now.
    pub(super) async fn try_shown(&self, decision: &str) -> Option<Case> {
        Case::of(&self.ask(&format!("/api/decisions/{decision}")).await?)
    }

    /// Votes, once.
    pub(super) async fn vote(&self, voter: &Person, case: &Case, approve: bool) -> Heard {
        let body = json!({ "action_digest": case.digest, "approve": approve, "reason": "so it was thrown" });
        let heard = self.tell(voter, &format!("/api/decisions/{}/vote", case.decision), &body).await;
        if heard == Heard::Done {
            self.notes.acknowledge(Acknowledged::Vote {
                decision: case.decision.clone(),
                by: voter.name.clone(),
                digest: case.digest.clone(),
                approve,
            });
        }
        heard
    }

    /// Approves until that is answered: counted, or refused because it is too late.
    pub(super) async fn approve(&self, voter: &Person, case: &Case) -> Result<Heard, String> {
        until("a vote is answered", async || answered(self.vote(voter, case, true).await)).await
    }

    /// Approves; anything but a counted vote is an error.
    pub(super) async fn approved(&self, voter: &Person, case: &Case) -> Result<(), String> {
        match self.approve(voter, case).await? {
            Heard::Done => Ok(()),
            heard => Err(format!("an approval in time is not counted: {heard:?}")),
        }
    }

    /// Stops a run, once.
    pub(super) async fn stop(&self, voter: &Person, run: &str) -> Heard {
        let heard = self.tell(voter, &format!("/api/runs/{run}/stop"), &json!({ "reason": "enough" })).await;
        if heard == Heard::Done {
            self.notes.acknowledge(Acknowledged::Stop { run: run.to_owned() });
        }
        heard
    }

    /// Stops a run until that is answered.
    pub(super) async fn stopped(&self, voter: &Person, run: &str) -> Result<Heard, String> {
        until("a stop is answered", async || answered(self.stop(voter, run).await)).await
    }

    /// Settles an unknown outcome by what the ledger says, once.
    pub(super) async fn settle(&self, voter: &Person, decision: &str, succeeded: bool) -> Heard {
        let body = json!({ "succeeded": succeeded, "note": "so the ledger says" });
        let heard = self.tell(voter, &format!("/api/decisions/{decision}/settle"), &body).await;
        if heard == Heard::Done {
            let (decision, by) = (decision.to_owned(), voter.name.clone());
            self.notes.acknowledge(Acknowledged::Settlement { decision, by, succeeded });
        }
        heard
    }

    /// Settles an unknown outcome until that is answered.
    pub(super) async fn settled(&self, voter: &Person, decision: &str, succeeded: bool) -> Result<Heard, String> {
        until("a settlement is answered", async || answered(self.settle(voter, decision, succeeded).await)).await
    }

    /// Waits until a decision has come to this status.
    pub(super) async fn until_status(&self, case: &Case, status: &str) -> Result<(), String> {
        until(&format!("{} is {status}", case.decision), async || {
            let shown = self.ask(&format!("/api/decisions/{}", case.decision)).await?;
            (shown.get("status").and_then(Value::as_str) == Some(status)).then_some(())
        })
        .await
    }

    /// The decisions that are not final, as far as one page shows them; nothing where there is no answer now.
    pub(super) async fn open_decisions(&self) -> Option<Vec<Value>> {
        let found = self.ask(&format!("/api/decisions?show=open&limit={PAGE}")).await?;
        found.get("decisions").and_then(Value::as_array).cloned()
    }

    /// Whether the server records nothing any more, or is gone.
    pub(super) async fn has_stopped(&self) -> bool {
        match self.ask("/api/health").await {
            Some(health) => health.get("ok").and_then(Value::as_bool) != Some(true),
            None => true,
        }
    }
}

/// An answer that need not be asked for again.
fn answered(heard: Heard) -> Option<Heard> {
    match heard {
        Heard::Nothing => None,
        Heard::Refused(code) if code == NOTHING_RECORDED => None,
        heard => Some(heard),
    }
}
