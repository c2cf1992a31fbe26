//! The programs of this workspace, run to their end.
//!
//! They are found from where the test itself is, so that any target folder will do. A program that is not there is
//! the reader's to build: a test cannot know with which features.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const END_SECONDS_MAX: u64 = 60;

/// What a program said until it ended.
#[derive(Debug)]
pub struct Said {
    /// The exit code; nothing where a signal ended it.
    pub code: Option<i32>,
    /// Standard output: data.
    pub stdout: String,
    /// Standard error: the rest.
    pub stderr: String,
}

/// Where a program is: beside the folder of the test.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("the test's own path");
    let folder = own.parent().and_then(Path::parent).expect("the folder of the programs");
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "the program `{name}` is not built: run `cargo xtask test`, or `cargo build --workspace --bins` first"
    );
    path
}

/// A program, to be started without input.
#[must_use]
pub fn command(name: &str) -> Command {
    let mut command = Command::new(path(name));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs `writ` with these words.
pub async fn writ(words: &[&str]) -> Said {
    let mut command = command("writ");
    command.args(words);
    end(command, "").await
}

/// Runs a command to its end, with this text as its input.
pub async fn end(mut command: Command, input: &str) -> Said {
    command.stdin(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe to the program");
    // A program that does not read is free to end before it was told everything.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let ended = tokio::time::timeout(Duration::from_secs(END_SECONDS_MAX), child.wait_with_output()).await;
    let output = ended.expect("the program ends in time").expect("the program's output");
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("standard output is text"),
        stderr: String::from_utf8(output.stderr).expect("standard error is text"),
    }
}

impl Said {
    /// Standard output, of a program that succeeded.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "it failed: {}\n{}", self.stderr, self.stdout);
        self.stdout
    }

    /// The objects of standard output, one a line and nothing else, of a program that succeeded.
    pub fn json_lines(self) -> Vec<Json> {
        lines(&self.ok())
    }

    /// The one object of standard output, of a program that succeeded.
    pub fn json(self) -> Json {
        let mut lines = self.json_lines();
        assert_eq!(lines.len(), 1, "one object: {lines:?}");
        lines.remove(0)
    }

    /// Standard error, of a program that refused, and said nothing where data would be.
    pub fn refused(self) -> String {
        assert_eq!(self.code, Some(1), "it did not refuse: {}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "", "a refusal is no data");
        self.stderr
    }
}

/// A text of JSON objects, one a line.
#[must_use]
pub fn lines(text: &str) -> Vec<Json> {
    let object = |line: &str| {
        let value: Json = serde_json::from_str(line).unwrap_or_else(|error| panic!("`{line}` is no JSON: {error}"));
        assert!(value.is_object(), "`{line}` is no object");
        value
    };
    text.lines().map(object).collect()
}
