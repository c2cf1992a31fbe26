//! All that a measurement needs, started: the server at the end, and what stands in between.

use std::net::SocketAddr;
use std::path::Path;

use super::call::{Lane, Revision, TOOL};
use super::program::Program;
use super::{contextforge, mcp_proxy, upstream, writ};
use crate::figures::Report;

/// Nothing in between.
pub const DIRECT: &str = "direct";
/// `mcp-proxy` with its middleware on.
pub const MCP_PROXY: &str = "mcp-proxy";
/// `ContextForge`.
pub const CONTEXTFORGE: &str = "contextforge";
/// Writ, whose records of reads are synced together, soon after.
pub const WRIT: &str = "writ";
/// Writ, which releases nothing before its record is synced.
pub const WRIT_DURABLE: &str = "writ-durable";
/// All targets, in the order in which they take turns.
pub const NAMES: [&str; 5] = [DIRECT, MCP_PROXY, CONTEXTFORGE, WRIT, WRIT_DURABLE];

/// Where everything is.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// This program itself, which is the server at the end as well.
    pub own: &'a Path,
    /// The program of Writ.
    pub writ: &'a Path,
    /// Where others' programs are kept from one measurement to the next.
    pub cache: &'a Path,
    /// A folder for everything that this measurement writes.
    pub folder: &'a Path,
    /// How many connections a target is to have at most.
    pub lanes: usize,
    /// Where notes go.
    pub report: Report,
    /// The server at the end; any address before it has started.
    pub upstream: SocketAddr,
}

/// One way to the server.
pub struct Target {
    /// Its name in the figures.
    pub name: &'static str,
    /// The revision in which it is called.
    pub revision: Revision,
    /// Where it listens.
    pub address: SocketAddr,
    /// How the calls on each connection are written.
    pub lanes: Vec<Lane>,
    /// What it takes right after its start, before the first session or run, in mebibytes.
    pub idle_mib: f64,
    /// Where nothing stands in between, it is the server itself that is weighed.
    pub(super) program: Option<Program>,
}

/// Everything that runs during a measurement; all of it ends with this value.
pub struct Stage {
    /// The targets, in the order in which they take turns.
    pub targets: Vec<Target>,
    upstream: Program,
}

impl Stage {
    /// Starts the server and these targets.
    ///
    /// # Errors
    /// What does not start, or is not installed and cannot be, with what it said last.
    pub fn set(names: &[&'static str], place: &Place<'_>) -> Result<Self, String> {
        let (upstream, address) = upstream::start(place.own, place.folder)?;
        let place = Place { upstream: address, ..*place };
        let mut targets = Vec::with_capacity(names.len());
        for name in names {
            place.report.note(&format!("starting {name}"));
            targets.push(match *name {
                MCP_PROXY => mcp_proxy::start(&place)?,
                CONTEXTFORGE => contextforge::start(&place)?,
                WRIT => writ::start(&place, WRIT, "buffered")?,
                WRIT_DURABLE => writ::start(&place, WRIT_DURABLE, "durable")?,
                _ => direct(&place, upstream.resident_mib()?),
            });
        }
        Ok(Self { targets, upstream })
    }

    /// The memory that a target takes, with all that it has started, in mebibytes.
    ///
    /// # Errors
    /// Where the target has ended.
    pub fn resident_mib(&self, target: &Target) -> Result<f64, String> {
        target.program.as_ref().unwrap_or(&self.upstream).resident_mib()
    }
}

fn direct(place: &Place<'_>, idle_mib: f64) -> Target {
    let address = place.upstream;
    let lane = |_| Lane::new(address, upstream::PATH, Revision::Stateless, TOOL, &[]);
    let lanes = (0..place.lanes).map(lane).collect();
    Target { name: DIRECT, revision: Revision::Stateless, address, lanes, idle_mib, program: None }
}
