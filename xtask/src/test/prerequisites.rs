//! Programs that the tests need beside cargo, installed where they are missing.
//!
//! Only Debian-like systems are known; elsewhere what is missing is named, and it is for the reader to install.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::run as run_command;
use crate::progress::say;

/// A program, and how it comes onto the machine.
struct Prerequisite {
    program: &'static str,
    packages: &'static [&'static str],
    needed_for: &'static str,
}

const PREREQUISITES: [Prerequisite; 6] = [
    Prerequisite { program: "cc", packages: &["gcc", "libc6-dev"], needed_for: "linking, and the bundled SQLite" },
    Prerequisite {
        program: "python3",
        packages: &["python3", "python3-venv"],
        needed_for: "agents and servers written in Python",
    },
    Prerequisite { program: "node", packages: &["nodejs"], needed_for: "agents and servers written in TypeScript" },
    Prerequisite { program: "npm", packages: &["npm"], needed_for: "their packages" },
    Prerequisite { program: "psql", packages: &["postgresql"], needed_for: "stores on PostgreSQL" },
    Prerequisite { program: "git", packages: &["git"], needed_for: "the list of files that tidy looks at" },
];

/// Where Debian's packages of PostgreSQL are, each version in a folder of its own, and the oldest that will do.
const POSTGRESQL: &str = "/usr/lib/postgresql";
const POSTGRESQL_VERSION_MIN: u32 = 15;

/// Parts of the Rust toolchain, which come with it or are added by its own installer.
const TOOLCHAIN: [(&str, &str); 2] = [("rustfmt", "rustfmt"), ("cargo-clippy", "clippy")];

pub(super) fn install() -> Result<(), String> {
    for (program, component) in TOOLCHAIN {
        if !is_there(program) {
            return Err(format!("`{program}` is missing: add it with `rustup component add {component}`"));
        }
    }
    let missing: Vec<&Prerequisite> = PREREQUISITES
        .iter()
        .filter(|needed| {
            !is_there(needed.program)
                || needed.program == "python3" && !has_venv()
                || needed.program == "psql" && !has_postgresql(Path::new(POSTGRESQL))
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    for needed in &missing {
        say(&format!("    `{}` is missing: {}", needed.program, needed.needed_for));
    }
    let packages: Vec<&str> = missing.iter().flat_map(|needed| needed.packages).copied().collect();
    if !is_there("apt-get") {
        return Err(format!("install what is in these Debian packages, then try again: {}", packages.join(" ")));
    }
    run_command(&mut apt_get(&["update"]))?;
    let mut install = apt_get(&["install", "--yes", "--no-install-recommends"]);
    run_command(install.args(packages))
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
    command
}

/// Whether there is a PostgreSQL server that is new enough, which Debian packs apart from `psql` and keeps out of the path.
fn has_postgresql(packages: &Path) -> bool {
    let entries = std::fs::read_dir(packages).into_iter().flatten().flatten();
    let versions = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    versions.into_iter().any(|version| {
        version >= POSTGRESQL_VERSION_MIN && packages.join(version.to_string()).join("bin/initdb").is_file()
    })
}

/// Whether Python can make environments, which Debian packs apart.
fn has_venv() -> bool {
    let tried = Command::new("python3").args(["-c", "import ensurepip, venv"]).output();
    tried.is_ok_and(|tried| tried.status.success())
}

fn is_there(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| is_program(&folder.join(program)))
}

fn is_program(path: &Path) -> bool {
    let with_suffix = PathBuf::from(format!("{}{}", path.display(), std::env::consts::EXE_SUFFIX));
    with_suffix.is_file()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_program_is_looked_for_in_the_path() {
        assert!(super::is_there("cargo"));
        assert!(!super::is_there("no-program-has-this-name"));
    }

    #[test]
    fn an_old_server_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let packages = folder.path();
        for (version, found) in [("14", false), ("15", true)] {
            std::fs::create_dir_all(packages.join(version).join("bin")).unwrap();
            std::fs::write(packages.join(version).join("bin/initdb"), "").unwrap();
            assert_eq!(super::has_postgresql(packages), found);
        }
    }
}
