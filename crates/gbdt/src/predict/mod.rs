//! Scoring: trees compiled for one row and for many.
//!
//! What nodes ask of a row is answered first, for all trees together, in one byte a feature or a little more
//! ([`columns`]). A batch then finds the leaves of a tree without walking it ([`masks`]), in blocks of
//! [`BLOCK`] rows; what does not fit that, and single rows, walk several trees or rows in lockstep ([`walk`]).
//! Whichever way, the leaves are added in the order of the trees, so that all agree bit for bit.
//!
//! No feature of a processor changes an operation or its order, only the width of vector instructions.

mod columns;
mod masks;
mod walk;

use std::cell::RefCell;
use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;
use tenure_core::Schema;

use crate::link::Link;
use crate::tree::Tree;

pub(crate) use columns::{Columns, Test, TestIndex};
use masks::Masks;
use walk::Walk;

/// Rows of a block.
const BLOCK: usize = 64;
/// Fewer rows than this are scored one by one.
const FEW: usize = 12;
/// Blocks per unit of parallel work.
const BLOCKS: usize = 4;

/// How a batch finds the leaf of a tree.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// The tree of this number in [`Masks`].
    Masks(u32),
    /// The tree of this number in [`Walk`].
    Walk(u32),
}

/// A forest compiled for scoring.
#[derive(Debug, Clone)]
pub(crate) struct Forest {
    columns: Columns,
    masks: Masks,
    walk: Walk,
    /// The trees of the first score, then those of the second, and so on, as they are in [`Walk`].
    ways: Vec<Way>,
    scores: Vec<Score>,
}

/// What one raw score is the sum of.
#[derive(Debug, Clone)]
struct Score {
    base: f64,
    trees: Range<usize>,
}

