//! What the BG/NBD model expects.
//!
//! A customer who is alive after `x` purchases at age `T` has a rate λ ~ Gamma(r + x, α + T) and, independent
//! of it, a dropout probability p ~ Beta(a, b + x). There are `n` purchases or more if the Poisson process comes
//! to `n` in time and the customer stays after each of the first `n − 1`:
//! `P(Y ≥ n | alive) = B(a, b+x+n−1)/B(a, b+x) · P(NB ≥ n)`,
//! NB being negative binomial with shape `r + x` and `z = t/(α+T+t)`. Summed over `n` that is the expectation
//! (equation 10 of the paper, where it is a Gauss hypergeometric function over `a − 1`), without cancellation
//! and without a special case at `a = 1`.

use super::ahead::{PurchaseModel, span};
use super::beta::beta_cdf;
use super::bg_nbd::{BgNbdLikelihood, BgNbdParams};
use super::fit::log_likelihood;
use super::rising::Rising;
use super::summary::Summary;

/// Terms of a sum; beyond, the expectation is an integral over p.
const TERMS: f64 = 3000.0;
/// Above this, `(1 − z)^(r+x) = e^−this` is no number to begin a recurrence with.
const DEEP: f64 = 600.0;

impl PurchaseModel for BgNbdParams {
    fn name(&self) -> &'static str {
        "BG/NBD"
    }

    fn log_likelihood(&self, of: &Summary) -> f64 {
        log_likelihood::<BgNbdLikelihood>([self.r, self.alpha, self.a, self.b], of)
    }

    fn probability_alive(&self, of: &Summary) -> f64 {
        if of.frequency == 0 {
            return 1.0;
        }
        let x = f64::from(of.frequency);
        let log_ratio = ((self.alpha + of.age) / (self.alpha + of.recency)).ln();
        1.0 / (1.0 + self.a / (self.b + x - 1.0) * ((self.r + x) * log_ratio).exp())
    }

    fn expected_if_alive(&self, frequency: u32, age: f64, times: &[f64], expected: &mut [f64]) {
        let ahead = Ahead::new(self, frequency, age);
        let (mut times, mut expected) = (times, expected);
        while times.len() >= 4 && expected.len() >= 4 {
            let four: [f64; 4] = std::array::from_fn(|i| span(times[i]));
            expected[..4].copy_from_slice(&ahead.expected(four));
            (times, expected) = (&times[4..], &mut expected[4..]);
        }
        for (time, place) in times.iter().zip(expected) {
            [*place] = ahead.expected([span(*time)]);
        }
    }

    fn at_least_if_alive(&self, frequency: u32, age: f64, time: f64, n: u32) -> f64 {
        let Some(before) = n.checked_sub(1) else { return 1.0 };
        let Ahead { shape, rate, a, b } = Ahead::new(self, frequency, age);
        let time = span(time);
        let stays = Rising::new(b, before).ln - Rising::new(a + b, before).ln;
        stays.exp() * beta_cdf(f64::from(n), shape, time / (rate + time))
    }

    fn tails_if_alive(&self, frequency: u32, age: f64, time: f64, floor: f64, tails: &mut Vec<f64>) -> bool {
        tails.clear();
        let Ahead { shape, rate, a, b } = Ahead::new(self, frequency, age);
        let time = span(time);
        let depth = shape * (time / rate).ln_1p();
        if depth > DEEP {
            return false;
        }
        let z = time / (rate + time);
        let (mut tail, mut exactly, mut stays) = (-(-depth).exp_m1(), (-depth).exp(), 1.0);
        let mut n = 0.0;
        while n < TERMS {
            let at_least = f64::max(0.0, stays * tail);
            if at_least < floor {
                return true;
            }
            tails.push(at_least);
            exactly *= z * (shape + n) / (n + 1.0);
            tail -= exactly;
            stays *= (b + n) / (a + b + n);
            n += 1.0;
        }
        false
    }
}

/// The posterior of a customer who is alive.
struct Ahead {
    shape: f64,
    rate: f64,
    a: f64,
    b: f64,
}

impl Ahead {
    fn new(of: &BgNbdParams, frequency: u32, age: f64) -> Self {
        let x = f64::from(frequency);
        Self { shape: of.r + x, rate: of.alpha + age, a: of.a, b: of.b + x }
    }

