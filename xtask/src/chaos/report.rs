//! What came of it all: what was broken and where, and the figures.

use serde::Serialize;

/// What is wrong, and how to have it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Violation {
    /// The round's seed: `--rounds 1 --seed …` plays it again.
    pub(super) seed: u64,
    pub(super) step: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decision: Option<String>,
    pub(super) what: String,
}

/// What one round adds.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) faults: u64,
    pub(super) kills: u64,
    pub(super) effects: u64,
    pub(super) decisions: u64,
    pub(super) violations: Vec<Violation>,
}

/// Everything.
#[derive(Debug, Default)]
pub(super) struct Report {
    rounds: u64,
    sum: Round,
}

/// The figures that end the report. As JSON, the members stand in this order.
#[derive(Debug, Serialize)]
struct Figures {
    rounds: u64,
    faults: u64,
    effects: u64,
    decisions: u64,
    violations: usize,
}

impl Report {
    pub(super) fn add(&mut self, round: Round) {
        self.rounds += 1;
        self.sum.faults += round.faults;
        self.sum.kills += round.kills;
        self.sum.effects += round.effects;
        self.sum.decisions += round.decisions;
        self.sum.violations.extend(round.violations);
    }

    fn figures(&self) -> Figures {
        let Round { faults, effects, decisions, violations, .. } = &self.sum;
        let violations = violations.len();
        Figures { rounds: self.rounds, faults: *faults, effects: *effects, decisions: *decisions, violations }
    }

    /// One object a line: each violation, then the figures.
    pub(super) fn json(&self) -> Result<String, String> {
        let line = |line: serde_json::Result<String>| line.map_err(|error| error.to_string());
        let mut lines = Vec::new();
        for violation in &self.sum.violations {
            lines.push(line(serde_json::to_string(violation))?);
        }
        lines.push(line(serde_json::to_string(&self.figures()))?);
        Ok(lines.join("\n"))
    }

    /// The same as people read it.
    pub(super) fn text(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for Violation { seed, step, decision, what } in &self.sum.violations {
            let decision = decision.as_ref().map(|decision| format!(" {decision}:")).unwrap_or_default();
            lines.push(format!("violation  seed {seed}, step {step}:{decision} {what}"));
        }
        let Figures { rounds, faults, effects, decisions, violations } = self.figures();
        let kills = self.sum.kills;
        lines.push(format!(
            "{rounds} rounds, {faults} faults ({kills} of them kills), {effects} effects, {decisions} decisions, \
             {violations} violations"
        ));
        lines.join("\n")
    }

    /// Whether every promise was kept, and anything happened that could have broken one.
    pub(super) fn verdict(&self) -> Result<(), String> {
        let Figures { rounds, effects, violations, .. } = self.figures();
        match (violations, effects) {
            (0, 0) if rounds > 0 => Err("nothing happened at all".to_owned()),
            (0, _) => Ok(()),
            (violations, _) => Err(format!("{violations} violations")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(violations: Vec<Violation>) -> Report {
        let mut report = Report::default();
        report.add(Round { faults: 9, kills: 4, effects: 20, decisions: 30, violations });
        report.add(Round { faults: 1, effects: 2, decisions: 3, ..Round::default() });
        report
    }

    #[test]
    fn it_ends_with_the_figures() {
        let kept = report(Vec::new());
        assert_eq!(kept.json().unwrap(), r#"{"rounds":2,"faults":10,"effects":22,"decisions":33,"violations":0}"#);
        assert_eq!(kept.verdict(), Ok(()));
    }

    #[test]
    fn a_violation_says_where() {
        let violation = Violation {
            seed: 7,
            step: "3: one approves and another rejects at once (keyed)".to_owned(),
            decision: Some("d-1".to_owned()),
            what: "it happened 2 times".to_owned(),
        };
        let broken = report(vec![violation]);
        let json = broken.json().unwrap();
        assert!(json.starts_with(r#"{"seed":7,"step":"3: "#) && json.ends_with(r#""violations":1}"#), "{json}");
        assert!(broken.text().starts_with("violation  seed 7, step 3: "), "{}", broken.text());
        assert!(broken.verdict().is_err());
    }

    #[test]
    fn rounds_in_which_nothing_happens_prove_nothing() {
        let mut report = Report::default();
        report.add(Round::default());
        assert!(report.verdict().is_err());
    }
}
