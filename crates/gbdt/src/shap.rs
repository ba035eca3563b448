//! Exact path-dependent Shapley values of a forest (TreeSHAP).
//!
//! The value of a set of features S is the forest's answer when a node that tests a feature of S follows the
//! row, and any other node averages its children by their share of the training weight (Lundberg et al.,
//! "From local explanations to global understanding with explainable AI for trees", Nature Machine
//! Intelligence 2020). For one leaf of value v that is v ∏ o_j over S times ∏ z_j over the other features of
//! its path, where z_j is the product of the shares of the edges that test j, and o_j is 1 where the row
//! follows all of them, else 0. The Shapley value of such a product is an integral,
//!
//! ```text
//! φ_i = v (o_i − z_i) ∫₀¹ ∏_{j ≠ i} (t o_j + (1 − t) z_j) dt
//! ```
//!
//! of a polynomial in t whose degree is below the number of distinct features of the path, so that
//! Gauss-Legendre quadrature with half as many points is exact. All factors and weights are positive: nothing
//! cancels, however deep the tree. One pass down a tree multiplies the factors at the quadrature points, one
//! pass up sums the leaves and divides feature i's factor out again; the cost is linear in the nodes, where
//! Algorithm 2 of the paper is quadratic in depth. Points come in groups of four to fill vector registers.
//!
//! A feature that occurs again on a path replaces the factor of its edge above, as in Yu et al., "Linear
//! TreeShap" (NeurIPS 2022).

use std::cell::RefCell;

use crate::predict::{Decisions, TestIndex, breadth_first};
use crate::tree::Tree;

/// Quadrature points that are carried through a tree together.
const LANES: usize = 4;
type Lanes = [f64; LANES];

/// "No edge above tests the same feature."
const NONE: u32 = u32::MAX;

/// Four points of a quadrature rule on [0, 1].
#[derive(Debug, Clone, Copy)]
struct Points {
    t: Lanes,
    /// 1 − t.
    s: Lanes,
    weight: Lanes,
}

/// An inner node. Places count within the tree, breadth first, siblings side by side.
#[derive(Debug, Clone, Copy)]
struct Split {
    at: u32,
    left: u32,
    test: u32,
    feature: u32,
    /// Where the nearest edge above that tests the same feature ends, or [`NONE`].
    prior: u32,
    /// z of that edge; 1 where there is none.
    prior_z: f64,
    /// Shares of the children in the node's cover.
    shares: [f64; 2],
}

#[derive(Debug, Clone)]
struct Shape {
    splits: Vec<Split>,
    /// Leaf values by place; 1 for inner nodes, so that the pass down multiplies without asking.
    values: Vec<f64>,
    /// Which of the rules is exact for it.
    rule: usize,
}

/// A forest compiled for explanation.
#[derive(Debug, Clone)]
pub(crate) struct Explainer {
    baseline: f64,
    features: usize,
    shapes: Vec<Shape>,
    /// Rule r has `LANES * (r + 1)` points.
    rules: Vec<Vec<Points>>,
}

