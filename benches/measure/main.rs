//! The Rust side of the comparisons in `docs/benchmarks.md`; `benches/run` runs it beside the peers.
//!
//! ```text
//! measure fit FOLDER THREADS        trains on x_train.f64, y_train.f64, judges on x_test.f64, y_test.f64
//! measure predict FOLDER            the same model: rows a second, one row, one explanation
//! measure linear FAMILY FOLDER THREADS
//!                                   logistic or gamma regression on x_train.f64, y_train.f64
//! measure forest KIND FOLDER THREADS SEED
//!                                   a random forest on the same files; KIND is binary, extra or regression
//! measure neural PROFILE THREADS    an epoch and a prediction of the network of guide or sagemaker
//! measure features FOLDER THREADS   12 snapshots of order features from orders.parquet
//! measure read FILE THREADS         an order log into columns
//! measure synth CUSTOMERS           synthetic orders on one thread
//! measure value FOLDER THREADS      BG/NBD and Gamma-Gamma: fit, and the value of every customer
//! measure decide CUSTOMERS          one whole churn decision
//! measure decisions CONTACTS        one decision of each other domain model
//! ```
//! Each prints one JSON object. What is measured is wall-clock time of the work itself, not of the process.

use std::error::Error;
use std::io::Write;
use std::path::Path;

mod boosting;
mod decisions;
mod forest;
mod lifetime_value;
mod linear;
mod matrix;
mod neural;
mod orders;
mod process;
mod timing;

type Outcome = Result<serde_json::Value, Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let report = match arguments[..] {
        ["fit", folder, threads] => boosting::fit(Path::new(folder), threads.parse()?)?,
        ["predict", folder] => boosting::predict(Path::new(folder))?,
        ["linear", family, folder, threads] => linear::fit(family, Path::new(folder), threads.parse()?)?,
        ["forest", kind, folder, threads, seed] => {
            forest::fit(kind, Path::new(folder), threads.parse()?, seed.parse()?)?
        }
        ["neural", profile, threads] => neural::train(profile, threads.parse()?)?,
        ["features", folder, threads] => orders::features(Path::new(folder), threads.parse()?)?,
        ["read", file, threads] => orders::read(Path::new(file), threads.parse()?)?,
        ["synth", customers] => orders::synth(customers.parse()?)?,
        ["value", folder, threads] => lifetime_value::value_all(Path::new(folder), threads.parse()?)?,
        ["decide", customers] => orders::decide(customers.parse()?)?,
        ["decisions", contacts] => decisions::decide_all(contacts.parse()?)?,
        _ => {
            return Err(
                "usage: measure fit|predict|linear|forest|neural|features|read|synth|value|decide|decisions …"
                    .into(),
            );
        }
    };
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}
