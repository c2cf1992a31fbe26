//! `integrations/NAME.pinned.json`: what a server offered when the operator last looked.
//!
//! The file is kept in Git beside the integration's definition: sorted, one member a line, and with every character
//! that has no shape escaped, so that a review shows what is there. It lets a change be told in words, and an
//! integration be planned that cannot be asked at present. It grants nothing: the pins in the definition decide.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use writ_core::digest::Digest;
use writ_core::visible::{has_no_shape, visible_name};

use super::draft::is_integration_name;
use super::file;
use crate::upstream::{ServerDescription, UpstreamItem, UpstreamTool};

/// The size of a snapshot's file at most.
pub const SNAPSHOT_BYTES_MAX: u64 = 4 << 20;

/// What a server offered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The integration.
    pub integration: String,
    /// The server's own name and version.
    pub server: String,
    /// Whether it completes arguments.
    #[serde(default)]
    pub completes: bool,
    /// Its tools by name.
    #[serde(default)]
    pub tools: BTreeMap<String, Pinned>,
    /// Its prompts by name.
    #[serde(default)]
    pub prompts: BTreeMap<String, Pinned>,
    /// Its resources by address.
    #[serde(default)]
    pub resources: BTreeMap<String, Pinned>,
    /// Its templates of resources by template.
    #[serde(default)]
    pub templates: BTreeMap<String, Pinned>,
}

/// One definition, as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// The digest of the definition: what a `pin` says.
    pub digest: Digest,
    /// The definition in the protocol's own form.
    pub definition: Json,
}

/// A snapshot that cannot be made, read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot of integration `{integration}`: {detail}")]
pub struct SnapshotError {
    /// The integration.
    pub integration: String,
    /// What is wrong.
    pub detail: String,
}

impl Snapshot {
    /// What a server offers now.
    ///
    /// # Errors
    /// Where a definition has no canonical form, and so no digest.
    pub fn of(integration: &str, server: &ServerDescription) -> Result<Self, SnapshotError> {
        let made = || -> Result<Self, String> {
            Ok(Self {
                integration: integration.to_owned(),
                server: server.server.clone(),
                completes: server.completes,
                tools: pinned(server.tools.iter().map(|tool| (tool.name.as_str(), &tool.definition)))?,
                prompts: pinned(named(&server.prompts))?,
                resources: pinned(named(&server.resources))?,
                templates: pinned(named(&server.templates))?,
            })
        };
        made().map_err(|detail| SnapshotError { integration: visible_name(integration), detail })
    }

    /// The file of an integration's snapshot, under the workspace folder.
    #[must_use]
    pub fn path(folder: &Path, integration: &str) -> PathBuf {
        folder.join("integrations").join(format!("{integration}.pinned.json"))
    }

    /// Reads an integration's snapshot; nothing where there is none.
    ///
    /// # Errors
    /// Where the file cannot be read, is too large, or does not hold what it says.
    pub fn load(folder: &Path, integration: &str) -> Result<Option<Self>, SnapshotError> {
        let failed = |detail: String| SnapshotError { integration: visible_name(integration), detail };
        if !is_integration_name(integration) {
            return Ok(None);
        }
        let path = Self::path(folder, integration);
        let text = file::read(&path, SNAPSHOT_BYTES_MAX).map_err(|error| failed(error.to_string()))?;
        let Some(text) = text else { return Ok(None) };
        let snapshot: Self = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        if snapshot.integration != integration {
            return Err(failed(format!("the file is about `{}`", visible_name(&snapshot.integration))));
        }
        snapshot.holds().map_err(failed)?;
        Ok(Some(snapshot))
    }

    /// Writes the snapshot to its file, as a whole or not at all.
    ///
    /// # Errors
    /// Where it is too large or the folder cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), SnapshotError> {
        let failed = |detail: String| SnapshotError { integration: visible_name(&self.integration), detail };
        if !is_integration_name(&self.integration) {
            return Err(failed("the name cannot be a part of a file's name".to_owned()));
        }
        let text = self.text().map_err(|error| failed(error.to_string()))?;
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > SNAPSHOT_BYTES_MAX {
            return Err(failed(format!("larger than {SNAPSHOT_BYTES_MAX} bytes")));
        }
        let path = Self::path(folder, &self.integration);
        file::replace(&path, &text).map_err(|error| failed(format!("`{}`: {error}", path.display())))
    }

    /// The file's text: the same for the same snapshot, in whatever order a server lists its members.
    fn text(&self) -> serde_json::Result<String> {
        let mut value = serde_json::to_value(self)?;
        value.sort_all_objects();
        let pretty = serde_json::to_string_pretty(&value)?;
        let mut text = String::with_capacity(pretty.len());
        let mut units = [0_u16; 2];
        for character in pretty.chars() {
            // JSON's own text has no such character, so it stands in a string, where it may be escaped.
            if character != '\n' && has_no_shape(character) {
                for unit in character.encode_utf16(&mut units) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            } else {
                text.push(character);
            }
        }
        text.push('\n');
        Ok(text)
    }

    /// Whether each digest is the one of its definition, and each tool has what a plan needs.
    fn holds(&self) -> Result<(), String> {
        let kinds = [&self.tools, &self.prompts, &self.resources, &self.templates];
        for (name, pinned) in kinds.into_iter().flatten() {
            if Pinned::of(name, &pinned.definition)?.digest != pinned.digest {
                let name = visible_name(name);
                return Err(format!("the digest of `{name}` is not that of its definition; pin it anew"));
            }
        }
        for (name, pinned) in &self.tools {
            let named = pinned.definition.get("name").and_then(Json::as_str) == Some(name.as_str());
            if !named || !pinned.definition.get("inputSchema").is_some_and(Json::is_object) {
                return Err(format!("the definition of `{}` is none of that tool; pin it anew", visible_name(name)));
            }
        }
        Ok(())
    }

    /// A tool's definition.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&Json> {
        self.tools.get(name).map(|pinned| &pinned.definition)
    }

    /// A prompt's definition.
    #[must_use]
    pub fn prompt(&self, name: &str) -> Option<&Json> {
        self.prompts.get(name).map(|pinned| &pinned.definition)
    }

    /// What the server offered, in the form in which it would be told now.
    #[must_use]
    pub fn description(&self) -> ServerDescription {
        let items = |pinned: &BTreeMap<String, Pinned>| -> Vec<UpstreamItem> {
            let item = |(name, pinned): (&String, &Pinned)| UpstreamItem {
                name: name.clone(),
                definition: pinned.definition.clone(),
            };
            pinned.iter().map(item).collect()
        };
        ServerDescription {
            server: self.server.clone(),
            tools: self.tools.iter().map(|(name, pinned)| pinned.tool(name)).collect(),
            prompts: items(&self.prompts),
            resources: items(&self.resources),
            templates: items(&self.templates),
            completes: self.completes,
            edition: None,
        }
    }
}

