//! Passes over the rows: objective, derivatives, and sums at the solution.

use std::iter::StepBy;
use std::ops::Range;

use super::blocks::{self, Blocks, Buffer, ROWS};
use super::direct::Direct;
use super::family::{Family, LikelihoodSums, Shape};
use tenure_gbdt::Threads;

/// The blocks that one piece of work takes at least, and the bytes that all partial sums take at most.
const LEAST_BLOCKS: usize = 16;
const MOST_BYTES: usize = 64 << 20;

/// Rows to learn from, beside what they are to follow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    pub(crate) x: &'a Blocks<'a>,
    pub(crate) y: &'a [f64],
    pub(crate) w: &'a [f64],
    /// Known part of each linear predictor.
    pub(crate) offsets: Option<&'a [f64]>,
    /// Of so many blocks only the first counts: 1 for all rows.
    pub(crate) every: usize,
    pub(crate) shape: Shape,
    pub(crate) threads: &'a Threads,
}

/// Which second derivative a pass sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curvature {
    /// None at all.
    Skipped,
    Expected,
    /// The observed one, where the shape has it.
    Observed,
}

/// What a pass sums, each term times the row's weight.
#[derive(Debug)]
pub(crate) struct Sums {
    /// Infinite where a row has no mean at this point.
    pub(crate) loss: f64,
    /// Sum of the absolute terms of the loss: how large its rounding may be.
    pub(crate) size: f64,
    /// One number a column.
    pub(crate) gradient: Vec<f64>,
    /// Columns × columns, symmetric; `None` where it was not asked for.
    pub(crate) hessian: Option<Vec<f64>>,
    /// Of the rows that count.
    pub(crate) predictors: Vec<f64>,
}

/// Sums at the solution.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) deviance: f64,
    pub(crate) pearson_chi2: f64,
    pub(crate) likelihood: LikelihoodSums,
}

