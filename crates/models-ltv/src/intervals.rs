//! Ranges that hold what a customer will spend with a stated frequency.
//!
//! 1. Spends are taken to scatter around their mean alike: of those who spend, the ratio of spend to predicted mean
//!    has one distribution `G`, that of held-out customers. With the probability `p` of any spend, the predictive
//!    distribution of a customer is `F(y) = 1 − p + p · G(y / m)`.
//! 2. `C(τ)` is its middle part of probability `τ`. Once the zeros are more than the lower tail, it begins at 0,
//!    and its upper end stays where it is until `τ` reaches `p`: `C(τ)` only ever grows with `τ`.
//! 3. The `τ` that is used is calibrated for each segment of predicted value: of held-out rows, the
//!    `⌈(n + 1) · level⌉`-th smallest `τ` that holds the truth (split conformal prediction with a nested family of
//!    sets; Gupta, Kuchibhotla & Ramdas 2022). So the coverage does not depend on step 1 being right.

use serde::{Deserialize, Serialize};
use tenure_core::{Error, Result};

use crate::decision::Segment;
use crate::value_model::TwoParts;

/// Points that the distribution of ratios is kept at.
const POINTS: usize = 2_001;

/// The distribution of ratios and the calibrated sizes of the ranges.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Intervals {
    pub(crate) level: f64,
    /// Quantiles of the ratio of spend to mean among those who spend, evenly spaced in probability.
    pub(crate) ratios: Vec<f64>,
    /// `τ` of each segment.
    pub(crate) sizes: [f64; 4],
}

/// How often ranges held the truth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SegmentCoverage {
    /// Whose.
    pub segment: Segment,
    /// Rows of it.
    pub rows: usize,
    /// Share whose spend lay in its range.
    pub coverage: f64,
    /// Mean of the predicted values.
    pub predicted: f64,
    /// Mean of the spends.
    pub actual: f64,
}

/// How often ranges held the truth, in all and by segment; segments without rows are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// What was aimed at.
    pub level: f64,
    /// Share of all rows whose spend lay in its range.
    pub overall: f64,
    /// The segments.
    pub segments: Vec<SegmentCoverage>,
}

impl Coverage {
    /// From predicted and actual spends, segments and ranges; `None` without rows.
    pub(crate) fn new(level: f64, rows: &[CoveredRow]) -> Option<Self> {
        if rows.is_empty() {
            return None;
        }
        let share = |rows: &[&CoveredRow], of: fn(&CoveredRow) -> f64| {
            rows.iter().map(|r| of(r)).sum::<f64>() / rows.len() as f64
        };
        let all: Vec<&CoveredRow> = rows.iter().collect();
        let hit = |r: &CoveredRow| f64::from(u8::from(r.low <= r.actual && r.actual <= r.high));
        let segments = Segment::ALL.into_iter().filter_map(|segment| {
            let of: Vec<&CoveredRow> = rows.iter().filter(|r| r.segment == segment).collect();
            (!of.is_empty()).then(|| SegmentCoverage {
                segment,
                rows: of.len(),
                coverage: share(&of, hit),
                predicted: share(&of, |r| r.predicted),
                actual: share(&of, |r| r.actual),
            })
        });
        Some(Self { level, overall: share(&all, hit), segments: segments.collect() })
    }

    /// In words which segments hold more than they should because most of their customers spend nothing.
    pub(crate) fn notes(&self, zeros: impl Fn(Segment) -> f64) -> Vec<String> {
        let over = self.segments.iter().filter(|s| zeros(s.segment) > self.level);
        over.map(|s| {
            format!(
                "segment {}: {:.1} % of the customers spend nothing, more than the {:.0} % that the intervals are \
                 to hold; they hold {:.1} %",
                s.segment,
                100.0 * zeros(s.segment),
                100.0 * self.level,
                100.0 * s.coverage
            )
        })
        .collect()
    }
}

