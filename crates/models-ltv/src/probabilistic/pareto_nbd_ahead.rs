//! What the Pareto/NBD model expects.
//!
//! A customer who is alive after `x` purchases at age `T` has a purchase rate λ ~ Gamma(r + x, α + T) and,
//! independent of it, a dropout rate μ ~ Gamma(s, β + T), so that the time until dropout is Lomax. Given the
//! time `u` spent active, purchases are negative binomial; everything below is an average over `u`, in
//! `ln(β + T + u)`.

use super::ahead::{PurchaseModel, span};
use super::beta::beta_cdf;
use super::fit::log_likelihood;
use super::pareto_nbd::{ParetoNbdLikelihood, ParetoNbdParams};
use super::quadrature::composite;
use super::summary::Summary;

/// Terms of a recurrence over purchases.
const TERMS: u32 = 3000;
/// Above this, `(1 − z)^(r+x) = e^−this` is no number to begin a recurrence with.
const DEEP: f64 = 600.0;

impl ParetoNbdParams {
    /// Expected purchases of all the future, each discounted continuously at `rate` per unit of time from when
    /// it happens: DERT of Fader, Hardie & Lee (2005), whose Tricomi function is this integral.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] where the rate is not above 0: the sum may have no end.
    pub fn discounted_residual_purchases(&self, of: &Summary, rate: f64) -> crate::Result<f64> {
        tenure_core::params::require("rate", rate, rate.is_finite() && rate > 0.0, "finite, above 0")?;
        let Ahead { shape, rate: per, s, beta } = Ahead::new(self, of.frequency, of.age);
        // ∫ e^(−rate u) (β'/(β'+u))^s du over u > 0, with u = β' (e^v − 1).
        let eta = rate * beta;
        let far = ((45.0 + 60.0 * f64::max(0.0, 1.0 - s)) / eta).ln_1p();
        let mut sum = 0.0;
        composite(0.0, far, 20.0 * far, |v, h| sum += h * (-eta * v.exp_m1() - (s - 1.0) * v).exp());
        Ok(self.probability_alive(of) * shape / per * beta * sum)
    }
}

/// The posterior of a customer who is alive.
struct Ahead {
    shape: f64,
    rate: f64,
    s: f64,
    beta: f64,
}

/// Times that a customer may stay active within the horizon, with probabilities.
struct Stays {
    times: Vec<f64>,
    weights: Vec<f64>,
}

impl Ahead {
    fn new(of: &ParetoNbdParams, frequency: u32, age: f64) -> Self {
        Self { shape: of.r + f64::from(frequency), rate: of.alpha + age, s: of.s, beta: of.beta + age }
    }

    /// `least` of 16: how many nodes a unit of the logarithm must have at least, for integrands that turn fast.
    fn stays(&self, time: f64) -> Stays {
        let &Self { shape, rate, s, beta } = self;
        let far = (time / beta).ln_1p();
        // Counts given the time turn from unlikely to likely within this share of the time.
        let purchases = shape * time / rate;
        let turn = (1.0 / purchases.max(1e-9) + 1.0 / shape).sqrt().min(1.0);
        let mut stays = Stays { times: vec![time], weights: vec![(-s * far).exp()] };
        composite(0.0, far, (s * far).max(12.0 / turn).min(800.0), |v, h| {
            stays.times.push(beta * v.exp_m1());
            stays.weights.push(h * s * (-s * v).exp());
        });
        stays
    }
}

impl PurchaseModel for ParetoNbdParams {
    fn name(&self) -> &'static str {
        "Pareto/NBD"
    }

    fn log_likelihood(&self, of: &Summary) -> f64 {
        log_likelihood::<ParetoNbdLikelihood>([self.r, self.alpha, self.s, self.beta], of)
    }

    fn probability_alive(&self, of: &Summary) -> f64 {
        1.0 / (1.0 + self.ln_odds_dead(of).exp())
    }

    fn expected_if_alive(&self, frequency: u32, age: f64, times: &[f64], expected: &mut [f64]) {
        let Ahead { shape, rate, s, beta } = Ahead::new(self, frequency, age);
        for (time, place) in times.iter().zip(expected) {
            // The mean time active within t: β' (1 − (1 + t/β')^(1−s)) / (s − 1).
            let far = (span(*time) / beta).ln_1p();
            let power = (1.0 - s) * far;
            let active = if power.abs() < 1e-300 { far } else { far * (power.exp_m1() / power) };
            *place = shape / rate * beta * active;
        }
    }

    fn at_least_if_alive(&self, frequency: u32, age: f64, time: f64, n: u32) -> f64 {
        if n == 0 {
            return 1.0;
        }
        let ahead = Ahead::new(self, frequency, age);
        let stays = ahead.stays(span(time));
        let term = |(t, w): (&f64, &f64)| w * beta_cdf(f64::from(n), ahead.shape, t / (ahead.rate + t));
        stays.times.iter().zip(&stays.weights).map(term).sum()
    }

    fn tails_if_alive(&self, frequency: u32, age: f64, time: f64, floor: f64, tails: &mut Vec<f64>) -> bool {
        tails.clear();
        let ahead = Ahead::new(self, frequency, age);
        let time = span(time);
        if ahead.shape * (time / ahead.rate).ln_1p() > DEEP {
            return false;
        }
        let stays = ahead.stays(time);
        let depths: Vec<f64> = stays.times.iter().map(|t| ahead.shape * (t / ahead.rate).ln_1p()).collect();
        let z: Vec<f64> = stays.times.iter().map(|t| t / (ahead.rate + t)).collect();
        // Already weighted.
        let mut tail: Vec<f64> = depths.iter().zip(&stays.weights).map(|(d, w)| -w * (-d).exp_m1()).collect();
        let mut exactly: Vec<f64> = depths.iter().zip(&stays.weights).map(|(d, w)| w * (-d).exp()).collect();
        for n in 0..TERMS {
            let at_least = tail.iter().sum::<f64>().max(0.0);
            if at_least < floor {
                return true;
            }
            tails.push(at_least);
            let ratio = (ahead.shape + f64::from(n)) / f64::from(n + 1);
            for ((tail, exactly), z) in tail.iter_mut().zip(&mut exactly).zip(&z) {
                *exactly *= ratio * z;
                *tail -= *exactly;
            }
        }
        false
    }
}
