//! Fits binary data read from NumPy files and prints seconds and hold-out AUC as JSON: the Rust side of
//! `benches/peers/boosting.py`.
//!
//! Usage: `fit_npy FOLDER THREADS`, where the folder holds `x_train.npy`, `y_train.npy`, `x_test.npy` and
//! `y_test.npy`, all `f64` in C order.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use ndarray::Array2;
use tenure_core::{Dataset, Feature, FitContext, Learner, Schema, Target};
use tenure_gbdt::GbdtParams;

/// Values and shape of an `f64` array in NumPy's format, version 1.
fn read_npy(path: &Path) -> Result<(Vec<f64>, Vec<usize>), Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    if bytes.get(..6) != Some(b"\x93NUMPY".as_slice()) {
        return Err(format!("{} is not a NumPy file", path.display()).into());
    }
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..start])?;
    if !header.contains("'<f8'") || header.contains("'fortran_order': True") {
        return Err(
            format!("{}: expected little-endian f64 in C order, found {header}", path.display()).into()
        );
    }
    let shape = header.split(['(', ')']).nth(1).ok_or("no shape")?;
    let shape = shape.split(',').map(str::trim).filter(|s| !s.is_empty());
    let shape = shape.map(str::parse).collect::<Result<Vec<usize>, _>>()?;
    let values = bytes[start..].chunks_exact(8).map(|b| b.try_into().map(f64::from_le_bytes));
    Ok((values.collect::<Result<_, _>>()?, shape))
}

fn dataset(folder: &Path, part: &str) -> Result<Dataset, Box<dyn Error>> {
    let (x, shape) = read_npy(&folder.join(format!("x_{part}.npy")))?;
    let (y, _) = read_npy(&folder.join(format!("y_{part}.npy")))?;
    let [rows, columns] = shape[..] else { return Err("x is not a matrix".into()) };
    let features = (0..columns).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect();
    let x = Array2::from_shape_vec((rows, columns), x)?;
    Ok(Dataset::new(Schema::new(features)?, x)?.with_target(Target::binary("y", y)?)?)
}

/// Area under the ROC curve by ranks; ties share their mean rank.
fn auc(scores: &[f64], labels: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let (mut rank_sum, mut done) = (0.0, 0);
    for tied in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let rank = done as f64 + (tied.len() as f64 + 1.0) / 2.0;
        rank_sum += rank * tied.iter().map(|&i| labels[i]).sum::<f64>();
        done += tied.len();
    }
    let positive: f64 = labels.iter().sum();
    (rank_sum - positive * (positive + 1.0) / 2.0) / (positive * (labels.len() as f64 - positive))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: fit_npy FOLDER THREADS")?;
    let threads: usize = arguments.next().ok_or("usage: fit_npy FOLDER THREADS")?.parse()?;
    let (train, test) = (dataset(Path::new(&folder), "train")?, dataset(Path::new(&folder), "test")?);
    let learner = GbdtParams::default().check()?;
    let start = Instant::now();
    let fitted = learner.fit(&train, None, &FitContext::new(42).with_threads(threads))?;
    let seconds = start.elapsed().as_secs_f64();
    let predicted = fitted.model.predict(test.x())?;
    let auc = auc(&predicted.column(0).to_vec(), test.target()?.values());
    println!("{{\"seconds\": {seconds}, \"auc\": {auc}, \"trees\": {}}}", fitted.report.iterations);
    Ok(())
}
