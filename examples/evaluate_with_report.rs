//! Judge a model on a quarter that it has not seen, beside baselines and the best attainable, with a report.
//!
//! `cargo run --release -p tenure-examples --example evaluate_with_report [FILE.html]`
//!
//! Without an argument the report goes to a folder that is removed at the end. Prints:
//!
//! ```text
//! 1318 customers as of 2024-10-03, 534 of them left
//!   model            AUC 0.820  log loss 0.506  top tenth 2.3×
//!   recency only     AUC 0.804  log loss 0.526  top tenth 2.2×
//!   rules            AUC 0.782  log loss 0.550  top tenth 1.8×
//!   best attainable  AUC 0.825  log loss 0.501  top tenth 2.2×
//! report.html: 100 kB, one file
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::path::PathBuf;

use tenure::FitContext;
use tenure::churn::{ChurnParams, evaluate, report, train};
use tenure::features::OrderLog;
use tenure::synth::OrderParams;

fn main() -> Result<(), Box<dyn Error>> {
    let world = OrderParams { customers: 3_000, ..OrderParams::default() }.check()?;
    let generated = world.generate(42, 0)?;
    let (params, context) = (ChurnParams::default(), FitContext::new(42));

    // The last 90 days are kept for the evaluation: no order of theirs reaches the training.
    let as_of = world.end().plus_days(-i64::from(params.prediction_days));
    let names = generated.orders.customer.names.clone();
    // Synthetic data know the truth; with your own orders, pass `None` instead.
    let truth: HashMap<String, f64> = world
        .truth_rows(&generated, &[as_of], params.prediction_days, 0)?
        .into_iter()
        .map(|row| (names[row.customer as usize].clone(), row.attainable))
        .collect();
    let log = OrderLog::from_columns(generated.orders)?;

    let model = train(&log, &params, Some(as_of), &context)?.model;
    let evaluation = evaluate(&model, &log, as_of, Some(&truth), &context)?;
    let figures = &evaluation.figures;
    println!("{} customers as of {as_of}, {} of them left", figures.customers, figures.churned);
    let line = |name: &str, r: &tenure::eval::metrics::BinaryReport| {
        println!(
            "  {name:<16} AUC {:.3}  log loss {:.3}  top tenth {:.1}×",
            r.roc_auc, r.log_loss, r.lift_top_decile
        );
    };
    line("model", &figures.model);
    line("recency only", &figures.baselines.recency);
    line("rules", &figures.baselines.rules);
    if let Some(oracle) = &figures.oracle {
        line("best attainable", &oracle.figures);
    }

    let folder = tempfile::tempdir()?;
    let path = std::env::args_os().nth(1).map_or_else(|| folder.path().join("report.html"), PathBuf::from);
    let page = report(&model, &evaluation)?.report()?.to_html();
    std::fs::write(&path, &page)?;
    println!("report.html: {} kB, one file", page.len() / 1024);
    Ok(())
}