    /// For several times at once, so that the divisions are shared.
    fn expected<const L: usize>(&self, times: [f64; L]) -> [f64; L] {
        let &Self { shape, rate, a, b } = self;
        let longest = times.iter().copied().fold(0.0, f64::max);
        let (depth, mean) = (shape * (longest / rate).ln_1p(), shape * longest / rate);
        let spread = (mean * (1.0 + longest / rate)).sqrt();
        let terms = mean + 12.0 * spread + 37.0 / (rate / longest).ln_1p();
        if depth > DEEP || terms > TERMS || terms.is_nan() {
            return times.map(|t| self.expected_by_integral(t));
        }
        let z = times.map(|t| t / (rate + t));
        let depths = times.map(|t| shape * (t / rate).ln_1p());
        let first = depths.map(|d| -(-d).exp_m1());
        let (mut tail, mut exactly) = (first, depths.map(|d| (-d).exp()));
        let (mut sum, mut stays, mut n) = ([0.0; L], 1.0, 0.0);
        while n <= TERMS {
            let (ratio, stay) = ((shape + n) / (n + 1.0), (b + n) / (a + b + n));
            let mut left = false;
            for i in 0..L {
                sum[i] += stays * tail[i];
                exactly[i] *= ratio * z[i];
                tail[i] -= exactly[i];
                left |= tail[i] > 1e-14 * first[i];
            }
            if !left {
                break;
            }
            stays *= stay;
            n += 1.0;
        }
        sum
    }

    /// `E[(1 − (1 + p u)^−(r+x)) / p]` over `p`, `u = t/(α+T)`: the trapezoidal rule in the log-odds of `p`,
    /// which converges exponentially; both tails are geometric where they are long.
    fn expected_by_integral(&self, time: f64) -> f64 {
        let &Self { shape, rate, a, b } = self;
        let u = time / rate;
        if u <= 0.0 {
            return 0.0;
        }
        let step = f64::min(0.2, 0.4 * (1.0 / a + 1.0 / b).sqrt());
        let centre = (a / b).ln();
        // ln p, ln (1−p) and the function averaged.
        let parts = |l: f64| {
            let (ln_p, ln_rest) = if l < 0.0 {
                let rest = -l.exp().ln_1p();
                (l + rest, rest)
            } else {
                let p = -(-l).exp().ln_1p();
                (p, p - l)
            };
            let p = ln_p.exp();
            (ln_p, ln_rest, p, -(-shape * (p * u).ln_1p()).exp_m1() / p)
        };
        let weigh = |ln_p: f64, ln_rest: f64| a * ln_p + b * ln_rest;
        let (ln_p, ln_rest, ..) = parts(centre);
        let top = weigh(ln_p, ln_rest);
        let (mut weights, mut sum) = (0.0, 0.0);
        for side in [-1.0, 1.0] {
            let mut k = if side < 0.0 { 1.0 } else { 0.0 };
            loop {
                let (ln_p, ln_rest, p, value) = parts(centre + side * k * step);
                let weight = (weigh(ln_p, ln_rest) - top).exp();
                weights += weight;
                sum += weight * value;
                // Negligible, or from here on a geometric series: weights fall by e^(a step) or e^(b step).
                if weight <= 1e-18 * weights && weight * value <= 1e-18 * sum {
                    break;
                }
                let (small, fall) =
                    if side < 0.0 { (p * (1.0 + shape * u), a) } else { ((1.0 - p) * (1.0 + shape), b) };
                if small < 1e-12 || k > 1e6 {
                    let rest = weight / (fall * step).exp_m1();
                    weights += rest;
                    sum += rest * value;
                    break;
                }
                k += 1.0;
            }
        }
        sum / weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sum_and_integral_agree() {
        for (a, b) in [(0.79, 2.43), (1.0, 2.0), (0.05, 0.4), (30.0, 400.0), (1e-4, 3.0), (2.0, 1e-4)] {
            for (frequency, age) in [(0, 0.0), (0, 39.0), (4, 30.0), (150, 50.0)] {
                let ahead = Ahead::new(&BgNbdParams { r: 0.243, alpha: 4.414, a, b }, frequency, age);
                for time in [1e-6, 1.0, 52.0, 200.0] {
                    let ([sum], integral) = (ahead.expected([time]), ahead.expected_by_integral(time));
                    assert!(
                        (sum / integral - 1.0).abs() < 1e-11,
                        "{a} {b} {frequency} {age} {time}: {sum} {integral}"
                    );
                }
            }
        }
    }
}
