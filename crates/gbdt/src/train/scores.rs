//! Adding the values of a tree's leaves to the scores of its rows.

use rayon::prelude::*;

use super::grow::GrownLeaf;
use crate::tree::Tree;

/// Scores that one thread adds to at a time: they stay in the second-level cache.
const CHUNK: usize = 1 << 14;

/// Adds to the score of each row of `index` the value of its leaf.
///
/// The rows of a leaf are ascending, so those of a stretch of scores are a stretch of each leaf: threads write to
/// different stretches, and every score is added to at most once.
pub(super) fn add_leaves(
    scores: &mut [f64],
    index: &[u32],
    leaves: &[GrownLeaf],
    tree: &Tree,
    parallel: bool,
) {
    let add = |(at, scores): (usize, &mut [f64])| {
        let first = at * CHUNK;
        for (rows, leaf) in leaves.iter().zip(&tree.leaves) {
            let rows = &index[rows.start..rows.start + rows.len];
            let begin = rows.partition_point(|&row| (row as usize) < first);
            for &row in &rows[begin..] {
                let Some(score) = scores.get_mut(row as usize - first) else { break };
                *score += leaf.value;
            }
        }
    };
    if parallel {
        scores.par_chunks_mut(CHUNK).enumerate().for_each(add);
    } else {
        scores.chunks_mut(CHUNK).enumerate().for_each(add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Leaf;

    #[test]
    fn each_row_gets_the_value_of_its_leaf_once() {
        let n = 5 * CHUNK + 77;
        // One leaf has rows in few stretches, one in all, and one none; some rows are in no leaf.
        let leaf_of = |row: usize| match row {
            _ if row % 11 == 3 => None,
            _ if row / CHUNK == 2 && row.is_multiple_of(2) => Some(0),
            _ => Some(2),
        };
        let mut index = Vec::new();
        let leaves = [0, 1, 2].map(|leaf| {
            let start = index.len();
            index.extend((0..n as u32).filter(|&row| leaf_of(row as usize) == Some(leaf)));
            GrownLeaf { start, len: index.len() - start }
        });
        let values = [0.5, 7.0, -0.25];
        let tree = Tree {
            nodes: Vec::new(),
            leaves: values.map(|value| Leaf { value, cover: 1.0 }).to_vec(),
            category_bits: Vec::new(),
        };
        for parallel in [false, true] {
            let mut scores: Vec<f64> = (0..n).map(|row| row as f64).collect();
            add_leaves(&mut scores, &index, &leaves, &tree, parallel);
            for (row, score) in scores.iter().enumerate() {
                assert_eq!(*score, row as f64 + leaf_of(row).map_or(0.0, |leaf| values[leaf]), "{row}");
            }
        }
    }
}
