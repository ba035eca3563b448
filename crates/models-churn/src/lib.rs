//! Customer churn: from an order log to a probability, how sure it is, why, and what to do.
//!
//! ```no_run
//! use tenure_churn::{ChurnParams, ChurnScorer, train};
//! use tenure_core::FitContext;
//! # fn read() -> tenure_features::OrderLog { unimplemented!() }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let log = read(); // e.g. with tenure-io, or pushed from memory
//! let trained = train(&log, &ChurnParams::default(), None, &FitContext::new(42))?;
//! println!("expected AUC on new customers: {:.3}", trained.report.calibrated.roc_auc);
//!
//! let scorer = ChurnScorer::new(trained.model)?;
//! let decision = scorer.score(&log, "2024-06-01".parse()?, "C0000042")?;
//! println!("{:.0} % ({})", 100.0 * decision.churn_probability, decision.recommendation);
//! # Ok(())
//! # }
//! ```
//!
//! A customer has churned who makes no purchase within the prediction window (90 days). Training looks at
//! monthly snapshots of the log; no feature sees an event at or after its snapshot, and no snapshot is
//! labelled before its window is over.

pub mod contact;
mod decision;
mod error;
mod evaluate;
mod model;
mod params;
mod report;
pub mod rules;
mod scorer;
mod train;

pub use decision::{
    ChurnPrediction, Confidence, Interval, NARROW, RULES_VERSION, RiskBounds, RiskFactor, RiskLevel,
};
pub use error::{Error, Result};
pub use evaluate::{Baselines, ChurnFigures, Evaluation, OracleFigures, evaluate, evaluate_with};
pub use model::{ChurnModel, ChurnSettings};
pub use params::{ChurnParams, Goal, Profit};
pub use report::report;
pub use scorer::ChurnScorer;
pub use train::{LEAST_ROWS, SnapshotReport, TimeFold, TrainReport, Trained, train, train_with};
