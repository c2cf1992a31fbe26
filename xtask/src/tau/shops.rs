//! Three copies of one shop: as it was loaded, the one that is played straight, and the one behind Writ.
//!
//! τ-bench gives every task a fresh shop, and the ground truths of several tasks change the same orders, so both shops
//! are put back before each task. The ledger is left as it is: it tells how often something really happened. Every
//! function opens the file anew, since the shop's own program has the second one open all along.

use std::path::{Path, PathBuf};

use serde_json::Value;
use shop::{ShopError, ToolResult};

use super::tasks::Call;

/// The shops.
#[derive(Debug)]
pub(crate) struct Shops {
    loaded: PathBuf,
    straight: PathBuf,
    behind: PathBuf,
}

impl Shops {
    /// Loads tau-retail's data into three new shops. `behind` is where the one behind Writ is to be.
    pub(crate) fn make(folder: &Path, behind: PathBuf, data: &Path) -> Result<Self, String> {
        let shops = Self { loaded: folder.join("loaded.db"), straight: folder.join("straight.db"), behind };
        let mut conn = shop::create(&shops.loaded).map_err(|error| told(&error))?;
        shop::load(&mut conn, data).map_err(|error| told(&error))?;
        // Closing the last connection brings everything into the one file.
        drop(conn);
        for copy in [&shops.straight, &shops.behind] {
            std::fs::copy(&shops.loaded, copy).map_err(|error| format!("{}: {error}", copy.display()))?;
        }
        Ok(shops)
    }

    /// The file of the shop behind Writ.
    pub(crate) fn behind(&self) -> &Path {
        &self.behind
    }

    /// Everything in the shop as it was loaded.
    pub(crate) fn as_loaded(&self) -> Result<Value, String> {
        dump(&self.loaded)
    }

    /// Puts both shops back to what was loaded, each in one transaction.
    pub(crate) fn restore(&self) -> Result<(), String> {
        for path in [&self.straight, &self.behind] {
            let conn = shop::open(path).map_err(|error| told(&error))?;
            let tables = shop::counts(&conn).map_err(|error| told(&error))?;
            conn.execute("ATTACH DATABASE ?1 AS loaded", [text(&self.loaded)?]).map_err(|error| error.to_string())?;
            let mut script = String::from("BEGIN IMMEDIATE;");
            for (table, _) in tables {
                // What a tool lists comes in the order in which it was written.
                script.push_str(&format!(
                    "DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM loaded.{table} ORDER BY rowid;"
                ));
            }
            script.push_str("COMMIT; DETACH DATABASE loaded;");
            conn.execute_batch(&script).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }

    /// Makes a call of the shop that is played straight.
    pub(crate) fn call_straight(&self, call: &Call) -> Result<ToolResult, String> {
        let mut conn = shop::open(&self.straight).map_err(|error| told(&error))?;
        Ok(shop::call(&mut conn, &call.tool, &call.arguments, None))
    }

    /// The tables in which the two shops differ.
    pub(crate) fn differences(&self) -> Result<Vec<&'static str>, String> {
        let conn = shop::open(&self.straight).map_err(|error| told(&error))?;
        let tables = shop::counts(&conn).map_err(|error| told(&error))?;
        conn.execute("ATTACH DATABASE ?1 AS behind", [text(&self.behind)?]).map_err(|error| error.to_string())?;
        let mut differing = Vec::new();
        for (table, _) in tables {
            let query = format!(
                "SELECT EXISTS (SELECT * FROM main.{table} EXCEPT SELECT * FROM behind.{table})
                     OR EXISTS (SELECT * FROM behind.{table} EXCEPT SELECT * FROM main.{table})"
            );
            let differs: bool = conn.query_row(&query, [], |row| row.get(0)).map_err(|error| error.to_string())?;
            if differs {
                differing.push(table);
            }
        }
        Ok(differing)
    }

    /// Whether the two shops are the same as the shop's own program tells it.
    pub(crate) fn are_equal(&self) -> Result<bool, String> {
        Ok(dump(&self.straight)? == dump(&self.behind)?)
    }

    /// How many changes the shop behind Writ has made since it was loaded.
    pub(crate) fn effects_behind(&self) -> Result<u64, String> {
        let conn = shop::open(&self.behind).map_err(|error| told(&error))?;
        let entries = shop::entries(&conn).map_err(|error| told(&error))?;
        Ok(entries.len() as u64)
    }
}

fn dump(path: &Path) -> Result<Value, String> {
    let conn = shop::open(path).map_err(|error| told(&error))?;
    shop::dump(&conn).map_err(|error| told(&error))
}

fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("`{}` is no UTF-8 path", path.display()))
}

/// An error of the shop's with the reason behind it.
fn told(error: &ShopError) -> String {
    match std::error::Error::source(error) {
        Some(reason) => format!("{error}: {reason}"),
        None => error.to_string(),
    }
}
