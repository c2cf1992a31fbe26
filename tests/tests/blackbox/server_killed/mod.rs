//! A server that is killed at any moment comes back with nothing lost that it had acknowledged, no effect twice, and a
//! trail that verifies.
//!
//! Four workspaces are put through fifty kills each, every one with its own seed. While a server lives, three workers
//! read and propose and the lead decides; the server is killed within some milliseconds of something having been
//! acknowledged, or already while it starts. Nobody takes note of the kills: each repeats what got no answer. In the
//! end the account is drawn up from an export of the trail, the shop's ledger and what was acknowledged.

mod account;
mod acknowledged;
mod hands;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use acknowledged::Acknowledged;
use hands::Hands;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use writ_tests::dice::Dice;
use writ_tests::story::{CASE, OTHER_CASE};
use writ_tests::{Acme, Desk, Server, wait};

const KILLS: u32 = 50;
/// One kill in how many comes before the server has said that it listens.
const EARLY_ONE_IN: u64 = 6;
const EARLY_MILLISECONDS_MAX: u64 = 90;
/// How long the server lives at most once something was acknowledged.
const LIFE_MILLISECONDS_MAX: u64 = 60;
const IDLE_SECONDS_MAX: u64 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_times_with_the_first_seed() {
    survives(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_times_with_the_second_seed() {
    survives(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_times_with_the_third_seed() {
    survives(3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_times_with_the_fourth_seed() {
    survives(4).await;
}

async fn survives(seed: u64) {
    let limits = "limits: { for: 30m, reads: 200, rows: 5000, proposals: 10 }";
    let more = "limits: { for: 30m, reads: 100000, rows: 100000, proposals: 100000 }";
    let mut desk = Desk::serve(Acme::edited(&[("missions/refund.yaml", limits, more)])).await;
    let workers = [
        desk.run_for(&desk.ana, CASE).await,
        desk.run_for(&desk.ana, CASE).await,
        desk.run_for(&desk.ana, OTHER_CASE).await,
    ];
    let (told, address) = watch::channel(desk.address().to_owned());
    let acknowledged = Arc::new(Acknowledged::default());
    let done = Arc::new(AtomicBool::new(false));
    let hands = Hands { address, acknowledged: acknowledged.clone(), done: done.clone() };
    let mut working = Vec::new();
    for (number, worker) in workers.iter().enumerate() {
        working.push(tokio::spawn(hands.clone().work(worker.clone(), format!("worker {number}"))));
    }
    let decided = Arc::new(AtomicBool::new(false));
    let lead = Hands { done: decided.clone(), ..hands };
    let deciding = tokio::spawn(lead.decide(desk.lea.clone(), Dice::new(seed + 100)));

    desk.server.kill().await;
    killed(&desk, &told, &acknowledged, seed).await;

    // The last life is as long as it takes: everybody gets their answers, then everything is decided and done.
    desk.restart().await;
    told.send_replace(desk.address().to_owned());
    done.store(true, Ordering::Relaxed);
    for hand in working {
        ended(hand).await;
    }
    wait::until("every decision is final", async || {
        let open = desk.lea.decisions("open").await;
        open.is_empty().then_some(())
    })
    .await;
    decided.store(true, Ordering::Relaxed);
    ended(deciding).await;
    account::holds(&desk, &acknowledged).await;
}

/// Waits for a hand to end, which has seen nothing but what may happen.
async fn ended(hand: JoinHandle<()>) {
    let ended = tokio::time::timeout(Duration::from_secs(IDLE_SECONDS_MAX), hand).await;
    ended.expect("everybody gets their answers in the end").expect("nobody saw what may not happen");
}

/// Starts and kills the server, again and again.
async fn killed(desk: &Desk, told: &watch::Sender<String>, acknowledged: &Acknowledged, seed: u64) {
    let mut dice = Dice::new(seed);
    for _ in 0..KILLS {
        let starting = Server::spawn(&desk.acme);
        if dice.below(EARLY_ONE_IN) == 0 {
            wait::pause(dice.below(EARLY_MILLISECONDS_MAX)).await;
            starting.kill().await;
            continue;
        }
        let mut server = starting.listening().await.unwrap_or_else(|why| panic!("it does not come back: {why}"));
        let before = acknowledged.count();
        told.send_replace(server.address().to_owned());
        let begun = Instant::now();
        while acknowledged.count() == before {
            assert!(begun.elapsed() < Duration::from_secs(IDLE_SECONDS_MAX), "nobody gets an answer: {}", server.log());
            wait::pause(1).await;
        }
        wait::pause(dice.below(LIFE_MILLISECONDS_MAX)).await;
        server.kill().await;
    }
}
