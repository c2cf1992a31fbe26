//! One tool call on its way: directly to the server, and through what may stand in between.
//!
//! Every way leads to the same small MCP server, which runs as a program of its own, as does everything that stands in
//! between. The load comes from threads of this program, each with one connection that stays open and one call at a
//! time on it. Every answer is checked: what is not the echo of the very request is not counted. Memory is read from
//! `/proc`, so this runs on Linux alone.

mod call;
mod contextforge;
mod http;
mod install;
mod load;
mod mcp_proxy;
mod program;
mod stage;
mod upstream;
mod writ;

pub use call::{Lane, Revision};
pub use load::{Figures, Turn, drive};
pub use stage::{CONTEXTFORGE, DIRECT, MCP_PROXY, NAMES, Place, Stage, Target, WRIT, WRIT_DURABLE};
pub use upstream::serve;
