//! What a company writes: the workspace folder, as data.
//!
//! Every file is YAML with a published JSON Schema ([`json_schema`]); unknown keys are errors. Parsing happens
//! here, on text that the caller has read; whether names exist and conditions hold together is checked against
//! the real tables and tools by whoever has them.

mod config;
mod credential;
mod integration;
mod mission;
mod people;
mod problem;
mod source;
mod template;

pub use config::{Config, Credentials, ReadRecords, SealingKey, StoreAddress, Trail};
pub use credential::{Credential, Grant, OAuth, SecretSource};
pub use integration::{Ask, ConnectionLimits, Integration, Prompt, Resource, Tool, ToolClass, Transport};
pub use mission::{Act, MissionDefinition, MissionLimits, MissionStatement, Need, Part, ReadSpec, result_action};
pub use people::{Attribute, People, Person, Worker};
pub use problem::{Problem, Severity, parse_yaml};
pub use source::{Column, ColumnType, Mask, Origin, Source, Table};
pub use template::{Template, TemplateError};

use serde_json::Value as Json;

/// The kinds of definition files, as `writ schema KIND` names them.
pub const KINDS: [&str; 5] = ["config", "integration", "mission", "people", "source"];

/// The JSON Schema of a kind of definition file, for editors.
#[must_use]
pub fn json_schema(kind: &str) -> Option<Json> {
    let schema = match kind {
        "config" => schemars::schema_for!(Config),
        "integration" => schemars::schema_for!(Integration),
        "mission" => schemars::schema_for!(MissionDefinition),
        "people" => schemars::schema_for!(People),
        "source" => schemars::schema_for!(Source),
        _ => return None,
    };
    serde_json::to_value(schema).ok()
}

/// Reads a length of time such as `30m`, `4h` or `1h30m`, in milliseconds: units `d`, `h`, `m`, `s`, in this order.
#[must_use]
pub fn parse_duration(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total: i64 = 0;
    for (unit, milliseconds) in [('d', 86_400_000), ('h', 3_600_000), ('m', 60_000), ('s', 1000)] {
        let Some((number, after)) = rest.split_once(unit) else { continue };
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(milliseconds)?)?;
        rest = after;
    }
    (rest.is_empty() && total > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations() {
        for (text, milliseconds) in [("30m", Some(1_800_000)), ("1h30m", Some(5_400_000)), ("2d", Some(172_800_000))] {
            assert_eq!(super::parse_duration(text), milliseconds);
        }
        for text in ["", "0s", "m", "30", "30m1h", "-1h", "1.5h", "1h 30m"] {
            assert_eq!(super::parse_duration(text), None, "{text}");
        }
    }
}
