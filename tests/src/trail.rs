//! The trail as an outsider gets it: exported, and verified with the public key alone.

use std::path::PathBuf;

use serde_json::Value as Json;
use writ_trail::export::verify_export_with;
use writ_trail::note::Verifier;

use crate::{Desk, program, wait};

/// An export, with the key to verify it.
#[derive(Debug)]
pub struct Export {
    /// The folder.
    pub folder: PathBuf,
    /// The public key, as `writ trail key` prints it.
    pub key: String,
    /// How many leaves it has.
    pub leaves: u64,
}

impl Export {
    /// Everything that has happened so far, exported to a folder of this name beside the workspace.
    pub async fn of(desk: &Desk, name: &str) -> Self {
        signed(desk).await;
        let key = program::writ(&["trail", "key", "--workspace", desk.acme.word()]).await.ok().trim().to_owned();
        let folder = desk.acme.beside(name);
        let words = ["trail", "export", folder.to_str().unwrap(), "--workspace", desk.acme.word(), "--json"];
        let said = program::writ(&words).await.json();
        Self { folder, key, leaves: said["leaves"].as_u64().expect("a number of leaves") }
    }

    /// Runs `writ trail verify` on it.
    pub async fn verify(&self) -> program::Said {
        verify(self.folder.to_str().unwrap(), &self.key).await
    }

    /// Its files, as paths in the folder with `/` between their parts.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let file = path.strip_prefix(&self.folder).unwrap().to_str().unwrap();
                    files.push(file.replace(std::path::MAIN_SEPARATOR, "/"));
                }
            }
        }
        files.sort();
        files
    }

    /// Every event, once the export has been verified.
    #[must_use]
    pub fn events(&self) -> Vec<Json> {
        let key: Verifier = self.key.parse().expect("a public key");
        let mut events = Vec::new();
        let visit = |_, body: &[u8]| events.push(serde_json::from_slice(body).expect("an event"));
        let report = verify_export_with(&self.folder, &key, &[], visit).expect("the export verifies");
        assert_eq!((report.size, report.erased), (self.leaves, 0));
        events
    }
}

/// Verifies a folder or a proof with the program.
pub async fn verify(path: &str, key: &str) -> program::Said {
    program::writ(&["trail", "verify", path, "--key", key, "--json"]).await
}

/// Waits until the last event is under a signed checkpoint.
pub async fn signed(desk: &Desk) {
    wait::until("a checkpoint over everything", async || {
        let leaves = desk.lea.get("/api/health").await.ok()["leaves"].as_u64()?;
        let checkpoint = desk.lea.get("/api/trail/checkpoint").await.ok();
        let size = checkpoint["checkpoint"].as_str()?.lines().nth(1)?.parse::<u64>().ok()?;
        (size == leaves).then_some(())
    })
    .await;
}
