//! Builds a training set with fuzzy axes from raw columns and prints seconds and peak memory as JSON.
//!
//! `build_features FOLDER` reads `time.i64`, `customer.u32`, `amount.f64`, `quantity.f64`, `discount.f64`,
//! `category.u32` and `channel.u32` (little-endian; written by `benches/peers/features.py`) and writes
//! `ours.f64`: some rows of the result, for the script to compare.

#![allow(clippy::print_stdout, reason = "an example")]

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tenure_core::FitContext;
use tenure_features::{
    CodedColumn, FeatureSet, FuzzyAxes, OrderColumns, OrderLog, SnapshotPlan, training_set,
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: build_features FOLDER")?;
    let folder = Path::new(&folder);
    let columns = read_columns(folder)?;
    let start = Instant::now();
    let log = OrderLog::from_columns(columns)?;
    let log_seconds = start.elapsed().as_secs_f64();
    let plan = SnapshotPlan { max_snapshots: Some(12), ..SnapshotPlan::default() };
    let table = training_set(&log, &plan, None, &FeatureSet::default(), &FitContext::new(0))?;
    let features_seconds = start.elapsed().as_secs_f64() - log_seconds;
    let axes = FuzzyAxes::fit(table.data().schema(), table.data().x())?;
    let data = axes.append(table.data())?;
    let seconds = start.elapsed().as_secs_f64();

    // Every 997th row: instant, customer number, label, then the features.
    let mut sample = fs::File::create(folder.join("ours.f64"))?;
    let (times, labels) = (data.times().ok_or("no times")?, data.target()?.values());
    for i in (0..data.rows()).step_by(997) {
        let customer: f64 = table.customer_id(i).ok_or("no id")?.parse()?;
        let features = data.row(i).to_vec();
        let values = [times[i] as f64, customer, labels[i]].into_iter().chain(features);
        let bytes: Vec<u8> = values.flat_map(f64::to_le_bytes).collect();
        sample.write_all(&bytes)?;
    }
    let names: Vec<&str> = data.schema().names().collect();
    fs::write(folder.join("names.txt"), names.join("\n"))?;
    println!(
        "{{\"orders\": {}, \"rows\": {}, \"columns\": {}, \"log_s\": {log_seconds:.3}, \
         \"features_s\": {features_seconds:.3}, \"fuzzy_s\": {:.3}, \"total_s\": {seconds:.3}, \
         \"peak_mb\": {}}}",
        log.orders(),
        data.rows(),
        data.schema().len(),
        seconds - log_seconds - features_seconds,
        peak_megabytes().map_or("null".to_owned(), |mb| mb.to_string()),
    );
    Ok(())
}

fn read_columns(folder: &Path) -> Result<OrderColumns, Box<dyn Error>> {
    let read = |name: &str| fs::read(folder.join(name));
    let u32s = |name: &str| -> Result<Vec<u32>, std::io::Error> {
        Ok(read(name)?.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect())
    };
    let f64s = |name: &str| -> Result<Vec<f64>, std::io::Error> {
        Ok(read(name)?.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect())
    };
    let coded = |codes: Vec<u32>| {
        let names = codes.iter().max().map_or(0, |m| m + 1);
        CodedColumn { codes, names: Arc::new((0..names).map(|i| i.to_string()).collect()) }
    };
    Ok(OrderColumns {
        customer: coded(u32s("customer.u32")?),
        time: read("time.i64")?.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect(),
        amount: f64s("amount.f64")?,
        quantity: Some(f64s("quantity.f64")?),
        discount: Some(f64s("discount.f64")?),
        category: Some(coded(u32s("category.u32")?)),
        channel: Some(coded(u32s("channel.u32")?)),
        ..OrderColumns::default()
    })
}

/// Peak resident memory, where the system tells.
fn peak_megabytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kb| kb / 1024)
}
