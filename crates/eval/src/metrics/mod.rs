//! Metrics as plain functions over slices.
//!
//! All take the truth first, then the prediction, then the weights:
//!
//! * `labels`: 0 or 1; `actual`: the true numbers of a regression.
//! * `scores`: any finite number, higher for class 1; `probabilities`: 0 to 1; `predicted`: numbers in the
//!   unit of `actual`.
//! * `weights`: how many times each row counts, finite and at least 0; `None` for once each. A row of weight
//!   0 is as good as absent, but its values are still checked.
//!
//! A target of several classes has functions of its own, whose labels are indices of classes and whose
//! probabilities are a matrix, rows × classes; see [`MulticlassReport`].
//!
//! The answer is always finite. Empty input, lengths that differ, NaN, only zero weights, and one class only
//! where the metric needs two, are each an [`enum@crate::Error`]. Equal scores are one tie: no result depends
//! on the order of the rows.

mod classification;
mod concentration;
mod delong;
mod gains;
mod multiclass;
mod probability;
mod ranking;
mod regression;
mod report;

pub use classification::{Confusion, accuracy, confusion, f1, precision, rate_interval, recall};
pub use concentration::{share_of_top, spearman};
pub use delong::{AucComparison, AucInterval, delong_test, roc_auc_interval};
pub use gains::{GainsRow, gains, lift_at, precision_at_k, recall_at_k};
pub use multiclass::{
    ClassReport, MulticlassReport, confusion_matrix, f1_macro, multiclass_accuracy, multiclass_brier,
    multiclass_log_loss, roc_auc_macro,
};
pub use probability::{Bins, ReliabilityBin, brier, ece, log_loss, max_calibration_error, reliability_curve};
pub use ranking::{
    PrecisionRecallPoint, RocPoint, average_precision, ks, precision_recall_curve, roc_auc, roc_curve,
};
pub use regression::{
    d2_tweedie, gamma_deviance, huber_loss, interval_coverage, mae, mape, mean_interval_width,
    normalised_gini, pinball_loss, poisson_deviance, r2, rmse, tweedie_deviance,
};
pub use report::{BinaryReport, RegressionReport};
