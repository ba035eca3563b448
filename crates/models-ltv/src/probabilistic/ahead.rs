//! What a model expects of a customer: the part that the purchase models share.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use tenure_core::params::require;

use super::summary::Summary;
use crate::Result;

/// Tail probabilities below this are not followed any further.
const FLOOR: f64 = 1e-12;

/// A model of when customers buy, with its parameters known.
///
/// Times are in the unit of the summaries, from the instant of the summary on; one that is negative or NaN
/// counts as 0. For the BG/BB model times are opportunities, cut to whole ones.
pub trait PurchaseModel: Debug + Send + Sync {
    /// Name, as in messages and artifacts.
    fn name(&self) -> &'static str;

    /// Log-likelihood of one customer's summary.
    fn log_likelihood(&self, of: &Summary) -> f64;

    /// Probability that the customer has not left for good by the instant of the summary.
    fn probability_alive(&self, of: &Summary) -> f64;

    /// For each of some times the expected number of purchases up to it, given that the customer is alive now,
    /// into `expected`.
    fn expected_if_alive(&self, frequency: u32, age: f64, times: &[f64], expected: &mut [f64]);

    /// Probability of `n` purchases or more within `time`, given that the customer is alive now.
    fn at_least_if_alive(&self, frequency: u32, age: f64, time: f64, n: u32) -> f64;

    /// The probabilities of at least 1, 2, … purchases within `time`, given that the customer is alive now, until
    /// they fall below `floor`. False where there would be too many of them: what is in `tails` then is a
    /// beginning, which may be empty.
    fn tails_if_alive(&self, frequency: u32, age: f64, time: f64, floor: f64, tails: &mut Vec<f64>) -> bool;

    /// Expected number of purchases within `time`.
    fn expected_purchases(&self, of: &Summary, time: f64) -> f64 {
        let mut expected = [0.0];
        self.expected_if_alive(of.frequency, of.age, &[time], &mut expected);
        self.probability_alive(of) * expected[0]
    }

    /// Expected number of repeat purchases within `time` of a first purchase, of a customer nothing is known of.
    fn expected_purchases_new(&self, time: f64) -> f64 {
        let mut expected = [0.0];
        self.expected_if_alive(0, 0.0, &[time], &mut expected);
        expected[0]
    }

    /// Probability of exactly `n` purchases within `time`.
    fn purchase_probability(&self, of: &Summary, time: f64, n: u32) -> f64 {
        let alive = self.probability_alive(of);
        let given = self.exactly_if_alive(of.frequency, of.age, time, n);
        if n == 0 { (1.0 - alive) + alive * given } else { alive * given }
    }

    /// Probability of exactly `n` repeat purchases within `time` of a first purchase, of a customer nothing is
    /// known of.
    fn purchase_probability_new(&self, time: f64, n: u32) -> f64 {
        self.exactly_if_alive(0, 0.0, time, n)
    }

    /// Probability of exactly `n` purchases within `time`, given that the customer is alive now.
    fn exactly_if_alive(&self, frequency: u32, age: f64, time: f64, n: u32) -> f64 {
        let mut tails = Vec::new();
        let tail = |n: u32| self.at_least_if_alive(frequency, age, time, n);
        let whole = self.tails_if_alive(frequency, age, time, FLOOR, &mut tails);
        let of = |n: u32| match n.checked_sub(1).map(|i| tails.get(i as usize)) {
            None => 1.0,
            Some(Some(&p)) => p,
            Some(None) if whole => 0.0,
            Some(None) => tail(n),
        };
        (of(n) - of(n.saturating_add(1))).max(0.0)
    }

    /// Expected purchases over the periods of a plan, each discounted from the end of its period.
    fn discounted_purchases(&self, of: &Summary, plan: &ForecastParams) -> f64 {
        self.probability_alive(of) * plan.expected(self, of.frequency, of.age, &mut Vec::new()).1
    }
}

/// What is forecast, and how. Checked when a forecast begins.
///
/// # Example
/// ```
/// use tenure_ltv::probabilistic::{ForecastParams, TimeUnit};
///
/// let year = ForecastParams { discount: 0.01, ..ForecastParams::months(12, TimeUnit::Week) };
/// assert!((year.time() - 52.18).abs() < 0.01);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastParams {
    /// Number of periods ahead, at least 1, at most 1200.
    pub periods: u32,
    /// Length of a period in the unit of the summaries (opportunities for BG/BB), above 0.
    pub period: f64,
    /// Discount a period, at least 0: what is bought in the k-th period counts `(1 + discount)^−k`.
    pub discount: f64,
    /// Coverage of the intervals, above 0, at most 0.999.
    pub level: f64,
}

impl ForecastParams {
    /// So many months of 365.25 / 12 days, no discount, intervals of 90 %.
    #[must_use]
    pub fn months(periods: u32, unit: super::TimeUnit) -> Self {
        Self { periods, period: 365.25 / 12.0 / unit.days(), discount: 0.0, level: 0.9 }
    }

    /// Length of all periods.
    #[must_use]
    pub fn time(&self) -> f64 {
        f64::from(self.periods) * self.period
    }

    pub(crate) fn check(&self) -> Result<()> {
        let Self { periods, period, discount, level } = *self;
        require("periods", periods, (1..=1200).contains(&periods), "at least 1, at most 1200")?;
        require("period", period, period.is_finite() && period > 0.0, "finite, above 0")?;
        require("discount", discount, discount.is_finite() && discount >= 0.0, "finite, at least 0")?;
        require("level", level, level > 0.0 && level <= 0.999, "above 0, at most 0.999")?;
        Ok(())
    }

    /// Expected purchases, and discounted ones, given that the customer is alive.
    pub(crate) fn expected<M: PurchaseModel + ?Sized>(
        &self,
        model: &M,
        frequency: u32,
        age: f64,
        scratch: &mut Vec<f64>,
    ) -> (f64, f64) {
        scratch.clear();
        if self.discount == 0.0 {
            scratch.resize(1, 0.0);
            model.expected_if_alive(frequency, age, &[self.time()], scratch);
            return (scratch[0], scratch[0]);
        }
        let n = self.periods as usize;
        scratch.extend((1..=self.periods).map(|k| f64::from(k) * self.period));
        scratch.resize(2 * n, 0.0);
        let (times, expected) = scratch.split_at_mut(n);
        model.expected_if_alive(frequency, age, times, expected);
        let (mut sum, mut before, mut factor) = (0.0, 0.0, 1.0);
        for &now in &*expected {
            factor /= 1.0 + self.discount;
            sum += (now - before) * factor;
            before = now;
        }
        (before, sum)
    }
}

/// A time that may be anything as one that is finite and at least 0.
pub(crate) fn span(time: f64) -> f64 {
    time.clamp(0.0, 1e200).max(0.0)
}
