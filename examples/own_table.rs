//! Any table: boosted trees on numbers, categories and missing values, cross-validated, one row explained.
//!
//! `cargo run --release -p tenure-examples --example own_table`
//!
//! From a file, `tenure::io::read_table` gives the same `Dataset`. Prints:
//!
//! ```text
//! 3000 rows, 21.4 % left
//! AUC 0.834, log loss 0.387 (base rate alone: 0.519)
//! row 0: 61.2 %, from -1.84 in log-odds and
//!   +1.59  contract = month
//!   +0.56  months = 9
//!   +0.14  rating = 4
//! ```

use std::error::Error;

use tenure::eval::metrics::BinaryReport;
use tenure::eval::splits::stratified_k_fold;
use tenure::gbdt::GbdtParams;
use tenure::ndarray::Array2;
use tenure::{Dataset, Feature, FitContext, Learner, Scale, Schema, Target, seed};

fn main() -> Result<(), Box<dyn Error>> {
    let data = subscribers()?;
    let context = FitContext::new(42);
    let learner = GbdtParams { trees: 80, leaves: 8, ..GbdtParams::default() }.check()?;

    // Out-of-fold predictions: every row is judged by a model that has not seen it.
    let labels = data.target()?.values();
    let mut out_of_fold = vec![0.0; data.rows()];
    for split in stratified_k_fold(labels, 5, context.seed)? {
        let model = learner.fit(&data.select(&split.train), None, &context)?.model;
        for (&row, p) in split.test.iter().zip(model.predict(data.select(&split.test).x())?.column(0)) {
            out_of_fold[row] = *p;
        }
    }
    let report = BinaryReport::new(labels, &out_of_fold, None, 0.5)?;
    println!("{} rows, {:.1} % left", report.rows, 100.0 * report.base_rate);
    println!(
        "AUC {:.3}, log loss {:.3} (base rate alone: {:.3})",
        report.roc_auc, report.log_loss, report.log_loss_base
    );

    let model = learner.fit(&data, None, &context)?.model;
    let row = data.row(0).to_vec();
    let explanation = model.explain_row(&row, 0)?;
    assert_eq!(explanation.scale, Scale::LogOdds);
    println!(
        "row 0: {:.1} %, from {:+.2} in log-odds and",
        100.0 * explanation.prediction().unwrap_or(f64::NAN),
        explanation.baseline
    );
    for (column, effect) in explanation.ranked() {
        let feature = &data.schema().features()[column];
        println!("  {:+.2}  {} = {}", effect, feature.name, feature.display(row[column]));
    }
    Ok(())
}

/// 3,000 subscribers: who is on a monthly contract, new or unhappy leaves; three in ten gave no rating.
fn subscribers() -> Result<Dataset, tenure::Error> {
    let draw = |row: usize, what: u64| seed::unit(seed::mix(1, what), row as u64);
    let schema = Schema::new(vec![
        Feature::categorical("contract", ["month", "year", "two years"], "Length of the contract"),
        Feature::numeric("months", "months", "Months since the contract began"),
        Feature::numeric("rating", "points", "Last rating, 1 to 10; missing where none was given"),
    ])?;
    let x = Array2::from_shape_fn((3_000, 3), |(row, column)| match column {
        0 => (3.0 * draw(row, 0)).floor(), // a category is the index of its level
        1 => (72.0 * draw(row, 1)).floor(),
        _ if draw(row, 2) < 0.3 => f64::NAN, // missing is NaN
        _ => (1.0 + 10.0 * draw(row, 3)).floor(),
    });
    let left = x.rows().into_iter().enumerate().map(|(row, v)| {
        let unhappy = if v[2].is_nan() { 0.8 } else { 2.0 - 0.4 * v[2] };
        let log_odds = [0.5, -1.5, -2.5][v[0] as usize] - v[1] / 40.0 + unhappy;
        f64::from(u8::from(draw(row, 4) < Scale::LogOdds.to_output(log_odds)))
    });
    let left = left.collect();
    Dataset::new(schema, x)?.with_target(Target::binary("left", left)?)
}
