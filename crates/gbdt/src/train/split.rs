//! The best split of one node on one numeric feature.
//!
//! Scores are in the units of the packed integers: `S(G)²/(H + λ)` of either child, added up. All splits of a
//! feature are scored at once by straight-line arithmetic with one division each, then the greatest is looked up;
//! among equals the lowest bin wins, and missing values go right.

use super::categorical;
use super::constraints::{Constraints, Limits, Node};
use super::histogram::Slot;
use super::quantise::{Packed, Scales, gradient_of, hessian_of};
use crate::GbdtParams;
use crate::binning::BinnedFeature;
use crate::params::CategoricalParams;

/// Bits of bins.
pub(crate) type BinSet = [u64; 4];

/// How a node's rows are divided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cut {
    /// Bins up to this go left. Where rows of the node lack the value, it is said where those go.
    Threshold { bin: u8, missing_left: Option<bool> },
    /// These bins go left. No rows of the node are in bins that are not `seen`.
    Categories { left: BinSet, seen: BinSet },
}

/// A split that may be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    /// Sum of the children's scores.
    pub score: f64,
    /// Sums over the left child.
    pub left: Packed,
    pub cut: Cut,
}

/// What a split must fulfil, in the units of the packed integers.
pub(super) struct Rules<'a> {
    pub l1: f64,
    pub l2: f64,
    pub min_hessian: f64,
    pub min_rows: usize,
    /// Least gain.
    pub min_gain: f64,
    /// From scores to the unit of the loss.
    pub unit: f64,
    pub h_scale: f64,
    /// Greatest Hessian of a row.
    pub h_max: f64,
    pub categorical: &'a CategoricalParams,
    /// `None` where nothing is constrained.
    pub constraints: Option<&'a Constraints>,
    /// Of the tree.
    pub seed: u64,
}

impl<'a> Rules<'a> {
    pub(super) fn new(params: &'a GbdtParams, scales: &Scales, target_unit: f64) -> Self {
        let unit = scales.h / scales.g / scales.g;
        // At least as many Hessians as the rows must have together: what fails this has too few rows for sure.
        let rows_need = params.min_rows as f64 * scales.h_min;
        Self {
            l1: params.l1 / target_unit * scales.g,
            l2: params.l2 * scales.h,
            min_hessian: (params.min_hessian * scales.h).max(rows_need),
            min_rows: params.min_rows,
            min_gain: params.min_gain / target_unit / target_unit / unit,
            unit: unit * target_unit * target_unit,
            h_scale: scales.h,
            h_max: scales.h_max,
            categorical: &params.categorical,
            constraints: None,
            seed: 0,
        }
    }

    /// Score of a node.
    pub(super) fn score(&self, sum: Packed, limits: &Limits) -> f64 {
        if limits.bounded() {
            return limits.side(sum, self, self.l2).1;
        }
        let g = shrink(f64::from(gradient_of(sum)), self.l1);
        g * g / (f64::from(hessian_of(sum)) + self.l2)
    }

    /// What a split of this node must score more than: the node itself, the least gain, and rounding.
    pub(super) fn bar(&self, sum: Packed, limits: &Limits) -> f64 {
        let score = self.score(sum, limits);
        score + (self.min_gain).max(score.abs() * 1e-9)
    }

    /// Whether both children have enough rows whatever the Hessians of their rows.
    pub(super) fn surely_enough_rows(&self, total: Packed, left: Packed) -> bool {
        let need = self.min_rows as f64 * self.h_max;
        f64::from(hessian_of(left)) >= need && f64::from(hessian_of(total - left)) >= need
    }
}

/// Finds the best split of a slot, if any; with counts, only among those that leave enough rows on both sides.
pub(super) fn search(
    slot: &mut Slot,
    number: usize,
    feature: &BinnedFeature,
    node: Node<'_>,
    rules: &Rules<'_>,
    scratch: &mut Scratch,
) {
    slot.best = match rules.constraints {
        Some(constraints) if !constraints.allow(node.limits, number) => None,
        _ if feature.is_categorical() => categorical::search(slot, feature, node, rules),
        Some(constraints) if constraints.bind(node.limits, number) => {
            constraints.numeric(slot, number, feature, node, rules)
        }
        _ => numeric(slot, feature, node.total, rules, scratch),
    };
}

fn numeric(
    slot: &Slot,
    feature: &BinnedFeature,
    total: Packed,
    rules: &Rules<'_>,
    scratch: &mut Scratch,
) -> Option<Candidate> {
    let known = feature.known;
    let missing = if feature.missing { slot.sums[known] } else { 0 };
    scratch.sum_up(&slot.sums[..known], 0);
    // With missing values on the right, all known values may go left.
    let cuts = if missing == 0 { known.saturating_sub(1) } else { known };
    let right = scratch.best(cuts, total, rules, slot, 0);
    let mut found = right.map(|(bin, score)| Candidate {
        score,
        left: scratch.sums[bin],
        cut: Cut::Threshold { bin: bin as u8, missing_left: (missing != 0).then_some(false) },
    });
    if missing != 0 && known > 1 {
        scratch.sum_up(&slot.sums[..known], missing);
        let rows_missing = slot.counts.as_ref().map_or(0, |c| c[known]);
        if let Some((bin, score)) = scratch.best(known - 1, total, rules, slot, rows_missing)
            && found.is_none_or(|f| score > f.score)
        {
            let cut = Cut::Threshold { bin: bin as u8, missing_left: Some(true) };
            found = Some(Candidate { score, left: scratch.sums[bin], cut });
        }
    }
    found
}

