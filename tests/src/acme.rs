//! A workspace folder: `examples/acme` as it stands, copied to a temporary place, with a freshly made shop.
//!
//! A test that needs another workspace edits the files of its copy. The shop is reached here as its owner reaches it:
//! what was done to it is read from its ledger, and its rows can be changed behind Writ's back.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::postgres::{self, Postgres};

/// A change of one file: its path in the workspace, a text in it, and what stands there instead of the first such text.
pub type Edit<'a> = (&'a str, &'a str, &'a str);

/// A workspace folder that is gone with its test.
#[derive(Debug)]
pub struct Acme {
    temporary: TempDir,
    folder: PathBuf,
}

impl Acme {
    /// The example as it stands.
    #[must_use]
    pub fn plain() -> Self {
        Self::edited(&[])
    }

    /// The example with some changes.
    #[must_use]
    pub fn edited(edits: &[Edit<'_>]) -> Self {
        let temporary = tempfile::Builder::new().prefix("writ-test-").tempdir().expect("a temporary folder");
        let folder = temporary.path().join("acme");
        copy(&examples().join("acme"), &folder);
        let acme = Self { temporary, folder };
        fs::create_dir(acme.file("data")).unwrap();
        let mut shop = shop::create(&acme.database()).expect("a new shop");
        shop::seed(&mut shop).expect("the bundled shop");
        edits.iter().for_each(|edit| acme.edit(*edit));
        acme
    }

    /// Another example's workspace: a folder under `examples`, without what was installed or written there.
    #[must_use]
    pub fn of(example: &str) -> Self {
        let temporary = tempfile::Builder::new().prefix("writ-test-").tempdir().expect("a temporary folder");
        let folder = temporary.path().join("workspace");
        copy(&examples().join(example), &folder);
        Self { temporary, folder }
    }

    /// The workspace folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The workspace folder as a word of a command line.
    #[must_use]
    pub fn word(&self) -> &str {
        self.folder.to_str().expect("a path of plain text")
    }

    /// A file of the workspace.
    #[must_use]
    pub fn file(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// A path beside the workspace folder, gone with it.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    /// A file's text.
    #[must_use]
    pub fn text(&self, path: &str) -> String {
        fs::read_to_string(self.file(path)).unwrap_or_else(|error| panic!("`{path}`: {error}"))
    }

    /// Changes a file.
    pub fn edit(&self, (path, from, to): Edit<'_>) {
        let text = self.text(path);
        assert!(text.contains(from), "`{path}` of the example does not say `{from}` any more: change the test with it");
        fs::write(self.file(path), text.replacen(from, to, 1)).unwrap();
    }

    /// The PostgreSQL database of the store, where the tests run on that.
    #[must_use]
    pub fn postgres(&self) -> Option<String> {
        let name = self.temporary.path().file_name().expect("a name").to_str().expect("a name of plain text");
        postgres::is_chosen().then(|| name.to_owned())
    }

    /// Says in `writ.yaml` where the store is, unless it says so itself.
    pub fn choose_store(&self) {
        let text = self.text("writ.yaml");
        if let Some(database) = self.postgres()
            && !text.contains("\nstore: ")
        {
            Postgres::shared().create(&database);
            self.say_store(&Postgres::shared().url(&database));
        }
    }

    /// Says in `writ.yaml` that the store is at this address.
    pub fn say_store(&self, address: &str) {
        let text = self.text("writ.yaml");
        fs::write(self.file("writ.yaml"), format!("{}\nstore: {address}\n", text.trim_end())).unwrap();
    }

    /// The shop's database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.file("data/shop.db")
    }

    /// What was really done, as the shop wrote it down.
    #[must_use]
    pub fn effects(&self) -> Vec<shop::Entry> {
        shop::entries(&shop::open(&self.database()).unwrap()).expect("the shop's ledger")
    }

    /// Nothing was done to the shop.
    pub fn nothing_was_done(&self) {
        let effects = self.effects();
        assert!(effects.is_empty(), "{effects:?}");
    }

    /// Changes the shop's rows behind everybody's back.
    pub fn in_shop(&self, sql: &str) {
        shop::open(&self.database()).unwrap().execute_batch(sql).unwrap_or_else(|error| panic!("`{sql}`: {error}"));
    }
}

/// The folder `examples` of this checkout.
fn examples() -> PathBuf {
    // Cargo says at run time where this package is, so that a checkout may move within one target folder.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).join("../examples")
}

/// Copies a folder without the data in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    let entries = fs::read_dir(from).unwrap_or_else(|error| panic!("`{}`: {error}", from.display()));
    for entry in entries {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if ["data", ".venv", "node_modules"].iter().any(|skipped| name == *skipped) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(name));
        } else {
            fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}
