//! Passes over the rows as they came: no block is built, scaling is left to the coefficients and sums.
//!
//! A pass without Gram matrix reads each number twice; scaling them first would take as long again. The portable
//! code of a kernel and its AVX2 build agree bit for bit, as those of [`super::blocks`].

use super::blocks::{Blocks, LANES, ROWS, Scaled, dispatched};

/// Mean in standard deviations up to which sums of a column as it is are precise enough: they lose three digits.
const NEAR: f64 = 1e3;
/// Standard deviations, and their inverse, up to which sums of a column as it is cannot overflow.
const LARGE: f64 = 1e100;

/// Rows as they came, and what they are multiplied by.
#[derive(Debug)]
pub(crate) struct Direct<'b> {
    scaled: &'b Scaled<'b>,
    rows: usize,
    features: usize,
    /// Of the features as they are.
    beta: Vec<f64>,
    constant: f64,
}

impl<'b> Direct<'b> {
    /// What unscaled rows have to be multiplied by for the linear predictors of `beta`, which has a number for
    /// each padded column. `None` where blocks are stored, rows are short, or scales are too far apart.
    pub(crate) fn new(x: &'b Blocks<'_>, beta: &[f64]) -> Option<Self> {
        let scaled = x.source()?;
        let (before, columns) = (scaled.before, x.columns());
        let scales = scaled.centres[..columns].iter().zip(&scaled.inverse[..columns]).skip(before);
        let fit = |(c, i): (&f64, &f64)| (c * i).abs() <= NEAR && (LARGE.recip()..LARGE).contains(i);
        if columns - before < LANES || !scales.into_iter().all(fit) {
            return None;
        }
        let plain: Vec<f64> = beta.iter().zip(&scaled.inverse).map(|(b, i)| b * i).collect();
        let shift: f64 = plain.iter().zip(&scaled.centres).map(|(b, c)| b * c).sum();
        let constant = if before == 1 { beta[0] } else { 0.0 } - shift;
        let beta = plain[before..columns].to_vec();
        Some(Self { scaled, rows: x.rows(), features: columns - before, beta, constant })
    }

    fn rows(&self, number: usize) -> &[f64] {
        let (first, last) = (number * ROWS, self.rows.min((number + 1) * ROWS));
        &self.scaled.x[first * self.features..last * self.features]
    }

    /// As [`super::blocks::scores`].
    pub(crate) fn scores(&self, number: usize, out: &mut [f64; ROWS]) {
        out.iter_mut().for_each(|eta| *eta += self.constant);
        row_scores(self.rows(number), &self.beta, out);
    }

    /// As [`super::blocks::gradient`], for the features as they are; the last number is the sum of the slopes.
    pub(crate) fn gradient(&self, number: usize, slopes: &[f64; ROWS], out: &mut [f64]) {
        let Some((sum, out)) = out.split_last_mut() else { return };
        row_gradient(self.rows(number), slopes, out);
        *sum += slopes.iter().sum::<f64>();
    }

    /// Numbers that [`Direct::gradient`] sums.
    pub(crate) fn sums(&self) -> usize {
        self.features + 1
    }

    /// The gradient by the scaled columns.
    pub(crate) fn scaled(&self, sums: &[f64]) -> Vec<f64> {
        let (before, total) = (self.scaled.before, sums[self.features]);
        let scales = self.scaled.centres.iter().zip(&self.scaled.inverse).skip(before);
        let own = sums[..self.features].iter().zip(scales).map(|(s, (c, i))| (s - c * total) * i);
        std::iter::repeat_n(total, before).chain(own).collect()
    }
}

dispatched!(
    /// `out[row] += Σ x[row, column] · beta[column]` for rows one after the other, of at least [`LANES`] columns.
    row_scores, row_scores_avx2, row_scores_any, (x: &[f64], beta: &[f64], out: &mut [f64; ROWS])
);
dispatched!(
    /// `out[column] += Σ x[row, column] · slopes[row]`, for the same rows.
    row_gradient, row_gradient_avx2, row_gradient_any, (x: &[f64], slopes: &[f64; ROWS], out: &mut [f64])
);

/// Rows that are taken together: their sums are chains of their own.
const GROUP: usize = 4;

#[inline(always)]
fn row_scores_any(x: &[f64], beta: &[f64], out: &mut [f64; ROWS]) {
    let width = beta.len();
    let (whole, rest) = beta.as_chunks::<LANES>();
    // The last lanes of a row overlap those before, whose coefficients are 0 here.
    let mut last = [0.0; LANES];
    last[LANES - rest.len()..].copy_from_slice(rest);
    let mut groups = x.chunks_exact(GROUP * width);
    let mut outs = out.chunks_exact_mut(GROUP);
    for (group, out) in groups.by_ref().zip(outs.by_ref()) {
        let rows: [&[f64]; GROUP] = std::array::from_fn(|r| &group[r * width..][..width]);
        let mut sums = [[0.0; LANES]; GROUP];
        for (at, beta) in whole.iter().enumerate() {
            for (sum, row) in sums.iter_mut().zip(rows) {
                let x = &row[at * LANES..][..LANES];
                for lane in 0..LANES {
                    sum[lane] += x[lane] * beta[lane];
                }
            }
        }
        for (sum, row) in sums.iter_mut().zip(rows) {
            let x = &row[width - LANES..][..LANES];
            for lane in 0..LANES {
                sum[lane] += x[lane] * last[lane];
            }
        }
        for (out, s) in out.iter_mut().zip(&sums) {
            *out += ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
        }
    }
    if let Some(out) = outs.next() {
        for (row, out) in groups.remainder().chunks_exact(width).zip(out) {
            *out += row.iter().zip(beta).map(|(x, b)| x * b).sum::<f64>();
        }
    }
}

