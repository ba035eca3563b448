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
//! Gauss-Legendre quadrature with half as many points is exact.
//!
//! At a point t (with s = 1 − t), let P be the product of the factors of the edges above a node, and G the sum
//! over the leaves below it of their values times the factors of the edges in between. Of a node's children,
//! let *near* be the one that the row belongs to, *far* the other, and r the far one's share. Where no edge
//! above tests the node's feature, the edges' factors are t + s (1 − r) = 1 − s r and s r, so that
//!
//! ```text
//! P_near = P − P s r      P_far = P s r                        one pass down
//! φ_i += P E      G = G_near − s E      E = r (G_near − G_far)  one pass up
//! ```
//!
//! without a division. Where an edge above tests the same feature, the factors replace that edge's own, as in
//! Yu et al., "Linear TreeShap" (NeurIPS 2022). With z of that edge, the same two lines hold with b in place
//! of s and with φ_i += c P E, where
//!
//! ```text
//! b = s z / (t + s z)     c = z / (t + s z)²      if the row follows that edge,
//! b = 1                   c = 0                   if not: the node is an average.
//! ```
//!
//! Everything multiplied along a path lies between 0 and 1: nothing cancels, however deep the tree. The cost is
//! linear in the nodes, where Algorithm 2 of Lundberg et al. is quadratic in depth, and nothing is tabulated.
//! Points come in groups of four to fill vector registers; one group does for paths of up to 8 features.

mod interactions;
mod paths;
mod points;
mod shape;

use std::cell::RefCell;
use std::ops::Range;

use crate::predict::TestIndex;
use crate::tree::Tree;
pub(crate) use interactions::Interactions;
use paths::Paths;
use points::{LANES, Lanes, Points, Portable, Vector};
use shape::{Places, Shape};

/// A forest compiled for explanation.
#[derive(Debug, Clone)]
pub(crate) struct Explainer {
    features: usize,
    /// The trees of the first score, then those of the second, and so on.
    shapes: Vec<Shape>,
    scores: Vec<Score>,
    /// Rule r has `LANES * (r + 1)` points.
    rules: Vec<Vec<Points>>,
}

#[derive(Debug, Clone)]
struct Score {
    baseline: f64,
    shapes: Range<usize>,
}

impl Explainer {
    /// Prepares checked trees over `features` features; tree `t` adds to score `t % bases.len()`.
    pub(crate) fn compile(bases: &[f64], features: usize, trees: &[Tree], index: &TestIndex<'_>) -> Self {
        let mut explainer = Self { features, shapes: Vec::new(), scores: Vec::new(), rules: Vec::new() };
        for (score, &base) in bases.iter().enumerate() {
            let (mut baseline, start) = (base, explainer.shapes.len());
            for tree in trees.iter().skip(score).step_by(bases.len()) {
                let paths = Paths::new(tree, index);
                baseline += paths.leaves.iter().map(|(_, value, reach)| reach * value).sum::<f64>();
                let (shape, _) = Shape::compile(&paths);
                if shape.splits() > 0 {
                    explainer.shapes.push(shape);
                }
            }
            explainer.scores.push(Score { baseline, shapes: start..explainer.shapes.len() });
        }
        let rules = explainer.shapes.iter().map(|shape| shape.rule + 1).max().unwrap_or(0);
        explainer.rules = (1..=rules).map(|groups| Points::gauss_legendre(groups * LANES)).collect();
        explainer
    }

    /// Each raw score before anything is known: with all features averaged.
    pub(crate) fn baselines(&self) -> impl ExactSizeIterator<Item = f64> {
        self.scores.iter().map(|score| score.baseline)
    }

    /// Explains a raw score of some rows: `codes` holds `stride` codes a row, `out` the contributions, one per
    /// feature, row by row.
    pub(crate) fn explain(&self, score: usize, codes: &[i8], stride: usize, out: &mut [f64]) {
        if self.features == 0 {
            return;
        }
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.sums.clear();
            scratch.sums.resize(out.len(), Lanes::default());
            self.add_all(score, codes, stride, scratch);
            for (out, sums) in out.iter_mut().zip(&scratch.sums) {
                *out = sums.sum();
            }
        });
    }

    fn add_all(&self, score: usize, codes: &[i8], stride: usize, scratch: &mut Scratch) {
        #[cfg(target_arch = "x86_64")]
        if crate::simd::avx2() {
            #[target_feature(enable = "avx2")]
            fn with_avx2(this: &Explainer, score: usize, codes: &[i8], stride: usize, scratch: &mut Scratch) {
                this.add_all_body::<points::avx::Avx>(score, codes, stride, scratch);
            }
            // SAFETY: the only requirement is AVX2, which was just found.
            return unsafe { with_avx2(self, score, codes, stride, scratch) };
        }
        self.add_all_body::<Portable>(score, codes, stride, scratch);
    }

    #[inline(always)]
    fn add_all_body<V: Vector>(&self, score: usize, codes: &[i8], stride: usize, scratch: &mut Scratch) {
        let Scratch { places, sums } = scratch;
        for shape in &self.shapes[self.scores[score].shapes.clone()] {
            for (codes, sums) in codes.chunks_exact(stride).zip(sums.chunks_exact_mut(self.features)) {
                for points in &self.rules[shape.rule] {
                    shape.pass::<V>(points, codes, places, |_, feature, contribution| {
                        let sum = &mut sums[feature as usize];
                        (V::load(sum) + contribution).store(sum);
                    });
                }
            }
        }
    }
}

/// Buffers that a thread keeps between rows.
#[derive(Debug, Default)]
struct Scratch {
    places: Places,
    /// By row and feature: contributions at each point of a group.
    sums: Vec<Lanes>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{Draws, row, schema, tree};
    use crate::predict::{Columns, Forest};

    #[test]
    fn any_processor_gives_the_same_bits() {
        for (splits, depth) in [(30, 6), (200, 25), (1, 1)] {
            let (mut draws, schema) = (Draws::new(9), schema(14));
            let trees = if cfg!(miri) { 2 } else { 20 };
            let trees: Vec<Tree> = (0..trees).map(|_| tree(&mut draws, &schema, splits, depth)).collect();
            let (_, index) = Columns::compile(&schema, &trees);
            let explainer = Explainer::compile(&[0.5], 14, &trees, &index);
            let forest = Forest::compile(&schema, &[0.5], &trees).unwrap();
            let mut codes = vec![0; 3 * forest.n_codes()];
            for codes in codes.chunks_exact_mut(forest.n_codes()) {
                forest.encode(&row(&mut draws, 14), codes);
            }
            let mut found = vec![0.0; 3 * 14];
            explainer.explain(0, &codes, forest.n_codes(), &mut found);
            let mut scratch = Scratch { sums: vec![Lanes::default(); 3 * 14], ..Scratch::default() };
            explainer.add_all_body::<Portable>(0, &codes, forest.n_codes(), &mut scratch);
            for (found, portable) in found.iter().zip(scratch.sums) {
                assert_eq!(found.to_bits(), portable.sum().to_bits());
            }
        }
    }
}
