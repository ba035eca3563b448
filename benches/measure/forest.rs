//! Training of random forests on matrices written by `peers/boosting.py`, beside `peers/forest.py`.

use std::error::Error;
use std::path::Path;

use ndarray::Array2;
use serde_json::json;
use tenure_core::{Dataset, Feature, FitContext, Learner, Schema, Target};
use tenure_eval::metrics::{log_loss, roc_auc};
use tenure_gbdt::{Columns, ForestParams};

use crate::matrix::Matrix;
use crate::timing::seconds;
use crate::{Outcome, process};

/// The settings of `peers/forest.py`: 200 trees of depth 12, a square root of the features a node for classes, a
/// third for numbers, leaves of one row. `kind` is `binary`, `extra` or `regression`.
fn params(kind: &str) -> Result<ForestParams, Box<dyn Error>> {
    let common = ForestParams { trees: 200, depth: Some(12), min_rows: 1, ..ForestParams::default() };
    match kind {
        "binary" => Ok(common),
        "extra" => Ok(ForestParams { extra: true, bootstrap: false, ..common }),
        "regression" => Ok(ForestParams { columns: Some(Columns::Third), ..common }),
        _ => Err(format!("`{kind}` is neither binary nor extra nor regression").into()),
    }
}

/// Trains, and judges on the test rows.
pub(crate) fn fit(kind: &str, folder: &Path, threads: usize, seed: u64) -> Outcome {
    let learner = params(kind)?.check()?;
    let numeric = kind == "regression";
    let train = dataset(folder, "train", numeric)?;
    process::reset_peak()?;
    let before = process::now_megabytes();
    let start = process::cpu_seconds();
    let context = FitContext::new(seed).with_threads(threads);
    let (fitted, time) = seconds(|| learner.fit(&train, None, &context))?;
    let cpu = process::cpu_seconds().zip(start).map(|(end, start)| end - start);
    let peak = process::peak_megabytes();
    let test = dataset(folder, "test", numeric)?;
    let answers = fitted.model.predict(test.x())?.column(0).to_vec();
    let labels = test.target()?.values();
    let quality = if numeric {
        let squares = answers.iter().zip(labels).map(|(a, y)| (a - y).powi(2));
        json!({ "rmse": (squares.sum::<f64>() / labels.len() as f64).sqrt() })
    } else {
        json!({ "auc": roc_auc(labels, &answers, None)?, "log_loss": log_loss(labels, &answers, None)? })
    };
    let mut report = json!({
        "seconds": time,
        "cpu_s": cpu,
        "peak_mb": peak,
        "growth_mb": peak.zip(before).map(|(peak, before)| peak - before),
        "out_of_bag_loss": fitted.report.history.last().map(|point| point.train),
    });
    if let (Some(report), Some(quality)) = (report.as_object_mut(), quality.as_object()) {
        report.extend(quality.clone());
    }
    Ok(report)
}

/// For regression the label is a number that the first features give and the class moves.
fn dataset(folder: &Path, part: &str, numeric: bool) -> Result<Dataset, Box<dyn Error>> {
    let Matrix { x, y } = Matrix::read(folder, part)?;
    let columns = x.len() / y.len();
    let features = (0..columns).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect();
    let x = Array2::from_shape_vec((y.len(), columns), x)?;
    let target = if numeric {
        let known = |value: f64| if value.is_nan() { 0.0 } else { value };
        let label = |(row, y): (ndarray::ArrayView1<'_, f64>, f64)| y + known(row[0]) + known(row[4]).sin();
        Target::real("y", x.rows().into_iter().zip(y).map(label).collect())?
    } else {
        Target::binary("y", y)?
    };
    Ok(Dataset::new(Schema::new(features)?, x)?.with_target(target)?)
}
