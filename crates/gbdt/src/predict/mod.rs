//! Scoring: trees compiled for one row and for many.
//!
//! What nodes ask of a row is answered first, for all trees together, in one byte a feature or a little more
//! ([`columns`]). A batch then finds the leaves of a tree without walking it ([`masks`]), in blocks of
//! [`BLOCK`] rows; what does not fit that, and single rows, walk several trees or rows in lockstep ([`walk`]).
//! Whichever way, the leaves are added in the order of the trees, so that all agree bit for bit.
//!
//! No feature of a processor changes an operation or its order, only the width of vector instructions.

mod columns;
mod grid;
mod masks;
#[cfg(target_arch = "x86_64")]
mod tiles;
mod walk;

use std::cell::RefCell;
use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;
use tenure_core::Schema;

use crate::limits;
use crate::link::Link;
use crate::tree::Tree;

pub(crate) use columns::{Columns, Test, TestIndex};
use masks::Masks;
#[cfg(target_arch = "x86_64")]
use tiles::Tiles;
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
    #[cfg(target_arch = "x86_64")]
    tiles: Option<Tiles>,
    /// The trees of the first score, then those of the second, and so on, as they are in [`Walk`].
    ways: Vec<Way>,
    scores: Vec<Score>,
}

/// What one raw score is the sum of.
#[derive(Debug, Clone)]
struct Score {
    base: f64,
    trees: Range<usize>,
    /// Its groups of trees in [`Tiles`].
    #[cfg(target_arch = "x86_64")]
    groups: Range<usize>,
}

impl Forest {
    /// Compiles checked trees for rows of the schema; tree `t` adds to score `t % bases.len()`. Says what is too
    /// large, if anything.
    pub(crate) fn compile(schema: &Schema, bases: &[f64], trees: &[Tree]) -> Result<Self, String> {
        limits::check(schema, trees)?;
        let (columns, index) = Columns::compile(schema, trees);
        limits::check_columns(columns.len())?;
        let mut forest = Self {
            walk: Walk::new(columns.len()),
            #[cfg(target_arch = "x86_64")]
            tiles: Tiles::new(columns.len()),
            columns,
            masks: Masks::default(),
            ways: Vec::new(),
            scores: Vec::new(),
        };
        for (score, &base) in bases.iter().enumerate() {
            let trees: Vec<&Tree> = trees.iter().skip(score).step_by(bases.len()).collect();
            let start = forest.ways.len();
            for tree in &trees {
                let walked = forest.walk.push(tree, &index);
                let masked = forest.masks.push(tree, &index);
                forest.ways.push(masked.map_or(Way::Walk(walked), Way::Masks));
            }
            #[cfg(target_arch = "x86_64")]
            let groups = forest.tiles.as_mut().and_then(|tiles| tiles.push(&trees, &index));
            #[cfg(target_arch = "x86_64")]
            if groups.is_none() {
                forest.tiles = None;
            }
            forest.scores.push(Score {
                base,
                trees: start..forest.ways.len(),
                #[cfg(target_arch = "x86_64")]
                groups: groups.unwrap_or_default(),
            });
        }
        Ok(forest)
    }

    /// The raw scores of one row.
    pub(crate) fn raw_row(&self, row: &[f64], raw: &mut [f64]) {
        if !self.tile_row(row, raw) {
            SCRATCH.with_borrow_mut(|scratch| self.walk_row(row, &mut scratch.codes, raw));
        }
    }

    /// Scores a row by tiles, if there are any.
    fn tile_row(&self, row: &[f64], raw: &mut [f64]) -> bool {
        #[cfg(target_arch = "x86_64")]
        if let Some(tiles) = &self.tiles {
            let mut codes = [0; Tiles::CODES];
            // SAFETY: tiles are only made where the processor has AVX2.
            unsafe { self.one_avx2(tiles, row, &mut codes, raw) };
            return true;
        }
        let _ = (row, raw);
        false
    }

    fn walk_row(&self, row: &[f64], codes: &mut Vec<i8>, raw: &mut [f64]) {
        let codes = grown(codes, self.columns.len());
        self.columns.encode(row, codes);
        for (raw, score) in raw.iter_mut().zip(&self.scores) {
            *raw = self.walk.score(score.trees.clone(), codes, score.base);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn one_avx2(&self, tiles: &Tiles, row: &[f64], codes: &mut [i8; Tiles::CODES], raw: &mut [f64]) {
        self.columns.encode(row, codes);
        for (raw, score) in raw.iter_mut().zip(&self.scores) {
            *raw = tiles.score(score.groups.clone(), codes, score.base);
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
                raw.clear();
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

    /// The raw scores of up to [`BLOCK`] rows, row by row.
    fn block(&self, x: ArrayView2<'_, f64>, scratch: &mut Scratch, raw: &mut [f64]) {
        if x.nrows() < FEW {
            for (x, raw) in x.rows().into_iter().zip(raw.chunks_mut(self.scores.len())) {
                let row = contiguous(&x, &mut scratch.row);
                if !self.tile_row(row, raw) {
                    self.walk_row(row, &mut scratch.codes, raw);
                }
            }
            return;
        }
        #[cfg(target_arch = "x86_64")]
        if crate::simd::avx2() {
            #[target_feature(enable = "avx2")]
            fn with_avx2(this: &Forest, x: ArrayView2<'_, f64>, scratch: &mut Scratch, raw: &mut [f64]) {
                this.block_body::<true>(x, scratch, raw);
            }
            // SAFETY: the only requirement is AVX2, which was just found.
            return unsafe { with_avx2(self, x, scratch, raw) };
        }
        self.block_body::<false>(x, scratch, raw);
    }

    /// With `AVX2` the processor must have it.
    #[inline(always)]
    fn block_body<const AVX2: bool>(&self, x: ArrayView2<'_, f64>, scratch: &mut Scratch, raw: &mut [f64]) {
        // A block with fewer rows also scores what was left over for the others, in vain but in bounds.
        let codes = grown(&mut scratch.codes, self.columns.len() * BLOCK);
        let rows = match x.as_slice() {
            Some(rows) => rows,
            None => {
                scratch.row.clear();
                scratch.row.extend(x.iter());
                &scratch.row
            }
        };
        if self.columns.features() > 0 {
            self.columns.encode_block::<BLOCK>(rows, codes);
        }
        let columns = codes.as_chunks::<BLOCK>().0;
        for (at, score) in self.scores.iter().enumerate() {
            let mut sums = [score.base; BLOCK];
            for &way in &self.ways[score.trees.clone()] {
                match way {
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: the caller answers for AVX2.
                    Way::Masks(tree) if AVX2 => unsafe { self.masks.add_avx2(tree, columns, &mut sums) },
                    Way::Masks(tree) => self.masks.add(tree, columns, &mut sums),
                    Way::Walk(tree) => self.walk.add(tree, codes, &mut sums),
                }
            }
            raw.iter_mut().skip(at).step_by(self.scores.len()).zip(sums).for_each(|(raw, sum)| *raw = sum);
        }
    }

    /// Number of codes that [`Forest::encode`] gives for a row.
    pub(crate) fn n_codes(&self) -> usize {
        self.columns.len()
    }

    /// The row's answers to all [`Test`]s.
    pub(crate) fn encode(&self, row: &[f64], codes: &mut [i8]) {
        self.columns.encode(row, codes);
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

#[cfg(test)]
mod tests;
