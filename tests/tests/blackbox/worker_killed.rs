//! A worker that is killed in the middle and started again finishes its run, and no step happens twice.

use std::convert::Infallible;

use serde_json::json;
use tokio::process::Command;
use writ_tests::{Desk, Worker, program, wait};

/// What a shell reports of a process that was killed.
const KILLED: Option<i32> = Some(137);

#[tokio::test]
async fn after_it_has_connected() {
    killed_after("connected").await;
}

#[tokio::test]
async fn after_a_read() {
    killed_after("order").await;
}

#[tokio::test]
async fn after_it_was_refused() {
    killed_after("too_large").await;
}

#[tokio::test]
async fn after_the_first_proposal() {
    killed_after("refund").await;
}

#[tokio::test]
async fn after_the_second_proposal() {
    killed_after("note").await;
}

#[tokio::test]
async fn while_it_waits() {
    killed_after("waiting").await;
}

#[tokio::test]
async fn after_a_person_has_decided() {
    killed_after("decided").await;
}

async fn killed_after(step: &str) {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let mut first = agent(&worker);
    first.args(["--kill-after", step]);
    // A worker that is to die while it waits must find something to wait for: nobody decides before it is gone.
    let first = if step == "waiting" {
        program::end(first, "").await
    } else {
        tokio::select! {
            first = program::end(first, "") => first,
            never = approves(&desk) => match never {},
        }
    };
    let second = tokio::select! {
        second = program::end(agent(&worker), "") => second,
        never = approves(&desk) => match never {},
    };
    let steps = program::lines(&first.stdout);
    assert_eq!((first.code, steps.last().unwrap()["step"].as_str()), (KILLED, Some(step)), "{}", first.stderr);

    let steps = second.json_lines();
    let last = steps.last().unwrap();
    assert_eq!((&last["step"], &last["verdict"]["outcome"]), (&json!("concluded"), &json!("refunded")), "{last}");
    let run = desk.run_view(worker.run()).await;
    assert_eq!((&run["status"], &run["proposals"]), (&json!("concluded"), &json!(2)), "{run}");
    let decisions = desk.lea.decisions("all").await;
    assert!(decisions.iter().all(|decision| decision["status"] == "succeeded"), "{decisions:?}");
    let mut effects: Vec<String> = desk.acme.effects().into_iter().map(|effect| effect.tool).collect();
    effects.sort();
    assert_eq!(effects, ["notify_customer", "refund_payment"]);
    assert_eq!(desk.events(worker.run(), "worker_attached").await.len(), 2, "both lives introduced themselves");
}

/// The lead's part: whatever waits is approved.
async fn approves(desk: &Desk) -> Infallible {
    loop {
        for decision in desk.lea.decisions("open").await {
            if decision["status"] == "pending" {
                desk.lea.approve(decision["proposal"]["decision"].as_str().unwrap()).await;
            }
        }
        wait::pause(20).await;
    }
}

/// The example's worker, as its own program.
fn agent(worker: &Worker) -> Command {
    let mut command = program::command("worker");
    let url = format!("{}/mcp", worker.address());
    command.args(["--url", &url, "--case", "C-1044", "--json"]).env("WRIT_TOKEN", worker.token());
    command
}

#[tokio::test]
async fn a_worker_without_a_good_token_is_told_so() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let said = program::end(agent(&worker.with_token("none")), "").await;
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("token"), "{}", said.stderr);
    assert_eq!(said.stdout, "", "nothing was done");
}