impl Explainer {
    /// Prepares checked trees over `features` features.
    pub(crate) fn compile<'t>(
        base: f64,
        features: usize,
        trees: impl Iterator<Item = &'t Tree>,
        index: &TestIndex<'_>,
    ) -> Self {
        let mut explainer = Self { baseline: base, features, shapes: Vec::new(), rules: Vec::new() };
        for tree in trees {
            let (shape, mean) = Shape::compile(tree, index);
            explainer.baseline += mean;
            if !shape.splits.is_empty() {
                explainer.shapes.push(shape);
            }
        }
        let rules = explainer.shapes.iter().map(|shape| shape.rule + 1).max().unwrap_or(0);
        explainer.rules = (1..=rules).map(|groups| gauss_legendre(groups * LANES)).collect();
        explainer
    }

    /// The forest's answer before anything is known: with all features averaged.
    pub(crate) fn baseline(&self) -> f64 {
        self.baseline
    }

    /// Writes one contribution per feature of a row.
    pub(crate) fn explain(&self, decisions: &Decisions, row: &[f64], out: &mut [f64]) {
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.sums.clear();
            scratch.sums.resize(self.features, [0.0; LANES]);
            let mut answers = std::mem::take(&mut scratch.answers);
            answers.resize(decisions.len(), 0);
            decisions.answer(row, &mut answers);
            self.add_all(&answers, scratch);
            scratch.answers = answers;
            for (out, sums) in out.iter_mut().zip(&scratch.sums) {
                *out = sums.iter().sum();
            }
        });
    }

    fn add_all(&self, answers: &[u8], scratch: &mut Scratch) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[target_feature(enable = "avx2")]
            fn with_avx2(this: &Explainer, answers: &[u8], scratch: &mut Scratch) {
                this.add_all_body(answers, scratch);
            }
            // SAFETY: the only requirement is AVX2, which was just found. It changes the width of the vector
            // instructions, not the operations: the bits are the same.
            return unsafe { with_avx2(self, answers, scratch) };
        }
        self.add_all_body(answers, scratch);
    }

    #[inline(always)]
    fn add_all_body(&self, answers: &[u8], scratch: &mut Scratch) {
        for shape in &self.shapes {
            for points in &self.rules[shape.rule] {
                shape.descend(points, answers, scratch);
                shape.ascend(points, answers, scratch);
            }
        }
    }
}

