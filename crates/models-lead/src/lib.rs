//! Lead scoring: from what is known of a lead to a score, how sure it is, why, and what to do.
//!
//! ```no_run
//! use tenure_core::FitContext;
//! use tenure_lead::{LeadParams, train};
//! # fn read() -> tenure_core::Dataset { unimplemented!() }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let data = read(); // leads with a known score, or that converted or not
//! let trained = train(&data, &LeadParams::default(), &FitContext::new(42))?;
//! println!("on leads held out: {:?}", trained.report.held_out.model);
//!
//! let row = data.row(0).to_vec();
//! let lead = trained.model.decide("L0000001", &row)?;
//! println!("{:.0} of 100, {}: {}", lead.score, lead.quality_tier, lead.recommendation);
//! # Ok(())
//! # }
//! ```
//!
//! What is learned follows from the target. A number from 0 to 100 is a score that somebody gave: the model is a
//! regression, its range a conformal one. A target of two classes says whether a lead converted: the score is
//! then the calibrated probability × 100, its range one of rates among similar leads.
//!
//! The features are those of [`LeadRow`](tenure_features::contacts::LeadRow), or the columns of any table.
//! Nothing here can tell whether a column of a table was filled in after the outcome: such columns have to be
//! left out of it.

mod decision;
mod error;
mod evaluate;
mod model;
mod params;
mod rank;
mod report;
pub mod rules;
mod train;

pub use decision::{LeadFactor, LeadFactors, LeadScore, ScoreInterval, Tier};
pub use error::{Error, Result};
pub use evaluate::{
    Baselines, Coverage, Evaluation, Figures, LeadFigures, OracleFigures, ScoreFigures, TierFigures, evaluate,
};
pub use model::{LeadModel, LeadSettings};
pub use params::{Goal, LeadParams, TierBounds, Tiers};
pub use rank::{LeadRanking, RankedLead, TierSummary, rank};
pub use report::report;
pub use train::{CrossValidation, LEAST_ROWS, TrainReport, Trained, train};
