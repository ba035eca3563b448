//! Folds that keep the rows of a group (a customer, a household) on one side.

use tenure_core::seed;

use super::{Split, by_fold, check_folds, class_indices};
use crate::{Error, Result, check};

/// Cuts the groups into `folds` parts of about the same number of rows; each is the test part once.
///
/// The largest group goes first, each into the fold that has the fewest rows so far; groups of one size come
/// in an order drawn from the seed.
///
/// # Errors
/// [`Error::Parameter`] for fewer than two folds; [`Error::TooManyFolds`] for more folds than groups.
pub fn group_k_fold(groups: &[u64], folds: usize, seed: u64) -> Result<Vec<Split>> {
    let members = members(groups);
    check_folds(folds, "groups", members.len())?;
    let mut rows_in = vec![0; folds];
    let mut fold_of = vec![0; groups.len()];
    for index in largest_first(&members, seed) {
        let rows = &members[index];
        let fold = (0..folds).min_by_key(|&fold| rows_in[fold]).unwrap_or(0);
        rows_in[fold] += rows.len();
        rows.iter().for_each(|&row| fold_of[row] = fold);
    }
    Ok(by_fold(&fold_of, folds))
}

/// As [`group_k_fold`], with the classes in about the same shares in every fold.
///
/// Groups are placed one by one, the largest first, where they leave the class counts of the folds most even:
/// where `Σ_c (n_fc / N_c)²`, over folds f and classes c, stays smallest. It is a greedy method: exact balance
/// is not promised, as groups cannot be cut.
///
/// # Errors
/// As [`group_k_fold`]; [`Error::RareClass`] for a class that is found in fewer groups than folds;
/// [`Error::Lengths`]; [`Error::Value`] for a label that is not finite.
pub fn stratified_group_k_fold(
    labels: &[f64],
    groups: &[u64],
    folds: usize,
    seed: u64,
) -> Result<Vec<Split>> {
    check::same_length("groups", labels.len(), groups.len())?;
    let members = members(groups);
    check_folds(folds, "groups", members.len())?;
    let class_of = class_indices(labels)?;
    let totals = class_totals(labels, &class_of, &members, folds)?;
    let mut counts = vec![vec![0.0; totals.len()]; folds];
    let mut fold_of = vec![0; labels.len()];
    for index in largest_first(&members, seed) {
        let group = class_counts(&members[index], &class_of);
        let growth = |fold: usize| -> f64 {
            let grown = |&(c, n): &(usize, f64)| n * (2.0 * counts[fold][c] + n) / (totals[c] * totals[c]);
            group.iter().map(grown).sum()
        };
        let fold = (0..folds).min_by(|&a, &b| growth(a).total_cmp(&growth(b))).unwrap_or(0);
        group.iter().for_each(|&(c, n)| counts[fold][c] += n);
        members[index].iter().for_each(|&row| fold_of[row] = fold);
    }
    Ok(by_fold(&fold_of, folds))
}

/// Rows of each class; refuses one that too few groups have.
fn class_totals(
    labels: &[f64],
    class_of: &[usize],
    members: &[Vec<usize>],
    folds: usize,
) -> Result<Vec<f64>> {
    let classes = class_of.iter().max().map_or(0, |c| c + 1);
    let (mut totals, mut groups_with) = (vec![0.0; classes], vec![0; classes]);
    for rows in members {
        for (class, count) in class_counts(rows, class_of) {
            totals[class] += count;
            groups_with[class] += 1;
        }
    }
    match (0..labels.len()).find(|&row| groups_with[class_of[row]] < folds) {
        Some(row) => {
            let found = groups_with[class_of[row]];
            Err(Error::RareClass { class: labels[row], what: "groups", found, folds })
        }
        None => Ok(totals),
    }
}

/// The classes that occur in `rows`, with their counts, by class.
fn class_counts(rows: &[usize], class_of: &[usize]) -> Vec<(usize, f64)> {
    let mut classes: Vec<usize> = rows.iter().map(|&row| class_of[row]).collect();
    classes.sort_unstable();
    classes.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as f64)).collect()
}

/// Rows of each group, by group.
fn members(groups: &[u64]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_unstable_by_key(|&row| (groups[row], row));
    order.chunk_by(|&a, &b| groups[a] == groups[b]).map(<[usize]>::to_vec).collect()
}

fn largest_first(members: &[Vec<usize>], seed: u64) -> Vec<usize> {
    let mut order = seed::permutation(members.len(), seed);
    order.sort_by_key(|&index| std::cmp::Reverse(members[index].len()));
    order
}
