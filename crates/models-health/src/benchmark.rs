//! The expectations that the training guide states, and how a model compares with them.

use serde::{Deserialize, Serialize};

use crate::figures::TaskMap;

/// One line of the guide's table.
struct Line {
    label: &'static str,
    task: &'static str,
    metric: &'static str,
    /// The worse and the better end of what is expected.
    expected: [f64; 2],
    good: f64,
    excellent: f64,
}

/// The table of expected results of the training guide (10,000 synthetic customers).
const LINES: [Line; 5] = [
    line("Churn AUC (14d)", ("churn_risk_14d", "auc"), [0.85, 0.90], 0.90, 0.93),
    line("Churn AUC (30d)", ("churn_risk_30d", "auc"), [0.87, 0.92], 0.92, 0.95),
    line("First Session Accuracy", ("first_session_success", "accuracy"), [0.80, 0.85], 0.85, 0.90),
    line("Health Score MAE", ("health_score", "mae"), [12.0, 8.0], 8.0, 5.0),
    line("Session Velocity MAE", ("session_velocity", "mae"), [0.30, 0.20], 0.20, 0.15),
];

const fn line(
    label: &'static str,
    (task, metric): (&'static str, &'static str),
    expected: [f64; 2],
    good: f64,
    excellent: f64,
) -> Line {
    Line { label, task, metric, expected, good, excellent }
}

/// How a figure compares with the guide's expectations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Worse than expected.
    BelowExpected,
    /// Within what is expected.
    Expected,
    /// Good.
    Good,
    /// Excellent.
    Excellent,
}

impl Verdict {
    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BelowExpected => "below expected",
            Self::Expected => "expected",
            Self::Good => "good",
            Self::Excellent => "excellent",
        }
    }
}

/// One figure of a model beside the guide's expectations and the best attainable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Benchmark {
    /// What the guide calls it.
    pub label: String,
    /// The task.
    pub task: String,
    /// The metric.
    pub metric: String,
    /// The model's.
    pub model: f64,
    /// The oracle's, where the truth is known: no model can be expected to do better.
    pub oracle: Option<f64>,
    /// The worse and the better end of what the guide expects.
    pub expected: [f64; 2],
    /// What it calls good: better than this.
    pub good: f64,
    /// What it calls excellent: better than this.
    pub excellent: f64,
    /// The comparison in one word.
    pub verdict: Verdict,
    /// Where the best attainable would stand.
    pub oracle_verdict: Option<Verdict>,
}

/// The guide's table with the figures of a model, and of the oracle where the truth is known. Tasks that were not judged
/// are left out.
#[must_use]
pub fn benchmarks(model: &TaskMap, oracle: Option<&TaskMap>) -> Vec<Benchmark> {
    let figure = |of: &TaskMap, line: &Line| of.get(line.task).and_then(|figures| figures.get(line.metric));
    let compared = |line: &Line| {
        let own = figure(model, line)?;
        let best = oracle.and_then(|oracle| figure(oracle, line));
        Some(Benchmark {
            label: line.label.to_owned(),
            task: line.task.to_owned(),
            metric: line.metric.to_owned(),
            model: own,
            oracle: best,
            expected: line.expected,
            good: line.good,
            excellent: line.excellent,
            verdict: verdict(line, own),
            oracle_verdict: best.map(|best| verdict(line, best)),
        })
    };
    LINES.iter().filter_map(compared).collect()
}

fn verdict(line: &Line, value: f64) -> Verdict {
    // Errors are turned over, so that more is better.
    let sign = if line.excellent > line.good { 1.0 } else { -1.0 };
    let beats = |bound: f64| sign * value > sign * bound;
    match () {
        () if beats(line.excellent) => Verdict::Excellent,
        () if beats(line.good) => Verdict::Good,
        () if sign * value >= sign * line.expected[0] => Verdict::Expected,
        () => Verdict::BelowExpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{BinaryFigures, NumberFigures, TaskFigures};

    fn churn(auc: f64) -> TaskMap {
        let figures = BinaryFigures {
            labels: 10,
            base_rate: 0.5,
            auc: Some(auc),
            auc_interval: None,
            accuracy: 0.5,
            log_loss: 0.7,
            ece: 0.0,
        };
        TaskMap::from([("churn_risk_14d".to_owned(), TaskFigures::Binary(figures))])
    }

    fn health(mae: f64) -> TaskMap {
        let figures = NumberFigures { labels: 10, mean: 60.0, mae, rmse: mae, r2: None };
        TaskMap::from([("health_score".to_owned(), TaskFigures::Number(figures))])
    }

    #[test]
    fn figures_fall_into_the_guides_columns() {
        use Verdict::{BelowExpected, Excellent, Expected, Good};
        let of = |figures: TaskMap| benchmarks(&figures, None)[0].verdict;
        // More is better …
        assert_eq!(
            [0.84, 0.85, 0.90, 0.901, 0.931].map(|v| of(churn(v))),
            [BelowExpected, Expected, Expected, Good, Excellent]
        );
        // … and of errors less.
        assert_eq!(
            [12.1, 12.0, 8.0, 7.9, 4.9].map(|v| of(health(v))),
            [BelowExpected, Expected, Expected, Good, Excellent]
        );
    }

    #[test]
    fn what_was_not_judged_is_left_out_and_the_oracle_is_beside() {
        let table = benchmarks(&churn(0.9), Some(&churn(0.94)));
        assert_eq!(table.len(), 1);
        assert_eq!((table[0].oracle, table[0].oracle_verdict), (Some(0.94), Some(Verdict::Excellent)));
    }
}
