//! A child process as a transport: one message a line on its standard input and output.
//!
//! The child leads a process group, and the group ends as a whole: first its input is closed, then it is asked to
//! end, then it is killed, with everything that it has started. Dropped without a close, it is killed at once. A
//! line is read only up to a limit, and what it writes to its standard error is read so that it never waits for a
//! reader.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::credential::Redaction;

/// How long a child may take to end by itself, and again when it is asked to.
const END_SECONDS_MAX: u64 = 3;
/// How much of a child's standard error goes to the log, at level debug. The rest is read and dropped.
const STDERR_BYTES_MAX: usize = 64 * 1024;

/// A running child process.
pub(super) struct ChildProcess {
    pipes: AsyncRwTransport<RoleClient, ChildStdout, ChildStdin>,
    group: Group,
    redaction: Redaction,
}

impl ChildProcess {
    /// Starts it. No line of more than `line_bytes_max` bytes is taken from it, and what `redaction` looks for does not
    /// come back from it.
    pub(super) fn start(
        integration: &str,
        program: &Path,
        mut command: Command,
        line_bytes_max: usize,
        redaction: Redaction,
    ) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let cannot = |why: &str| format!("`{}` cannot be started: {why}", program.display());
        let mut child = command.spawn().map_err(|error| cannot(&error.to_string()))?;
        let pipes = (child.stdout.take(), child.stdin.take(), child.stderr.take());
        let group = Group::of(child);
        let (Some(stdout), Some(stdin), Some(stderr)) = pipes else {
            return Err(cannot("it has no standard input or output"));
        };
        // A secret could stand across two chunks, so that nothing is shown of a program that has one.
        let shown_bytes_max = if redaction.is_empty() { STDERR_BYTES_MAX } else { 0 };
        tokio::spawn(drain(integration.to_owned(), stderr, shown_bytes_max));
        let pipes = AsyncRwTransport::new_client(stdout, stdin).with_max_line_length(line_bytes_max);
        Ok(Self { pipes, group, redaction })
    }
}

impl Transport<RoleClient> for ChildProcess {
    type Error = io::Error;

    fn send(&mut self, item: ClientJsonRpcMessage) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.pipes.send(item)
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        let message = self.pipes.receive().await?;
        // Of what cannot be cleaned nothing is left, and the connection ends.
        self.redaction.message(message)
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        let closed = self.pipes.close().await;
        self.group.end().await;
        closed
    }
}

/// A child and everything that it has started and that has not left its group.
struct Group {
    child: Child,
    leader: Option<Pid>,
}

impl Group {
    fn of(child: Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { child, leader }
    }

    /// Ends the group, whose leader has lost its input.
    async fn end(&mut self) {
        let limit = Duration::from_secs(END_SECONDS_MAX);
        if timeout(limit, self.child.wait()).await.is_err() {
            self.signal(Signal::TERM);
            let _ = timeout(limit, self.child.wait()).await;
        }
        // Whoever is left of the group, its leader or not. A leader that has just ended leaves its number to the
        // group for as long as anybody is in it.
        self.signal(Signal::KILL);
        let _ = timeout(limit, self.child.wait()).await;
        self.leader = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // It fails where nobody is left, which is what is wanted.
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Reads a child's standard error to its end.
async fn drain(integration: String, mut stderr: ChildStderr, shown_bytes_max: usize) {
    let mut left = shown_bytes_max;
    let mut chunk = [0_u8; 4096];
    while let Ok(length @ 1..) = stderr.read(&mut chunk).await {
        let shown = chunk.get(..length.min(left)).unwrap_or_default();
        if !shown.is_empty() {
            let text = String::from_utf8_lossy(shown).escape_debug().to_string();
            tracing::debug!(integration, text, "standard error of an integration");
            left = left.saturating_sub(shown.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::testing::eventually;
    use crate::upstream::command::command;
    use crate::upstream::connection::Limits;

    /// A child that starts another one, and where it notes that one's number.
    fn parent(script: &str) -> (ChildProcess, PathBuf) {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let note = std::env::temp_dir().join(format!("writ-child-{}-{count}", std::process::id()));
        let script = script.replace("NOTE", &note.display().to_string());
        let program = Path::new("sh");
        let command = command(program, &["-c".to_owned(), script], None, &Limits::default()).unwrap();
        (ChildProcess::start("shop", program, command, 1024, Redaction::of_all(std::iter::empty())).unwrap(), note)
    }

    async fn noted(note: &Path) -> i32 {
        let mut number = None;
        eventually(|| {
            number = std::fs::read_to_string(note).ok().and_then(|text| text.trim().parse().ok());
            number.is_some()
        })
        .await;
        let _ = std::fs::remove_file(note);
        number.unwrap()
    }

    /// Whether a process runs; one that has ended and that nobody has asked about does not.
    fn runs(number: i32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
    }

    #[tokio::test]
    async fn a_closed_child_ends_with_everything_that_it_has_started() {
        let (mut child, note) = parent("sleep 600 & echo $! > NOTE; cat > /dev/null");
        let grandchild = noted(&note).await;
        assert!(runs(grandchild));
        child.close().await.unwrap();
        eventually(|| !runs(grandchild)).await;
    }

    #[tokio::test]
    async fn a_dropped_child_is_killed_though_it_does_not_want_to_end() {
        let (child, note) = parent("trap '' TERM; sleep 600 & echo $! > NOTE; wait");
        let grandchild = noted(&note).await;
        drop(child);
        eventually(|| !runs(grandchild)).await;
    }

    #[tokio::test]
    async fn a_line_without_end_is_not_kept() {
        let script = r#"yes x | head -c 100000 | tr -d '\n'; echo; echo '{"jsonrpc":"2.0","id":1,"result":{}}'"#;
        let (mut child, _) = parent(script);
        assert!(matches!(child.receive().await, Some(ServerJsonRpcMessage::Response(_))));
        child.close().await.unwrap();
    }
}
