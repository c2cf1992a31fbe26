//! A group of events, and what they change, as the parameters of one statement.
//!
//! The statement moves the log's end under the session's epoch first; everything else that it writes is joined to that
//! row, so that without it nothing is written. A statement takes arrays, one element a row.

use std::sync::Arc;

use writ_core::decision::Decision;
use writ_core::run::Run;

use super::wire::Failure;
use crate::backend::Row;
use crate::projection::Projections;

pub(super) const APPEND: &str = "
WITH fence AS (
  UPDATE sequencer SET leaves = $3 WHERE epoch = $1 AND leaves = $2 RETURNING 1
), new_events AS (
  INSERT INTO events (seq, run, decision, kind, at, body, salt, leaf)
  SELECT e.* FROM fence, unnest($4::bigint[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bytea[],
                                $10::bytea[], $11::bytea[]) AS e
), new_runs AS (
  INSERT INTO runs (run, status, started_at, state)
  SELECT r.* FROM fence, unnest($12::text[], $13::text[], $14::bigint[], $15::text[]) AS r
  ON CONFLICT (run) DO UPDATE SET status = excluded.status, state = excluded.state
), new_decisions AS (
  INSERT INTO decisions (decision, status, final, proposed_at, state)
  SELECT d.* FROM fence, unnest($16::text[], $17::text[], $18::boolean[], $19::bigint[], $20::text[]) AS d
  ON CONFLICT (decision) DO UPDATE SET status = excluded.status, final = excluded.final, state = excluded.state
), taken AS (
  INSERT INTO effect_keys (effect_key, decision)
  SELECT k.* FROM fence, unnest($21::bytea[], $22::text[]) AS k
  ON CONFLICT (sha256(effect_key)) DO UPDATE SET effect_key = excluded.effect_key, decision = excluded.decision
), given_back AS (
  DELETE FROM effect_keys USING fence
  WHERE sha256(effect_keys.effect_key) IN (SELECT sha256(key) FROM unnest($23::bytea[]) AS key)
)
SELECT 1 FROM fence";

/// How many bytes one statement holds before another is begun. The server takes no message of a gibibyte.
const CHUNK_BYTES: usize = 64 << 20;

/// What one statement writes. `first` is where the log ends before it, `next` where it ends after it.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) first: i64,
    pub(super) next: i64,
    pub(super) events: Events,
    pub(super) runs: Runs,
    pub(super) decisions: Decisions,
    pub(super) effect_keys: EffectKeys,
}

#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) seq: Vec<i64>,
    pub(super) run: Vec<Option<String>>,
    pub(super) decision: Vec<Option<String>>,
    pub(super) kind: Vec<&'static str>,
    pub(super) at: Vec<i64>,
    pub(super) body: Vec<Vec<u8>>,
    pub(super) salt: Vec<Vec<u8>>,
    pub(super) leaf: Vec<Vec<u8>>,
}

