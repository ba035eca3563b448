//! Study time.

mod decision;
mod error;
mod evaluate;
mod model;
mod params;
mod samples;
mod train;

pub use decision::{HourInterval, StudyTimePrediction};
pub use error::{Error, Result};
pub use evaluate::{Coverage, Evaluation, OracleFigures, SegmentFigures, StudyFigures, evaluate};
pub use model::{StudyModel, StudySettings};
pub use params::{SequenceParams, StudyLearner, StudyParams};
pub use samples::{LEAST_ROWS, Samples};
pub use train::{TrainReport, Trained, train};
