//! From grown trees to trees of the model.

use super::grow::Grown;
use super::stats::Sum;
use crate::binning::BinnedFeature;
use crate::train::rule;
use crate::tree::{Leaf, Node, Tree};

/// Multiples of 2⁻⁵³ up to 1 add up without rounding.
const GRID: f64 = (1u64 << 53) as f64;

/// What a leaf answers for one output: a mean label or the share of a class.
pub(super) fn answer<const N: usize>(sum: &Sum<N>, output: usize) -> f64 {
    sum[1 + output] / sum[0]
}

/// One tree for each output, each leaf divided by the number of trees.
pub(super) struct Store<'a> {
    pub features: &'a [BinnedFeature],
    pub outputs: usize,
    pub trees: usize,
    /// Whether answers are shares.
    ///
    /// Then what a leaf adds is rounded down to a multiple of 2⁻⁵³. No leaf adds more than 1 / trees, sums of such
    /// multiples are exact as long as they are at most 1, and so the sum over all trees lies between 0 and 1 to
    /// the bit. A prediction loses less than trees · 2⁻⁵³.
    pub shares: bool,
    /// The unit of the labels that the trees were grown on.
    pub unit: f64,
}

impl Store<'_> {
    pub(super) fn trees<const N: usize>(&self, grown: &Grown<N>) -> Vec<Tree> {
        let mut nodes = Vec::with_capacity(grown.nodes.len());
        let mut category_bits = Vec::new();
        // Importances add up over all trees, and each grown tree is there once for each output.
        let part = (self.trees * self.outputs) as f64;
        for node in &grown.nodes {
            let feature = &self.features[node.feature as usize];
            let (rule, missing_left) = rule(&node.cut, feature, node.larger_left, &mut category_bits);
            nodes.push(Node {
                feature: feature.column as u32,
                rule,
                missing_left,
                zero_missing: false,
                left: node.children[0],
                right: node.children[1],
                gain: (node.gain / part).min(f64::MAX),
                cover: node.cover,
            });
        }
        let leaves = |output: usize| {
            let leaf = |sum: &Sum<N>| Leaf { value: self.value(answer(sum, output)), cover: sum[0] };
            grown.leaves.iter().map(leaf).collect()
        };
        let tree = |output| Tree {
            nodes: nodes.clone(),
            leaves: leaves(output),
            category_bits: category_bits.clone(),
        };
        (0..self.outputs).map(tree).collect()
    }

    fn value(&self, answer: f64) -> f64 {
        let value = (answer / self.trees as f64 * self.unit).clamp(-f64::MAX, f64::MAX);
        let most = (GRID as u64 / self.trees as u64) as f64;
        if self.shares { (value * GRID).floor().min(most) / GRID } else { value }
    }
}
