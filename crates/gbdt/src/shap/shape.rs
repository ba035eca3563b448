//! One tree, compiled for explanation, and the two passes over it.

use super::points::{LANES, Lanes, Points};
use crate::predict::{Test, TestIndex, breadth_first};
use crate::tree::Tree;

/// "No edge above tests the same feature."
const NONE: u32 = u32::MAX;

/// An inner node. Places count within the tree, breadth first, siblings side by side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Split {
    pub at: u32,
    /// The left child; the right one is next to it.
    pub left: u32,
    pub test: Test,
    pub feature: u32,
    /// Where the nearest edge above that tests the same feature ends, or [`NONE`].
    prior: u32,
    /// z of that edge; 1 where there is none.
    pub prior_z: f64,
    /// Shares of the children in the node's cover.
    pub shares: [f64; 2],
}

/// A leaf: its place and value.
#[derive(Debug, Clone, Copy)]
struct End {
    at: u32,
    value: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub splits: Vec<Split>,
    ends: Vec<End>,
    /// Which of the rules is exact for it.
    pub rule: usize,
}

/// Buffers that a thread keeps between rows; each by place in the tree at hand.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The product of the factors of the edges above.
    above: Vec<Lanes>,
    /// The sum over the leaves below, each times the factors of the edges in between.
    below: Vec<Lanes>,
    /// Whether the row follows every edge down to here that tests the last edge's feature.
    pub followed: Vec<bool>,
}

/// How the edges under a split stand to the edge above that tests the same feature: b and c of the module's
/// documentation.
#[derive(Clone, Copy)]
struct Stand {
    b: Lanes,
    c: Lanes,
}

impl Shape {
    /// Also returns the cover-weighted mean of the leaves.
    pub(super) fn compile(tree: &Tree, index: &TestIndex<'_>) -> (Self, f64) {
        let order = breadth_first(tree);
        let mut shape = Self { splits: Vec::with_capacity(tree.nodes.len()), ends: Vec::new(), rule: 0 };
        // By place: the place of the parent, the number of its own split, and the product of all shares above.
        let mut parents = vec![NONE; order.len()];
        let mut split_at = vec![NONE; order.len()];
        let mut reach = vec![1.0; order.len()];
        let (mut mean, mut next, mut most_features) = (0.0, 1, 0);
        for (at, &(child, _)) in order.iter().enumerate() {
            if child < 0 {
                let value = tree.leaves[!child as usize].value;
                shape.ends.push(End { at: at as u32, value });
                mean += reach[at] * value;
                most_features = most_features.max(shape.distinct_features(at, &parents, &split_at));
                continue;
            }
            let node = &tree.nodes[child as usize];
            let shares = shares(tree.cover(node.left), tree.cover(node.right));
            for side in 0..2 {
                parents[next + side] = at as u32;
                reach[next + side] = reach[at] * shares[side];
            }
            let (prior, prior_z) = shape.prior(at, node.feature, &parents, &split_at);
            split_at[at] = shape.splits.len() as u32;
            shape.splits.push(Split {
                at: at as u32,
                left: next as u32,
                test: index.of(tree, node),
                feature: node.feature,
                prior,
                prior_z,
                shares,
            });
            next += 2;
        }
        // n distinct features: degree n - 1, exact with n / 2 points, rounded up to whole groups.
        shape.rule = most_features.div_ceil(2).div_ceil(LANES).max(1) - 1;
        (shape, mean)
    }

