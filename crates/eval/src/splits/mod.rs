//! Who is learned from and who is judged.
//!
//! Every split is a pure function of its arguments: random ones draw from the seed alone. Row numbers within
//! a part rise.

mod data;
mod grouped;
mod time;

pub use data::{hold_out_of, k_fold_of};
pub use grouped::{group_k_fold, stratified_group_k_fold};
pub use time::time_series;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tenure_core::seed;

use crate::{Error, Result, check};

/// Row numbers of one training and one test part. They share no row; both rise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Rows to learn from.
    pub train: Vec<usize>,
    /// Rows to judge on.
    pub test: Vec<usize>,
}

/// Puts each of `rows` rows into the training or the test part at random; the test part gets
/// `round(rows × test_fraction)`, at least one row and not all.
///
/// # Errors
/// [`Error::Parameter`] for a fraction not between 0 and 1; [`Error::TooManyFolds`] for fewer than two rows.
pub fn hold_out(rows: usize, test_fraction: f64, seed: u64) -> Result<Split> {
    check_fraction(test_fraction)?;
    check_folds(2, "rows", rows)?;
    let mut is_test = vec![false; rows];
    for row in seed::permutation(rows, seed).into_iter().take(share(rows, test_fraction)) {
        is_test[row] = true;
    }
    Ok(split_by(rows, |row| is_test[row]))
}

/// A hold-out that draws from each class apart, so that both parts have the classes in (nearly) the same
/// shares. Labels may be any finite numbers; equal numbers are one class.
///
/// # Errors
/// As [`hold_out`]; [`Error::Value`] for a label that is not finite; [`Error::RareClass`] for a class of one
/// row.
pub fn stratified_hold_out(labels: &[f64], test_fraction: f64, seed: u64) -> Result<Split> {
    check_fraction(test_fraction)?;
    let mut is_test = vec![false; labels.len()];
    for (index, (class, rows)) in classes(labels)?.into_iter().enumerate() {
        if rows.len() < 2 {
            return Err(Error::RareClass { class, what: "rows", found: rows.len(), folds: 2 });
        }
        let order = seed::permutation(rows.len(), seed::mix(seed, index as u64));
        for at in order.into_iter().take(share(rows.len(), test_fraction)) {
            is_test[rows[at]] = true;
        }
    }
    Ok(split_by(labels.len(), |row| is_test[row]))
}

/// Cuts `rows` rows into `folds` random parts whose sizes differ by at most one; each is the test part once.
///
/// # Errors
/// [`Error::Parameter`] for fewer than two folds; [`Error::TooManyFolds`] for more folds than rows.
pub fn k_fold(rows: usize, folds: usize, seed: u64) -> Result<Vec<Split>> {
    check_folds(folds, "rows", rows)?;
    let mut fold_of = vec![0; rows];
    for (place, row) in seed::permutation(rows, seed).into_iter().enumerate() {
        fold_of[row] = place % folds;
    }
    Ok(by_fold(&fold_of, folds))
}

/// As [`k_fold`], with every class dealt out evenly: the rows of a class in two folds differ by at most one,
/// and so do the sizes of the folds. Labels may be any finite numbers; equal numbers are one class.
///
/// # Errors
/// As [`k_fold`]; [`Error::RareClass`] for a class with fewer rows than folds; [`Error::Value`] for a label
/// that is not finite.
pub fn stratified_k_fold(labels: &[f64], folds: usize, seed: u64) -> Result<Vec<Split>> {
    check_folds(folds, "rows", labels.len())?;
    let mut fold_of = vec![0; labels.len()];
    // Going on where the last class ended keeps the folds themselves of one size.
    let mut place = 0;
    for (index, (class, rows)) in classes(labels)?.into_iter().enumerate() {
        if rows.len() < folds {
            return Err(Error::RareClass { class, what: "rows", found: rows.len(), folds });
        }
        for at in seed::permutation(rows.len(), seed::mix(seed, index as u64)) {
            fold_of[rows[at]] = place % folds;
            place += 1;
        }
    }
    Ok(by_fold(&fold_of, folds))
}

/// Rows of each class, in the order of the labels' values.
fn classes(labels: &[f64]) -> Result<Vec<(f64, Vec<usize>)>> {
    let indices = class_indices(labels)?;
    let mut rows: BTreeMap<usize, (f64, Vec<usize>)> = BTreeMap::new();
    for (row, class) in indices.into_iter().enumerate() {
        rows.entry(class).or_insert_with(|| (labels[row], Vec::new())).1.push(row);
    }
    Ok(rows.into_values().collect())
}

/// For each row, the place of its label among the distinct labels.
fn class_indices(labels: &[f64]) -> Result<Vec<usize>> {
    check::all("label", labels, "a finite number", f64::is_finite)?;
    let mut distinct = labels.to_vec();
    distinct.sort_unstable_by(f64::total_cmp);
    distinct.dedup(); // by value: −0 and 0 are one class
    Ok(labels.iter().map(|label| distinct.partition_point(|d| d < label)).collect())
}

fn check_fraction(test_fraction: f64) -> Result<()> {
    check::fraction_between("test_fraction", test_fraction, "between 0 and 1, both excluded")
}

fn share(rows: usize, fraction: f64) -> usize {
    ((rows as f64 * fraction).round() as usize).clamp(1, rows - 1)
}

fn check_folds(folds: usize, what: &'static str, found: usize) -> Result<()> {
    if folds < 2 {
        return Err(Error::parameter("folds", folds, "at least 2"));
    }
    if folds > found {
        return Err(Error::TooManyFolds { folds, what, needed: folds, found });
    }
    Ok(())
}

fn split_by(rows: usize, is_test: impl Fn(usize) -> bool) -> Split {
    let (test, train) = (0..rows).partition(|&row| is_test(row));
    Split { train, test }
}

fn by_fold(fold_of: &[usize], folds: usize) -> Vec<Split> {
    (0..folds).map(|fold| split_by(fold_of.len(), |row| fold_of[row] == fold)).collect()
}
