//! Growing one tree leaf by leaf: always the split with the greatest gain next.
//!
//! Only the smaller child's histogram is summed up; its sibling's is the parent's minus that. A child that cannot
//! be split gets none. Histograms do not know numbers of rows (they hold only gradients and Hessians), so a numeric
//! split near the limit of [`crate::GbdtParams::min_rows`] is checked by counting when its turn comes; if it has
//! too few rows, its feature is searched again with the counts, and the leaf goes back into the queue. Scores
//! without the check are upper bounds, so the order of splits is the one that counting everything would give.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use rayon::prelude::*;

use super::CHUNK;
use super::constraints::{Limits, Node, Split};
use super::histogram::{self, Histogram, Slot, Source};
use super::partition::{GoesLeft, partition};
use super::quantise::Packed;
use super::split::{Candidate, Cut, Rules, Scratch, search};
use tenure_core::seed;

use crate::GbdtParams;

/// Work (rows × features, and the search of each feature) below which one thread is faster than several.
const SMALL: usize = 1 << 16;

/// Rows for each thread from which they divide the rows among themselves, and not only the features: a row that
/// several threads read for a few features each is fetched several times over.
const ROWS_EACH: usize = 1 << 13;

/// A node while its tree grows.
pub(super) struct GrownNode {
    /// Index among the binned features.
    pub feature: usize,
    pub cut: Cut,
    /// Children: `>= 0` is a node, `< 0` is leaf `!child`.
    pub children: [i32; 2],
    /// In the unit of the loss.
    pub gain: f64,
}

/// A leaf's rows: a stretch of the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct GrownLeaf {
    pub start: usize,
    pub len: usize,
}

/// The shape of a tree; no nodes where no split was worth it.
pub(super) struct Grown {
    pub nodes: Vec<GrownNode>,
    pub leaves: Vec<GrownLeaf>,
    /// Bounds on the leaves' values, where there are constraints.
    pub bounds: Vec<(f64, f64)>,
}

/// Buffers that live as long as the fit.
#[derive(Default)]
pub(super) struct Buffers {
    spare: Vec<u32>,
    histograms: Vec<Histogram>,
}

/// A leaf that may still be split.
struct Open {
    rows: GrownLeaf,
    total: Packed,
    depth: usize,
    histogram: Option<Histogram>,
    limits: Limits,
    /// Where the leaf hangs: node and side.
    parent: Option<(usize, usize)>,
}

impl Open {
    fn node(&self) -> Node<'_> {
        Node { total: self.total, limits: &self.limits }
    }
}

/// A leaf's best split, waiting for its turn: greatest gain first, then the oldest leaf.
struct Waiting {
    gain: f64,
    leaf: Reverse<usize>,
    slot: usize,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(self.leaf.cmp(&other.leaf))
    }
}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Waiting {}

/// Grows a tree on the rows of `index`, which it reorders so that each leaf's rows are together, in their order.
pub(super) fn grow(
    source: Source<'_>,
    rules: &Rules<'_>,
    params: &GbdtParams,
    threads: usize,
    index: &mut [u32],
    buffers: &mut Buffers,
) -> Grown {
    buffers.spare.resize(index.len(), 0);
    let root = Open {
        rows: GrownLeaf { start: 0, len: index.len() },
        total: total(source.packed, index, threads > 1),
        depth: 0,
        histogram: None,
        limits: rules.constraints.map_or(Limits::NONE, |c| c.root(source.selected, rules.seed)),
        parent: None,
    };
    let mut tree = Growing {
        source,
        rules,
        params,
        threads,
        index,
        buffers,
        nodes: Vec::new(),
        leaves: Vec::new(),
        waiting: BinaryHeap::new(),
    };
    tree.plant(root);
    while tree.leaves.len() < params.leaves
        && let Some(next) = tree.waiting.pop()
    {
        tree.try_split(next);
    }
    tree.finish()
}

