//! Which features are categorical, and the names of their levels.
//!
//! A file lists the levels of pandas columns in the order of the columns, without saying which columns these are:
//! all of pandas' type `category`, whether LightGBM split them as categories or, where they were ordered, as
//! numbers. Integer columns may be categorical beside them without a list. The lists are given to the features
//! in the only way that fits; where several do, the caller must say.

use tenure_core::Result;

use super::blocks::Blocks;
use super::header::{Header, Info, Trailer};
use super::{NAME, problem};
use crate::foreign::ReadOptions;
use crate::foreign::assemble::Levels;

/// Most pairs of features and lists that are tried.
const MOST_PAIRS: usize = 1 << 24;

/// The levels of each feature.
pub(super) fn levels(
    header: &Header,
    blocks: &Blocks,
    trailer: &Trailer,
    options: &ReadOptions,
) -> Result<Vec<Levels>> {
    let codes = codes(header, blocks, trailer);
    let mut levels: Vec<Levels> =
        codes.iter().map(|codes| codes.map_or(Levels::Numeric, Levels::Codes)).collect();
    if trailer.pandas.is_empty() {
        return Ok(levels);
    }
    match columns(&codes, &header.infos, &trailer.pandas) {
        Some(columns) => {
            for (column, names) in columns.into_iter().zip(&trailer.pandas) {
                levels[column] = Levels::Names(names.clone());
            }
        }
        None => {
            let given = |(at, _): (usize, _)| options.levels.contains_key(&header.feature_names[at]);
            if !codes.iter().enumerate().filter(|(_, codes)| codes.is_some()).all(given) {
                let expected = "lists that fit the columns in one way only (or the levels of all categories in `ReadOptions.levels`)";
                let found = format!("{} lists", trailer.pandas.len());
                return Err(problem(NAME, "`pandas_categorical`", expected, found));
            }
        }
    }
    Ok(levels)
}

/// For each feature that is categorical, how many codes the file knows.
fn codes(header: &Header, blocks: &Blocks, trailer: &Trailer) -> Vec<Option<usize>> {
    let of = |(info, split): (&Info, &Option<usize>)| {
        let seen = if let Info::Codes(greatest) = info { Some(*greatest) } else { None };
        seen.max(*split).map(|greatest| greatest.saturating_add(1))
    };
    let mut codes: Vec<_> = header.infos.iter().zip(&blocks.greatest_codes).map(of).collect();
    for &at in &trailer.declared {
        if let Some(codes @ None) = codes.get_mut(at) {
            *codes = Some(0);
        }
    }
    codes
}

/// The feature of each list.
fn columns(codes: &[Option<usize>], infos: &[Info], lists: &[Vec<String>]) -> Option<Vec<usize>> {
    let fits = |at: usize, list: usize| match (codes[at], infos[at]) {
        (Some(codes), _) => codes <= lists[list].len(),
        (None, Info::Range(least, greatest)) => {
            let is_code = |value: f64| value >= 0.0 && value.fract() == 0.0;
            is_code(least) && is_code(greatest) && greatest < lists[list].len() as f64
        }
        (None, _) => true,
    };
    let categorical: Vec<usize> = (0..codes.len()).filter(|&at| codes[at].is_some()).collect();
    if categorical.len() == lists.len() && categorical.iter().enumerate().all(|(list, &at)| fits(at, list)) {
        return Some(categorical);
    }
    if codes.len().saturating_mul(lists.len()) > MOST_PAIRS {
        return None;
    }
    // First with a list for every categorical feature, then with some on integers.
    let ways =
        [true, false].map(|all| only_way(codes.len(), lists.len(), |at| all && codes[at].is_some(), fits));
    match ways {
        [Ways::One(columns), _] | [Ways::None, Ways::One(columns)] => Some(columns),
        _ => None,
    }
}

enum Ways {
    None,
    One(Vec<usize>),
    Several,
}

/// Matches the lists to growing features, none of those left out that must have one.
fn only_way(
    features: usize,
    lists: usize,
    must: impl Fn(usize) -> bool,
    fits: impl Fn(usize, usize) -> bool,
) -> Ways {
    let width = lists + 1;
    // ahead[at, list]: the features from `at` on can take the lists from `list` on.
    let mut ahead = vec![false; (features + 1) * width];
    ahead[features * width + lists] = true;
    for at in (0..features).rev() {
        for list in 0..=lists {
            let skipped = !must(at) && ahead[(at + 1) * width + list];
            let taken = list < lists && fits(at, list) && ahead[(at + 1) * width + list + 1];
            ahead[at * width + list] = skipped || taken;
        }
    }
    if !ahead[0] {
        return Ways::None;
    }
    let mut columns = Vec::with_capacity(lists);
    for at in 0..features {
        let list = columns.len();
        let skipped = !must(at) && ahead[(at + 1) * width + list];
        let taken = list < lists && fits(at, list) && ahead[(at + 1) * width + list + 1];
        match (skipped, taken) {
            (true, true) => return Ways::Several,
            (false, true) => columns.push(at),
            _ => {}
        }
    }
    Ways::One(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: Info = Info::Range(-1.5, 2.5);
    const ORDERED: Info = Info::Range(0.0, 1.0);

    fn lists(lengths: &[usize]) -> Vec<Vec<String>> {
        lengths.iter().map(|&n| (0..n).map(|i| format!("level {i}")).collect()).collect()
    }

    #[track_caller]
    fn check(features: &[(Option<usize>, Info)], lengths: &[usize], expected: Option<&[usize]>) {
        let (codes, infos): (Vec<_>, Vec<_>) = features.iter().copied().unzip();
        assert_eq!(columns(&codes, &infos, &lists(lengths)).as_deref(), expected);
    }

    #[test]
    fn lists_go_to_the_categorical_features() {
        check(&[(None, RANGE), (Some(7), RANGE), (None, ORDERED), (Some(3), RANGE)], &[7, 3], Some(&[1, 3]));
    }

    #[test]
    fn ordered_columns_and_integers_are_told_where_one_way_fits() {
        // An ordered column beside a categorical one.
        check(&[(None, RANGE), (Some(7), RANGE), (None, ORDERED)], &[7, 2], Some(&[1, 2]));
        // Two that could be the ordered one.
        check(&[(None, ORDERED), (Some(7), RANGE), (None, ORDERED)], &[7, 2], Some(&[1, 2]));
        check(&[(Some(7), RANGE), (None, ORDERED), (None, ORDERED)], &[7, 2], None);
        // A column of integers that is too long for the list.
        check(&[(Some(7), RANGE), (Some(3), RANGE)], &[3], Some(&[1]));
        check(&[(Some(7), RANGE), (Some(3), RANGE)], &[8], None);
        // A constant column may have a list.
        check(&[(None, RANGE), (None, Info::None)], &[1], Some(&[1]));
        check(&[(None, RANGE)], &[1], None);
    }
}