/// A judged row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CoveredRow {
    pub(crate) segment: Segment,
    pub(crate) predicted: f64,
    pub(crate) actual: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Intervals {
    /// Learns from held-out rows.
    pub(crate) fn fit(level: f64, rows: &[TwoParts], segments: &[Segment], actual: &[f64]) -> Result<Self> {
        let paired = rows.iter().zip(actual);
        let mut ratios: Vec<f64> = paired.filter(|(_, y)| **y > 0.0).map(|(p, y)| y / p.size).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let mut made = Self { level, ratios: thinned(&ratios), sizes: [1.0; 4] };
        let sizes: Vec<f64> = rows.iter().zip(actual).map(|(p, y)| made.needed(*p, *y)).collect();
        let all = conformal(sizes.clone(), level);
        for segment in Segment::ALL {
            let own = sizes.iter().zip(segments).filter(|(_, s)| **s == segment).map(|(size, _)| *size);
            made.sizes[segment as usize] = conformal(own.collect(), level).or(all).unwrap_or(1.0);
        }
        Ok(made)
    }

    /// Restores stored numbers.
    pub(crate) fn from_parts(level: f64, ratios: Vec<f64>, sizes: [f64; 4]) -> Result<Self> {
        let rising = ratios.windows(2).all(|w| w[0] <= w[1]);
        let sound = rising && ratios.iter().all(|r| r.is_finite() && *r >= 0.0);
        if sound && sizes.iter().all(|t| (0.0..=1.0).contains(t)) && level > 0.0 && level < 1.0 {
            Ok(Self { level, ratios, sizes })
        } else {
            Err(Error::damaged("the stored intervals are no distribution of ratios with sizes of 0 to 1"))
        }
    }

    /// `G(ratio)`.
    fn below(&self, ratio: f64) -> f64 {
        let (points, last) = (&self.ratios, self.ratios.len().saturating_sub(1));
        let above = points.partition_point(|point| *point <= ratio);
        match (above.checked_sub(1), points.get(above)) {
            (None, _) => 0.0,
            (Some(_), None) => 1.0,
            (Some(at), Some(next)) => {
                let within = (ratio - points[at]) / (next - points[at]);
                ((at as f64 + within) / last as f64).min(1.0)
            }
        }
    }

    /// `G⁻¹(probability)`; 1 where nobody spent.
    fn ratio(&self, probability: f64) -> f64 {
        let Some(last) = self.ratios.len().checked_sub(1) else { return 1.0 };
        let place = probability.clamp(0.0, 1.0) * last as f64;
        let at = (place as usize).min(last);
        let next = (at + 1).min(last);
        self.ratios[at] + (place - at as f64) * (self.ratios[next] - self.ratios[at])
    }

    /// The smallest `τ` whose range holds the spend.
    fn needed(&self, of: TwoParts, spend: f64) -> f64 {
        let p = of.any;
        let u = 1.0 - p + p * self.below(spend / of.size);
        let from_the_middle = (2.0 * u - 1.0).abs();
        if spend > 0.0 && from_the_middle < 2.0 * p - 1.0 {
            from_the_middle
        } else if spend <= 0.0 || u <= p {
            (2.0 * p - 1.0).max(0.0)
        } else {
            u
        }
    }

    /// The range of a customer.
    pub(crate) fn range(&self, of: TwoParts, segment: Segment) -> (f64, f64) {
        let (p, size) = (of.any, self.sizes[segment as usize]);
        let quantile = |u: f64| {
            let zeros = 1.0 - p;
            if u <= zeros || p <= 0.0 { 0.0 } else { of.size * self.ratio((u - zeros) / p) }
        };
        if size < 2.0 * p - 1.0 {
            (quantile(0.5 * (1.0 - size)), quantile(0.5 * (1.0 + size)))
        } else {
            (0.0, quantile(size.max(p)))
        }
    }
}

/// At most [`POINTS`] quantiles of sorted numbers.
fn thinned(sorted: &[f64]) -> Vec<f64> {
    if sorted.len() <= POINTS {
        return sorted.to_vec();
    }
    let last = (sorted.len() - 1) as f64;
    let at = |i: usize| {
        let place = i as f64 / (POINTS - 1) as f64 * last;
        let (low, high) = (sorted[place as usize], sorted[place.ceil() as usize]);
        low + place.fract() * (high - low)
    };
    (0..POINTS).map(at).collect()
}

