//! Scoring: trees compiled into one array, walked several at a time.
//!
//! All distinct tests of the forest are answered first ([`decide`]). Nodes are 8 bytes, in breadth-first order
//! with siblings side by side, and a leaf leads to itself: a walk has no branches, and several walks in
//! lockstep hide each other's memory latency. One row walks [`LANES`] trees at a time; a batch walks one tree
//! with a block of rows at a time. Both add the leaves in the order of the trees, so that they agree bit for
//! bit.
//!
//! References: Lucchese et al., "QuickScorer" (SIGIR 2015), for answering tests apart from walking trees;
//! Asadi, Lin and de Vries, "Runtime Optimizations for Tree-based Machine Learning Models" (TKDE 2014), for
//! walks in lockstep without branches.

mod decide;

use std::cell::RefCell;
use std::ops::Range;

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;
use tenure_core::Schema;

use crate::tree::Tree;

pub(crate) use decide::{Decisions, TestIndex};

/// Trees that one row walks in lockstep.
const LANES: usize = 16;
/// Rows that walk a tree in lockstep: their answers are to stay in the first-level cache.
const BLOCK: usize = 8;
/// Rows per unit of parallel work.
const CHUNK: usize = 256;

/// An inner node or a leaf.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// Place of the answer that decides; [`Decisions::ALWAYS_LEFT`] for a leaf.
    test: u32,
    /// The left child, its sibling being the next; a leaf names itself.
    left: u32,
}

/// Where a tree begins and how many steps its longest path has.
#[derive(Debug, Clone, Copy)]
struct Root {
    at: u32,
    depth: u32,
}

/// A forest compiled for scoring.
#[derive(Debug, Clone)]
pub(crate) struct Scorer {
    /// Number of answers that a walk reads.
    tests: usize,
    steps: Vec<Step>,
    /// What a leaf adds, beside its step.
    values: Vec<f64>,
    /// The trees of the first score, then those of the second, and so on.
    roots: Vec<Root>,
    scores: Vec<Score>,
}

/// What one raw score is the sum of.
#[derive(Debug, Clone)]
struct Score {
    base: f64,
    roots: Range<usize>,
}

