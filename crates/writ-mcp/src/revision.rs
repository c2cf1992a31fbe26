//! The current revision of the protocol, and the names by which its requests say about themselves what a session said
//! once for all before: members of a request's `_meta` (2026-07-28, SEP-2575).

/// The current revision.
pub(crate) const REVISION: &str = "2026-07-28";
/// By which revision a request is made.
pub(crate) const REVISION_META: &str = "io.modelcontextprotocol/protocolVersion";
/// Who makes it.
pub(crate) const CLIENT_META: &str = "io.modelcontextprotocol/clientInfo";
/// What its client takes.
pub(crate) const CAPABILITIES_META: &str = "io.modelcontextprotocol/clientCapabilities";
/// From which level on it wants log lines. Where it says nothing, it wants none.
pub(crate) const LOG_LEVEL_META: &str = "io.modelcontextprotocol/logLevel";
