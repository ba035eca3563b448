//! `tenure quickstart`

use std::collections::HashMap;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::json;
use tenure_churn::{ChurnParams, ChurnScorer};
use tenure_features::OrderLog;
use tenure_synth::OrderParams;

use super::churn::{Summary, save, train_text, write_predictions};
use super::evaluation;
use crate::args::Quickstart;
use crate::output::{self, count};
use crate::session::Session;

/// Months of orders that are generated.
const MONTHS: u32 = 24;

pub fn run(args: &Quickstart, session: &Session) -> Result<()> {
    let started = Instant::now();
    let context = session.context(args.seed);
    let threads = context.threads.map_or(0, |n| n.get());
    let params = OrderParams { customers: args.customers as usize, months: MONTHS, ..OrderParams::default() };
    let world = params.check()?;
    let generated = world.generate(args.seed, threads)?;
    let churn = ChurnParams::default();
    let end = world.end();
    // The last prediction window is kept for the evaluation: training ends where it begins.
    let as_of = end.plus_days(-i64::from(churn.prediction_days));
    let truth: HashMap<String, f64> = world
        .truth_rows(&generated, &[as_of], churn.prediction_days, threads)?
        .into_iter()
        .map(|row| (generated.orders.customer.names[row.customer as usize].clone(), row.attainable))
        .collect();
    let log = OrderLog::from_columns(generated.orders)?;

    let trained = tenure_churn::train(&log, &churn, Some(as_of), &context)?;
    let result = tenure_churn::evaluate(&trained.model, &log, as_of, Some(&truth), &context)?;

    std::fs::create_dir_all(&args.out).map_err(|source| {
        let (path, action) = (args.out.clone(), "creating the folder");
        tenure_core::Error::Io { path, action, source }
    })?;
    save(&trained.model, &trained.report, &args.out.join("model"), args.seed)?;
    evaluation::write_report(&args.out.join("report.html"), &trained.model, &result)?;
    let scorer = ChurnScorer::new(trained.model)?;
    let decisions = scorer.score_all(&log, end, &context)?;
    write_predictions(&args.out.join("predictions.csv"), &decisions)?;
    let summary = Summary::of(&decisions, &scorer, end);
    let metrics = json!({ "evaluation": result.figures, "training": trained.report, "scoring": summary });
    let metrics_text = serde_json::to_string_pretty(&metrics).context("writing JSON")?;
    output::file(&args.out.join("metrics.json"), metrics_text.as_bytes())?;
    session.finish();
    if args.json {
        return output::json(&metrics);
    }
    output::text(&format!(
        "Generated {} order lines of {} customers over {MONTHS} months (seed {}).\n\n{}\n{}\n{}",
        count(log.lines()),
        count(log.customers()),
        args.seed,
        train_text(&trained.report),
        evaluation::text(&result.figures),
        summary.text()
    ))?;
    let out = args.out.display();
    output::text(&format!(
        "Done in {:.1} s. Written to {out}:\n\
         \x20 report.html      open it in a browser\n\
         \x20 predictions.csv  one line a customer, the riskiest first\n\
         \x20 metrics.json     every figure above\n\
         \x20 model/           the trained model\n\n\
         On your own orders (CSV, JSONL or Parquet):\n\
         \x20 tenure churn train --orders orders.csv --model churn-model\n\
         \x20 tenure churn evaluate --orders orders.csv --model churn-model --as-of DATE --report report.html\n\
         \x20 tenure churn predict --orders orders.csv --model churn-model --as-of DATE --out scores.csv",
        started.elapsed().as_secs_f64()
    ))
}
