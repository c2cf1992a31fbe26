//! A body that comes in pieces, up to a limit.

use axum::body::Bytes;

/// The pieces so far. One that comes alone is not copied.
pub(crate) struct Pieces {
    first: Bytes,
    /// Everything, the first piece included, from the second on.
    collected: Vec<u8>,
    bytes_max: usize,
}

/// The body is larger than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl Pieces {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { first: Bytes::new(), collected: Vec::new(), bytes_max }
    }

    pub(crate) fn push(&mut self, piece: Bytes) -> Result<(), TooLarge> {
        let so_far = self.first.len().max(self.collected.len());
        if piece.len() > self.bytes_max.saturating_sub(so_far) {
            return Err(TooLarge);
        }
        if so_far == 0 {
            self.first = piece;
            return Ok(());
        }
        if self.collected.is_empty() {
            self.collected.extend_from_slice(&self.first);
        }
        self.collected.extend_from_slice(&piece);
        Ok(())
    }

    pub(crate) fn joined(self) -> Bytes {
        if self.collected.is_empty() { self.first } else { Bytes::from(self.collected) }
    }
}