/// Buffers that a thread keeps between rows.
#[derive(Debug, Default)]
struct Scratch {
    answers: Vec<u8>,
    /// By place: on the way down the product of the factors of the path; on the way up the sum over the
    /// leaves below.
    products: Vec<Lanes>,
    /// By place: whether the row follows every edge down to here that tests the last edge's feature.
    followed: Vec<bool>,
    /// By feature: contributions at each point of a group.
    sums: Vec<Lanes>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// The factor t o + (1 − t) z of an edge.
#[inline(always)]
fn factor(points: &Points, followed: bool, z: f64) -> Lanes {
    let o = f64::from(u8::from(followed));
    std::array::from_fn(|k| points.t[k] * o + points.s[k] * z)
}

/// (o − z) / (t o + (1 − t) z), which for o = 0 is −1 / (1 − t) whatever z is, 0 included.
#[inline(always)]
fn pull(points: &Points, followed: bool, z: f64) -> Lanes {
    let (over, t, z) = if followed { (1.0 - z, 1.0, z) } else { (-1.0, 0.0, 1.0) };
    std::array::from_fn(|k| over / (points.t[k] * t + points.s[k] * z))
}

impl Shape {
    /// Also returns the cover-weighted mean of the leaves.
    fn compile(tree: &Tree, index: &TestIndex<'_>) -> (Self, f64) {
        let order = breadth_first(tree);
        let mut shape = Self { splits: Vec::new(), values: Vec::with_capacity(order.len()), rule: 0 };
        // By place: the edge into it (the place it leaves from), and the product of all shares above.
        let mut parents = vec![NONE; order.len()];
        let mut reach = vec![1.0; order.len()];
        let mut split_at = vec![NONE; order.len()];
        let (mut mean, mut next) = (0.0, 1);
        let mut most_features = 0;
        for (at, &(child, _)) in order.iter().enumerate() {
            if child < 0 {
                let value = tree.leaves[!child as usize].value;
                shape.values.push(value);
                mean += reach[at] * value;
                most_features = most_features.max(shape.distinct_features(at, &parents, &split_at));
                continue;
            }
            shape.values.push(1.0);
            let node = &tree.nodes[child as usize];
            let shares = shares(tree.cover(node.left), tree.cover(node.right));
            for side in 0..2 {
                parents[next + side] = at as u32;
                reach[next + side] = reach[at] * shares[side];
            }
            let (prior, prior_z) = shape.prior(at, node.feature, &parents, &split_at);
            split_at[at] = shape.splits.len() as u32;
            let (test, feature) = (index.of(tree, node), node.feature);
            shape.splits.push(Split {
                at: at as u32,
                left: next as u32,
                test,
                feature,
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
        found.map_or((NONE, 1.0), |(end, split)| {
            (end, split.prior_z * split.shares[(end - split.left) as usize])
        })
    }

    fn distinct_features(&self, at: usize, parents: &[u32], split_at: &[u32]) -> usize {
        self.path(at, parents, split_at).filter(|(_, split)| split.prior == NONE).count()
    }

    #[inline(always)]
    fn descend(&self, points: &Points, answers: &[u8], scratch: &mut Scratch) {
        if scratch.products.len() < self.values.len() {
            scratch.products.resize(self.values.len(), [0.0; LANES]);
            scratch.followed.resize(self.values.len(), false);
        }
        let products = &mut scratch.products[..self.values.len()];
        let followed = &mut scratch.followed[..self.values.len()];
        products[0] = points.weight;
        for split in &self.splits {
            let mut product = products[split.at as usize];
            let mut was_followed = true;
            if split.prior != NONE {
                was_followed = followed[split.prior as usize];
                let replaced = factor(points, was_followed, split.prior_z);
                for k in 0..LANES {
                    // A factor of 0 stays 0 below: o and z can only shrink.
                    product[k] = if replaced[k] == 0.0 { 0.0 } else { product[k] / replaced[k] };
                }
            }
            let right = answers[split.test as usize];
            for side in 0..2u8 {
                let child = split.left as usize + usize::from(side);
                let follows = was_followed & (side == right);
                let factor = factor(points, follows, split.prior_z * split.shares[usize::from(side)]);
                let value = self.values[child];
                products[child] = std::array::from_fn(|k| product[k] * factor[k] * value);
                followed[child] = follows;
            }
        }
    }

    #[inline(always)]
    fn ascend(&self, points: &Points, answers: &[u8], scratch: &mut Scratch) {
        let products = &mut scratch.products[..self.values.len()];
        let followed = &scratch.followed[..self.values.len()];
        for split in self.splits.iter().rev() {
            let right = answers[split.test as usize];
            // The side the row's value belongs to, and the other, which it never follows.
            let (near, far) =
                (split.left as usize + usize::from(right), split.left as usize + 1 - usize::from(right));
            let z = split.prior_z * split.shares[usize::from(right)];
            let (near_pull, far_pull) = (pull(points, followed[near], z), pull(points, false, 0.0));
            let (near, far) = (products[near], products[far]);
            let sums = &mut scratch.sums[split.feature as usize];
            for k in 0..LANES {
                sums[k] += near[k] * near_pull[k] + far[k] * far_pull[k];
            }
            let both: Lanes = std::array::from_fn(|k| near[k] + far[k]);
            if split.prior != NONE {
                // The edge above counted these leaves with its own factor; here that factor is replaced.
                let replaced = pull(points, followed[split.prior as usize], split.prior_z);
                for k in 0..LANES {
                    sums[k] -= both[k] * replaced[k];
                }
            }
            products[split.at as usize] = both;
        }
    }
}

/// Each child's share of the cover of both; halves where no training row reached either.
fn shares(left: f64, right: f64) -> [f64; 2] {
    let both = left + right;
    if both > 0.0 { [left / both, right / both] } else { [0.5, 0.5] }
}

/// The n-point Gauss-Legendre rule on [0, 1], exact for polynomials of degree 2n − 1: roots of the Legendre
/// polynomial by Newton's method (Press et al., Numerical Recipes, 4.6).
fn gauss_legendre(n: usize) -> Vec<Points> {
    let mut t = vec![0.0; n];
    let mut weight = vec![0.0; n];
    for i in 0..n {
        let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
        let mut slope = 1.0;
        // Quadratic convergence from a good start: a handful of steps reaches the last bit.
        for _ in 0..10 {
            let (mut p, mut before) = (1.0, 0.0);
            for j in 0..n {
                let j = j as f64;
                (p, before) = (((2.0 * j + 1.0) * x * p - j * before) / (j + 1.0), p);
            }
            slope = n as f64 * (x * p - before) / (x * x - 1.0);
            x -= p / slope;
        }
        t[i] = 0.5 * (1.0 + x);
        weight[i] = 1.0 / ((1.0 - x * x) * slope * slope);
    }
    let lanes = |values: &[f64], at: usize| std::array::from_fn(|k| values[at + k]);
    let group = |at| {
        let t: Lanes = lanes(&t, at);
        Points { t, s: t.map(|t| 1.0 - t), weight: lanes(&weight, at) }
    };
    (0..n).step_by(LANES).map(group).collect()
}
