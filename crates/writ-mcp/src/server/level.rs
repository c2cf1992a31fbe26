//! How serious a line of a log is, and from where on a client wants to hear them.
//!
//! The eight levels are those of syslog (RFC 5424), by the protocol's names, the least serious first.

use std::sync::atomic::{AtomicU8, Ordering};

const NAMES: [&str; 8] = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];
/// From where on a session hears lines, where it has said nothing.
const INFO: u8 = 1;

/// The rank of a level by its name.
pub(super) fn rank(name: &str) -> Option<u8> {
    NAMES.iter().position(|known| *known == name).and_then(|rank| u8::try_from(rank).ok())
}

/// From where on a session hears lines.
#[derive(Debug)]
pub(super) struct Floor(AtomicU8);

impl Default for Floor {
    fn default() -> Self {
        Self(AtomicU8::new(INFO))
    }
}

impl Floor {
    pub(super) fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, rank: u8) {
        self.0.store(rank, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ranked_by_how_serious_they_are() {
        assert!(rank("debug") < rank("info") && rank("warning") < rank("error"));
        assert_eq!((rank("emergency"), rank("loud"), rank("Info")), (Some(7), None, None));
        assert_eq!(Some(Floor::default().get()), rank("info"));
    }
}
