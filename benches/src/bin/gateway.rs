//! A tool call through Writ, beside the same call made directly and through two other gateways.
//!
//! Everything runs at once and takes turns, several rounds of them, so that a busy machine disturbs all alike; a figure
//! is the median of its rounds. The guide says what exactly is compared: docs/guide/gateway-speed.md.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use serde_json::{Value as Json, json};
use writ_bench::figures::{Report, finish, median, rounded, whole};
use writ_bench::gateway::{
    CONTEXTFORGE, DIRECT, Figures, MCP_PROXY, NAMES, Place, Stage, Target, Turn, WRIT, drive, serve,
};

const CONNECTIONS: [usize; 2] = [1, 32];
const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_millis(500);
const SPAN: Duration = Duration::from_secs(2);
/// The folder beside the build's own, where others' programs are kept.
const CACHE: &str = "bench-gateway";

/// Measures what standing in the path of a tool call costs.
#[derive(Parser)]
struct Cli {
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
    /// Measure these targets alone, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = NAMES)]
    only: Vec<String>,
    /// The program of Writ, instead of the one beside this program
    #[arg(long)]
    writ: Option<PathBuf>,
    /// The folder for others' programs, instead of one in the target folder
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Be the server that the calls lead to
    #[arg(long, hide = true)]
    serve_upstream: bool,
}

/// What the rounds of one target with one number of connections gave.
#[derive(Default)]
struct Rounds {
    p50_us: Vec<f64>,
    p99_us: Vec<f64>,
    per_second: Vec<f64>,
    resident_mib: Vec<f64>,
    wrong: usize,
    wrong_example: Option<String>,
}

/// The medians of one target with one number of connections.
struct Row {
    target: &'static str,
    revision: &'static str,
    connections: usize,
    p50_us: f64,
    p99_us: f64,
    per_second: f64,
    resident_mib: f64,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    finish(if cli.serve_upstream { serve() } else { run(&cli) })
}

fn run(cli: &Cli) -> Result<(), String> {
    let report = Report::new(cli.json);
    let own = std::env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
    let writ = cli.writ.clone().unwrap_or_else(|| own.with_file_name("writ"));
    if !writ.is_file() {
        return Err(format!("`{}` is not built: run `cargo xtask bench gateway`", writ.display()));
    }
    let cache = cli.cache.clone().unwrap_or_else(|| target_folder(&own).join(CACHE));
    std::fs::create_dir_all(&cache).map_err(|error| format!("{}: {error}", cache.display()))?;
    let cache = cache.canonicalize().map_err(|error| format!("{}: {error}", cache.display()))?;
    // On the disk of the build, since a temporary folder may be in memory, where syncing costs nothing.
    let folder = tempfile::tempdir_in(&cache).map_err(|error| format!("{}: {error}", cache.display()))?;
    let place = Place {
        own: &own,
        writ: &writ,
        cache: &cache,
        folder: folder.path(),
        lanes: CONNECTIONS.into_iter().max().unwrap_or(1),
        report,
        upstream: SocketAddr::from(([127, 0, 0, 1], 0)),
    };
    let names: Vec<&'static str> =
        NAMES.into_iter().filter(|name| cli.only.is_empty() || cli.only.iter().any(|only| only == name)).collect();
    let stage = Stage::set(&names, &place)?;
    let opened: Result<Vec<f64>, String> = stage.targets.iter().map(|target| stage.resident_mib(target)).collect();
    let opened = opened?;
    let rows = measured(&stage, report)?;
    if cli.json {
        for row in &rows {
            report.row(&row.json())?;
        }
        for (target, opened) in stage.targets.iter().zip(opened) {
            let idle = rounded(target.idle_mib);
            report.row(&json!({ "target": target.name, "idle_rss_mb": idle, "opened_rss_mb": rounded(opened) }))?;
        }
    } else {
        table(&rows, &stage.targets, &opened).map_err(|error| format!("standard output: {error}"))?;
    }
    summary(&rows, report);
    Ok(())
}

/// The folder of the build: this program is in a folder of it.
fn target_folder(own: &Path) -> &Path {
    own.parent().and_then(Path::parent).unwrap_or(Path::new("."))
}

