//! Thresholds, explanations and conformal intervals.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use tenure_core::{
    Artifact, Capabilities, Dataset, Error, Explanation, Feature, MissingPolicy, Model, Output, Schema,
    Target, seed,
};
use tenure_eval::conformal::{ConformalInterval, ConformalSets};
use tenure_eval::explain::{Direction, Grid, PermutationOptions, partial_dependence, permutation_importance};
use tenure_eval::metrics::{mae, roc_auc};
use tenure_eval::threshold::{Economics, best_f1, best_profit, precision_at_least, profit_curve};

const LABELS: [f64; 6] = [1.0, 1.0, 0.0, 1.0, 0.0, 0.0];
const SCORES: [f64; 6] = [0.9, 0.8, 0.7, 0.6, 0.2, 0.1];
const ECONOMICS: Economics = Economics { contact_cost: 4.0, saved_value: 20.0, success_rate: 0.5 };

#[test]
fn best_f1_is_found_and_ties_go_to_the_highest() {
    let best = best_f1(&LABELS, &SCORES, None).unwrap();
    assert_eq!((best.threshold, best.recall, best.precision), (0.6, 1.0, Some(0.75)));
    let best = best_f1(&LABELS, &[0.4; 6], None).unwrap();
    assert_eq!((best.threshold, best.fraction), (0.4, 1.0));
    // F1 is 2/3 for both: one of one, or two of four.
    let tied = best_f1(&[1.0, 0.0, 0.0, 1.0], &[0.9, 0.5, 0.4, 0.3], None).unwrap();
    assert_eq!(tied.threshold, 0.9);
}

#[test]
fn best_profit_counts_costs_and_savings() {
    // Each churner contacted brings 0.5 × 20 − 4 = 6, each other −4: 6, 12, 8, 14, 10, 6.
    let best = best_profit(&LABELS, &SCORES, None, &ECONOMICS).unwrap();
    assert_eq!((best.threshold, best.profit, best.fraction), (0.6, Some(14.0), 4.0 / 6.0));
    let curve = profit_curve(&LABELS, &SCORES, None, &ECONOMICS, 6).unwrap();
    let profits: Vec<f64> = curve.iter().map(|p| p.profit).collect();
    for (found, expected) in profits.iter().zip([0.0, 6.0, 12.0, 8.0, 14.0, 10.0, 6.0]) {
        assert!((found - expected).abs() < 1e-12, "{profits:?}");
    }
    assert_eq!(ECONOMICS.break_even_probability(), 0.4);
    let dear = Economics { contact_cost: 100.0, ..ECONOMICS };
    let nobody = best_profit(&LABELS, &SCORES, None, &dear).unwrap();
    assert!(nobody.threshold > 0.9 && nobody.profit == Some(0.0) && nobody.fraction == 0.0);
    assert_eq!(nobody.precision, None);
    let wrong = Economics { success_rate: 1.5, ..ECONOMICS };
    assert_eq!(
        best_profit(&LABELS, &SCORES, None, &wrong).unwrap_err().to_string(),
        "parameter `success_rate` is 1.5; expected a number from 0 to 1"
    );
}

#[test]
fn precision_at_least_takes_the_highest_recall() {
    let choice = precision_at_least(&LABELS, &SCORES, None, 0.7).unwrap();
    assert_eq!((choice.threshold, choice.recall), (0.6, 1.0));
    let choice = precision_at_least(&LABELS, &SCORES, None, 0.9).unwrap();
    assert_eq!((choice.threshold, choice.precision), (0.8, Some(1.0)));
    assert_eq!(
        precision_at_least(&LABELS, &[0.4; 6], None, 0.6).unwrap_err().to_string(),
        "the threshold is not defined: the highest precision of any threshold is 0.5, below 0.6"
    );
    assert!(
        precision_at_least(&[1.0, 1.0], &[0.4; 2], None, 0.6).unwrap_err().to_string().contains("one class")
    );
}

/// Gives `2 a + 0 b`.
#[derive(Debug)]
struct Doubles {
    schema: Schema,
    outputs: Vec<Output>,
}

