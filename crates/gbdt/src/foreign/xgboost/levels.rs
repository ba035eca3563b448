//! Names of the features, and which of them are categorical.

use tenure_core::Result;

use super::document::{Encoding, GbTree, Scalar};
use super::{NAME, problem, unsupported};
use crate::foreign::ReadOptions;
use crate::foreign::assemble::Levels;

/// Before 3.1 a file does not say how many categories there are, only which ones its splits send right. What
/// training knew beyond must not become missing: so many are taken to exist at least, and no fewer than a whole
/// number of words of bits.
const LEAST_CODES: usize = 256;
const WORD: usize = 64;

/// The names in the file, or `f0`, `f1`, …
pub(super) fn names(names: Vec<String>, features: usize) -> Result<Vec<String>> {
    match names.len() {
        0 => Ok((0..features).map(|at| format!("f{at}")).collect()),
        found if found == features => Ok(names),
        found => Err(problem(NAME, "`feature_names`", format!("{features} names"), found.to_string())),
    }
}

/// The levels of each feature.
pub(super) fn levels(
    names: &[String],
    types: &[String],
    model: &GbTree,
    options: &ReadOptions,
) -> Result<Vec<Levels>> {
    let mut codes = vec![None; names.len()];
    for (codes, kind) in codes.iter_mut().zip(types) {
        *codes = (kind == "c").then_some(0);
    }
    for (at, tree) in model.trees.iter().enumerate() {
        for (node, set) in tree.sets(at)? {
            if let Some(codes) = tree.split_indices.get(node).and_then(|&f| codes.get_mut(f as usize)) {
                let greatest = set.iter().max().and_then(|&code| usize::try_from(code).ok());
                *codes = (*codes).max(Some(greatest.map_or(0, |greatest| greatest + 1)));
            }
        }
    }
    let of = |(at, codes): (usize, Option<usize>)| {
        let Some(codes) = codes else { return Ok(Levels::Numeric) };
        let known = match model.cats.enc.get(at) {
            Some(encoding) if !options.levels.contains_key(&names[at]) => level_names(encoding, &names[at])?,
            _ => Vec::new(),
        };
        if known.is_empty() {
            return Ok(Levels::Codes(codes.max(LEAST_CODES).next_multiple_of(WORD)));
        }
        Ok(Levels::Names(known))
    };
    codes.into_iter().enumerate().map(of).collect()
}

/// Texts, or numbers as text.
fn level_names(encoding: &Encoding, feature: &str) -> Result<Vec<String>> {
    let wrong = || {
        problem(NAME, format!("categories of `{feature}`"), "numbers, or texts in UTF-8", "something else")
    };
    let Some(offsets) = &encoding.offsets else {
        let name = |value: &Scalar| match value {
            Scalar::Integer(value) => Ok(value.to_string()),
            Scalar::Float(value) => Ok(value.to_string()),
            Scalar::Text(_) => Err(wrong()),
        };
        return encoding.values.iter().map(name).collect();
    };
    // Bytes are written with a sign.
    let byte = |value: &Scalar| match value {
        Scalar::Integer(value @ -128..=255) => Ok(*value as u8),
        _ => Err(wrong()),
    };
    let bytes = encoding.values.iter().map(byte).collect::<Result<Vec<u8>>>()?;
    let place = |offset: i64| usize::try_from(offset).map_err(|_| wrong());
    let text = |pair: &[i64]| {
        let text = bytes.get(place(pair[0])?..place(pair[1])?).ok_or_else(wrong)?;
        std::str::from_utf8(text).map(str::to_owned).map_err(|_| wrong())
    };
    // XGBoost 3.2 counts the characters of pandas' texts and cuts their bytes by them: what it stores of others than
    // ASCII are not their names.
    if !bytes.is_ascii() {
        let what = format!(
            "levels of `{feature}` in letters beyond ASCII, which XGBoost stores wrongly: give them in `ReadOptions.levels`"
        );
        return Err(unsupported(NAME, what));
    }
    // Growing offsets: otherwise the texts would share their bytes, and a small file could hold many long ones.
    if !offsets.is_sorted() {
        return Err(wrong());
    }
    offsets.windows(2).map(text).collect()
}
