//! `cargo xtask`: what is done to this repository by a program of its own.
//!
//! `test` runs everything in one order, `tidy` holds the source to the rules that no compiler knows, `tau` plays the
//! recorded tasks of τ-bench through a real server, `conformance` runs the official suite of the protocol through one,
//! `chaos` breaks things while one works, `model` visits every state of the protocol, `bench` measures, and `demo` builds
//! and starts the demo. It relies on cargo and git, and it is no part of the product: nothing that ships depends on it.

mod bench;
mod chaos;
mod command;
mod conformance;
mod demo;
mod model;
mod progress;
mod tau;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The tasks of this repository.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the tests need, and run everything
    Test,
    /// Hold the source to the project's own rules
    Tidy,
    /// Measure, side by side with the obvious way
    Bench(bench::BenchArgs),
    /// Build what the demo needs, and run it
    Demo(demo::DemoArgs),
    /// Look at every state that the protocol of decisions can reach
    Model(model::ModelArgs),
    /// Play the tasks of tau-retail through Writ
    Tau(tau::TauArgs),
    /// Run the official MCP conformance suite through Writ
    Conformance(conformance::ConformanceArgs),
    /// Break things while a server works, and check that every promise was kept
    Chaos(chaos::ChaosArgs),
    /// Play the integration of `chaos`, which starts this itself
    #[command(hide = true)]
    ChaosUpstream(chaos::UpstreamArgs),
    /// Play the worker for one scenario of the suite, which starts this itself
    #[command(hide = true)]
    ConformanceClient(conformance::DriverArgs),
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            progress::say(&format!("error: {message}"));
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<(), String> {
    match task {
        Task::Test => test::run(),
        Task::Tidy => tidy::run(&command::workspace()?),
        Task::Bench(args) => bench::run(&args),
        Task::Demo(args) => demo::run(&args),
        Task::Model(args) => model::run(&args),
        Task::Conformance(args) => conformance::run(&args),
        Task::ConformanceClient(args) => conformance::drive(&args),
        Task::Chaos(args) => chaos::run(&args),
        Task::ChaosUpstream(args) => chaos::serve_upstream(&args),
        Task::Tau(args) => {
            command::run(&mut command::build_demo_binaries(&command::workspace()?))?;
            tau::run(args)
        }
    }
}
