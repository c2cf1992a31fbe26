//! An integration's own account of itself: its name, version and tools, every page of them.
//!
//! The account is bounded and taken as it is. Whether it is the one that the operator pinned is for the engine to
//! say; nothing here is a reason to trust it.

use std::collections::HashSet;
use std::sync::Arc;

use rmcp::model::{PaginatedRequestParams, Tool};
use serde_json::Value as Json;
use writ_engine::upstream::{ServerDescription, UpstreamTool};

use super::link::{Link, Open};
use super::outcome;

const PAGES_MAX: usize = 50;
const TOOLS_MAX: usize = 2_000;
/// What of a tool's definition is no promise about what it does: it is not part of what a pin digests.
const DECORATION: [&str; 2] = ["_meta", "icons"];

/// Asks for the account, now.
pub(super) async fn describe(link: &Link) -> Result<ServerDescription, String> {
    let open = link.open().await?;
    let server = open
        .peer
        .peer_info()
        .and_then(|info| info.server_info.clone())
        .map(|server| format!("{} {}", server.name, server.version))
        .unwrap_or_default();
    Ok(ServerDescription { server, tools: tools(link, &open).await? })
}

async fn tools(link: &Link, open: &Open) -> Result<Vec<UpstreamTool>, String> {
    let mut tools = Vec::new();
    let mut names = HashSet::new();
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let page = PaginatedRequestParams::default().with_cursor(cursor);
        let page = match open.peer.list_tools(Some(page)).await {
            Ok(page) => page,
            Err(error) => {
                if outcome::of_failure(&error, outcome::Kind::Read).connection_is_stale {
                    link.close(open).await;
                }
                return Err(format!("its tools cannot be listed: {}", outcome::reason(&error)));
            }
        };
        for tool in page.tools {
            if !names.insert(tool.name.clone()) {
                return Err(format!("it lists the tool `{}` twice", tool.name));
            }
            if tools.len() >= TOOLS_MAX {
                return Err(format!("it lists more than {TOOLS_MAX} tools"));
            }
            tools.push(described(tool)?);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(tools);
        }
    }
    Err(format!("it lists its tools on more than {PAGES_MAX} pages"))
}

fn described(tool: Tool) -> Result<UpstreamTool, String> {
    let mut definition = serde_json::to_value(&tool).map_err(|error| format!("a tool cannot be read: {error}"))?;
    if let Json::Object(definition) = &mut definition {
        for member in DECORATION {
            definition.shift_remove(member);
        }
    }
    Ok(UpstreamTool {
        name: tool.name.into_owned(),
        description: tool.description.map(|text| text.into_owned()).unwrap_or_default(),
        input_schema: Arc::unwrap_or_clone(tool.input_schema),
        definition,
    })
}
