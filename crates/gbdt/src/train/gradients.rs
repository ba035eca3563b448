//! Gradients of all rows, and their sums: chunks of fixed size, added up in order.

use std::ops::Range;

use rayon::prelude::*;

use super::CHUNK;
use super::rows::LabelledRows;
use crate::objective::{ClassRows, Gradient, Loss, Rows, Totals, gradients, softmax};

/// Fills `out` and sums it up: for each raw score a vector of scores and one of gradients. The loss is in the totals
/// of the first.
pub(super) fn sum_gradients(
    loss: &Loss,
    scores: &[Vec<f64>],
    data: &LabelledRows,
    out: &mut [Vec<Gradient>],
    parallel: bool,
) -> Vec<Totals> {
    let mut chunks: Vec<Vec<&mut [Gradient]>> = Vec::new();
    chunks.resize_with(data.rows.len().div_ceil(CHUNK), || Vec::with_capacity(scores.len()));
    for out in out {
        chunks.iter_mut().zip(out.chunks_mut(CHUNK)).for_each(|(chunk, out)| chunk.push(out));
    }
    let sum = |(at, mut out): (usize, Vec<&mut [Gradient]>)| {
        let range = at * CHUNK..at * CHUNK + out[0].len();
        chunk(loss, scores, data, range, &mut out)
    };
    let totals: Vec<Vec<Totals>> = if parallel {
        chunks.into_par_iter().enumerate().map(sum).collect()
    } else {
        chunks.into_iter().enumerate().map(sum).collect()
    };
    let mut sums = vec![Totals::EMPTY; scores.len()];
    for totals in totals {
        sums.iter_mut().zip(totals).for_each(|(sum, part)| *sum = sum.add(part));
    }
    sums
}

/// Σ weight · loss.
pub(super) fn sum_losses(loss: &Loss, scores: &[Vec<f64>], data: &LabelledRows, parallel: bool) -> f64 {
    let n = data.rows.len();
    let sum = |at: usize| {
        let range = at * CHUNK..(at * CHUNK + CHUNK).min(n);
        let mut out = vec![vec![Gradient::default(); range.len()]; scores.len()];
        let mut views: Vec<&mut [Gradient]> = out.iter_mut().map(Vec::as_mut_slice).collect();
        chunk(loss, scores, data, range, &mut views)[0].loss
    };
    let chunks = n.div_ceil(CHUNK);
    let sums: Vec<f64> = if parallel {
        (0..chunks).into_par_iter().map(sum).collect()
    } else {
        (0..chunks).map(sum).collect()
    };
    sums.into_iter().sum()
}

fn chunk(
    loss: &Loss,
    scores: &[Vec<f64>],
    data: &LabelledRows,
    range: Range<usize>,
    out: &mut [&mut [Gradient]],
) -> Vec<Totals> {
    let labels = &data.labels[range.clone()];
    let weights = data.weights.as_ref().map(|w| &w[range.clone()]);
    if let [out] = out {
        let rows = Rows { scores: &scores[0][range], labels, weights };
        return vec![gradients(loss, rows, out)];
    }
    let scores: Vec<&[f64]> = scores.iter().map(|s| &s[range.clone()]).collect();
    let mut totals = vec![Totals::EMPTY; scores.len()];
    softmax(ClassRows { scores: &scores, labels, weights }, out, &mut totals);
    totals
}
