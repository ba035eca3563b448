//! Rows that a tree did not learn from, sent through it by their bins.

use super::grow::{Grown, GrownLeaf};
use super::partition::{GoesLeft, partition};
use super::split::Cut;
use crate::binning::{BinnedFeature, BinnedMatrix, Bins};
use crate::tree::{Rule, Tree};

/// What a finished tree was grown on.
pub(super) struct Route<'a> {
    pub features: &'a [BinnedFeature],
    pub matrix: &'a BinnedMatrix,
    pub grown: &'a Grown,
    /// The tree finished from it, node by node the same.
    pub tree: &'a Tree,
    pub parallel: bool,
}

impl Route<'_> {
    /// Reorders the rows so that those of each leaf are together; returns the stretch of each leaf.
    pub(super) fn leaves(&self, rows: &mut [u32]) -> Vec<GrownLeaf> {
        let all = GrownLeaf { start: 0, len: rows.len() };
        let mut spans = vec![all; self.grown.nodes.len()];
        let mut leaves = vec![all; self.grown.leaves.len()];
        let mut spare = vec![0; rows.len()];
        for (at, node) in self.grown.nodes.iter().enumerate() {
            let GrownLeaf { start, len } = spans[at];
            let column = self.matrix.column(node.feature);
            let here = &mut rows[start..start + len];
            let left = partition(here, &mut spare[..len], column, &self.table(at), self.parallel);
            let sides = [(start, left), (start + left, len - left)];
            for (child, (start, len)) in node.children.into_iter().zip(sides) {
                let place = if child < 0 { &mut leaves[!child as usize] } else { &mut spans[child as usize] };
                *place = GrownLeaf { start, len };
            }
        }
        leaves
    }

    /// For each bin, where the finished node sends it: rows that were not drawn may be in bins that no drawn row is in.
    fn table(&self, at: usize) -> GoesLeft {
        let (grown, node) = (&self.grown.nodes[at], &self.tree.nodes[at]);
        let feature = &self.features[grown.feature];
        let missing = u8::from(node.missing_left);
        let mut table = [missing; 256];
        match (grown.cut, node.rule, &feature.bins) {
            (Cut::Threshold { bin, .. }, ..) => {
                for (b, goes) in table[..feature.known].iter_mut().enumerate() {
                    *goes = u8::from(b <= usize::from(bin));
                }
            }
            (_, Rule::Categories { start, words }, Bins::Categorical { of_level }) => {
                let words = self.tree.words(start, words);
                for (level, bin) in of_level.iter().enumerate() {
                    if let Some(bin) = bin {
                        let word = words.get(level / 64).copied().unwrap_or(0);
                        table[usize::from(*bin)] = (word >> (level % 64) & 1) as u8;
                    }
                }
            }
            _ => {}
        }
        table
    }
}
