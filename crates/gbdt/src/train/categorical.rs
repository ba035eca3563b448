//! The best split of one node on one categorical feature.
//!
//! Sorted by `G / H`, the best division of categories in two is one of the cuts of the sorted list (Fisher, *On
//! grouping for maximum homogeneity*, 1958); smoothing, a limit on the number of categories and least group sizes
//! keep it from following chance, as in LightGBM. Missing is one more category.

use super::constraints::{self, Limits};
use super::histogram::Slot;
use super::quantise::{Packed, gradient_of, hessian_of};
use super::split::{BinSet, Candidate, Cut, Rules, shrink};
use crate::binning::BinnedFeature;

/// Up to this many categories, each is tried against the rest.
pub(super) const ONE_AGAINST_REST: usize = 4;

pub(super) fn search(
    slot: &Slot,
    feature: &BinnedFeature,
    node: constraints::Node<'_>,
    rules: &Rules<'_>,
) -> Option<Candidate> {
    let constraints::Node { total, limits } = node;
    let counts = slot.counts.as_ref()?;
    let present: Vec<usize> = (0..feature.total()).filter(|&bin| counts[bin] > 0).collect();
    let mut node = Node { slot, counts, total, limits, rules, rows: 0, best: None, seen: [0; 4] };
    for &bin in &present {
        node.rows += counts[bin] as usize;
        insert(&mut node.seen, bin);
    }
    if present.len() <= ONE_AGAINST_REST {
        for &bin in &present {
            let mut left = [0; 4];
            insert(&mut left, bin);
            node.offer(left, slot.sums[bin], counts[bin] as usize, rules.l2);
        }
    } else {
        node.sorted(present);
    }
    node.best
}

fn insert(set: &mut BinSet, bin: usize) {
    set[bin / 64] |= 1 << (bin % 64);
}

struct Node<'a> {
    slot: &'a Slot,
    counts: &'a [u32; 256],
    total: Packed,
    limits: &'a Limits,
    rules: &'a Rules<'a>,
    rows: usize,
    seen: BinSet,
    best: Option<Candidate>,
}

impl Node<'_> {
    fn sorted(&mut self, present: Vec<usize>) {
        let settings = self.rules.categorical;
        let smoothing = settings.smoothing * self.rules.h_scale;
        let key = |bin: usize| {
            let sum = self.slot.sums[bin];
            f64::from(gradient_of(sum)) / (f64::from(hessian_of(sum)) + smoothing)
        };
        let mut order: Vec<(f64, usize)> = present
            .into_iter()
            .filter(|&bin| f64::from(self.counts[bin]) >= settings.smoothing)
            .map(|bin| (key(bin), bin))
            .collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let most = settings.max_categories.min(order.len().div_ceil(2));
        self.cuts(order.iter().take(most).map(|o| o.1));
        self.cuts(order.iter().rev().take(most).map(|o| o.1));
    }

    /// Tries each beginning of the list as the left side.
    fn cuts(&mut self, order: impl Iterator<Item = usize>) {
        let settings = self.rules.categorical;
        let l2 = self.rules.l2 + settings.l2 * self.rules.h_scale;
        let (mut left, mut sum, mut rows, mut group) = ([0; 4], 0, 0, 0);
        for bin in order {
            insert(&mut left, bin);
            sum += self.slot.sums[bin];
            rows += self.counts[bin] as usize;
            group += self.counts[bin] as usize;
            if self.rows - rows < settings.min_group_rows {
                break;
            }
            if group >= settings.min_group_rows && self.offer(left, sum, rows, l2) {
                group = 0;
            }
        }
    }

    /// Keeps the split if it is allowed and better; says whether it is allowed.
    fn offer(&mut self, left: BinSet, sum: Packed, rows: usize, l2: f64) -> bool {
        let rest = self.total - sum;
        let (hl, hr) = (f64::from(hessian_of(sum)), f64::from(hessian_of(rest)));
        let least = self.rules.min_rows;
        let enough = rows >= least && self.rows - rows >= least && rows < self.rows;
        if !enough || hl < self.rules.min_hessian || hr < self.rules.min_hessian {
            return false;
        }
        let score = if self.limits.bounded() {
            self.limits.side(sum, self.rules, l2).1 + self.limits.side(rest, self.rules, l2).1
        } else {
            let shrunk = |sum| shrink(f64::from(gradient_of(sum)), self.rules.l1);
            let (gl, gr) = (shrunk(sum), shrunk(rest));
            gl * gl / (hl + l2) + gr * gr / (hr + l2)
        };
        if self.best.is_none_or(|b| score > b.score) {
            self.best = Some(Candidate { score, left: sum, cut: Cut::Categories { left, seen: self.seen } });
        }
        true
    }
}
