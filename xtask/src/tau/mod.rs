//! `cargo xtask tau`: the tasks of tau-retail, played through a real server.
//!
//! 500 customers, 1,000 orders and 115 tasks with their ground-truth calls, written by others, for a shop whose tools
//! take anybody's ids. The shop stands behind Writ with one mission for a conversation with one customer ([`workspace`]),
//! and its customers start their own runs. Then two things are shown: a task is done as well as without Writ ([`kept`]),
//! and a hostile worker in the same run gets at nobody else ([`attacked`]).
//!
//! The figures: `votes_per_task` is approvals given over all tasks. `reachable_per_needed` is, for each task kept, the
//! records of customers that its run can reach (account, payment methods and orders; items, parcels and payments belong
//! to their order, products are public) over the records among them that the arguments of its ground truth name, the
//! account always being one; then the mean. `calls_per_second` is all calls of tools over the time of both phases.
//! `refusals` are those of the attacks.
//!
//! Nothing is built here: the binaries beside this program are used.

mod attacked;
mod attempts;
pub(crate) mod client;
mod kept;
mod owners;
mod queries;
mod report;
pub(crate) mod server;
mod shops;
mod stage;
mod tasks;
pub(crate) mod workspace;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures::future::try_join_all;

use crate::command::binary;
use crate::progress::{readable, say, tell};
use client::Writ;
use owners::Owners;
use report::{Report, ratio};
use server::Server;
use shops::Shops;
use stage::Stage;

/// How many tokens are asked for at a time: each is a program that starts.
const TOKENS_AT_ONCE: usize = 4;

/// What `cargo xtask tau` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct TauArgs {
    /// The folder with users.json, orders.json, products.json and tasks.json of tau-retail
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Write one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// How many runs attack at a time
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(crate) jobs: usize,
    /// Play the first N tasks alone
    #[arg(long, value_name = "N")]
    pub(crate) tasks: Option<usize>,
    /// Ask for the first N customers and the first N orders alone in each attack
    #[arg(long, value_name = "N")]
    pub(crate) sweep: Option<usize>,
}

pub(crate) fn run(args: TauArgs) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("no runtime can be made: {error}"))?;
    let report = runtime.block_on(play(&args))?;
    tell(&if args.json { report.json()? } else { report.text() })?;
    report.verdict()
}

async fn play(args: &TauArgs) -> Result<Report, String> {
    let (writ, shop) = (existing("writ")?, existing("shop")?);
    let tasks = tasks::load(&args.data, args.tasks)?;
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder can be made: {error}"))?;
    let desk = folder.path().join("desk");
    std::fs::create_dir_all(&desk).map_err(|error| format!("{}: {error}", desk.display()))?;

    say("loading tau-retail into the shop");
    let shops = Shops::make(folder.path(), desk.join(workspace::DATABASE), &args.data)?;
    let owners = Owners::of(&shops.as_loaded()?)?;
    workspace::write(&desk, &shop, shops.behind(), owners.customers())?;

    say("starting Writ");
    let server = Server::start(&writ, &desk, folder.path().join("writ.log")).await?;
    let people: BTreeSet<&str> = tasks.iter().map(|task| task.customer.as_str()).collect();
    let prepared = prepare(&server, &writ, &desk, people).await;
    let (reached, supervisor, tokens) = prepared.map_err(|error| server.explain(&error))?;
    let effects = shop::tools().into_iter().filter(|tool| !tool.read_only).map(|tool| tool.name).collect();
    let foreign_read = AtomicU64::new(0);
    let stage = Arc::new(Stage { tasks, owners, writ: reached, supervisor, tokens, effects, foreign_read });
    let report = play_both(&stage, &shops, args).await.map_err(|error| server.explain(&error))?;
    server.stop().await?;
    Ok(report)
}

/// A binary of this workspace that has been built.
fn existing(name: &str) -> Result<PathBuf, String> {
    let path = binary(name)?;
    if path.is_file() { Ok(path) } else { Err(format!("there is no `{}`; build it first", path.display())) }
}

/// Makes sure that the server answers, and gets a token for the supervisor and for each customer.
async fn prepare(
    server: &Server,
    writ: &Path,
    desk: &Path,
    people: BTreeSet<&str>,
) -> Result<(Writ, String, HashMap<String, String>), String> {
    let reached = Writ::at(server.address())?;
    let supervisor = server::token(writ, desk, workspace::SUPERVISOR).await?;
    let health = reached.get(&supervisor, "/api/health").await?;
    if health.get("ok").and_then(serde_json::Value::as_bool) != Some(true) {
        return Err(format!("the server does not accept work: {health}"));
    }
    let people: Vec<&str> = people.into_iter().collect();
    let mut tokens = HashMap::new();
    for some in people.chunks(TOKENS_AT_ONCE) {
        let minted = try_join_all(some.iter().map(|person| server::token(writ, desk, person))).await?;
        tokens.extend(some.iter().map(|person| (*person).to_owned()).zip(minted));
    }
    Ok((reached, supervisor, tokens))
}

async fn play_both(stage: &Arc<Stage>, shops: &Shops, args: &TauArgs) -> Result<Report, String> {
    let started = Instant::now();
    say(&format!("playing {} tasks", stage.tasks.len()));
    let kept = kept::play(stage, shops).await?;
    say(&format!("attacking, with the kept tasks done after {}", readable(started.elapsed())));
    let sweep = args.sweep.unwrap_or(usize::MAX);
    let attacked = attacked::play(stage, shops, &kept.succeeds, args.jobs, sweep).await?;
    let elapsed = started.elapsed();
    say(&format!("done after {}", readable(elapsed)));

    let tasks = stage.tasks.len();
    let kept_tasks = tasks - kept.not_kept.len();
    Ok(Report {
        tasks,
        kept: kept_tasks,
        not_kept: kept.not_kept,
        attack_pairs: attacked.pairs,
        attack_calls: attacked.calls,
        attack_effects: attacked.effects,
        foreign_records_read: stage.foreign_read.load(Ordering::Relaxed),
        refusals: attacked.refusals,
        votes_per_task: ratio(kept.votes as f64, tasks as f64),
        reachable_per_needed: ratio(kept.reachable_per_needed, kept_tasks as f64),
        calls_per_second: ratio(stage.writ.calls() as f64, elapsed.as_secs_f64()),
    })
}