/// Calls `$body` compiled for AVX2 where the processor has it. Both give the same bits: only the width of the
/// vector instructions differs, never the operations or their order.
macro_rules! vectorised {
    ($(#[$doc:meta])* fn $name:ident(&self $(, $arg:ident : $type:ty)*) = $body:ident) => {
        $(#[$doc])*
        pub(crate) fn $name(&self $(, $arg: $type)*) {
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                #[target_feature(enable = "avx2")]
                fn with_avx2(this: &Scorer $(, $arg: $type)*) {
                    this.$body($($arg),*);
                }
                // SAFETY: the only requirement is AVX2, which was just found.
                return unsafe { with_avx2(self $(, $arg)*) };
            }
            self.$body($($arg),*);
        }
    };
}

impl Scorer {
    /// Lays out checked trees; tree `t` adds to score `t % bases.len()`.
    pub(crate) fn compile(bases: &[f64], trees: &[Tree], tests: usize, index: &TestIndex<'_>) -> Self {
        let (steps, values, roots, scores) = Default::default();
        let mut scorer = Self { tests, steps, values, roots, scores };
        for (score, &base) in bases.iter().enumerate() {
            let start = scorer.roots.len();
            for tree in trees.iter().skip(score).step_by(bases.len()) {
                scorer.push(tree, index);
            }
            scorer.scores.push(Score { base, roots: start..scorer.roots.len() });
        }
        scorer
    }

    fn push(&mut self, tree: &Tree, index: &TestIndex<'_>) {
        let start = self.steps.len();
        let order = breadth_first(tree);
        let mut next = start as u32 + 1;
        for &(child, _) in &order {
            if child < 0 {
                let itself = self.steps.len() as u32;
                self.steps.push(Step { test: Decisions::ALWAYS_LEFT, left: itself });
                self.values.push(tree.leaves[!child as usize].value);
            } else {
                let test = index.of(tree, &tree.nodes[child as usize]);
                self.steps.push(Step { test, left: next });
                self.values.push(0.0);
                next += 2;
            }
        }
        let depth = order.last().map_or(0, |(_, depth)| *depth);
        self.roots.push(Root { at: start as u32, depth });
    }

    /// One step of a walk. Checking the two places would cost half the speed.
    ///
    /// # Safety
    /// `at` is a root or came from this function; `answers` has been written by [`Decisions::answer`] of the
    /// tests that this scorer was compiled with, or holds as many zeros and ones, zero at
    /// [`Decisions::ALWAYS_LEFT`]. Then `at` is a step and its test has an answer: [`Scorer::push`] gives every
    /// inner step two children among the steps, and lets a leaf, whose answer is zero, lead to itself.
    #[inline(always)]
    unsafe fn next(&self, at: u32, answers: &[u8]) -> u32 {
        debug_assert!((at as usize) < self.steps.len());
        // SAFETY: as above.
        unsafe {
            let step = *self.steps.get_unchecked(at as usize);
            step.left + u32::from(*answers.get_unchecked(step.test as usize))
        }
    }

    /// A raw score of a row whose tests are answered.
    ///
    /// # Safety
    /// `answers` as of [`Scorer::next`].
    #[inline(always)]
    unsafe fn score(&self, score: &Score, answers: &[u8]) -> f64 {
        let mut sum = score.base;
        let (groups, rest) = self.roots[score.roots.clone()].as_chunks::<LANES>();
        for group in groups {
            // SAFETY: the caller's promise.
            sum = unsafe { self.score_trees(group, answers, sum) };
        }
        for root in rest {
            // SAFETY: the caller's promise.
            sum = unsafe { self.score_trees(std::array::from_ref(root), answers, sum) };
        }
        sum
    }

    /// # Safety
    /// `answers` as of [`Scorer::next`].
    #[inline(always)]
    unsafe fn score_trees<const N: usize>(&self, roots: &[Root; N], answers: &[u8], sum: f64) -> f64 {
        let depth = roots.iter().fold(0, |depth, root| depth.max(root.depth));
        let mut at = roots.map(|root| root.at);
        for _ in 0..depth {
            for at in &mut at {
                // SAFETY: the walk began at a root, and the caller passes answers for every test.
                *at = unsafe { self.next(*at, answers) };
            }
        }
        at.iter().fold(sum, |sum, &at| sum + self.values[at as usize])
    }

    /// A raw score of up to [`BLOCK`] rows; row r's answers begin at `r * stride`.
    ///
    /// # Safety
    /// Each row's answers as of [`Scorer::next`].
    #[inline(always)]
    unsafe fn score_block(&self, score: &Score, answers: &[u8], stride: usize) -> [f64; BLOCK] {
        let mut sums = [score.base; BLOCK];
        let rows: [&[u8]; BLOCK] = std::array::from_fn(|r| &answers[r * stride..][..stride]);
        for root in &self.roots[score.roots.clone()] {
            let mut at = [root.at; BLOCK];
            for _ in 0..root.depth {
                for (at, answers) in at.iter_mut().zip(rows) {
                    // SAFETY: the walk began at a root, and the caller passes answers for every test.
                    *at = unsafe { self.next(*at, answers) };
                }
            }
            for (sum, at) in sums.iter_mut().zip(at) {
                *sum += self.values[at as usize];
            }
        }
        sums
    }

    #[inline(always)]
    fn row_body(&self, decisions: &Decisions, row: &[f64], answers: &mut [u8], raw: &mut [f64]) {
        assert_eq!((decisions.len(), answers.len()), (self.tests, self.tests));
        decisions.answer(row, answers);
        for (raw, score) in raw.iter_mut().zip(&self.scores) {
            // SAFETY: every test was just answered.
            *raw = unsafe { self.score(score, answers) };
        }
    }

    #[inline(always)]
    fn rows_body(
        &self,
        decisions: &Decisions,
        x: ArrayView2<'_, f64>,
        scratch: &mut Scratch,
        out: &mut [f64],
    ) {
        let stride = decisions.len();
        assert_eq!(stride, self.tests);
        let scores = self.scores.len();
        // A last block with fewer rows walks what was left over for the others, in vain but within the trees.
        for answers in scratch.answers.chunks_mut(stride).take(BLOCK) {
            answers[Decisions::ALWAYS_LEFT as usize] = 0;
        }
        for (block, out) in x.axis_chunks_iter(Axis(0), BLOCK).zip(out.chunks_mut(BLOCK * scores)) {
            for (row, answers) in block.rows().into_iter().zip(scratch.answers.chunks_mut(stride)) {
                match row.as_slice() {
                    Some(row) => decisions.answer(row, answers),
                    None => {
                        scratch.row.clear();
                        scratch.row.extend(row);
                        decisions.answer(&scratch.row, answers);
                    }
                }
            }
            for (at, score) in self.scores.iter().enumerate() {
                // SAFETY: the block's rows were just answered; for the others zeros and ones are left over.
                let sums = unsafe { self.score_block(score, &scratch.answers, stride) };
                out.iter_mut().skip(at).step_by(scores).zip(sums).for_each(|(out, sum)| *out = sum);
            }
        }
    }

    vectorised! {
        /// The raw scores of one row.
        fn row(&self, decisions: &Decisions, row: &[f64], answers: &mut [u8], raw: &mut [f64]) = row_body
    }

    vectorised! {
        /// The raw scores of some rows, on this thread.
        fn rows(
            &self, decisions: &Decisions, x: ArrayView2<'_, f64>, scratch: &mut Scratch, out: &mut [f64]
        ) = rows_body
    }
}

/// Children from the root down, siblings side by side, each with its depth.
pub(crate) fn breadth_first(tree: &Tree) -> Vec<(i32, u32)> {
    let mut order = vec![(tree.root(), 0)];
    let mut done = 0;
    while let Some(&(child, depth)) = order.get(done) {
        if child >= 0 {
            let node = &tree.nodes[child as usize];
            order.extend([(node.left, depth + 1), (node.right, depth + 1)]);
        }
        done += 1;
    }
    order
}

/// Buffers that a thread keeps between rows.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    answers: Vec<u8>,
    row: Vec<f64>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Lends a buffer of at least `len` answers; their values are left over from before.
fn grown(answers: &mut Vec<u8>, len: usize) -> &mut [u8] {
    if answers.len() < len {
        answers.resize(len, 0);
    }
    &mut answers[..len]
}

/// A forest with its tests.
#[derive(Debug, Clone)]
pub(crate) struct Forest {
    pub(crate) decisions: Decisions,
    scorer: Scorer,
}

impl Forest {
    /// Compiles checked trees for rows of the schema.
    pub(crate) fn compile<'a>(schema: &Schema, bases: &[f64], trees: &'a [Tree]) -> (Self, TestIndex<'a>) {
        let (decisions, index) = Decisions::compile(schema, trees);
        let scorer = Scorer::compile(bases, trees, decisions.len(), &index);
        (Self { decisions, scorer }, index)
    }

    /// The raw scores of one row.
    pub(crate) fn raw_row(&self, row: &[f64], raw: &mut [f64]) {
        SCRATCH.with_borrow_mut(|scratch| {
            let answers = grown(&mut scratch.answers, self.decisions.len());
            self.scorer.row(&self.decisions, row, answers, raw);
        });
    }

    /// The raw scores of a batch, row by row, on all threads of the current pool.
    pub(crate) fn raw(&self, x: ArrayView2<'_, f64>) -> Vec<f64> {
        let scores = self.scorer.scores.len();
        let mut raw = vec![0.0; x.nrows() * scores];
        raw.par_chunks_mut(CHUNK * scores).enumerate().for_each(|(chunk, raw)| {
            let start = chunk * CHUNK;
            let x = x.slice(ndarray::s![start..start + raw.len() / scores, ..]);
            SCRATCH.with_borrow_mut(|scratch| {
                grown(&mut scratch.answers, BLOCK * self.decisions.len());
                self.scorer.rows(&self.decisions, x, scratch, raw);
            });
        });
        raw
    }
}
