//! Boosted trees in other Rust crates, on the matrices that `peers/boosting.py` writes.
//!
//! ```text
//! rust-peers fit forust|hessboost FOLDER THREADS
//! rust-peers predict forust|hessboost FOLDER
//! ```
//! Settings and output are those of `measure`, whose timing it shares.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use serde_json::{Value, json};
use tenure_eval::metrics::{log_loss, roc_auc};

#[path = "../../measure/matrix.rs"]
mod matrix;
mod peers;
#[path = "../../measure/process.rs"]
mod process;
#[path = "../../measure/timing.rs"]
mod timing;

use matrix::Matrix;
use peers::{Forust, Hessboost, Peer};
use timing::{median, p50_microseconds, seconds};

const BATCHES: usize = 5;
const ONE_ROW_CALLS: usize = 20_000;

type Outcome = Result<Value, Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let report = match arguments[..] {
        ["fit", "forust", folder, threads] => fit::<Forust>(Path::new(folder), threads.parse()?)?,
        ["fit", "hessboost", folder, threads] => fit::<Hessboost>(Path::new(folder), threads.parse()?)?,
        ["predict", "forust", folder] => predict::<Forust>(Path::new(folder))?,
        ["predict", "hessboost", folder] => predict::<Hessboost>(Path::new(folder))?,
        _ => return Err("usage: rust-peers fit|predict forust|hessboost FOLDER [THREADS]".into()),
    };
    println!("{report}");
    Ok(())
}

fn fit<P: Peer>(folder: &Path, threads: usize) -> Outcome {
    let data = P::data(Matrix::read(folder, "train")?)?;
    process::reset_peak()?;
    let before = process::now_megabytes();
    let start = process::cpu_seconds();
    let (model, time) = seconds(|| P::fit(&data, threads))?;
    let cpu = process::cpu_seconds().zip(start).map(|(end, start)| end - start);
    let peak = process::peak_megabytes();
    let test = Matrix::read(folder, "test")?;
    let labels = test.y.clone();
    let scores = model.predict(&P::data(test)?)?;
    Ok(json!({
        "seconds": time,
        "cpu_s": cpu,
        "auc": roc_auc(&labels, &scores, None)?,
        "log_loss": log_loss(&labels, &scores, None)?,
        "growth_mb": peak.zip(before).map(|(peak, before)| peak - before),
    }))
}

fn predict<P: Peer>(folder: &Path) -> Outcome {
    let model = P::fit(&P::data(Matrix::read(folder, "train")?)?, 2)?;
    let test = Matrix::read(folder, "test")?;
    let rows = test.y.len();
    let columns = test.x.len() / rows;
    let x = test.x.clone();
    let data = P::data(test)?;
    model.predict(&data)?;
    let mut batches = Vec::new();
    for _ in 0..BATCHES {
        batches.push(seconds(|| model.predict(black_box(&data)))?.1);
    }
    let batch = median(batches).ok_or("no batches")?;
    let one_row = p50_microseconds(ONE_ROW_CALLS, |call| -> Result<(), Box<dyn Error>> {
        let row = &x[call % rows * columns..][..columns];
        black_box(model.predict_row(black_box(row))?);
        Ok(())
    })?;
    Ok(json!({ "rows_per_second": rows as f64 / batch, "one_row_us": one_row }))
}
