//! What the BG/BB model expects.
//!
//! A customer who is alive after `x` purchases at `n` opportunities buys with a probability
//! p ~ Beta(α + x, β + n − x) and leaves with a probability θ ~ Beta(γ, δ + n), independent of it.

use super::ahead::{PurchaseModel, span};
use super::bg_bb::{BgBbLikelihood, BgBbParams};
use super::fit::{Likelihood, log_likelihood};
use super::rising::Rising;
use super::summary::Summary;

/// Most opportunities looked ahead.
const MOST: f64 = 10_000.0;

struct Ahead {
    alpha: f64,
    beta: f64,
    gamma: f64,
    delta: f64,
}

impl Ahead {
    fn new(of: &BgBbParams, frequency: u32, age: f64) -> Self {
        let x = f64::from(frequency);
        let misses = (age - x).max(0.0);
        Self { alpha: of.alpha + x, beta: of.beta + misses, gamma: of.gamma, delta: of.delta + age }
    }

    fn mean(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// Probability of staying through the next opportunity, having stayed through `j` of them.
    fn stays(&self, j: f64) -> f64 {
        (self.delta + j) / (self.gamma + self.delta + j)
    }
}

fn opportunities(time: f64) -> u32 {
    span(time).min(MOST) as u32
}

impl BgBbParams {
    /// Probability that the customer is alive `ahead` opportunities from now.
    #[must_use]
    pub fn probability_alive_at(&self, of: &Summary, ahead: u32) -> f64 {
        let now = Ahead::new(self, of.frequency, of.age);
        let sums = Rising::new(now.delta, ahead).ln - Rising::new(now.gamma + now.delta, ahead).ln;
        self.probability_alive(of) * sums.exp()
    }

    /// Expected purchases of all the future, the one at the k-th opportunity counting `(1 + rate)^−k` (DERT).
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] where the rate is below 1e-5: the sum would hardly end.
    pub fn discounted_residual_purchases(&self, of: &Summary, rate: f64) -> crate::Result<f64> {
        tenure_core::params::require(
            "rate",
            rate,
            rate.is_finite() && rate >= 1e-5,
            "finite, at least 1e-5",
        )?;
        let ahead = Ahead::new(self, of.frequency, of.age);
        let (mut sum, mut term, mut j) = (0.0, 1.0, 0.0);
        while term > 1e-17 * sum {
            term *= ahead.stays(j) / (1.0 + rate);
            sum += term;
            j += 1.0;
        }
        Ok(self.probability_alive(of) * ahead.mean() * sum)
    }
}

impl PurchaseModel for BgBbParams {
    fn name(&self) -> &'static str {
        "BG/BB"
    }

    fn log_likelihood(&self, of: &Summary) -> f64 {
        log_likelihood::<BgBbLikelihood>([self.alpha, self.beta, self.gamma, self.delta], of)
    }

    fn probability_alive(&self, of: &Summary) -> f64 {
        if of.recency >= of.age {
            return 1.0;
        }
        let parameters = [self.alpha, self.beta, self.gamma, self.delta];
        let tables = BgBbLikelihood::tables(&parameters, &[of.frequency], of.age);
        let whole = BgBbLikelihood::local(&parameters, of, 0, &tables).value;
        let stayed = BgBbLikelihood::stayed(&parameters, of, &tables);
        (stayed - whole).exp().min(1.0)
    }

    fn expected_if_alive(&self, frequency: u32, age: f64, times: &[f64], expected: &mut [f64]) {
        let ahead = Ahead::new(self, frequency, age);
        for (time, place) in times.iter().zip(expected) {
            let (mut sum, mut alive) = (0.0, 1.0);
            for j in 0..opportunities(*time) {
                alive *= ahead.stays(f64::from(j));
                sum += alive;
            }
            *place = ahead.mean() * sum;
        }
    }

    fn at_least_if_alive(&self, frequency: u32, age: f64, time: f64, n: u32) -> f64 {
        let Some(at) = n.checked_sub(1) else { return 1.0 };
        let mut tails = Vec::new();
        self.tails_if_alive(frequency, age, time, 0.0, &mut tails);
        tails.get(at as usize).copied().unwrap_or(0.0)
    }

    /// Always whole. Purchases at `j` opportunities are a Pólya urn: one after the other.
    fn tails_if_alive(&self, frequency: u32, age: f64, time: f64, floor: f64, tails: &mut Vec<f64>) -> bool {
        let ahead = Ahead::new(self, frequency, age);
        let whole = opportunities(time);
        // Of exactly y purchases at the opportunities so far, had the customer stayed; and of y in the end.
        let mut so_far = vec![1.0];
        let mut total = vec![0.0; whole as usize + 1];
        let mut alive = 1.0;
        for j in 0..whole {
            let j = f64::from(j);
            let stays = ahead.stays(j);
            for (sum, p) in total.iter_mut().zip(&so_far) {
                *sum += alive * (1.0 - stays) * p;
            }
            alive *= stays;
            so_far.push(0.0);
            for y in (0..so_far.len()).rev() {
                let buys = |y: usize| (ahead.alpha + y as f64) / (ahead.alpha + ahead.beta + j);
                let came = if y > 0 { so_far[y - 1] * buys(y - 1) } else { 0.0 };
                so_far[y] = so_far[y] * (1.0 - buys(y)).max(0.0) + came;
            }
        }
        for (sum, p) in total.iter_mut().zip(&so_far) {
            *sum += alive * p;
        }
        tails.clear();
        let mut tail = 0.0;
        for p in total[1..].iter().rev() {
            tail += p;
            tails.push(tail);
        }
        tails.reverse();
        tails.truncate(tails.partition_point(|p| *p >= floor));
        true
    }
}