/// Room for one search after another: clearing it each time took 2 % of training.
pub(super) struct Scratch {
    /// Sums up to and including each bin.
    sums: [Packed; 256],
    scores: [f64; 256],
}

impl Scratch {
    pub(super) fn new() -> Self {
        Self { sums: [0; 256], scores: [REFUSED; 256] }
    }

    fn sum_up(&mut self, bins: &[Packed], start: Packed) {
        let mut sum = start;
        for (out, bin) in self.sums.iter_mut().zip(bins) {
            sum += bin;
            *out = sum;
        }
    }

    /// The lowest of the best of the first `cuts` bins, with its score.
    fn best(
        &mut self,
        cuts: usize,
        total: Packed,
        rules: &Rules<'_>,
        slot: &Slot,
        rows_missing: u32,
    ) -> Option<(usize, f64)> {
        fill_scores(&self.sums[..cuts], total, rules, &mut self.scores[..cuts]);
        if let Some(counts) = &slot.counts {
            refuse_few_rows(counts, rows_missing, rules.min_rows, &mut self.scores[..cuts]);
        }
        let scores = &mut self.scores[..cuts.next_multiple_of(LANES)];
        // What another search left.
        scores[cuts..].fill(REFUSED);
        let greatest = greatest(scores);
        if greatest == REFUSED {
            return None;
        }
        scores.iter().position(|&s| s == greatest).map(|bin| (bin, greatest))
    }
}

/// Below every score: scores are squares.
const REFUSED: f64 = -1.0;
const LANES: usize = 8;

fn greatest(scores: &[f64]) -> f64 {
    let mut lanes = [REFUSED; LANES];
    for scores in scores.chunks_exact(LANES) {
        for (lane, &score) in lanes.iter_mut().zip(scores) {
            *lane = if score > *lane { score } else { *lane };
        }
    }
    lanes.into_iter().fold(REFUSED, |a, b| if b > a { b } else { a })
}

fn refuse_few_rows(counts: &[u32; 256], rows_missing: u32, min_rows: usize, scores: &mut [f64]) {
    let all: usize = counts.iter().map(|&c| c as usize).sum();
    let mut left = rows_missing as usize;
    for (score, &count) in scores.iter_mut().zip(counts) {
        left += count as usize;
        if left < min_rows || all - left < min_rows {
            *score = REFUSED;
        }
    }
}

fn fill_scores(prefix: &[Packed], total: Packed, rules: &Rules<'_>, out: &mut [f64]) {
    #[cfg(target_arch = "x86_64")]
    if crate::simd::avx2() {
        // SAFETY: the processor has AVX2.
        return unsafe { fill_scores_avx2(prefix, total, rules, out) };
    }
    fill_scores_any(prefix, total, rules, out);
}

/// The same arithmetic, compiled for wider vectors: no operation is fused or reordered, so the bits agree.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn fill_scores_avx2(prefix: &[Packed], total: Packed, rules: &Rules<'_>, out: &mut [f64]) {
    fill_scores_any(prefix, total, rules, out);
}

#[inline(always)]
fn fill_scores_any(prefix: &[Packed], total: Packed, rules: &Rules<'_>, out: &mut [f64]) {
    if rules.l1 > 0.0 {
        fill(prefix, total, rules, out, |g| shrink(g, rules.l1));
    } else {
        fill(prefix, total, rules, out, |g| g);
    }
}

#[inline(always)]
fn fill(prefix: &[Packed], total: Packed, rules: &Rules<'_>, out: &mut [f64], shrink: impl Fn(f64) -> f64) {
    let (g, h) = (f64::from(gradient_of(total)), f64::from(hessian_of(total)));
    let (l2, least) = (rules.l2, rules.min_hessian);
    for (out, &sum) in out.iter_mut().zip(prefix) {
        let (gl, hl) = (f64::from(gradient_of(sum)), f64::from(hessian_of(sum)));
        let (gr, hr) = (shrink(g - gl), h - hl);
        let gl = shrink(gl);
        let (dl, dr) = (hl + l2, hr + l2);
        let score = (gl * gl * dr + gr * gr * dl) / (dl * dr);
        // An empty child has no Hessian; a full one has at least 1.
        let fits = (hl >= least) & (hr >= least) & (hl >= 1.0) & (hr >= 1.0);
        *out = if fits { score } else { REFUSED };
    }
}

/// Towards 0 by the L1 penalty.
#[inline(always)]
pub(super) fn shrink(g: f64, l1: f64) -> f64 {
    let size = g.abs() - l1;
    if size > 0.0 { size.copysign(g) } else { 0.0 }
}
