//! The `writ` program: one file a verb.
//!
//! What a script wants stands on stdout, one JSON object a line with `--json`; everything else is on stderr. The
//! verbs hold no logic of their own: they read configuration, put the crates together, and show what comes back.

mod client;
mod demo;
mod linking;
mod listen;
mod output;
mod verb;
mod wiring;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Calls are many small allocations on all threads at once, which the system's own allocator makes wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exactly the authority that one task needs, for one person, and nothing more.
#[derive(Debug, Parser)]
#[command(name = "writ", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check a workspace folder against its real tables and tools.
    Check(verb::check::Args),
    /// Try what Writ promises on a workspace, with stub integrations and a store of its own.
    Drill(verb::drill::Args),
    /// Print the JSON Schema of a kind of definition file.
    Schema(verb::schema::Args),
    /// Serve a workspace.
    Serve(verb::serve::Args),
    /// Personal tokens and sign-in links.
    Person(verb::person::Args),
    /// Start, show and stop runs.
    Run(verb::run::Args),
    /// List and decide what waits for a person.
    Decision(verb::decision::Args),
    /// Export, verify and watch the trail.
    Trail(verb::trail::Args),
    /// Add integrations, and compare what they offer with what was pinned.
    Integration(verb::integration::Args),
    /// Seal, list, remove and rotate credentials; link an integration in a person's name.
    Credential(verb::credential::Args),
    /// Bridge an agent that speaks MCP over stdio to its run.
    Connect(verb::connect::Args),
    /// See one refund from start to verdict.
    Demo(demo::Args),
}

/// No core file holds what was in memory: neither of this program nor of those that it starts.
#[cfg(target_os = "linux")]
fn leave_no_core_file() -> std::io::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    // Programs inherit the limit.
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    // Where the system hands cores to another program, the limit does not count.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Err(error) = leave_no_core_file() {
        return output::fail(&format!("core files cannot be turned off: {error}"));
    }
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&format!("the runtime cannot start: {error}")),
    };
    let done = runtime.block_on(async {
        match cli.verb {
            Verb::Check(args) => verb::check::run(args).await,
            Verb::Drill(args) => verb::drill::run(args).await,
            Verb::Schema(args) => verb::schema::run(&args),
            Verb::Serve(args) => verb::serve::run(args).await,
            Verb::Person(args) => verb::person::run(args),
            Verb::Run(args) => verb::run::run(args).await,
            Verb::Decision(args) => verb::decision::run(args).await,
            Verb::Trail(args) => verb::trail::run(args).await,
            Verb::Integration(args) => verb::integration::run(args).await,
            Verb::Credential(args) => verb::credential::run(args),
            Verb::Connect(args) => verb::connect::run(args).await,
            Verb::Demo(args) => demo::run(args).await,
        }
    });
    // A read of standard input may still be under way; nothing waits for it.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(message) => output::fail(&message),
    }
}
