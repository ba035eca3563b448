//! Folds that learn from the past and judge on what came later.

use super::Split;
use crate::{Error, Result};

/// An expanding window over time: each test part is a run of instants, and its training part is everything at
/// least `gap_seconds` before the first of them.
///
/// `times` are seconds since 1970-01-01 UTC, in any order. The distinct instants are cut into `folds + 1` runs
/// of equal length (the first one also takes the remainder); all but the first are the test part once, the
/// oldest first. Rows of one instant stay together. With a gap of 0, a training row is still strictly
/// before the test part. The gap must be as long as the window over which the label was observed: otherwise the
/// labels of the last training rows reach into the test part.
///
/// # Errors
/// [`Error::Parameter`] for no folds or a negative gap; [`Error::TooManyFolds`] for fewer than `folds + 1`
/// instants; [`Error::Undefined`] where the gap leaves a fold without training rows.
pub fn time_series(times: &[i64], folds: usize, gap_seconds: i64) -> Result<Vec<Split>> {
    if folds == 0 {
        return Err(Error::parameter("folds", folds, "at least 1"));
    }
    if gap_seconds < 0 {
        return Err(Error::parameter("gap_seconds", gap_seconds, "at least 0"));
    }
    let mut instants = times.to_vec();
    instants.sort_unstable();
    instants.dedup();
    let needed = folds.saturating_add(1);
    if instants.len() < needed {
        return Err(Error::TooManyFolds { folds, what: "instants", needed, found: instants.len() });
    }
    let length = instants.len() / needed;
    let first_test = instants.len() - folds * length;
    (0..folds)
        .map(|fold| {
            let start = instants[first_test + fold * length];
            let end = instants[first_test + (fold + 1) * length - 1];
            one_fold(times, fold, start, end, gap_seconds)
        })
        .collect()
}

fn one_fold(times: &[i64], fold: usize, start: i64, end: i64, gap_seconds: i64) -> Result<Split> {
    // 128 bits: instants at both ends of i64 must not wrap around.
    let is_known =
        |time: i64| time < start && i128::from(start) - i128::from(time) >= i128::from(gap_seconds);
    let rows = |keep: &dyn Fn(i64) -> bool| (0..times.len()).filter(|&row| keep(times[row])).collect();
    let train: Vec<usize> = rows(&is_known);
    if train.is_empty() {
        let reason = format!(
            "no row is {gap_seconds} s before the first test instant {start}; use a shorter gap or fewer folds"
        );
        return Err(Error::Undefined {
            figure: "the training part of a fold",
            reason: format!("fold {fold}: {reason}"),
        });
    }
    Ok(Split { train, test: rows(&|time| (start..=end).contains(&time)) })
}
