//! Study time: from a student, a topic and a session to hours, with an interval.
//!
//! ```no_run
//! use tenure_core::FitContext;
//! use tenure_features::study::StudySession;
//! use tenure_study_time::{Samples, StudyParams, train};
//! # fn read() -> Vec<StudySession> { unimplemented!() }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sessions = read(); // sessions whose duration is known
//! let next = StudySession { actual_duration: None, ..sessions[0].clone() };
//! let trained = train(&Samples::Sessions(sessions), &StudyParams::default(), &FitContext::new(42))?;
//! println!("on students held out: off by {:.2} h", trained.report.held_out.model.mae);
//!
//! let answer = &trained.model.predict_sessions(&[next], &[])?[0];
//! println!("{:.1} h, {:.1} to {:.1}", answer.hours, answer.interval.low, answer.interval.high);
//! # Ok(())
//! # }
//! ```
//!
//! * [`train`]: an ensemble of multi-layer perceptrons, or of any other learner by one value ([`StudyLearner`]): boosted
//!   trees, linear models, networks over a student's sessions (LSTM, attention). What was learned of the texts is kept
//!   with the model ([`StudyModel::encoder`]). The same on the numeric target of any table.
//! * [`evaluate`] and [`report()`]: figures beside the mean and the topic's own estimate, by segment; a page with every row.
//! * [`compare`]: learners on the same folds, and whether the more complicated one pays.
//! * [`search()`]: grids over several learners, the choice made inside the folds it is judged on.
//! * [`importances`], [`outliers()`]: what a model leans on, and what in the data is far from the rest.
//!
//! # Intervals
//! Each member of the ensemble stops early on one part of the students and is judged on it; from these errors comes a
//! conformal margin, on logarithms where all targets are above 0, so that a range grows with what is predicted. The stated
//! coverage holds on average over students like those learned from, and not for each kind of session.

mod compare;
mod decision;
mod error;
mod evaluate;
mod importance;
mod model;
mod outliers;
mod params;
mod report;
mod samples;
mod search;
mod train;

pub use compare::{ComparedLearner, Comparison, Gain, compare};
pub use decision::{HourInterval, StudyTimePrediction};
pub use error::{Error, Result};
pub use evaluate::{
    Coverage, Evaluation, OracleFigures, SegmentFigures, StudyFigures, TrueDurations, evaluate,
};
pub use importance::{FeatureImportance, first_layer_weights, importances};
pub use model::{StudyModel, StudySettings};
pub use outliers::{ColumnOutliers, outliers};
pub use params::{SequenceParams, StudyLearner, StudyParams};
pub use report::report;
pub use samples::{LEAST_ROWS, Samples};
pub use search::{Candidate, Chosen, GridSearch, JudgedChoice, Searched, search};
pub use train::{TrainReport, Trained, train};
