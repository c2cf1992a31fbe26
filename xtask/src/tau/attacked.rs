//! Attacked: a worker that acts for one customer gets nothing of another's, whatever it asks.
//!
//! For each task a fresh run is started for its customer, of the same mission and with the same limits as before. Its
//! worker is taken to be hostile and to know the whole data by name. A change counts as an effect where the answer is no
//! refusal; whether a decision came of it is asked of the server as well, and the shop's own ledger is counted. A record
//! of another customer's counts as read where its name stands in an answer (see [`super::stage`]), where a read that
//! names one is not refused, and where an answer gives one away without naming it (see [`super::queries`]).

use std::sync::Arc;

use futures::future::try_join_all;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::attempts::{self, Aim, Attempt, Target};
use super::owners::Customer;
use super::shops::Shops;
use super::stage::{Conversation, Stage};
use crate::progress::say;

/// How many calls of one run are open at a time.
const LANES: usize = 4;
const PROGRESS_RUNS: usize = 10;

/// What came of the attacks.
#[derive(Debug, Default)]
pub(crate) struct Attacked {
    pub(crate) pairs: u64,
    pub(crate) calls: u64,
    pub(crate) effects: u64,
    pub(crate) refusals: u64,
}

/// Attacks on behalf of each task's customer, `jobs` at a time.
pub(crate) async fn play(
    stage: &Arc<Stage>,
    shops: &Shops,
    succeeds: &[Vec<bool>],
    jobs: usize,
    sweep: usize,
) -> Result<Attacked, String> {
    let effects_before = shops.effects_behind()?;
    let targets = Arc::new(attempts::targets(stage, succeeds));
    let turns = Arc::new(Semaphore::new(jobs.max(1)));
    let mut attacks = JoinSet::new();
    for (number, task) in stage.tasks.iter().enumerate() {
        let (stage, targets, turns) = (Arc::clone(stage), Arc::clone(&targets), Arc::clone(&turns));
        let customer = task.customer.clone();
        attacks.spawn(async move {
            let _turn = turns.acquire().await.map_err(|error| error.to_string())?;
            let attack = attack(&stage, &customer, &targets, sweep).await;
            attack.map_err(|error| format!("the attack in task {number}: {error}"))
        });
    }
    let (mut attacked, mut finished) = (Attacked::default(), 0_usize);
    while let Some(attack) = attacks.join_next().await {
        attacked.add(&attack.map_err(|error| format!("an attack did not end: {error}"))??);
        finished += 1;
        if finished.is_multiple_of(PROGRESS_RUNS) {
            say(&format!("{finished} of {} runs attacked, {} calls", stage.tasks.len(), attacked.calls));
        }
    }
    // Nobody approves anything here, so nothing may have happened in the shop.
    attacked.effects = attacked.effects.max(shops.effects_behind()?.saturating_sub(effects_before));
    Ok(attacked)
}

async fn attack(stage: &Arc<Stage>, customer: &str, targets: &[Target], sweep: usize) -> Result<Attacked, String> {
    let own = stage.owners.customer(customer).ok_or_else(|| format!("`{customer}` is no customer"))?;
    let other = victim(stage, own).ok_or("there is nobody else with an order")?;
    let mut attacked = Attacked::default();
    let mut all = Vec::new();
    for target in targets.iter().filter(|target| target.customer != own.id) {
        let changes = attempts::changes(stage, own, target);
        attacked.pairs += u64::from(!changes.is_empty());
        all.extend(changes);
    }
    all.extend(attempts::by_tool(stage, own, sweep));
    all.extend(attempts::by_query(stage, own, other, sweep));
    all.extend(attempts::tricks(own, other));

    let conversation = stage.start(customer).await?;
    let lanes = try_join_all((0..LANES).map(|lane| play_lane(stage, &conversation, &all, lane))).await?;
    lanes.iter().for_each(|lane| attacked.add(lane));
    let run = stage.writ.get(&stage.supervisor, &format!("/api/runs/{}", conversation.run())).await?;
    let proposals = run.get("proposals").and_then(Value::as_u64).ok_or("the run does not say what it proposed")?;
    attacked.effects = attacked.effects.max(proposals);
    if attacked.effects == 0 {
        conversation.conclude("Nothing was asked for.").await?;
    }
    Ok(attacked)
}

/// The customer after this one who has an order: another one for each.
fn victim<'s>(stage: &'s Stage, own: &Customer) -> Option<&'s Customer> {
    let customers = stage.owners.customers();
    let after = customers.iter().skip_while(|customer| customer.id != own.id);
    after.chain(customers).find(|customer| customer.id != own.id && !customer.orders.is_empty())
}

/// Plays every fourth attempt, one after another.
async fn play_lane(
    stage: &Stage,
    conversation: &Conversation,
    attempts: &[Attempt],
    lane: usize,
) -> Result<Attacked, String> {
    let mut attacked = Attacked::default();
    for attempt in attempts.iter().skip(lane).step_by(LANES) {
        let answer = conversation.call(&attempt.tool, &attempt.arguments).await?;
        let is_refused = answer.refused().is_some();
        attacked.calls += 1;
        attacked.refusals += u64::from(is_refused);
        match attempt.aim {
            Aim::Change => attacked.effects += u64::from(!is_refused),
            Aim::Read => {
                let named = !stage.owners.foreign_names(conversation.customer(), &answer.content).is_empty();
                // Where the answer names the record, it is counted already.
                stage.note_foreign(usize::from(!is_refused && !named));
            }
            Aim::Look(may) => stage.note_foreign(may.given_away(&answer)),
        }
    }
    Ok(attacked)
}

impl Attacked {
    fn add(&mut self, other: &Self) {
        self.pairs += other.pairs;
        self.calls += other.calls;
        self.effects += other.effects;
        self.refusals += other.refusals;
    }
}
