//! What compiled models can count. Beyond, numbers of 24 and 32 bits would not hold a place, and a model would
//! answer wrongly.

use tenure_core::Schema;

use crate::tree::Tree;

/// Levels of a feature: codes that a number of single precision, in which other libraries keep them, tells apart.
const LEVELS: usize = 1 << 24;

/// Nodes and leaves of all trees: scoring keeps up to eight entries for a node, counted in 32 bits.
const NODES: usize = 1 << 29;

/// Columns of codes: a node keeps its column in 24 bits.
const COLUMNS: usize = 1 << 24;

/// Words of the category sets of one tree.
const WORDS: usize = u32::MAX as usize;

/// Says what of the trees or the schema is too large, if anything.
pub(crate) fn check(schema: &Schema, trees: &[Tree]) -> Result<(), String> {
    for feature in schema.features() {
        let levels = feature.levels().map_or(0, <[String]>::len);
        at_most(levels, LEVELS, || format!("levels of the feature `{}`", feature.name))?;
    }
    let nodes = trees
        .iter()
        .fold(0_usize, |sum, tree| sum.saturating_add(tree.nodes.len()).saturating_add(tree.leaves.len()));
    at_most(nodes, NODES, || "nodes and leaves".into())?;
    trees.iter().try_for_each(|tree| {
        at_most(tree.category_bits.len(), WORDS, || "words of category sets in one tree".into())
    })
}

/// The same of the columns that nodes ask for.
pub(crate) fn check_columns(columns: usize) -> Result<(), String> {
    at_most(columns, COLUMNS, || "different questions to a row".into())
}

fn at_most(found: usize, most: usize, what: impl Fn() -> String) -> Result<(), String> {
    if found <= most { Ok(()) } else { Err(format!("{found} {}: {most} are the most", what())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_named_with_its_limit() {
        assert_eq!(check_columns(COLUMNS), Ok(()));
        let message = check_columns(COLUMNS + 1).unwrap_err();
        assert_eq!(message, "16777217 different questions to a row: 16777216 are the most");
    }

    /// The last place of each kind must be a number of its type.
    #[test]
    fn limits_fit_the_layouts() {
        assert!(u32::try_from(8 * (NODES - 1)).is_ok());
        assert!(u32::try_from(COLUMNS - 1).is_ok_and(|column| column << 8 >> 8 == column));
        assert!(u32::try_from(WORDS).is_ok());
        assert_eq!(LEVELS as f32 - 1.0, (LEVELS - 1) as f32);
        assert_eq!((LEVELS + 1) as f32, LEVELS as f32);
    }
}
