//! The main figures of a model in one piece.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::check::Pairs;
use crate::rank::Ranking;

use super::{
    Bins, brier, confusion, ece, gamma_deviance, log_loss, mae, mape, normalised_gini, r2, rmse,
    roc_auc_interval,
};

/// The main figures of a binary classifier. Figures without a definition for the rows at hand are `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BinaryReport {
    /// Rows judged.
    pub rows: usize,
    /// Their total weight; the number of rows where there are no weights.
    pub weight: f64,
    /// Weighted share of positives.
    pub base_rate: f64,
    /// Weighted mean of the probabilities.
    pub mean_probability: f64,
    /// Area under the ROC curve.
    pub roc_auc: f64,
    /// Lower end of DeLong's 95 % interval; `None` where a class has one row.
    pub roc_auc_low: Option<f64>,
    /// Upper end of DeLong's 95 % interval.
    pub roc_auc_high: Option<f64>,
    /// Average precision.
    pub average_precision: f64,
    /// Log loss, in nats.
    pub log_loss: f64,
    /// Log loss of always answering the base rate.
    pub log_loss_base: f64,
    /// Brier score.
    pub brier: f64,
    /// Expected calibration error over ten bins of equal mass.
    pub ece: f64,
    /// Kolmogorov–Smirnov statistic.
    pub ks: f64,
    /// Lift of the best-scored tenth.
    pub lift_top_decile: f64,
    /// Rows with at least this probability are taken as positive in the figures below.
    pub threshold: f64,
    /// Share of right decisions.
    pub accuracy: f64,
    /// Share of positives among the rows taken; `None` where none reaches the threshold.
    pub precision: Option<f64>,
    /// Share of the positives that are taken.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
}

impl BinaryReport {
    /// Computes all figures. The AUC interval is at level 0.95.
    ///
    /// # Errors
    /// As [`super::roc_auc`], and for probabilities outside [0, 1] or a NaN threshold.
    pub fn new(
        labels: &[f64],
        probabilities: &[f64],
        weights: Option<&[f64]>,
        threshold: f64,
    ) -> Result<Self> {
        let pairs = Pairs::probabilities(labels, probabilities, weights)?;
        pairs.require_two_classes("the report")?;
        let ranking = Ranking::new(pairs);
        let interval = match roc_auc_interval(labels, probabilities, weights, 0.95) {
            Ok(interval) => Some(interval),
            Err(crate::Error::Undefined { .. }) => None,
            Err(error) => return Err(error),
        };
        let base_rate = pairs.mean(|y, _| y);
        let counts = confusion(labels, probabilities, weights, threshold)?;
        let tenth = 0.1;
        Ok(Self {
            rows: pairs.len(),
            weight: pairs.total_weight,
            base_rate,
            mean_probability: pairs.mean(|_, p| p),
            roc_auc: ranking.auc(),
            roc_auc_low: interval.map(|i| i.low),
            roc_auc_high: interval.map(|i| i.high),
            average_precision: ranking.average_precision(),
            log_loss: log_loss(labels, probabilities, weights)?,
            log_loss_base: -(base_rate * base_rate.ln() + (1.0 - base_rate) * (-base_rate).ln_1p()),
            brier: brier(labels, probabilities, weights)?,
            ece: ece(labels, probabilities, weights, Bins::default())?,
            ks: ranking.ks(),
            lift_top_decile: ranking.positives_among(tenth * ranking.total()) / ranking.positives / tenth,
            threshold,
            // Both classes have weight, so that none of these three has an empty denominator.
            accuracy: counts.accuracy().unwrap_or(0.0),
            precision: counts.precision(),
            recall: counts.recall().unwrap_or(0.0),
            f1: counts.f1().unwrap_or(0.0),
        })
    }
}

/// The main figures of a regression. Figures without a definition for the rows at hand are `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegressionReport {
    /// Rows judged.
    pub rows: usize,
    /// Their total weight; the number of rows where there are no weights.
    pub weight: f64,
    /// Weighted mean of the actual values.
    pub mean_actual: f64,
    /// Weighted mean of the predictions.
    pub mean_predicted: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Mean of `predicted − actual`.
    pub bias: f64,
    /// Coefficient of determination; `None` where all actual values are equal.
    pub r2: Option<f64>,
    /// Mean absolute percentage error as a fraction; `None` where an actual value is 0.
    pub mape: Option<f64>,
    /// Normalised Gini; `None` for negative or all equal actual values.
    pub normalised_gini: Option<f64>,
    /// Mean gamma deviance; `None` unless all actual and predicted values are above 0.
    pub gamma_deviance: Option<f64>,
}

impl RegressionReport {
    /// Computes all figures.
    ///
    /// # Errors
    /// As [`super::rmse`].
    pub fn new(actual: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Result<Self> {
        let pairs = Pairs::numbers(actual, predicted, weights)?;
        Ok(Self {
            rows: pairs.len(),
            weight: pairs.total_weight,
            mean_actual: pairs.mean(|y, _| y),
            mean_predicted: pairs.mean(|_, p| p),
            rmse: rmse(actual, predicted, weights)?,
            mae: mae(actual, predicted, weights)?,
            bias: pairs.mean(|y, p| p - y),
            // The rows are checked above: what these refuse is a figure without a definition.
            r2: r2(actual, predicted, weights).ok(),
            mape: mape(actual, predicted, weights).ok(),
            normalised_gini: normalised_gini(actual, predicted, weights).ok(),
            gamma_deviance: gamma_deviance(actual, predicted, weights).ok(),
        })
    }
}
