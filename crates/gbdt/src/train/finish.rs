//! From a grown shape to a tree of the model: leaf values, covers, thresholds and sets of categories.

use rayon::prelude::*;

use super::CHUNK;
use super::categorical::ONE_AGAINST_REST;
use super::constraints::Constraints;
use super::grow::{Grown, GrownLeaf, GrownNode};
use super::renew::Renewal;
use super::split::{BinSet, Cut, shrink};
use crate::GbdtParams;
use crate::binning::{BinnedFeature, Bins};
use crate::objective::Gradient;
use crate::tree::{Leaf, Node, Rule, Tree};

/// What the tree was grown from.
pub(super) struct Context<'a> {
    pub params: &'a GbdtParams,
    pub features: &'a [BinnedFeature],
    pub gradients: &'a [Gradient],
    pub weights: Option<&'a [f64]>,
    pub constraints: Option<&'a Constraints>,
    /// Where leaf values are quantiles.
    pub renewal: Option<Renewal<'a>>,
    /// The unit of the gradients.
    pub unit: f64,
    /// From values in the units of the packed integers to those of leaves before the learning rate.
    pub step_unit: f64,
    pub parallel: bool,
}

impl Context<'_> {
    /// The tree, with leaf values in the unit of the labels as they are fitted.
    pub(super) fn finish(&self, grown: &Grown, index: &[u32]) -> Tree {
        let bounds = match self.renewal {
            Some(renewal) => self.renewed_bounds(renewal, grown, index),
            None => grown.bounds.iter().map(|b| (b.0 * self.step_unit, b.1 * self.step_unit)).collect(),
        };
        let levels = |node: &GrownNode| match &self.features[node.feature].bins {
            Bins::Categorical { of_level } => of_level.len(),
            Bins::Numeric { .. } => 0,
        };
        let splits = grown.nodes.iter().map(|node| (node.children, levels(node)));
        let penalties = penalties(self.params, grown.leaves.len(), splits);
        let leaf = |at: usize| {
            let GrownLeaf { start, len } = grown.leaves[at];
            self.leaf(&index[start..start + len], penalties[at], bounds.get(at).copied())
        };
        let leaves: Vec<Leaf> = if self.parallel {
            (0..grown.leaves.len()).into_par_iter().map(leaf).collect()
        } else {
            (0..grown.leaves.len()).map(leaf).collect()
        };
        let mut tree =
            Tree { nodes: Vec::with_capacity(grown.nodes.len()), leaves, category_bits: Vec::new() };
        let covers = covers(&grown.nodes, &tree.leaves);
        for (node, &cover) in grown.nodes.iter().zip(&covers) {
            let [left, right] = node.children;
            let of = |child: i32| {
                if child < 0 { tree.leaves[!child as usize].cover } else { covers[child as usize] }
            };
            let larger_left = of(left) >= of(right);
            let feature = &self.features[node.feature];
            let (rule, missing_left) = rule(&node.cut, feature, larger_left, &mut tree.category_bits);
            let feature = feature.column as u32;
            let gain = node.gain.min(f64::MAX);
            tree.nodes.push(Node {
                feature,
                rule,
                missing_left,
                zero_missing: false,
                left,
                right,
                gain,
                cover,
            });
        }
        tree
    }

    /// Sums in chunks of fixed size and order.
    fn leaf(&self, rows: &[u32], l2: f64, bounds: Option<(f64, f64)>) -> Leaf {
        let (mut g, mut h, mut cover) = (0.0, 0.0, 0.0);
        for rows in rows.chunks(CHUNK) {
            let (mut chunk_g, mut chunk_h) = (0.0, 0.0);
            for &row in rows {
                let gradient = self.gradients[row as usize];
                chunk_g += gradient.g;
                chunk_h += gradient.h;
            }
            g += chunk_g;
            h += chunk_h;
            cover += match self.weights {
                None => rows.len() as f64,
                Some(w) => rows.iter().map(|&row| w[row as usize]).sum(),
            };
        }
        let step = match self.renewal {
            Some(renewal) => self.renewed(renewal, rows),
            None => step(Gradient { g, h }, self.params.l1 / self.unit, l2),
        };
        let step = match bounds {
            // Bounded by the same numbers, neighbours keep their order whatever is rounded from here on.
            Some((low, high)) => step.max(low).min(high),
            None => step,
        };
        let value = if step.is_finite() { self.params.learning_rate * step } else { 0.0 };
        Leaf { value, cover }
    }
}

