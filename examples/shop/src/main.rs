//! The `shop` command: make a shop, serve its tools over MCP, and look at what was done to it.
//!
//! Standard output carries data alone (rows, the protocol, one line with the address); everything else goes to standard
//! error. The work is in the library.

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use serde_json::json;
use shop::{Faults, ShopError, ShopServer};
use tokio_util::sync::CancellationToken;

/// A shop with an MCP server that trusts every caller: something for an authority gateway to stand in front of.
#[derive(Parser)]
#[command(name = "shop", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a new shop with the bundled customers, orders, payments and cases: the same ones each time
    Seed {
        #[command(flatten)]
        shop: Shop,
    },
    /// Make a new shop with the customers, orders and products of tau-retail
    Load {
        #[command(flatten)]
        shop: Shop,
        /// The folder with users.json, orders.json and products.json
        #[arg(long, value_name = "DIR")]
        tau: PathBuf,
    },
    /// Serve the tools over MCP, on standard input and output unless told to listen
    Serve {
        #[command(flatten)]
        shop: Shop,
        /// Serve Streamable HTTP at /mcp of this address instead; port 0 takes a free one
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
        /// Do something wrong on purpose
        #[arg(long, value_enum, value_name = "FAULT")]
        fail: Option<Fault>,
        /// Wait this many milliseconds before each answer
        #[arg(long, value_name = "N", default_value_t = 0)]
        delay_ms: u64,
    },
    /// List every change that a tool made
    Ledger {
        #[command(flatten)]
        shop: Shop,
        /// Write one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show how many rows there are, or with --json all of them, without the ledger
    State {
        #[command(flatten)]
        shop: Shop,
        /// Write one JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(clap::Args)]
struct Shop {
    /// The shop's SQLite file
    #[arg(long, value_name = "PATH")]
    db: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// End the process after the first change is committed, before it is answered
    LoseAnswer,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), ShopError> {
    match command {
        Command::Seed { shop } => shop::seed(&mut shop::create(&shop.db)?),
        Command::Load { shop, tau } => shop::load(&mut shop::create(&shop.db)?, &tau),
        Command::Serve { shop, listen, fail, delay_ms } => {
            let faults =
                Faults { lose_answer: fail == Some(Fault::LoseAnswer), delay: Duration::from_millis(delay_ms) };
            serve(ShopServer::new(shop::open(&shop.db)?, faults), listen)
        }
        Command::Ledger { shop, json } => ledger(&shop.db, json),
        Command::State { shop, json } => state(&shop.db, json),
    }
}

fn serve(shop: ShopServer, listen: Option<SocketAddr>) -> Result<(), ShopError> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let Some(listen) = listen else {
            return shop::serve_stdio(shop).await;
        };
        let stop = CancellationToken::new();
        let interrupted = stop.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                interrupted.cancel();
            }
        });
        shop::serve_http(shop, listen, stop, announce).await
    })
}

fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", json!({ "listening": format!("http://{address}/mcp") }))?;
    out.flush()
}

fn ledger(db: &Path, as_json: bool) -> Result<(), ShopError> {
    let entries = shop::entries(&shop::open(db)?)?;
    let mut out = io::stdout().lock();
    if as_json {
        writeln!(out, "{}", json!({ "effects": entries.len(), "entries": entries }))?;
        return Ok(());
    }
    for entry in &entries {
        let key = entry.idempotency_key.as_deref().unwrap_or("-");
        writeln!(out, "{} {} {} {} {key}", entry.effect_id, entry.at, entry.tool, entry.arguments)?;
    }
    Ok(())
}

fn state(db: &Path, as_json: bool) -> Result<(), ShopError> {
    let conn = shop::open(db)?;
    let mut out = io::stdout().lock();
    if as_json {
        writeln!(out, "{}", shop::dump(&conn)?)?;
        return Ok(());
    }
    for (table, rows) in shop::counts(&conn)? {
        writeln!(out, "{rows:>7} {table}")?;
    }
    Ok(())
}

/// Writes an error with the reasons behind it; where standard error is closed, nobody is left to be told.
fn complain(error: &ShopError) {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(reason) = cause {
        text.push_str(&format!("\n  because: {reason}"));
        cause = reason.source();
    }
    let _ = writeln!(io::stderr(), "{text}");
}