/// The `⌈(n+1)·level⌉`-th smallest; `None` for too few.
fn conformal(mut sizes: Vec<f64>, level: f64) -> Option<f64> {
    // Without the allowance, 0.9 × 10 counts as a little more than 9.
    let rank = ((sizes.len() + 1) as f64 * level - 1e-9).ceil().max(1.0) as usize;
    (rank <= sizes.len()).then(|| *sizes.select_nth_unstable_by(rank - 1, f64::total_cmp).1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use tenure_core::seed;

    fn fitted(level: f64) -> Intervals {
        let ratios = (1..=1000).map(|i| f64::from(i) / 500.0).collect();
        Intervals::from_parts(level, ratios, [0.5; 4]).unwrap()
    }

    #[test]
    fn a_range_holds_the_truth_from_the_size_on_that_it_needs() {
        let mut intervals = fitted(0.9);
        for (part, p) in [0.0, 0.03, 0.4, 0.55, 0.8, 0.95, 1.0].into_iter().enumerate() {
            for draw in 0..200 {
                let spend = 60.0 * (seed::unit(part as u64, draw) - 0.4).max(0.0);
                let of = TwoParts { any: p, size: 20.0 };
                if p == 0.0 && spend > 0.0 || p == 1.0 && spend <= 0.0 {
                    continue;
                }
                let needed = intervals.needed(of, spend);
                for (size, holds) in [(needed - 1e-6, false), (needed + 1e-6, true), (1.0, true)] {
                    if !(0.0..=1.0).contains(&size) {
                        continue;
                    }
                    intervals.sizes = [size; 4];
                    let (low, high) = intervals.range(of, Segment::Low);
                    assert!(low <= high);
                    let beyond = spend > 20.0 * 2.0;
                    let held = low <= spend && spend <= high;
                    assert!(held == holds || beyond, "p {p}, spend {spend}, size {size}: {low} to {high}");
                }
            }
        }
    }

    #[test]
    fn calibrated_ranges_cover_new_rows_however_wrong_the_distribution_is() {
        let draw = |part: u64, n: u64| {
            let unit = |k: u64| seed::unit(part, 3 * n + k);
            let truth = 0.2 + 0.8 * unit(0);
            // The model is told a probability that is too high, and means whose errors grow with them.
            let of = TwoParts { any: (1.3 * truth).min(1.0), size: 100.0 * truth };
            let spend = if unit(1) < truth { of.size * (2.0 * truth * (unit(2) - 0.5)).exp() } else { 0.0 };
            let segment = if truth > 0.6 { Segment::High } else { Segment::Low };
            (of, segment, spend)
        };
        let column = |part: u64| -> (Vec<TwoParts>, Vec<Segment>, Vec<f64>) {
            let rows: Vec<_> = (0..20_000).map(|n| draw(part, n)).collect();
            (
                rows.iter().map(|r| r.0).collect(),
                rows.iter().map(|r| r.1).collect(),
                rows.iter().map(|r| r.2).collect(),
            )
        };
        let (of, segments, spends) = column(1);
        let intervals = Intervals::fit(0.9, &of, &segments, &spends).unwrap();
        let (of, segments, spends) = column(2);
        for segment in [Segment::Low, Segment::High] {
            let rows = (0..of.len()).filter(|&i| segments[i] == segment);
            let (mut held, mut all) = (0.0, 0.0);
            for i in rows {
                let (low, high) = intervals.range(of[i], segment);
                held += f64::from(u8::from(low <= spends[i] && spends[i] <= high));
                all += 1.0;
            }
            let coverage: f64 = held / all;
            assert!((coverage - 0.9).abs() < 0.01, "{segment}: {coverage}");
        }
    }

    #[test]
    fn too_few_rows_have_the_widest_range() {
        let one = [TwoParts { any: 1.0, size: 10.0 }];
        let intervals = Intervals::fit(0.9, &one, &[Segment::Vip], &[12.0]).unwrap();
        assert_eq!(intervals.sizes, [1.0; 4]);
        assert_eq!(intervals.range(one[0], Segment::Vip), (0.0, 12.0));
    }
}
