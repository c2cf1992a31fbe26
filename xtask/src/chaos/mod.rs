//! `cargo xtask chaos`: many runs with workers and voters through the real server, while things break.
//!
//! A round has a workspace, a server and an integration of its own. Its seed says which faults it plays ([`plan`]); the
//! [`scenes`] play them, one after another, while [`hands`] work on. At its end everything is brought to an end
//! ([`closing`]), and then an independent [`reader`] gathers the integration's ledger, the exported trail, the database
//! file and what was acknowledged, and the [`check`] holds them against one another. Nothing in a round but its seed is
//! chosen by chance; when exactly a process dies is a matter of the machine as well.
//!
//! What it cannot break: the clock of a server, which nobody can set from outside, and a sync that fails.

mod acts;
mod check;
mod closing;
mod dice;
mod hands;
mod ledger;
mod notes;
mod plan;
mod reader;
mod report;
mod scenes;
mod stage;
mod upstream;
mod workspace;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;

use crate::command::{binary, cargo, run as run_command, workspace as repository};
use crate::progress::{say, tell};
use dice::Dice;
use notes::Broken;
use report::{Report, Round, Violation};
use stage::{Cast, Stage};
pub(crate) use upstream::{UpstreamArgs, serve as serve_upstream};

/// How many rounds are played where nobody says: enough for every fault twice, in about a minute.
const ROUNDS_DEFAULT: u64 = 8;
/// How many rounds are played at a time: most of a round is waiting.
const JOBS_DEFAULT: usize = 3;
/// How long the scenes of a round may take.
const ROUND_SECONDS_MAX: u64 = 600;
/// The step of what a round finds after its scenes.
const CLOSING: &str = "closing";
/// How many workers are at work beside the scenes.
const WORKERS: u64 = 2;
/// Why no round is played on a database server.
const NOT_ON_POSTGRES: &str = "a store on PostgreSQL is not broken here yet: scenes and reader know a file alone";

/// The stores that a server can keep its trail in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Store {
    /// A file in the data folder
    Sqlite,
    /// A database server
    Postgres,
}

/// What `cargo xtask chaos` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct ChaosArgs {
    /// How many rounds to play
    #[arg(long, value_name = "N", default_value_t = ROUNDS_DEFAULT)]
    rounds: u64,
    /// The first round's seed; each further round has the next one
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// How many rounds to play at a time
    #[arg(long, value_name = "N", default_value_t = JOBS_DEFAULT)]
    jobs: usize,
    /// The store
    #[arg(long, value_enum, default_value_t = Store::Sqlite)]
    store: Store,
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Default for ChaosArgs {
    fn default() -> Self {
        Self { rounds: ROUNDS_DEFAULT, seed: 1, jobs: JOBS_DEFAULT, store: Store::Sqlite, json: false }
    }
}

pub(crate) fn run(args: &ChaosArgs) -> Result<(), String> {
    run_command(&mut cargo(&repository()?, ["build", "--workspace", "--bin", "writ"]))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("no runtime can be made: {error}"))?;
    let report = runtime.block_on(play(args))?;
    tell(&if args.json { report.json()? } else { report.text() })?;
    report.verdict()
}

async fn play(args: &ChaosArgs) -> Result<Report, String> {
    let cast = Cast::gather(binary("writ")?, args.store).await?;
    let seeds = (0..args.rounds).map(|number| args.seed.wrapping_add(number));
    let rounds = seeds.map(|seed| round(&cast, seed));
    let mut rounds = futures::stream::iter(rounds).buffer_unordered(args.jobs.max(1));
    let mut report = Report::default();
    while let Some(round) = rounds.next().await {
        report.add(round?);
    }
    Ok(report)
}

/// Plays one round. What breaks in it is a violation; an error is that it could not be begun.
async fn round(cast: &Cast, seed: u64) -> Result<Round, String> {
    let stage = Stage::open(cast).await.map_err(|error| format!("the round of seed {seed}: {error}"))?;
    let limit = Duration::from_secs(ROUND_SECONDS_MAX);
    let played = match tokio::time::timeout(limit, at_work(&stage, seed)).await {
        Ok(played) => played,
        Err(_) => Err(format!("the scenes do not end within {ROUND_SECONDS_MAX} s")),
    };
    if let Err(why) = played {
        stage.notes.is_broken(CLOSING, Broken::anywhere(why));
    }
    let mut found = Round::default();
    match closed(&stage).await {
        Ok(history) => {
            found.effects = history.ledger.iter().filter(|entry| entry.what == ledger::What::Applied).count() as u64;
            found.decisions = check::decisions(&history);
            for broken in check::check(&history) {
                let step = broken.decision.as_deref().and_then(|decision| stage.notes.step_of(decision));
                stage.notes.is_broken(step.as_deref().unwrap_or(CLOSING), broken);
            }
        }
        Err(why) => stage.notes.is_broken(CLOSING, Broken::anywhere(why)),
    }
    (found.faults, found.kills) = stage.notes.faults();
    let violation = |(step, Broken { decision, what }): (String, Broken)| Violation { seed, step, decision, what };
    found.violations = stage.notes.broken().into_iter().map(violation).collect();
    say(&format!(
        "seed {seed}: {} faults, {} effects, {} decisions, {} violations",
        found.faults,
        found.effects,
        found.decisions,
        found.violations.len()
    ));
    if !found.violations.is_empty() {
        say(&format!("seed {seed}: its files are kept in {}", stage.keep().display()));
    }
    Ok(found)
}

/// The scenes, with hands at work beside them until the last scene has ended.
async fn at_work(stage: &Stage<'_>, seed: u64) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let done = AtomicBool::new(false);
    let workers = (0..WORKERS).map(|number| hands::work(stage, number, dice.apart(), &done)).collect::<Vec<_>>();
    let (first, second) = (stage.cast.voter(0)?, stage.cast.voter(1)?);
    let (one, other) = (dice.apart(), dice.apart());
    let scenes = async {
        scenes::play(stage, seed, &mut dice).await;
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(
        scenes,
        futures::future::join_all(workers),
        hands::decide(stage, first, one, &done),
        hands::decide(stage, second, other, &done),
    );
    Ok(())
}

/// The end of a round, and what it leaves.
async fn closed(stage: &Stage<'_>) -> Result<reader::History, String> {
    closing::settle(stage).await?;
    closing::sign(stage).await?;
    reader::read(stage).await
}
