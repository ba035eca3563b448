//! Splits that suit a data set: groups stay together, classes keep their shares.

use std::collections::BTreeMap;

use tenure_core::{Dataset, TargetKind};

use super::{
    Split, group_k_fold, hold_out, k_fold, split_by, stratified_group_k_fold, stratified_hold_out,
    stratified_k_fold,
};
use crate::Result;

/// A hold-out of a data set by its first target: stratified unless that is a number, and with whole groups on
/// one side where the rows have groups. A group counts as one draw of its highest label, so that the test part
/// has about `test_fraction` of the groups.
///
/// # Errors
/// As [`hold_out`] and [`stratified_hold_out`]; [`tenure_core::Error::NoTarget`]; a label that is not known is
/// refused where the target has classes.
pub fn hold_out_of(data: &Dataset, test_fraction: f64, seed: u64) -> Result<Split> {
    let target = data.target()?;
    let draw = |labels: &[f64]| match target.kind() {
        TargetKind::Real => hold_out(labels.len(), test_fraction, seed),
        _ => stratified_hold_out(labels, test_fraction, seed),
    };
    let Some(groups) = data.groups() else { return draw(target.values()) };
    let mut highest: BTreeMap<u64, f64> = BTreeMap::new();
    for (&group, &label) in groups.iter().zip(target.values()) {
        highest.entry(group).and_modify(|known| *known = known.max(label)).or_insert(label);
    }
    let labels: Vec<f64> = highest.values().copied().collect();
    let drawn = draw(&labels)?;
    let mut is_test = vec![false; labels.len()];
    drawn.test.iter().for_each(|&place| is_test[place] = true);
    let tested: BTreeMap<u64, bool> = highest.keys().copied().zip(is_test).collect();
    Ok(split_by(data.rows(), |row| tested[&groups[row]]))
}

/// Folds of a data set by its first target: [`k_fold`], stratified unless that is a number, and with whole
/// groups on one side where the rows have groups.
///
/// # Errors
/// As [`k_fold`], [`stratified_k_fold`], [`group_k_fold`] and [`stratified_group_k_fold`];
/// [`tenure_core::Error::NoTarget`].
pub fn k_fold_of(data: &Dataset, folds: usize, seed: u64) -> Result<Vec<Split>> {
    let target = data.target()?;
    match (target.kind(), data.groups()) {
        (TargetKind::Real, None) => k_fold(data.rows(), folds, seed),
        (TargetKind::Real, Some(groups)) => group_k_fold(groups, folds, seed),
        (_, None) => stratified_k_fold(target.values(), folds, seed),
        (_, Some(groups)) => stratified_group_k_fold(target.values(), groups, folds, seed),
    }
}
