//! Other people's programs, installed once and kept outside the checkout.
//!
//! What an example needs stands in its `requirements.txt` (PyPI) or `package-lock.json` (npm), with exact versions. It is
//! installed into a folder of the cache that is named after that text and the interpreter's version, so that a change of
//! either makes a new one. Tests run side by side, in one process or several: a lock lets one of them install while the
//! others wait, and a folder counts only once it says that it is complete. A virtual environment holds its own path in
//! its scripts, so that it is made where it stays.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use writ_core::digest::Digest;

const COMPLETE: &str = "complete";
const NAME_DIGITS: usize = 16;

/// What one example needs, installed.
#[derive(Debug)]
pub(crate) struct Environment {
    folder: PathBuf,
    kind: Kind,
}

/// Whose packages they are.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A virtual environment of Python.
    Python,
    /// A folder with `node_modules`.
    Node,
}

impl Environment {
    /// What a folder under `examples` needs. Takes its time where it is not there yet.
    pub(crate) fn of(example: &str) -> Self {
        let example = self::example(example);
        let (kind, needs) = match fs::read(example.join("package-lock.json")) {
            Ok(lock) => (Kind::Node, lock),
            Err(_) => (Kind::Python, fs::read(example.join("requirements.txt")).expect("a list of packages")),
        };
        let interpreter = kind.interpreter();
        let version = run(Command::new(interpreter).arg("--version"));
        let name = Digest::of_bytes(&[version.as_bytes(), &needs].concat()).to_string();
        let own = example.file_name().unwrap().to_str().unwrap();
        let cache = cache();
        let folder = cache.join(format!("{own}-{}", &name[..NAME_DIGITS]));
        let environment = Self { folder, kind };
        fs::create_dir_all(&cache).unwrap();
        // The lock is let go of with the file, however this ends.
        let lock = File::create(environment.folder.with_extension("lock")).unwrap();
        lock.lock().expect("a lock");
        if !environment.folder.join(COMPLETE).is_file() {
            environment.install(&example);
        }
        environment
    }

    /// The interpreter of the environment.
    pub(crate) fn interpreter(&self) -> PathBuf {
        match self.kind {
            Kind::Python => self.folder.join("bin/python"),
            Kind::Node => PathBuf::from(self.kind.interpreter()),
        }
    }

    /// Puts the installed packages into a folder, under the name that they have there: `.venv` or `node_modules`.
    pub(crate) fn link_into(&self, folder: &Path) {
        let (target, name) = match self.kind {
            Kind::Python => (self.folder.clone(), ".venv"),
            Kind::Node => (self.folder.join("node_modules"), "node_modules"),
        };
        std::os::unix::fs::symlink(target, folder.join(name)).unwrap();
    }

    fn install(&self, example: &Path) {
        if self.folder.exists() {
            // Somebody was stopped on the way.
            fs::remove_dir_all(&self.folder).unwrap();
        }
        match self.kind {
            Kind::Python => {
                run(Command::new(self.kind.interpreter()).args(["-m", "venv"]).arg(&self.folder));
                let mut install = Command::new(self.interpreter());
                install.args(["-m", "pip", "install", "--quiet", "--no-input", "--requirement"]);
                run(install.arg(example.join("requirements.txt")));
            }
            Kind::Node => {
                fs::create_dir(&self.folder).unwrap();
                for file in ["package.json", "package-lock.json"] {
                    fs::copy(example.join(file), self.folder.join(file)).unwrap();
                }
                // No package needs a script of its own to be installed, and none gets to run one.
                let words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
                run(Command::new("npm").args(words).current_dir(&self.folder));
            }
        }
        fs::write(self.folder.join(COMPLETE), "").unwrap();
    }
}

impl Kind {
    fn interpreter(self) -> &'static str {
        match self {
            Self::Python => "python3",
            Self::Node => "node",
        }
    }
}

/// A folder under `examples` of this checkout.
pub(crate) fn example(path: &str) -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).join("../examples").join(path)
}

/// Runs a command to its end, and gives what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output =
        output.unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo xtask test` installs what is missing"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{stderr}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

fn cache() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    cache.expect("a home, or a cache folder in XDG_CACHE_HOME").join("writ/environments")
}