/// Calls a body compiled for AVX2 where the processor has it. Both give the same bits.
macro_rules! vectorised {
    ($(#[$doc:meta])* fn $name:ident(&self $(, $arg:ident : $type:ty)*) = $body:ident) => {
        $(#[$doc])*
        fn $name(&self $(, $arg: $type)*) {
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                #[target_feature(enable = "avx2")]
                fn with_avx2(this: &Forest $(, $arg: $type)*) {
                    this.$body($($arg),*);
                }
                // SAFETY: the only requirement is AVX2, which was just found.
                return unsafe { with_avx2(self $(, $arg)*) };
            }
            self.$body($($arg),*);
        }
    };
}

impl Forest {
    /// Compiles checked trees for rows of the schema; tree `t` adds to score `t % bases.len()`.
    pub(crate) fn compile(schema: &Schema, bases: &[f64], trees: &[Tree]) -> Self {
        let (columns, index) = Columns::compile(schema, trees);
        let (masks, walk) = (Masks::default(), Walk::new(columns.len()));
        let mut forest = Self { columns, masks, walk, ways: Vec::new(), scores: Vec::new() };
        for (score, &base) in bases.iter().enumerate() {
            let start = forest.ways.len();
            for tree in trees.iter().skip(score).step_by(bases.len()) {
                let walked = forest.walk.push(tree, &index);
                let masked = forest.masks.push(tree, &index);
                forest.ways.push(masked.map_or(Way::Walk(walked), Way::Masks));
            }
            forest.scores.push(Score { base, trees: start..forest.ways.len() });
        }
        forest
    }

    /// The raw scores of one row.
    pub(crate) fn raw_row(&self, row: &[f64], raw: &mut [f64]) {
        SCRATCH.with_borrow_mut(|scratch| {
            let codes = grown(&mut scratch.codes, self.columns.len());
            self.row(row, codes, raw);
        });
    }

    vectorised! {
        fn row(&self, row: &[f64], codes: &mut [i8], raw: &mut [f64]) = row_body
    }

    #[inline(always)]
    fn row_body(&self, row: &[f64], codes: &mut [i8], raw: &mut [f64]) {
        self.columns.encode::<1>(row, codes);
        for (raw, score) in raw.iter_mut().zip(&self.scores) {
            *raw = self.walk.score(score.trees.clone(), codes, score.base);
        }
    }

    /// The outputs of a batch (rows × scores): raw scores through the link, on all threads of the current
    /// pool.
    pub(crate) fn outputs(&self, x: ArrayView2<'_, f64>, link: Link, mut out: ArrayViewMut2<'_, f64>) {
        let rows = BLOCK * BLOCKS;
        if x.nrows() <= rows {
            return self.part(x, link, out);
        }
        let parts: Vec<_> =
            x.axis_chunks_iter(Axis(0), rows).zip(out.axis_chunks_iter_mut(Axis(0), rows)).collect();
        parts.into_par_iter().for_each(|(x, out)| self.part(x, link, out));
    }

    /// Some rows of a batch, on this thread.
    fn part(&self, x: ArrayView2<'_, f64>, link: Link, mut out: ArrayViewMut2<'_, f64>) {
        let scores = self.scores.len();
        SCRATCH.with_borrow_mut(|scratch| {
            for (x, mut out) in
                x.axis_chunks_iter(Axis(0), BLOCK).zip(out.axis_chunks_iter_mut(Axis(0), BLOCK))
            {
                let mut raw = std::mem::take(&mut scratch.raw);
                raw.resize(BLOCK * scores, 0.0);
                self.block(x, scratch, &mut raw);
                for (mut out, raw) in out.rows_mut().into_iter().zip(raw.chunks_mut(scores)) {
                    link.apply(raw);
                    out.iter_mut().zip(raw).for_each(|(out, raw)| *out = *raw);
                }
                scratch.raw = raw;
            }
        });
    }

    vectorised! {
        /// The raw scores of up to [`BLOCK`] rows, row by row.
        fn block(&self, x: ArrayView2<'_, f64>, scratch: &mut Scratch, raw: &mut [f64]) = block_body
    }

    #[inline(always)]
    fn block_body(&self, x: ArrayView2<'_, f64>, scratch: &mut Scratch, raw: &mut [f64]) {
        let scores = self.scores.len();
        let Scratch { codes, row, .. } = scratch;
        if x.nrows() < FEW {
            let codes = grown(codes, self.columns.len());
            for (x, raw) in x.rows().into_iter().zip(raw.chunks_mut(scores)) {
                self.row_body(contiguous(&x, row), codes, raw);
            }
            return;
        }
        // A block with fewer rows also scores what was left over for the others, in vain but in bounds.
        let codes = grown(codes, self.columns.len() * BLOCK);
        for (at, x) in x.rows().into_iter().enumerate() {
            self.columns.encode::<BLOCK>(contiguous(&x, row), &mut codes[at..]);
        }
        for (at, score) in self.scores.iter().enumerate() {
            let mut sums = [score.base; BLOCK];
            for &way in &self.ways[score.trees.clone()] {
                match way {
                    Way::Masks(tree) => self.masks.add(tree, codes, &mut sums),
                    Way::Walk(tree) => self.walk.add(tree, codes, &mut sums),
                }
            }
            raw.iter_mut().skip(at).step_by(scores).zip(sums).for_each(|(raw, sum)| *raw = sum);
        }
    }

    /// Number of codes that [`Forest::encode`] gives for a row.
    pub(crate) fn n_codes(&self) -> usize {
        self.columns.len()
    }

    /// The row's answers to all [`Test`]s.
    pub(crate) fn encode(&self, row: &[f64], codes: &mut [i8]) {
        self.columns.encode::<1>(row, codes);
    }
}

/// The row's values side by side, copied if they are not.
#[inline(always)]
fn contiguous<'a>(x: &'a ndarray::ArrayView1<'_, f64>, row: &'a mut Vec<f64>) -> &'a [f64] {
    match x.as_slice() {
        Some(x) => x,
        None => {
            row.clear();
            row.extend(x);
            row
        }
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
struct Scratch {
    codes: Vec<i8>,
    row: Vec<f64>,
    raw: Vec<f64>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Lends a buffer of `len` codes; their values are left over from before.
fn grown(codes: &mut Vec<i8>, len: usize) -> &mut [i8] {
    if codes.len() < len {
        codes.resize(len, 0);
    }
    &mut codes[..len]
}
