//! Order logs: reading, features, synthetic orders, decisions.

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::Path;

use serde_json::json;
use tenure_churn::{ChurnParams, ChurnScorer, train};
use tenure_core::{Dataset, FitContext};
use tenure_features::{
    FeatureSet, FuzzyAxes, OrderColumns, OrderLog, SnapshotPlan, SnapshotTable, training_set,
};
use tenure_io::{OrderMapping, ReadOptions, read_orders};
use tenure_synth::OrderParams;

use crate::timing::{median, p50_microseconds, seconds};
use crate::{Outcome, process};

/// Every so many rows of the features are written for `peers/features.py compare`.
const SAMPLE: usize = 997;
const DECISIONS: usize = 20_000;
const SYNTHETIC_SEEDS: u64 = 9;

/// From `orders.parquet` to the training set with its fuzzy axes; `total_s` includes reading the file.
pub(crate) fn features(folder: &Path, threads: usize) -> Outcome {
    let context = FitContext::new(0).with_threads(threads);
    let ((columns, _), read) =
        seconds(|| read_orders(&folder.join("orders.parquet"), &OrderMapping::default(), &options(threads)))?;
    let (log, sort) = seconds(|| OrderLog::from_columns(columns))?;
    let plan = SnapshotPlan { max_snapshots: Some(12), ..SnapshotPlan::default() };
    let (table, build) = seconds(|| training_set(&log, &plan, None, &FeatureSet::default(), &context))?;
    let (data, fuzzy) = seconds(|| {
        let axes = FuzzyAxes::fit(table.data().schema(), table.data().x())?;
        axes.append(table.data())
    })?;
    let (peak, cpu) = (process::peak_megabytes(), process::cpu_seconds());
    write_sample(folder, &table, &data)?;
    Ok(json!({
        "orders": log.orders(), "rows": data.rows(), "columns": data.schema().len(),
        "read_s": read, "log_s": sort, "features_s": build, "fuzzy_s": fuzzy,
        "total_s": read + sort + build + fuzzy, "cpu_s": cpu, "peak_mb": peak,
    }))
}

/// Instant, customer number, label, then the features of some rows.
fn write_sample(folder: &Path, table: &SnapshotTable, data: &Dataset) -> Result<(), Box<dyn Error>> {
    let mut sample = BufWriter::new(fs::File::create(folder.join("ours.f64"))?);
    let (times, labels) = (data.times().ok_or("no times")?, data.target()?.values());
    for i in (0..data.rows()).step_by(SAMPLE) {
        let customer: f64 = table.customer_id(i).ok_or("no id")?.parse()?;
        for value in [times[i] as f64, customer, labels[i]].iter().chain(data.row(i)) {
            sample.write_all(&value.to_le_bytes())?;
        }
    }
    sample.flush()?;
    let names: Vec<&str> = data.schema().names().collect();
    fs::write(folder.join("names.txt"), names.join("\n"))?;
    Ok(())
}

/// Reads an order log with the default options.
pub(crate) fn read(file: &Path, threads: usize) -> Outcome {
    let ((columns, _), time) = seconds(|| read_orders(file, &OrderMapping::default(), &options(threads)))?;
    Ok(json!({ "lines": columns.len(), "seconds": time, "peak_mb": process::peak_megabytes() }))
}

fn options(threads: usize) -> ReadOptions<'static> {
    ReadOptions { threads: NonZeroUsize::new(threads), ..ReadOptions::default() }
}

/// Orders a second on one thread: in memory, and streamed in batches of 4,096 customers.
pub(crate) fn synth(customers: usize) -> Outcome {
    let world = OrderParams { customers, ..OrderParams::default() }.check()?;
    let (mut whole, mut streamed, mut counted) = (Vec::new(), Vec::new(), 0);
    for seed in 0..SYNTHETIC_SEEDS {
        let (log, time) = seconds(|| world.generate(seed, 1))?;
        counted = orders(&log.orders);
        whole.push(counted as f64 / time);
        let (batched, time) = seconds(|| -> Result<u32, Box<dyn Error>> {
            Ok(world.batches(seed, 4096).map(|batch| orders(&batch.orders)).max().unwrap_or(0))
        })?;
        streamed.push(f64::from(batched) / time);
    }
    Ok(json!({
        "orders": counted, "orders_per_second": median(whole), "streamed_orders_per_second": median(streamed),
    }))
}

/// Order codes count from 0, over all batches.
fn orders(columns: &OrderColumns) -> u32 {
    columns.order.as_deref().unwrap_or_default().last().map_or(0, |&highest| highest + 1)
}

/// One decision from a row of features, and from the log of orders, another customer each time.
pub(crate) fn decide(customers: usize) -> Outcome {
    let world = OrderParams { customers, ..OrderParams::default() }.check()?;
    let log = OrderLog::from_columns(world.generate(42, 1)?.orders)?;
    let params = ChurnParams::default();
    let trained = train(&log, &params, None, &FitContext::new(42))?;
    let table = training_set(&log, &params.plan(), None, &params.features()?, &FitContext::new(42))?;
    let scorer = ChurnScorer::new(trained.model)?;
    let model = scorer.model().ok_or("rules instead of a model")?;
    let (data, as_of) = (table.data(), world.end());
    let rows = data.rows();
    let customer = |call: usize| table.customer_id(call * 7919 % rows).ok_or("no such row");
    let decide = p50_microseconds(DECISIONS, |call| -> Result<(), Box<dyn Error>> {
        let row = data.row(call * 7919 % rows);
        let row = row.to_slice().ok_or("the matrix is not row-major")?;
        black_box(model.decide(customer(call)?, as_of, black_box(row))?);
        Ok(())
    })?;
    let active: Vec<&str> = (0..rows)
        .filter_map(|i| table.customer_id(i))
        .filter(|c| scorer.score(&log, as_of, c).is_ok())
        .collect();
    let score = p50_microseconds(DECISIONS, |call| -> Result<(), Box<dyn Error>> {
        black_box(scorer.score(&log, as_of, active[call * 7919 % active.len()])?);
        Ok(())
    })?;
    Ok(json!({ "rows": rows, "columns": data.schema().len(), "decide_us": decide, "score_us": score }))
}
