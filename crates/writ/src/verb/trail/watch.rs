//! `writ trail watch`: an independent witness of another server's log.
//!
//! It keeps the last checkpoint that it has seen, with its own cosignature, in a file of its own. A newer one is cosigned
//! only if the log has signed it and goes on from the one before, which the log's tiles have to show. A log that shrinks,
//! forks or was rewritten raises an alarm: a message, an exit code of its own, and what the log signs now in a file
//! beside. What was kept stays as it was, so that the alarm is raised again until a person has looked.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use writ_core::visible::visible_line;
use writ_engine::clock::Clock;
use writ_engine::pin;
use writ_engine::token::read_or_create_secret;
use writ_trail::checkpoint::{Checkpoint, CheckpointError};
use writ_trail::note::{self, Cosigner, Verifier};
use writ_trail::proof::{ProofError, verify_consistency};
use writ_trail::tiled::{TiledError, consistency_proof, consistency_tiles};

use super::remote::Remote;
use super::verify::verifier;
use crate::{output, wiring};

/// The exit code of an alarm.
const ALARM: u8 = 3;

/// Which log to follow, and as whom.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The log's prefix, such as `https://writ.example.org/tlog`. Where the log is not public, `WRIT_TOKEN` holds a
    /// personal token.
    url: String,
    /// The log's public key, or a file that holds it.
    #[arg(long)]
    key: String,
    /// The file that keeps the last checkpoint seen, cosigned.
    #[arg(long, default_value = "witness.checkpoint")]
    state: PathBuf,
    /// The file with this witness's secret key, made at the first use. Where nothing is said, beside the state.
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
    /// The name under which this witness cosigns, such as `witness.example.com/w1`.
    #[arg(long, default_value = "writ-watch")]
    name: String,
    /// Look once and end.
    #[arg(long)]
    once: bool,
    /// How many seconds lie between two looks.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Print JSON, one object a look.
    #[arg(long)]
    json: bool,
}

/// Why a checkpoint was not cosigned.
enum Trouble {
    /// The log contradicts what it has signed before.
    Alarm {
        /// `shrunk`, `forked` or `rewritten`.
        kind: &'static str,
        what: String,
        /// What the log says now, as it signed it.
        note: String,
    },
    /// Nothing could be found out.
    Failed(String),
}

struct Witness {
    remote: Remote,
    log: Verifier,
    cosigner: Cosigner,
    clock: Clock,
    state: PathBuf,
}

pub(super) async fn run(args: Args) -> Result<ExitCode, String> {
    let secret = args.secret.clone().unwrap_or_else(|| beside(&args.state, "key"));
    let seed = read_or_create_secret(&secret).map_err(|error| format!("`{}`: {error}", secret.display()))?;
    let witness = Witness {
        remote: Remote::new(&args.url, std::env::var("WRIT_TOKEN").ok())?,
        log: verifier(&args.key)?,
        cosigner: Cosigner::new(&args.name, &seed).map_err(|error| format!("`--name`: {error}"))?,
        clock: Clock::default(),
        state: args.state.clone(),
    };
    // Two that keep the same state could each cosign what the other has not seen.
    let lock = beside(&args.state, "lock");
    let held = File::create(&lock).map_err(|error| format!("`{}`: {error}", lock.display()))?;
    held.try_lock().map_err(|_| format!("`{}` is in use by another process", args.state.display()))?;
    output::note(&format!("cosigning as {}", witness.cosigner.verifier()));
    loop {
        match witness.look().await {
            Ok((seen, now)) => tell(seen.as_ref(), &now, args.json),
            Err(Trouble::Alarm { kind, what, note }) => {
                output::note(&format!("ALARM: {what}"));
                let evidence = beside(&args.state, "alarm");
                match replace(&evidence, &note) {
                    Ok(()) => output::note(&format!(
                        "`{}` is what the log had signed before, `{}` what it signs now: keep both",
                        args.state.display(),
                        evidence.display()
                    )),
                    Err(why) => output::note(&format!("what the log signs now could not be kept: {why}")),
                }
                if args.json {
                    output::json(&json!({ "alarm": kind, "message": what }));
                }
                return Ok(ExitCode::from(ALARM));
            }
            Err(Trouble::Failed(why)) if args.once => return Err(why),
            Err(Trouble::Failed(why)) => output::note(&format!("not cosigned: {why}")),
        }
        if args.once {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(args.every)) => {}
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
        }
    }
}

