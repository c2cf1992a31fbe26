//! One direction of dependencies, and each outside library on its own side of a boundary.
//!
//! What may depend on what is a table here, read against cargo's own account of the workspace. A package that the
//! tables do not know breaks the rule, so that a new crate gets its place by decision.

use std::path::Path;

use serde_json::Value as Json;

use super::Violation;
use crate::command::{cargo, output};

/// The crates of the product, lowest first. Each depends on lower layers alone, never on its own.
const LAYERS: [&[&str]; 5] = [
    &["writ-core", "writ-trail"],
    &["writ-knowledge", "writ-store"],
    &["writ-engine"],
    &["writ-drill", "writ-mcp", "writ-web"],
    &["writ"],
];

/// Packages around the product, on which nothing of it depends.
const AROUND: [&str; 8] =
    ["conformance-fixture", "shop", "worker", "writ-bench", "writ-fuzz", "writ-model", "writ-tests", "xtask"];

/// Those of them that know Writ by its protocol alone.
const STRANGERS: [&str; 3] = ["conformance-fixture", "shop", "worker"];

/// Libraries that only some crates may use; a name that ends in `*` stands for all that start so.
struct Boundary {
    libraries: &'static [&'static str],
    crates: &'static [&'static str],
}

const BOUNDARIES: [Boundary; 12] = [
    Boundary { libraries: &["datafusion*", "arrow*", "parquet*"], crates: &["writ-knowledge"] },
    Boundary { libraries: &["rusqlite", "libsqlite3-sys"], crates: &["writ-store", "writ-knowledge"] },
    Boundary { libraries: &["sqlx*", "*postgres*"], crates: &["writ-store", "writ-knowledge"] },
    Boundary { libraries: &["rmcp*"], crates: &["writ-mcp", "writ"] },
    Boundary { libraries: &["axum*", "hyper*", "tower*"], crates: &["writ-web", "writ-mcp", "writ"] },
    Boundary { libraries: &["askama*"], crates: &["writ-web"] },
    Boundary { libraries: &["cedar-policy*"], crates: &["writ-core", "writ-engine"] },
    Boundary { libraries: &["clap*"], crates: &["writ"] },
    Boundary { libraries: &["reqwest"], crates: &["writ-mcp", "writ"] },
    Boundary { libraries: &["ed25519-dalek"], crates: &["writ-trail", "writ-store", "writ-mcp", "writ"] },
    Boundary {
        libraries: &["getrandom", "rand*"],
        crates: &["writ-store", "writ-engine", "writ-mcp", "writ-web", "writ"],
    },
    Boundary {
        libraries: &["tokio*"],
        crates: &["writ-knowledge", "writ-store", "writ-engine", "writ-drill", "writ-mcp", "writ-web", "writ"],
    },
];

/// Crates whose dependencies are all written down: the one that decides, and the one that an auditor reads whole.
const CLOSED: [(&str, &[&str]); 2] = [
    (
        "writ-core",
        &[
            "cedar-policy",
            "foldhash",
            "miette",
            "schemars",
            "serde",
            "serde-saphyr",
            "serde_json",
            "serde_json_canonicalizer",
            "smol_str",
            "sha2",
            "thiserror",
        ],
    ),
    ("writ-trail", &["base64", "ed25519-dalek", "sha2", "thiserror"]),
];

/// Cargo's account of the workspace.
pub(crate) fn metadata(workspace: &Path) -> Result<Json, String> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1", "--offline"];
    let printed = output(&mut cargo(workspace, arguments))?;
    serde_json::from_slice(&printed).map_err(|error| format!("what `cargo metadata` printed: {error}"))
}

pub(crate) fn check(metadata: &Json) -> Vec<Violation> {
    let names: Vec<&str> = packages(metadata).filter_map(|package| text(package, "name")).collect();
    let mut violations = Vec::new();
    for package in packages(metadata) {
        let Some(name) = text(package, "name") else { continue };
        let path = manifest(metadata, package);
        if layer(name).is_none() && !AROUND.contains(&name) {
            let message =
                format!("`{name}` has no place among the crates: give it one in xtask/src/tidy/dependencies.rs");
            violations.push(Violation::in_file(&path, message));
        }
        for dependency in array(package, "dependencies") {
            let Some(on) = text(dependency, "name") else { continue };
            let broken = if names.contains(&on) {
                against_the_direction(name, on)
            } else if text(dependency, "kind") == Some("dev") {
                None
            } else {
                across_a_boundary(name, on)
            };
            violations.extend(broken.map(|message| Violation::in_file(&path, message)));
        }
    }
    violations
}

/// The folders of the packages that depend on a library.
pub(crate) fn folders_that_know(metadata: &Json, library: &str) -> Vec<String> {
    let knowing = packages(metadata)
        .filter(|package| array(package, "dependencies").any(|dependency| text(dependency, "name") == Some(library)));
    knowing.map(|package| manifest(metadata, package).trim_end_matches("Cargo.toml").to_owned()).collect()
}