/// Whole numbers: the order of adding does not matter.
fn total(packed: &[Packed], rows: &[u32], parallel: bool) -> Packed {
    let sum = |rows: &[u32]| -> Packed { rows.iter().map(|&row| packed[row as usize]).sum() };
    if parallel { rows.par_chunks(CHUNK).map(sum).sum() } else { sum(rows) }
}

struct Growing<'a> {
    source: Source<'a>,
    rules: &'a Rules<'a>,
    params: &'a GbdtParams,
    threads: usize,
    index: &'a mut [u32],
    buffers: &'a mut Buffers,
    nodes: Vec<GrownNode>,
    leaves: Vec<Open>,
    waiting: BinaryHeap<Waiting>,
}

impl Growing<'_> {
    fn plant(&mut self, mut root: Open) {
        if self.may_split(&root, 1) {
            let mut histogram = self.buffer();
            let mut others = self.buffers_by_rows(root.rows.len);
            let job = Job { source: self.source, rules: self.rules, rows: &self.index[..] };
            let whole = Some(root.node());
            job.run(self.threads, &mut histogram, &mut others, None, whole, None);
            self.buffers.histograms.extend(others);
            root.histogram = Some(histogram);
        }
        self.leaves.push(root);
        self.queue(0);
    }

    /// Whether a leaf may be split further when the tree has so many leaves.
    fn may_split(&self, leaf: &Open, leaves: usize) -> bool {
        leaves < self.params.leaves
            && self.params.depth.is_none_or(|most| leaf.depth < most)
            && leaf.rows.len >= self.params.min_rows.saturating_mul(2).max(2)
            && !self.source.selected.is_empty()
    }

    fn buffer(&mut self) -> Histogram {
        let slots = self.source.selected.len();
        match self.buffers.histograms.pop() {
            Some(histogram) if histogram.len() == slots => histogram,
            _ => histogram::empty(slots),
        }
    }

    /// Where threads divide so many rows, what all but the first sum up in.
    fn buffers_by_rows(&mut self, rows: usize) -> Vec<Histogram> {
        let threads = if rows / self.threads >= ROWS_EACH { self.threads } else { 1 };
        (1..threads).map(|_| self.buffer()).collect()
    }

    /// Puts a leaf's best split into the queue, if it has one that is worth it.
    fn queue(&mut self, leaf: usize) {
        let open = &mut self.leaves[leaf];
        let Some(histogram) = &open.histogram else { return };
        let mut best: Option<(usize, f64)> = None;
        for (slot, candidate) in histogram.iter().enumerate() {
            if let Some(Candidate { score, .. }) = candidate.best
                && best.is_none_or(|b| score > b.1)
            {
                best = Some((slot, score));
            }
        }
        match best {
            Some((slot, score)) if score > self.rules.bar(open.total, &open.limits) => {
                let gain = score - self.rules.score(open.total, &open.limits);
                self.waiting.push(Waiting { gain, leaf: Reverse(leaf), slot });
            }
            _ => self.buffers.histograms.extend(open.histogram.take()),
        }
    }

    /// Splits the leaf, or sends it back to the queue where the split leaves too few rows.
    fn try_split(&mut self, next: Waiting) {
        let Waiting { gain, leaf: Reverse(leaf), slot } = next;
        let open = &mut self.leaves[leaf];
        let Some(slot_state) = open.histogram.as_mut().map(|h| &mut h[slot]) else { return };
        let Some(candidate) = slot_state.best else { return };
        let feature = self.source.selected[slot];
        let binned = &self.source.features[feature];
        let goes_left = table(&candidate.cut, binned.known);
        if slot_state.counts.is_none() && !self.rules.surely_enough_rows(open.total, candidate.left) {
            let rows = &self.index[open.rows.start..open.rows.start + open.rows.len];
            let counts = self.source.count(feature, rows);
            let left: usize = counts.iter().zip(goes_left).map(|(&c, l)| c as usize * usize::from(l)).sum();
            let enough = left.min(rows.len() - left) >= self.params.min_rows;
            slot_state.counts = Some(counts);
            if !enough {
                let node = Node { total: open.total, limits: &open.limits };
                search(slot_state, feature, binned, node, self.rules, &mut Scratch::new());
                return self.queue(leaf);
            }
        }
        self.split(leaf, feature, candidate, &goes_left, gain);
    }

    fn split(&mut self, leaf: usize, feature: usize, candidate: Candidate, goes_left: &GoesLeft, gain: f64) {
        let node = self.nodes.len();
        let Open { rows: GrownLeaf { start, len }, total, depth, .. } = self.leaves[leaf];
        let left_len = partition(
            &mut self.index[start..start + len],
            &mut self.buffers.spare[..len],
            self.source.matrix.column(feature),
            goes_left,
            self.threads > 1,
        );
        let parent_histogram = self.leaves[leaf].histogram.take();
        let [left_limits, right_limits] = self.limits(leaf, feature, &candidate);
        let child = |start, len, total, side, limits| Open {
            rows: GrownLeaf { start, len },
            total,
            depth: depth + 1,
            histogram: None,
            limits,
            parent: Some((node, side)),
        };
        let left = child(start, left_len, candidate.left, 0, left_limits);
        let right = child(start + left_len, len - left_len, total - candidate.left, 1, right_limits);
        let new = self.leaves.len();
        if let Some((parent, side)) = self.leaves[leaf].parent {
            self.nodes[parent].children[side] = node as i32;
        }
        let children = [!(leaf as i32), !(new as i32)];
        let gain = gain * self.rules.unit;
        self.nodes.push(GrownNode { feature, cut: candidate.cut, children, gain });
        self.leaves[leaf] = left;
        self.leaves.push(right);
        if let Some(histogram) = parent_histogram {
            self.give_histograms(leaf, new, histogram);
        }
        self.queue(leaf);
        self.queue(new);
    }

    /// The limits of the children of a leaf that is split.
    fn limits(&self, leaf: usize, feature: usize, candidate: &Candidate) -> [Limits; 2] {
        let Some(constraints) = self.rules.constraints else { return [Limits::NONE, Limits::NONE] };
        let node = self.nodes.len() as u64;
        let seeds = [0, 1].map(|side| seed::mix(self.rules.seed, 2 * node + side + 1));
        let split = Split { feature, known: self.source.features[feature].known, candidate };
        constraints.children(self.leaves[leaf].node(), &split, self.rules, self.source.selected, seeds)
    }

    /// Sums and searches for the children that may be split further.
    fn give_histograms(&mut self, left: usize, right: usize, mut parent: Histogram) {
        let count = self.leaves.len();
        let (small, large) = if self.leaves[left].rows.len <= self.leaves[right].rows.len {
            (left, right)
        } else {
            (right, left)
        };
        // The larger child may always be split where the smaller one may.
        if !self.may_split(&self.leaves[large], count) {
            self.buffers.histograms.push(parent);
            return;
        }
        let mut histogram = self.buffer();
        let mut others = self.buffers_by_rows(self.leaves[small].rows.len);
        let small_node = self.may_split(&self.leaves[small], count).then(|| self.leaves[small].node());
        let large_node = Some(self.leaves[large].node());
        let GrownLeaf { start, len } = self.leaves[small].rows;
        let job = Job { source: self.source, rules: self.rules, rows: &self.index[start..start + len] };
        job.run(self.threads, &mut histogram, &mut others, Some(&mut parent), small_node, large_node);
        self.buffers.histograms.extend(others);
        let small_may_split = small_node.is_some();
        self.leaves[large].histogram = Some(parent);
        if small_may_split {
            self.leaves[small].histogram = Some(histogram);
        } else {
            self.buffers.histograms.push(histogram);
        }
    }

    fn finish(self) -> Grown {
        let mut leaves = Vec::with_capacity(self.leaves.len());
        let mut bounds = Vec::new();
        for leaf in self.leaves {
            self.buffers.histograms.extend(leaf.histogram);
            leaves.push(leaf.rows);
            if self.rules.constraints.is_some() {
                bounds.push((leaf.limits.low, leaf.limits.high));
            }
        }
        Grown { nodes: self.nodes, leaves, bounds }
    }
}

