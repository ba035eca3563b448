//! Walks down trees, several in lockstep.
//!
//! Nodes are 8 bytes, in breadth-first order with siblings side by side, and a leaf leads to itself: a walk has
//! no branches, and several walks in lockstep hide each other's memory latency (Asadi, Lin and de Vries,
//! "Runtime Optimizations for Tree-based Machine Learning Models", TKDE 2014).

use std::ops::Range;

use super::{BLOCK, Test, TestIndex, breadth_first};
use crate::tree::Tree;

/// Trees that one row walks in lockstep.
const TREES: usize = 16;
/// Rows of a block that walk a tree in lockstep.
const ROWS: usize = 16;

/// An inner node or a leaf.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// A leaf's question is answered by going left.
    test: Packed,
    /// The left child, its sibling being the next; a leaf names itself.
    left: u32,
}

/// [`Test::packed`].
#[derive(Debug, Clone, Copy)]
struct Packed(u32);

impl Packed {
    fn new(test: Test) -> Self {
        Self(test.packed())
    }

    #[inline(always)]
    fn column(self) -> usize {
        (self.0 >> 8) as usize
    }

    #[inline(always)]
    fn code(self) -> i8 {
        self.0 as i8
    }
}

/// Where a tree begins and how many steps its longest path has.
#[derive(Debug, Clone, Copy)]
struct Root {
    at: u32,
    depth: u32,
}

/// Trees laid out for walking.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    /// Number of codes that a walk may read.
    columns: usize,
    steps: Vec<Step>,
    /// What a leaf adds, beside its step.
    values: Vec<f64>,
    roots: Vec<Root>,
}

impl Walk {
    /// For trees that ask of so many columns.
    pub(super) fn new(columns: usize) -> Self {
        Self { columns, steps: Vec::new(), values: Vec::new(), roots: Vec::new() }
    }

    /// Adds a checked tree; returns its number.
    pub(super) fn push(&mut self, tree: &Tree, index: &TestIndex<'_>) -> u32 {
        let start = self.steps.len();
        let order = breadth_first(tree);
        let mut next = start as u32 + 1;
        for &(child, _) in &order {
            if child < 0 {
                let itself = self.steps.len() as u32;
                self.steps.push(Step { test: Packed::new(Test::LEFT), left: itself });
                self.values.push(tree.leaves[!child as usize].value);
            } else {
                let test = index.of(tree, &tree.nodes[child as usize]);
                assert!((test.column as usize) < self.columns);
                self.steps.push(Step { test: Packed::new(test), left: next });
                self.values.push(0.0);
                next += 2;
            }
        }
        let depth = order.last().map_or(0, |(_, depth)| *depth);
        self.roots.push(Root { at: start as u32, depth });
        self.roots.len() as u32 - 1
    }

    /// One step of a walk for the row of a block whose codes are `STRIDE` apart. Checking the two places would
    /// cost half the speed.
    ///
    /// # Safety
    /// `at` is a root or came from this function, and `codes` holds `STRIDE` codes for each column from
    /// `row < STRIDE` on. Then `at` is a step and its test has a code: [`Walk::push`] gives every inner step
    /// two children among the steps, and lets a leaf, which no code makes go right, lead to itself.
    #[inline(always)]
    unsafe fn next<const STRIDE: usize>(&self, at: u32, codes: &[i8], row: usize) -> u32 {
        debug_assert!((at as usize) < self.steps.len());
        // SAFETY: as above.
        unsafe {
            let step = *self.steps.get_unchecked(at as usize);
            let code = *codes.get_unchecked(step.test.column() * STRIDE + row);
            step.left + u32::from(code > step.test.code())
        }
    }

    /// `base` and the leaves of some trees, one after another, for a row's codes.
    #[inline(always)]
    pub(super) fn score(&self, trees: Range<usize>, codes: &[i8], base: f64) -> f64 {
        let codes = &codes[..self.columns];
        let mut sum = base;
        let (groups, rest) = self.roots[trees].as_chunks::<TREES>();
        for group in groups {
            sum = self.score_trees(group, codes, sum);
        }
        for root in rest {
            sum = self.score_trees(std::array::from_ref(root), codes, sum);
        }
        sum
    }

    #[inline(always)]
    fn score_trees<const N: usize>(&self, roots: &[Root; N], codes: &[i8], sum: f64) -> f64 {
        assert_eq!(codes.len(), self.columns);
        let depth = roots.iter().fold(0, |depth, root| depth.max(root.depth));
        let mut at = roots.map(|root| root.at);
        for _ in 0..depth {
            for at in &mut at {
                // SAFETY: the walk began at a root, and there are codes for all columns.
                *at = unsafe { self.next::<1>(*at, codes, 0) };
            }
        }
        at.iter().fold(sum, |sum, &at| sum + self.values[at as usize])
    }

    /// Adds a tree's leaves to the sums of a block's rows.
    #[inline(always)]
    pub(super) fn add(&self, tree: u32, codes: &[i8], sums: &mut [f64; BLOCK]) {
        assert_eq!(codes.len(), self.columns * BLOCK);
        let root = self.roots[tree as usize];
        for (group, sums) in sums.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
            let mut at = [root.at; ROWS];
            for _ in 0..root.depth {
                for (row, at) in at.iter_mut().enumerate() {
                    // SAFETY: the walk began at a root, and there are codes of the block for all columns.
                    *at = unsafe { self.next::<BLOCK>(*at, codes, group * ROWS + row) };
                }
            }
            for (sum, at) in sums.iter_mut().zip(at) {
                *sum += self.values[at as usize];
            }
        }
    }
}