impl Rows<'_> {
    /// How many blocks make a piece of work: follows from the shape of the data alone, so that the order of
    /// additions does not depend on the number of threads.
    fn piece(&self, count: usize) -> usize {
        let partial = self.x.padded().pow(2) * size_of::<f64>();
        let most = (MOST_BYTES / partial.max(1)).clamp(1, 256);
        count.div_ceil(most).max(LEAST_BLOCKS)
    }

    /// `work` on the numbers of the blocks of each piece, in order.
    fn pieces<R: Send>(&self, work: impl Fn(StepBy<Range<usize>>) -> R + Send + Sync) -> Vec<R> {
        let (blocks, every) = (self.x.count(), self.every);
        let count = blocks.div_ceil(every);
        let piece = self.piece(count);
        self.threads.map(count.div_ceil(piece), |at| {
            work((at * piece * every..((at + 1) * piece * every).min(blocks)).step_by(every))
        })
    }

    /// Of the rows that count.
    pub(crate) fn weight(&self) -> f64 {
        let blocks = self.w.chunks(ROWS).step_by(self.every);
        blocks.map(|block| block.iter().sum::<f64>()).sum()
    }

    /// How many rows a block has.
    fn rows_in(&self, number: usize) -> usize {
        ROWS.min(self.x.rows() - number * ROWS)
    }

    /// The known part of the linear predictors of a block.
    fn known(&self, number: usize) -> [f64; ROWS] {
        let mut eta = [0.0; ROWS];
        if let Some(offsets) = self.offsets {
            let rows = self.rows_in(number);
            eta[..rows].copy_from_slice(&offsets[number * ROWS..][..rows]);
        }
        eta
    }

    fn padded(&self, beta: &[f64]) -> Vec<f64> {
        let mut padded = beta.to_vec();
        padded.resize(self.x.padded(), 0.0);
        padded
    }

    /// Objective and derivatives without penalty.
    pub(crate) fn sums(&self, beta: &[f64], curvature: Curvature) -> Sums {
        let (columns, width) = (self.x.columns(), self.x.padded());
        let beta = self.padded(beta);
        let observed = curvature == Curvature::Observed && self.shape.has_observed();
        let wanted = curvature != Curvature::Skipped;
        if !wanted && let Some(direct) = Direct::new(self.x, &beta) {
            return self.direct_sums(&direct);
        }
        let parts = self.pieces(|numbers| {
            let hessian = wanted.then(|| vec![0.0; width * width]);
            let mut part =
                Sums { loss: 0.0, size: 0.0, gradient: vec![0.0; width], hessian, predictors: vec![] };
            let mut buffer = Buffer::default();
            for number in numbers {
                self.add_block(number, self.x.block(number, &mut buffer), &beta, observed, &mut part);
            }
            part
        });
        let mut total = Sums {
            loss: 0.0,
            size: 0.0,
            gradient: vec![0.0; columns],
            hessian: wanted.then(|| vec![0.0; columns * columns]),
            predictors: Vec::with_capacity(self.y.len() / self.every),
        };
        for part in parts {
            total.loss += part.loss;
            total.size += part.size;
            total.predictors.extend_from_slice(&part.predictors);
            for (sum, value) in total.gradient.iter_mut().zip(&part.gradient) {
                *sum += value;
            }
            let (Some(sums), Some(part)) = (&mut total.hessian, &part.hessian) else { continue };
            for i in 0..columns {
                let row = &mut sums[i * columns..][i..columns];
                for (sum, value) in row.iter_mut().zip(&part[i * width..][i..columns]) {
                    *sum += value;
                }
            }
        }
        if let Some(hessian) = &mut total.hessian {
            for i in 0..columns {
                for j in 0..i {
                    hessian[i * columns + j] = hessian[j * columns + i];
                }
            }
        }
        total
    }

    /// Objective and gradient from the rows as they came.
    fn direct_sums(&self, direct: &Direct<'_>) -> Sums {
        let new = || Sums {
            loss: 0.0,
            size: 0.0,
            gradient: vec![0.0; direct.sums()],
            hessian: None,
            predictors: vec![],
        };
        let parts = self.pieces(|numbers| {
            let mut part = new();
            for number in numbers {
                let mut eta = self.known(number);
                direct.scores(number, &mut eta);
                let (slopes, _) = self.add_rows(number, &eta, false, &mut part);
                direct.gradient(number, &slopes, &mut part.gradient);
            }
            part
        });
        let mut total = parts.into_iter().fold(new(), |mut total, part| {
            total.loss += part.loss;
            total.size += part.size;
            total.predictors.extend_from_slice(&part.predictors);
            total.gradient.iter_mut().zip(part.gradient).for_each(|(sum, value)| *sum += value);
            total
        });
        total.gradient = direct.scaled(&total.gradient);
        total
    }

    fn add_block(&self, number: usize, block: &[f64], beta: &[f64], observed: bool, part: &mut Sums) {
        let mut eta = self.known(number);
        blocks::scores(block, beta, &mut eta);
        let (slopes, curvatures) = self.add_rows(number, &eta, observed, part);
        blocks::gradient(block, &slopes, &mut part.gradient);
        if let Some(hessian) = &mut part.hessian {
            blocks::gram(block, &curvatures, hessian);
        }
    }

    /// Adds the losses of a block; gives the weighted derivatives of its rows, 0 beyond them.
    fn add_rows(
        &self,
        number: usize,
        eta: &[f64; ROWS],
        observed: bool,
        part: &mut Sums,
    ) -> ([f64; ROWS], [f64; ROWS]) {
        let first = number * ROWS;
        let rows = self.rows_in(number);
        let (y, w) = (&self.y[first..first + rows], &self.w[first..first + rows]);
        part.predictors.extend_from_slice(&eta[..rows]);
        let (mut slopes, mut curvatures) = ([0.0; ROWS], [0.0; ROWS]);
        for at in 0..rows {
            let terms = self.shape.row(eta[at], y[at], observed);
            part.loss += w[at] * terms.loss;
            part.size += w[at] * terms.loss.abs();
            slopes[at] = w[at] * terms.slope;
            curvatures[at] = w[at] * terms.curvature;
        }
        (slopes, curvatures)
    }

    /// Weighted mean of each column.
    pub(crate) fn means(&self) -> Vec<f64> {
        let parts = self.pieces(|numbers| {
            let mut sums = vec![0.0; self.x.padded()];
            let mut buffer = Buffer::default();
            for number in numbers {
                let first = number * ROWS;
                let rows = ROWS.min(self.x.rows() - first);
                let mut weights = [0.0; ROWS];
                weights[..rows].copy_from_slice(&self.w[first..first + rows]);
                blocks::gradient(self.x.block(number, &mut buffer), &weights, &mut sums);
            }
            sums
        });
        let mut means = vec![0.0; self.x.columns()];
        for part in parts {
            means.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
        }
        let total: f64 = self.w.iter().sum();
        means.iter_mut().for_each(|sum| *sum /= total);
        means
    }

    /// Deviance, Pearson's χ² and the sums of the likelihood, from the linear predictors of all rows.
    pub(crate) fn figures(&self, predictors: &[f64], family: Family) -> Figures {
        let parts = self.pieces(|numbers| {
            let mut part = Figures::default();
            for number in numbers {
                let rows = number * ROWS..number * ROWS + self.rows_in(number);
                for (&eta, row) in predictors[rows.clone()].iter().zip(rows) {
                    let (y, w, mu) = (self.y[row], self.w[row], self.shape.mean(eta));
                    part.deviance += w * self.shape.deviance(y, mu);
                    part.pearson_chi2 += w * ((y - mu).powi(2) / self.shape.variance_at(mu));
                    part.likelihood.add(family, w, y, mu);
                }
            }
            part
        });
        parts.into_iter().fold(Figures::default(), |mut sum, part| {
            sum.deviance += part.deviance;
            sum.pearson_chi2 += part.pearson_chi2;
            sum.likelihood.weight += part.likelihood.weight;
            sum.likelihood.fit += part.likelihood.fit;
            sum.likelihood.target += part.likelihood.target;
            sum
        })
    }

    /// Least and greatest of `sign(y) · x·direction`, where `sign` leaves the rows it gives no sign to out;
    /// `free` is the greatest absolute value among those.
    pub(crate) fn margins(&self, direction: &[f64], sign: impl Fn(f64) -> f64 + Send + Sync) -> Margins {
        let direction = self.padded(direction);
        let parts = self.pieces(|numbers| {
            let mut part = Margins { least: f64::INFINITY, greatest: f64::NEG_INFINITY, free: 0.0 };
            let mut buffer = Buffer::default();
            for number in numbers {
                let mut moved = [0.0; ROWS];
                blocks::scores(self.x.block(number, &mut buffer), &direction, &mut moved);
                let first = number * ROWS;
                for (at, &moved) in moved[..ROWS.min(self.x.rows() - first)].iter().enumerate() {
                    match sign(self.y[first + at]) {
                        0.0 => part.free = f64::max(part.free, moved.abs()),
                        sign => {
                            part.least = part.least.min(sign * moved);
                            part.greatest = part.greatest.max(sign * moved);
                        }
                    }
                }
            }
            part
        });
        parts.into_iter().fold(
            Margins { least: f64::INFINITY, greatest: f64::NEG_INFINITY, free: 0.0 },
            |a, b| Margins {
                least: a.least.min(b.least),
                greatest: a.greatest.max(b.greatest),
                free: a.free.max(b.free),
            },
        )
    }
}

/// How far a direction moves the rows, by the side on which their target is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Margins {
    pub(crate) least: f64,
    pub(crate) greatest: f64,
    pub(crate) free: f64,
}
