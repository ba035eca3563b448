//! Customer lifetime value: from an order log to expected spend, how sure it is, and why.
//!
//! ```no_run
//! use tenure_core::FitContext;
//! use tenure_ltv::{LtvParams, train};
//! # fn read() -> tenure_features::OrderLog { unimplemented!() }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let log = read(); // e.g. with tenure-io, or pushed from memory
//! let context = FitContext::new(42);
//! let trained = train(&log, &LtvParams::default(), None, &context)?;
//! let found = trained.model.predict_customer(&log, "2024-06-01".parse()?, "C0000042", &context)?;
//! let range = found.confidence_interval;
//! println!("{:.0} ({:.0} to {:.0}), {}", found.predicted_ltv, range.low, range.high, found.value_segment);
//! # Ok(())
//! # }
//! ```
//!
//! Two ways to the same answer, which also work together:
//!
//! * **Supervised** ([`train`], this module): learns from monthly snapshots of the log what customers spent in the
//!   window after them. No feature sees an event at or after its snapshot, and no snapshot is labelled before its
//!   window is over, so the log must be longer than the window.
//! * **Probabilistic** ([`probabilistic`]): BG/NBD, Pareto/NBD and BG/BB with Gamma-Gamma, from a customer's
//!   recency, frequency, age and mean spend alone; needs no window to learn from, and extrapolates to any length.
//!
//! The forecasts of BG/NBD and Gamma-Gamma, fitted to what lay before a snapshot, are among the features of the
//! supervised model, and a baseline of each of its evaluations ([`evaluate`], [`cross_validate`]).
//!
//! # Without a window to learn from
//!
//! ```
//! use tenure_core::FitContext;
//! use tenure_ltv::probabilistic::{
//!     BgNbd, FitParams, ForecastParams, GammaGamma, Summaries, TimeUnit, value,
//! };
//!
//! // Repeat purchases, weeks from the first to the last, weeks since the first, mean spend; `Summaries::from_log`
//! // makes them from an order log.
//! let customers = Summaries::new(
//!     &[0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 1.0, 7.0, 3.0, 1.0],
//!     &[0.0, 0.0, 0.0, 0.0, 2.0, 30.4, 33.1, 29.4, 9.0, 20.0],
//!     &[39.0, 38.0, 39.0, 30.0, 38.9, 38.9, 35.0, 38.9, 36.0, 39.0],
//! )?
//! .with_mean_spend(vec![0.0, 0.0, 0.0, 0.0, 11.8, 22.4, 20.0, 73.7, 30.0, 45.0])?;
//!
//! // Ten customers tell little: a slight penalty keeps the parameters finite.
//! let params = FitParams { l2: 0.01, ..FitParams::default() };
//! let context = FitContext::new(42);
//! let purchases = BgNbd::fit(&customers, &params, &context)?;
//! let spend = GammaGamma::fit(&customers, &params, &context)?;
//!
//! let year = ForecastParams { discount: 0.01, ..ForecastParams::months(12, TimeUnit::Week) };
//! let forecasts = value(&purchases.params(), &spend.params(), &customers, &year, None)?;
//! let best = &forecasts[7];
//! assert!(best.value_low <= best.value && best.value <= best.value_high);
//! # Ok::<(), tenure_ltv::Error>(())
//! ```

mod decision;
mod error;
mod evaluate;
mod intervals;
mod model;
mod params;
mod parts;
pub mod probabilistic;
mod purchase_fit;
mod report;
mod rhythm;
mod table;
mod train;
mod value_model;

pub use decision::{
    Contact, Driver, LtvPrediction, Segment, ValueAtRisk, ValueInterval, rank_by_contact_profit,
};
pub use error::{Error, Result};
pub use evaluate::{
    Baselines, Decile, Evaluation, JudgedOn, LtvFigures, OracleFigures, ValueFigures, cross_validate,
    evaluate, evaluate_with,
};
pub use intervals::{Coverage, SegmentCoverage};
pub use model::{LtvModel, LtvSettings};
pub use params::{Family, LtvParams, SegmentQuantiles};
pub use parts::ValueLearner;
pub use purchase_fit::{PurchaseFamily, PurchaseFit, fit_purchases};
pub use report::report;
pub use rhythm::Rhythm;
pub use train::{LEAST_ROWS, SnapshotReport, TrainReport, Trained, train, train_with};
pub use value_model::ValueModel;