fn measured(stage: &Stage, report: Report) -> Result<Vec<Row>, String> {
    report.note(&format!(
        "{ROUNDS} rounds in turns, {} s each after {} ms of warming up; medians of the rounds",
        SPAN.as_secs(),
        WARM_UP.as_millis()
    ));
    let cells: Vec<(&Target, usize)> =
        CONNECTIONS.iter().flat_map(|connections| stage.targets.iter().map(|target| (target, *connections))).collect();
    let mut rounds: Vec<Rounds> = cells.iter().map(|_| Rounds::default()).collect();
    let mut number = 0;
    for _ in 0..ROUNDS {
        for ((target, connections), rounds) in cells.iter().zip(&mut rounds) {
            number += 1;
            let turn = Turn { number, connections: *connections, warm_up: WARM_UP, span: SPAN };
            let figures = drive(target, &turn)?;
            rounds.take(target, figures, stage.resident_mib(target)?)?;
        }
    }
    for ((target, connections), rounds) in cells.iter().zip(&rounds) {
        if rounds.wrong > 0 {
            let example = rounds.wrong_example.as_deref().unwrap_or_default();
            let (name, wrong) = (target.name, rounds.wrong);
            report.note(&format!("{name} at {connections} connections: {wrong} wrong answers, such as {example}"));
        }
    }
    Ok(cells.iter().zip(rounds).map(|((target, connections), rounds)| rounds.row(target, *connections)).collect())
}

impl Rounds {
    /// A wrong answer of Writ's, or of the server itself, is an error of ours; one of another gateway is counted.
    fn take(&mut self, target: &Target, figures: Figures, resident_mib: f64) -> Result<(), String> {
        if figures.wrong > 0 && ![MCP_PROXY, CONTEXTFORGE].contains(&target.name) {
            let example = figures.wrong_example.unwrap_or_default();
            return Err(format!("{}: {} wrong answers, such as {example}", target.name, figures.wrong));
        }
        self.p50_us.push(figures.p50_us);
        self.p99_us.push(figures.p99_us);
        self.per_second.push(figures.per_second);
        self.resident_mib.push(resident_mib);
        self.wrong += figures.wrong;
        if self.wrong_example.is_none() {
            self.wrong_example = figures.wrong_example;
        }
        Ok(())
    }

    fn row(mut self, target: &Target, connections: usize) -> Row {
        Row {
            target: target.name,
            revision: target.revision.name(),
            connections,
            p50_us: median(&mut self.p50_us),
            p99_us: median(&mut self.p99_us),
            per_second: median(&mut self.per_second),
            resident_mib: median(&mut self.resident_mib),
        }
    }
}

impl Row {
    fn json(&self) -> Json {
        json!({
            "target": self.target,
            "connections": self.connections,
            "p50_us": rounded(self.p50_us),
            "p99_us": rounded(self.p99_us),
            "rps": whole(self.per_second),
            "rss_mb": rounded(self.resident_mib),
        })
    }
}

fn table(rows: &[Row], targets: &[Target], opened: &[f64]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:<14}{:<12}{:>12}{:>10}{:>10}{:>10}{:>9}",
        "target", "revision", "connections", "p50 µs", "p99 µs", "calls/s", "RSS MB"
    )?;
    for row in rows {
        writeln!(
            out,
            "{:<14}{:<12}{:>12}{:>10.0}{:>10.0}{:>10.0}{:>9.1}",
            row.target, row.revision, row.connections, row.p50_us, row.p99_us, row.per_second, row.resident_mib
        )?;
    }
    writeln!(out)?;
    for (target, opened) in targets.iter().zip(opened) {
        let (name, idle) = (target.name, target.idle_mib);
        writeln!(out, "{name:<14}idle rss {idle:.1} MB, {opened:.1} MB with every session or run open")?;
    }
    out.flush()
}

/// What the figures say beside each other; nothing is judged.
fn summary(rows: &[Row], report: Report) {
    let find = |target: &str, connections: usize| {
        rows.iter().find(|row| row.target == target && row.connections == connections)
    };
    if let (Some(direct), Some(writ)) = (find(DIRECT, 1), find(WRIT, 1)) {
        let added = writ.p50_us - direct.p50_us;
        let beside = find(MCP_PROXY, 1).map(|proxy| format!(", mcp-proxy {:.0} µs", proxy.p50_us - direct.p50_us));
        report.note(&format!("added at p50, one connection: writ {added:.0} µs{}", beside.unwrap_or_default()));
    }
    if let (Some(direct), Some(writ)) = (find(DIRECT, 32), find(WRIT, 32)) {
        report.note(&format!("calls/s of direct, 32 connections: writ {:.2}", writ.per_second / direct.per_second));
    }
}
