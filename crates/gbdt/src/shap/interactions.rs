//! Exact path-dependent Shapley interaction values.
//!
//! As in Lundberg et al. (2020), a model's interaction of two features i and j is shared out between Φ_ij and
//! Φ_ji, and Φ_ii is what the interactions leave of i's contribution, so that row i of Φ adds up to φ_i. For one
//! leaf of value v, in the terms of the module above,
//!
//! ```text
//! Φ_ij = ½ v (o_i − z_i) (o_j − z_j) ∫₀¹ ∏_{k ≠ i, j} (t o_k + (1 − t) z_k) dt
//! ```
//!
//! At a point t, let C be what a split of feature i adds to φ_i. All leaves below it share the factors f_j = t
//! o_j + (1 − t) z_j of the edges above, so that putting (o_j − z_j) in place of f_j gives C (o_j − z_j) / f_j
//! for the pair. Where j is split on again further down, that split adds what changes: the same sums as for φ,
//! for each feature above. The cost is that of a contribution for each split and each distinct feature above.

use super::Explainer;
use super::paths::{Edge, Paths};
use super::points::{Lanes, Points, Vector};
use super::shape::{Places, Shape};
use crate::predict::TestIndex;
use crate::tree::Tree;

/// The pairs of a tree.
#[derive(Debug, Clone)]
struct Pairs {
    /// Edges that splits have above them.
    edges: Vec<Edge>,
    /// By split, as [`Shape::pass`] numbers them: where its others end.
    ends: Vec<usize>,
    /// The other features above a split, each with its nearest edge.
    others: Vec<(u32, usize)>,
}

/// What interactions need beyond an [`Explainer`], tree by tree in its order.
#[derive(Debug, Clone)]
pub(crate) struct Interactions(Vec<Pairs>);

impl Interactions {
    /// For the trees that the explainer was compiled from.
    pub(crate) fn compile(scores: usize, trees: &[Tree], index: &TestIndex<'_>) -> Self {
        let of_score = |score: usize| trees.iter().skip(score).step_by(scores);
        let split = (0..scores).flat_map(of_score).filter(|tree| !tree.nodes.is_empty());
        Self(split.map(|tree| Pairs::compile(&Paths::new(tree, index))).collect())
    }

    /// Adds a raw score's interactions for one row's codes to `out`, features × features, times `share`.
    pub(crate) fn add(&self, explainer: &Explainer, score: usize, codes: &[i8], share: f64, out: &mut [f64]) {
        let features = explainer.features;
        let mut sums = vec![0.0; out.len()];
        let mut places = Places::default();
        let mut pulls = Vec::new();
        for tree in explainer.scores[score].shapes.clone() {
            let shape = &explainer.shapes[tree];
            for points in &explainer.rules[shape.rule] {
                self.0[tree].add(shape, points, codes, &mut places, &mut pulls, |i, j, sum| {
                    sums[i as usize * features + j as usize] += sum;
                });
            }
        }
        for i in 0..features {
            for j in 0..i {
                // The split of either may have been the lower one.
                let both = 0.5 * (sums[i * features + j] + sums[j * features + i]);
                sums[i * features + i] -= both;
                sums[j * features + j] -= both;
                out[i * features + j] += share * both;
                out[j * features + i] += share * both;
            }
        }
        for i in 0..features {
            out[i * features + i] += share * sums[i * features + i];
        }
    }
}

impl Pairs {
    fn compile(paths: &Paths) -> Self {
        let (_, order) = Shape::compile(paths);
        let mut pairs = Self { edges: Vec::new(), ends: Vec::new(), others: Vec::new() };
        let mut known = std::collections::HashMap::new();
        for number in order {
            for step in paths.nearest(number) {
                let feature = paths.splits[step.split].feature;
                if feature != paths.splits[number].feature {
                    let edge = *known.entry((step.split, step.right)).or_insert_with(|| {
                        pairs.edges.push(paths.edge(step));
                        pairs.edges.len() - 1
                    });
                    pairs.others.push((feature, edge));
                }
            }
            pairs.ends.push(pairs.others.len());
        }
        pairs
    }

    /// Hands out what each split adds to its feature's contribution (i with itself) and to its pairs. Written
    /// for any processor: explaining pairs is rare.
    fn add(
        &self,
        shape: &Shape,
        points: &Points,
        codes: &[i8],
        places: &mut Places,
        pulls: &mut Vec<Lanes>,
        mut add: impl FnMut(u32, u32, f64),
    ) {
        type V = super::points::Portable;
        pulls.clear();
        pulls.extend(self.edges.iter().map(|edge| pull::<V>(points, edge, codes)));
        shape.pass::<V>(points, codes, places, |split, i, contribution| {
            add(i, i, sum(contribution));
            let start = if split == 0 { 0 } else { self.ends[split - 1] };
            for &(j, edge) in &self.others[start..self.ends[split]] {
                add(i, j, sum(contribution * V::load(&pulls[edge])));
            }
        });
    }
}

/// (o − z) / (t o + (1 − t) z), which for o = 0 is −1 / (1 − t) whatever z is, 0 included.
fn pull<V: Vector>(points: &Points, edge: &Edge, codes: &[i8]) -> Lanes {
    let (t, s) = (V::load(&points.t), V::load(&points.s));
    let pull = if edge.followed(codes) {
        V::splat(1.0 - edge.z) * (t + s * V::splat(edge.z)).recip()
    } else {
        V::splat(-1.0) * s.recip()
    };
    let mut lanes = Lanes::default();
    pull.store(&mut lanes);
    lanes
}

fn sum<V: Vector>(numbers: V) -> f64 {
    let mut lanes = Lanes::default();
    numbers.store(&mut lanes);
    lanes.sum()
}
