//! How many scenarios passed, set by set.

use serde::Serialize;

use super::sets::{Set, Side};
use crate::progress::tell;

/// One set on one side.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) set: Set,
    pub(super) side: Side,
    pub(super) passed: usize,
    pub(super) total: usize,
    pub(super) expected_failures: usize,
}

pub(super) fn print(rows: &[Row], as_json: bool) -> Result<(), String> {
    if as_json {
        return rows.iter().try_for_each(|row| tell(&serde_json::to_string(row).map_err(|error| error.to_string())?));
    }
    tell(&table(rows))
}

fn table(rows: &[Row]) -> String {
    let mut lines = vec![format!("{:<12} {:<7} {:>7} {:>6}  expected failures", "set", "side", "passed", "total")];
    lines.extend(rows.iter().map(|row| {
        let Row { set, side, passed, total, expected_failures } = row;
        format!("{:<12} {:<7} {passed:>7} {total:>6}  {expected_failures}", set.name(), side.name())
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_what_scripts_look_for() {
        let row = Row { set: Set::Stateless, side: Side::Server, passed: 36, total: 37, expected_failures: 1 };
        assert_eq!(
            serde_json::to_string(&row).unwrap(),
            r#"{"set":"2026-07-28","side":"server","passed":36,"total":37,"expected_failures":1}"#
        );
        assert!(table(&[row]).ends_with("2026-07-28   server       36     37  1"));
    }
}
