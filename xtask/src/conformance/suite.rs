//! The suite itself: the npm package, pinned, with the Node that it needs, in a cache folder outside the checkout.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use writ_core::definition::parse_yaml;

use super::outcome::Outcome;
use super::sets::{Set, Side, TASKS};
use crate::command::{output, run};
use crate::progress::say;

/// The suite's package and version. A new version is a new score, so it is chosen and not followed.
const PACKAGE: &str = "@modelcontextprotocol/conformance";
const VERSION: &str = "0.2.0-alpha.12";
/// The package that brings Node; the suite needs 22 or newer.
const NODE: &str = "node@24";

/// What the suite lets one scenario take. Writ is started within a scenario of the client half.
const SCENARIO_SECONDS_MAX: u64 = 90;
/// When a scenario is given up that the suite itself does not end.
const SUITE_SECONDS_MAX: u64 = 2 * SCENARIO_SECONDS_MAX;

/// The suite, installed.
#[derive(Debug)]
pub(super) struct Suite {
    node: PathBuf,
    package: PathBuf,
}

/// What is under test in one run of the suite.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target<'a> {
    /// A server at this address.
    Server(&'a str),
    /// A client that is started by this command, to which the suite adds its server's address.
    Client(&'a str),
}

#[derive(Deserialize)]
struct Requirements {
    server: Vec<String>,
    client: Vec<String>,
}

impl Suite {
    /// The suite in the cache folder, put there where it is missing.
    pub(super) fn installed() -> Result<Self, String> {
        let folder = cache()?;
        let suite = Self::under(&folder);
        if suite.is_there() {
            return Ok(suite);
        }
        say(&format!("installing {PACKAGE} {VERSION} into {}", folder.display()));
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        ensure_npm()?;
        let mut install = Command::new("npm");
        install.args(["install", "--no-audit", "--no-fund", "--save-exact", "--prefix"]).arg(&folder);
        // What npm has to say is no data of ours.
        output(install.arg(format!("{PACKAGE}@{VERSION}")).arg(NODE))?;
        if suite.is_there() { Ok(suite) } else { Err(format!("npm left no suite in `{}`", folder.display())) }
    }

    fn under(folder: &Path) -> Self {
        let modules = folder.join("node_modules");
        Self { node: modules.join("node/bin/node"), package: modules.join(PACKAGE) }
    }

    fn is_there(&self) -> bool {
        #[derive(Deserialize)]
        struct Package {
            version: String,
        }
        let text = std::fs::read(self.package.join("package.json")).unwrap_or_default();
        let version = serde_json::from_slice::<Package>(&text).map(|package| package.version);
        self.node.is_file() && version.is_ok_and(|version| version == VERSION)
    }

    /// The scenarios that a set consists of, on one side.
    pub(super) fn required(&self, set: Set, side: Side) -> Result<Vec<String>, String> {
        if set.is_tasks() {
            return Ok(TASKS.map(str::to_owned).to_vec());
        }
        let name = format!("requirements/{}.yaml", set.revision());
        let path = self.package.join(&name);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let required: Requirements = parse_yaml(&name, &text).map_err(|problem| problem.to_string())?;
        Ok(if side == Side::Server { required.server } else { required.client })
    }

    /// Runs one scenario at a revision's wire, and keeps everything that the suite writes under a folder.
    pub(super) async fn run(
        &self,
        scenario: &str,
        revision: &str,
        target: Target<'_>,
        folder: &Path,
    ) -> Result<Outcome, String> {
        let failed = |why: &str| format!("the suite's scenario `{scenario}`: {why}");
        std::fs::create_dir_all(folder).map_err(|error| failed(&error.to_string()))?;
        let log = std::fs::File::create(folder.join("suite.log")).map_err(|error| failed(&error.to_string()))?;
        let also = log.try_clone().map_err(|error| failed(&error.to_string()))?;
        let milliseconds = (SCENARIO_SECONDS_MAX * 1000).to_string();
        let mut command = tokio::process::Command::new(&self.node);
        command.arg(self.package.join("dist/index.js"));
        match target {
            Target::Server(url) => command.args(["server", "--url", url]),
            Target::Client(driver) => command.args(["client", "--command", driver]),
        };
        // A set decides what belongs to it; a scenario's own idea of where it applies does not.
        command.args(["--scenario", scenario, "--spec-version", revision, "--force", "--timeout", &milliseconds]);
        command.arg("--output-dir").arg(folder).current_dir(folder);
        command.stdin(Stdio::null()).stdout(log).stderr(also).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| failed(&error.to_string()))?;
        let ended = tokio::time::timeout(Duration::from_secs(SUITE_SECONDS_MAX), child.wait()).await;
        let ended_well = match ended {
            Ok(status) => status.map_err(|error| failed(&error.to_string()))?.success(),
            Err(_) => false,
        };
        let outcome = Outcome::read(scenario, folder, ended_well)?;
        for wrong in &outcome.failed {
            say(&format!("  {scenario}: {} {}", wrong.check, wrong.why));
        }
        Ok(outcome)
    }
}

/// `$XDG_CACHE_HOME/writ/conformance`, with the version, so that two checkouts may differ in it.
fn cache() -> Result<PathBuf, String> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    let base = base.ok_or("neither `XDG_CACHE_HOME` nor `HOME` says where to keep the suite")?;
    Ok(base.join("writ").join("conformance").join(VERSION))
}

/// Makes sure that there is npm.
fn ensure_npm() -> Result<(), String> {
    if is_there("npm") {
        return Ok(());
    }
    if !is_there("apt-get") {
        return Err("`npm` is missing: install it, then try again".to_owned());
    }
    say("`npm` is missing: installing Debian's");
    let apt_get = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(words);
        command
    };
    run(&mut apt_get(&["update"]))?;
    run(&mut apt_get(&["install", "--yes", "--no-install-recommends", "npm"]))
}

fn is_there(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(OsStr::new(program)).is_file())
}
