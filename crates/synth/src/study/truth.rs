//! What is true of a session, and how well one who knows it would do.

use std::fmt;

use serde::Serialize;

use super::params::StudyParams;
use super::world::StudyBatch;

/// The truth about one session, in hours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StudyTruth {
    /// Mean duration given the 15 facts.
    pub expected: f64,
    /// Median duration given the 15 facts.
    pub median: f64,
    /// Mean duration given the facts and the student's hidden speed.
    pub expected_given_student: f64,
    /// Median duration given the facts and the student's hidden speed.
    pub median_given_student: f64,
}

impl StudyTruth {
    pub(super) fn new(params: &StudyParams, log_hours: f64, speed: f64) -> Self {
        let (s, e) = (params.student_noise, params.session_noise);
        let given_student = log_hours + s * speed;
        Self {
            expected: (log_hours + 0.5 * (s * s + e * e)).exp(),
            median: log_hours.exp(),
            expected_given_student: (given_student + 0.5 * e * e).exp(),
            median_given_student: given_student.exp(),
        }
    }
}

/// The smallest errors that somebody can expect to make, in hours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DurationFigures {
    /// Mean absolute error of the median.
    pub mae: f64,
    /// Root of the mean squared error of the mean.
    pub rmse: f64,
}

/// What the truth of a batch is worth on its own sessions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StudyOracle {
    /// To one who knows the 15 facts and the formula: what a model of single sessions can come near to.
    pub features: DurationFigures,
    /// To one who knows the student's hidden speed too: what a model of a student's sessions cannot reach.
    pub student: DurationFigures,
}

impl StudyBatch {
    /// The oracle's errors; `None` without sessions.
    #[must_use]
    pub fn oracle(&self) -> Option<StudyOracle> {
        let figures = |median: fn(&StudyTruth) -> f64, mean: fn(&StudyTruth) -> f64| {
            let n = self.sessions.len() as f64;
            let pairs = || {
                self.sessions
                    .iter()
                    .zip(&self.truth)
                    .filter_map(|(s, truth)| Some((s.actual_duration?, truth)))
            };
            DurationFigures {
                mae: pairs().map(|(y, truth)| (y - median(truth)).abs()).sum::<f64>() / n,
                rmse: (pairs().map(|(y, truth)| (y - mean(truth)).powi(2)).sum::<f64>() / n).sqrt(),
            }
        };
        (!self.sessions.is_empty()).then(|| StudyOracle {
            features: figures(|t| t.median, |t| t.expected),
            student: figures(|t| t.median_given_student, |t| t.expected_given_student),
        })
    }
}

/// What was generated.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StudySummary {
    /// Sessions.
    pub sessions: usize,
    /// Students.
    pub students: usize,
    /// Sum of the durations, in hours.
    pub hours: f64,
    /// The shortest duration, in hours.
    pub shortest: f64,
    /// The longest duration, in hours.
    pub longest: f64,
}

impl StudySummary {
    /// Counts a batch of whole students in.
    pub fn add(&mut self, batch: &StudyBatch) {
        let mut last = "";
        for session in &batch.sessions {
            let hours = session.actual_duration.unwrap_or(0.0);
            self.shortest = if self.sessions == 0 { hours } else { self.shortest.min(hours) };
            self.longest = self.longest.max(hours);
            self.hours += hours;
            self.sessions += 1;
            self.students += usize::from(session.student_id != last);
            last = &session.student_id;
        }
    }
}

impl fmt::Display for StudySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sessions, students, hours, shortest, longest } = self;
        let mean = hours / (*sessions).max(1) as f64;
        write!(
            f,
            "{sessions} sessions of {students} students: {mean:.2} hours on average, {shortest:.2} to {longest:.2}."
        )
    }
}

impl fmt::Display for StudyOracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words =
            |figures: DurationFigures| format!("MAE {:.3} h, RMSE {:.3} h", figures.mae, figures.rmse);
        write!(
            f,
            "Best attainable from the facts of a session: {}; knowing the student's speed too: {}.",
            words(self.features),
            words(self.student)
        )
    }
}