#[inline(always)]
fn row_gradient_any(x: &[f64], slopes: &[f64; ROWS], out: &mut [f64]) {
    let width = out.len();
    let mut groups = x.chunks_exact(GROUP * width);
    let mut slopes = slopes.chunks_exact(GROUP);
    for (group, slopes) in groups.by_ref().zip(slopes.by_ref()) {
        let rows: [&[f64]; GROUP] = std::array::from_fn(|r| &group[r * width..][..width]);
        for at in 0..width {
            out[at] += (rows[0][at] * slopes[0] + rows[1][at] * slopes[1])
                + (rows[2][at] * slopes[2] + rows[3][at] * slopes[3]);
        }
    }
    if let Some(slopes) = slopes.next() {
        for (row, slope) in groups.remainder().chunks_exact(width).zip(slopes) {
            for (out, x) in out.iter_mut().zip(row) {
                *out += x * slope;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glm::blocks::{self, Buffer};
    use tenure_core::seed::unit;
    use tenure_gbdt::Threads;

    fn rows(rows: usize, features: usize) -> Vec<f64> {
        (0..rows * features)
            .map(|at| 3.0 * unit((at % features) as u64, (at / features) as u64) + 0.7)
            .collect()
    }

    fn scales(features: usize, intercept: bool) -> (Vec<f64>, Vec<f64>) {
        let before = usize::from(intercept);
        let centres = (0..features + before).map(|c| if intercept { 0.1 * c as f64 } else { 0.0 }).collect();
        (centres, (0..features + before).map(|c| 1.0 + c as f64).collect())
    }

    #[test]
    fn sums_are_those_over_blocks() {
        for (count, features, intercept) in [(1, 8, true), (130, 8, false), (301, 9, true), (256, 21, true)] {
            let x = rows(count, features);
            let (centres, inverse) = scales(features, intercept);
            let x = Blocks::scaled(&x, count, intercept, &centres, &inverse);
            let mut beta: Vec<f64> = (0..x.columns()).map(|c| unit(7, c as u64) - 0.5).collect();
            beta.resize(x.padded(), 0.0);
            let direct = Direct::new(&x, &beta).unwrap();
            let mut sums = vec![0.0; direct.sums()];
            let mut expected = vec![0.0; x.padded()];
            for number in 0..x.count() {
                let inside = (count - number * ROWS).min(ROWS);
                let block = &mut Buffer::default();
                let block = x.block(number, block);
                let (mut found, mut eta) = ([0.5; ROWS], [0.5; ROWS]);
                direct.scores(number, &mut found);
                blocks::scores(block, &beta, &mut eta);
                assert!(found[..inside].iter().zip(&eta).all(|(a, b)| (a - b).abs() < 1e-12));
                let slopes =
                    std::array::from_fn(|at| if at < inside { unit(8, at as u64) - 0.5 } else { 0.0 });
                direct.gradient(number, &slopes, &mut sums);
                blocks::gradient(block, &slopes, &mut expected);
            }
            let gradient = direct.scaled(&sums);
            assert_eq!(gradient.len(), x.columns());
            assert!(
                gradient.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-10),
                "{count} × {features}"
            );
        }
    }

    #[test]
    fn scales_far_apart_are_left_to_blocks() {
        let x = rows(10, 8);
        let fits = |centre: f64, inverse: f64| {
            let (mut centres, mut inverses) = scales(8, true);
            (centres[3], inverses[3]) = (centre, inverse);
            let x = Blocks::scaled(&x, 10, true, &centres, &inverses);
            Direct::new(&x, &[0.1; 16]).is_some()
        };
        assert!(fits(1.0, 1.0) && fits(-900.0, 1.0) && fits(0.0, 1e90));
        assert!(!fits(1001.0, 1.0) && !fits(-1001.0, 1.0));
        assert!(!fits(0.0, 1e101) && !fits(0.0, 1e-101));
        let stored = Blocks::build(10, 9, &Threads::One, |_, _| {});
        assert!(Direct::new(&stored, &[0.1; 16]).is_none());
    }

    #[test]
    fn wide_and_portable_kernels_give_the_same_bits() {
        for (count, features) in [(ROWS, 8), (ROWS, 29), (3, 13), (126, 16)] {
            let x = rows(count, features);
            let beta: Vec<f64> = (0..features).map(|c| unit(7, c as u64)).collect();
            let slopes: [f64; ROWS] = std::array::from_fn(|r| unit(8, r as u64));
            let (mut eta, mut plain_eta) = ([0.1; ROWS], [0.1; ROWS]);
            row_scores(&x, &beta, &mut eta);
            row_scores_any(&x, &beta, &mut plain_eta);
            assert_eq!(eta.map(f64::to_bits), plain_eta.map(f64::to_bits));
            let (mut g, mut plain_g) = (vec![0.0; features], vec![0.0; features]);
            row_gradient(&x, &slopes, &mut g);
            row_gradient_any(&x, &slopes, &mut plain_g);
            assert_eq!(g, plain_g);
        }
    }
}
