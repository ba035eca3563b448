//! How good predictions are, by the kind of the target.

use anyhow::Result;
use ndarray::{Array2, ArrayView2};
use tenure_core::{Dataset, Error, TargetKind};
use tenure_eval::metrics::{BinaryReport, MulticlassReport, RegressionReport};

/// Named numbers, the one to judge by first.
pub type Figures = Vec<(&'static str, f64)>;

/// What the task is called on the command line.
pub fn task(kind: &TargetKind) -> &'static str {
    match kind {
        TargetKind::Binary => "binary",
        TargetKind::Class { .. } => "multiclass",
        _ => "regression",
    }
}

/// Judges predictions (rows × outputs) for the rows of a data set.
pub fn judge(data: &Dataset, predictions: ArrayView2<'_, f64>) -> Result<Figures> {
    let target = data.target()?;
    let (labels, weights) = (target.values(), data.weights());
    match target.kind() {
        TargetKind::Binary => {
            let report = BinaryReport::new(labels, &predictions.column(0).to_vec(), weights, 0.5)?;
            Ok(vec![
                ("roc_auc", report.roc_auc),
                ("log_loss", report.log_loss),
                ("brier", report.brier),
                ("ece", report.ece),
                ("average_precision", report.average_precision),
                ("accuracy", report.accuracy),
            ])
        }
        TargetKind::Class { classes } => {
            let report = MulticlassReport::new(classes, labels, predictions, weights)?;
            Ok(vec![
                ("log_loss", report.log_loss),
                ("roc_auc_macro", report.roc_auc_macro),
                ("brier", report.brier),
                ("ece_classwise", report.ece_classwise),
                ("accuracy", report.accuracy),
                ("f1_macro", report.f1_macro),
            ])
        }
        _ => {
            let report = RegressionReport::new(labels, &predictions.column(0).to_vec(), weights)?;
            let undefined = || Error::Data("R² is not defined: a fold's target is constant".into());
            let r2 = report.r2.ok_or_else(undefined)?;
            Ok(vec![("rmse", report.rmse), ("mae", report.mae), ("r2", r2)])
        }
    }
}

/// What somebody answers who knows the training rows' labels and nothing else: their mean, or the share of each
/// class.
pub fn know_nothing(train: &Dataset, rows: usize) -> Result<Array2<f64>> {
    let target = train.target()?;
    let labels = target.values();
    let weight = |row: usize| train.weights().map_or(1.0, |weights| weights[row]);
    let total: f64 = (0..labels.len()).map(weight).sum();
    let mean = |of: &dyn Fn(f64) -> f64| {
        (0..labels.len()).map(|row| weight(row) * of(labels[row])).sum::<f64>() / total
    };
    let answer: Vec<f64> = match target.kind() {
        TargetKind::Class { classes } => {
            (0..classes.len()).map(|class| mean(&|y| f64::from(y == class as f64))).collect()
        }
        _ => vec![mean(&|y| y)],
    };
    Ok(Array2::from_shape_fn((rows, answer.len()), |(_, output)| answer[output]))
}
