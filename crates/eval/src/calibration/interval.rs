//! How sure a calibrated probability is.
//!
//! For a probability p, the m held-out rows closest to it by rank are looked at: their mean probability p̄, and
//! Jeffreys' interval [l, h] of the rate observed among them, the quantiles of Beta(k+½, m−k+½) for k
//! positives. That interval is about p̄; it is moved to p in log-odds,
//! `low(p) = σ(logit p + logit l − logit p̄)`, and `high` in the same way, so that a window with scores from
//! 0.2 to 0.3 does not blame 0.2 for being less than 0.25. This is done at up to 200 probabilities spread evenly
//! over the held-out rows (ties kept whole), and is linear in between.
//!
//! m is `n^(2/3)`, at least 100 (or all rows, where there are fewer): windows get narrower and surer at the same
//! time as n grows.
//!
//! **What is covered.** The [`band`](CalibratedInterval::band) holds the true rate of positives among customers
//! with this probability in a share `level` of cases, over repeated held-out samples and over customers, as long
//! as the error of calibration is about the same within a window. It is not a band for the single customer's
//! own unknown probability, which no amount of 0/1 outcomes shows, and it does not cover all probabilities at
//! once. It follows the noise of the held-out rows: it may fall where the probability rises, and may leave the
//! probability outside.
//!
//! The [`interval`](CalibratedInterval::interval) is for showing: the band's two ends made rising by pooling
//! adjacent violators, then widened to hold the probability itself. Pooling averages noise away without narrowing
//! the interval, so that it covers 2 to 3 points more than the level; where the model is calibrated, widening
//! makes it cover always.

use serde::{Deserialize, Serialize};

use super::EDGE;
use crate::check::{self, Pairs};
use crate::rank;
use crate::stats::{expit, interpolate, jeffreys, logit, pool_adjacent_violators};
use crate::{Error, Result};

const MAX_POINTS: usize = 200;
const MIN_WINDOW_ROWS: usize = 100;

/// A range of rates, `0 ≤ low ≤ high ≤ 1`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// How sure it is that the rate is below `bound`, 0 to 1, given the probability that the interval is around and
    /// the interval's `level`: log-odds are taken as logistically distributed on either side of the probability, each
    /// side scaled to its end of the interval.
    #[must_use]
    pub fn rate_below(&self, bound: f64, probability: f64, level: f64) -> f64 {
        if bound <= 0.0 || bound > 1.0 {
            return f64::from(u8::from(bound > 0.0));
        }
        let at = logit(probability, EDGE);
        let end = logit(if bound < probability { self.low } else { self.high }, EDGE);
        // The level's share of a logistic distribution lies within ln((1 + level) / (1 − level)) scales.
        let scale = (end - at).abs() / ((1.0 + level) / (1.0 - level)).ln();
        let distance = logit(bound, EDGE) - at;
        match distance {
            0.0 => 0.5,
            d if scale > 0.0 => expit(d / scale),
            d => f64::from(u8::from(d > 0.0)),
        }
    }
}

/// For a calibrated probability, the interval of the rate among similar held-out cases; plain data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Table", into = "Table")]
pub struct CalibratedInterval {
    level: f64,
    low: Curve,
    high: Curve,
    rising_low: Curve,
    rising_high: Curve,
}

/// Points of rising probability.
type Curve = Vec<(f64, f64)>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    level: f64,
    probabilities: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl CalibratedInterval {
    /// The level that [`CalibratedInterval::fit`] is usually given.
    pub const DEFAULT_LEVEL: f64 = 0.90;

    /// Learns from calibrated probabilities of held-out rows and their labels. The rows must have served
    /// neither the model nor the calibrator, or the intervals are too narrow.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Lengths`], [`Error::Value`] for a label or probability out of range,
    /// [`Error::Parameter`] for a `level` not between 0 and 1. One class is enough.
    pub fn fit(probabilities: &[f64], labels: &[f64], level: f64) -> Result<Self> {
        check::level(level)?;
        let pairs = Pairs::probabilities(labels, probabilities, None)?;
        let sorted = Sorted::new(pairs);
        let window = ((pairs.len() as f64).powf(2.0 / 3.0).ceil() as usize).max(MIN_WINDOW_ROWS);
        let points = sorted.points(window, level);
        Self::try_from(Table {
            level,
            probabilities: points.iter().map(|(p, _)| *p).collect(),
            low: points.iter().map(|(_, interval)| interval.low).collect(),
            high: points.iter().map(|(_, interval)| interval.high).collect(),
        })
    }

    /// The level stated at fitting.
    #[must_use]
    pub fn level(&self) -> f64 {
        self.level
    }

    /// The rates that the held-out cases around this probability speak for, at the stated level. It may not hold
    /// the probability itself: then the calibration is off there, or chance had it so. NaN gives [0, 1].
    #[must_use]
    pub fn band(&self, probability: f64) -> Interval {
        between(&self.low, &self.high, probability)
    }

    /// The band made rising and widened to hold the probability itself: both ends rise with it. NaN gives
    /// [0, 1].
    #[must_use]
    pub fn interval(&self, probability: f64) -> Interval {
        let rising = between(&self.rising_low, &self.rising_high, probability);
        // `min` and `max` pass over a NaN.
        let p = probability.clamp(0.0, 1.0);
        Interval { low: rising.low.min(p), high: rising.high.max(p) }
    }
}