#[derive(Debug, Default)]
pub(super) struct Runs {
    pub(super) run: Vec<String>,
    pub(super) status: Vec<&'static str>,
    pub(super) started_at: Vec<i64>,
    pub(super) state: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Decisions {
    pub(super) decision: Vec<String>,
    pub(super) status: Vec<&'static str>,
    pub(super) is_final: Vec<bool>,
    pub(super) proposed_at: Vec<i64>,
    pub(super) state: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct EffectKeys {
    pub(super) taken: Vec<Vec<u8>>,
    pub(super) holder: Vec<String>,
    pub(super) given_back: Vec<Vec<u8>>,
}

/// A group as a few statements, in order.
struct Chunks {
    full: Vec<Chunk>,
    open: Chunk,
    bytes: usize,
    bytes_max: usize,
}

/// A group as the statements that write it.
pub(super) fn chunks(rows: &[Row], staged: &Projections) -> Result<Vec<Chunk>, Failure> {
    chunks_of(rows, staged, CHUNK_BYTES)
}

fn chunks_of(rows: &[Row], staged: &Projections, bytes_max: usize) -> Result<Vec<Chunk>, Failure> {
    let beyond = |_| Failure::lasting("the log has reached its last number");
    let first = rows.first().map_or(Ok(0), |row| i64::try_from(row.recorded.seq)).map_err(beyond)?;
    let open = Chunk { first, next: first, ..Chunk::default() };
    let mut chunks = Chunks { full: Vec::new(), open, bytes: 0, bytes_max };
    for row in rows {
        let seq = i64::try_from(row.recorded.seq).map_err(beyond)?;
        chunks.event(seq, row);
    }
    for (id, run) in &staged.runs {
        chunks.run(id, run)?;
    }
    for (id, decision) in &staged.decisions {
        chunks.decision(id, decision)?;
    }
    for (key, holder) in &staged.effect_keys {
        chunks.effect_key(key, holder.as_deref());
    }
    let Chunks { mut full, open, .. } = chunks;
    full.push(open);
    Ok(full)
}

impl Chunks {
    /// The chunk that takes so many bytes more.
    fn with_room(&mut self, bytes: usize) -> &mut Chunk {
        if self.bytes > 0 && self.bytes.saturating_add(bytes) > self.bytes_max {
            let next = Chunk { first: self.open.next, next: self.open.next, ..Chunk::default() };
            self.full.push(std::mem::replace(&mut self.open, next));
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        &mut self.open
    }

    fn event(&mut self, seq: i64, row: &Row) {
        let Row { recorded, body, salt, leaf } = row;
        let chunk = self.with_room(body.len());
        chunk.next = seq.saturating_add(1);
        let events = &mut chunk.events;
        events.seq.push(seq);
        events.run.push(recorded.run.clone());
        events.decision.push(recorded.event.decision().map(str::to_owned));
        events.kind.push(recorded.event.kind());
        events.at.push(recorded.at);
        events.body.push(body.clone());
        events.salt.push(salt.to_vec());
        events.leaf.push(leaf.as_bytes().to_vec());
    }

    fn run(&mut self, id: &str, run: &Arc<Run>) -> Result<(), Failure> {
        let state = serde_json::to_string(&**run).map_err(unwritable)?;
        let runs = &mut self.with_room(state.len()).runs;
        runs.run.push(id.to_owned());
        runs.status.push(run.status.name());
        runs.started_at.push(run.started_at);
        runs.state.push(state);
        Ok(())
    }

    fn decision(&mut self, id: &str, decision: &Arc<Decision>) -> Result<(), Failure> {
        let state = serde_json::to_string(&**decision).map_err(unwritable)?;
        let decisions = &mut self.with_room(state.len()).decisions;
        decisions.decision.push(id.to_owned());
        decisions.status.push(decision.status.name());
        decisions.is_final.push(decision.status.is_final());
        decisions.proposed_at.push(decision.proposed_at);
        decisions.state.push(state);
        Ok(())
    }

    fn effect_key(&mut self, key: &str, holder: Option<&str>) {
        let effect_keys = &mut self.with_room(key.len()).effect_keys;
        match holder {
            Some(holder) => {
                effect_keys.taken.push(key.as_bytes().to_vec());
                effect_keys.holder.push(holder.to_owned());
            }
            None => effect_keys.given_back.push(key.as_bytes().to_vec()),
        }
    }
}

fn unwritable(error: serde_json::Error) -> Failure {
    Failure::lasting(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use writ_core::event::{Event, Recorded};
    use writ_trail::hash::Hash;

    use super::*;

    fn row(seq: u64, body: usize) -> Row {
        let event = Event::Claimed { text: "a".to_owned() };
        let recorded = Recorded { seq, at: 1, run: Some("r-1".to_owned()), event };
        Row { recorded, body: vec![b'x'; body], salt: [0; 32], leaf: Hash::from_bytes([0; 32]) }
    }

    #[test]
    fn a_large_group_is_several_statements_that_follow_each_other() {
        let rows: Vec<Row> = (7..12).map(|seq| row(seq, 40)).collect();
        let effect_keys = HashMap::from([("k".repeat(30), Some("d-1".to_owned())), ("free".to_owned(), None)]);
        let staged = Projections { effect_keys, ..Projections::default() };
        let chunks = chunks_of(&rows, &staged, 100).unwrap();
        let ends: Vec<(i64, i64)> = chunks.iter().map(|chunk| (chunk.first, chunk.next)).collect();
        assert_eq!(ends, [(7, 9), (9, 11), (11, 12)]);
        let events: Vec<i64> = chunks.iter().flat_map(|chunk| chunk.events.seq.clone()).collect();
        assert_eq!(events, [7, 8, 9, 10, 11]);
        let keys = |of: fn(&EffectKeys) -> usize| chunks.iter().map(|chunk| of(&chunk.effect_keys)).sum::<usize>();
        assert_eq!((keys(|keys| keys.taken.len()), keys(|keys| keys.given_back.len())), (1, 1));
        assert_eq!(super::chunks(&rows, &staged).unwrap().len(), 1);
    }

    #[test]
    fn one_event_may_be_larger_than_a_statement_usually_is() {
        let chunks = chunks_of(&[row(0, 500), row(1, 500)], &Projections::default(), 100).unwrap();
        assert_eq!(chunks.iter().map(|chunk| chunk.events.seq.len()).collect::<Vec<_>>(), [1, 1]);
    }
}
