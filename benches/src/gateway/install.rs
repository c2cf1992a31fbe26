//! The gateways of others, installed once into the cache folder as their own guides say.
//!
//! The versions are fixed here, so that figures of two days can be compared. Nothing is installed anywhere else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::program::output;
use crate::figures::Report;

const MCP_PROXY_VERSION: &str = "0.6.0";
const CONTEXTFORGE_VERSION: &str = "1.0.7.post20260921";

/// The program of `mcp-proxy`, built in release from the crate registry with its own lock file.
pub(super) fn mcp_proxy(cache: &Path, report: Report) -> Result<PathBuf, String> {
    let root = cache.join(format!("mcp-proxy-{MCP_PROXY_VERSION}"));
    let program = root.join("bin/mcp-proxy");
    if program.is_file() {
        return Ok(program);
    }
    report.note(&format!("building mcp-proxy {MCP_PROXY_VERSION} into {}; this happens once", root.display()));
    let build = cache.join("mcp-proxy-build");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["install", "mcp-proxy", "--version", MCP_PROXY_VERSION, "--locked", "--root"]).arg(&root);
    command.arg("--target-dir").arg(&build).current_dir(cache);
    output(&mut command)?;
    // A build that was interrupted goes on where it was; one that has succeeded is of no more use.
    fs::remove_dir_all(&build).map_err(|error| format!("{}: {error}", build.display()))?;
    Ok(program)
}

/// The folder of a Python environment with ContextForge in it.
pub(super) fn contextforge(cache: &Path, report: Report) -> Result<PathBuf, String> {
    let environment = cache.join(format!("contextforge-{CONTEXTFORGE_VERSION}"));
    let complete = environment.join("complete");
    if complete.is_file() {
        return Ok(environment);
    }
    report.note(&format!("installing ContextForge {CONTEXTFORGE_VERSION}; this happens once"));
    output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
    let package = format!("mcp-contextforge-gateway=={CONTEXTFORGE_VERSION}");
    output(Command::new(environment.join("bin/pip")).args(["install", "--quiet", &package]))?;
    fs::write(&complete, "").map_err(|error| format!("{}: {error}", complete.display()))?;
    Ok(environment)
}
