//! The splits of a tree with the paths that lead to them.

use crate::predict::{Test, TestIndex, breadth_first};
use crate::tree::Tree;

/// One of the two edges under a split.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// The split's number.
    pub split: usize,
    pub right: bool,
}

/// An inner node. Places count within the tree, breadth first from 1, so that siblings are an even place and the
/// odd one after it.
#[derive(Debug, Clone)]
pub(super) struct Split {
    pub at: u32,
    /// The left child.
    pub left: u32,
    pub test: Test,
    pub feature: u32,
    /// Shares of the children in the node's cover.
    pub shares: [f64; 2],
    /// The children's values where both are leaves.
    pub twig: Option<[f64; 2]>,
    /// The edge into it.
    above: Option<Step>,
}

/// What an edge says of its feature, with all edges above it that test the same one.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    /// The product of their shares.
    pub z: f64,
    /// What sends a row along all of them: which way each test goes.
    pub follows: Vec<(Test, bool)>,
}

pub(super) struct Paths {
    /// Breadth first.
    pub splits: Vec<Split>,
    /// Each leaf's place, value and share of the cover.
    pub leaves: Vec<(u32, f64, f64)>,
    /// The most distinct features on a path.
    pub features: usize,
}

impl Paths {
    pub(super) fn new(tree: &Tree, index: &TestIndex<'_>) -> Self {
        let order = breadth_first(tree);
        let mut paths =
            Self { splits: Vec::with_capacity(tree.nodes.len()), leaves: Vec::new(), features: 0 };
        // By place: the edge into it, and the product of all shares above.
        let mut above = vec![None; order.len()];
        let mut reach = vec![1.0; order.len()];
        let mut next = 1;
        for (place, &(child, _)) in order.iter().enumerate() {
            if child < 0 {
                let value = tree.leaves[!child as usize].value;
                paths.leaves.push((place as u32 + 1, value, reach[place]));
                paths.features = paths.features.max(paths.distinct_features(above[place]));
                continue;
            }
            let node = &tree.nodes[child as usize];
            let shares = shares(tree.cover(node.left), tree.cover(node.right));
            let value = |child: i32| (child < 0).then(|| tree.leaves[!child as usize].value);
            for (side, right) in [false, true].into_iter().enumerate() {
                above[next + side] = Some(Step { split: paths.splits.len(), right });
                reach[next + side] = reach[place] * shares[side];
            }
            paths.splits.push(Split {
                at: place as u32 + 1,
                left: next as u32 + 1,
                test: index.of(tree, node),
                feature: node.feature,
                shares,
                twig: value(node.left).zip(value(node.right)).map(|(left, right)| [left, right]),
                above: above[place],
            });
            next += 2;
        }
        paths
    }

    /// The edges from `below` (included) up to the root.
    fn up(&self, below: Option<Step>) -> impl Iterator<Item = Step> {
        std::iter::successors(below, |step| self.splits[step.split].above)
    }

    fn feature(&self, step: Step) -> u32 {
        self.splits[step.split].feature
    }

    /// The nearest edge above a split for each distinct feature.
    pub(super) fn nearest(&self, split: usize) -> Vec<Step> {
        self.nearest_of(self.splits[split].above)
    }

    fn nearest_of(&self, below: Option<Step>) -> Vec<Step> {
        let mut nearest: Vec<Step> = Vec::new();
        for step in self.up(below) {
            if nearest.iter().all(|&other| self.feature(other) != self.feature(step)) {
                nearest.push(step);
            }
        }
        nearest
    }

    fn distinct_features(&self, below: Option<Step>) -> usize {
        self.nearest_of(below).len()
    }

    /// The nearest edge above a split that tests the same feature.
    pub(super) fn prior(&self, split: usize) -> Option<Edge> {
        let feature = self.splits[split].feature;
        let step = self.up(self.splits[split].above).find(|&step| self.feature(step) == feature)?;
        Some(self.edge(step))
    }

    pub(super) fn edge(&self, step: Step) -> Edge {
        let same = self.up(Some(step)).filter(|&other| self.feature(other) == self.feature(step));
        let mut edge = Edge { z: 1.0, follows: Vec::new() };
        for Step { split, right } in same {
            edge.z *= self.splits[split].shares[usize::from(right)];
            edge.follows.push((self.splits[split].test, right));
        }
        edge
    }
}

impl Edge {
    /// Whether the row goes along.
    #[inline(always)]
    pub(super) fn followed(&self, codes: &[i8]) -> bool {
        self.follows.iter().all(|&(test, right)| test.goes_right(codes) == right)
    }
}

/// Each child's share of the cover of both; halves where no training row reached either.
fn shares(left: f64, right: f64) -> [f64; 2] {
    let both = left + right;
    if both > 0.0 { [left / both, right / both] } else { [0.5, 0.5] }
}
