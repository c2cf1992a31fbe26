//! Other programs: started, watched, weighed and ended.
//!
//! What a program has to say goes to a file, whose end is shown where something fails. A program ends with the value
//! that stands for it, and with this program, if it minds its standard input.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

/// How often it is asked whether something is so.
const PAUSE: Duration = Duration::from_millis(50);
/// How many lines of a program's log are shown where something failed.
const LOG_LINES_SHOWN: usize = 12;
const KIB_PER_MIB: f64 = 1024.0;

/// A program that runs.
pub(super) struct Program {
    child: Child,
    name: String,
    log: PathBuf,
    /// The first line of its standard output, where it was asked to speak.
    said: Receiver<String>,
}

impl Program {
    /// Starts a program whose standard output is of no use.
    pub(super) fn start(command: Command, log: PathBuf) -> Result<Self, String> {
        Self::begin(command, log, false)
    }

    /// Starts a program whose standard output begins with a line to be read.
    pub(super) fn start_to_hear(command: Command, log: PathBuf) -> Result<Self, String> {
        Self::begin(command, log, true)
    }

    fn begin(mut command: Command, log: PathBuf, is_heard: bool) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let failed = |error: std::io::Error| format!("`{name}` does not start: {error}");
        let file = File::create(&log).map_err(failed)?;
        let output = if is_heard { Stdio::piped() } else { Stdio::from(file.try_clone().map_err(failed)?) };
        // Everything that is called is on this machine, where a proxy has no part.
        command.env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost");
        command.stdin(Stdio::piped()).stdout(output).stderr(file);
        let mut child = command.spawn().map_err(failed)?;
        let (tell, said) = mpsc::sync_channel(1);
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || listen(output, &tell));
        }
        Ok(Self { child, name, log, said })
    }

    /// The first line that the program writes to its standard output.
    pub(super) fn first_line(&self, within: Duration) -> Result<String, String> {
        self.said.recv_timeout(within).map_err(|_| self.explain("it does not say where it listens"))
    }

    /// Asks again and again until there is an answer.
    pub(super) fn until<T>(
        &mut self,
        within: Duration,
        mut ask: impl FnMut() -> Result<T, String>,
    ) -> Result<T, String> {
        let begun = Instant::now();
        loop {
            let why = match ask() {
                Ok(found) => return Ok(found),
                Err(why) => why,
            };
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.explain(&format!("it ended: {status}")));
            }
            if begun.elapsed() > within {
                return Err(self.explain(&format!("not ready within {} s: {why}", within.as_secs())));
            }
            thread::park_timeout(PAUSE);
        }
    }

    /// The memory of the program and of all that it has started, in mebibytes.
    pub(super) fn resident_mib(&self) -> Result<f64, String> {
        resident_mib(self.child.id())
    }

    /// A failure with the program's name and what it said last.
    pub(super) fn explain(&self, why: &str) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(LOG_LINES_SHOWN)..).unwrap_or_default();
        format!("`{}`: {why}\n{}", self.name, last.join("\n"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // What has ended by itself cannot be ended again; nothing is left to do then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago, for programs that cannot be asked to take a free one.
pub(super) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("no free port: {error}"))
}

/// Runs a command to its end and gives its standard output; what else it says is shown.
pub(super) fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("`{name}` does not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{name}` failed: {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{name}` does not write text"))
}

/// Tells the first line, and reads on to the end, so that the program never waits for a reader.
fn listen(output: ChildStdout, tell: &SyncSender<String>) {
    for line in BufReader::new(output).lines() {
        let Ok(line) = line else { return };
        let _ = tell.try_send(line);
    }
}

fn resident_mib(root: u32) -> Result<f64, String> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc").map_err(|error| format!("/proc: {error}"))? {
        let name = entry.map_err(|error| format!("/proc: {error}"))?.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process may end between two looks.
        if let Some(parent) = fs::read_to_string(format!("/proc/{process}/stat")).ok().as_deref().and_then(parent) {
            processes.push((process, parent));
        }
    }
    let mut tree = vec![root];
    let mut at = 0;
    while let Some(member) = tree.get(at).copied() {
        tree.extend(processes.iter().filter(|(_, parent)| *parent == member).map(|(process, _)| process));
        at += 1;
    }
    let kib = tree.iter().filter_map(|process| fs::read_to_string(format!("/proc/{process}/status")).ok());
    let kib: Vec<f64> = kib.filter_map(|status| resident_kib(&status)).collect();
    if kib.is_empty() { Err(format!("process {root} is gone")) } else { Ok(kib.iter().sum::<f64>() / KIB_PER_MIB) }
}

/// The parent in `/proc/PID/stat`. The program's name before it is in brackets and may hold anything.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn resident_kib(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_found_behind_any_name() {
        assert_eq!(parent("12 (a) 3 (b) S 7 12 12 0"), Some(7));
        assert_eq!(parent("nothing"), None);
    }

    #[test]
    fn a_program_weighs_something_with_what_it_has_started() {
        assert_eq!(resident_kib("Name:\tx\nVmRSS:\t  2048 kB\n"), Some(2048.0));
        let own = resident_mib(std::process::id()).unwrap();
        assert!(own > 0.1, "{own}");
        assert!(resident_mib(u32::MAX).is_err());
    }
}
