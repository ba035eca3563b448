//! Small tables with signal, noise, missing values and a category.

use ndarray::Array2;
use tenure_core::{Capabilities, Dataset, Feature, MissingPolicy, Schema, Target, seed};

use super::Task;

/// Five columns: two with signal, one of noise, one constant, one category (numeric where the learner knows no
/// categories); a tenth of the second is missing where the learner accepts that.
pub(super) fn table(task: Task, rows: usize, seed: u64, capabilities: Capabilities) -> Dataset {
    let draw = |row: usize, column: u64| seed::unit(seed::mix(seed, column), row as u64);
    let accepts_missing = capabilities.missing != MissingPolicy::Refused;
    let x = Array2::from_shape_fn((rows, 5), |(row, column)| match column {
        1 if accepts_missing && draw(row, 11) < 0.1 => f64::NAN,
        3 => 1.5,
        4 => (draw(row, 4) * 3.0).floor(),
        _ => 10.0 * draw(row, column as u64) - 3.0,
    });
    let target = x.rows().into_iter().enumerate().map(|(row, v)| {
        let second = if v[1].is_nan() { 4.0 } else { v[1] };
        let signal =
            0.6 * v[0] - 0.4 * second + f64::from(u8::from(v[4] == 1.0)) + 2.0 * (draw(row, 12) - 0.5);
        match task {
            Task::Binary => f64::from(u8::from(signal > 0.6)),
            Task::Regression => 3.0 + signal,
        }
    });
    let category = if capabilities.categorical {
        Feature::categorical("plan", ["basic", "plus", "pro"], "A category")
    } else {
        Feature::numeric("plan", "", "A category as a number")
    };
    let features = vec![
        Feature::numeric("first", "", "Signal"),
        Feature::numeric("second", "", "Signal, sometimes missing"),
        Feature::numeric("noise", "", "Noise"),
        Feature::numeric("constant", "", "Always 1.5"),
        category,
    ];
    let target = target.collect();
    // These cannot fail: names differ, values are finite, levels exist.
    let built = Schema::new(features).and_then(|s| Dataset::new(s, x)).and_then(|d| {
        d.with_target(match task {
            Task::Binary => Target::binary("outcome", target)?,
            Task::Regression => Target::real("outcome", target)?,
        })
    });
    built.unwrap_or_else(|e| unreachable!("conformance data: {e}"))
}
