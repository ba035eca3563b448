//! Small tables with signal, noise, missing values and a category.

use ndarray::Array2;
use tenure_core::{Capabilities, Dataset, Feature, MissingPolicy, Result, Scale, Schema, Target, seed};

use super::Task;

/// Five columns: two with signal, one of noise, one constant, one category (numeric where the learner knows no
/// categories); a tenth of the second is missing where the learner accepts that.
pub(super) fn table(task: Task, rows: usize, seed: u64, capabilities: Capabilities) -> Dataset {
    let x = matrix(rows, seed, capabilities);
    let target = x.rows().into_iter().enumerate().map(|(row, v)| {
        let second = if v[1].is_nan() { 4.0 } else { v[1] };
        let signal =
            0.6 * v[0] - 0.4 * second + f64::from(u8::from(v[4] == 1.0)) + 2.0 * (draw(seed, row, 12) - 0.5);
        match task {
            Task::Binary => f64::from(u8::from(signal > 0.6)),
            Task::Regression => 3.0 + signal,
            Task::Multiclass => f64::from(u8::from(signal > -0.4) + u8::from(signal > 1.6)),
        }
    });
    let target = target.collect();
    data_set(task, x, target, capabilities)
}

/// The same columns, and a label that follows them only a little.
pub(super) fn noisy(task: Task, rows: usize, seed: u64, capabilities: Capabilities) -> Dataset {
    let x = matrix(rows, seed, capabilities);
    let target = (0..rows).map(|row| {
        let share = if x[[row, 0]] > 2.0 { 0.7 } else { 0.3 };
        let high = f64::from(u8::from(draw(seed, row, 21) < share));
        match task {
            Task::Binary => high,
            Task::Regression => 2.0 * high + draw(seed, row, 22),
            Task::Multiclass if high == 0.0 => 0.0,
            Task::Multiclass => 1.0 + f64::from(u8::from(draw(seed, row, 22) < 0.5)),
        }
    });
    let target = target.collect();
    data_set(task, x, target, capabilities)
}

/// The same columns, and a label whose expectation, on the scale of the output, is the first column.
pub(super) fn known_truth(task: Task, rows: usize, seed: u64, capabilities: Capabilities) -> Dataset {
    let x = matrix(rows, seed, capabilities);
    let target = (0..rows).map(|row| {
        let (truth, noise) = (x[[row, 0]], draw(seed, row, 31));
        match task {
            Task::Binary => f64::from(u8::from(noise < Scale::LogOdds.to_output(truth))),
            Task::Regression => truth + 0.5 * (noise - 0.5),
            // Nobody has offsets for several classes.
            Task::Multiclass => (3.0 * noise).floor(),
        }
    });
    let target = target.collect();
    data_set(task, x, target, capabilities)
}

/// A category that decides the label, and that is missing, with a meaning of its own, in a quarter of the rows
/// where the learner accepts that.
pub(super) fn levels(task: Task, rows: usize, seed: u64, capabilities: Capabilities) -> Dataset {
    let mut x = matrix(rows, seed, capabilities);
    let mut target = Vec::with_capacity(rows);
    for row in 0..rows {
        if accepts_missing(capabilities) && draw(seed, row, 41) < 0.25 {
            x[[row, 4]] = f64::NAN;
        }
        let share = match x[[row, 4]] {
            0.0 => 0.2,
            1.0 => 0.4,
            2.0 => 0.6,
            _ => 0.9,
        };
        target.push(match task {
            Task::Binary => f64::from(u8::from(draw(seed, row, 42) < share)),
            Task::Regression => 10.0 * share + draw(seed, row, 42),
            Task::Multiclass if draw(seed, row, 42) < share => 2.0,
            Task::Multiclass => (2.0 * draw(seed, row, 43)).floor(),
        });
    }
    data_set(task, x, target, capabilities)
}

/// In [0, 1).
fn draw(seed: u64, row: usize, column: u64) -> f64 {
    seed::unit(seed::mix(seed, column), row as u64)
}

fn accepts_missing(capabilities: Capabilities) -> bool {
    capabilities.missing != MissingPolicy::Refused
}

fn matrix(rows: usize, seed: u64, capabilities: Capabilities) -> Array2<f64> {
    Array2::from_shape_fn((rows, 5), |(row, column)| match column {
        1 if accepts_missing(capabilities) && draw(seed, row, 11) < 0.1 => f64::NAN,
        3 => 1.5,
        4 => (draw(seed, row, 4) * 3.0).floor(),
        _ => 10.0 * draw(seed, row, column as u64) - 3.0,
    })
}

fn data_set(task: Task, x: Array2<f64>, target: Vec<f64>, capabilities: Capabilities) -> Dataset {
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
    // These cannot fail: names differ, values are finite, levels exist.
    let built = Schema::new(features)
        .and_then(|s| Dataset::new(s, x))
        .and_then(|d| d.with_target(self::target(task, "outcome", target)?));
    built.unwrap_or_else(|e| unreachable!("conformance data: {e}"))
}

/// A target of the task's kind.
pub(super) fn target(task: Task, name: &str, values: Vec<f64>) -> Result<Target> {
    match task {
        Task::Binary => Target::binary(name, values),
        Task::Regression => Target::real(name, values),
        Task::Multiclass => Target::classes(name, CLASSES, values),
    }
}

/// The classes of [`Task::Multiclass`].
pub(super) const CLASSES: [&str; 3] = ["low", "middle", "high"];
