//! A PostgreSQL server of the tests' own: in a temporary folder, reached through a socket in it, gone with the test.
//!
//! The programs are those of Debian's package `postgresql`. They do not run as root, so that under root they run as the
//! user of that package. A helper process holds on to the server's folder: when the test process ends, in whatever way,
//! the helper stops the server and removes the folder.
//!
//! Which store the tests use is said by `WRIT_TEST_STORE`: `sqlite`, which is the default, or `postgres`. The file knows
//! nothing of Writ, and is a part of other tests as well.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

/// The user that owns a server.
pub const USER: &str = "writ";
/// The oldest version that the product takes.
const VERSION_MIN: u32 = 15;
/// Where Debian's packages are, each in a folder of its version.
const PACKAGES: &str = "/usr/lib/postgresql";
/// The system's user under which the server runs where the tests run as root.
const SYSTEM_USER: &str = "postgres";

/// A server that is gone with this value, or with the process.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    programs: PathBuf,
    created: Mutex<HashSet<String>>,
    keeper: Child,
}

/// Whether the tests are to run on PostgreSQL.
#[must_use]
pub fn is_chosen() -> bool {
    match std::env::var("WRIT_TEST_STORE").as_deref() {
        Ok("postgres") => true,
        Ok("sqlite") | Err(_) => false,
        Ok(other) => panic!("WRIT_TEST_STORE is `sqlite` or `postgres`, not `{other}`"),
    }
}

/// The folder with the newest programs among these, of a version that will do.
///
/// # Errors
/// What is missing, and how it comes onto the machine.
pub fn programs_in(packages: &Path) -> Result<PathBuf, String> {
    let entries = std::fs::read_dir(packages).into_iter().flatten().flatten();
    let versions = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let newest = versions.filter(|version| *version >= VERSION_MIN).max();
    let folder = newest.map(|version| packages.join(version.to_string()).join("bin"));
    folder.filter(|folder| folder.join("initdb").is_file()).ok_or_else(|| {
        format!(
            "there is no PostgreSQL {VERSION_MIN} or later in `{}`: run `cargo xtask test`, which installs it, or install \
             Debian's package `postgresql`",
            packages.display()
        )
    })
}

/// Whether a test that needs a server can have one.
///
/// # Errors
/// What is missing, where it may not be missing: in CI, and where the tests were told to run on PostgreSQL.
pub fn found(packages: &Path, must_be_there: bool) -> Result<bool, String> {
    match programs_in(packages) {
        Ok(_) => Ok(true),
        Err(missing) if must_be_there => Err(missing),
        Err(missing) => {
            _ = writeln!(std::io::stderr(), "SKIPPED: {missing}");
            Ok(false)
        }
    }
}

impl Postgres {
    /// Whether there can be a server; a test without one says so and passes, but not in CI.
    #[must_use]
    pub fn is_there() -> bool {
        let must_be_there = is_chosen() || std::env::var_os("CI").is_some();
        found(Path::new(PACKAGES), must_be_there).unwrap_or_else(|missing| panic!("{missing}"))
    }

    /// The one server of this process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of one test.
    #[must_use]
    pub fn start() -> Self {
        let programs = programs_in(Path::new(PACKAGES)).unwrap_or_else(|missing| panic!("{missing}"));
        let folder = tempfile::Builder::new().prefix("writ-postgres-").tempdir().expect("a temporary folder").keep();
        if is_root() {
            let owned = Command::new("chown").arg(SYSTEM_USER).arg(&folder).status();
            assert!(owned.is_ok_and(|status| status.success()), "there is no user `{SYSTEM_USER}`");
        }
        // It reads until this process is gone.
        let script = "cat >/dev/null; \"$0/pg_ctl\" -D \"$1/data\" -m immediate stop >/dev/null 2>&1; rm -rf \"$1\"";
        let mut keeper = as_owner("sh");
        keeper.args(["-c", script]).arg(&programs).arg(&folder).stdin(Stdio::piped());
        let keeper = keeper.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("`sh` starts");
        let server = Self { folder, programs, created: Mutex::default(), keeper };
        let data = server.data();
        let data = data.to_str().expect("a path of plain text");
        server.run("initdb", &["-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]);
        server.start_again();
        server
    }

    /// Starts it after [`Postgres::stop`] or [`Postgres::crash`], and waits until it answers.
    pub fn start_again(&self) {
        let (data, log) = (self.data(), self.folder.join("log"));
        let settings = format!("-c listen_addresses= -c max_connections=300 -k {}", self.folder.display());
        let (data, log) = (data.to_str().unwrap(), log.to_str().unwrap());
        self.run("pg_ctl", &["-D", data, "-l", log, "-o", &settings, "-w", "start"]);
    }

    /// Ends every connection and the server.
    pub fn stop(&self) {
        self.run("pg_ctl", &["-D", self.data().to_str().unwrap(), "-m", "fast", "-w", "stop"]);
    }

    /// Ends it as if the machine had failed.
    pub fn crash(&self) {
        self.run("pg_ctl", &["-D", self.data().to_str().unwrap(), "-m", "immediate", "-w", "stop"]);
    }

    /// The address of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user={USER}", self.folder.display())
    }

    /// Makes a database, if it is not there yet.
    pub fn create(&self, database: &str) {
        if self.created.lock().unwrap().insert(database.to_owned()) {
            self.sql("postgres", &format!("CREATE DATABASE \"{database}\" TEMPLATE template0"));
        }
    }

    /// Makes one database what another is. Nobody may be connected to either for long.
    pub fn replace(&self, database: &str, with: &str) {
        self.remove(database);
        let others = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{with}'");
        self.sql("postgres", &others);
        self.sql("postgres", &format!("CREATE DATABASE \"{database}\" TEMPLATE \"{with}\""));
        self.created.lock().unwrap().insert(database.to_owned());
    }

    /// Removes a database, whoever is connected to it.
    pub fn remove(&self, database: &str) {
        self.sql("postgres", &format!("DROP DATABASE IF EXISTS \"{database}\" WITH (FORCE)"));
        self.created.lock().unwrap().remove(database);
    }

    /// Runs SQL behind everybody's back, and gives what it answers, a row a line.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.try_sql(database, sql).unwrap_or_else(|why| panic!("`{sql}`: {why}"))
    }

    /// Runs SQL that may fail.
    ///
    /// # Errors
    /// What the server said.
    pub fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", USER, "-d", database, "-h"]).arg(&self.folder);
        psql.args(["-c", sql]).env("PGOPTIONS", "-c search_path=writ,public -c client_min_messages=error");
        let output = psql.stdin(Stdio::null()).output().expect("`psql` starts");
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Runs a program of the server's to its end. Its output is not read: the server would hold on to it.
    fn run(&self, program: &str, words: &[&str]) {
        let mut command = as_owner(self.programs.join(program).to_str().expect("a path of plain text"));
        command.args(words).current_dir(&self.folder).env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().unwrap_or_else(|error| panic!("`{program}`: {error}"));
        let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(status.success(), "`{program}` failed: {status}\n{}", log());
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        _ = self.keeper.wait();
    }
}

/// A program, as the user that may run a server.
fn as_owner(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    let (user, group) = (format!("--reuid={SYSTEM_USER}"), format!("--regid={SYSTEM_USER}"));
    command.args([&user, &group, "--clear-groups", program]);
    command
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
