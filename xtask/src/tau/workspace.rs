//! The workspace folder of a desk that serves the shop's customers, as its operator would keep it in Git.
//!
//! Everything in it stands under `desk/` beside this module and was written from the shop's policy, its tables and its
//! tools. Only what differs from run to run is filled in here: who the customers are, and where program and database
//! lie. No task is looked at.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::owners::Customer;

/// The name of the shop's database in the workspace folder, as the source names it.
pub(crate) const DATABASE: &str = "shop.db";
/// The mission that every conversation is.
pub(crate) const MISSION: &str = "customer_service";
/// Who approves.
pub(crate) const SUPERVISOR: &str = "supervisor";
/// How the shop's tools are called behind Writ.
pub(crate) const TOOL_PREFIX: &str = "shop_";
/// The integration, as a decision names it.
pub(crate) const INTEGRATION: &str = "shop";

const PEOPLE: &str = include_str!("desk/people.yaml");
const TOOLS: &str = include_str!("desk/integrations/shop.yaml");
/// The files that are the same each time.
const FIXED: [(&str, &str); 6] = [
    ("writ.yaml", include_str!("desk/writ.yaml")),
    ("sources/shop.yaml", include_str!("desk/sources/shop.yaml")),
    ("policy/entitlements.cedar", include_str!("desk/policy/entitlements.cedar")),
    ("policy/guardrails.cedar", include_str!("desk/policy/guardrails.cedar")),
    ("policy/approvals.cedar", include_str!("desk/policy/approvals.cedar")),
    ("missions/customer_service.yaml", include_str!("desk/missions/customer_service.yaml")),
];

/// Writes the folder. `shop` is the shop's program, `database` the file that it serves.
pub(crate) fn write(folder: &Path, shop: &Path, database: &Path, customers: &[Customer]) -> Result<(), String> {
    for (name, text) in FIXED {
        put(folder, name, text)?;
    }
    put(folder, "people.yaml", &people(customers))?;
    put(folder, "integrations/shop.yaml", &tools(shop, database))
}

fn people(customers: &[Customer]) -> String {
    let mut text = PEOPLE.to_owned();
    for customer in customers {
        let name = quoted(&format!("{} {}", customer.first_name, customer.last_name));
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  {}: {{ name: {name}, groups: [customers] }}", quoted(&customer.id));
    }
    text
}

fn tools(shop: &Path, database: &Path) -> String {
    let path = |path: &Path| quoted(&path.to_string_lossy());
    TOOLS.replace("\"{shop program}\"", &path(shop)).replace("\"{shop database}\"", &path(database))
}

/// A text in the quotes of JSON, which are also YAML's.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Writes a file of a workspace as JSON, which is YAML as well.
pub(crate) fn put_json(folder: &Path, name: &str, value: &Value) -> Result<(), String> {
    put(folder, name, &serde_json::to_string_pretty(value).map_err(|error| error.to_string())?)
}

/// Writes a file of a workspace.
pub(crate) fn put(folder: &Path, name: &str, text: &str) -> Result<(), String> {
    let path = folder.join(name);
    let parent = path.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent)
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_and_database_are_filled_in_once() {
        let text = tools(Path::new("/bin/a \"b\""), Path::new("/c/shop.db"));
        assert!(text.contains(r#"command: "/bin/a \"b\"""#), "{text}");
        assert!(text.contains(r#"args: [serve, "--db", "/c/shop.db"]"#), "{text}");
        assert!(!text.contains("{shop"));
    }

    #[test]
    fn every_tool_of_the_conversation_is_classified_and_nothing_else() {
        let (of_conversation, of_desk): (Vec<_>, Vec<_>) =
            shop::tools().into_iter().partition(|tool| !["refund_payment", "notify_customer"].contains(&tool.name));
        for tool in of_conversation {
            let class = if tool.read_only { "{ class: read }" } else { "\n    class: effect\n" };
            let entry = TOOLS.split_once(&format!("\n  {}:", tool.name)).map(|(_, rest)| rest.trim_start_matches(' '));
            assert!(entry.is_some_and(|entry| entry.starts_with(class)), "{}", tool.name);
        }
        for tool in of_desk {
            assert!(!TOOLS.contains(tool.name), "{}", tool.name);
        }
    }
}
