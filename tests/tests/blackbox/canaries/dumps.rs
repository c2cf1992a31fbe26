//! Core files and command lines: what a process leaves to others without meaning to.
//!
//! The server was started with leave to write core files. It must have given that up, for itself and for the programs
//! that it starts: memory holds every secret. Both are ended in the way after which the system would write one.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;

use writ_tests::wait;

use super::stage::{Stage, signal};

/// Ends the program and then the server. Gives what is wrong.
pub(super) async fn crash(stage: &mut Stage, program: u32) -> Vec<String> {
    let mut wrong = Vec::new();
    for (whose, process) in [("the server", stage.process()), ("a program that it has started", program)] {
        let command_line = fs::read(format!("/proc/{process}/cmdline")).unwrap();
        stage.evidence.add(&format!("command line of {whose}"), command_line);
        let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit of core files");
        if core.split_whitespace().skip(4).take(2).any(|limit| limit != "0") {
            wrong.push(format!("{whose} may write core files: {core}"));
        }
    }
    signal("ABRT", program);
    wait::until("the program has ended", async || ended(program).then_some(())).await;
    signal("ABRT", stage.process());
    let status = stage.ended().await;
    if status.signal().is_none() || status.core_dumped() {
        wrong.push(format!("the server left a core file, or did not crash: {status}"));
    }
    for folder in [stage.acme.beside("run"), stage.acme.folder().to_owned()] {
        let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        let cores = names.filter(|name| name.to_string_lossy().starts_with("core"));
        wrong.extend(cores.map(|name| format!("a core file: {}", folder.join(name).display())));
    }
    wrong
}

/// Whether a process is gone, or only waits to be asked how it ended.
fn ended(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with(['Z', 'X']))
}