impl Witness {
    /// Looks once. Gives the checkpoint seen before, if any, and the one seen now, which is cosigned and kept.
    async fn look(&self) -> Result<(Option<Checkpoint>, Checkpoint), Trouble> {
        let seen = self.seen().map_err(Trouble::Failed)?;
        let note = self.remote.checkpoint().await.map_err(Trouble::Failed)?;
        let refused = |error: CheckpointError| {
            Trouble::Failed(format!("the checkpoint is refused: {}", visible_line(&wiring::chain(&error))))
        };
        let now = Checkpoint::open(&note, &self.log).map_err(refused)?;
        if let Some(seen) = &seen {
            self.follows(seen, &now, &note).await?;
        }
        let seconds = u64::try_from(self.clock.now() / 1_000).unwrap_or_default();
        let cosigned = note::cosign(&note, &self.log, &self.cosigner, seconds);
        let cosigned = cosigned.map_err(|error| Trouble::Failed(error.to_string()))?;
        replace(&self.state, &cosigned).map_err(Trouble::Failed)?;
        Ok((seen, now))
    }

    /// The last checkpoint that was cosigned here. Nothing before the first.
    fn seen(&self) -> Result<Option<Checkpoint>, String> {
        let file = self.state.display();
        let note = match std::fs::read_to_string(&self.state) {
            Ok(note) => note,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("`{file}`: {error}")),
        };
        let seen = Checkpoint::open_exactly(&note, &self.log, &[self.cosigner.verifier()]);
        seen.map(Some).map_err(|error| format!("`{file}` is not a checkpoint of this log and this witness: {error}"))
    }

    /// Whether the log goes on from what was seen, as its tiles show.
    async fn follows(&self, seen: &Checkpoint, now: &Checkpoint, note: &str) -> Result<(), Trouble> {
        let mut tiles = Vec::new();
        for tile in consistency_tiles(seen.size, now.size) {
            let bytes = self.remote.tile(&tile).await.map_err(Trouble::Failed)?;
            tiles.push((tile, bytes));
        }
        let failed = |error: TiledError| Trouble::Failed(error.to_string());
        let proof = consistency_proof(seen.size, now.size, &tiles).map_err(failed)?;
        let alarm = |kind, what| Trouble::Alarm { kind, what, note: note.to_owned() };
        match verify_consistency(seen.size, &seen.root, now.size, &now.root, &proof) {
            Ok(()) => Ok(()),
            Err(ProofError::Shrunk { old_size, new_size }) => Err(alarm(
                "shrunk",
                format!("the log has shrunk: it has signed {old_size} leaves before, and {new_size} now"),
            )),
            Err(_) if seen.size == now.size => Err(alarm(
                "forked",
                format!("the log has forked: it has signed two different trees of {} leaves", now.size),
            )),
            Err(_) => Err(alarm(
                "rewritten",
                format!(
                    "the log was rewritten: what it serves for its {} leaves does not begin with the {} seen before",
                    now.size, seen.size
                ),
            )),
        }
    }
}

fn tell(seen: Option<&Checkpoint>, now: &Checkpoint, json: bool) {
    if json {
        let before = seen.map(|seen| seen.size);
        return output::json(
            &json!({ "origin": now.origin, "leaves": now.size, "before": before, "root": now.root.to_string() }),
        );
    }
    let before = match seen {
        Some(seen) if seen.size == now.size => "as before".to_owned(),
        Some(seen) => format!("going on from {}", seen.size),
        None => "seen for the first time".to_owned(),
    };
    output::note(&format!("{}: {} leaves, {before}; cosigned", now.origin, now.size));
}

/// A file beside another one, with something at the end of its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Replaces a file so that a reader, or a crash, sees the old or the new content whole.
fn replace(path: &Path, content: &str) -> Result<(), String> {
    // A name alone has no folder that could be synced.
    let replaced = std::path::absolute(path).and_then(|path| pin::replace(&path, content));
    replaced.map_err(|error| format!("`{}`: {error}", path.display()))
}
