//! Contact churn: from what is known of a contact to the probability of silence, how sure it is, why, and what
//! to do.
//!
//! The rows are those of [`ContactRow`](tenure_features::contacts::ContactRow), or of any table with a target of
//! two classes; the learner is a random forest unless another is named.
//!
//! ```no_run
//! use tenure_churn::contact::{ContactChurnParams, train};
//! use tenure_core::FitContext;
//! # fn read() -> tenure_core::Dataset { unimplemented!() }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let data = read(); // contacts as of some instants, and whether they fell silent
//! let trained = train(&data, &ContactChurnParams::default(), &FitContext::new(42))?;
//! println!("on contacts held out: AUC {:.3}", trained.report.held_out.model.roc_auc);
//!
//! let decision = trained.model.decide("K0000001", &data.row(0).to_vec())?;
//! println!("{:.0} %: {}", 100.0 * decision.churn_probability, decision.recommendations.join(" "));
//! # Ok(())
//! # }
//! ```

mod decision;
mod evaluate;
mod model;
mod params;
mod report;
pub mod rules;
mod train;

pub use decision::ContactChurn;
pub use evaluate::{ContactBaselines, ContactEvaluation, ContactFigures, evaluate};
pub use model::{ContactChurnModel, ContactSettings};
pub use params::ContactChurnParams;
pub use report::report;
pub use train::{ContactTrained, ContactTraining, LEAST_ROWS, train};
