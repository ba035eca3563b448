//! What an application gets for one session.

use serde::{Deserialize, Serialize};
use tenure_core::Reason;

/// How long a session will take, how sure that is, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StudyTimePrediction {
    /// Which session; of a table the row.
    pub id: String,
    /// Hours to expect. Of a model of another table: the expected target, in its own unit.
    pub hours: f64,
    /// Where it will lie in the stated share of cases.
    pub interval: HourInterval,
    /// Standard deviation between the members of the ensemble, in the same unit: large where little like it was learned
    /// from. It says nothing of the chance in sessions, which is in the interval.
    pub spread: f64,
    /// What moved the prediction, most first; empty where the learner does not explain itself.
    pub reasons: Vec<Reason>,
    /// The model's version.
    pub model_version: String,
}

/// A range with its nominal coverage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HourInterval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Share of such ranges that hold the truth, e.g. 0.9.
    pub level: f64,
}