fn between(low: &[(f64, f64)], high: &[(f64, f64)], probability: f64) -> Interval {
    if probability.is_nan() {
        return Interval { low: 0.0, high: 1.0 };
    }
    let p = probability.clamp(0.0, 1.0);
    Interval { low: interpolate(low, p), high: interpolate(high, p) }
}

/// Held-out rows by rising probability, with counts of positives and sums of probabilities before each row.
struct Sorted {
    probabilities: Vec<f64>,
    positives: Vec<f64>,
    sums: Vec<f64>,
}

impl Sorted {
    fn new(pairs: Pairs<'_>) -> Self {
        let mut order = rank::descending(pairs.predicted);
        order.reverse();
        let (mut positives, mut sums) = (vec![0.0], vec![0.0]);
        let (mut hits, mut sum) = (0.0, 0.0);
        for &row in &order {
            hits += pairs.actual[row];
            sum += pairs.predicted[row];
            positives.push(hits);
            sums.push(sum);
        }
        Self { probabilities: order.iter().map(|&row| pairs.predicted[row] + 0.0).collect(), positives, sums }
    }

    /// The interval at each of up to [`MAX_POINTS`] distinct probabilities.
    fn points(&self, window: usize, level: f64) -> Vec<(f64, Interval)> {
        let last = self.probabilities.len() - 1;
        let count = MAX_POINTS.min(last + 1);
        let mut ranks: Vec<usize> = (0..count).map(|i| i * last / (count - 1).max(1)).collect();
        ranks.dedup_by(|a, b| self.probabilities[*a] == self.probabilities[*b]);
        ranks.iter().map(|&rank| (self.probabilities[rank], self.at(rank, window, level))).collect()
    }

    fn at(&self, rank: usize, window: usize, level: f64) -> Interval {
        let p = &self.probabilities;
        let rows = window.min(p.len());
        // All rows with this probability are alike: centre on the middle of the tie, and never cut one.
        let (tie, tie_end) = (p.partition_point(|&q| q < p[rank]), p.partition_point(|&q| q <= p[rank]));
        let start = ((tie + tie_end) / 2).saturating_sub(rows / 2).min(p.len() - rows);
        let start = p.partition_point(|&q| q < p[start]);
        let end = p.partition_point(|&q| q <= p[(start + rows).min(p.len()) - 1]);
        let (start, end) = (start.min(tie), end.max(tie_end));
        let rows = (end - start) as f64;
        let mean = (self.sums[end] - self.sums[start]) / rows;
        let (low, high) = jeffreys(self.positives[end] - self.positives[start], rows, level);
        let shift = logit(p[rank], EDGE) - logit(mean, EDGE);
        Interval { low: moved(low, shift), high: moved(high, shift) }
    }
}

/// A rate moved in log-odds; 0 and 1 stay where they are.
fn moved(rate: f64, shift: f64) -> f64 {
    if rate <= 0.0 || rate >= 1.0 { rate } else { expit(logit(rate, f64::MIN_POSITIVE) + shift) }
}

impl TryFrom<Table> for CalibratedInterval {
    type Error = Error;

    fn try_from(table: Table) -> Result<Self> {
        let Table { level, probabilities, low, high } = table;
        check::level(level)?;
        check::same_length("lower ends", probabilities.len(), low.len())?;
        check::same_length("upper ends", probabilities.len(), high.len())?;
        let in_range = |values: &[f64]| values.iter().all(|v| (0.0..=1.0).contains(v));
        let sound = !probabilities.is_empty()
            && [&probabilities, &low, &high].into_iter().all(|values| in_range(values))
            && probabilities.windows(2).all(|w| w[0] < w[1])
            && low.iter().zip(&high).all(|(low, high)| low <= high);
        if !sound {
            let reason = "its probabilities do not rise, or its ends leave [0, 1] or cross";
            return Err(Error::undefined("the stored interval table", reason));
        }
        let curve =
            |ends: &[f64]| -> Curve { probabilities.iter().copied().zip(ends.iter().copied()).collect() };
        let rising = |ends: &[f64]| {
            let mut pooled = ends.to_vec();
            pool_adjacent_violators(&mut pooled, &vec![1.0; ends.len()]);
            curve(&pooled)
        };
        Ok(Self {
            level,
            rising_low: rising(&low),
            rising_high: rising(&high),
            low: curve(&low),
            high: curve(&high),
        })
    }
}

impl From<CalibratedInterval> for Table {
    fn from(fitted: CalibratedInterval) -> Self {
        Self {
            level: fitted.level,
            probabilities: fitted.low.iter().map(|p| p.0).collect(),
            low: fitted.low.into_iter().map(|p| p.1).collect(),
            high: fitted.high.into_iter().map(|p| p.1).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_below_the_ends_with_what_the_level_leaves() {
        let interval = Interval { low: 0.4, high: 0.7 };
        let below = |bound| interval.rate_below(bound, 0.55, 0.9);
        assert!((below(0.4) - 0.05).abs() < 1e-12);
        assert!((below(0.7) - 0.95).abs() < 1e-12);
        assert_eq!((below(0.55), below(f64::NEG_INFINITY), below(f64::INFINITY)), (0.5, 0.0, 1.0));
        let exact = Interval { low: 0.55, high: 0.55 };
        assert_eq!([0.5, 0.6].map(|b| exact.rate_below(b, 0.55, 0.9)), [0.0, 1.0]);
    }
}
