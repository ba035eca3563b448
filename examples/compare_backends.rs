//! One churn model by several learners: changing the backend is changing one value.
//!
//! `cargo run --release -p tenure-examples --example compare_backends`
//!
//! Trains each on the same orders, judges all on a later quarter, and prints a table. Learners of other libraries
//! join in with `--features tenure/lightgbm`, `tenure/xgboost`, `tenure/linfa` and `tenure/smartcore`.
//!
//! ```text
//! backend               AUC  log loss    ECE   trained
//! gbdt               0.8181    0.5079  0.026    10.4 s
//! forest             0.8170    0.5116  0.026    42.5 s
//! logistic           0.8196    0.5062  0.030     2.7 s
//! blend              0.8201    0.5056  0.036    12.6 s
//! best attainable    0.8248    0.5013  0.025
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::time::Instant;

use tenure::FitContext;
use tenure::backends::Backend;
use tenure::churn::{ChurnParams, evaluate, train};
use tenure::features::OrderLog;
use tenure::synth::OrderParams;

fn main() -> Result<(), Box<dyn Error>> {
    let world = OrderParams { customers: 3_000, ..OrderParams::default() }.check()?;
    let generated = world.generate(42, 0)?;
    let as_of = world.end().plus_days(-90);
    let truth: HashMap<String, f64> = world
        .truth_rows(&generated, &[as_of], 90, 0)?
        .into_iter()
        .map(|row| (generated.orders.customer.names[row.customer as usize].clone(), row.attainable))
        .collect();
    let log = OrderLog::from_columns(generated.orders)?;
    let context = FitContext::new(42);

    println!("{:<18} {:>6} {:>9} {:>6} {:>9}", "backend", "AUC", "log loss", "ECE", "trained");
    let mut attainable = None;
    for name in Backend::NAMES {
        let params = match *name {
            // The default: boosted trees and logistic regression, half each, with settings that suit order logs.
            "blend" => ChurnParams::default(),
            // Models of amounts and counts; for two classes it is the logistic regression.
            "glm" => continue,
            name => ChurnParams { backend: Backend::by_name(name)?, ..ChurnParams::default() },
        };
        let start = Instant::now();
        let model = train(&log, &params, Some(as_of), &context)?.model;
        let seconds = start.elapsed().as_secs_f64();
        let figures = evaluate(&model, &log, as_of, Some(&truth), &context)?.figures;
        let of = &figures.model;
        println!("{name:<18} {:>6.4} {:>9.4} {:>6.3} {seconds:>7.1} s", of.roc_auc, of.log_loss, of.ece);
        attainable = figures.oracle;
    }
    if let Some(oracle) = attainable {
        let of = oracle.figures;
        println!("{:<18} {:>6.4} {:>9.4} {:>6.3}", "best attainable", of.roc_auc, of.log_loss, of.ece);
    }
    Ok(())
}