fn named(items: &[UpstreamItem]) -> impl Iterator<Item = (&str, &Json)> {
    items.iter().map(|item| (item.name.as_str(), &item.definition))
}

fn pinned<'a>(items: impl Iterator<Item = (&'a str, &'a Json)>) -> Result<BTreeMap<String, Pinned>, String> {
    let mut pinned = BTreeMap::new();
    for (name, definition) in items {
        pinned.insert(name.to_owned(), Pinned::of(name, definition)?);
    }
    Ok(pinned)
}

impl Pinned {
    /// A definition with its digest.
    ///
    /// # Errors
    /// Where the definition has no canonical form.
    fn of(name: &str, definition: &Json) -> Result<Self, String> {
        let digest = Digest::of_json(definition);
        let digest = digest.map_err(|error| format!("the definition of `{}`: {error}", visible_name(name)))?;
        Ok(Self { digest, definition: definition.clone() })
    }

    /// The tool that the definition is of.
    pub(super) fn tool(&self, name: &str) -> UpstreamTool {
        let schema = |member: &str| -> Option<Map<String, Json>> {
            self.definition.get(member).and_then(Json::as_object).cloned()
        };
        let description = self.definition.get("description").and_then(Json::as_str);
        UpstreamTool {
            name: name.to_owned(),
            description: description.unwrap_or_default().to_owned(),
            input_schema: schema("inputSchema").unwrap_or_default(),
            output_schema: schema("outputSchema"),
            definition: self.definition.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pin::offer::tests::server;

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("integrations")).unwrap();
        assert_eq!(Snapshot::load(folder.path(), "mail"), Ok(None));
        let mut description = server("mail 1.0", &[("send", "Sends\u{200b}\n a mail.\u{e0041}"), ("read", "Reads.")]);
        description.completes = true;
        description.templates =
            vec![UpstreamItem { name: "mail:{id}".to_owned(), definition: json!({ "uriTemplate": "mail:{id}" }) }];
        let snapshot = Snapshot::of("mail", &description).unwrap();
        snapshot.save(folder.path()).unwrap();
        assert_eq!(Snapshot::load(folder.path(), "mail"), Ok(Some(snapshot.clone())));
        let text = std::fs::read_to_string(Snapshot::path(folder.path(), "mail")).unwrap();
        assert!(text.contains("Sends\\u200b\\n a mail.\\udb40\\udc41"), "{text}");
        assert!(!text.chars().any(|character| character != '\n' && has_no_shape(character)), "{text}");
        let again = snapshot.description();
        assert_eq!((again.server.as_str(), again.completes, again.templates.len()), ("mail 1.0", true, 1));
        let send = again.tools.iter().find(|tool| tool.name == "send").unwrap();
        assert_eq!(
            (&send.input_schema, &send.definition),
            (&description.tools[0].input_schema, &description.tools[0].definition)
        );
    }

    #[test]
    fn the_order_of_members_is_the_files_own() {
        let text = |definition: Json| {
            let mut description = server("mail 1.0", &[("send", "")]);
            description.tools[0].definition = definition;
            Snapshot::of("mail", &description).unwrap().text().unwrap()
        };
        let (left, right) =
            (json!({ "name": "send", "inputSchema": {} }), json!({ "inputSchema": {}, "name": "send" }));
        assert_eq!(text(left), text(right));
    }

    #[test]
    fn what_does_not_hold_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("integrations")).unwrap();
        let path = Snapshot::path(folder.path(), "mail");
        Snapshot::of("mail", &server("mail 1.0", &[("send", "Sends.")])).unwrap().save(folder.path()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        for (from, to, why) in [
            ("Sends.", "Sends!", "not that of its definition"),
            ("\"integration\": \"mail\"", "\"integration\": \"post\"", "is about `post`"),
            ("\"send\": {", "\"sent\": {", "none of that tool"),
            ("\"server\"", "\"servant\"", "unknown field"),
            ("}", "", "at line"),
        ] {
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            let error = Snapshot::load(folder.path(), "mail").unwrap_err().to_string();
            assert!(error.contains("`mail`") && error.contains(why), "{error}");
        }
        let outside =
            Snapshot { integration: "../mail".to_owned(), ..Snapshot::of("mail", &server("m", &[])).unwrap() };
        assert!(outside.save(folder.path()).is_err());
        assert_eq!(Snapshot::load(folder.path(), "../mail"), Ok(None));
    }
}