/// Summing up one child's histogram, subtracting it from its parent's, and searching both: one piece of work for
/// each stretch of features, so that threads meet once a split.
#[derive(Clone, Copy)]
struct Job<'a> {
    source: Source<'a>,
    rules: &'a Rules<'a>,
    rows: &'a [u32],
}

impl Job<'_> {
    /// A node says that this side is to be searched. With `others` the rows are divided among as many threads and
    /// one more.
    fn run(
        self,
        threads: usize,
        child: &mut [Slot],
        others: &mut [Histogram],
        parent: Option<&mut [Slot]>,
        child_node: Option<Node<'_>>,
        sibling_node: Option<Node<'_>>,
    ) {
        let slots = child.len();
        let work = slots * (self.rows.len() + 512);
        let stretch = match threads {
            1 => slots,
            _ if work < SMALL => slots,
            _ => slots.div_ceil(threads),
        };
        if !others.is_empty() {
            self.add_up_by_rows(child, others);
        }
        let others = &*others;
        let part = |first: usize, child: &mut [Slot], parent: Option<&mut [Slot]>| {
            if others.is_empty() {
                self.source.build(child, first, self.rows);
            } else {
                others.iter().for_each(|other| self.source.merge(child, &other[first..], first));
                self.source.count_categories(child, first, self.rows);
            }
            if let Some(parent) = parent {
                self.source.subtract(parent, child, first);
                self.search(parent, first, sibling_node);
            }
            self.search(child, first, child_node);
        };
        if stretch >= slots {
            return part(0, child, parent);
        }
        match parent {
            Some(parent) => child
                .par_chunks_mut(stretch)
                .zip(parent.par_chunks_mut(stretch))
                .enumerate()
                .for_each(|(at, (child, parent))| part(at * stretch, child, Some(parent))),
            None => child
                .par_chunks_mut(stretch)
                .enumerate()
                .for_each(|(at, child)| part(at * stretch, child, None)),
        }
    }

    /// Sums of the first stretch of rows to `first`, of the next to each of the others.
    fn add_up_by_rows(&self, first: &mut [Slot], others: &mut [Histogram]) {
        let stretch = self.rows.len().div_ceil(others.len() + 1);
        let part = |at: usize| {
            let end = |at: usize| self.rows.len().min(at * stretch);
            &self.rows[end(at)..end(at + 1)]
        };
        let add_up_rest = || {
            let others = others.par_iter_mut().enumerate();
            others.for_each(|(at, other)| self.source.add_up(other, 0, part(at + 1)));
        };
        rayon::join(|| self.source.add_up(first, 0, part(0)), add_up_rest);
    }

    fn search(&self, slots: &mut [Slot], first: usize, node: Option<Node<'_>>) {
        let Some(node) = node else { return };
        let mut scratch = Scratch::new();
        for (slot, &feature) in slots.iter_mut().zip(&self.source.selected[first..]) {
            search(slot, feature, &self.source.features[feature], node, self.rules, &mut scratch);
        }
    }
}

/// For each bin, whether it goes left. Bins without rows go right here; where they go in the model is decided when
/// the tree is finished.
fn table(cut: &Cut, known: usize) -> GoesLeft {
    match *cut {
        Cut::Threshold { bin, missing_left } => std::array::from_fn(|b| {
            u8::from(b <= usize::from(bin) || (b == known && missing_left == Some(true)))
        }),
        Cut::Categories { left, .. } => std::array::from_fn(|b| (left[b / 64] >> (b % 64) & 1) as u8),
    }
}
