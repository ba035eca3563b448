//! Growing one tree, depth first, on one thread.
//!
//! What is drawn for a node follows from the tree's seed and the way from the root to the node.

use tenure_core::seed::mix;

use super::search::{Candidate, Found, Rules, Search, View, contains, goes_left};
use super::stats::{Item, Sum, add_item, score, unit};
use crate::binning::{BinnedFeature, BinnedMatrix};
use crate::train::{BinSet, Cut};

/// Rows of a node per row of the tree from which columns are read rather than rows.
const DENSE: usize = 16;

/// What all trees are grown from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub features: &'a [BinnedFeature],
    pub matrix: &'a BinnedMatrix,
    /// Mean values of the bins of each feature; empty where they are not needed.
    pub values: &'a [Vec<f64>],
    pub labels: &'a [f64],
}

/// When and how nodes are split.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub rules: Rules,
    pub depth: usize,
    pub min_rows_split: f64,
    /// Least gain of a split per weight of the tree's rows, in the unit of the criterion.
    pub min_gain: f64,
    /// Features drawn for a node.
    pub columns: usize,
}

/// An inner node.
#[derive(Debug, Clone)]
pub(super) struct GrownNode {
    /// Place among the binned features.
    pub feature: u32,
    pub cut: Cut,
    pub larger_left: bool,
    pub goes_left: BinSet,
    /// As in [`crate::tree::Node`].
    pub children: [i32; 2],
    /// Weight times the decrease of the criterion.
    pub gain: f64,
    pub cover: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Grown<const N: usize> {
    pub nodes: Vec<GrownNode>,
    /// Sums over the rows of each leaf.
    pub leaves: Vec<Sum<N>>,
}

impl<const N: usize> Grown<N> {
    /// The leaf of a training row.
    pub(super) fn leaf_of(&self, matrix: &BinnedMatrix, row: usize) -> usize {
        let bins = &matrix.by_row[row * matrix.stride..][..matrix.stride];
        let mut at = if self.nodes.is_empty() { !0 } else { 0 };
        while at >= 0 {
            let node = &self.nodes[at as usize];
            let left = contains(&node.goes_left, bins[node.feature as usize]);
            at = node.children[usize::from(!left)];
        }
        !at as usize
    }
}

/// A node that is still to be looked at.
struct Open {
    start: usize,
    len: usize,
    depth: usize,
    seed: u64,
    parent: Option<(usize, usize)>,
}

/// What one thread needs to grow trees; kept between trees.
pub(super) struct Grower<const N: usize> {
    /// How often each row counts in this tree.
    pub counts: Vec<f64>,
    /// The rows that count; each node has a stretch of them.
    pub index: Vec<u32>,
    spare: Vec<u32>,
    items: Vec<Item>,
    bins: Vec<u8>,
    /// All features; in the order 0, 1, … between nodes.
    order: Vec<u32>,
    swaps: Vec<u32>,
    search: Search<N>,
}

impl<const N: usize> Grower<N> {
    pub(super) fn new(features: usize) -> Self {
        let (counts, index, spare) = Default::default();
        let (items, bins, swaps) = Default::default();
        let order = (0..features as u32).collect();
        Self { counts, index, spare, items, bins, order, swaps, search: Search::new() }
    }

    /// Grows a tree on the rows of `index`.
    pub(super) fn grow(&mut self, source: Source<'_>, limits: &Limits, seed: u64) -> Grown<N> {
        let mut grown = Grown { nodes: Vec::new(), leaves: Vec::new() };
        let mut open = vec![Open { start: 0, len: self.index.len(), depth: 0, seed, parent: None }];
        let mut least_gain = None;
        while let Some(node) = open.pop() {
            let (total, pure) = self.gather(&source, &node);
            let least_gain = *least_gain.get_or_insert(limits.min_gain * total[0]);
            let enough = total[0] >= limits.min_rows_split && total[0] >= 2.0 * limits.rules.min_rows;
            let best = if pure || !enough || node.depth >= limits.depth {
                None
            } else {
                let best = self.best(&source, limits, &node, &total);
                // Without a least gain a split need not have any, not even after rounding.
                best.filter(|&(_, _, gain)| limits.min_gain == 0.0 || gain >= least_gain)
            };
            let Some((feature, candidate, gain)) = best else {
                let leaf = grown.leaves.len() as i32;
                grown.leaves.push(total);
                attach(&mut grown, &node, !leaf);
                continue;
            };
            let goes_left = goes_left(&candidate, &source.features[feature]);
            let left_len = self.partition(&source, feature, &node, &goes_left);
            let at = grown.nodes.len();
            let child = |start, len, side| Open {
                start,
                len,
                depth: node.depth + 1,
                seed: mix(node.seed, side as u64),
                parent: Some((at, side)),
            };
            open.push(child(node.start + left_len, node.len - left_len, 1));
            open.push(child(node.start, left_len, 0));
            grown.nodes.push(GrownNode {
                feature: feature as u32,
                cut: candidate.cut,
                larger_left: candidate.larger_left,
                goes_left,
                children: [0; 2],
                gain: gain.max(0.0),
                cover: total[0],
            });
            attach(&mut grown, &node, at as i32);
        }
        grown
    }

