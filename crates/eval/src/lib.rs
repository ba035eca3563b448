//! How good a model is, how sure it is, and where to draw the line.
//!
//! * [`metrics`]: ranking, probability, threshold and regression metrics as plain functions over slices, and
//!   two reports that hold the main ones.
//! * [`splits`]: hold-out, k-fold (plain, stratified, by group), time series with a gap.
//! * [`calibration`]: from scores to probabilities that mean what they say, and intervals around them.
//! * [`threshold`]: the threshold with the best F1, the best profit, or enough precision.
//! * [`explain`]: permutation importance and partial dependence of any [`tenure_core::Model`].
//! * [`conformal`]: intervals and sets with a coverage guarantee.
//!
//! No function returns NaN: where a figure is not defined, it returns an [`enum@Error`] that says why.
//!
//! # Example
//!
//! ```
//! use tenure_eval::metrics::{roc_auc, roc_auc_interval};
//!
//! let labels = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0];
//! let scores = [0.1, 0.3, 0.35, 0.4, 0.8, 0.9];
//! assert_eq!(roc_auc(&labels, &scores, None)?, 8.0 / 9.0);
//! let interval = roc_auc_interval(&labels, &scores, None, 0.95)?;
//! assert!(interval.low < interval.auc && interval.high == 1.0);
//! # Ok::<(), tenure_eval::Error>(())
//! ```

pub mod calibration;
mod check;
pub mod conformal;
mod error;
pub mod explain;
pub mod metrics;
mod rank;
pub mod report;
pub mod splits;
mod stats;
pub mod threshold;

pub use error::{Error, Result};