/// The value of a leaf with these sums, before the learning rate.
pub(super) fn step(sums: Gradient, l1: f64, l2: f64) -> f64 {
    let step = -(shrink(sums.g, l1) / (sums.h + l2));
    // Hessians that round to zero say nothing about how far to go.
    if step.is_finite() { step } else { 0.0 }
}

/// The L2 penalty of each leaf: greater where it hangs under a split of sorted categories, whose groups are picked by
/// their gradients. `splits` are the children of each node and the levels of its feature, 0 for a numeric one.
pub(super) fn penalties(
    params: &GbdtParams,
    leaves: usize,
    splits: impl Iterator<Item = ([i32; 2], usize)>,
) -> Vec<f64> {
    let mut penalties = vec![params.l2; leaves];
    for (children, levels) in splits {
        if levels > ONE_AGAINST_REST {
            for child in children.into_iter().filter(|&child| child < 0) {
                penalties[!child as usize] += params.categorical.l2;
            }
        }
    }
    penalties
}

/// Cover of each node: children come after their parents.
fn covers(nodes: &[GrownNode], leaves: &[Leaf]) -> Vec<f64> {
    let mut covers = vec![0.0; nodes.len()];
    for at in (0..nodes.len()).rev() {
        let of = |child: i32| if child < 0 { leaves[!child as usize].cover } else { covers[child as usize] };
        covers[at] = of(nodes[at].children[0]) + of(nodes[at].children[1]);
    }
    covers
}

/// The test of a node, and where missing values go. What no row of the node told goes to the larger child.
pub(crate) fn rule(
    cut: &Cut,
    feature: &BinnedFeature,
    larger_left: bool,
    bits: &mut Vec<u64>,
) -> (Rule, bool) {
    match (*cut, &feature.bins) {
        (Cut::Categories { left, seen }, Bins::Categorical { of_level }) => {
            let side = |bin: usize| if has(&seen, bin) { has(&left, bin) } else { larger_left };
            let missing_left = if feature.missing { side(feature.known) } else { larger_left };
            let start = bits.len();
            bits.resize(start + of_level.len().div_ceil(64), 0);
            for (level, bin) in of_level.iter().enumerate() {
                // A level that training never saw is as good as missing.
                if bin.map_or(missing_left, |bin| side(usize::from(bin))) {
                    bits[start + level / 64] |= 1 << (level % 64);
                }
            }
            // Levels beyond the words are missing: words that say nothing else need not be kept.
            if !missing_left {
                while bits.len() > start && bits.last() == Some(&0) {
                    bits.pop();
                }
            }
            let words = (bits.len() - start) as u32;
            (Rule::Categories { start: start as u32, words }, missing_left)
        }
        (Cut::Threshold { bin, missing_left }, _) => {
            (Rule::Threshold(feature.threshold(usize::from(bin))), missing_left.unwrap_or(larger_left))
        }
        // Only categorical features are cut by categories.
        (Cut::Categories { .. }, Bins::Numeric { .. }) => (Rule::Threshold(f64::MAX), larger_left),
    }
}

fn has(set: &BinSet, bin: usize) -> bool {
    set[bin / 64] >> (bin % 64) & 1 == 1
}

/// The leaf that a row falls into.
pub(crate) fn leaf_of(tree: &Tree, row: &[f64]) -> usize {
    let mut at = tree.root();
    while at >= 0 {
        let node = &tree.nodes[at as usize];
        let value = row[node.feature as usize];
        let left = match node.rule {
            _ if node.is_missing(value) => node.missing_left,
            Rule::Threshold(threshold) => value <= threshold,
            Rule::Categories { start, words } => {
                let category = value as usize;
                match tree.words(start, words).get(category / 64) {
                    Some(word) => word >> (category % 64) & 1 == 1,
                    None => node.missing_left,
                }
            }
        };
        at = if left { node.left } else { node.right };
    }
    !at as usize
}