    /// Lays the node's rows side by side; their sum, and whether all labels are the same.
    fn gather(&mut self, source: &Source<'_>, node: &Open) -> (Sum<N>, bool) {
        self.items.clear();
        let rows = &self.index[node.start..node.start + node.len];
        self.items.extend(rows.iter().map(|&row| {
            let row = row as usize;
            Item { weight: self.counts[row], label: source.labels[row] }
        }));
        let mut total = [0.0; N];
        let first = self.items.first().map_or(0.0, |item| item.label);
        let mut pure = true;
        for &item in &self.items {
            add_item(&mut total, item);
            pure &= item.label == first;
        }
        (total, pure)
    }

    /// The best split on features drawn for the node, and its gain.
    fn best(
        &mut self,
        source: &Source<'_>,
        limits: &Limits,
        node: &Open,
        total: &Sum<N>,
    ) -> Option<(usize, Candidate, f64)> {
        let mut best: Option<(usize, Candidate)> = None;
        let (mut tried, mut rest) = (0, self.order.len());
        self.swaps.clear();
        while tried < limits.columns && rest > 0 {
            let bits = mix(node.seed, 2 + rest as u64);
            let pick = ((u128::from(bits) * rest as u128) >> 64) as usize;
            rest -= 1;
            self.order.swap(pick, rest);
            self.swaps.push(pick as u32);
            let feature = self.order[rest] as usize;
            self.read(source, feature, node);
            let view = View {
                feature: &source.features[feature],
                values: source.values.get(feature).map_or(&[], Vec::as_slice),
                bins: &self.bins,
                items: &self.items,
                total: *total,
                seed: mix(bits, 0),
            };
            if let Found::Best(found) = self.search.find(&view, &limits.rules) {
                tried += 1;
                if let Some(found) = found
                    && best.is_none_or(|(_, best)| found.score > best.score)
                {
                    best = Some((feature, found));
                }
            }
        }
        for (at, &pick) in (rest..).zip(self.swaps.iter().rev()) {
            self.order.swap(at, pick as usize);
        }
        let (feature, candidate) = best?;
        let criterion = limits.rules.criterion;
        let gain = (candidate.score - score(criterion, total)) * unit::<N>(criterion);
        Some((feature, candidate, gain))
    }

    /// The bins of the node's rows.
    fn read(&mut self, source: &Source<'_>, feature: usize, node: &Open) {
        let rows = &self.index[node.start..node.start + node.len];
        let matrix = source.matrix;
        self.bins.clear();
        if node.len * DENSE >= source.labels.len() {
            let column = matrix.column(feature);
            self.bins.extend(rows.iter().map(|&row| column[row as usize]));
        } else {
            let (stride, by_row) = (matrix.stride, &matrix.by_row[feature..]);
            self.bins.extend(rows.iter().map(|&row| by_row[row as usize * stride]));
        }
    }

    /// Moves the rows that go left to the front, both sides in their order; says how many there are.
    fn partition(&mut self, source: &Source<'_>, feature: usize, node: &Open, left: &BinSet) -> usize {
        self.read(source, feature, node);
        let rows = &mut self.index[node.start..node.start + node.len];
        self.spare.resize(rows.len().max(self.spare.len()), 0);
        let (mut on_left, mut on_right) = (0, 0);
        for (at, &bin) in self.bins.iter().enumerate() {
            let row = rows[at];
            let goes = contains(left, bin);
            rows[on_left] = row;
            self.spare[on_right] = row;
            on_left += usize::from(goes);
            on_right += usize::from(!goes);
        }
        rows[on_left..].copy_from_slice(&self.spare[..on_right]);
        on_left
    }
}

fn attach<const N: usize>(grown: &mut Grown<N>, node: &Open, child: i32) {
    if let Some((parent, side)) = node.parent {
        grown.nodes[parent].children[side] = child;
    }
}
