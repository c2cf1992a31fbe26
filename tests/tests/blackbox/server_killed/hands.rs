//! The hands at work while servers come and go: workers who read and propose, and a lead who decides.
//!
//! None of them knows that a server was killed. Each knows that no answer came, and asks again for the same. What a
//! server that lives may not answer is a panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value as Json, json};
use tokio::sync::watch;
use writ_tests::dice::Dice;
use writ_tests::story::{NOTE, REFUND, refund};
use writ_tests::worker::Answer;
use writ_tests::{Person, Worker, wait};

use super::acknowledged::{Acknowledged, Proposal, Read, Vote};

/// How long nobody asks again where no answer came.
const PAUSE_MILLISECONDS: u64 = 3;
/// How long a worker thinks about its next step; the lead takes half as long, so as to keep up with three of them.
const THINK_MILLISECONDS: u64 = 20;
/// What a server says that does not know a token: another test's, on the port of the one that was just killed.
const NOT_OURS: u16 = 401;
/// One decision in how many is rejected.
const REJECTED_ONE_IN: u64 = 4;

/// What every hand has.
#[derive(Debug, Clone)]
pub(super) struct Hands {
    /// Where the server is now, or was last.
    pub(super) address: watch::Receiver<String>,
    pub(super) acknowledged: Arc<Acknowledged>,
    /// Whether it is time to stop.
    pub(super) done: Arc<AtomicBool>,
}

impl Hands {
    /// A worker's part.
    pub(super) async fn work(self, worker: Worker, name: String) {
        let to = self.email(&worker).await;
        // Two of the workers want the same refund: it is for one of them.
        if name != "worker 2" {
            let answer = self.answered(&worker, REFUND, refund(100)).await;
            let may = answer.content.get("pending").is_some()
                || answer.content.get("decision").is_some()
                || ["effect_key_taken", "rejected_before"]
                    .iter()
                    .any(|code| answer.content["refused"]["code"] == *code);
            assert!(may, "{answer:?}");
        }
        let mut number = 0;
        while !self.done.load(Ordering::Relaxed) {
            number += 1;
            let statement = format!("SELECT '{name}, read {number}' AS mark");
            self.answered(&worker, "knowledge_query", json!({ "sql": statement })).await.ok();
            self.acknowledged.reads.take(Read { run: worker.run().to_owned(), statement });
            let body = format!("{name}, note {number}");
            let note = json!({ "to": to, "subject": "Your case", "body": body });
            let answer = self.answered(&worker, NOTE, note).await;
            if let Some(decision) = decision_of(&answer) {
                self.acknowledged.proposals.take(Proposal { run: worker.run().to_owned(), body, decision });
            }
            wait::pause(THINK_MILLISECONDS).await;
        }
    }

    /// The lead's part: decides whatever is open, most of it with a yes.
    pub(super) async fn decide(self, lea: Person, mut dice: Dice) {
        while !self.done.load(Ordering::Relaxed) {
            let lea = lea.at(&self.address.borrow());
            let open = lea.try_get("/api/decisions?show=open&limit=6").await;
            if let Some(open) = open.ok().filter(|open| open.status != NOT_OURS) {
                for decision in open.ok()["decisions"].as_array().expect("a list of decisions") {
                    if decision["status"] == "pending" {
                        self.vote(&lea, decision, dice.below(REJECTED_ONE_IN) != 0).await;
                    }
                }
            }
            wait::pause(THINK_MILLISECONDS / 2).await;
        }
    }

    async fn vote(&self, lea: &Person, decision: &Json, approve: bool) {
        let id = decision["proposal"]["decision"].as_str().expect("an id").to_owned();
        let digest = &decision["proposal"]["action_digest"];
        let body = json!({ "action_digest": digest, "approve": approve, "reason": "so it was thrown" });
        let voted = lea.try_post(&format!("/api/decisions/{id}/vote"), &body).await;
        if let Some(voted) = voted.ok().filter(|voted| voted.status != NOT_OURS) {
            voted.ok();
            self.acknowledged.votes.take(Vote { decision: id, approve });
        }
    }

    /// The address of the customer of the worker's case.
    async fn email(&self, worker: &Worker) -> String {
        let sql = json!({ "sql": "SELECT email FROM shop.customers" });
        let rows = self.answered(worker, "knowledge_query", sql).await.ok();
        rows["rows"][0][0].as_str().expect("an address").to_owned()
    }

    /// The answer to a call that is repeated until there is one.
    async fn answered(&self, worker: &Worker, tool: &str, arguments: Json) -> Answer {
        loop {
            let address = self.address.borrow().clone();
            match worker.at(&address).try_call(tool, arguments.clone()).await {
                Ok(answer) => return answer,
                Err(_) => wait::pause(PAUSE_MILLISECONDS).await,
            }
        }
    }
}

/// The decision that an answer names. A repeated call may find that a person has said no meanwhile; then it names none.
fn decision_of(answer: &Answer) -> Option<String> {
    let named = ["pending", "decision"].iter().find_map(|form| answer.content.get(form)?.get("decision")?.as_str());
    assert!(
        named.is_some() || answer.content["refused"]["code"] == "rejected_before",
        "a note may always be proposed: {answer:?}"
    );
    named.map(str::to_owned)
}