    /// The splits on the way from `at` up to the root, each with the place one step below it.
    fn path<'a>(
        &'a self,
        at: usize,
        parents: &'a [u32],
        split_at: &'a [u32],
    ) -> impl Iterator<Item = (u32, &'a Split)> {
        let mut below = at as u32;
        std::iter::from_fn(move || {
            let parent = parents[below as usize];
            if parent == NONE {
                return None;
            }
            let from = std::mem::replace(&mut below, parent);
            Some((from, &self.splits[split_at[parent as usize] as usize]))
        })
    }

    /// The nearest edge above that tests the feature: where it ends, and its z.
    fn prior(&self, at: usize, feature: u32, parents: &[u32], split_at: &[u32]) -> (u32, f64) {
        let found = self.path(at, parents, split_at).find(|(_, split)| split.feature == feature);
        found.map_or((NONE, 1.0), |(end, split)| (end, split.z((end - split.left) as usize)))
    }

    fn distinct_features(&self, at: usize, parents: &[u32], split_at: &[u32]) -> usize {
        self.path(at, parents, split_at).filter(|(_, split)| split.prior == NONE).count()
    }

    /// The pass down at one group of points.
    #[inline(always)]
    pub(super) fn descend(&self, points: &Points, codes: &[i8], places: &mut Places) {
        let count = 2 * self.splits.len() + 1;
        if places.above.len() < count {
            places.above.resize(count, Lanes::default());
            places.below.resize(count, Lanes::default());
            places.followed.resize(count, false);
        }
        let above = &mut places.above[..count];
        let followed = &mut places.followed[..count];
        above[0] = points.weight;
        for split in &self.splits {
            let right = split.test.goes_right(codes);
            let (near, far) = split.sides(right);
            let (known, stand) = split.stand(points, followed);
            let product = above[split.at as usize];
            let beside = product * (stand.b * split.shares[usize::from(!right)]);
            above[near] = product - beside;
            above[far] = beside;
            followed[near] = known;
            followed[far] = false;
        }
    }

    /// The pass up at one group of points, after the pass down: hands each split with its feature's
    /// contribution to `add`.
    #[inline(always)]
    pub(super) fn ascend(
        &self,
        points: &Points,
        codes: &[i8],
        places: &mut Places,
        mut add: impl FnMut(usize, &Split, Lanes),
    ) {
        let count = 2 * self.splits.len() + 1;
        let (above, below) = (&places.above[..count], &mut places.below[..count]);
        let followed = &places.followed[..count];
        for end in &self.ends {
            below[end.at as usize] = Lanes::splat(end.value);
        }
        for (at, split) in self.splits.iter().enumerate().rev() {
            let right = split.test.goes_right(codes);
            let (near, far) = split.sides(right);
            let (_, stand) = split.stand(points, followed);
            let near = below[near];
            let gained = (near - below[far]) * split.shares[usize::from(!right)];
            below[split.at as usize] = near - stand.b * gained;
            let mut contribution = above[split.at as usize] * gained;
            if split.prior != NONE {
                contribution = contribution * stand.c;
            }
            add(at, split, contribution);
        }
    }
}

impl Split {
    /// z of the edge to a child.
    pub(super) fn z(&self, side: usize) -> f64 {
        self.prior_z * self.shares[side]
    }

    /// The child on the row's side, and the other.
    #[inline(always)]
    fn sides(&self, right: bool) -> (usize, usize) {
        let (left, right) = (self.left as usize, usize::from(right));
        (left + right, left + 1 - right)
    }

    /// Whether the row follows the edge above that tests the same feature, if there is one, and b and c.
    #[inline(always)]
    fn stand(&self, points: &Points, followed: &[bool]) -> (bool, Stand) {
        if self.prior == NONE {
            return (true, Stand { b: points.s, c: Lanes::splat(1.0) });
        }
        if !followed[self.prior as usize] {
            return (false, Stand { b: Lanes::splat(1.0), c: Lanes::default() });
        }
        let sz = points.s * self.prior_z;
        let inverse = (points.t + sz).recip();
        (true, Stand { b: sz * inverse, c: inverse * inverse * self.prior_z })
    }
}

/// Each child's share of the cover of both; halves where no training row reached either.
fn shares(left: f64, right: f64) -> [f64; 2] {
    let both = left + right;
    if both > 0.0 { [left / both, right / both] } else { [0.5, 0.5] }
}
