//! A feature of one's own in a training set, and what it is worth beside the built-in ones.
//!
//! `cargo run --release -p tenure-examples --example own_feature`
//!
//! The view that a feature is computed from ends before its instant, so it cannot look ahead. Prints:
//!
//! ```text
//! 20566 rows, 39 features
//! AUC 0.823 on later snapshots
//!    1. recency_days: 0.0417
//!    2. fading_orders_30d: 0.0173
//!    3. silence_chance: 0.0069
//!   26. longest_break_days: 0.0000
//! ```

use std::error::Error;

use tenure::churn::ChurnParams;
use tenure::eval::explain::{Direction, PermutationOptions, permutation_importance};
use tenure::eval::metrics::roc_auc;
use tenure::eval::splits::time_series;
use tenure::features::{AsOf, AsOfFeature, FeatureSet, OrderLog, SnapshotPlan, training_set};
use tenure::gbdt::GbdtParams;
use tenure::synth::OrderParams;
use tenure::{Feature, FitContext, Learner};

/// The longest break that a customer came back from.
struct LongestBreak;

impl AsOfFeature for LongestBreak {
    fn feature(&self) -> Feature {
        Feature::numeric("longest_break_days", "days", "Longest time between two purchases in a row")
    }

    fn compute(&self, view: &AsOf<'_>) -> f64 {
        let breaks =
            view.purchases().zip(view.purchases().skip(1)).map(|(a, b)| b.time().days_since(a.time()));
        breaks.fold(f64::NAN, f64::max) // NaN is "not known": fewer than two purchases
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let world = OrderParams { customers: 4_000, ..OrderParams::default() }.check()?;
    let log = OrderLog::from_columns(world.generate(42, 0)?.orders)?;
    let context = FitContext::new(42);

    let features = FeatureSet::default().with(LongestBreak)?;
    let plan: SnapshotPlan = ChurnParams::default().plan();
    let data = training_set(&log, &plan, None, &features, &context)?.into_data();
    println!("{} rows, {} features", data.rows(), data.schema().len());

    // Train on earlier snapshots, judge on later ones; the gap keeps the labels apart.
    let gap_seconds = i64::from(plan.prediction_days) * 86_400;
    let split = time_series(data.times().unwrap_or_default(), 2, gap_seconds)?.remove(1);
    let (train, test) = (data.select(&split.train), data.select(&split.test));
    let learner = GbdtParams { trees: 80, min_rows: 50, ..GbdtParams::default() }.check()?;
    let model = learner.fit(&train, None, &context)?.model;
    let scores = model.predict(test.x())?.column(0).to_vec();
    println!("AUC {:.3} on later snapshots", roc_auc(test.target()?.values(), &scores, None)?);

    // How much AUC is lost when one column is shuffled; columns that say the same share what they are worth.
    let options = PermutationOptions { repeats: 2, ..PermutationOptions::default() };
    let metric = roc_auc;
    let mut worth = permutation_importance(&*model, &test, &metric, Direction::HigherIsBetter, options)?;
    worth.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    for (place, found) in worth.iter().enumerate() {
        if place < 3 || found.feature == "longest_break_days" {
            println!("  {:>2}. {}: {:.4}", place + 1, found.feature, found.mean);
        }
    }
    Ok(())
}