impl Model for Doubles {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        let missing = MissingPolicy::Refused;
        Capabilities::new(missing)
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<(), Error> {
        tenure_core::check_input(&self.schema, x)?;
        out.column_mut(0).assign(&(&x.column(0) * 2.0));
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<(), Error> {
        out[0] = 2.0 * row[0];
        Ok(())
    }

    fn explain_row(&self, _: &[f64], _: usize) -> Result<Explanation, Error> {
        Err(Error::unsupported("doubles", "explanations"))
    }

    fn to_artifact(&self) -> Artifact {
        Artifact::new("doubles", 1, &()).expect("valid")
    }
}

fn doubles() -> (Doubles, Dataset) {
    let features = || vec![Feature::numeric("a", "", ""), Feature::numeric("b", "", "")];
    let schema = Schema::new(features()).expect("valid");
    let x = Array2::from_shape_fn((300, 2), |(r, c)| seed::unit(c as u64, r as u64));
    let y = x.column(0).iter().map(|a| f64::from(u8::from(*a > 0.5))).collect();
    let data = Dataset::new(schema.clone(), x)
        .expect("valid")
        .with_target(Target::binary("y", y).expect("valid"))
        .expect("valid");
    (Doubles { schema, outputs: vec![Output::value("double", "")] }, data)
}

#[test]
fn permutation_importance_finds_the_feature_that_is_used() {
    let (model, data) = doubles();
    let options = PermutationOptions { repeats: 3, seed: 1, ..PermutationOptions::default() };
    let up = Direction::HigherIsBetter;
    let found = permutation_importance(&model, &data, &roc_auc, up, options).unwrap();
    assert_eq!((found[0].feature.as_str(), found[1].mean, found[1].standard_deviation), ("a", 0.0, 0.0));
    assert!((found[0].mean - 0.5).abs() < 0.08 && found[0].standard_deviation > 0.0, "{found:?}");
    assert_eq!(found, permutation_importance(&model, &data, &roc_auc, up, options).unwrap());
    let loss = permutation_importance(&model, &data, &mae, Direction::LowerIsBetter, options).unwrap();
    assert!(loss[0].mean > 0.0);
    let none = PermutationOptions { repeats: 0, ..options };
    assert!(permutation_importance(&model, &data, &roc_auc, up, none).is_err());
}

#[test]
fn partial_dependence_follows_the_function() {
    let (model, data) = doubles();
    let grid = Grid::Values(vec![0.0, 0.5, 3.0]);
    assert_eq!(partial_dependence(&model, &data, "a", 0, &grid).unwrap().means, [0.0, 1.0, 6.0]);
    let flat = partial_dependence(&model, &data, "b", 0, &Grid::Quantiles(10)).unwrap();
    assert_eq!(flat.values.len(), 10);
    assert!(flat.values.is_sorted() && flat.means.iter().all(|m| *m == flat.means[0]));
    assert_eq!(
        partial_dependence(&model, &data, "c", 0, &grid).unwrap_err().to_string(),
        "parameter `feature` is c; expected a feature of the model"
    );
}

#[test]
fn conformal_intervals_and_sets_cover() {
    let (mut inside, mut held, runs) = (0, 0, 3000);
    for run in 0..runs {
        let noise = |i: u64| seed::unit(run, i) - 0.5;
        let actual: Vec<f64> = (0..49).map(noise).collect();
        let fitted = ConformalInterval::fit(&actual, &[0.0; 49], 0.9).unwrap();
        let (low, high) = fitted.around(0.0);
        inside += u64::from(low <= noise(99) && noise(99) <= high);
        let truths: Vec<f64> = (0..49).map(|i| seed::unit(run, 1000 + i)).collect();
        let sets = ConformalSets::fit(&truths, 0.8).unwrap();
        held += u64::from(sets.set(&[seed::unit(run, 2000)]).contains(&0));
    }
    // 45 of 50 and 40 of 50 places: exactly the level.
    assert!((inside as f64 / runs as f64 - 0.9).abs() < 0.02, "{inside}");
    assert!((held as f64 / runs as f64 - 0.8).abs() < 0.025, "{held}");
    assert_eq!(
        ConformalInterval::fit(&[1.0], &[1.0], 0.9).unwrap_err().to_string(),
        "the conformal threshold is not defined: level 0.9 needs more held-out rows than 1"
    );
    let ends = ConformalInterval::fit_ends(&[1.0, 2.0, 3.0], &[0.0; 3], &[2.0; 3], 0.7).unwrap();
    assert_eq!((ends.margin(), ends.widened(0.0, 2.0)), (1.0, (-1.0, 3.0)));
}