fn against_the_direction(name: &str, on: &str) -> Option<String> {
    if AROUND.contains(&name) {
        return STRANGERS.contains(&name).then(|| format!("`{name}` knows Writ by its protocol alone, not `{on}`"));
    }
    let (from, to) = (layer(name)?, layer(on));
    let goes_down = to.is_some_and(|to| to < from);
    (!goes_down).then(|| format!("`{name}` must not depend on `{on}`: dependencies go down, from layer to layer"))
}

fn across_a_boundary(name: &str, library: &str) -> Option<String> {
    layer(name)?;
    let closed = CLOSED.iter().find(|(closed, _)| *closed == name);
    if closed.is_some_and(|(_, libraries)| !libraries.contains(&library)) {
        return Some(format!("`{library}` is not among the libraries of `{name}`, which are written down one by one"));
    }
    let boundary = BOUNDARIES.iter().find(|boundary| boundary.libraries.iter().any(|known| matches(known, library)))?;
    let allowed = boundary.crates;
    (!allowed.contains(&name)).then(|| format!("`{library}` is for {} alone, not for `{name}`", allowed.join(", ")))
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(_), Some(_)) => name.contains(pattern.trim_matches('*')),
        (None, Some(start)) => name.starts_with(start),
        _ => pattern == name,
    }
}

fn packages(metadata: &Json) -> impl Iterator<Item = &Json> {
    array(metadata, "packages")
}

fn array<'a>(json: &'a Json, key: &str) -> impl Iterator<Item = &'a Json> + use<'a> {
    json.get(key).and_then(Json::as_array).into_iter().flatten()
}

fn text<'a>(json: &'a Json, key: &str) -> Option<&'a str> {
    json.get(key).and_then(Json::as_str)
}

/// The package's manifest, from the workspace folder.
fn manifest(metadata: &Json, package: &Json) -> String {
    let root = text(metadata, "workspace_root").unwrap_or_default();
    let path = text(package, "manifest_path").unwrap_or_default();
    let path = path.strip_prefix(root).unwrap_or(path);
    path.trim_start_matches(['/', '\\']).replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Json {
        let dependencies: Vec<Json> =
            dependencies.iter().map(|(name, kind)| json!({ "name": name, "kind": kind })).collect();
        json!({ "name": name, "manifest_path": format!("/w/crates/{name}/Cargo.toml"), "dependencies": dependencies })
    }

    fn broken(packages: &[Json]) -> Vec<String> {
        let metadata = json!({ "workspace_root": "/w", "packages": packages });
        check(&metadata).into_iter().map(|violation| violation.message).collect()
    }

    #[test]
    fn going_down_and_staying_inside_is_allowed() {
        let core = package("writ-core", &[("serde", None), ("proptest", Some("dev"))]);
        let store = package("writ-store", &[("writ-core", None), ("rusqlite", None), ("tempfile", Some("dev"))]);
        let engine = package("writ-engine", &[("writ-store", None), ("writ-core", None), ("cedar-policy", None)]);
        let bench = package("writ-bench", &[("writ-store", None), ("rusqlite", None), ("cedar-policy", None)]);
        assert_eq!(broken(&[core, store, engine, bench]), Vec::<String>::new());
    }

    #[test]
    fn each_way_out_is_seen() {
        let core = package("writ-core", &[]);
        let ways = [
            ("writ-core", "writ-engine", None),
            ("writ-core", "tokio", None),
            ("writ-trail", "writ-core", None),
            ("writ-trail", "serde", None),
            ("writ-store", "writ-knowledge", None),
            ("writ-store", "writ-engine", Some("dev")),
            ("writ-engine", "rusqlite", None),
            ("writ-engine", "rmcp", None),
            ("writ-web", "datafusion-common", None),
            ("writ-web", "tokio-postgres", None),
            ("writ-web", "writ-mcp", None),
            ("writ-mcp", "cedar-policy-core", Some("build")),
            ("writ-engine", "shop", Some("dev")),
            ("shop", "writ-core", None),
            ("writ-new", "serde", None),
        ];
        for (name, on, kind) in ways {
            let others = ["writ-engine", "writ-knowledge", "writ-mcp", "shop"];
            let others = others.into_iter().filter(|other| *other != name).map(|other| package(other, &[]));
            let mut packages: Vec<Json> = others.collect();
            packages.push(core.clone());
            packages.retain(|other| text(other, "name") != Some(name));
            packages.push(package(name, &[(on, kind)]));
            assert_eq!(broken(&packages).len(), 1, "{name} on {on}");
        }
    }

    #[test]
    fn who_knows_a_crate_is_told_by_folder() {
        let packages = [
            package("writ-knowledge", &[]),
            package("writ-engine", &[("writ-knowledge", None)]),
            package("worker", &[]),
        ];
        let metadata = json!({ "workspace_root": "/w", "packages": packages });
        assert_eq!(folders_that_know(&metadata, "writ-knowledge"), ["crates/writ-engine/"]);
    }
}
