//! Training and scoring of boosted trees on matrices written by `peers/boosting.py`.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use ndarray::Array2;
use serde_json::json;
use tenure_core::{Dataset, Feature, FitContext, Fitted, Learner, Schema, Target};
use tenure_eval::metrics::{log_loss, roc_auc};
use tenure_gbdt::GbdtParams;

use crate::matrix::Matrix;
use crate::timing::{median, p50_microseconds, seconds};
use crate::{Outcome, process};

const BATCHES: usize = 5;
const ONE_ROW_CALLS: usize = 20_000;
const EXPLAINED_ROWS: usize = 2_000;

/// Trains with the settings of `peers/boosting.py`, which are the defaults, without early stopping.
pub(crate) fn fit(folder: &Path, threads: usize) -> Outcome {
    let train = dataset(folder, "train")?;
    process::reset_peak()?;
    let before = process::now_megabytes();
    let start = process::cpu_seconds();
    let (fitted, time) = seconds(|| learn(&train, threads))?;
    let cpu = process::cpu_seconds().zip(start).map(|(end, start)| end - start);
    let peak = process::peak_megabytes();
    let test = dataset(folder, "test")?;
    let scores = fitted.model.predict(test.x())?.column(0).to_vec();
    let labels = test.target()?.values();
    Ok(json!({
        "seconds": time,
        "cpu_s": cpu,
        "auc": roc_auc(labels, &scores, None)?,
        "log_loss": log_loss(labels, &scores, None)?,
        "trees": fitted.report.iterations,
        "peak_mb": peak,
        "growth_mb": peak.zip(before).map(|(peak, before)| peak - before),
    }))
}

/// Scores and explains the test rows on the calling thread's pool; `RAYON_NUM_THREADS=1` makes that one core.
pub(crate) fn predict(folder: &Path) -> Outcome {
    let (train, test) = (dataset(folder, "train")?, dataset(folder, "test")?);
    let model = learn(&train, 2)?.model;
    let x = test.x();
    let mut out = Array2::zeros((x.nrows(), 1));
    model.predict_into(x, out.view_mut())?;
    let mut batches = Vec::new();
    for _ in 0..BATCHES {
        batches.push(seconds(|| model.predict_into(black_box(x), out.view_mut()))?.1);
    }
    let batch = median(batches).ok_or("no batches")?;
    let row = |call: usize| x.row(call % x.nrows()).to_slice().ok_or("the matrix is not row-major");
    let mut one = [0.0];
    let one_row = p50_microseconds(ONE_ROW_CALLS, |call| -> Result<(), Box<dyn Error>> {
        Ok(model.predict_row(black_box(row(call)?), &mut one)?)
    })?;
    let explain = p50_microseconds(EXPLAINED_ROWS, |call| -> Result<(), Box<dyn Error>> {
        black_box(model.explain_row(black_box(row(call)?), 0)?);
        Ok(())
    })?;
    Ok(json!({
        "rows_per_second": x.nrows() as f64 / batch,
        "one_row_us": one_row,
        "shap_us": explain,
    }))
}

fn learn(train: &Dataset, threads: usize) -> tenure_core::Result<Fitted> {
    let params = GbdtParams { early_stopping_rounds: None, ..GbdtParams::default() };
    params.check()?.fit(train, None, &FitContext::new(42).with_threads(threads))
}

fn dataset(folder: &Path, part: &str) -> Result<Dataset, Box<dyn Error>> {
    let Matrix { x, y } = Matrix::read(folder, part)?;
    let columns = x.len() / y.len();
    let features = (0..columns).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect();
    let x = Array2::from_shape_vec((y.len(), columns), x)?;
    Ok(Dataset::new(Schema::new(features)?, x)?.with_target(Target::binary("y", y)?)?)
}
