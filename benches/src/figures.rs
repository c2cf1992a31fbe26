//! Figures: the middle of many samples, and how they are written down.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::Value as Json;

/// The value that `share` of the samples do not pass, with `share` between 0 and 1; 0 where there are no samples.
pub fn percentile(samples: &mut [f64], share: f64) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    let rank = (samples.len() as f64 * share).ceil() as usize;
    samples.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// The middle sample.
pub fn median(samples: &mut [f64]) -> f64 {
    percentile(samples, 0.5)
}

/// A figure with one decimal place, as JSON.
#[must_use]
pub fn rounded(figure: f64) -> Json {
    Json::from((figure * 10.0).round() / 10.0)
}

/// A figure without decimal places, as JSON.
#[must_use]
pub fn whole(figure: f64) -> Json {
    Json::from(figure.round() as u64)
}

/// Where figures go: standard output, one JSON object a line or aligned text.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    json: bool,
}

impl Report {
    /// A report in JSON or in text.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Writes one row. Text repeats the names, so that a row can be read by itself.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub fn row(&self, row: &Json) -> Result<(), String> {
        let line = match (self.json, row) {
            (false, Json::Object(figures)) => {
                let shown = figures.iter().map(|(name, figure)| {
                    let figure = figure.to_string();
                    format!("{name} {figure:>9}")
                });
                shown.collect::<Vec<String>>().join("   ")
            }
            _ => row.to_string(),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| format!("standard output: {error}"))
    }

    /// Says how the figures came about, on standard error.
    pub fn note(&self, note: &str) {
        // Where standard error is closed, nobody is left to be told.
        let _ = writeln!(std::io::stderr().lock(), "{note}");
    }
}

/// The end of a measurement: what went wrong, if something did, on standard error.
#[must_use]
pub fn finish(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(std::io::stderr().lock(), "error: {message}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let mut samples: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut samples, 0.99).to_bits(), 99.0_f64.to_bits());
        assert_eq!(median(&mut samples).to_bits(), 50.0_f64.to_bits());
        assert_eq!(median(&mut []).to_bits(), 0.0_f64.to_bits());
    }
}
