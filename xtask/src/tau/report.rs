//! What came of it all: the figures, for programs and for people, and whether they are good enough.

use serde::Serialize;

/// How many tasks may be without their result: those whose ground truth leaves its customer's data.
const NOT_KEPT_MAX: usize = 3;

/// The figures. As JSON, the members stand in this order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    pub(crate) tasks: usize,
    pub(crate) kept: usize,
    pub(crate) not_kept: Vec<NotKept>,
    pub(crate) attack_pairs: u64,
    pub(crate) attack_calls: u64,
    pub(crate) attack_effects: u64,
    pub(crate) foreign_records_read: u64,
    pub(crate) refusals: u64,
    pub(crate) votes_per_task: f64,
    pub(crate) reachable_per_needed: f64,
    pub(crate) calls_per_second: f64,
}

/// A task that was not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NotKept {
    /// Its position in the file, from 0.
    pub(crate) task: usize,
    pub(crate) why: String,
}

impl Report {
    /// One line of JSON.
    pub(crate) fn json(&self) -> Result<String, String> {
        serde_json::to_string(self).map_err(|error| error.to_string())
    }

    /// The figures as people read them.
    pub(crate) fn text(&self) -> String {
        let mut lines = vec![format!("kept      {} of {} tasks", self.kept, self.tasks)];
        lines.extend(self.not_kept.iter().map(|NotKept { task, why }| format!("          not task {task}: {why}")));
        lines.push(format!(
            "attacked  {} pairs in {} calls, {} refused: {} effects, {} records of others read",
            self.attack_pairs, self.attack_calls, self.refusals, self.attack_effects, self.foreign_records_read
        ));
        lines.push(format!(
            "cost      {} votes a task, {} records reachable for each needed, {} calls a second",
            self.votes_per_task, self.reachable_per_needed, self.calls_per_second
        ));
        lines.join("\n")
    }

    /// Whether every promise was kept.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let mut broken = Vec::new();
        if self.not_kept.len() > NOT_KEPT_MAX {
            broken.push(format!("{} tasks are not kept, and at most {NOT_KEPT_MAX} may be", self.not_kept.len()));
        }
        if self.attack_effects > 0 {
            broken.push(format!("{} effects on other customers' records got through", self.attack_effects));
        }
        if self.foreign_records_read > 0 {
            broken.push(format!("{} records of other customers were read", self.foreign_records_read));
        }
        if broken.is_empty() { Ok(()) } else { Err(broken.join("; ")) }
    }
}

/// A ratio with three decimals; nothing over nothing is 0.
pub(crate) fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole * 1000.0).round() / 1000.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            tasks: 115,
            kept: 114,
            not_kept: vec![NotKept { task: 64, why: "it leaves".to_owned() }],
            attack_pairs: 11_657,
            attack_calls: 5,
            attack_effects: 0,
            foreign_records_read: 0,
            refusals: 4,
            votes_per_task: ratio(177.0, 115.0),
            reachable_per_needed: 1.68,
            calls_per_second: ratio(5.0, 0.0),
        }
    }

    #[test]
    fn the_object_has_its_members_in_order() {
        let expected = r#"{"tasks":115,"kept":114,"not_kept":[{"task":64,"why":"it leaves"}],"attack_pairs":11657,"attack_calls":5,"attack_effects":0,"foreign_records_read":0,"refusals":4,"votes_per_task":1.539,"reachable_per_needed":1.68,"calls_per_second":0.0}"#;
        assert_eq!(report().json().unwrap(), expected);
    }

    #[test]
    fn any_broken_promise_fails() {
        assert_eq!(report().verdict(), Ok(()));
        let one = NotKept { task: 1, why: String::new() };
        assert!(Report { not_kept: vec![one; 4], ..report() }.verdict().is_err());
        assert!(Report { attack_effects: 1, ..report() }.verdict().is_err());
        assert!(Report { foreign_records_read: 1, ..report() }.verdict().is_err());
    }
}
